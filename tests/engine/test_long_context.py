"""Whole documents and the whole corpus before a reader: told what does not fit before any call, and never cut."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ragtally import Component
from ragtally.analysis import analyze
from ragtally.api import CallError, SpecError
from ragtally.llm.long_context import long_contexts
from ragtally.plan import plan_study
from ragtally.present.cells import cells_of
from ragtally.present.long_context import long_context_section
from ragtally.present.plan import long_context_table
from ragtally.registry import Registry, load_registry
from ragtally.results import Results, load_results
from ragtally.tables import load_passages, load_prompts, load_texts
from sample_table import write_study
from workbench import Bench

SPEC = """\
study: long
seed: 3
dataset: {synthetic: {questions: 12}}
sample: {size: 6}
models:
  wide: {echo: {}}
  narrow: {narrow: {context: 1000}}
readers:
  wide: {chat: {model: wide}}
  narrow: {chat: {model: narrow}}
grid:
  chunker: {words: {size: 16}}
  retriever: bm25
  top_k: [1, 2]
  reader: [wide, narrow]
controls: [gold_context, whole_document, whole_corpus]
on_overlong: skip
metrics: [accuracy]
"""


def registry_with(answer: Callable[..., object] | None = None) -> Registry:
    """The registry with `narrow`, which is `echo` with a window."""
    registry = load_registry()
    echo = next(entry for entry in registry.all() if (entry.kind, entry.component.name) == ("model", "echo"))
    build = echo.component.build

    def traits(parameters: dict[str, int]) -> object:
        return dataclasses.replace(
            echo.traits({}), provider="here", model="narrow", context_tokens=parameters["context"], output_tokens=5
        )

    narrow = Component(
        name="narrow",
        build=answer or (lambda context: build(words=["yes", "no", "maybe"])),
        summary="Sees little.",
        params={"context": {"type": "integer", "default": 1000}},
        traits=traits,  # type: ignore[arg-type]
    )
    entries = {(entry.kind, entry.component.name): entry for entry in registry.all()}
    return Registry({**entries, ("model", "narrow"): dataclasses.replace(echo, component=narrow)})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("long"), registry_with())


@pytest.fixture(scope="module")
def results(bench: Bench) -> Results:
    return load_results(bench.run(SPEC))


def test_what_does_not_fit_is_not_scored_with_the_reason(results: Results) -> None:
    rows = {row["cell"]: row for row in results.cells.iter_rows(named=True)}
    overlong = rows["whole_corpus/narrow/1 vote"]
    assert overlong["accuracy"] is None
    assert "tokens too long for a model that sees 1,000" in json.loads(overlong["not_scored"])["accuracy"]
    for cell in ("whole_corpus/wide/1 vote", "whole_document/narrow/1 vote", "whole_document/wide/1 vote"):
        assert rows[cell]["accuracy"] is not None
    assert "whole_corpus/narrow/1 vote" not in set(results.answers["cell"])
    assert rows["whole_corpus/wide/1 vote"]["description"] == "reader wide with the whole corpus"


def test_the_whole_corpus_is_sent_in_its_order_and_nothing_is_cut(bench: Bench, results: Results) -> None:
    plan = bench.plan(SPEC)
    (cell,) = (cell for cell in plan.cells if cell.name == "whole_corpus/wide/1 vote")
    passages, texts = load_passages(bench.do(cell.score.inputs["context"][0])), load_texts(bench.do(plan.dataset))
    for question in range(6):
        own = passages.filter(question=question)
        assert own["document"].to_list() == list(range(len(texts)))
        assert own["end"].to_list() == list(map(len, texts))
    assert cell.verdicts is not None
    ask = cell.verdicts.inputs["parse"][0].inputs["read"][0]
    prompt = load_prompts(bench.do(ask.inputs["prompt"][0])).prompts[0][-1].content
    # The prompt numbers the passages and indents nothing else.
    places = [prompt.index(text.partition("\n")[0]) for text in texts]
    assert places == sorted(places) and len(prompt) > sum(map(len, texts))


def test_a_whole_document_that_is_the_gold_context_is_paid_once(bench: Bench, results: Results) -> None:
    rows = {row["cell"]: row for row in results.cells.iter_rows(named=True)}
    gold, whole = (rows[f"{condition}/wide/1 vote"] for condition in ("gold_context", "whole_document"))
    assert (gold["accuracy"], gold["input_tokens"]) == (whole["accuracy"], whole["input_tokens"])
    covered = results.answers.filter(results.answers["cell"] == "whole_corpus/wide/1 vote")["covered_characters"]
    assert covered.to_list() == results.questions["evidence_characters"].to_list()


def test_long_contexts_stand_beside_retrieval(results: Results) -> None:
    analysis = analyze(results)
    (family,) = analysis.long_context
    assert {one.cell for one in family.comparisons} == {
        "whole_document/wide/1 vote", "whole_corpus/wide/1 vote", "whole_document/narrow/1 vote",
    }  # fmt: skip
    assert all(one.baseline.startswith("words/bm25/top") for one in family.comparisons)
    assert {one.cell.split("/")[1] for one in family.comparisons if "narrow" in one.baseline} == {"narrow"}
    (table,) = long_context_section(cells_of(results.cells, results.metrics, "all", analysis), analysis).tables
    by_cell = {row[0]: row for row in table.rows}
    assert by_cell["whole_corpus/wide/1 vote"][2] > 5 * by_cell["whole_document/wide/1 vote"][2]
    assert by_cell["whole_corpus/narrow/1 vote"][6] is None
    assert any("too long" in note for note in table.notes)


def test_an_error_comes_before_any_call(tmp_path: Path) -> None:
    def refuse(context: int) -> object:
        raise AssertionError("a call was made")

    bench = Bench(tmp_path, registry_with(refuse))
    text = SPEC.replace("on_overlong: skip\n", "").replace("reader: [wide, narrow]", "reader: narrow")
    with pytest.raises(CallError, match=r"whole_corpus of narrow: .* sees 1,000: [\d,]+ too many(.|\n)*on_overlong"):
        bench.run(text)
    assert not list((tmp_path / "store").glob("ask*/*"))


def test_a_plan_says_how_many_tokens_are_too_many(tmp_path: Path) -> None:
    bench = Bench(tmp_path, registry_with())
    long = long_contexts(plan_study(bench.study(SPEC), bench.registry), bench.location)
    by_key = {(one.control, one.reader): one for one in long}
    too_long = by_key["whole_corpus", "narrow"]
    assert too_long.excess == too_long.longest - 1000 > 0
    assert by_key["whole_document", "narrow"].excess == 0
    assert by_key["whole_corpus", "wide"].window is None
    assert by_key["whole_corpus", "wide"].longest > too_long.longest // 2
    assert {row[-1] for row in long_context_table(long).rows} == {f"~{too_long.excess:,}", "none", None}


def test_a_whole_document_is_the_file_where_parts_are_documents(tmp_path: Path) -> None:
    params = {
        key: value for key, value in write_study(tmp_path).items() if key in ("questions", "columns", "documents")
    }
    text = f"""\
study: parts
dataset: {{table: {json.dumps(params | {"documents_by": "part"}, ensure_ascii=False)}}}
readers: {{echo: {{chat: {{model: echo}}}}}}
models: {{echo: {{echo: {{words: [ja, nein]}}}}}}
grid: {{reader: echo}}
controls: [gold_context, whole_document]
"""
    bench = Bench(tmp_path, load_registry())
    plan = bench.plan(text)
    gold, whole = (load_passages(bench.do(cell.score.inputs["context"][0])) for cell in plan.cells)
    names = np.array([row.partition("#")[0] for row in documents_of(bench.do(plan.dataset))])
    for question in range(6):
        own, file = (table.filter(question=question)["document"].to_numpy() for table in (gold, whole))
        assert len(own) == 1
        assert file.tolist() == np.flatnonzero(names == names[own[0]]).tolist()


def documents_of(dataset: Path) -> list[str]:
    import polars as pl

    return pl.read_parquet(dataset / "documents.parquet")["id"].to_list()


def test_on_overlong_without_long_controls_is_an_error(bench: Bench) -> None:
    with pytest.raises(SpecError, match="on_overlong is about whole_document and whole_corpus"):
        bench.study(SPEC.replace(", whole_document, whole_corpus", ""))
