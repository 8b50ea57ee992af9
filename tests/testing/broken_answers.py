"""Vote rules and readers that keep their contract, and ones that break it."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

from ragtally.api import Answers, Grade

COUNTER = itertools.count()


class Rule:
    def verdict(self, ballots):
        return ballots[0] if len(set(ballots)) == 1 else None


class Inventing(Rule):
    def verdict(self, ballots):
        return super().verdict(ballots) or "a"


class Sorting(Rule):
    def verdict(self, ballots):
        if isinstance(ballots, list):
            ballots.sort(key=str)
        return super().verdict(ballots)


class Partial(Rule):
    def verdict(self, ballots):
        return "yes" if "yes" in ballots else super().verdict(ballots)


class First(Rule):
    def verdict(self, ballots):
        return next((ballot for ballot in ballots if ballot), None)


class Grader:
    def grade(self, answer):
        return Grade.RIGHT if answer.verdict in answer.references else Grade.NO_MATCH


class Wordless(Grader):
    def grade(self, answer):
        return answer.verdict in answer.references


class Severe(Grader):
    def grade(self, answer):
        return Grade.WRONG


class Tiring(Grader):
    def grade(self, answer):
        return Grade.RIGHT if next(COUNTER) % 2 else Grade.NO_MATCH


class FirstReference(Grader):
    def grade(self, answer):
        return Grade.RIGHT if answer.verdict[0] == answer.references[0][0] else Grade.NO_MATCH


class Reader:
    def choose(self, reading, row, vote):
        return reading.answers[len(reading.question[row]) % len(reading.answers)]

    def read(self, reading, vote):
        chosen = [self.choose(reading, row, vote) for row in range(len(reading))]
        return Answers([None] * len(chosen), chosen, [None] * len(chosen))


class Undeclared(Reader):
    def choose(self, reading, row, vote):
        return "perhaps"


class Insisting(Reader):
    def read(self, reading, vote):
        answers = super().read(reading, vote)
        return answers if len(reading) else Answers([None], ["yes"], [None])


class Doubling(Reader):
    def read(self, reading, vote):
        answers = super().read(reading, vote)
        return replace(answers, text=answers.choice)


class Negative(Reader):
    def read(self, reading, vote):
        return replace(super().read(reading, vote), seconds=[-1.0] * len(reading))


class Moody(Reader):
    def choose(self, reading, row, vote):
        return reading.answers[next(COUNTER) % 7 % 3]


class Comparing(Reader):
    def choose(self, reading, row, vote):
        return reading.answers[0 if len(reading) > 1 else 1]


class Voting(Reader):
    def choose(self, reading, row, vote):
        return reading.answers[vote.seed % 3]


class Peeking(Reader):
    def choose(self, reading, row, vote):
        return reading.answers[bool(reading.passages[row])]


class Recognising(Reader):
    def choose(self, reading, row, vote):
        return reading.answers[reading.id[row].startswith("q")]


class EditingPassages(Reader):
    def read(self, reading, vote):
        answers = super().read(reading, vote)
        reading.passages[0].append("changed")
        return answers


class Trainable(Reader):
    def train(self, examples, vote):
        self.shift = len(examples) % 2

    def save(self, folder):
        (folder / "shift.json").write_text(json.dumps(self.shift))

    def load(self, folder):
        self.shift = json.loads((folder / "shift.json").read_text())

    def choose(self, reading, row, vote):
        return reading.answers[(len(reading.question[row]) + self.shift) % len(reading.answers)]


class Piecewise(Trainable):
    def count_pieces(self, examples):
        return 2

    def prepare_pieces(self, folder, examples):
        (folder / "modulus").write_text("2")

    def do_piece(self, piece, examples):
        (piece.folder / "length").write_text(str(len(examples.label[piece.rows(len(examples))])))

    def train_from_pieces(self, preparation, pieces, examples, vote):
        lengths = [int((piece / "length").read_text()) for piece in pieces]
        self.shift = sum(lengths) % int((preparation / "modulus").read_text())


class Piecemeal(Piecewise):
    def train_from_pieces(self, preparation, pieces, examples, vote):
        self.shift = len(pieces)


class Amnesic(Trainable):
    def load(self, folder):
        self.shift = 5


class Memorising(Trainable):
    def train(self, examples, vote):
        self.shift = dict(zip(examples.reading.id, examples.label, strict=True))

    def choose(self, reading, row, vote):
        return self.shift.get(reading.id[row], reading.answers[0])


class EditingLabels(Trainable):
    def train(self, examples, vote):
        super().train(examples, vote)
        examples.label[0] = "no"
