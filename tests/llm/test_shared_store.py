"""Answers and vectors that one machine paid for: another one, without calls, key or server, gets the same results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line import Project, project_in
from model_server.fixture import RunningServer

SPEC = """\
study: paid
seed: 3
dataset: {{synthetic: {{questions: 40, distractors: 0, split: test}}}}
models:
  small: {{litellm: {{model: openai/small, api_base: {url}, temperature: 0.7, max_tokens: 20,
                      price: {{input: 0.05, output: 0.1}}}}}}
readers: {{small: {{chat: {{model: small}}}}}}
label: {{voters: [small], votes: 2}}
grid:
  chunker: [{{words: {{size: [40, 64]}}}}]
  retriever: [dense: {{embedder: {{litellm: {{model: openai/text-embedding-3-small,
               api_base: {url}, price: 0.02}}}}}}]
  top_k: [2]
  reader: [small]
metrics: [accuracy, recall@5]
"""


def machine(tmp_path: Path, name: str, spec: str) -> Project:
    made = project_in(tmp_path / name)
    made.environment["RAGTALLY_SHARED_STORE"] = str(tmp_path / "share")
    made.environment.pop("OPENAI_API_KEY", None)
    made.write("spec.yaml", spec)
    return made


def results(made: Project) -> dict[str, bytes]:
    return {name: content for name, content in made.results("paid").items() if name != "timings.json"}


@pytest.mark.slow
def test_what_was_paid_for_is_not_paid_for_again_elsewhere(
    start: Callable[..., RunningServer], tmp_path: Path
) -> None:
    server = start()
    (tmp_path / "share").mkdir()
    one = machine(tmp_path, "one", SPEC.format(url=server.openai))
    two = machine(
        tmp_path, "two", SPEC.replace("api_base: {url}, temperature", "temperature").format(url=server.openai)
    )
    assert two.ragtally("run", "spec.yaml", "--shared-store", "none").code == 2
    outcome = one.ragtally("run", "--no-report", "spec.yaml")
    assert outcome.code == 0, outcome.err
    counts = server.counts()
    server.stop()
    planned = json.loads(two.ragtally("plan", "spec.yaml", "--json").out)
    assert all(cell["done"] for cell in planned["cells"])
    outcome = two.ragtally("run", "--no-report", "spec.yaml")
    assert outcome.code == 0, outcome.err
    assert results(two) == results(one)
    assert counts["successful"] > 0 and b"served_by" in results(two)["comparisons.json"]
    assert json.loads(results(two)["comparisons.json"])["models"][0]["served_by"]
    assert not (two.folder / "store" / "calls.sqlite").exists()
    assert not [path for path in (tmp_path / "share").rglob("*") if path.is_file() and path.suffix != ".tar"]
