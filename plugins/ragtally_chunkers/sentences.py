"""Where sentences end: rules for running text in English, made for the prose of studies.

A full stop ends a sentence where white space and then no small letter follow, unless what stands before it is
an abbreviation, an initial, or the number of a list's item. Decimal numbers have no white space after the
stop. In doubt two sentences stay one, since half a sentence is worse to retrieve than two.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_MARKS = re.compile(r"""[.!?…。！？｡]++["'”’»)\]}」』）]*+|\n[^\S\n]*+\n""")
_NEXT_WORD = re.compile(r"""\s*+["'“‘«(\[{¿¡]*+(\w*+)""")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*+")
_IDEOGRAPHIC = frozenset("。！？｡")
_OPENING = "([{\"'“‘«¿¡"
_LONGEST_ABBREVIATION = 24


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


def split_sentences(text: str, breaks: Collection[int], starts: list[int], ends: list[int]) -> None:
    """Split one text into sentences, without white space at their ends.

    Args:
        text: The text.
        breaks: Offsets at which a sentence ends whatever stands there (where sections start and end).
        starts: Gets each sentence's first offset, in order.
        ends: Gets the offset just past each sentence's last character.
    """
    cuts = _sentence_ends(text)
    if breaks:
        cuts = sorted({*cuts, *(cut for cut in breaks if 0 < cut < len(text))})
    cuts.append(len(text))
    begin = 0
    for cut in cuts:
        piece = text[begin:cut]
        words = piece.strip()
        if words:
            first = begin + len(piece) - len(piece.lstrip())
            starts.append(first)
            ends.append(first + len(words))
        begin = cut


def _sentence_ends(text: str) -> list[int]:
    cuts: list[int] = []
    begin, length = 0, len(text)
    for match in _MARKS.finditer(text):
        mark, end = match.start(), match.end()
        if end == length:
            break
        first = text[mark]
        if first == "\n" or first in _IDEOGRAPHIC or (text[end].isspace() and _ends_here(text, begin, mark, end)):
            cuts.append(end)
            begin = end
    return cuts


def _ends_here(text: str, begin: int, mark: int, end: int) -> bool:
    following = _NEXT_WORD.match(text, end)
    word = following.group(1) if following else ""
    if word[:1].islower() and word.islower() and word.isalpha():
        return False
    if text[mark] != "." or text[mark + 1] == ".":
        return True
    before = text[max(begin, mark - _LONGEST_ABBREVIATION) : mark].split()
    token = before[-1].lstrip(_OPENING) if before else ""
    lower = token.lower()
    if lower in _NEVER_LAST:
        return False
    if lower in _BEFORE_NUMBERS and (word[:1].isdigit() or (len(word) == 1 and word.isupper())):
        return False
    if lower in _SOMETIMES_LAST or _INITIALS.fullmatch(token):
        return word.lower() in _STARTERS
    # "1. Introduction": the number of an item belongs to what it numbers.
    return not (token.isdigit() and text[begin:mark].strip() == token)
