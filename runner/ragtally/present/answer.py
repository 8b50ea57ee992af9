"""The answer in sentences: which set-up, whether it beats the floor, what is as good and cheaper, what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import higher_is_better
from ragtally.analysis.analysis import SetAnalysis, best_reader
from ragtally.analysis.comparisons import Comparison
from ragtally.analysis.error_breakdown import Bucket
from ragtally.analysis.estimate import Estimate
from ragtally.present.cells import Cells
from ragtally.present.examples import examples_sentence
from ragtally.present.grading import abstention_sentence
from ragtally.present.judges import judges_sentence
from ragtally.present.numbers import count, dollars, form_of, in_words, percent, seconds
from ragtally.present.readings import example_of_unread
from ragtally.results import Results

# By loss: what the answers are lost to, and what the questions lost have in common.
_LOSSES = {
    "parser_loss": (
        "the parser",
        "are right on the gold context but wrong here, where the parser lost the evidence",
    ),
    "index_loss": (
        "the approximate index",
        "are right on the gold context but wrong here, without the evidence that an exact search finds",
    ),
    "retrieval_loss": ("retrieval", "are right on the gold context but wrong here, where the evidence is missing"),
    "distractor_loss": (
        "distraction or vote noise",
        "are right on the gold context but wrong here, though the evidence is there",
    ),
    "reader_loss": ("the reader", "are not right even on the gold context"),
    "unanswered_loss": ("missing answers", "are right on the gold context but have no answer here"),
}
_MOST_COMPARISONS = 2


def answer(results: Results, analysis: Analysis, cells: Cells) -> tuple[str, ...]:
    """Write the answer of a study."""
    if analysis.metric is None and analysis.sets:
        return _nothing_decides()
    if analysis.metric is None:
        readers = len(results.cells.filter(results.cells["kind"] != "retrieval"))
        return _nothing_is_right() if readers else _nobody_answers(results, analysis)
    if analysis.chosen_cell is None or cells.set_analysis is None:
        reader = best_reader(results, cells.set_analysis, analysis.metric) if cells.set_analysis else None
        judges = judges_sentence(results, analysis, reader or "", analysis.metric)
        sentences = _without_retrieval(results, analysis, cells, analysis.metric)
        return (*sentences, *filter(None, [judges]), *_votes(analysis, cells))
    choice = _Chosen(results, analysis, cells, cells.set_analysis, analysis.metric, analysis.chosen_cell)
    return tuple(
        filter(
            None,
            (
                choice.against_floor(),
                choice.score(),
                choice.abstentions(),
                judges_sentence(results, analysis, choice.cell, choice.metric),
                choice.rivals(),
                choice.good_enough(),
                choice.unread(),
                _loss(analysis),
                choice.without_context(),
            ),
        )
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The set-up that the answer is about."""

    results: Results
    analysis: Analysis
    cells: Cells
    set_analysis: SetAnalysis
    metric: str
    cell: str

    def against_floor(self) -> str:
        """Say first where nothing is better than always giving one answer."""
        floor = self.set_analysis.floors.get(self.metric)
        if floor is None or self.cell in floor.beaten_by:
            return ""
        always = f"always answering “{floor.answer}”, with {self.metric} {self.form(floor.score.value)}"
        if floor.beaten_by:
            others = count(len(floor.beaten_by), "other")
            return f"The set-up chosen is not shown to be better than {always}; {others} of the grid are."
        return f"No set-up is shown to be better than {always}."

    def score(self) -> str:
        """What the set-up is, and its value beside the floor."""
        floor = self.set_analysis.floors.get(self.metric)
        always = "" if floor is None else f"always answering “{floor.answer}”: {self.form(floor.score.value)}"
        value = in_words(self.set_analysis.cells[self.cell].metrics[self.metric], self.unit, more=always)
        in_base = self.results.has_base and self.cells.question_set == "base"
        questions = f"{self.set_analysis.questions:,} questions" + (" of the base" if in_base else "")
        sentence = f"{_capital(self.cells.description(self.cell))}: {self.metric} {value} on {questions}"
        half = self.set_analysis.held_out.get(self.metric)
        if half is not None and half.cell == self.cell:
            sentence += (
                f", picked on {half.dev_questions:,} of them; on the {half.held_out_questions:,} held out it has"
                f" {self.form(half.held_out)}"
            )
        return f"{sentence}."

    def abstentions(self) -> str:
        """Where answers are open: how often it says that it cannot answer, and is right to."""
        return abstention_sentence(self.results, self.cell, self.cells.question_set)

    def without_context(self) -> str:
        """Where answers are open: what the reader knows by itself, so that no retrieval is praised for it."""
        picks = self.cells.rows[self.cell]
        closed_book = next(
            (
                row["cell"]
                for row in self.cells.rows.values()
                if (row["kind"], row["condition"]) == ("control", "closed_book")
                and all(row[axis] == picks[axis] for axis in ("reader", "votes", "rule"))
            ),
            None,
        )
        score = None if closed_book is None else self.cells.estimate(closed_book, self.metric)
        if not self.results.is_open or score is None or score.value is None:
            return ""
        return f"Without any context its reader has {self.metric} {in_words(score, self.unit)}."

    def rivals(self) -> str:
        """Which others may be as good."""
        size = sum(
            cell.is_candidate and cell.metrics[self.metric].value is not None
            for cell in self.set_analysis.cells.values()
        )
        if size == 1:
            return "There is no other set-up to compare it with."
        best = self.set_analysis.best.get(self.metric)
        # A cell may be picked on one half and still be told from the best of all questions.
        if best is None or self.cell not in best.cells:
            return "It can be told apart from the best set-up, so look at the grid."
        if len(best.cells) == 1:
            confidence = f"{self.analysis.confidence:.0%}"
            return f"The {size - 1:,} others can all be told apart from it, with {confidence} confidence."
        extreme = "highest" if higher_is_better(self.results, self.metric) else "lowest"
        rank = f"Of {size:,} set-ups it scores {extreme}; " if best.highest == self.cell else ""
        return f"{rank}{count(len(best.cells) - 1, 'other')} cannot be told apart from it."

    def good_enough(self) -> str:
        """Of the set-ups that cannot be told apart from the best, the cheapest."""
        names = self.cells.best(self.metric)
        if len(names) < 2 or self.cell not in names or self.against_floor():
            return ""
        costs = (
            ("is the cheapest", _dollars_each, {name: self.cells.cost(name).dollars_per_question for name in names}),
            ("has the shortest context", _words, {name: self.cells.context_words(name) for name in names}),
            ("is the fastest", _seconds_each, {name: self.cells.cost(name).seconds_per_question for name in names}),
        )
        for distinction, write, cost in costs:
            costs_known = {name: value for name, value in cost.items() if value is not None}
            if len(costs_known) < len(names) or len(set(costs_known.values())) == 1:
                continue
            least = min(costs_known.values())
            name = next(name for name in (self.cell, *names) if costs_known[name] == least)
            which = "this one" if name == self.cell else self.cells.description(name)
            return f"Of these {len(names):,}, {which} {distinction}: {write(least)}."
        return ""

    def unread(self) -> str:
        """How many of its answers are missing, with an example of what could not be read."""
        portion = self.cells.unanswered(self.cell)
        if portion is None or not portion.count:
            return ""
        share = f"{portion.count:,} of {portion.total:,} questions ({percent(portion.count / portion.total)})"
        row = self.cells.rows[self.cell]
        example = example_of_unread(self.results, row["reader"], row["context"])
        words = f", as with the reply “{example}”; ragtally show {self.results.study} --unparsed lists them"
        return f"It has no readable answer to {share}{words if example else ''}."

    @property
    def unit(self) -> str:
        """The metric's unit."""
        return self.analysis.units[self.metric]

    def form(self, value: float | None) -> str:
        """A bare value of the metric."""
        return form_of(self.unit).write(value)


def _dollars_each(cost: float) -> str:
    return f"{dollars(cost)} per question"


def _seconds_each(cost: float) -> str:
    return f"{seconds(cost)} per question"


def _words(number: float) -> str:
    return f"{number:,.0f} words"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _without_retrieval(results: Results, analysis: Analysis, cells: Cells, metric: str) -> Iterator[str]:
    """Which reader does best on what stands before it, where nothing is retrieved."""
    yield "Nothing is retrieved for a reader in this study, so no set-up is chosen."
    of_set = cells.set_analysis
    name = None if of_set is None else best_reader(results, of_set, metric)
    if of_set is None or name is None:
        return
    score, floor, unit = of_set.cells[name].metrics[metric], of_set.floors.get(metric), analysis.units[metric]
    always = "" if floor is None else f"always answering “{floor.answer}”: {form_of(unit).write(floor.score.value)}"
    extreme = "highest" if higher_is_better(results, metric) else "lowest"
    yield (
        f"The {extreme} observed {metric} is that of the {cells.description(name)}:"
        f" {in_words(score, unit, more=always)} on {count(score.denominator, 'question')}."
    )
    if floor is not None and not floor.beaten_by:
        yield "No reader is shown to be better than always giving that answer."


def _votes(analysis: Analysis, cells: Cells) -> Iterator[str]:
    """Whether several votes of a reader beat one of another, and at what price."""
    for family in analysis.votes:
        pairs = [one for one in family.comparisons if one.difference.value is not None]
        for one in sorted(pairs, key=lambda one: one.adjusted_p_value or 0.0)[:_MOST_COMPARISONS]:
            yield _comparison(one, family.metric, analysis, cells)


def _comparison(one: Comparison, metric: str, analysis: Analysis, cells: Cells) -> str:
    difference = in_words(one.difference, analysis.units[metric], is_difference=True)
    verdict = "" if one.distinguishable else ", which may be chance"
    prices = [cells.cost(name).dollars_per_question for name in (one.cell, one.baseline)]
    price = (
        ""
        if None in prices or not any(prices)
        else f", at {dollars(prices[0])} against {dollars(prices[1])} per question"
    )
    return (
        f"{_capital(cells.description(one.cell))}, against {cells.description(one.baseline)}: {metric} {difference}"
        f"{verdict}{price}."
    )


def _nothing_decides() -> tuple[str, ...]:
    return (
        "No metric of this study says which set-up is best: those of answers are one number per class, or cannot be"
        " judged question by question.",
        "Add accuracy or macro_f1 to its metrics; no question is asked again for that.",
    )


def _nothing_is_right() -> tuple[str, ...]:
    return (
        "Questions have no labels here, so no answer can be called right or wrong.",
        "Have voters label them (label and base, with agree_with_gold: false), or give the dataset labels.",
    )


def _nobody_answers(results: Results, analysis: Analysis) -> tuple[str, ...]:
    first = "No reader answers in this study"
    if not analysis.rankings and len(results.funnel):
        return (examples_sentence(results.funnel),)
    if not analysis.rankings:
        return (f"{first}, and nothing is retrieved.", "There is nothing to choose from.")
    metric, best = next(iter(analysis.best_rankings.items()), ("", None))
    if best is None or best.highest is None:
        return (f"{first}; it compares rankings, and none has a score.",)
    descriptions = dict(results.cells.select("cell", "description").iter_rows())
    score = analysis.rankings[best.highest][metric]
    extreme = "highest" if higher_is_better(results, metric) else "lowest"
    value = in_words(score, analysis.units.get(metric, "number"))
    rest = count(len(best.cells) - 1, "other") + " cannot" if len(best.cells) > 1 else "all others can"
    return (
        f"{first}; it compares {count(len(analysis.rankings), 'ranking')}.",
        f"{_capital(descriptions[best.highest])} has the {extreme} {metric} observed: {value} on"
        f" {count(score.denominator, 'question')}; {rest} be told apart from it.",
    )


def _loss(analysis: Analysis) -> str:
    breakdown = analysis.sets[analysis.question_set].error_breakdowns.get(str(analysis.chosen_cell))
    if breakdown is None:
        return "Where its wrong answers come from is not known."
    if breakdown.waterfall is None:
        return (
            "Its reader was not measured on gold contexts, so reader and retrieval cannot be told apart: add"
            " gold_context to the controls."
        )
    waterfall = breakdown.waterfall
    losses: dict[str, Estimate] = {name: loss for name in _LOSSES if (loss := getattr(waterfall, name)) is not None}
    name, most = max(losses.items(), key=lambda item: item[1].value or 0.0)
    if not most.value:
        return f"No loss was observed on {breakdown.questions:,} questions."
    next_most = max((loss.value or 0.0) for key, loss in losses.items() if key != name)
    culprit, questions = _LOSSES[name]
    verb = "Most is lost to" if next_most < (most.low or 0.0) else "The largest observed loss is to"
    gold = in_words(waterfall.gold, "share")
    sentence = f"{verb} {culprit}: {in_words(most, 'share')} {questions}"
    if name == "distractor_loss" and (unanswerable := breakdown.buckets.get(Bucket.UNANSWERABLE)):
        sentence += f" or ({count(unanswerable, 'question')}) nothing can be answered"
    if name == "reader_loss" and waterfall.recovered.value:
        sentence += f", though {percent(waterfall.recovered.value)} are right here all the same"
    return f"{sentence}; on gold contexts the reader is right on {gold}."
