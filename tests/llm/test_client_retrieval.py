"""Embeddings and rerankers over a real server: each text and each question is paid for once, whatever happens."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from command_line import Project, commands, project_in
from model_server.fixture import RunningServer

from .conftest import KEY, until

SPEC = """\
study: found
seed: 3
dataset: {{synthetic: {{questions: 60, distractors: 0}}}}
models:
  small: {{litellm: {{model: openai/small, api_base: {url}, temperature: 0, max_tokens: 40,
                      price: {{input: 0.05, output: 0.1}}}}}}
grid:
  chunker: [{{words: {{size: SIZES}}}}]
  retriever: [RETRIEVERS]
metrics: [recall@5, mrr@10]
"""
MODEL = "litellm: {{model: openai/text-embedding-3-small, api_base: {url}, batch: 8, concurrency: 2}}"
EMBEDDED = f"dense: {{{{embedder: {{{{{MODEL}}}}}, distance: DISTANCES}}}}"
RERANKED = "rerank: {{retriever: bm25, first: 4, model: small}}"
Start = Callable[..., RunningServer]


def project(tmp_path: Path, server: RunningServer, *retrievers: str, sizes: str = "[64]") -> Project:
    made = project_in(tmp_path / "project")
    made.environment["OPENAI_API_KEY"] = KEY
    write(made, server, *retrievers, sizes=sizes)
    return made


def write(
    made: Project, server: RunningServer, *retrievers: str, sizes: str = "[64]", distances: str = "[cosine, l1]"
) -> None:
    named = ", ".join(name if name == "bm25" else f"{{{{{name}}}}}" for name in retrievers)
    text = SPEC.replace("RETRIEVERS", named).replace("SIZES", sizes).replace("DISTANCES", distances)
    made.write("spec.yaml", text.format(url=server.openai))


def test_each_text_is_embedded_once_and_planned_before(start: Start, tmp_path: Path) -> None:
    server = start()
    made = project(tmp_path, server, EMBEDDED)
    planned = json.loads(made.ragtally("plan", "spec.yaml", "--json").out)
    (row,) = planned["embedders"]
    assert server.counts()["texts"] == 0
    first = made.ragtally("run", "--no-report", "spec.yaml")
    assert first.code == 0, first.err
    assert server.counts()["texts"] == row["texts"] == row["to_embed"]
    write(made, server, EMBEDDED, distances="[dot, l2, hamming]")
    assert made.ragtally("run", "--no-report", "spec.yaml").code == 0
    assert server.counts()["texts"] == row["texts"]
    (paid,) = json.loads(made.ragtally("store", "--json").out)["embedded"]
    assert (paid["embedder"], paid["texts"]) == ("openai/text-embedding-3-small", row["texts"])


@pytest.mark.slow
def test_a_kill_while_embedding_loses_a_batch_at_most(start: Start, tmp_path: Path) -> None:
    server = start(latency=0.05)
    made = project(tmp_path, server, EMBEDDED)
    process = made.start("run", "--no-report", "spec.yaml")
    until(lambda: server.counts()["texts"] >= 24)
    commands().kill(process)
    assert made.ragtally("run", "--no-report", "spec.yaml").code == 0
    (paid,) = json.loads(made.ragtally("store", "--json").out)["embedded"]
    # Two requests of 8 texts were in flight, or answered and not saved.
    assert paid["texts"] <= server.counts()["texts"] <= paid["texts"] + 2 * 8


READERS = """\
readers: {{small: {{chat: {{model: small}}}}}}
grid_on: all
"""


def test_a_cell_costs_what_its_answers_needed_and_an_index_is_paid_once(start: Start, tmp_path: Path) -> None:
    server = start()
    made = project_in(tmp_path / "project")
    made.environment["OPENAI_API_KEY"] = KEY
    text = SPEC.replace("SIZES", "[64]").replace("grid:\n", READERS + "grid:\n")
    priced = EMBEDDED.replace("concurrency: 2", "concurrency: 2, price: 0.02")
    retrievers = f"[bm25, {{{{{RERANKED}}}}}, {{{{{priced}}}}}]\n  top_k: 1\n  reader: [small]"
    text = text.replace("[RETRIEVERS]", retrievers.replace("DISTANCES", "cosine"))
    made.write("spec.yaml", text.replace("mrr@10", "accuracy").format(url=server.openai))
    outcome = made.ragtally("run", "--no-report", "spec.yaml")
    assert outcome.code == 0, outcome.err
    store = json.loads(made.ragtally("store", "--json").out)
    (calls,), (vectors,) = store["paid"], store["embedded"]
    with (made.folder / "data/results/found/cells.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["cell"]: row for row in csv.DictReader(handle)}

    def dollars(cell: str, column: str = "dollars") -> float:
        return float(rows[cell][column] or "nan")

    # The server ranks nothing, so that both readers see the same passages, and share the calls.
    reader, reranker = dollars("words/bm25/top 1/small/1 vote"), dollars("words/rerank")
    assert reader > 0 and reranker > 0
    assert dollars("words/rerank/top 1/small/1 vote") == pytest.approx(reader + reranker)
    queries, index = dollars("words/dense"), dollars("words/dense", "index_dollars")
    assert queries + index == pytest.approx(vectors["dollars"]) and 0 < queries < index
    dense = dollars("words/dense/top 1/small/1 vote")
    assert dense > queries and reader + reranker <= calls["dollars"] <= reader + reranker + dense - queries
    answers = pl.read_parquet(made.folder / "data/results/found/answers.parquet")
    for cell, total in answers.group_by("cell").agg(pl.col("dollars").sum()).iter_rows():
        assert total == pytest.approx(dollars(cell))


def test_a_model_ranks_each_question_once_and_what_it_left_unsaid_is_told(start: Start, tmp_path: Path) -> None:
    server = start()
    made = project(tmp_path, server, "bm25", RERANKED)
    (row,) = json.loads(made.ragtally("plan", "spec.yaml", "--json").out)["models"]
    assert row["exact"] and server.counts()["successful"] == 0
    first = made.ragtally("run", "--no-report", "spec.yaml")
    assert first.code == 0, first.err
    assert server.counts()["successful"] == row["calls"] <= 60
    assert made.ragtally("run", "--no-report", "spec.yaml").code == 0
    assert server.counts()["successful"] == row["calls"]
    with (made.folder / "data/results/found/cells.csv").open(encoding="utf-8", newline="") as handle:
        notes = {cell["cell"]: cell["note"] for cell in csv.DictReader(handle)}
    # The server's answers are labels, and no order of passages.
    assert not notes["words/bm25"]
    assert "of 60 replies ranked nothing" in notes["words/rerank"]
    assert "note: words/rerank: " in first.out and "replies ranked nothing: their order stayed" in first.out
