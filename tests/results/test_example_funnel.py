"""A folder of documents becomes graded examples, with every example that was asked for accounted for, and priced."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from model_server.examples import UNGROUNDED
from model_server.fixture import RunningServer, running_server
from ragtally.analysis import analyze, summarize
from ragtally.engine.run import run
from ragtally.examples.example import example_of
from ragtally.present.examples import examples_section
from ragtally.present.table import Section
from ragtally.results import Results
from ragtally.results.funnel import STAGES

pytestmark = pytest.mark.slow

INPUT, OUTPUT = 1.0, 2.0  # US dollars per million tokens
SPEC = """\
study: faq
seed: 3
dataset: {{table: {{documents: docs}}}}
models:
  one: {{litellm: {{model: openai/one, api_base: {url}, price: {{input: 1, output: 2}}, retries: 0}}}}
  two: {{litellm: {{model: openai/two, api_base: {url}, price: {{input: 1, output: 2}}, retries: 0}}}}
max_failed: 0.5
examples:
  kinds: [question_answer, chat]
  generators: [one, two]
  per_chunk: 2
  validate: {{from: [one, two], rule: unanimous}}
  repair: 1
  evolve: {{ways: [rephrase, {{shorter: Make it shorter.}}]}}
"""
FAULTS = {"prose": 0.1, "half": 0.1, "many": 0.1, "language": 0.1, "nonsense": 0.1}
ANIMALS = ("otter", "heron", "badger", "weasel")


@dataclass
class Finished:
    folder: Path
    server: RunningServer
    results: Results

    def files(self) -> dict[str, bytes]:
        names = ("examples.parquet", "example_ballots.parquet", "funnel.csv")
        return {name: (self.results.folder / name).read_bytes() for name in names}

    def again(self, store: str) -> None:
        run(
            self.folder / "spec.yaml",
            results=self.folder / f"{store}-results",
            resolved=self.folder / "resolved",
            store=self.folder / store,
        )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("examples")
    docs = folder / "docs"
    docs.mkdir()
    for animal in ANIMALS:
        text = f"The {animal} lives by the river and hunts at dawn. It weighs {len(animal)} pounds in spring."
        (docs / f"{animal}.md").write_text(text, encoding="utf-8")
    with (
        pytest.MonkeyPatch.context() as patch,
        running_server(any_model=True, bad_examples=0.3, grading_errors=0.1, example_faults=FAULTS) as server,
    ):
        patch.chdir(folder)
        patch.setenv("OPENAI_API_KEY", "none")
        (folder / "spec.yaml").write_text(SPEC.format(url=server.openai), encoding="utf-8")
        results = run("spec.yaml", results=folder / "results", resolved=folder / "resolved", store=folder / "store")
        yield Finished(folder, server, results)


def stages(funnel: pl.DataFrame) -> dict[str, int]:
    return dict(funnel.filter(row="stage").group_by("name").agg(pl.col("examples").sum()).iter_rows())


def test_every_example_asked_for_is_kept_or_has_a_reason(finished: Finished) -> None:
    for (generator, step), own in finished.results.funnel.partition_by("generator", "step", as_dict=True).items():
        counts = stages(own)
        losses = own.filter(pl.col("row") == "loss", pl.col("name") != "more than asked for")
        assert counts["asked for"] == counts["kept"] + losses["examples"].sum(), (generator, step)
        assert [counts[stage] for stage in STAGES] == sorted(counts.values(), reverse=True)


def test_each_fault_is_counted_under_its_name(finished: Finished) -> None:
    names = set(finished.results.funnel.filter(row="loss")["name"])
    assert {
        "prose without JSON", "JSON that is cut off or broken", "more than asked for", "another language",
        "JSON without an example", "rejected",
    } <= names  # fmt: skip


def test_the_table_of_examples_says_the_same(finished: Finished) -> None:
    examples = pl.read_parquet(finished.results.folder / "examples.parquet")
    counts = stages(finished.results.funnel)
    assert len(examples) == counts["unique"] == examples["example"].n_unique()
    assert int((examples["status"] == "accepted_by_validators").sum()) == counts["kept"]
    known = set(examples["example"])
    for row in examples.iter_rows(named=True):
        assert example_of(row).id == row["example"]
        assert (row["parent"] is None) == (row["origin"] == "generate")
        assert row["parent"] is None or row["parent"] in known
        assert row["reasons"] or row["status"] not in ("rejected", "undecided")
        text = (finished.folder / "docs" / row["document"]).read_text(encoding="utf-8")
        assert text[row["start"] : row["end"]].strip()
    assert set(examples["origin"]) == {"generate", "repair", "evolve:rephrase", "evolve:shorter"}


def test_votes_decide_as_the_rule_says(finished: Finished) -> None:
    examples = pl.read_parquet(finished.results.folder / "examples.parquet")
    ballots = pl.read_parquet(finished.results.folder / "example_ballots.parquet")
    unanimous = ballots.group_by("example").agg(pl.col("passed").fill_null(value=False).all())
    right = dict(unanimous.iter_rows())
    for example, status in examples.select("example", "status").iter_rows():
        assert right[example] == (status not in ("rejected", "undecided"))
    assert len(ballots) == len(examples) * 2 * 4
    bad = examples.filter(pl.col("turns").list.last().struct.field("text") == UNGROUNDED)
    assert len(bad.filter(status="rejected")) > len(bad) / 2


def test_repairs_are_of_rejected_examples_and_versions_of_accepted_ones(finished: Finished) -> None:
    examples = pl.read_parquet(finished.results.folder / "examples.parquet")
    status = dict(examples.select("example", "status").iter_rows())
    for origin, parent in examples.filter(pl.col("parent").is_not_null()).select("origin", "parent").iter_rows():
        accepted = status[parent] not in ("rejected", "undecided")
        assert accepted == origin.startswith("evolve")


def test_dollars_per_kept_example_are_those_worked_out_by_hand(finished: Finished) -> None:
    with sqlite3.connect(finished.folder / "store" / "calls.sqlite") as connection:
        rows = connection.execute("SELECT input_tokens, output_tokens FROM calls").fetchall()
    dollars = sum(put_in * INPUT + come_out * OUTPUT for put_in, come_out in rows) / 1_000_000
    kept = stages(finished.results.funnel)["kept"]
    summary = summarize(finished.results, analyze(finished.results))
    assert summary["dollars_per_kept_example"] == pytest.approx(dollars / kept, rel=1e-6)
    assert summary["examples_kept"] == kept


def test_a_second_run_asks_nothing_and_the_same_store_gives_the_same_bytes(finished: Finished) -> None:
    before, requests = finished.files(), finished.server.counts()["requests"]
    failures = finished.results.funnel.filter(pl.col("name").str.starts_with("the call failed"))["examples"].sum()
    run(
        "spec.yaml",
        results=finished.folder / "others",
        resolved=finished.folder / "resolved",
        store=finished.folder / "store",
    )
    assert finished.server.counts()["requests"] - requests == failures == 0
    assert {name: (finished.folder / "others" / "faq" / name).read_bytes() for name in before} == before


def test_the_tables_have_every_generator_criterion_and_validator(finished: Finished) -> None:
    section: Section = examples_section(finished.results)
    tables = {table.name: [row[0] for row in table.rows] for table in section.tables}
    assert tables["example-stages"] == ["one", "two", "all"]
    assert tables["example-steps"] == ["generate", "repair 1", "evolve 1", "all"]
    assert Counter(tables["example-criteria"]) == dict.fromkeys(["grounded", "correct", "clear", "not_trivial"], 2)
    assert Counter(tables["example-validators"]) == {"one": 2, "two": 2}
