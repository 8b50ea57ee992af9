"""Two runs on one store, with faults and kills: every call is paid once but for those in flight at a kill."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import Project, commands, project_in
from model_server.fixture import RunningServer, running_server

CONCURRENCY = 4
CALLS = 300
KILLS = 5
SPEC = """\
study: twice
seed: 3
dataset: {{synthetic: {{questions: 250, split: test}}}}
sample: {{size: 100}}
models:
  small: {{litellm: {{model: openai/small, api_base: {url}, temperature: 0.7, max_tokens: 20, timeout: 2,
           concurrency: {concurrency}, retries: 8, price: {{input: 0.05, output: 0.1}}}}}}
readers:
  small: {{chat: {{model: small}}}}
label: {{voters: [small], votes: 3}}
grid: {{}}
metrics: [accuracy]
"""
RUN = ("run", "spec.yaml")


def project(folder: Path, server: RunningServer) -> Project:
    made = project_in(folder)
    made.environment["OPENAI_API_KEY"] = "none-that-is-used"
    made.write("spec.yaml", SPEC.format(url=server.openai, concurrency=CONCURRENCY))
    return made


def stored(made: Project) -> int:
    connection = sqlite3.connect(made.folder / "store" / "calls.sqlite")
    (count,) = connection.execute("SELECT count(*) FROM calls").fetchone()
    connection.close()
    return int(count)


def results(made: Project) -> dict[str, bytes]:
    # The report says how long what took.
    return {name: content for name, content in made.results("twice").items() if name not in UNPROMISED}


UNPROMISED = ("timings.json", "report.html")


def test_two_runs_side_by_side_pay_for_every_call_once(tmp_path: Path) -> None:
    with running_server(any_model=True, latency=0.02) as server:
        made = project(tmp_path / "project", server)
        processes = [made.start(*RUN) for _ in range(2)]
        outcomes = [commands().wait(process) for process in processes]
        assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
        counts = server.counts()
        assert counts["successful"] == counts["distinct_keys"] == stored(made) == CALLS


@pytest.mark.slow
def test_two_runs_with_faults_and_kills_pay_only_what_was_in_flight_again(tmp_path: Path) -> None:
    with running_server(any_model=True, latency=0.03, mix=0.1, retry_after=0.1, hold_seconds=3.0) as server:
        made = project(tmp_path / "project", server)
        processes = [made.start(*RUN) for _ in range(2)]
        for kill in range(KILLS):
            deadline = time.monotonic() + 30
            while server.counts()["successful"] < 40 * (kill + 1):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            # First one, then the other, and each is started again at once.
            commands().kill(processes[kill % 2])
            processes[kill % 2] = made.start(*RUN)
        outcomes = [commands().wait(process) for process in processes]
        assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
        counts = server.counts()
        assert counts["distinct_keys"] == stored(made) == CALLS
        assert CALLS <= counts["successful"] <= CALLS + KILLS * CONCURRENCY
        both = results(made)
        # One run alone, of the same answers, asks for nothing and writes the same bytes.
        for step in (made.folder / "store").glob("*/r1"):
            shutil.rmtree(step)
        assert commands().wait(made.start(*RUN)).code == 0
        assert results(made) == both
        assert server.counts()["requests"] == counts["requests"]


EMBEDDING_SPEC = """\
study: twice
seed: 3
dataset: {{synthetic: {{questions: 60, split: test}}}}
grid:
  chunker: [{{words: {{size: 40, overlap: 0}}}}]
  retriever: {{dense: {{embedder: {{litellm: {{model: openai/text-embedding-3-small, api_base: {url}, batch: 8}}}}}}}}
  top_k: 1
metrics: [recall@1]
"""


def test_two_runs_side_by_side_embed_every_text_once(tmp_path: Path) -> None:
    with running_server(any_model=True, latency=0.03) as server:
        made = project(tmp_path / "project", server)
        made.write("spec.yaml", EMBEDDING_SPEC.format(url=server.openai))
        processes = [made.start(*RUN) for _ in range(2)]
        outcomes = [commands().wait(process) for process in processes]
        assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
        connection = sqlite3.connect(made.folder / "store" / "vectors.sqlite")
        (vectors,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
        connection.close()
        assert server.counts()["texts"] == vectors > 100


def test_nothing_is_sent_where_no_answer_could_be_saved(tmp_path: Path) -> None:
    with running_server(any_model=True) as server:
        made = project(tmp_path / "project", server)
        (made.folder / "store").mkdir()
        # As a full disk, but for any user: no file may grow beyond this.
        script = f"ulimit -f 600; exec {shlex.quote(sys.executable)} -m ragtally run spec.yaml"
        ended = subprocess.run(
            ["bash", "-c", script], cwd=made.folder, env=made.environment, capture_output=True, text=True
        )
        assert ended.returncode == 2, ended.stderr
        assert "cannot write: File too large" in ended.stderr
        assert server.counts()["requests"] == 0
