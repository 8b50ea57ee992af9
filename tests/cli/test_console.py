"""Standard output that cannot take what is written: another encoding, nobody who reads on, a full disk, no width."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Outcome, Project
from ragtally.cli.console import TerminalProgress


def shell(project: Project, command: str) -> Outcome:
    """Run a command line of a shell, where `ragtally` is this one."""
    ragtally = f'ragtally() {{ {shlex.quote(sys.executable)} -m ragtally "$@"; }}; '
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", ragtally + command],
        cwd=project.folder, env=project.environment, capture_output=True, text=True,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_what_an_encoding_lacks_becomes_a_question_mark(finished: Project) -> None:
    outcome = finished.ragtally("show", "small", PYTHONIOENCODING="ascii")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.isascii() and "Cells of the grid" in outcome.out


@pytest.mark.parametrize("command", ["show small", "export answers small", "schema"])
def test_a_reader_that_has_enough_is_no_failure(finished: Project, command: str) -> None:
    outcome = shell(finished, f"ragtally {command} | head -n 1")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize("command", ["show small", "export answers small", "plugins"])
def test_a_full_disk_below_standard_output_is_an_error_without_a_traceback(finished: Project, command: str) -> None:
    outcome = shell(finished, f"ragtally {command} > /dev/full")
    assert (outcome.code, outcome.err) == (2, "error: cannot write: No space left on device\n")


@pytest.mark.parametrize("columns", ["0", "-1", "wide"])
def test_a_width_that_is_none_is_not_known(finished: Project, columns: str) -> None:
    usual = finished.ragtally("show", "small", COLUMNS="120")
    assert finished.ragtally("show", "small", COLUMNS=columns).out == usual.out


def test_a_log_gets_a_line_a_minute_with_totals_rate_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    progress = TerminalProgress(clock=lambda: now)
    progress.start("chunk", 2, 0)
    progress.start("small", 300, 100)
    for _ in range(100):
        now += 2
        progress.advance("small", "$0.0010")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "chunk: 0 of 2"
    assert [line.partition(",")[0] for line in lines[1:]] == [
        "small: 130 of 300", "small: 160 of 300", "small: 190 of 300"
    ]  # fmt: skip
    assert all("30.0/min, done about " in line and line.endswith(", $0.0010") for line in lines[1:])


def test_what_waits_says_nothing_twice_and_what_comes_again_counts_anew(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    progress = TerminalProgress(clock=lambda: now)
    for done in (0, 0, 0, 5, 5):
        progress.measure("big batches", 10, done)
        now += 100
    progress.start("small", 3, 3)
    now += 100
    progress.start("small", 3, 1)
    lines = [line.partition(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["big batches: 0 of 10", "big batches: 5 of 10", "small: 3 of 3", "small: 1 of 3"]
