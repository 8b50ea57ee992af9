"""The reader `specialist`: one member a vote, behind the reader's contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ragtally import Answers, DataError, Examples, Reading, Vote
from ragtally_specialist.member import Member, read_member, train_member, write_member

_FILE = "member.npz"


class SpecialistReader:
    """Finds the sentences of the passages that match the question and classifies what they say."""

    # Where the passages do not match the question, or there are none, it falls back to the most frequent answer of
    # its training split. Each vote is another member, trained on another bootstrap sample.

    def __init__(self, features: str, regularisation: float) -> None:
        self._features = features
        self._regularisation = regularisation
        self._member: Member | None = None
        self._answers: tuple[str, ...] = ()

    def train(self, examples: Examples, vote: Vote) -> None:
        """Train the member of a vote on a bootstrap sample of the examples."""
        answers = examples.reading.answers
        if not len(examples):
            raise DataError(
                "the reader specialist has no example to learn from",
                hint="name a split that has questions with labels under `train`",
            )
        numbers = {answer: number for number, answer in enumerate(answers)}
        unknown = sorted(set(examples.label) - set(answers))
        if unknown:
            raise DataError(
                f"an example is labelled {unknown[0]!r}, which is none of the answers {', '.join(answers)}",
                hint="add it to the dataset's `answers`, or leave those questions out",
            )
        self._answers = answers
        self._member = train_member(
            examples.reading.question,
            examples.reading.passages,
            np.array([numbers[label] for label in examples.label]),
            len(answers),
            self._features,
            self._regularisation,
            vote.seed,
        )

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """Answer every question with the most likely answer."""
        if self._member is None:
            raise DataError("the reader specialist was asked before it was trained", hint="train or load it first")
        if reading.answers != self._answers:
            raise DataError(
                f"the reader specialist was trained for the answers {', '.join(self._answers)},"
                f" but is asked for {', '.join(reading.answers)}",
                hint="train it on the same `answers`",
            )
        chances = np.round(self._member.chances(reading.question, reading.passages), 9)
        choice = [self._answers[number] for number in chances.argmax(axis=1).tolist()]
        return Answers(text=[None] * len(choice), choice=choice, error=[None] * len(choice))

    def save(self, folder: Path) -> None:
        """Write the member; the same training gives the same bytes."""
        if self._member is None:
            raise DataError("the reader specialist has nothing to save", hint="train or load it first")
        write_member(self._member, self._answers, folder / _FILE)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._member, self._answers = read_member(folder / _FILE)
