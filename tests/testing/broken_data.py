"""Datasets and metrics that keep their contract, and ones that break it."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from pathlib import Path

from ragtally.api import (
    Conversion,
    DatasetBatch,
    Documents,
    Evidence,
    FileDocument,
    Questions,
    QuestionValues,
    Score,
    SumValues,
)
from ragtally.support.labels import one_hot

COUNTER = itertools.count()


class Dataset:
    answers = ("yes", "no")
    splits = ("train", "test")
    labelled = True
    label, split, end, second_id, grade = "yes", "test", 5, "q1", None

    def batches(self):
        documents = Documents(["d0"], ["Some text."], [[0]], [[10]])
        questions = Questions(
            ["q0", self.second_id], ["Is it?", "Was it?"], [self.label, None], [self.split, "train"]
        )
        yield DatasetBatch(documents, questions, Evidence(["q0"], ["d0"], [0], [self.end], self.grade))


class Whole(Dataset):
    def batches(self):
        return list(super().batches())


class Mislabelled(Dataset):
    label = "maybe"


class Silver(Dataset):
    labelled = False


class Unsplit(Dataset):
    split = "validation"


class Beyond(Dataset):
    end = 11


class Irrelevant(Dataset):
    grade = (0,)


class Speechless(Dataset):
    answers = ()


class Repeating(Dataset):
    second_id = "q0"


class Drifting(Dataset):
    @property
    def second_id(self):
        return f"q{1 + next(COUNTER)}"


class Unconverted(Dataset):
    """Reads its files itself, whoever has converted them."""

    text = "Some text."

    def parsed_by(self, converter):
        return self

    def files(self):
        return [Path("d0.txt")]

    def convert(self, path):
        return Conversion([FileDocument(self.text)])

    def converted_by(self, convert):
        other = copy.copy(self)
        other.end = 4
        return other


class Ragged(Dataset):
    def batches(self):
        for batch in super().batches():
            yield replace(batch, questions=replace(batch.questions, label=["yes"]))


class Outside(Dataset):
    def batches(self):
        for batch in super().batches():
            yield replace(batch, documents=replace(batch.documents, section_ends=[[11]]))


class OneAnswer(Dataset):
    answers = ("yes",)


def turned(score):
    return score if score.value is None else replace(score, value=1 - score.value)


class Accuracy:
    name = "metric"

    def score(self, judged):
        right = sum(gold == verdict for gold, verdict in zip(judged.gold, judged.verdict, strict=True))
        return {self.name: Score(right / len(judged), len(judged)) if len(judged) else Score(None, 0, "no questions")}


class Misnamed(Accuracy):
    name = "other"


class Groundless(Accuracy):
    def score(self, judged):
        return super().score(judged) if len(judged) else {self.name: Score(0.0, 0)}


class Growing(Accuracy):
    def score(self, judged):
        return {**super().score(judged), **{f"metric[{label}]": Score(0.0, 1) for label in set(judged.gold)}}


class Ordered(Accuracy):
    def score(self, judged):
        return super().score(replace(judged, verdict=judged.verdict[:1] * len(judged)))


class Wrongs(Accuracy):
    def score(self, judged):
        scores = super().score(judged)
        return {name: turned(one) for name, one in scores.items()}


class EditingVerdicts(Accuracy):
    def score(self, judged):
        judged.verdict[:] = [verdict or "no" for verdict in judged.verdict]
        return super().score(judged)


class PerQuestion:
    def by_question(self, graded):
        pairs = zip(graded.gold, graded.verdict, strict=True)
        return {
            "metric": QuestionValues([None if verdict is None else float(gold == verdict) for gold, verdict in pairs])
        }


class Sums:
    def counts(self, graded):
        gold, verdict = one_hot(graded.gold, graded.answers), one_hot(graded.verdict, graded.answers)
        return {"right": gold & verdict, "gold": gold}

    def formula(self, sums, answers):
        recall = sums["right"] / sums["gold"]
        return {f"metric[{answer}]": SumValues(recall[..., row]) for row, answer in enumerate(answers)}


class OfOneCell(Sums):
    def formula(self, sums, answers):
        return {"metric": SumValues(sums["right"].sum() / sums["gold"].sum())}


class RelevantShare:
    def __init__(self, k):
        self.k = k

    def score(self, judged):
        total = len(judged)
        name = f"metric@{self.k}"
        return {
            name: Score(float(judged.relevant[:, : self.k].mean()), total) if total else Score(None, 0, "nothing")
        }


class Deep(RelevantShare):
    def score(self, judged):
        whole = RelevantShare(judged.relevant.shape[1]).score(judged)
        return {f"metric@{self.k}": one for one in whole.values()}


class Uncut(RelevantShare):
    def score(self, judged):
        return dict(zip(["metric"], super().score(judged).values(), strict=True))


class Missing(RelevantShare):
    def score(self, judged):
        return {name: turned(one) for name, one in super().score(judged).items()}


class Listing(RelevantShare):
    def score(self, judged):
        name = f"metric@{self.k}"
        return {f"{name}[{row}]": Score(1.0, 1) for row in range(1 + judged.relevant.sum())}


class EditingRanking(RelevantShare):
    def score(self, judged):
        judged.relevant[:, 0] = True
        return super().score(judged)
