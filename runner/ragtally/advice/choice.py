"""Which approach a finished study speaks for, and after how many questions a trained reader has paid for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ragtally.analysis import Analysis
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.pairwise import CellRef, PairwiseComparison, compare_pairwise
from ragtally.api import ReaderTraits
from ragtally.results import Results

# In the order of the table. What the gold context makes of a reader is only for who is given the right passage.
_CONDITIONS = ("closed_book", "gold_context", "whole_document", "whole_corpus", "retrieved")
_COMPARABLE = ("retrieved", "whole_document", "whole_corpus", "gold_context", "closed_book")


@dataclass(frozen=True, slots=True)
class Spending:
    """What a trained reader costs before its first answer, and what its machine costs; None for what is not known."""

    labelling: float | None = None  # US dollars
    training: float | None = None
    expert: float | None = None
    machine_hour: float | None = None  # US dollars per hour of the machine that it answers on

    def total(self, training: float | None) -> float | None:
        """All that is spent once, with what the training is known to have cost; None where a part is not known."""
        parts = (self.labelling, training if self.training is None else self.training, self.expert)
        return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Option:
    """One approach: of its cells the one with the best observed value."""

    condition: str  # What stands before its reader, such as `closed_book` or `retrieved`
    reader: str
    trained: bool
    reads: bool  # Whether its answers depend on what stands before it
    cell: str
    cells: int  # Of how many it is the best
    score: Estimate
    usd_per_question: float | None
    seconds_per_question: float | None
    usd_index: float = 0.0  # What its index cost once
    hosted: bool = False  # Whether its model was fine-tuned by its provider, who answers too
    training_dollars: float | None = None  # What its provider took for the training; None where unknown, or none did


@dataclass(frozen=True, slots=True)
class BreakEven:
    """A trained reader against the best of those that learn nothing, on the same kind of context."""

    trained: Option
    other: Option
    comparison: PairwiseComparison
    better: bool | None  # False for worse; None where the two cannot be told apart
    spent: (
        float | None
    )  # US dollars before the first answer: its own, its index among them, without the other's index
    saving: float | None  # US dollars per question; negative where it is the dearer one

    @property
    def questions(self) -> float | None:
        """After how many questions it has paid for itself; None for never, or where a price is not known."""
        if self.spent is None or self.saving is None:
            return None
        if self.spent <= 0 <= self.saving:
            return 0.0
        return self.spent / self.saving if self.saving > 0 else None


@dataclass(frozen=True, slots=True)
class Choice:
    """The approaches of a study side by side."""

    study: str
    metric: str
    unit: str
    question_set: str
    options: tuple[Option, ...]
    highest: str | None  # The cell with the best observed value of those that can be put to use
    # The other options against it, by cell: whether they are worse; None where it cannot be told.
    worse: Mapping[str, bool | None]
    break_even: tuple[BreakEven, ...]
    other_readers: tuple[str, ...] = ()  # Those of the results that the spec no longer names, which are left out


def learns(traits: ReaderTraits) -> bool:
    """Whether a reader is a small model that learns to answer."""
    # One whose answers do not depend on what is put before it, as the majority class, is what others are measured by.
    return traits.trains and traits.condition is None


def choice_of(
    results: Results,
    analysis: Analysis,
    readers: Mapping[str, ReaderTraits],
    read_seconds: Mapping[str, float],
    spending: Spending,
) -> Choice | None:
    """Compare the approaches of a study; None where no metric decides.

    `readers` are those of the spec; `read_seconds` says how long each cell's votes took.
    """
    if analysis.metric is None or analysis.question_set not in analysis.sets:
        return None
    metric, question_set = analysis.metric, analysis.question_set
    higher = results.metric(metric).higher_is_better is not False
    options = _options(results, analysis, readers, read_seconds, spending)
    best = [
        _best([each for each in options if not each.trained and each.condition == name], higher)
        for name in _CONDITIONS
    ]
    rows = (*(each for each in best if each is not None), *_of_trained(options, higher))
    against = [pair for each in rows if each.trained and (pair := _counterpart(each, options, higher)) is not None]
    has_retrieval = any(each.condition == "retrieved" for each in rows)
    usable = [each for each in rows if not (has_retrieval and each.condition == "gold_context")]
    highest = _best(usable, higher)
    rest = [] if highest is None else [each.cell for each in usable if each.cell != highest.cell]
    names = [(one.cell, other.cell) for one, other in against]
    # A trained reader that is the highest one is in a pair already, which is tested once.
    names += [(cell, highest.cell) for cell in rest if highest is not None and (highest.cell, cell) not in names]
    pairs = list(dict.fromkeys(names))
    refs = [(CellRef(results, one), CellRef(results, other)) for one, other in pairs]
    compared = dict(zip(pairs, compare_pairwise(refs, metric, question_set), strict=True)) if refs else {}
    outcomes: dict[tuple[str, str], bool | None] = {}
    for (one, other), comparison in compared.items():
        better = _is_better(comparison, higher)
        outcomes |= {(one, other): better, (other, one): None if better is None else not better}
    return Choice(
        study=results.study,
        metric=metric,
        unit=analysis.units.get(metric, "number"),
        question_set=question_set,
        options=rows,
        highest=None if highest is None else highest.cell,
        worse={cell: outcomes[highest.cell, cell] for cell in rest if highest is not None},
        break_even=tuple(
            BreakEven(
                trained=one,
                other=other,
                comparison=compared[one.cell, other.cell],
                better=outcomes[one.cell, other.cell],
                spent=_spent(one, other, spending),
                saving=_difference(other.usd_per_question, one.usd_per_question),
            )
            for one, other in against
        ),
        other_readers=tuple(
            name for name in results.cells["reader"].drop_nulls().unique().sort() if name not in readers
        ),
    )


def _options(
    results: Results,
    analysis: Analysis,
    readers: Mapping[str, ReaderTraits],
    read_seconds: Mapping[str, float],
    spending: Spending,
) -> list[Option]:
    """Every cell that could be put to use, or shows what the right passage is worth."""
    assert analysis.metric is not None
    cells = analysis.sets[analysis.question_set].cells
    elsewhere = results.comparisons.get("answered_elsewhere", ())
    answers = dict(results.answers.group_by("cell").len().iter_rows())
    options = []
    rows = results.cells.select("cell", "condition", "reader").unique(maintain_order=True)
    for name, condition, reader in rows.iter_rows():
        cell = cells.get(name)
        if cell is None or reader not in readers or reader in elsewhere or condition not in _CONDITIONS:
            continue
        score = cell.metrics[analysis.metric]
        if score.value is None or (condition == "retrieved" and not cell.is_candidate):
            continue
        seconds, usd = cell.cost.seconds_per_question, cell.cost.dollars_per_question
        own = read_seconds.get(name)
        if seconds is None and own is not None:
            seconds = own / answers[name]
        is_trained, reads = learns(readers[reader]), readers[reader].condition is None
        is_hosted = reader in results.training_dollars
        if is_trained and not is_hosted and spending.machine_hour is not None:
            usd = None if usd is None or seconds is None else usd + seconds / 3600 * spending.machine_hour
        index, training = cell.cost.index_dollars or 0.0, cell.cost.training_dollars
        options.append(
            Option(condition, reader, is_trained, reads, name, 1, score, usd, seconds, index, is_hosted, training)
        )
    return options


def _best(options: Sequence[Option], higher: bool) -> Option | None:
    if not options:
        return None
    values = [each.score.value or 0.0 for each in options]
    return replace(options[values.index(max(values) if higher else min(values))], cells=len(options))


def _of_trained(options: Sequence[Option], higher: bool) -> list[Option]:
    """Each trained reader where those that learn nothing answer too, or else on what it has."""
    untrained = {each.condition for each in options if not each.trained and each.reads}
    rows = []
    for reader in dict.fromkeys(each.reader for each in options if each.trained):
        own = [each for each in options if each.reader == reader]
        order = sorted(_COMPARABLE, key=lambda name: name not in untrained)
        condition = next(name for name in order if any(each.condition == name for each in own))
        best = _best([each for each in own if each.condition == condition], higher)
        rows += [] if best is None else [best]
    return rows


def _counterpart(option: Option, options: Sequence[Option], higher: bool) -> tuple[Option, Option] | None:
    others = [each for each in options if not each.trained]
    alike = [each for each in others if each.reads and each.condition == option.condition]
    # One that reads nothing, as the majority class, would answer the same there.
    best = _best(alike or [each for each in others if not each.reads], higher)
    return None if best is None else (option, best)


def _is_better(pair: PairwiseComparison, higher: bool) -> bool | None:
    difference = pair.comparison.difference.value
    if not pair.comparison.distinguishable or difference is None:
        return None
    return (difference > 0) == higher


def _spent(trained: Option, other: Option, spending: Spending) -> float | None:
    total = spending.total(trained.training_dollars)
    return None if total is None else total + trained.usd_index - other.usd_index


def _difference(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second
