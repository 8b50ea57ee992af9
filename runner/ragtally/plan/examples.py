"""The tasks that write examples for training: rounds of writing and grading, and what becomes of every example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ragtally.api import CallPurpose, Choice, ModelTraits
from ragtally.curation.decisions import DecisionLog, decision_cells
from ragtally.examples.wording import Kind
from ragtally.plan.corpora import Corpus
from ragtally.registry import Registry
from ragtally.spec.study import Chats, ExampleRecipe, ReaderPick, Study, Validation
from ragtally.spec.training_rules import learnable_kinds
from ragtally.steps import (
    CONVERSE,
    CURATE,
    DEDUPLICATE,
    EVOLVE,
    EVOLVE_PROMPT,
    EXPORT,
    GENERATE,
    GENERATE_PROMPT,
    PREPARE,
    REPAIR,
    REPAIR_PROMPT,
    SEED,
    SPLIT,
    TRAINING_SET,
    VALIDATE,
    VALIDATE_PROMPT,
    Step,
    Task,
)

Inputs = dict[str, Task | Sequence[Task] | None]


class Tasks(Protocol):
    """What it takes of a study's tasks to write examples; `StudyTasks` has it, and needs examples in turn."""

    study: Study
    registry: Registry
    answers: tuple[str, ...]
    dataset: Task
    sample: Task

    @property
    def examples(self) -> ExamplePlan | None: ...

    def chunks(self, corpus: Corpus, chunker: Choice, path: str) -> Task: ...
    def ask(self, inputs: Inputs, model: Choice, purpose: CallPurpose, index: int, path: str, label: str) -> Task: ...
    def task(self, step: Step, path: str, label: str, **work: Any) -> Task: ...


@dataclass(frozen=True)
class ExampleRound:
    """Examples that come to be together, and what validators say of them."""

    name: str  # As in `generate`, `repair 1`, `evolve 2`, `seed`
    examples: Task
    asks: tuple[tuple[int, Task], ...] = ()  # What generators replied, each by its number
    grades: Task | None = None  # None where nobody grades them
    validations: tuple[tuple[int, Task], ...] = ()  # What validators replied, each by its number


@dataclass(frozen=True)
class ExamplePlan:
    """How the examples of a study come to be."""

    recipe: ExampleRecipe
    rounds: tuple[ExampleRound, ...]
    outcomes: Task  # What becomes of every example
    log: Path  # What people decide
    curated: Task  # What is included by what they decided
    splits: Task
    export: Task


def plan_examples(tasks: Tasks) -> ExamplePlan | None:
    """Describe how examples are written; None where the study writes none."""
    recipe = tasks.study.examples
    return None if recipe is None else _Rounds(tasks, recipe).plan()


class _Rounds:
    """Makes the rounds, one after the other."""

    def __init__(self, tasks: Tasks, recipe: ExampleRecipe) -> None:
        self._tasks = tasks
        self._recipe = recipe
        self._models = tasks.study.models
        self._rounds: list[ExampleRound] = []

    def plan(self) -> ExamplePlan:
        recipe = self._recipe
        seeds = self._seeds() if recipe.seeds else None
        if seeds is not None:
            self._rounds.append(ExampleRound("seed", seeds))
        if recipe.chats is not None:
            self._round("chat", self._converse(recipe.chats), ())
        if recipe.generators:
            self._write(seeds)
        return self._handover(self._outcomes())

    def _write(self, seeds: Task | None) -> None:
        """The rounds of the generators: what they write first, repairs, further versions."""
        recipe, first = self._recipe, self._round("generate", *self._generate(seeds))
        repairs: list[ExampleRound] = []
        for number in range(1, recipe.repair + 1):
            source = repairs[-1] if repairs else first
            repairs.append(self._round(f"repair {number}", *self._revise(REPAIR_PROMPT, REPAIR, [source], number)))
        sources = [first, *repairs]
        for number in range(1, recipe.evolution.rounds + 1 if recipe.evolution else 1):
            sources = [self._round(f"evolve {number}", *self._revise(EVOLVE_PROMPT, EVOLVE, sources, number))]

    def _converse(self, chats: Chats) -> Task:
        settings = {"assistant": list(chats.assistant), "speaker": chats.speaker, "text": chats.text}
        inputs: Inputs = {"prepare": self._tasks.dataset}
        return self._tasks.task(CONVERSE, "examples.chats", "chats", settings=settings, inputs=inputs)

    def _seeds(self) -> Task:
        settings = {"examples": self._recipe.seeds, "labels": self._recipe.labels}
        return self._tasks.task(SEED, "examples.expand", "seed", settings=settings)

    def _settings(self, kind: Kind, prompt: str, model: Choice) -> dict[str, Any]:
        """What decides the prompts of one sort."""
        recipe = self._recipe
        return {
            "kind": str(kind),
            "labels": list(recipe.labels) if kind is Kind.LABEL else [],
            "language": recipe.language,
            "template": recipe.templates[prompt],
            "constrained": self._is_constrained(model),
        }

    def _is_constrained(self, model: Choice) -> bool:
        traits: ModelTraits = self._tasks.registry.traits(model)
        return traits.takes_schema is True

    def _model_name(self, generator: str) -> str:
        traits: ModelTraits = self._tasks.registry.traits(self._models[generator])
        return f"{traits.provider}/{traits.model}"

    def _generate(self, seeds: Task | None) -> tuple[Task, list[tuple[int, Task]]]:
        tasks, recipe = self._tasks, self._recipe
        inputs: Inputs = {"seed": seeds}
        if seeds is None:
            assert recipe.chunker is not None
            corpus = Corpus(None, "", tasks.dataset, tasks.sample)
            inputs = {"prepare": tasks.dataset, "chunk": tasks.chunks(corpus, recipe.chunker, "examples.chunker")}
        asks = []
        for kind in recipe.kinds:
            style = [[own, dict(fields)] for own, fields in recipe.style if own == kind]
            for number, name in enumerate(recipe.generators):
                settings = {
                    **self._settings(kind, "expand" if seeds else "generate", self._models[name]),
                    "count": recipe.per_chunk,
                    "style": style,
                }
                prompts = tasks.task(GENERATE_PROMPT, "examples", str(kind), settings=settings, inputs=inputs)
                asks.append((number, self._ask(prompts, name, "generate", 0, f"{name}: {kind}")))
        return self._replies(GENERATE, "generate", asks, [seeds] if seeds else []), asks

    def _revise(
        self, prompt_step: Step, step: Step, sources: Sequence[ExampleRound], number: int
    ) -> tuple[Task, list[tuple[int, Task]]]:
        """Another version of each example, by who wrote it."""
        recipe = self._recipe
        purpose: CallPurpose = "repair" if step is REPAIR else "evolve"
        inputs: Inputs = {
            "prepare": self._tasks.dataset,
            "examples": [source.examples for source in sources],
            "validate": [source.grades for source in sources if source.grades is not None] or None,
        }
        own: dict[str, Any] = {"round": number}
        if step is EVOLVE and recipe.evolution is not None:
            own["ways"] = [list(pair) for pair in recipe.evolution.ways.items()]
        asks = []
        for kind in recipe.kinds:
            for generator, name in enumerate(recipe.generators):
                settings = {**self._settings(kind, purpose, self._models[name]), "generator": generator, **own}
                label = f"{name}: {kind}, {purpose} {number}"
                prompts = self._tasks.task(
                    prompt_step, f"examples.{purpose}", label, settings=settings, inputs=inputs
                )
                asks.append((generator, self._ask(prompts, name, purpose, 0, label)))
        return self._replies(step, f"{purpose} {number}", asks, [each.examples for each in self._rounds]), asks

    def _ask(self, prompts: Task, name: str, purpose: CallPurpose, vote: int, label: str) -> Task:
        return self._tasks.ask({"prompt": prompts}, self._models[name], purpose, vote, f"models.{name}", label)

    def _replies(self, step: Step, label: str, asks: Sequence[tuple[int, Task]], earlier: Sequence[Task]) -> Task:
        inputs: Inputs = {
            "prompt": [ask.inputs["prompt"][0] for _, ask in asks],
            "ask": [ask for _, ask in asks],
            "earlier": earlier or None,
        }
        settings = {"generators": [number for number, _ in asks], "labels": list(self._recipe.labels)}
        return self._tasks.task(step, "examples", label, settings=settings, inputs=inputs)

    def _round(self, name: str, examples: Task, asks: Sequence[tuple[int, Task]]) -> ExampleRound:
        validation = self._recipe.validation
        grades, votes = (None, []) if validation is None else self._grades(name, examples, validation)
        own = ExampleRound(name, examples, tuple(asks), grades, tuple((number, task) for number, _, task in votes))
        self._rounds.append(own)
        return own

    def _grades(self, name: str, examples: Task, validation: Validation) -> tuple[Task, list[tuple[int, int, Task]]]:
        tasks, criteria = self._tasks, [list(pair) for pair in validation.criteria.items()]
        inputs: Inputs = {"prepare": tasks.dataset, "examples": examples}
        votes = []
        for number, validator in enumerate(validation.validators):
            settings = {
                "criteria": criteria,
                "template": self._recipe.templates["validate"],
                "constrained": self._is_constrained(self._models[validator]),
            }
            label = f"{validator} grades {name}"
            prompts = tasks.task(VALIDATE_PROMPT, "examples.validate", label, settings=settings, inputs=inputs)
            votes += [
                (number, vote, self._ask(prompts, validator, "validate", vote, f"{label}, vote {vote + 1}"))
                for vote in range(validation.votes)
            ]
        settings = {
            "criteria": [criterion for criterion, _ in criteria],
            "votes": [[number, vote] for number, vote, _ in votes],
        }
        inputs = {"examples": examples, "ask": [task for _, _, task in votes]}
        choices: Mapping[str, Choice] = {"rule": validation.rule}
        grades = tasks.task(VALIDATE, "examples.validate", name, choices=choices, settings=settings, inputs=inputs)
        return grades, votes

    def _outcomes(self) -> Task:
        tasks, study = self._tasks, self._tasks.study
        datasets = [
            tasks.task(PREPARE, "examples.test_questions", choice.name, choices={"dataset": choice})
            for choice in self._recipe.test_questions
        ]
        splits = [study.dataset.split, *(choice.parameters["split"] for choice in self._recipe.test_questions)]
        with_grades = [each for each in self._rounds if each.grades is not None]
        inputs: Inputs = {
            "examples": [each.examples for each in with_grades] or None,
            "validate": [each.grades for each in with_grades if each.grades is not None] or None,
            "ungraded": [each.examples for each in self._rounds if each.grades is None] or None,
            "questions": [tasks.dataset, *datasets],
        }
        settings = {"similarity": self._recipe.near_duplicates, "splits": splits}
        return tasks.task(DEDUPLICATE, "examples", "all", settings=settings, inputs=inputs)

    def _handover(self, outcomes: Task) -> ExamplePlan:
        """What people decide, the sets, and their files."""
        tasks, recipe, seed = self._tasks, self._recipe, self._tasks.study.seed
        handover = recipe.handover
        log = log_path(tasks.study.name, recipe)
        # What the log says is a setting, so that it counts by its decisions and not by where it lies.
        settings: dict[str, Any] = {
            "decisions": [decision_cells(decision) for decision in DecisionLog(log).read()],
            "require_expert": handover.require_expert,
        }
        curated = tasks.task(CURATE, "examples.curate", "all", settings=settings, inputs={"deduplicate": outcomes})
        documents: Inputs = {"curate": curated, "prepare": tasks.dataset}
        settings = {"shares": dict(handover.split), "near_duplicates": recipe.near_duplicates, "seed": seed}
        splits = tasks.task(SPLIT, "examples.split", "all", settings=settings, inputs=documents)
        settings = {
            "forms": list(handover.forms),
            "splits": list(handover.split),
            "seed": seed,
            # What the models are, since the files leave the house, where the spec's names say nothing to anybody.
            "generators": [self._model_name(name) for name in recipe.generators],
        }
        export = tasks.task(
            EXPORT, "examples.export", "all", settings=settings, inputs={**documents, "split": splits}
        )
        return ExamplePlan(recipe, tuple(self._rounds), outcomes, log, curated, splits, export)


def training_set(tasks: Tasks, reader: ReaderPick, counting: Mapping[str, str]) -> Task:
    """The examples that a reader learns from, as questions with their passages before them."""
    plan = tasks.examples
    assert plan is not None
    settings = {
        "answers": list(tasks.answers),
        "kinds": [str(kind) for kind in learnable_kinds(is_open=tasks.study.dataset.is_open)],
        "curation": reader.curation,
        "test_documents": reader.test_documents,
        "near_duplicates": plan.recipe.near_duplicates,
        "splits": plan.outcomes.settings["splits"],
        **counting,
    }
    inputs: Inputs = {
        "prepare": tasks.dataset, "curate": plan.curated, "split": plan.splits,
        "questions": plan.outcomes.inputs["questions"],
    }  # fmt: skip
    label = f"examples for {reader.name}"
    return tasks.task(TRAINING_SET, f"readers.{reader.name}", label, settings=settings, inputs=inputs)


def log_path(study: str, recipe: ExampleRecipe) -> Path:
    """Where the decisions of a study's people are."""
    return Path(recipe.handover.log or Path("data/raw", study, "curation.csv"))
