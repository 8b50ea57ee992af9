"""Build a study's plan: its voters, its base and its cells, with every task behind them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragtally.api import Choice
from ragtally.plan.cells import Cell, Picks, Voter, axis_labels
from ragtally.plan.retrieval import context_sizes
from ragtally.plan.shared import SharedTasks
from ragtally.plan.study_plan import StudyPlan
from ragtally.registry import Registry
from ragtally.spec.study import Study
from ragtally.steps import Task, base, score, vote

# What the table of the voters shows, whatever the spec's metrics.
VOTER_METRICS = (
    "accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "precision",
    "recall",
    "f1",
    "coverage",
    "accuracy_of_covered",
    "unparsed_share",
)

_DEPTHS = (10, 20, 50, 100, 200, 500, 1000)

MAJORITY, UNANIMOUS = Choice("rule", "majority"), Choice("rule", "unanimous")


def plan_study(study: Study, registry: Registry) -> StudyPlan:
    """Describe all work of a study; nothing is done yet."""
    shared = SharedTasks(study, registry)
    kept = _base(shared)
    cells = (*_retrieval_cells(shared, kept), *_reader_cells(shared, kept), *_grid_cells(shared, kept))
    return StudyPlan(
        study=study,
        answers=shared.answers,
        prepared=shared.prepared,
        sampled=shared.sampled,
        voters=_voters(shared),
        base=kept,
        cells=cells,
    )


@dataclass(frozen=True, slots=True)
class _Decision:
    """How many votes, decided how."""

    votes: int
    rule: Choice
    label: str


def _decisions(study: Study) -> list[_Decision]:
    rules = list(zip(study.grid.rule, axis_labels(study.grid.rule), strict=True))
    return [
        _Decision(votes, rule, f"{votes} vote{'' if votes == 1 else 's'}" + (f" {label}" if len(rules) > 1 else ""))
        for votes in study.grid.votes
        for rule, label in rules
    ]


def _voters(shared: SharedTasks) -> tuple[Voter, ...]:
    label = shared.study.label
    if label is None:
        return ()
    metrics = [Choice("metric", name) for name in VOTER_METRICS]
    rows = []
    for name in label.voters:
        ballots = shared.ballots(name, "label", label.votes, shared.control_context("gold_context"))
        decisions: list[tuple[str, Sequence[Task], Choice]] = [
            (f"vote {number + 1}", (ballot,), MAJORITY) for number, ballot in enumerate(ballots)
        ]
        if label.votes > 1:
            decisions.append((f"majority of {label.votes}", ballots, MAJORITY))
            decisions.append((f"unanimous of {label.votes}", ballots, UNANIMOUS))
        for decision, cast, rule in decisions:
            about = f"{name} {decision}"
            verdicts = vote.task(shared.factory, cast, rule, label=about)
            task = score.task(
                shared.factory, shared.sampled, metrics, question_sets=("all",), verdicts=verdicts, label=about
            )
            rows.append(Voter(name, decision, task))
    return tuple(rows)


def _base(shared: SharedTasks) -> Task | None:
    wanted, label = shared.study.base, shared.study.label
    if wanted is None or label is None:
        return None

    def verdicts(names: Sequence[str], condition: str) -> Task:
        contexts = shared.control_context(condition)
        pooled = [ballot for name in names for ballot in shared.ballots(name, "label", label.votes, contexts)]
        return vote.task(shared.factory, pooled, wanted.rule, label=f"{', '.join(names)} on {condition}")

    return base.task(
        shared.factory,
        shared.sampled,
        verdicts(wanted.voters, "gold_context"),
        [verdicts((name,), "closed_book") for name in wanted.exclude_closed_book_right],
        agree_with_gold=wanted.agree_with_gold,
        label="base",
        location=shared.study.location("base"),
    )


def _retrieval_cells(shared: SharedTasks, kept: Task | None) -> list[Cell]:
    """Every ranking once; where nobody reads, what of it would stand before a reader as well."""
    grid, cells = shared.study.grid, []
    sets, depth = _question_sets(kept, everywhere=True), _depth(shared)
    sizes = () if grid.reader else context_sizes(grid)
    for (chunker, cut), (retriever, found) in itertools.product(_labelled(grid.chunker), _labelled(grid.retriever)):
        judged = shared.retrieval.judged(chunker, retriever, depth)
        for size in (None, *sizes):
            name = f"{cut}/{found}" if size is None else f"{cut}/{found}/{size}"
            context = None if size is None else shared.retrieval.context(chunker, retriever, size, depth, name)
            picks = Picks("retrieval", chunker=chunker, retriever=retriever)
            if size is not None:
                picks = replace(picks, top_k=size.top_k, context_words=size.context_words)
            task = score.task(
                shared.factory,
                shared.sampled,
                _metrics(shared, "retrieval") if size is None else (),
                question_sets=sets,
                kept=kept,
                judged=judged,
                judged_context=context.judged if context else None,
                contexts=context.passages if context else None,
                top_k=picks.top_k,
                label=name,
            )
            cells.append(Cell(name, picks, sets, task, ranking=f"{cut}/{found}"))
    return cells


def _reader_cells(shared: SharedTasks, kept: Task | None) -> list[Cell]:
    """Readers that answer whatever the passages once, the others once a control; both on all questions."""
    cells = []
    for name in shared.study.grid.reader:
        own = shared.traits(name).condition
        for condition in (own,) if own else shared.study.controls:
            contexts = None if own else shared.control_context(condition)
            for decision in _decisions(shared.study):
                ballots = shared.ballots(name, "measure", decision.votes, contexts)
                picks = Picks(
                    "fixed" if own else "control",
                    condition,
                    reader=name,
                    votes=decision.votes,
                    rule=decision.rule,
                )
                label = f"{condition}/{name}/{decision.label}"
                sets = _question_sets(kept, everywhere=True)
                cells.append(_answer_cell(shared, kept, label, picks, ballots, sets, contexts=contexts))
    return cells


def _grid_cells(shared: SharedTasks, kept: Task | None) -> list[Cell]:
    study, cells = shared.study, []
    everywhere = study.grid_on == "all"
    readers = [name for name in study.grid.reader if shared.traits(name).condition is None]
    for (chunker, cut), (retriever, found), size in itertools.product(
        _labelled(study.grid.chunker), _labelled(study.grid.retriever), context_sizes(study.grid)
    ):
        about = f"{cut}/{found}/{size}"
        context = shared.retrieval.context(chunker, retriever, size, _depth(shared), about)
        for name, decision in itertools.product(readers, _decisions(study)):
            ballots = shared.ballots(name, "measure", decision.votes, context.passages, None if everywhere else kept)
            picks = Picks("grid", "retrieved", chunker, retriever, size.top_k, name, decision.votes, decision.rule)
            cells.append(
                _answer_cell(
                    shared,
                    kept,
                    f"{about}/{name}/{decision.label}",
                    replace(picks, context_words=size.context_words),
                    ballots,
                    _question_sets(kept, everywhere=everywhere),
                    contexts=context.passages,
                    judged=shared.retrieval.judged(chunker, retriever, _depth(shared)),
                    judged_context=context.judged,
                    ranking=f"{cut}/{found}",
                )
            )
    return cells


def _answer_cell(
    shared: SharedTasks,
    kept: Task | None,
    name: str,
    picks: Picks,
    ballots: Sequence[Task],
    question_sets: tuple[str, ...],
    *,
    contexts: Task | None,
    judged: Task | None = None,
    judged_context: Task | None = None,
    ranking: str | None = None,
) -> Cell:
    assert picks.reader is not None and picks.rule is not None and picks.votes is not None
    draws = shared.traits(picks.reader).draws
    not_scored = {}
    base = shared.study.base
    if base and draws != "fresh" and picks.reader in base.voters and "base" in question_sets:
        not_scored["base"] = "the reader selected the base and cannot vote anew"
    known = base is not None and picks.reader in base.exclude_closed_book_right
    if known and draws != "fresh" and picks.condition == "closed_book" and "base" in question_sets:
        not_scored["base"] = "the reader's own right answers without context left the base"
    verdicts = vote.task(shared.factory, ballots, picks.rule, label=name)
    task = score.task(
        shared.factory,
        shared.sampled,
        shared.study.metrics if judged else _metrics(shared, "answers"),
        question_sets=question_sets,
        verdicts=verdicts,
        kept=kept,
        judged=judged,
        judged_context=judged_context,
        contexts=contexts,
        top_k=picks.top_k,
        not_scored=not_scored,
        label=name,
    )
    note = "same as votes = 1" if draws == "fixed" and picks.votes > 1 else None
    return Cell(name, picks, question_sets, task, verdicts, note, ranking)


def _question_sets(kept: Task | None, *, everywhere: bool) -> tuple[str, ...]:
    if kept is None:
        return ("all",)
    return ("all", "base") if everywhere else ("base",)


def _labelled(axis: Sequence[Choice]) -> list[tuple[Choice, str]]:
    return list(zip(axis, axis_labels(axis), strict=True))


def _metrics(shared: SharedTasks, measures: str) -> list[Choice]:
    return [metric for metric in shared.study.metrics if shared.registry.traits(metric).measures == measures]


def _depth(shared: SharedTasks) -> int:
    """How many hits to ask for: enough for the reader and for every metric, in coarse steps."""
    # Whatever reads the hits has this number in its address; with every number of its own, a metric added to the spec
    # would mean to search and read anew.
    cut_offs = [metric.parameters["k"] for metric in _metrics(shared, "retrieval")]
    needed = max((*cut_offs, *(size.hits for size in context_sizes(shared.study.grid))), default=1)
    return next((depth for depth in _DEPTHS if depth >= needed), needed)
