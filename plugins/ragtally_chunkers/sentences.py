"""Where sentences end: rules for running text, made for the prose of studies, with the abbreviations of English.

Another language's abbreviations come on top of these, and the ordinal numbers of German (`am 3. Oktober`).

A full stop ends a sentence where white space and then no small letter follow, unless what stands before it is
an abbreviation, an initial, or the number of a list's item. Decimal numbers have no white space after the
stop. In doubt two sentences stay one, since half a sentence is worse to retrieve than two.
"""

from __future__ import annotations

import re

from ragtally_chunkers.abbreviations import BEFORE_NUMBERS, NEVER_LAST, OF_LANGUAGE, SOMETIMES_LAST, STARTERS
from ragtally_chunkers.layout import OPENINGS

_NEXT_WORD = re.compile(rf"\s*+[{re.escape(OPENINGS)}]*+(\w*+)")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*+")
# How many characters before a full stop are looked at.
LONGEST_TOKEN = 24


def ends_here(text: str, begin: int, mark: int, end: int, language: str | None = None) -> bool:
    """Whether a sentence ends at marks that white space follows."""
    following = _NEXT_WORD.match(text, end)
    word = following.group(1) if following else ""
    if word[:1].islower() and word.islower() and word.isalpha():
        return False
    if text[mark] != "." or text[mark + 1] == ".":
        return True
    before = text[max(begin, mark - LONGEST_TOKEN) : mark].split()
    token = before[-1].lstrip(OPENINGS) if before else ""
    lower = token.lower()
    if lower in NEVER_LAST or lower in OF_LANGUAGE.get(language or "", ()):
        return False
    if language == "de" and token.isdigit() and len(token) < 3:
        return False
    if lower in BEFORE_NUMBERS and (word[:1].isdigit() or (len(word) == 1 and word.isupper())):
        return False
    if lower in SOMETIMES_LAST or _INITIALS.fullmatch(token):
        return word.lower() in STARTERS
    # "1. Introduction": the number of an item belongs to what it numbers.
    return not (token.isdigit() and text[begin:mark].strip() == token)
