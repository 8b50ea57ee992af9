"""`ragtally advise --probe` with real models: what it measures beside the estimate, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from plugins.packaged_model import packaged_model
from plugins.test_lora_killed import smollm2, write_study
from plugins.tiny_model import require_lora, write_tiny_model

# Imports PyTorch in processes of their own, and trains real models.
pytestmark = pytest.mark.slow
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "RAGTALLY_STORE": "store"}


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ragtally", "advise", "spec.yaml", "--probe", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300
    while not condition():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.01)


@pytest.fixture(scope="module")
def long_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that takes longer than any test."""
    require_lora()
    folder = tmp_path_factory.mktemp("long")
    write_study(folder, write_tiny_model(folder / "tiny"))
    spec = (folder / "spec.yaml").read_text().replace("accumulation: 1", "accumulation: 100000")
    (folder / "spec.yaml").write_text(spec.replace("dev: 0.2", "dev: 0"))
    return folder


PHASES: dict[str, Callable[[psutil.Process, Path], bool]] = {
    "start": lambda child, folder: True,
    "import": lambda child, folder: child.memory_info().rss > 100 * 2**20,
    "training": lambda child, folder: bool(list((folder / "store" / "tmp").glob("*/beginning"))),
    "longest": lambda child, folder: bool(list((folder / "store" / "tmp").glob("*/longest"))),
}


ENDS = [*((phase, signal.SIGKILL) for phase in PHASES), ("training", signal.SIGINT), ("import", signal.SIGTERM)]


@pytest.mark.parametrize(("phase", "number"), ENDS)
def test_a_probe_that_is_ended_leaves_nothing(long_study: Path, phase: str, number: signal.Signals) -> None:
    process = start(long_study)
    wait_for(lambda: children(process), process)
    (child,) = children(process)
    wait_for(lambda: PHASES[phase](child, long_study), process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    if number != signal.SIGKILL:
        assert process.returncode == 3 and "stopped: interrupted" in errors
    assert not list((long_study / "store" / "tmp").glob("*")), "what is measured is not stored"
    assert not (long_study / "store" / "train").exists() and not (long_study / "store" / "checkpoints").exists()


def test_an_absurd_rate_ends_with_cause_and_remedy(long_study: Path, tmp_path: Path) -> None:
    spec = (long_study / "spec.yaml").read_text().replace("rate: 1e-3", "rate: 1e30, warmup: 0")
    spec = spec.replace("accumulation: 100000", "accumulation: 1")
    (long_study / "absurd.yaml").write_text(spec)
    command = [sys.executable, "-m", "ragtally", "advise", "absurd.yaml", "--probe"]
    outcome = subprocess.run(command, cwd=long_study, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert "error: absurd.yaml:10:3: the loss is not a number any more at step 2 of 16" in outcome.stderr
    assert "hint: rate: 0.0002" in outcome.stderr


def test_the_estimates_are_near_what_is_measured(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "real", smollm2())
    body = (
        f"  body: {{encoder: {{model: {packaged_model()}, method: end_to_end, max_tokens: 64, batch: 8, dev: 0}}}}\n"
    )
    spec = (folder / "spec.yaml").read_text().replace("controls:", f"{body}controls:")
    (folder / "spec.yaml").write_text(spec.replace("reader: [tuned]", "reader: [tuned, body]"))
    out, errors = start(folder, "--json").communicate()
    advice = json.loads(out)
    assert [each["reader"] for each in advice["probes"]] == ["tuned", "body"], errors
    for each in advice["probes"]:
        low, likely, high = each["estimate"]
        assert low < each["memory"] < high
        assert abs(each["error"]) < 0.5 and each["error"] == pytest.approx(likely / each["memory"] - 1)
        assert each["hours"][0] <= each["hours"][1] <= each["hours"][2] < 1
