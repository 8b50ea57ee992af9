"""A run killed with SIGKILL inside any step, then run again, ends as if nothing had happened, and redoes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ragtally.engine import outputs
from ragtally.steps import STEPS
from toy_study import ASKING, OPEN, TINY

DRIVER = Path(__file__).with_name("driver.py")
KILLED = -signal.SIGKILL


@dataclass
class Driver:
    """The process that forks a process a run."""

    process: subprocess.Popen[str]

    def run(self, folder: Path, spec: str = TINY, **kill: str) -> int:
        """Run a study in a folder; return the exit code, negative for a signal."""
        assert self.process.stdin and self.process.stdout
        (folder / "spec.yaml").write_text(spec)
        self.process.stdin.write(json.dumps({"folder": str(folder)} | kill) + "\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline()))


OF_OPEN_ANSWERS = {"grade"}
"""The steps that only a study with open answers has."""
OF_PARSERS = {"reference"}
"""Likewise of a study that compares parsers."""
OFTEN = ("index", "grade", "score")
"""The steps that are killed with every run of the tests; the others, which write alike, with the slow ones."""


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    # A process that forks should have no threads.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(DRIVER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Driver(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="module")
def uninterrupted(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert driver.run(folder) == 0
    return folder


@pytest.fixture(scope="module")
def uninterrupted_open(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted_open")
    assert driver.run(folder, OPEN) == 0
    return folder


def results(folder: Path) -> dict[str, bytes]:
    files = [
        path for name in ("results", "resolved") for path in (folder / name / "tiny").rglob("*") if path.is_file()
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.name != "timings.json"}


def entries(folder: Path) -> dict[str, tuple[int, int]]:
    """Every complete entry, with what would change if it were written again."""
    found = {
        path.relative_to(folder).as_posix(): path.stat() for path in (folder / "store").glob("*/r1/*/*/entry.json")
    }
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def calls(folder: Path) -> list[str]:
    return (folder / "calls.log").read_text().splitlines()


def drafts(folder: Path) -> list[Path]:
    return list((folder / "store" / "tmp").glob("*"))


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=() if step in OFTEN else pytest.mark.slow)
        for step in STEPS
        if step not in {*ASKING, *OF_PARSERS}
    ],
)
def test_a_run_killed_in_a_step_goes_on(
    driver: Driver, uninterrupted: Path, uninterrupted_open: Path, tmp_path: Path, step: str
) -> None:
    spec, uninterrupted = (OPEN, uninterrupted_open) if step in OF_OPEN_ANSWERS else (TINY, uninterrupted)
    known: dict[str, tuple[int, int]] = {}
    for point in ("before", "written", "recorded", "completed"):
        assert driver.run(tmp_path, spec, step=step, point=point) == KILLED
        assert known.items() <= entries(tmp_path).items()
        known = entries(tmp_path)
        done = [name for name in known if name.startswith(f"store/{STEPS[step].stored_as}/")]
        # Until the entry is moved into place there is a draft and no entry, from then on an entry and no draft.
        assert len(done) == (point == "completed")
        assert len(drafts(tmp_path)) == (point != "completed")
        assert not (tmp_path / "results" / "tiny" / "cells.csv").exists()
    assert driver.run(tmp_path, spec) == 0
    assert known.items() <= entries(tmp_path).items()
    assert entries(tmp_path).keys() == entries(uninterrupted).keys()
    assert results(tmp_path) == results(uninterrupted)
    assert drafts(tmp_path) == []
    # Only what each kill hit was begun again.
    again = Counter(calls(tmp_path)) - Counter(calls(uninterrupted))
    assert {name.split()[0] for name in again} <= {step}
    assert sum(again.values()) == 2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("bench.json", marks=pytest.mark.slow),
        pytest.param("dataset.json", marks=pytest.mark.slow),
        "base.parquet",
        "cells.csv",
    ],
)
def test_a_run_killed_while_it_writes_results_goes_on(
    driver: Driver, uninterrupted: Path, tmp_path: Path, name: str
) -> None:
    assert driver.run(tmp_path, file=name) == KILLED
    assert not [path for path in tmp_path.rglob(name) if "store" not in path.parts]
    done = entries(tmp_path)
    assert driver.run(tmp_path) == 0
    assert results(tmp_path) == results(uninterrupted)
    assert done.items() <= entries(tmp_path).items()
    assert sorted(calls(tmp_path)) == sorted(calls(uninterrupted))


def test_earlier_results_outlive_a_kill(driver: Driver, uninterrupted: Path, tmp_path: Path) -> None:
    assert driver.run(tmp_path) == 0
    # Without this the files are known to be those that would be written, and left alone.
    shutil.rmtree(tmp_path / "store" / outputs.FOLDER)
    assert driver.run(tmp_path, file="cells.csv") == KILLED
    assert {name: content for name, content in results(tmp_path).items() if ".part" not in name} == results(
        uninterrupted
    )


def test_the_study_has_work_of_every_step(uninterrupted: Path) -> None:
    counts = Counter(name.split()[0] for name in calls(uninterrupted))
    assert set(counts) == set(STEPS) - set(ASKING) - OF_OPEN_ANSWERS - OF_PARSERS
    assert {step for step, count in counts.items() if count == 1} == {
        "prepare", "chunk", "embed", "embed_questions", "rerank", "base",
    }  # fmt: skip
    assert set(Counter(calls(uninterrupted)).values()) == {1}
