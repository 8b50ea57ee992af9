from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from command_line import Project, project_in
from model_server.fixture import RunningServer, running_server

KEY = "sk-a-secret-that-must-not-leak-0123456789"

SPEC = """\
study: asked
seed: 3
dataset: {{synthetic: {{questions: 200, split: test}}}}
sample: {{size: 30}}
models:
  small:
    litellm: {{model: openai/small, api_base: {url}, temperature: 0.7, max_tokens: 20, concurrency: 16,
               timeout: 1, price: {{input: 0.05, output: 0.1}}}}
readers:
  small: {{chat: {{model: small}}}}
label: {{voters: [small], votes: 3}}
base: {{from: [small], rule: majority, agree_with_gold: false}}
grid: {{}}
metrics: [accuracy]
"""


@pytest.fixture
def start() -> Iterator[Callable[..., RunningServer]]:
    """Start servers that end with the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running_server(**{"any_model": True, **settings}))


@pytest.fixture
def asked(tmp_path: Any) -> Callable[[RunningServer], Project]:
    """Make a project whose spec asks a server; 90 calls."""

    def make(server: RunningServer, **replaced: str) -> Project:
        project = project_in(tmp_path / "project")
        project.environment["OPENAI_API_KEY"] = KEY
        text = SPEC.format(url=server.openai)
        for old, new in replaced.items():
            text = text.replace(old.replace("_", " "), new)
        project.write("spec.yaml", text)
        return project

    return make


def stored(project: Project) -> int:
    path = project.folder / "store" / "calls.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM calls").fetchone()
    return int(count)


def until(condition: Callable[[], bool], what: object = "") -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
