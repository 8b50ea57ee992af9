"""A BEIR folder gives its usual numbers: whole documents and graded judgements, scored as ir_measures scores them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest

from ragtally.api import SpecError
from ragtally.registry import load_registry
from ragtally.tables import load_documents, load_hits, load_questions
from sample_beir import document, query, write_folder
from workbench import Bench

WORDS = ("asthma", "fever", "insulin", "placebo", "kidney", "cohort", "dose", "relapse", "biopsy", "statin", "lesion")
SPEC = """\
study: made-beir
dataset: {{beir: {{folder: {folder}, split: {split}}}}}
grid:
  chunker: whole
  retriever: [bm25, random]
metrics: [{metrics}]
"""
METRICS = {"recall": "R", "precision": "P", "mrr": "RR", "ndcg": "nDCG"}
CUT_OFFS = (1, 3, 10, 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 documents and 30 queries in two splits; grades from 0 to 3, and one query with nothing relevant."""
    rng = np.random.default_rng(5)
    texts = [" ".join(rng.choice(WORDS, rng.integers(3, 12))) for _ in range(60)]
    corpus = [document(f"d{row}", text, title=f"Study {row}" if row % 3 else "") for row, text in enumerate(texts)]
    queries = [query(f"q{row}", " ".join(rng.choice(WORDS, 3))) for row in range(30)]
    qrels: dict[str, list[tuple[str, str, int]]] = {"dev": [], "test": [("q29", "d1", 0), ("q29", "d2", 0)]}
    for row in range(29):
        judged = rng.choice(60, rng.integers(1, 25), replace=False)
        grades = rng.integers(0, 4, len(judged))
        grades[0] = max(1, grades[0])
        rows = [(f"q{row}", f"d{one}", int(grade)) for one, grade in zip(judged, grades, strict=True)]
        qrels["dev" if row < 8 else "test"] += rows
    return write_folder(tmp_path_factory.mktemp("beir"), corpus, queries, qrels)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), load_registry())


def spec(folder: Path, split: str) -> str:
    metrics = ", ".join(f"{name}@{k}" for name in METRICS for k in CUT_OFFS)
    return SPEC.format(folder=folder, split=split, metrics=metrics)


@pytest.mark.parametrize("split", ["test", "dev"])
def test_metrics_of_whole_documents_are_those_of_ir_measures(bench: Bench, folder: Path, split: str) -> None:
    results = bench.run(spec(folder, split))
    with (results / "cells.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    plan = bench.plan(spec(folder, split))
    assert [row["cell"] for row in rows] == [cell.name for cell in plan.cells] and len(rows) == 2

    documents = load_documents(bench.do(plan.dataset)).id
    asked = load_questions(bench.do(plan.sample))["id"].to_list()
    judgements = list(ir_measures.read_trec_qrels(trec(folder / "qrels" / f"{split}.tsv")))
    # A query with nothing relevant has no recall: trec_eval counts it as 0, ragtally leaves it out and says so.
    relevant = {one.query_id for one in judgements if one.relevance > 0}
    judgements = [one for one in judgements if one.query_id in relevant]
    assert len(asked) - len(relevant) == (split == "test")

    for row, cell in zip(rows, plan.cells, strict=True):
        (judged,) = cell.score.inputs["relevance"]
        hits = load_hits(bench.do(judged.inputs["retrieve"][0]))
        run = [
            ir_measures.ScoredDoc(name, documents[passage], float(-rank))
            for name, passages in zip(asked, hits.passage.tolist(), strict=True)
            for rank, passage in enumerate(passages)
            if passage >= 0
        ]
        measures = {f"{name}@{k}": ir_measures.parse_measure(f"{theirs}@{k}") for name, theirs in METRICS.items()
                    for k in CUT_OFFS}  # fmt: skip
        expected = ir_measures.calc_aggregate(list(measures.values()), judgements, run)
        for name, measure in measures.items():
            assert float(row[name]) == pytest.approx(expected[measure], abs=1e-9), (row["cell"], name)
            assert int(row[f"{name}_denominator"]) == len(relevant)


def trec(path: Path) -> str:
    """Judgements in the form that ir_measures reads."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return "".join(f"{one} 0 {other} {score}\n" for one, other, score in rows)


def test_a_folder_without_labels_is_summed_up(bench: Bench, folder: Path) -> None:
    results = bench.run(spec(folder, "test"))
    found = json.loads((results / "dataset.json").read_text(encoding="utf-8"))
    assert found["corpus"]["answers"] == [] and found["corpus"]["splits"] == ["dev", "test"]
    assert found["corpus"]["left_out"]["judgements that a document is not relevant"] > 2
    assert found["questions"]["sampled_without_label"] == found["questions"]["sampled"] == 22


def test_a_split_that_is_not_there_is_named(bench: Bench, folder: Path) -> None:
    with pytest.raises(SpecError, match="no split 'tets'") as caught:
        bench.plan(spec(folder, "tets"))
    assert caught.value.hint == "did you mean 'test'?"
