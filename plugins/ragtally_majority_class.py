"""The reader `majority_class`: always the most frequent answer of its training split; the floor."""

from __future__ import annotations

import json
from pathlib import Path

from ragtally import (
    TRAIN_PARAMETER,
    Answers,
    Component,
    DataError,
    Examples,
    Location,
    ReaderTraits,
    Reading,
    Starter,
    Vote,
    hookimpl,
)

_FILE = "majority_class.json"


class MajorityClassReader:
    """Gives one answer to every question, whatever is put before it."""

    def __init__(self) -> None:
        self._answer: str | None = None

    def train(self, examples: Examples, vote: Vote) -> None:
        """Count the labels; of equally frequent answers the one that is declared first wins."""
        if not len(examples):
            raise DataError(
                "the reader majority_class has no example to count",
                hint="name a split that has questions with labels under `train`",
            )
        labels = list(examples.label)
        self._answer = max(examples.reading.answers, key=labels.count)

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """Give the same answer to every question."""
        answer = self._answer_or_error()
        if answer not in reading.answers:
            raise DataError(
                f"the most frequent answer of the training split, {answer!r}, is none of the answers"
                f" {', '.join(reading.answers)}",
                hint="train it on the same `answers`",
            )
        return Answers(text=[None] * len(reading), choice=[answer] * len(reading), error=[None] * len(reading))

    def save(self, folder: Path) -> None:
        """Write the answer."""
        (folder / _FILE).write_text(json.dumps({"answer": self._answer_or_error()}) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        file = folder / _FILE
        try:
            answer = json.loads(file.read_text(encoding="utf-8"))["answer"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"no majority class can be read from here: {error}",
                location=Location(str(file)),
                hint="remove the file's folder and train again: ragtally run SPEC --stage train",
            ) from error
        self._answer = str(answer)

    def _answer_or_error(self) -> str:
        if self._answer is None:
            raise DataError("the reader majority_class was used before it was trained", hint="train or load it first")
        return self._answer


@hookimpl
def register_readers() -> list[Component]:
    """Offer `majority_class`."""
    return [
        Component(
            name="majority_class",
            build=MajorityClassReader,
            summary="Always the most frequent answer of its training split: the floor of every comparison.",
            params={"train": TRAIN_PARAMETER},
            traits=ReaderTraits(draws="fixed", condition="closed_book", trains=True),
            starter=lambda _: Starter(
                name="floor", comment="Always the most frequent label: what everything must beat."
            ),
        )
    ]
