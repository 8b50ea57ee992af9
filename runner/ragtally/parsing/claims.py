"""What a text claims the answer to be, sentence by sentence, and what it says to cast doubt on that."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from ragtally.parsing import phrases
from ragtally.parsing.labels import Labels, Opening
from ragtally.parsing.marks import PLACE, Mark


class Reason(StrEnum):
    """How a text was read, or why it could not be."""

    CHOSEN = "chosen by the reader"  # Without words
    CONSTRAINED = "held to a schema"  # Which allowed the declared answers alone
    LABEL = "bare label"
    JSON = "JSON"
    MARKED = "marked answer"
    ANNOUNCED = "announced answer"
    EXPLAINED = "answer with its explanation"
    WHOLE = "whole reply"  # Of an open answer that nothing announces
    ABSTENTION = "says that it cannot answer"
    EMPTY = "empty"
    UNFINISHED = "unfinished reasoning"
    CONTRADICTION = "contradiction"
    TAKEN_BACK = "taken back"
    NEGATED = "negated or called wrong"
    REFUSAL = "refusal"
    CONTINUATION = "goes on with another question"
    OTHER_WORD = "the label is another word there"
    UNREADABLE = "no answer among those declared"


class Event(NamedTuple):
    """A claim of the answer, or a doubt: something that speaks against the claims before it."""

    reason: Reason
    choice: str | None = None  # What is claimed, None where that cannot be read; in a doubt the other answer
    final: bool = False  # A claim called final outranks what was said before
    weak: bool = False  # A claim that counts only where nothing else is claimed
    is_doubt: bool = False
    undecided: bool = False  # A doubt that the question is open, which "maybe" says too


def events(text: str, labels: Labels, marks: Iterator[Mark]) -> Iterator[Event]:
    """Go through a text and yield its claims and doubts in order."""
    first = True
    for line in _lines(text):
        if phrases.NEXT_QUESTION.match(line):
            yield Event(Reason.CONTINUATION, is_doubt=True)
        cue = phrases.CUE.match(line)
        opening = labels.opening(cue["value"] if cue else line)
        if choice := labels.read_line(line):
            yield Event(Reason.LABEL, choice)
        elif opening is not None and (cue or first) and _is_other_word(opening):
            yield Event(Reason.OTHER_WORD)
        else:
            sentences = [line] if cue and labels.read(cue["value"]) else _sentences(line)
            for number, sentence in enumerate(sentences):
                yield from _of_sentence(sentence, labels, marks, first=first and number == 0)
        first = False


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, without empty ones, fences and the special tokens of models."""
    heading = ""
    plain = phrases.SPECIAL_TOKEN.sub(lambda token: "\nuser:\n" if token[1] else "\n", text)
    for line in filter(None, map(str.strip, plain.splitlines())):
        # What stands under a heading is what it announces.
        if len(line) < 48 and (match := phrases.HEADING.fullmatch(line)):
            heading = f"{match[1]}answer: "
        else:
            yield line if heading and phrases.CUE.match(line) else heading + line
            heading = ""
    yield heading


def _sentences(line: str) -> Iterator[str]:
    """The sentences of a line; what goes on in small letters is no new one."""
    start = 0
    for end in phrases.SENTENCE_END.finditer(line):
        goes_on = line[end.end() : end.end() + 3].lstrip("*_`\"'([")[:1].islower()
        if not goes_on and line[start : end.end()].strip():
            yield line[start : end.end()]
            start = end.end()
    yield line[start:]


def _of_sentence(sentence: str, labels: Labels, marks: Iterator[Mark], *, first: bool) -> Iterator[Event]:
    asks = sentence.rstrip("*_`\"')] \t").endswith("?")
    if PLACE in sentence:
        yield from _of_marks(sentence, labels, marks, asks=asks)
        return
    cue = phrases.CUE.match(sentence)
    opening = labels.opening(cue["value"] if cue else sentence)
    claim = _announced(cue, labels, asks=asks) if cue else None
    if cue is None and first and not asks and opening is not None:
        claim = _leading(opening)
    if claim is not None:
        yield claim
    if claim is None or (claim.choice and opening):
        yield from _doubts(opening.rest if claim and opening else sentence, labels, strict=claim is not None)


def _announced(cue: re.Match[str], labels: Labels, *, asks: bool) -> Event | None:
    """The claim after "the answer is"; None where the sentence may announce nothing ("the answer is based on")."""
    value, final, sign = cue["value"], bool(cue["final"]), cue["sign"]
    choice, reason = _value(value, labels)
    if asks or (value[:1] in ("'", '"') and value[0] not in value[1:]):
        choice, reason = None, Reason.UNREADABLE
    is_firm = final or (sign and value and (not sign[0].isalpha() or next(labels.mentions(value), None)))
    return Event(reason, choice, final) if choice or is_firm else None


def _value(value: str, labels: Labels) -> tuple[str | None, Reason]:
    """Read what is announced or marked: an answer, alone or set off from what follows; else say why not."""
    choice, opening = labels.read(value), labels.opening(value)
    if choice is not None:
        return choice, Reason.ANNOUNCED
    if opening is None:
        negated = phrases.NOT.match(value) and next(labels.mentions(value), None)
        return None, Reason.NEGATED if negated else Reason.UNREADABLE
    if _is_other_word(opening):
        return None, Reason.OTHER_WORD
    if phrases.WRONG.match(opening.rest):
        return None, Reason.NEGATED
    if any(other != opening.choice for other in _named(opening.rest, labels, strict=True)):
        return None, Reason.CONTRADICTION
    if opening.sign is None or phrases.CONDITION.match(opening.rest):
        return None, Reason.UNREADABLE
    return opening.choice, Reason.ANNOUNCED


def _is_other_word(opening: Opening) -> bool:
    """Whether a label in capitals is short for what follows it, as in "NO (nitric oxide)", or is "No. 5"."""
    spelling, rest = opening.spelling, opening.rest.lstrip("([=:,*_` ")
    if spelling.isalpha() and (opening.sign or " ")[0] in ".,:;" and re.match(r"\d|of\b", rest):
        return True
    words = re.findall(r"\w+", rest[:200].replace("i.e.", ""))[: len(spelling)]
    is_short = "".join(word[0] for word in words).casefold() == spelling.casefold() and len(spelling) > 1
    return is_short and spelling.isupper() and not all(map(str.isupper, words))


def _leading(opening: Opening) -> Event | None:
    """The claim of a text that begins with its answer; None where the label may be part of a sentence."""
    spelling, sign, rest = opening.spelling.casefold(), opening.sign, opening.rest
    # "1. The trial" and "A - The trial" are enumerations.
    if len(spelling) < 2 or spelling.isdigit() or phrases.CONDITION.match(rest):
        return None
    if phrases.WRONG.match(rest):
        return Event(Reason.NEGATED, weak=True)
    if sign and sign[0] in ".!" and not rest.strip(" *_`\"'.)"):
        return Event(Reason.LABEL, opening.choice)
    if sign is None:
        explains = spelling in ("yes", "no") and phrases.SUBJECT.match(rest) is not None
    elif phrases.PARTICLES.fullmatch(spelling) or phrases.PARTICLES.fullmatch(opening.choice):
        explains = any(map(str.isalpha, rest)) and not phrases.TALK.match(rest)
    else:
        explains = phrases.REASON.match(rest) is not None
    return Event(Reason.EXPLAINED, opening.choice, weak=True) if explains else None


def _of_marks(sentence: str, labels: Labels, marks: Iterator[Mark], *, asks: bool) -> Iterator[Event]:
    pieces = sentence.split(PLACE)
    cue = phrases.CUE.match(f"{pieces[0]} ") if pieces[0].strip() else None
    for before, after in itertools.pairwise(pieces):
        mark = next(marks)
        choice, reason = (None, Reason.UNREADABLE) if mark.value is None or asks else _value(mark.value, labels)
        if phrases.NEGATION.search(before[-200:]) or phrases.WRONG.match(after):
            choice, reason = None, Reason.NEGATED
        reason = reason if choice is None else Reason.JSON if mark.is_json else Reason.MARKED
        yield Event(reason, choice, mark.final or bool(cue and cue["final"]))
        yield from _doubts(after, labels)


def _doubts(text: str, labels: Labels, *, strict: bool = False) -> Iterator[Event]:
    """What a sentence, or the rest of one, says against the claims before it."""
    if phrases.RETRACTION.search(text):
        yield Event(Reason.TAKEN_BACK, is_doubt=True)
    if (refusal := phrases.REFUSAL.search(text)) or phrases.UNDETERMINED.search(text):
        yield Event(Reason.REFUSAL, is_doubt=True, undecided=refusal is None)
    for choice in _named(text, labels, strict=strict or phrases.TURN.search(text) is not None):
        yield Event(Reason.CONTRADICTION, choice, is_doubt=True)


def _named(text: str, labels: Labels, *, strict: bool) -> Iterator[str | None]:
    """The answers that a sentence names as answers; strictly also those that may be ordinary words."""
    for choice, word in labels.mentions(text):
        before, after = text[max(0, word.start() - 48) : word.start()], text[word.end() : word.end() + 48]
        closes = phrases.CLAUSE_END.match(after) is not None
        is_short = len(word[0]) == 1 or word[0].lstrip("-").isdigit()
        is_part = word[0].casefold() in phrases.NEGATORS and not closes and phrases.BEFORE_PART.search(before)
        if is_part or (is_short and not phrases.BEFORE_LABEL.search(before)):
            continue
        if strict or closes or phrases.ANNOUNCES.search(before):
            yield choice
