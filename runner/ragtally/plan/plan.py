"""A study's plan: its voters, its base and its cells, with every task behind them, and the order of the work."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragtally.api import Choice, RagtallyError, SpecError, did_you_mean, raise_all
from ragtally.plan.approximation import build_count, exact_counterpart, variation
from ragtally.plan.cells import Cell, Picks, Voter, context_sizes, labelled_choices
from ragtally.plan.corpora import Corpus
from ragtally.plan.examples import ExamplePlan
from ragtally.plan.score import score_task
from ragtally.plan.tasks import StudyTasks
from ragtally.registry import Registry
from ragtally.spec.defaults import MAJORITY, OPEN_VOTER_METRICS, UNANIMOUS, VOTER_METRICS
from ragtally.spec.study import Study
from ragtally.steps import ASK, STEPS, TRAIN, TUNE, Task
from ragtally.steps.tune import base_model
from ragtally.store import Store

# The stages of a study, in order; each is one DVC stage.
STAGES = ("resolve", "prepare", "examples", "train", "label", "bench")

_DEPTHS = (10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class StepCount:
    """How much work a step has in a plan."""

    step: str
    uses: int  # How often cells and voters need its outcome
    tasks: int  # How many different pieces of work that is
    done: int  # How many of them are in the store


@dataclass(frozen=True)
class StudyPlan:
    """A study with all of its work described."""

    study: Study
    answers: tuple[str, ...]  # The answers that count, in order
    dataset: Task
    sample: Task  # The questions of the study
    voters: tuple[Voter, ...]  # The rows of the voters' table
    base: Task | None  # None where there is none
    cells: tuple[Cell, ...]  # In the order of the spec
    corpora: tuple[Corpus, ...]  # What is searched: one, or one of each parser
    examples: ExamplePlan | None = None  # None where no examples are written
    learners: Mapping[Task, tuple[str, ...]] = field(default_factory=dict)  # Whose model each training makes

    def goals(self, stage: str) -> tuple[Task, ...]:
        """The tasks that a stage is about; what they read comes with them."""
        if stage not in STAGES:
            raise RagtallyError(f"there is no stage {stage!r}", hint=did_you_mean(stage, STAGES))
        if stage == "resolve":
            return ()
        if stage == "prepare":
            return (
                self.dataset,
                self.sample,
                *(corpus.sample for corpus in self.corpora if corpus.parser is not None),
            )
        if stage == "examples":
            return () if self.examples is None else (self.examples.export,)
        label = (*(voter.score for voter in self.voters), *((self.base,) if self.base else ()))
        if stage == "label":
            return label
        bench = tuple(task for cell in self.cells for task in cell.goals)
        if stage == "bench":
            return bench
        return tuple(task for task in in_order((*label, *bench)) if task.step in (TRAIN, TUNE))

    def with_cells(self, cells: tuple[Cell, ...]) -> StudyPlan:
        """The plan of some cells only."""
        return replace(self, cells=cells)

    def counts(self, store: Store) -> tuple[StepCount, ...]:
        """Count the work of each step."""
        goals = dict.fromkeys(task for stage in STAGES for task in self.goals(stage))
        tasks = in_order(goals)
        # Each task with all that it reads: to unite sets is far faster than to walk through each goal's tasks.
        needs: dict[Task, frozenset[Task]] = {}
        for task in tasks:
            sources = itertools.chain.from_iterable(task.inputs.values())
            needs[task] = frozenset((task,)).union(*(needs[source] for source in sources))
        uses = Counter(task.step.name for goal in goals for task in needs[goal])
        counts = []
        for name, step in STEPS.items():
            of_step = [task for task in tasks if task.step is step]
            in_store = sum(store.complete(step.stored_as, task.address) for task in of_step)
            if of_step:
                counts.append(StepCount(name, uses[name], len(of_step), in_store))
        return tuple(counts)


def in_order(goals: Iterable[Task] | Sequence[Task]) -> tuple[Task, ...]:
    """List tasks with everything they read, each once, inputs first, otherwise step by step."""
    depth: dict[Task, tuple[int, int]] = {}
    order = {step: number for number, step in enumerate(STEPS.values())}

    def visit(task: Task) -> int:
        if task not in depth:
            # A step that reads a later one (asking a model to rank, say) waits for another round of all steps.
            level = 0
            for inputs in task.inputs.values():
                for source in inputs:
                    level = max(level, visit(source) + (order[source.step] >= order[task.step]))
            depth[task] = (level, order[task.step])
        return depth[task][0]

    for goal in goals:
        visit(goal)
    return tuple(sorted(depth, key=lambda task: depth[task]))


def plan_study(study: Study, registry: Registry) -> StudyPlan:
    """Describe all work of a study; nothing is done yet."""
    tasks = StudyTasks(study, registry)
    base = tasks.base(tasks.sample)
    cells = (*_retrieval_cells(tasks, base), *_reader_cells(tasks, base), *_grid_cells(tasks, base))
    plan = StudyPlan(
        study,
        tasks.answers,
        tasks.dataset,
        tasks.sample,
        _voters(tasks),
        base,
        cells,
        tasks.corpora,
        tasks.examples,
        {task: tuple(names) for task, names in tasks.learners.items()},
    )
    _require_prices(plan, registry)
    return plan


def _require_prices(plan: StudyPlan, registry: Registry) -> None:
    """A budget in dollars cannot be kept with a price that is unknown."""
    if plan.study.budget.usd is None:
        return
    raise_all([error for task in plan.goals("train") for error in _unpriced_training(task, registry)])
    unpriced: list[tuple[Choice, SpecError]] = []
    for task in in_order([goal for stage in STAGES for goal in plan.goals(stage)]):
        for choice in task.choices.values():
            paid = task.step is ASK if choice.kind == "model" else choice.kind == "embedder"
            if paid and registry.traits(choice).price is None and choice not in [each for each, _ in unpriced]:
                traits = registry.traits(choice)
                label = f"the {choice.kind} {traits.model if choice.kind == 'model' else traits.name or choice.name}"
                unpriced.append((choice, _no_price(choice, label, plan.study, task)))
    raise_all([error for _, error in unpriced])


def _unpriced_training(task: Task, registry: Registry) -> Iterator[SpecError]:
    terms = registry.traits(task.choices["model"]).tuning if task.step is TUNE else None
    if terms is not None and terms.price is None:
        yield SpecError(
            f"a budget in dollars needs every price, and that of fine-tuning for {task.label} is unknown",
            location=task.location,
            hint="state it in the model, in dollars per million tokens trained on: fine_tuning: {training: 3}",
        )


def _no_price(choice: Choice, label: str, study: Study, task: Task) -> SpecError:
    name = next((name for name, model in study.models.items() if model == base_model(choice)), None)
    price = "{input: 0.05, output: 0.08}" if choice.kind == "model" else "0.02"
    if choice != base_model(choice):
        return SpecError(
            f"a budget in dollars needs every price, and that of {name or label} once it is fine-tuned is unknown",
            location=study.location(f"models.{name}") if name else task.location,
            hint="state it in dollars per million tokens: fine_tuning: {input: 0.3, output: 1.2}",
        )
    return SpecError(
        f"a budget in dollars needs every price, and that of {name or label} is unknown",
        location=study.location(f"models.{name}") if name else task.location,
        hint=f"state it in dollars per million tokens: price: {price}; or usd_per_hour: 0",
    )


@dataclass(frozen=True, slots=True)
class _Decision:
    """How many votes, decided how."""

    votes: int
    rule: Choice
    label: str


def _decisions(study: Study, registry: Registry) -> list[_Decision]:
    rules = labelled_choices(study.grid.rule, registry)
    return [
        _Decision(votes, rule, f"{votes} vote{'' if votes == 1 else 's'}" + (f" {label}" if len(rules) > 1 else ""))
        for votes in study.grid.votes
        for rule, label in rules
    ]


def _voters(tasks: StudyTasks) -> tuple[Voter, ...]:
    label = tasks.study.label
    if label is None:
        return ()
    names = OPEN_VOTER_METRICS if tasks.study.dataset.is_open else VOTER_METRICS
    metrics = [Choice("metric", name) for name in names]
    majority, unanimous = Choice("rule", MAJORITY), Choice("rule", UNANIMOUS)
    rows = []
    for name in label.voters:
        ballots = tasks.ballots(name, "label", label.votes, tasks.control_context("gold_context"))
        decisions: list[tuple[str, Sequence[Task], Choice]] = [
            (f"vote {number + 1}", (ballot,), majority) for number, ballot in enumerate(ballots)
        ]
        if label.votes > 1:
            decisions.append((f"majority of {label.votes}", ballots, majority))
            decisions.append((f"unanimous of {label.votes}", ballots, unanimous))
        for decision, cast, rule in decisions:
            about = f"{name} {decision}"
            verdicts = tasks.verdicts(cast, rule, about)
            score = tasks.score(verdicts, metrics, question_sets=("all",), label=about)
            rows.append(Voter(name, decision, score))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Search:
    """A retriever as the grid has it: each build of its index by itself."""

    retriever: Choice
    label: str
    build: int | None  # None where there is only one
    exact: Choice | None  # What finds exactly what it approximates
    variation: str

    def rank(self, chunks: str) -> str:
        """The name of its ranking of the chunks with a label."""
        return f"{chunks}/{self.label}" + ("" if self.build is None else f"/build {self.build}")

    def setup(self, chunks: str, rest: str = "") -> str | None:
        """A cell's name without the build."""
        return None if self.build is None else f"{chunks}/{self.label}{rest}"


def _searches(tasks: StudyTasks) -> Iterator[_Search]:
    registry = tasks.registry
    for retriever, label in labelled_choices(tasks.study.grid.retriever, registry):
        builds = build_count(retriever, registry)
        exact, varies = exact_counterpart(retriever, registry), variation(retriever, registry)
        for build in range(1, builds + 1):
            yield _Search(retriever, label, build if builds > 1 else None, exact, varies)


def _chunkers(tasks: StudyTasks) -> list[tuple[Corpus, Choice, str]]:
    """Each chunker over each corpus, with the name of its chunks."""
    chunkers = labelled_choices(tasks.study.grid.chunker, tasks.registry)
    return [(corpus, chunker, corpus.name(label)) for corpus in tasks.corpora for chunker, label in chunkers]


def _retrieval_cells(tasks: StudyTasks, base: Task | None) -> list[Cell]:
    """Every ranking once; where nobody reads, what of it would reach a reader as well."""
    grid, cells = tasks.study.grid, []
    sets, depth = _question_sets(base, everywhere=True), _depth(tasks)
    sizes = () if grid.reader else context_sizes(grid)
    for (corpus, chunker, chunks), search in itertools.product(_chunkers(tasks), _searches(tasks)):
        ranking, build = search.rank(chunks), search.build or 1
        relevance = tasks.relevance(corpus, chunker, search.retriever, depth, build)
        for size in (None, *sizes):
            rest = "" if size is None else f"/{size}"
            name = f"{ranking}{rest}"
            context = (
                None if size is None else tasks.context(corpus, chunker, search.retriever, size, depth, name, build)
            )
            picks = Picks(
                "retrieval", chunker=chunker, retriever=search.retriever, build=search.build, parser=corpus.parser
            )
            if size is not None:
                picks = replace(picks, top_k=size.top_k, context_words=size.context_words)
            score = score_task(
                tasks.factory,
                tasks.sample,
                _metrics(tasks, "retrieval") if size is None else (),
                question_sets=sets,
                base=base,
                relevance=relevance,
                context=context.passages if context else None,
                context_relevance=context.relevance if context else None,
                top_k=picks.top_k,
                label=name,
            )
            cells.append(
                Cell(
                    name,
                    picks,
                    sets,
                    score,
                    ranking=ranking,
                    setup=search.setup(chunks, rest),
                    variation=search.variation,
                    exact=None if search.exact is None else tasks.relevance(corpus, chunker, search.exact, depth),
                )
            )
    return cells


def _reader_cells(tasks: StudyTasks, base: Task | None) -> list[Cell]:
    """Readers that answer whatever the passages once, the others once a control; both on all questions."""
    cells, sets = [], _question_sets(base, everywhere=True)
    for name in tasks.study.grid.reader:
        own = tasks.traits(name).condition
        for condition in (own,) if own else tasks.study.controls:
            context = None if own else tasks.control_context(condition)
            for decision in _decisions(tasks.study, tasks.registry):
                ballots = tasks.ballots(name, "measure", decision.votes, context)
                picks = Picks(
                    "fixed" if own else "control", condition, reader=name, votes=decision.votes, rule=decision.rule
                )
                label = f"{condition}/{name}/{decision.label}"
                cells.append(_answer_cell(tasks, base, label, picks, ballots, sets, context=context))
    return cells


def _grid_cells(tasks: StudyTasks, base: Task | None) -> list[Cell]:
    study, cells = tasks.study, []
    everywhere = study.grid_on == "all"
    sets, depth = _question_sets(base, everywhere=everywhere), _depth(tasks)
    readers = [name for name in study.grid.reader if tasks.traits(name).condition is None]
    sizes = context_sizes(study.grid)
    for (corpus, chunker, chunks), search, size in itertools.product(_chunkers(tasks), _searches(tasks), sizes):
        retriever, ranking, build = search.retriever, search.rank(chunks), search.build or 1
        about = f"{ranking}/{size}"
        relevance = tasks.relevance(corpus, chunker, retriever, depth, build)
        context = tasks.context(corpus, chunker, retriever, size, depth, about, build)
        exact = exact_context = None
        if search.exact is not None:
            exact = tasks.relevance(corpus, chunker, search.exact, depth)
            exact_context = tasks.context(corpus, chunker, search.exact, size, depth, f"{about}, exactly").relevance
        for name, decision in itertools.product(readers, _decisions(study, tasks.registry)):
            rest = f"/{name}/{decision.label}"
            ballots = tasks.ballots(name, "measure", decision.votes, context.passages, None if everywhere else base)
            picks = Picks(
                "grid", "retrieved", chunker, retriever, size.top_k, name, decision.votes, decision.rule,
                size.context_words, search.build, corpus.parser,
            )  # fmt: skip
            cell = _answer_cell(
                tasks,
                base,
                f"{about}{rest}",
                picks,
                ballots,
                sets,
                context=context.passages,
                relevance=relevance,
                context_relevance=context.relevance,
            )
            cells.append(
                replace(
                    cell,
                    ranking=ranking,
                    setup=search.setup(chunks, f"/{size}{rest}"),
                    variation=search.variation,
                    exact=exact,
                    exact_context=exact_context,
                )
            )
    return cells


def _answer_cell(
    tasks: StudyTasks,
    base: Task | None,
    name: str,
    picks: Picks,
    ballots: Sequence[Task],
    question_sets: tuple[str, ...],
    *,
    context: Task | None,
    relevance: Task | None = None,
    context_relevance: Task | None = None,
) -> Cell:
    assert picks.reader is not None and picks.rule is not None and picks.votes is not None
    draws = tasks.traits(picks.reader).draws
    verdicts = tasks.verdicts(ballots, picks.rule, name)
    reason = _not_scored_on_base(tasks.study, picks, draws) if "base" in question_sets else None
    score = tasks.score(
        verdicts,
        tasks.study.metrics if relevance else _metrics(tasks, "answers"),
        question_sets=question_sets,
        base=base,
        relevance=relevance,
        context=context,
        context_relevance=context_relevance,
        top_k=picks.top_k,
        not_scored={} if reason is None else {"base": reason},
        label=name,
    )
    return Cell(name, picks, question_sets, score, verdicts, 1 if draws == "fixed" else picks.votes)


def _not_scored_on_base(study: Study, picks: Picks, draws: str) -> str | None:
    """Why a reader's answers cannot be scored on the base: its own answers, which it cannot draw again, made it."""
    base = study.base
    if base is None or draws == "fresh":
        return None
    if picks.condition == "closed_book" and picks.reader in base.exclude_closed_book_right:
        return "the reader's own right answers without context left the base"
    # The words are in the address of the scores.
    return "the reader selected the base and cannot vote again" if picks.reader in base.voters else None


def _question_sets(base: Task | None, *, everywhere: bool) -> tuple[str, ...]:
    if base is None:
        return ("all",)
    return ("all", "base") if everywhere else ("base",)


def _metrics(tasks: StudyTasks, measures: str) -> list[Choice]:
    return [metric for metric in tasks.study.metrics if tasks.registry.traits(metric).measures == measures]


def _depth(tasks: StudyTasks) -> int:
    """How many hits to ask for: enough for the reader and for every metric, in coarse steps."""
    # Whatever reads the hits has this number in its address; with every number of its own, a metric added to the spec
    # would mean to search and read again.
    cut_offs = [metric.parameters["k"] for metric in _metrics(tasks, "retrieval")]
    least = max((*cut_offs, *(size.hits for size in context_sizes(tasks.study.grid))), default=1)
    return next((depth for depth in _DEPTHS if depth >= least), least)
