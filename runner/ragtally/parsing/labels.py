"""The declared answers, as a table in which what a reader wrote is looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ragtally.parsing.fold import Forms, fold, forms, look_latin, strip_decoration

_SLACK = 64
_BREAK = re.compile(r"[*_`\"')\]]*(?:[,;:.!](?=\s|$)|\s+[(\[-])")
_SET_OFF = re.compile(r"[*_`\"')\]]*(?:[,;](?=\s)|\s+-+(?=\s))[*_`\s]*")
_LETTER_AND_TEXT = re.compile(
    r"(?:(?:option|choice)\s+)?[(\[]?([^\s()\[\].:]{1,20})(?:\s*[)\].:]+\s*|\s+-\s+)(.+)", re.I
)
_OPTION = re.compile(r"(?:option|choice)\s+[(\[]?([^\s()\[\].:]{1,20})[)\]]?", re.I)


class Opening(NamedTuple):
    """The start of a text that may be an answer with its explanation."""

    choice: str  # The declared answer that it starts with
    spelling: str  # That answer as written, or the option for it, without regard to case
    explanation: str  # What comes after the comma, the semicolon or the dash, without regard to case


class _Tables(NamedTuple):
    """Answers by their forms; None where a form could mean two of them."""

    plain: dict[str, str | None]
    bare: dict[str, str | None]
    latin: dict[str, str | None]


class Labels:
    """Finds declared answers by any spelling that can only mean them."""

    def __init__(self, answers: tuple[str, ...], options: Mapping[str, str]) -> None:
        stray = sorted(set(options.values()) - set(answers))
        if stray:
            raise ValueError(f"options name {stray[0]!r}, which is not among the answers {answers}")
        pairs = [(answer, answer) for answer in answers]
        self._answers = _tables(pairs)
        self._options = _tables(list(options.items()))
        self._all = _tables([*pairs, *options.items()])
        self._longest = max((len(form) for table in self._all for form in table), default=0)
        self._meant = _meanings([*pairs, *options.items()])
        self._forms = sorted(self._meant, key=lambda form: (-len(form), form))
        words = "|".join(map(re.escape, self._forms)) or r"(?!)"
        self._words = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
        self._last = re.compile(rf"(?<!\w)(?:{words})$")
        self._set_off = re.compile(rf"({words})(?!\w)[*_`\"')\]]*(?:[,;:](?=\s|$)|\s+-+\s|$)")

    def read(self, text: str) -> str | None:
        """Read a text that holds an answer and nothing else."""
        body = text.strip()
        if len(body) > self._longest + _SLACK:
            body = strip_decoration(body)
            if len(body) > 2 * self._longest + _SLACK:
                return None
        text_forms = forms(body)
        answer = _look_up(self._all, text_forms)
        if answer is None and self._options.latin:
            answer = self._read_option(strip_decoration(fold(body)))
        return answer

    def clashes(self, text: str) -> bool:
        """Tell whether a text names an option and, beside it, another answer: `B. yes` where B is "no"."""
        pair = _LETTER_AND_TEXT.fullmatch(text.strip()[: 2 * self._longest + _SLACK])
        if not pair:
            return False
        by_letter, by_text = _look_up(self._options, forms(pair[1])), _look_up(self._answers, forms(pair[2]))
        return None not in (by_letter, by_text) and by_letter != by_text

    def read_leading(self, text: str) -> str | None:
        """Read a text that starts with an answer, goes on after a comma or the like, and names no other answer."""
        answer = self._leading(strip_decoration(text), _BREAK)
        return answer.choice if answer else None

    def opening(self, sentence: str) -> Opening | None:
        """Take a sentence apart that starts with an answer, set off from the rest, and names no other one."""
        return self._leading(strip_decoration(sentence), _SET_OFF)

    def verdicts(self, sentence: str) -> set[str]:
        """List the answers that a sentence ends with, or starts with and sets off from the rest."""
        verdicts: set[str] = set()
        for body in _caseless(strip_decoration(sentence)):
            if first := self._set_off.match(body):
                verdicts |= self._meant[first[1]]
            if last := self._last.search(body):
                verdicts |= self._meant[last[0]]
        return verdicts

    def _leading(self, text: str, sign: re.Pattern[str]) -> Opening | None:
        for body in _caseless(text):
            for form in self._forms:
                if body.startswith(form) and (match := sign.match(body, len(form))):
                    answer = self._only(form)
                    if answer is None or self._option_names(text) != {answer}:
                        return None
                    return Opening(answer, form, body[match.end() :])
        return None

    def _only(self, form: str) -> str | None:
        answers = self._meant[form]
        return next(iter(answers)) if len(answers) == 1 else None

    def _option_names(self, text: str) -> set[str]:
        words = (word for body in _caseless(text) for word in self._words.findall(body))
        return {answer for word in words for answer in self._meant[word]}

    def _read_option(self, text: str) -> str | None:
        if alone := _OPTION.fullmatch(text):
            return _look_up(self._options, forms(alone[1]))
        if pair := _LETTER_AND_TEXT.fullmatch(text):
            answer = _look_up(self._answers, forms(pair[2]))
            return answer if answer == _look_up(self._options, forms(pair[1])) else None
        return None


def _tables(spellings: list[tuple[str, str]]) -> _Tables:
    tables = _Tables({}, {}, {})
    for spelling, answer in spellings:
        for table, form in zip(tables, forms(spelling), strict=True):
            if form:
                table[form] = answer if table.get(form, answer) == answer else None
    return tables


def _meanings(spellings: list[tuple[str, str]]) -> dict[str, set[str]]:
    meanings: dict[str, set[str]] = {}
    for spelling, answer in spellings:
        for form in forms(spelling)[1:]:
            if form:
                meanings.setdefault(form, set()).add(answer)
    return meanings


def _caseless(text: str) -> tuple[str, ...]:
    """Write a text without regard to case: as it is, and with look-alikes taken for Latin letters."""
    return (text.casefold(),) if text.isascii() else (text.casefold(), look_latin(text))


def _look_up(tables: _Tables, text_forms: Forms) -> str | None:
    for table, form in zip(tables, text_forms, strict=True):
        if form in table:
            return table[form]
    return None
