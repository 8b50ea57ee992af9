"""Steps done one by one on data written by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from ground import Ground
from ragtally.api import Component, DatasetBatch
from toy_study import ToyDataset, batch, toy_registry
from workbench import Bench


@pytest.fixture
def make_ground(make_bench: Callable[..., Bench]) -> Callable[..., Ground]:
    """Prepare some batches, with more components of a test's own."""

    def make(
        batches: Sequence[DatasetBatch],
        name: str = "ground",
        components: dict[str, list[Component]] | None = None,
        **about: object,
    ) -> Ground:
        dataset = ToyDataset(batches, **about)  # type: ignore[arg-type]
        offered = {"dataset": [Component("given", lambda: dataset, "Given.")], **(components or {})}
        return Ground(make_bench(name, toy_registry(offered)))

    return make


SMALL = batch(
    {"a": "It was yes. ä\U0001f600 done.", "b": "It was no.", "c": "Nobody knows.", "d": "A distractor."},
    {"one": ("yes", "test"), "two": ("no", "test"), "three": ("maybe", "train")},
    [("one", "a", 7, 10), ("two", "b", 7, 9), ("three", "c", 0, 6), ("one", "b", 0, 2), ("one", "a", 12, 14)],
)


@pytest.fixture
def small() -> DatasetBatch:
    return SMALL
