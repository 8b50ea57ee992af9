"""Folding of text: what looks the same is made the same, in time linear in the text's length."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

_QUOTES = {**dict.fromkeys("“”„‟«»＂", '"'), **dict.fromkeys("‘’‚‛‹›＇", "'")}
_DASHES = {**dict.fromkeys("‐‑‒–−", "-"), "—": " - ", "―": " - "}
_DECORATION = frozenset("*_~`#>|-\\\"'.,;:!…。、•·")
_DECORATION_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Ps", "Pe", "Pi", "Pf", "So", "Mn"})

# Cyrillic, Greek and Armenian letters that look like a Latin one, after Unicode Technical Standard 39
# (confusables.txt), kept to the letters that a reader could take for English.
_LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυχոսօ",
    "ABESIJKMHOPCTYXaesijopcyxhdqwABEZHIKMNOPTYXaivopuxnuo",
)


class _Fold(dict[int, str | None]):
    """The folded form of each character, found when first needed."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        equivalent: str | None = _QUOTES.get(character) or _DASHES.get(character)
        if equivalent is None and unicodedata.category(character) != "Cf":
            equivalent = unicodedata.normalize("NFKC", character)
        self[code] = equivalent
        return equivalent


_FOLD = _Fold()


class Forms(NamedTuple):
    """A short text, ever more coarsely: two texts that share a form share all later ones."""

    plain: str  # Folded, white space collapsed
    bare: str  # Without regard to case, and without markdown, quotes, brackets and punctuation at either end
    latin: str  # With letters of other scripts that look Latin taken for Latin ones


def fold(text: str) -> str:
    """Make full-width letters, styled letters, quotes and dashes plain, and drop invisible characters."""
    # Each character is folded by itself: Unicode normalisation of a whole text takes quadratic time on long runs of
    # combining marks.
    return text if text.isascii() else text.translate(_FOLD)


def strip_decoration(text: str) -> str:
    """Take markdown, quotes, brackets, bullets, emoji and closing punctuation off both ends."""
    # A question mark stays: "yes?" is not "yes".
    start, end = 0, len(text)
    while start < end and _is_decoration(text[start]):
        start += 1
    while end > start and _is_decoration(text[end - 1]):
        end -= 1
    return text[start:end]


def forms(text: str) -> Forms:
    """Write a short text in its three forms."""
    normal = " ".join(unicodedata.normalize("NFKC", fold(text)).split())
    bare = strip_decoration(normal)
    return Forms(normal, bare.casefold(), look_latin(bare))


def look_latin(text: str) -> str:
    """Take look-alikes for Latin letters, without regard to case."""
    return text.translate(_LOOK_ALIKES).casefold()


def _is_decoration(character: str) -> bool:
    return character in _DECORATION or unicodedata.category(character) in _DECORATION_CATEGORIES
