"""The suite for readers that are trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragtally.api import (
    TRAIN_PARAMETER,
    Component,
    Examples,
    PiecewiseReader,
    Reading,
    TrainableReader,
    TrainingPiece,
    Vote,
)
from ragtally.testing import samples
from ragtally.testing.component import save
from ragtally.testing.reader import VOTES, ReaderSuite, content


class TrainableReaderSuite(ReaderSuite):
    """Checks a reader that learns from 36 labelled questions first."""

    protocol = TrainableReader

    @pytest.fixture
    def examples(self) -> Examples:
        """What the reader learns from."""
        return samples.examples()

    @pytest.fixture
    def ready(self, build: Callable[[], Any], examples: Examples) -> Callable[[Vote], Any]:
        """Build and train a reader for a vote, again with each call."""

        def ready(vote: Vote) -> Any:
            reader = build()
            reader.train(examples, vote)
            return reader

        return ready

    def test_the_traits_say_that_it_trains(self, component: Component, traits: Any) -> None:
        """The engine trains it, and the spec has a place to say on what."""
        assert traits.trains, "the traits must say `trains=True`"
        assert component.params.get("train") == TRAIN_PARAMETER, 'params must hold `"train": TRAIN_PARAMETER`'

    def test_a_model_can_be_saved_and_loaded(
        self, build: Callable[[], Any], ready: Callable[[Vote], Any], reading: Reading, tmp_path: Path
    ) -> None:
        """A loaded model gives the answers of the saved one."""
        vote = VOTES[1]
        reader, from_disk = ready(vote), build()
        from_disk.load(save(reader, tmp_path))
        answers = content(reader.read(reading, vote))
        assert content(from_disk.read(reading, vote)) == answers, "the loaded model answers otherwise"

    def test_pieces_give_the_model_of_the_whole(
        self, build: Callable[[], Any], traits: Any, examples: Examples, tmp_path: Path
    ) -> None:
        """Whoever does them, in whatever order: the same bytes."""
        if not traits.in_pieces:
            return
        assert isinstance(build(), PiecewiseReader), "`in_pieces` wants the methods of PiecewiseReader"
        assert build().count_pieces(examples) >= 1, "it says how many pieces there are, 1 for none"
        vote = VOTES[1]
        whole = build()
        whole.train(examples, vote)
        for count in (2, 5):
            root = tmp_path / str(count)
            preparation, *folders = [root / name for name in ("preparation", *map(str, range(count)))]
            for folder in (preparation, *folders):
                folder.mkdir(parents=True)
            build().prepare_pieces(preparation, examples)
            for number in reversed(range(count)):
                build().do_piece(TrainingPiece(number, count, preparation, folders[number]), examples)
            reader = build()
            reader.train_from_pieces(preparation, folders, examples, vote)
            saved = [_saved_files(each, root / name) for each, name in ((whole, "one"), (reader, "several"))]
            assert saved[0] == saved[1], f"a training in {count} pieces makes another model"

    def test_the_ids_of_the_examples_teach_nothing(
        self, build: Callable[[], Any], ready: Callable[[Vote], Any], examples: Examples
    ) -> None:
        """A model that remembers labels by id would know the answers before it reads."""
        vote = VOTES[1]
        new_ids = replace(examples.reading, id=[f"renamed-{row}" for row in range(len(examples))])
        other = build()
        other.train(Examples(new_ids, examples.label), vote)
        answers = content(ready(vote).read(examples.reading, vote))
        assert content(other.read(examples.reading, vote)) == answers, "what was learnt depends on the examples' ids"

    def test_the_examples_stay_as_they_are(self, build: Callable[[], Any], examples: Examples) -> None:
        """Training only reads."""
        before = (list(examples.label), [list(front) for front in examples.reading.passages])
        build().train(examples, VOTES[0])
        after = (list(examples.label), [list(front) for front in examples.reading.passages])
        assert after == before, "training changed the examples"


def _saved_files(reader: TrainableReader, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    saved = save(reader, folder)
    return {path.relative_to(saved).as_posix(): path.read_bytes() for path in saved.rglob("*") if path.is_file()}
