"""The published figures, on the real labelled subset where it is."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

import ragtally_pubmedqa
from ragtally.api import DatasetBatch, Reading, Vote
from sample_pubmedqa import (
    build,
)

REAL_FOLDER = os.environ.get("RAGTALLY_PUBMEDQA") and str(Path(os.environ["RAGTALLY_PUBMEDQA"]).resolve())
VOTE = Vote("measure", 0, 0)


@pytest.fixture(scope="module")
def real() -> tuple[DatasetBatch, str]:
    if not REAL_FOLDER:
        pytest.skip("RAGTALLY_PUBMEDQA is not set: the published figures are not checked")
    (batch,) = build("labeled", REAL_FOLDER).batches()
    return batch, REAL_FOLDER


def test_real_counts(real: tuple[DatasetBatch, str]) -> None:
    batch, _ = real
    assert len(batch.documents) == len(batch.questions) == 1_000
    assert len(batch.evidence) == sum(map(len, batch.documents.section_starts)) == 3_358
    assert Counter(batch.questions.label) == {"yes": 552, "no": 338, "maybe": 110}
    assert Counter(batch.questions.split) == {"train": 500, "test": 500}


def percent(gold: list[str | None], said: list[str | None]) -> tuple[float, float]:
    from sklearn.metrics import accuracy_score, f1_score

    accuracy = accuracy_score(gold, said)
    macro_f1 = f1_score(gold, said, labels=["yes", "no", "maybe"], average="macro", zero_division=0)
    return round(100 * accuracy, 2), round(100 * macro_f1, 2)


@pytest.mark.parametrize(
    ("setting", "expected"), [("reasoning_required", (78.00, 72.19)), ("reasoning_free", (90.40, 84.18))]
)
def test_real_annotators_reach_the_published_figures(
    real: tuple[DatasetBatch, str], setting: str, expected: tuple[float, float]
) -> None:
    batch, folder = real
    rows = [row for row, split in enumerate(batch.questions.split) if split == "test"]
    gold = [batch.questions.label[row] for row in rows]
    reading = Reading([batch.questions.id[row] for row in rows], gold, [[]] * 500, ("yes", "no", "maybe"))  # type: ignore[arg-type]
    read = ragtally_pubmedqa.build_annotators(setting, folder).read(reading, VOTE)
    assert not any(read.error)
    assert percent(gold, list(read.choice)) == expected
    assert percent(gold, ["yes"] * 500) == (55.20, 23.71)


def test_real_files_are_the_pinned_ones(real: tuple[DatasetBatch, str]) -> None:
    import hashlib

    _, folder = real
    for remote in ragtally_pubmedqa.build_dataset("labeled", None).remote_files:
        content = Path(folder, remote.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (remote.size, remote.sha256)
