"""Folding of text: what looks the same is made the same, in time linear in the text's length."""

from __future__ import annotations

import re
import unicodedata

_QUOTES = {**dict.fromkeys("“”„‟«»＂", '"'), **dict.fromkeys("‘’‚‛‹›＇", "'")}
_DASHES = {**dict.fromkeys("‐‑‒–−", "-"), "—": " - ", "―": " - "}

# Cyrillic, Greek and Armenian letters that look Latin, of Unicode Technical Standard 39 (confusables.txt).
LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυχոսօ",
    "ABESIJKMHOPCTYXaesijopcyxhdqwABEZHIKMNOPTYXaivopuxnuo",
)
_CHUNK = re.compile(r"\S{1,64}")


class _Fold(dict[int, str | None]):
    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        equivalent: str | None = _QUOTES.get(character) or _DASHES.get(character)
        if equivalent is None and unicodedata.category(character) not in ("Cf", "Co", "Cs"):
            equivalent = unicodedata.normalize("NFKC", character)
        self[code] = equivalent
        return equivalent


_FOLD = _Fold()


def fold(text: str) -> str:
    """Make full-width letters, styled letters, quotes and dashes plain, compose accents, drop what is invisible."""
    if text.isascii():
        return text
    # By characters and short pieces: normalising a whole text takes quadratic time on long runs of combining marks.
    return _CHUNK.sub(lambda piece: unicodedata.normalize("NFC", piece[0]), text.translate(_FOLD))
