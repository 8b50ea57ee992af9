"""Where sentences end: rules for running text in English, made for the prose of studies.

A full stop ends a sentence where white space and then no small letter follow, unless what stands before it is
an abbreviation, an initial, or the number of a list's item. Decimal numbers have no white space after the
stop. In doubt two sentences stay one, since half a sentence is worse to retrieve than two.
"""

from __future__ import annotations

import re

from ragtally_chunkers.layout import OPENINGS

_NEXT_WORD = re.compile(rf"\s*+[{re.escape(OPENINGS)}]*+(\w*+)")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*+")
# How many characters before a full stop are looked at.
LONGEST_TOKEN = 24


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _words(
    "dr drs mr mrs ms mx prof hon rev gen col capt lt sgt messrs mmes mt ft "
    "e.g eg i.e ie vs v cf viz approx ca c.f resp incl excl esp spp subsp var sp "
)
_BEFORE_NUMBERS = _words(
    "fig figs eq eqs eqn eqns no nos nr vol vols ref refs p pp ch chap sec sect tab art suppl app ed eds ver "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_SOMETIMES_LAST = _words("al etc inc ltd co corp bros jr sr st dept univ assn ph.d max min hr hrs wk wks yr yrs mo")
_STARTERS = _words(
    "the this these those that a an it its we our they their he she his her there here in on at of for from to "
    "with without within after before during when where while if as by both all no not most many some several "
    "each one two three however thus therefore hence although though moreover furthermore additionally finally "
    "but and or yet so because since compared patients subjects participants results conclusions conclusion "
    "methods background objective objectives data among between overall"
)


# Every word after which a full stop may end no sentence, in small letters.
ABBREVIATIONS = _NEVER_LAST | _BEFORE_NUMBERS | _SOMETIMES_LAST


def ends_here(text: str, begin: int, mark: int, end: int) -> bool:
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
    if lower in _NEVER_LAST:
        return False
    if lower in _BEFORE_NUMBERS and (word[:1].isdigit() or (len(word) == 1 and word.isupper())):
        return False
    if lower in _SOMETIMES_LAST or _INITIALS.fullmatch(token):
        return word.lower() in _STARTERS
    # "1. Introduction": the number of an item belongs to what it numbers.
    return not (token.isdigit() and text[begin:mark].strip() == token)
