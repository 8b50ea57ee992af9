"""From raw text to a declared answer: which statements count, and when they contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from ragtally.parsing.explained import explained_answer, taken_back
from ragtally.parsing.fold import fold
from ragtally.parsing.labels import Labels
from ragtally.parsing.prose import cue_of, lines_of, sentences_of
from ragtally.parsing.reasoning import drop_reasoning
from ragtally.parsing.structured import extract_objects

_MARKS = re.compile(r"<answer>([^<>]*)</answer>|\\boxed\s*\{\s*(?:\\text\s*\{)?([^{}]*)\}", re.IGNORECASE)


class Reason(StrEnum):
    """By what a text was read, or why it could not be."""

    LABEL = "bare label"
    JSON = "JSON"
    MARKED = "marked answer"
    CUE = "announced answer"
    EXPLAINED = "answer with its explanation"
    EMPTY = "empty"
    UNFINISHED = "unfinished reasoning"
    CONTRADICTION = "contradiction"
    UNREADABLE = "no answer among those declared"


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What a text says."""

    choice: str | None  # One of the declared answers; None for unparsed
    reason: Reason  # By what it was read, or why it could not be


@dataclass(frozen=True, slots=True)
class _Claim:
    """One statement of the answer; its choice is None where it is announced but cannot be read."""

    choice: str | None
    reason: Reason
    final: bool = False


def parse(text: str, answers: tuple[str, ...], options: Mapping[str, str] | None = None) -> ParseResult:
    """Read a raw answer: JSON, a bare label, an announced or explained answer, after any reasoning; never a guess."""
    # Statements that contradict each other, an answer inside a sentence, and reasoning that breaks off are not read.
    # An answer called final outranks earlier ones; one that only starts a sentence ("Yes, the trial showed an
    # effect.") counts where nothing else is stated. Takes time linear in the length of the text.
    labels = _labels(answers, tuple((options or {}).items()))
    answer_text = drop_reasoning(text)
    if answer_text is None:
        return ParseResult(None, Reason.UNFINISHED)
    if not answer_text.strip():
        return ParseResult(None, Reason.EMPTY)
    if choice := labels.read(answer_text):
        return ParseResult(choice, Reason.LABEL)
    objects = extract_objects(answer_text)
    rest = fold(objects.rest)
    if not objects.statements and rest != objects.rest:
        # Typographic quotes in JSON become plain here; folding first could break a text quoted in valid JSON.
        objects = extract_objects(rest)
        rest = objects.rest
    claims = [
        _Claim(_single_choice(labels, statement.value), Reason.JSON, statement.final)
        for statement in objects.statements
    ]
    claims += [
        _Claim(_single_choice(labels, match[1] if match[1] is not None else match[2]), Reason.MARKED)
        for match in _MARKS.finditer(rest)
    ]
    return _decide(labels, claims, lines_of(_MARKS.sub("\n", rest)))


def parse_ballot(text: str, answers: Sequence[str], words: Mapping[str, str]) -> str | None:
    """Read a raw answer to a prompt that may name some answers by other words; None where it cannot be read."""
    answer_of = {words.get(answer, answer): answer for answer in answers}
    return answer_of.get(parse(text, tuple(answer_of)).choice or "")


@lru_cache(maxsize=64)
def _labels(answers: tuple[str, ...], options: tuple[tuple[str, str], ...]) -> Labels:
    return Labels(answers, dict(options))


def _single_choice(labels: Labels, value: str | None) -> str | None:
    if value is None:
        return None
    value = fold(value)
    if labels.clashes(value):
        return None
    return labels.read(value) or labels.read_leading(value)


def _decide(labels: Labels, from_marks: list[_Claim], lines: list[str]) -> ParseResult:
    bare = [_Claim(choice, Reason.LABEL) if (choice := labels.read(line)) else None for line in lines]
    first = (bare[0] or _first_sentence(labels, lines[0])) if lines else None
    last = bare[-1] if lines else None
    ends = [claim for claim in (first, last) if claim]
    announcements = list(_announcements(labels, lines))
    if any(claim.choice is None for claim in from_marks):
        return ParseResult(None, Reason.CONTRADICTION if len(from_marks) + len(ends) > 1 else Reason.UNREADABLE)
    if announcements and announcements[-1].choice is None:
        return ParseResult(None, Reason.UNREADABLE)
    claims = from_marks + [claim for claim in announcements if claim.choice or claim.final]
    finals = [claim for claim in claims if claim.final]
    if finals:
        return _agree(finals + ([last] if last else []))
    if claims:
        return _agree(claims + ends)
    if ends:
        return _unless_taken_back(labels, lines, first, last, _agree(ends + [claim for claim in bare if claim]))
    choice = explained_answer(labels, lines)
    return ParseResult(choice, Reason.EXPLAINED) if choice else ParseResult(None, Reason.UNREADABLE)


def _unless_taken_back(
    labels: Labels, lines: list[str], first: _Claim | None, last: _Claim | None, read: ParseResult
) -> ParseResult:
    if read.choice is None or first is None or last is not None:
        return read
    if taken_back(labels, read.choice, sentences_of(lines[0])[1:], lines[1:]):
        return ParseResult(None, Reason.CONTRADICTION)
    return read


def _first_sentence(labels: Labels, line: str) -> _Claim | None:
    sentences = sentences_of(line)
    if len(sentences) < 2:
        return None
    sentence, after = sentences[0], sentences[1].lstrip()[0]
    # "1. The trial" and "A. The trial" are enumerations, "No. 5" is an abbreviation.
    if len(sentence.strip(" *_.!")) < 2 or after.isdigit() or after.islower():
        return None
    choice = labels.read(sentence)
    return _Claim(choice, Reason.LABEL) if choice else None


def _announcements(labels: Labels, lines: list[str]) -> Iterator[_Claim]:
    """Yield every announced answer in order; unreadable ones too where they are firm or final."""
    for index, line in enumerate(lines):
        whole = cue_of(line)
        parts = [line] if whole and labels.clashes(whole.value) else sentences_of(line)
        if whole and labels.read(whole.value):
            parts = [line]
        for part in parts:
            cue = cue_of(part)
            if cue is None:
                continue
            value = cue.value
            if not value and part is parts[-1] and index + 1 < len(lines):
                value = lines[index + 1]
            choice = _single_choice(labels, value)
            if choice or cue.final or (cue.firm and cue.value):
                yield _Claim(choice, Reason.CUE, cue.final)


def _agree(claims: list[_Claim]) -> ParseResult:
    choices = {claim.choice for claim in claims}
    if len(choices) == 1 and None not in choices:
        return ParseResult(claims[0].choice, claims[0].reason)
    return ParseResult(None, Reason.CONTRADICTION)
