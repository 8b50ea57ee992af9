"""Naming an executor on the command line: its parameters go to it, and nothing else is swallowed."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from command_line import SMALL_SPEC, in_process
from ragtally.cli.executors import ExecutorCommand, executor_option, machine_settings
from ragtally.registry import load_registry
from ragtally.spec.settings import Settings


@click.command(cls=ExecutorCommand)
@click.argument("spec")
@executor_option
@click.option("--stage")
def command(spec: str, executor: str | None, stage: str | None) -> None:
    click.echo([spec, executor, stage, click.get_current_context().meta["ragtally.executor_parameters"]])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["s.yaml"], ["s.yaml", None, None, {}]),
        (
            ["s.yaml", "--executor", "far", "--far-address", "host:1", "--far-most-jobs=2", "--stage", "bench"],
            ["s.yaml", "far", "bench", {"address": "host:1", "most_jobs": 2}],
        ),
        (["--far-a", "true", "--executor=far", "s.yaml"], ["s.yaml", "far", None, {"a": True}]),
        (["--executor", "far", "--", "--far-a"], ["--far-a", "far", None, {}]),
    ],
)
def test_parameters_of_the_executor_go_to_it(words: list[str], expected: list[object]) -> None:
    result = CliRunner().invoke(command, words)
    assert result.output == f"{expected}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s.yaml", "--far-a", "1"], "No such option '--far-a'"),
        (["s.yaml", "--executor", "far", "--near-a", "1"], "No such option '--near-a'"),
        (["s.yaml", "--executor", "far", "--far-a"], "Option '--far-a' requires an argument"),
    ],
)
def test_a_wrong_option_is_told(words: list[str], message: str) -> None:
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 2
    assert message in result.output


def test_settings_lie_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = load_registry()
    path = tmp_path / "settings.yaml"
    path.write_text("executor: {local: {workers: 2}}\n")
    monkeypatch.setenv("RAGTALLY_SETTINGS", str(path))
    assert machine_settings(registry).executor is not None
    monkeypatch.setenv("RAGTALLY_SETTINGS", "")
    assert machine_settings(registry) == Settings()
    monkeypatch.delenv("RAGTALLY_SETTINGS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert machine_settings(registry) == Settings()
    (tmp_path / "ragtally").mkdir()
    path.rename(tmp_path / "ragtally" / "settings.yaml")
    assert machine_settings(registry).executor is not None


def test_the_doctor_looks_at_the_executor(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SMALL_SPEC)
    outcome = in_process(tmp_path, "doctor", "spec.yaml")
    assert "executor local" in outcome.out
    (tmp_path / "settings.yaml").write_text("executor: {local: {worker: 2}}\n")
    outcome = in_process(tmp_path, "doctor", "spec.yaml", RAGTALLY_SETTINGS="settings.yaml")
    assert "missing  executor: settings.yaml:1:20: local has no parameter 'worker'" in outcome.out
    assert "did you mean 'workers'?" in outcome.out
    assert outcome.code == 2
