"""A study with a few examples of every kind, and a log beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.curation.decisions import DecisionLog
from ragtally.curation.review import Review
from sample_examples import write_examples


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "faq"
    write_examples(folder, 24)
    return folder


@pytest.fixture
def review(folder: Path, tmp_path: Path) -> Review:
    return Review(folder, DecisionLog(tmp_path / "curation.csv"))
