"""What a cell is in words."""

from __future__ import annotations

from pathlib import Path

from ragtally.plan import plan_study
from ragtally.plan.descriptions import descriptions
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from workbench import Bench

BOX = """\
study: box
dataset: {synthetic: {questions: 20, split: test}}
readers: {small: {specialist: {features: tfidf}}}
grid:
  chunker: [sections, {words: {size: [64, 256], overlap: 0}}]
  retriever:
    - bm25
    - dense: {embedder: [lsa, hashing]}
    - hybrid: {retrievers: [bm25, dense]}
    - weaviate: {mode: hybrid, embedder: lsa}
  top_k: [1, 3]
  context_words: 1000
  reader: small
  votes: [1, 3]
controls: [closed_book, gold_context]
metrics: [accuracy]
"""


def words(text: str, folder: Path) -> dict[str, str]:
    registry = load_registry()
    spec = folder / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    return descriptions(plan_study(load_study(spec, registry), registry), registry)


def test_cells_are_described_as_people_name_what_they_are_made_of(tmp_path: Path) -> None:
    of_cell = words(BOX, tmp_path)
    assert of_cell["words(256)/bm25/top 1/small/1 vote"] == "BM25 over 256-word chunks, one chunk, reader small"
    assert of_cell["words(64)/dense(lsa)/top 3/small/3 votes"] == (
        "LSA vectors over 64-word chunks, 3 chunks, reader small, 3 votes by majority"
    )
    assert of_cell["sections/hybrid/1000 words/small/1 vote"] == (
        "BM25 and LSA vectors fused over sections, up to 1,000 words, reader small"
    )
    assert of_cell["sections/weaviate"] == "Weaviate’s BM25 and LSA vectors fused over sections"
    assert of_cell["closed_book/small/1 vote"] == "reader small without context"
    assert of_cell["gold_context/small/3 votes"] == "reader small with the gold context, 3 votes by majority"
    assert len(set(of_cell.values())) == len(of_cell), "no two cells are described alike"


def test_what_a_phrase_does_not_tell_apart_is_named_as_in_the_cells_name(tmp_path: Path) -> None:
    of_cell = words(BOX.replace("[lsa, hashing]", "lsa, distance: [cosine, l1]"), tmp_path)
    assert of_cell["sections/dense(l1)"] == "dense(l1) over sections"


def test_a_component_without_a_phrase_goes_by_its_name(bench: Bench) -> None:
    of_cell = descriptions(bench.plan(), bench.registry)
    assert of_cell["pieces(30)/shared_words"] == "shared_words over pieces(30) chunks"
    assert len(set(of_cell.values())) == len(of_cell)
