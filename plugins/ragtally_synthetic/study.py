"""One made-up abstract: sentences in sections, of a length and in an order that say nothing about the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ragtally_synthetic.draws import Draws
from ragtally_synthetic.outcomes import Outcome
from ragtally_synthetic.prose import AIMS, BACKGROUND, DESIGNS, MEASURES, METHODS, OBSERVATIONS
from ragtally_synthetic.results import draw_result

_SHORTEST, _LONGEST, _LIMIT = 160, 365, 395
_RESULTS_FIRST_SHARE = 0.15
_MOST_FILLERS = 24
_FILLERS = tuple(
    (section, text) for section, texts in enumerate((BACKGROUND, METHODS, OBSERVATIONS)) for text in texts
)


class Subject(NamedTuple):
    """What a study is about."""

    drug: str
    condition: str
    comparator: str  # What the drug is compared with
    # What is measured; results may be left out at the end where the abstract gets too long.
    outcomes: tuple[Outcome, ...]
    answers: tuple[str, ...]  # What the result on each outcome comes to: yes, no or maybe


class Abstract(NamedTuple):
    """A study's text with offsets into it."""

    text: str  # The sections, joined by line breaks
    sections: tuple[tuple[int, int], ...]  # Start and end of each section
    evidence: tuple[tuple[int, int], ...]  # Start and end of each sentence on the first outcome


def write_abstract(subject: Subject, draws: Draws) -> Abstract:
    """Write the abstract of a study."""
    fields = _fields(subject, draws)
    frame = [
        [draws.pick(AIMS).format_map(fields)],
        [draws.pick(DESIGNS).format_map(fields), draws.pick(MEASURES).format_map(fields)],
    ]
    target = draws.below(_LONGEST - _SHORTEST) + _SHORTEST
    words = sum(_count(sentence) for section in frame for sentence in section)
    blocks: list[list[str]] = []
    for outcome, answer in zip(subject.outcomes, subject.answers, strict=True):
        result = draw_result(answer, outcome, subject.drug, subject.comparator, subject.condition, draws)
        sentences = list(result.sentences)
        if result.apart:
            sentences.insert(1, draws.pick(OBSERVATIONS[:6]).format_map(fields))
        length = sum(map(_count, sentences))
        if len(blocks) > 1 and words + length > target:
            continue
        words += length
        blocks.append(sentences)
    lead = [blocks[0][0], blocks[0][-1]] if len(blocks[0]) > 1 else blocks[0][:1]
    background, methods, observations = _fill(fields, blocks, words, target, draws)
    results = [sentence for block in draws.shuffle(blocks + observations) for sentence in block]
    return _join([background + frame[0], frame[1][:1] + methods + frame[1][1:], results], lead, draws)


def _fill(
    fields: dict[str, str], blocks: list[list[str]], words: int, target: int, draws: Draws
) -> tuple[list[str], list[str], list[list[str]]]:
    used_sentences = {sentence for block in blocks for sentence in block}
    background: list[str] = []
    methods: list[str] = []
    observations: list[list[str]] = []
    for section, template in draws.sample(_FILLERS, _MOST_FILLERS):
        if words >= target:
            break
        fields.update(small=_small(draws), percent=_percent(draws))
        sentence = template.format_map(fields)
        length = _count(sentence)
        if sentence in used_sentences or words + length > _LIMIT:
            continue
        words += length
        if section == 2:
            observations.append([sentence])
        else:
            (methods if section else background).append(sentence)
    return background, methods, observations


def _join(sections: list[list[str]], lead: Sequence[str], draws: Draws) -> Abstract:
    order = sections
    if draws.chance(_RESULTS_FIRST_SHARE):
        order = [sections[2], sections[0], sections[1]]
    elif len(sections[2]) > 5 and draws.chance(0.3):
        half = len(sections[2]) // 2
        order = [sections[0], sections[1], sections[2][:half], sections[2][half:]]
    texts = [" ".join(sentences) for sentences in order]
    bounds, start = [], 0
    for text in texts:
        bounds.append((start, start + len(text)))
        start += len(text) + 1
    whole = "\n".join(texts)
    evidence: list[tuple[int, int]] = []
    past = 0
    for sentence in lead:
        # A qualification may be worded alike elsewhere: the one meant is the first after its result.
        at = whole.index(sentence, past)
        past = at + len(sentence)
        evidence.append((at, past))
    return Abstract(whole, tuple(bounds), tuple(evidence))


def _fields(subject: Subject, draws: Draws) -> dict[str, str]:
    outcomes = draws.shuffle(subject.outcomes)
    names = [outcome.names[0] for outcome in outcomes]
    dose = 5 * (1 + draws.below(20))
    age = 18 + draws.below(45)
    patients = 60 + draws.below(900)
    return {
        "drug": subject.drug,
        "Drug": subject.drug.capitalize(),
        "condition": subject.condition,
        "Condition": subject.condition.capitalize(),
        "comparator": subject.comparator,
        "outcome1": names[0],
        "outcome2": names[-1],
        "listed": f"{', '.join(names[:-1])} and {names[-1]}",
        "small": _small(draws),
        "percent": _percent(draws),
        "power": str(80 + draws.below(18)),
        "weeks": str(4 * (2 + draws.below(12))),
        "age1": str(age),
        "age2": str(age + 12 + draws.below(20)),
        "dose": str(dose),
        "dose2": str(dose * (2 + draws.below(3))),
        "n1": str(1 + draws.below(60)),
        "n2": str(patients),
        "n3": str(patients + 10 + draws.below(300)),
    }


def _small(draws: Draws) -> str:
    return str(2 + draws.below(14))


def _percent(draws: Draws) -> str:
    return str(21 + draws.below(50))


def _count(sentence: str) -> int:
    return sentence.count(" ") + 1
