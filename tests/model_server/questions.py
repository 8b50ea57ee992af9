"""What a prompt asks: its question, the answers that it allows, and what its context says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_LONG_LINE = 600
_WORD = re.compile(r"\w+")
_CONTENT = re.compile(r"[a-z]{4,}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_UNSURE = re.compile(
    r"\b(?:tend|trend|borderline|uncertain|inconclusive|equivocal|unclear|conflicting|may\b|might\b)"
)
_DENIES = re.compile(
    r"\b(?:no|not|nor|neither|without|failed|similar|unchanged|worse|unrelated|deteriorat\w+|contrary)\b"
)
_FINDING = re.compile(
    r"\bp\s*[=<>]|\b95%|signific|\bno \w|\bnot\b|reduc|increas|reliev|improv|inconclusive|equivocal|trend"
)
_CHANCE = re.compile(r"\bp\s*[=>]\s*(0?\.\d+)")


# What judges are asked: whether an answer is one of the references.
_JUDGED = re.compile(
    r"Reference answers, each of them right:\n(?P<references>.*?)\n\nAnswer to grade: (?P<answer>.*?)\n\n", re.DOTALL
)

# And whether two answers say the same.
_PAIR = re.compile(r"First answer: (?P<first>.*?)\n\nSecond answer: (?P<second>.*?)\n\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """What a prompt asks for.

    Attributes:
        label: The right answer; None where the prompt does not let one know it.
        allowed: The answers that the prompt allows.
        explain: Whether it asks for an explanation before the answer.
    """

    label: str | None
    allowed: tuple[str, ...]
    explain: bool


@lru_cache(maxsize=20_000)
def read_question(text: str, labels: tuple[str, ...]) -> Question:
    """Read what a prompt asks; `labels` are the answers there are."""
    if judged := _JUDGED.search(text):
        return Question(_grade(judged), ("yes", "no"), "first give your reason" in text.lower())
    if pair := _PAIR.search(text):
        first, second = pair["first"].casefold(), pair["second"].casefold()
        label = "yes" if first in second or second in first else "no"
        return Question(label, ("yes", "no"), "first give your reason" in text.lower())
    names = {label.lower() for label in labels}
    naming = [line for line in text.split("\n") if len(line) < _LONG_LINE and len(names & _words(line)) >= 2]
    words = {word for line in naming for word in _words(line)}
    allowed = tuple(label for label in labels if label.lower() in words) or labels
    explain = any(cue in text.lower() for cue in ("explain", "step by step", "reasoning"))
    return Question(_read(text, naming, allowed), allowed, explain)


def _grade(judged: re.Match[str]) -> str:
    """What a judge should say: yes where a reference stands in the answer."""
    answer = judged["answer"].casefold()
    references = [line.removeprefix("- ").casefold() for line in judged["references"].splitlines()]
    return "yes" if any(reference in answer for reference in references) else "no"


def _words(line: str) -> set[str]:
    return set(_WORD.findall(line.lower()))


def _read(text: str, naming: Sequence[str], allowed: tuple[str, ...]) -> str | None:
    """Judge from the sentence that shares most words with the question, by a few cues of wording."""
    asking = [line for line in text.split("\n") if "?" in line and line not in naming]
    if not asking:
        return None
    question = asking[-1]
    topic = set(_CONTENT.findall(question.lower()))
    ignored = {question, *naming}
    best, most = "", 1.0
    for line in text.split("\n"):
        for sentence in _SENTENCE.split(line) if line not in ignored else ():
            common = len(topic.intersection(_CONTENT.findall(sentence.lower())))
            strength = common + (_FINDING.search(sentence.lower()) is not None)
            if common > 1 and strength > most:
                best, most = sentence.lower(), strength
    if not best:
        return None
    chance = _CHANCE.search(best)
    denied = _DENIES.search(best) or (chance and float(chance[1]) > 0.05)
    label = "maybe" if _UNSURE.search(best) else "no" if denied else "yes"
    return label if label in allowed else None
