"""Scripts that are written without spaces between words: Chinese, Japanese, Thai, Lao, Khmer and Burmese."""

from __future__ import annotations

import re

LANGUAGES_WITHOUT_SPACES = ("ja", "th", "zh")
"""Those languages among the known ones whose words no spaces tell apart."""

_IDEOGRAPHS = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_ALPHABETS = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"
    "\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3"
)
_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059\u17b6-\u17d3"

SIGNS = _IDEOGRAPHS + _KANA + _ALPHABETS
"""Signs that each count as a word, as in a regular expression's set."""

SIGNS_AND_MARKS = SIGNS + _MARKS
"""Likewise with the vowels and tones that stand above, below and beside a sign."""

_WORDS = re.compile(r"\S+")
# What follows a sign and is no letter (a mark, a comma) is counted with it.
_WORDS_AND_SIGNS = re.compile(rf"[{SIGNS}][^\w\s]*|[^\s{SIGNS}]+")


def counted_words(language: str | None) -> re.Pattern[str]:
    """Get the pattern of what counts as a word where lengths are counted.

    Args:
        language: The language of the texts; None where it is not said.

    Returns:
        A pattern that finds what stands between white space; of a language written without spaces also every sign.
        Together the words of a text are all of it but its white space.
    """
    return _WORDS_AND_SIGNS if language in LANGUAGES_WITHOUT_SPACES else _WORDS
