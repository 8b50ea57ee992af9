"""The tasks that cells share: asked for the same thing again, the same task comes back."""

from __future__ import annotations

from typing import Literal

from ragtally.api import Dataset, ReaderTraits, SpecError, Vote, canonical_json, derive_seed, did_you_mean, raise_all
from ragtally.plan.retrieval import RetrievalTasks
from ragtally.registry import Registry
from ragtally.spec.study import ReaderPick, Study
from ragtally.steps import Task, TaskFactory, ask, context, parse, prepare, prompt, read, sample, train

Purpose = Literal["label", "measure"]


class SharedTasks:
    """Makes the tasks of one study from the dataset up to the ballots."""

    def __init__(self, study: Study, registry: Registry) -> None:
        self.study = study
        self.registry = registry
        self.factory = TaskFactory(registry)
        self.answers = _answers(study, registry)
        _require_prices(study, registry)
        pick = study.dataset
        self.prepared = prepare.task(
            self.factory, pick.choice, label=pick.choice.name, location=study.location(f"dataset.{pick.choice.name}")
        )
        self.sampled = sample.task(
            self.factory,
            self.prepared,
            split=pick.split,
            answers=self.answers,
            size=study.sample.size,
            balance=study.sample.balance,
            seed=study.seed,
            label=pick.split or "all splits",
            location=study.location("sample"),
        )
        self.retrieval = RetrievalTasks(study, self.factory, self.prepared, self.sampled)

    def traits(self, reader: str) -> ReaderTraits:
        """Tell a reader's traits."""
        traits: ReaderTraits = self.registry.traits(self.study.readers[reader].choice)
        return traits

    def control_context(self, condition: str) -> Task:
        """Describe a control's passages."""
        return context.control_task(
            self.factory,
            self.prepared,
            self.sampled,
            condition,
            self.study.seed,
            label=condition,
            location=self.study.location("controls"),
        )

    def ballots(
        self, name: str, purpose: Purpose, votes: int, contexts: Task | None, kept: Task | None = None
    ) -> tuple[Task, ...]:
        """Describe the parsed votes of a reader."""
        reader = self.study.readers[name]
        given = contexts if self.traits(name).condition is None else None
        about = {"location": self.study.location(f"readers.{name}")}
        tasks = []
        for number in range(votes):
            index = 0 if self.traits(name).draws == "fixed" else number
            label = f"{name} vote {index + 1}" + (f" on {given.label}" if given else "")
            if self.traits(name).prompts and given is not None:
                prompts = self._prompts(reader, given, kept)
                model = reader.choice.parameters["model"]
                answered = ask.task(self.factory, prompts, model, purpose, index, label=label, **about)
            else:
                cast = self._vote(reader, purpose, index)
                answered = read.task(
                    self.factory,
                    self.prepared,
                    self.sampled,
                    reader.choice,
                    cast,
                    contexts=given,
                    model=self._model(reader, cast),
                    kept=kept,
                    label=label,
                    **about,
                )
            words = self.traits(name).words
            tasks.append(parse.task(self.factory, self.sampled, answered, words, label=label))
        return tuple(tasks)

    def _vote(self, reader: ReaderPick, purpose: Purpose, index: int) -> Vote:
        who = canonical_json(self.factory.identity(reader.choice))
        return Vote(purpose, index, derive_seed(self.study.seed, "vote", purpose, index, who))

    def _model(self, reader: ReaderPick, cast: Vote) -> Task | None:
        if reader.train_split is None:
            return None
        examples = self._examples(reader, None)
        gold = self._gold(reader, examples)
        label = f"{reader.name} {cast.purpose} vote {cast.index + 1}"
        location = self.study.location(f"readers.{reader.name}")
        return train.task(
            self.factory, self.prepared, examples, gold, reader.choice, cast, label=label, location=location
        )

    def _prompts(self, reader: ReaderPick, contexts: Task, kept: Task | None) -> Task:
        shown = self.traits(reader.name).examples
        examples = self._examples(reader, shown) if shown else None
        return prompt.task(
            self.factory,
            self.prepared,
            self.sampled,
            reader.choice,
            contexts=contexts,
            kept=kept,
            examples=examples,
            examples_context=self._gold(reader, examples) if examples else None,
            label=f"{reader.name} on {contexts.label}",
            location=self.study.location(f"readers.{reader.name}"),
        )

    def _examples(self, reader: ReaderPick, size: int | None) -> Task:
        split = reader.train_split
        location = self.study.location(f"readers.{reader.name}")
        return sample.task(
            self.factory,
            self.prepared,
            split=split,
            answers=self.answers,
            size=size,
            seed=self.study.seed,
            label=split or "",
            location=location,
        )

    def _gold(self, reader: ReaderPick, examples: Task) -> Task:
        location = self.study.location(f"readers.{reader.name}")
        return context.control_task(
            self.factory,
            self.prepared,
            examples,
            "gold_context",
            self.study.seed,
            label="gold_context",
            location=location,
        )


def _answers(study: Study, registry: Registry) -> tuple[str, ...]:
    """Check split and answers against the dataset, and fill in all answers where the spec names none."""
    pick = study.dataset
    name = pick.choice.name
    dataset: Dataset = registry.build(pick.choice)
    splits = {"split": pick.split} | {f"readers.{key}": reader.train_split for key, reader in study.readers.items()}
    for where, split in splits.items():
        if split is not None and split not in dataset.splits:
            path = f"dataset.{name}.split" if where == "split" else where
            raise SpecError(
                f"the dataset {name} has no split {split!r}",
                location=study.location(path),
                hint=did_you_mean(split, dataset.splits),
            )
    for answer in pick.answers or ():
        # A dataset that knows no answers takes those of the spec.
        if dataset.answers and answer not in dataset.answers:
            raise SpecError(
                f"the dataset {name} has no answer {answer!r}",
                location=study.location(f"dataset.{name}.answers"),
                hint=did_you_mean(answer, dataset.answers),
            )
    if study.base and study.base.agree_with_gold and not dataset.labelled:
        raise SpecError(
            f"the base is to agree with gold labels, but the dataset {name} has none with these parameters",
            location=study.location("base.agree_with_gold"),
            hint="write agree_with_gold: false; the verdicts are then silver labels",
        )
    answers = pick.answers or dataset.answers
    if study.readers and not answers:
        raise SpecError(
            f"readers need answers to choose from, and the dataset {name} knows none with these parameters",
            location=study.location(f"dataset.{name}"),
            hint="name them: answers: [yes, no]",
        )
    return answers


def _require_prices(study: Study, registry: Registry) -> None:
    """A budget in dollars cannot be kept with a price that is unknown."""
    if study.budget.usd is None:
        return
    used = [reader.choice.parameters["model"] for reader in study.readers.values() if _prompts(reader, registry)]
    raise_all(
        [
            SpecError(
                f"a budget in dollars needs a price for every model, and that of {name} is unknown",
                location=study.location(f"models.{name}"),
                hint="state it in dollars per million tokens: price: {input: 0.05, output: 0.08}; or usd_per_hour: 0",
            )
            for name, model in study.models.items()
            if model in used and registry.traits(model).price is None
        ]
    )


def _prompts(reader: ReaderPick, registry: Registry) -> bool:
    prompts: bool = registry.traits(reader.choice).prompts
    return prompts
