"""learn: how many of the questions put aside a reader answers right after it learnt from so many of the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ragtally.api import Examples, TrainableReader, Vote
from ragtally.steps.step import Step, Work
from ragtally.store import write_array
from ragtally.tables import load_base, load_base_rows, load_questions, load_reading


def run(work: Work) -> None:
    """Write `right.npy`: whether each question put aside is right, in the order of the sample."""
    settings = work.task.settings
    questions, base = load_questions(work.input("sample")), work.optional("base")
    labels: list[str | None] = questions["label"].to_list()
    labelled = [row for row, label in enumerate(labels) if label is not None]
    ids = questions["id"].to_list()
    aside = set(_in_random_order(labelled, ids, str(settings["seed"]))[: settings["held_out"]])
    if base is not None:
        labelled = load_base_rows(base).tolist()
        for row, label in zip(labelled, load_base(base)["label"], strict=True):
            labels[row] = label
    others = [row for row in labelled if row not in aside]
    # The first of one order, so that within a draw a larger training set holds the smaller one.
    examples = sorted(_in_random_order(others, ids, f"{settings['seed']}/{settings['draw']}")[: settings["size"]])
    reader: TrainableReader = work.build("reader")
    vote = Vote(**settings["vote"])
    folders = work.input("context"), work.input("prepare"), work.input("sample")
    reading = load_reading(*folders, np.array(examples, dtype=np.int64))
    reader.train(Examples(reading, [labels[row] or "" for row in examples]), vote)
    rows = np.array(sorted(aside), dtype=np.int64)
    answers = reader.read(load_reading(*folders, rows), vote).choice
    gold = questions["label"].to_list()
    right = [answer == gold[row] for answer, row in zip(answers, rows.tolist(), strict=True)]
    write_array(work.folder / "right.npy", np.array(right, dtype=np.bool_))


def _in_random_order(rows: Sequence[int], ids: Sequence[str], key: str) -> list[int]:
    def place(row: int) -> bytes:
        return hashlib.blake2b(ids[row].encode(), digest_size=8, key=key.encode()).digest()

    return sorted(rows, key=place)


LEARN = Step("learn", 1, run, inputs=("prepare", "sample", "context", "base"))
