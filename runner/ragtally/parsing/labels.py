"""The declared answers, as a table in which what a reader wrote is looked up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ragtally.parsing.fold import LOOK_ALIKES, fold

BECAUSE = r"because|due\s+to|based\s+on|according\s+to|for\s+the\s+reason|weil|da|car|porque|pois"

_OPENING = "*_`\"'#>|-•·$\\<"
_CLOSING = "*_`\"'>|$\\.,;:!。、"
_CLOSERS = r"[*_`\"')\]}>|$\\]*"
# "☐ yes" and "yes ❌" say that it is not.
_CALLED_WRONG = "❌❎✗✘✖🚫⛔👎☐⬜□▢❓❔🤔🤷"
_SEPARATOR = re.compile(
    rf"{_CLOSERS}(?P<sign>[.,;:!)]+{_CLOSERS}(?=\s|$)|。|\s+-+(?=\s)|\s*(?=[(\[])|\s+(?=(?:since|as|given|{BECAUSE})\b)"
    rf"|(?<=[*\"`_])(?=\s+(?-i:[A-Z]))|(?=\s*$))[*_`\s]*", re.I
)  # fmt: skip
_MARKER = re.compile(
    r"(?:[-*•]\s+)?[(\[]?(\d{1,2}|[a-z])[.)\]]+\s+(?=\S)|[\[(][x✓✔][\])]\s+(?=\S)|(?:(a)|response|output|reply):\s*",
    re.I,
)
_OPTION = re.compile(r"[*_`\"'#\s]*(?:option|choice)\s+(?=\S)", re.I)


class Opening(NamedTuple):
    """The start of a text that is an answer."""

    choice: str
    spelling: str  # As written
    sign: str | None  # What sets it off from the rest; None where nothing does
    rest: str


class Labels:
    """Finds declared answers by any spelling that can only mean them."""

    def __init__(self, answers: tuple[str, ...], options: tuple[tuple[str, str], ...], *, latin: bool) -> None:
        self._meaning: dict[str, str | None] = {}
        for spelling, answer in (*zip(answers, answers, strict=True), *options):
            if form := _form(fold(spelling).translate(LOOK_ALIKES if latin else {})):
                self._meaning[form] = answer if self._meaning.get(form, answer) == answer else None
        forms = sorted(self._meaning, key=lambda form: (-len(form), form))
        self._longest = max(map(len, forms), default=0)
        # What is stripped may be part of an answer, as in "C#" and "-1".
        self._opening = set(_OPENING) - {form[0] for form in forms}
        self._closing = set(_CLOSING) - {form[-1] for form in forms}
        # "A trial" names no answer A, nor does "a trial".
        patterns = (r"\s+".join(map(re.escape, form.split())) for form in forms)
        patterns = (f"(?-i:{each.upper()})" if len(each) == 1 and each.isalpha() else each for each in patterns)
        words = "|".join(patterns) or r"(?!)"
        self._word = re.compile(rf"(?<!\w)(?<!\w-)(?<!\d[.,/])(?:{words})(?![\w%°])(?!-\w)(?![.,/:]\d)", re.I)

    def read(self, text: str) -> str | None:
        """Read a text that holds an answer and nothing else, the least stripped form first."""
        body = text.strip()
        if len(body) > self._longest + 64:
            body = body.strip("*_`\"'#> \t\n|")
        while body and len(body) <= self._longest + 64:
            if (form := _form(body)) in self._meaning:
                return self._meaning[form]
            if _is_ornament(body[-1], body[-2:-1], self._closing, ("Pe", "Pf")):
                body = body[:-1].rstrip()
            elif self._opens(body):
                body = body[1:].lstrip()
            else:
                return None
        return None

    def read_line(self, line: str) -> str | None:
        """Read a line that holds an answer and nothing else, perhaps as an item of a list or with its option."""
        marker = _MARKER.match(line)
        if marker and _form(marker[1] or marker[2] or "") not in self._meaning:
            return self.read(line[marker.end() :])
        if option := _OPTION.match(line):
            line = line[option.end() :]
        opening = self.opening(line)
        is_pair = opening is not None and opening.sign and self.read(opening.rest) == opening.choice
        return opening.choice if opening and is_pair else self.read(line)

    def opening(self, text: str) -> Opening | None:
        """Take apart a text that begins with an answer."""
        option = _OPTION.match(text)
        start = option.end() if option else 0
        while start < len(text) and (text[start].isspace() or self._opens(text[start : start + 3])):
            start += 1
        word = self._word.match(text, start)
        choice = self._meaning.get(_form(word[0])) if word else None
        if word is None or choice is None:
            return None
        after = _SEPARATOR.match(text, word.end())
        sign = (after["sign"].strip() or ".") if after else None
        return Opening(choice, word[0], sign, text[after.end() if after else word.end() :])

    def mentions(self, text: str) -> Iterator[tuple[str | None, re.Match[str]]]:
        """Find the answers that a text names anywhere; None where a spelling could mean two of them."""
        return ((self._meaning.get(_form(word[0])), word) for word in self._word.finditer(text))

    def _opens(self, text: str) -> bool:
        # Before a digit these are part of the number: "-1", "~1", ">1".
        is_sign = text[0] in "-~<>=" and text[1:].lstrip()[:1].isdigit()
        return not is_sign and _is_ornament(text[0], text[1:2], self._opening, ("Ps", "Pi"))


def twins(answers: Sequence[str]) -> tuple[str, str] | None:
    """Find two answers that the parser cannot tell apart: by case, white space, accents' composition, look-alikes."""
    first_of: dict[str, str] = {}
    for answer in answers:
        body = fold(answer).strip(" .,;:!\"'`*_()[]") or fold(answer)
        for form in (_form(body), *(_form(each.translate(LOOK_ALIKES)) for each in (body, body.casefold()))):
            if (first := first_of.setdefault(form, answer)) != answer:
                return first, answer
    return None


def _form(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_ornament(sign: str, neighbour: str, signs: set[str], brackets: tuple[str, str]) -> bool:
    category = unicodedata.category(sign)
    is_symbol = category == "So" and sign not in _CALLED_WRONG and not neighbour.isdigit()
    # "#1" is a number, "# 1" a heading.
    is_mark = sign in signs and not (sign == "#" and neighbour.isdigit())
    return is_mark or is_symbol or category in brackets or sign == "\ufe0f"
