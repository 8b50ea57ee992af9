"""What a reader that trains for long gets: a place for its checkpoints, and somebody who is told of its losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ragtally.api.answers import Vote
from ragtally.api.reader import TrainableReader
from ragtally.api.reading import Examples


@dataclass(frozen=True, slots=True)
class LossPoint:
    """The losses at one moment of a training.

    Attributes:
        step: How many steps of the optimiser were taken.
        epoch: How often the examples were gone through.
        train: The mean loss on the examples since the point before; None where it was not measured.
        dev: The mean loss on the examples that are put aside to tell when to stop; None where it was not measured.
    """

    step: int
    epoch: float
    train: float | None = None
    dev: float | None = None


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One step of the optimiser.

    Attributes:
        number: Which one it is, from 1.
        steps: How many there are at most.
        tokens: The tokens of the examples that it learnt from, without those that fill up shorter ones.
    """

    number: int
    steps: int
    tokens: int


@dataclass(frozen=True, slots=True)
class TrainingSession:
    """One training, which may be killed and go on.

    Attributes:
        checkpoints: A folder for what lets it go on after a kill. It may hold what an earlier try left there, and is
            removed once the model is stored.
        record: Called with each point and how many steps there are at most. Points of a step that an earlier try
            recorded too take its place.
        after_step: Called after each step. Where it returns False, the training ends there: the losses are measured
            and recorded as at the end of an epoch, and no other step is taken.
    """

    checkpoints: Path
    record: Callable[[LossPoint, int], None]
    after_step: Callable[[TrainingStep], bool] = lambda step: True


@runtime_checkable
class ResumableReader(TrainableReader, Protocol):
    """A reader that trains for long: a kill costs it little, and its losses are shown while they fall."""

    def train_in(self, session: TrainingSession, examples: Examples, vote: Vote) -> None:
        """Learn, in place of `train`, from where the session's checkpoints end; the outcome is the same.

        Args:
            session: Where the checkpoints lie, and who is told of the losses.
            examples: As in `train`.
            vote: As in `train`.
        """
        ...


@dataclass(frozen=True, slots=True)
class TrainingPiece:
    """Some of the work of a training, which any process may do.

    Attributes:
        number: Which of the pieces it is, from 0.
        count: How many there are.
        preparation: The folder that `prepare_pieces` has written.
        folder: An existing folder to write into what the piece comes to.
    """

    number: int
    count: int
    preparation: Path
    folder: Path

    def rows(self, total: int) -> slice:
        """Its share of so many things: as many as every other's, give or take one."""
        return slice(total * self.number // self.count, total * (self.number + 1) // self.count)


@runtime_checkable
class PiecewiseReader(TrainableReader, Protocol):
    """A reader whose training is cut into pieces where it takes long: the folds of a cross-validation, say.

    The pieces are done by all cores, or by a cluster, and a kill costs those alone that were being done. The engine
    asks for it where the traits say `in_pieces`.
    """

    def count_pieces(self, examples: Examples) -> int:
        """Tell how many pieces there are.

        Args:
            examples: As in `train`.

        Returns:
            1 where a process is not worth starting, and `train` is called. It follows from the reader's parameters
            and the examples alone, whatever the machine.
        """
        ...

    def prepare_pieces(self, folder: Path, examples: Examples) -> None:
        """Do, once and before them, what all pieces need.

        Args:
            folder: An existing folder to write into.
            examples: As in `train`.
        """
        ...

    def do_piece(self, piece: TrainingPiece, examples: Examples) -> None:
        """Do a piece.

        Args:
            piece: Which one it is, and where it reads and writes.
            examples: As in `train`.
        """
        ...

    def train_from_pieces(self, preparation: Path, pieces: Sequence[Path], examples: Examples, vote: Vote) -> None:
        """Learn, in place of `train`, from what the pieces came to; the outcome is the same.

        Args:
            preparation: The folder that `prepare_pieces` has written.
            pieces: The folders of the pieces, in order.
            examples: As in `train`.
            vote: As in `train`.
        """
        ...
