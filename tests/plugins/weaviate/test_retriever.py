"""A cell as a Haystack pipeline over the collection: `WeaviateDocumentStore` finds what the study found."""

from __future__ import annotations

from pathlib import Path

import httpx
import polars as pl
import pytest
import yaml
from haystack import Pipeline

from ragtally.export.pipeline import export_pipeline
from ragtally.registry import load_registry
from ragtally.results import load_results
from weaviate_server import StubServer
from workbench import Bench

SPEC = """\
study: served
seed: 3
dataset: {synthetic: {questions: 60, distractors: 1, split: test}}
sample: {size: 3}
readers:
  words: {specialist: {features: tfidf}}
grid_on: all
grid:
  chunker: {words: {size: 40, overlap: 0}}
  retriever:
    - weaviate: {mode: bm25}
    - weaviate: {mode: near_vector, embedder: {lsa: {dim: 16}}, distance: [cosine, hamming], ef: 120}
    - weaviate: {mode: hybrid, embedder: {lsa: {dim: 16}}, alpha: 0.5}
  top_k: [2]
  reader: words
"""
KEY = "made-up-key-0123456789"
RETRIEVERS = {
    "words/weaviate(bm25)": "WeaviateBM25Retriever",
    "words/weaviate(near_vector,cosine,ef=120)": "WeaviateEmbeddingRetriever",
    "words/weaviate(near_vector,hamming,ef=120)": None,
    "words/weaviate(hybrid,cosine)": "WeaviateHybridRetriever",
}


@pytest.mark.slow
def test_a_served_cell_finds_in_the_store_what_the_study_found(
    stub: StubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = httpx.Client.get
    # The document store's client asks PyPI for the newest version of the client library.
    monkeypatch.setattr(
        httpx.Client,
        "get",
        lambda self, url, **more: get(self, f"{stub.url}/v1/meta" if "pypi" in url else url, **more),
    )
    stub.faults.key = KEY
    monkeypatch.setenv("WEAVIATE_API_KEY", KEY)
    bench = Bench(tmp_path, load_registry())
    results, plan = load_results(bench.run(SPEC)), bench.plan(SPEC)
    words = dict(results.questions.select("id", "question").iter_rows())
    index = stub.collections.copy()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    for number, (ranking, retriever) in enumerate(RETRIEVERS.items()):
        (cell,) = [each for each in plan.cells if each.name.startswith(f"{ranking}/top 2/words")]
        exported = export_pipeline(plan, cell, bench.location, tmp_path / f"cell{number}")
        text = exported.path.read_text(encoding="utf-8")
        assert (exported.classes.get("search") or "").rpartition(".")[2] == (retriever or "")
        assert KEY not in text
        stub.collections.clear()
        pipeline = Pipeline.loads(text, allowed_modules=["ragtally.pipelines"])
        (context,) = set(results.cells.filter(pl.col("cell") == cell.name)["context"])
        for question, verdict in (
            results.answers.filter(pl.col("cell") == cell.name).select("question", "verdict").iter_rows()
        ):
            found = pipeline.run({"question": words[question]}, include_outputs_from={"retrieve"})
            passages = results.passages.filter(context=context, question=question).sort("rank")
            assert [part.content for part in found["retrieve"]["documents"]] == passages["text"].to_list()
            assert found["decide"]["verdict"] == verdict
        if retriever:
            pipeline.get_component("search").close()
        assert stub.collections.keys() <= index.keys(), "nothing but what was filled before is searched"
        assert yaml.safe_load(text)["metadata"]["ragtally"]["plain_haystack"] == (["search"] if retriever else [])
