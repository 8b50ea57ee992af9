"""Load a spec: read, validate, resolve, check across keys; every error of the file is raised at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ragtally.api import LANGUAGES, OPEN, Choice, DatasetTraits, PluginError, RagtallyError
from ragtally.registry import Registry
from ragtally.spec.defaults import ANSWER_METRICS, GRADING, MAJORITY, OPEN_ANSWER_METRICS, RETRIEVAL_METRICS
from ragtally.spec.document import Document, read_document
from ragtally.spec.examples import resolve_examples
from ragtally.spec.resolve import Resolver
from ragtally.spec.rules import Draft, DraftReader, check, check_splits, resolve_compare
from ragtally.spec.schema import AXIS_KINDS, published_schema
from ragtally.spec.study import (
    Base,
    Budget,
    Compare,
    DatasetPick,
    ExampleRecipe,
    Grid,
    Label,
    ReaderPick,
    Sample,
    Study,
)
from ragtally.spec.training_rules import check_training
from ragtally.spec.validation import Faults, validate

_SCALAR_AXES = {
    "top_k": {"type": "integer"},
    "context_words": {"type": "integer"},
    "votes": {"type": "integer"},
    "reader": {"type": "string"},
}


def load_study(path: str | Path, registry: Registry, *, with_splits: bool = False) -> Study:
    """Load a spec; on request its splits are looked up in the dataset, where that is on this machine."""
    return study_of(read_document(path), registry, with_splits=with_splits)


def study_of(document: Document, registry: Registry, *, with_splits: bool = False) -> Study:
    """Validate, resolve and check a document that was read."""
    faults = Faults(document)
    validate(published_schema(registry), faults)
    builder = _Builder(document, registry, faults)
    draft = builder.draft()
    check(draft, faults)
    if with_splits and draft.dataset is not None:
        # Data that are not there are the doctor's to tell.
        with suppress(RagtallyError):
            check_splits(draft, registry.build(draft.dataset.choice).splits, faults)
    compare = builder.compare(draft)
    examples = builder.examples()
    check_training(draft, examples, faults)
    faults.raise_all()
    return builder.study(draft, compare, examples)


class _Builder:
    """Builds a study's parts; one in which something is wrong is left out, so that the others are still checked."""

    def __init__(self, document: Document, registry: Registry, faults: Faults) -> None:
        self._document = document
        self._data: dict[str, Any] = document.root.plain()
        self._faults = faults
        self._seed = 0 if faults.touch(("seed",)) else int(self._data.get("seed", 0))
        self._resolver = Resolver(registry, self._seed, faults)
        self._models = self._named_models()
        self._axes: dict[str, tuple[Any, ...]] = {}  # Those of the grid in which nothing is wrong

    def draft(self) -> Draft:
        """Resolve every part that is sound."""
        dataset = self._dataset()
        if dataset is not None:
            self._resolver.language = dataset.choice.parameters["language"]
        grid = self._grid()
        label = self._part("label")
        readers = self._readers()
        is_open = dataset is not None and dataset.is_open
        return Draft(
            data=self._data,
            dataset=dataset,
            readers=readers,
            label=Label(tuple(label["voters"]), int(label.get("votes", 1))) if label else None,
            base=self._base(),
            grid=grid,
            grading=self._grading(is_open=is_open),
            metrics=self._metrics(grid, is_open=is_open),
            traits=self._resolver.traits,
            is_paired=self._resolver.is_paired,
        )

    def compare(self, draft: Draft) -> tuple[Compare, ...]:
        """Resolve the families of comparisons."""
        if not isinstance(self._data.get("compare", []), list):
            return ()
        return resolve_compare(self._data.get("compare", []), draft, self._axes, self._faults)

    def examples(self) -> ExampleRecipe | None:
        """Resolve how examples are written."""
        part = self._faults.sound(("examples",), self._data.get("examples"))
        if not isinstance(part, dict):
            return None
        return resolve_examples(part, self._models, list(self._data.get("models", {})), self._resolver, self._faults)

    def study(self, draft: Draft, compare: tuple[Compare, ...], examples: ExampleRecipe | None) -> Study:
        """Put the parts of a spec without errors together."""
        data, sample, budget = self._data, self._data.get("sample", {}), self._data.get("budget", {})
        if draft.dataset is None or draft.grid is None:
            raise AssertionError("a study is only built from a spec without errors")
        size = sample.get("size")
        return Study(
            name=data["study"],
            seed=self._seed,
            dataset=draft.dataset,
            sample=Sample(None if size is None else int(size), sample.get("balance", False)),
            readers={name: reader.pick for name, reader in draft.readers.items()},
            label=draft.label,
            base=draft.base,
            grid=draft.grid,
            grid_on=data.get("grid_on", "base" if draft.base else "all"),
            controls=tuple(data.get("controls", ())),
            grading=draft.grading,
            metrics=draft.metrics,
            file=self._document.file,
            models=self._models,
            budget=Budget(**{key: None if value is None else float(value) for key, value in budget.items()}),
            max_failed=float(data.get("max_failed", 0)),
            compare=compare,
            on_overlong=data.get("on_overlong", "error"),
            select_on=data.get("select_on", "all"),
            examples=examples,
            places=self._document.places(),
        )

    def _part(self, key: str) -> dict[str, Any] | None:
        part: dict[str, Any] | None = None if self._faults.touch((key,)) else self._data.get(key)
        return part

    def _dataset(self) -> DatasetPick | None:
        choice = self._resolver.one("dataset", self._data.get("dataset"), ("dataset",))
        if choice is None:
            return None
        traits: DatasetTraits | None = self._resolver.traits(choice, ("dataset",))
        answers = choice.parameters["answers"]
        is_open = answers == OPEN or (answers is None and traits is not None and traits.answers == OPEN)
        language = (choice.parameters["language"] or LANGUAGES[0]) if is_open else None
        names = None if answers is None or is_open else tuple(answers)
        return DatasetPick(choice, choice.parameters["split"], names, language)

    def _named_models(self) -> dict[str, Choice]:
        section = self._data.get("models", {})
        models: dict[str, Choice] = {}
        for name, value in section.items() if isinstance(section, dict) else ():
            path = ("models", name)
            choice = self._resolver.one("model", value, path)
            if choice is not None:
                models[name] = choice
        self._resolver.name_models(models, list(section) if isinstance(section, dict) else [])
        return models

    def _readers(self) -> dict[str, DraftReader]:
        readers: dict[str, DraftReader] = {}
        section = self._data.get("readers", {})
        for name, value in section.items() if isinstance(section, dict) else ():
            path = ("readers", name)
            choice = self._resolver.one("reader", value, path)
            traits = None if choice is None else self._resolver.traits(choice, path)
            if choice is None or traits is None:
                continue
            if (traits.trains or traits.examples) and "train" not in choice.parameters:
                error = PluginError(f"the reader {choice.name!r} learns, but has no parameter 'train'")
                self._faults.add_error(path, error)
                continue
            train = choice.parameters["train"] if traits.trains or traits.examples else None
            readers[name] = DraftReader(_reader_pick(name, choice, train), traits)
        return readers

    def _base(self) -> Base | None:
        section = self._data.get("base")
        if isinstance(section, dict) and "rule" in section:
            rule = self._resolver.one("rule", section["rule"], ("base", "rule"))
        part = self._part("base")
        if part is None or rule is None:
            return None
        readers = tuple(part.get("exclude_closed_book_right", ()))
        return Base(tuple(part["from"]), rule, part.get("agree_with_gold", True), readers)

    def _grid(self) -> Grid | None:
        part = self._data.get("grid", {})
        if not isinstance(part, dict):
            return None
        if "reader" in part:
            part = {"rule": MAJORITY, **part}
        axes: dict[str, tuple[Any, ...]] = {}
        for key, value in part.items():
            path = ("grid", key)
            schema = _SCALAR_AXES.get(key, {"x-ragtally-kind": AXIS_KINDS.get(key, key)})
            axes[key] = self._resolver.axis(schema, value, path)
        defaults: dict[str, Any] = {each.name: each.default for each in dataclasses.fields(Grid)}
        self._axes = {
            name: axes.get(name, default)
            for name, default in defaults.items()
            if not self._faults.touch(("grid", name))
        }
        return None if self._faults.touch(("grid",)) else Grid(**axes)

    def _grading(self, *, is_open: bool) -> tuple[Choice, ...]:
        graders = self._data.get("grading")
        if "grading" not in self._data:
            return self._resolver.many("grader", list(GRADING), ("grading",)) if is_open else ()
        items = graders.items() if isinstance(graders, dict) else ()
        choices = [self._resolver.one("grader", {name: value}, ("grading",)) for name, value in items]
        return () if self._faults.touch(("grading",)) else tuple(filter(None, choices))

    def _metrics(self, grid: Grid | None, *, is_open: bool) -> tuple[Choice, ...]:
        if "metrics" not in self._data and grid is not None:
            of_answers = OPEN_ANSWER_METRICS if is_open else ANSWER_METRICS
            for_answers = of_answers if grid.reader or "label" in self._data else ()
            for_retrieval = RETRIEVAL_METRICS if grid.retriever else ()
            return self._resolver.many("metric", [*for_answers, *for_retrieval], ("metrics",))
        metrics = self._data.get("metrics")
        choices = self._resolver.many("metric", metrics, ("metrics",)) if isinstance(metrics, list) else ()
        # Where one is missing, the others' places say nothing.
        return () if self._faults.touch(("metrics",)) else choices


def _reader_pick(name: str, choice: Choice, train: Mapping[str, Any] | None) -> ReaderPick:
    if train is None:
        return ReaderPick(name, choice, None)
    source, is_examples = train.get("from", "gold"), train.get("from") == "examples"
    return ReaderPick(
        name,
        choice,
        None if is_examples else train.get("split", "train"),
        source,
        train.get("curation", "full"),
        train.get("test_documents", False),
    )
