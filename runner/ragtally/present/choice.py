"""Which approach a study speaks for, in words and tables."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ragtally.advice.choice import BreakEven, Choice, Option, Spending
from ragtally.present.numbers import DOLLARS, SECONDS, as_points, count, dollars, form_of, in_words, p_value
from ragtally.present.table import Column, Table

_NOTES = (
    "of each approach the best observed cell, whose value is too high on average where it was picked of several;"
    " recorded answers are left out",
    "verdict: against the highest observed one that can be put to use, in pairs, p-values corrected by Holm's method",
)
_MISSING = (
    ("labelling", "--usd-labelling"), ("training", "--usd-training"), ("expert", "--hours-expert with --usd-hour"),
)  # fmt: skip


def choice_parts(choice: Choice, spending: Spending) -> list[Table | str]:
    """The approaches side by side, then each trained reader's break-even."""
    rows = tuple(
        (
            _approach(each), each.cell, each.score, _thousand(each.usd_per_question),
            each.usd_index, _thousand(each.seconds_per_question), _verdict(each, choice),
        )
        for each in choice.options
    )  # fmt: skip
    columns = (
        Column("approach"), Column("cell"), Column(choice.metric, form_of(choice.unit)),
        Column("$ per 1,000", DOLLARS, "unknown"), Column("$ index", DOLLARS, optional=True),
        Column("s per 1,000", SECONDS, "unknown"), Column("verdict"),
    )  # fmt: skip
    notes = list(_NOTES)
    if spending.machine_hour is None and any(each.trained and not each.hosted for each in choice.options):
        notes.append("dollars of trained readers are without the machine that they answer on: --usd-machine-hour")
    if choice.other_readers:
        notes.append(f"left out, since the spec no longer names them: {', '.join(choice.other_readers)}")
    questions = choice.options[0].score.denominator if choice.options else 0
    caption = f"{choice.study}: the approaches on {count(questions, 'question')} ({choice.question_set})"
    table = Table("approaches", caption, columns, rows, tuple(notes))
    sentences = [" ".join(_sentences(each, choice, spending)) for each in choice.break_even]
    compared = {each.trained.cell for each in choice.break_even}
    alone = [each.reader for each in choice.options if each.trained and each.cell not in compared]
    if alone:
        sentences.append(f"No reader that learns nothing answers beside {', '.join(alone)}, so nothing can be saved.")
    return [table, *sentences]


def _approach(option: Option) -> str:
    before = option.condition.replace("_", " ")
    return f"{option.reader}, trained ({before})" if option.trained else f"{option.reader}, {before}"


def _thousand(value: float | None) -> float | None:
    return None if value is None else 1000 * value


def _verdict(option: Option, choice: Choice) -> str:
    if option.cell == choice.highest:
        return "highest observed"
    if option.cell not in choice.worse:
        return "needs the right passage"
    return {True: "worse", False: "better", None: "cannot be told apart"}[choice.worse[option.cell]]


def _sentences(each: BreakEven, choice: Choice, spending: Spending) -> Iterator[str]:
    comparison = each.comparison.comparison
    difference = in_words(comparison.difference, choice.unit, is_difference=True)
    p = "" if comparison.adjusted_p_value is None else f", p = {p_value(comparison.adjusted_p_value)}"
    if each.better is None:
        smallest = _smallest(comparison.smallest_difference, choice.unit)
        yield f"{each.trained.reader} cannot be told from {each.other.cell} with"
        yield f"{count(each.comparison.common, 'question')}: {difference}{p}{smallest}."
    else:
        word = "better" if each.better else "worse"
        yield f"{each.trained.reader} is {word} than {each.other.cell}: {difference}{p}."
    yield _money(each, spending)


def _smallest(value: float | None, unit: str) -> str:
    return "" if value is None else f"; less than {as_points(form_of(unit).write(value))} they would rarely show"


def _money(each: BreakEven, spending: Spending) -> str:
    bill = {"training": each.trained.training_dollars}
    unknown = [word for name, word in _MISSING if getattr(spending, name) is None and bill.get(name) is None]
    if each.saving is None:
        whose = each.other if each.other.usd_per_question is None else each.trained
        return f"After how many questions it has paid for itself is unknown: the price of {whose.cell} is."
    saving = f"{dollars(1000 * abs(each.saving))} per 1,000 answers"
    before = None if each.spent is None else dollars(abs(each.spent))
    if each.saving < 0 and each.spent is not None and each.spent < 0:
        most = count(math.floor(each.spent / each.saving), "question")
        return f"It is dearer by {saving}, but cost {before} less before the first one: it is cheaper up to {most}."
    if each.saving <= 0 and each.questions is None:
        what = f"is dearer by {saving}" if each.saving else "saves nothing per answer"
        return f"It {what}, so it never pays for itself" + (
            ", and only its quality speaks for it." if each.better else "."
        )
    if each.spent is None:
        return f"It saves {saving}; what it cost before is unknown: give {', '.join(unknown)} (0 for nothing)."
    assert each.questions is not None
    if not each.questions:
        text = f"It saves {saving} and cost {before} less before the first one, so it pays from the beginning."
    else:
        index = f", less the {dollars(each.other.usd_index)} of the other's index," if each.other.usd_index else ""
        text = f"It saves {saving}, so the {before} spent before{index} are back after"
        text += f" {count(math.ceil(each.questions), 'question')}."
    return text + (" That it is worse is the price of it." if each.better is False else "")
