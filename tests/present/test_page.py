"""The files of a report: a page that asks no network and holds data as text; the same results give the same bytes."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from ragtally.analysis import Analysis
from ragtally.present.base import base_section
from ragtally.present.cells import cells_of
from ragtally.present.page import report_page, write_report
from ragtally.present.provenance import Provenance, gather_provenance, retriever_meanings
from ragtally.registry import load_registry
from ragtally.results import Results

ATTRIBUTES_THAT_FETCH = ("src", "href", "srcset", "poster", "data", "action", "background")


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def elements(page: Path) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.found


def test_nothing_from_the_data_becomes_an_element(elements: list[tuple[str, dict[str, str | None]]]) -> None:
    assert [tag for tag, _ in elements].count("script") == 6, "three of data and three of code"
    assert "img" not in {tag for tag, _ in elements}


def test_nothing_is_fetched(elements: list[tuple[str, dict[str, str | None]]]) -> None:
    for _, attributes in elements:
        for name in ATTRIBUTES_THAT_FETCH:
            assert (attributes.get(name) or "#").startswith(("#", "data:")), attributes
    (policy,) = [found["content"] for _, found in elements if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy.partition("style-src")[0]


def test_names_are_unique_and_links_lead_somewhere(elements: list[tuple[str, dict[str, str | None]]]) -> None:
    names = [found["id"] for _, found in elements if "id" in found]
    assert len(names) == len(set(names))
    links = [link[1:] for _, found in elements if (link := found.get("href") or "").startswith("#")]
    assert len(links) > 10
    assert set(links) <= set(names)


def test_the_same_results_give_the_same_bytes(
    results: Results, analysis: Analysis, page: Path, tmp_path: Path
) -> None:
    told = Provenance()
    first = write_report(results, analysis, tmp_path / "first", told)
    again = write_report(results, analysis, tmp_path / "again", told)
    names = {path.relative_to(first.parent): path for path in first.parent.rglob("*") if path.is_file()}
    assert {str(name) for name in names} == {
        "report.html", "analysis.json", "summary.json", "plots/chunk_size.csv", "plots/confusion.csv",
        "plots/pareto_dollars.csv", "plots/pareto_seconds.csv",
    }  # fmt: skip
    for name, path in names.items():
        assert path.read_bytes() == (again.parent / name).read_bytes()
        if path.suffix != ".html":
            assert path.read_bytes() == (page.parent / name).read_bytes(), "no provenance outside of the page"


def test_the_verdict_is_the_one_judged(analysis: Analysis, page: Path) -> None:
    written = json.loads((page.parent / "analysis.json").read_text(encoding="utf-8"))
    written.pop("inputs")
    assert written == json.loads(json.dumps(analysis.as_json()))


def test_the_plots_hold_the_verdicts_numbers(results: Results, analysis: Analysis, page: Path) -> None:
    folder = page.parent / "plots"
    said = pl.read_csv(folder / "confusion.csv")
    assert analysis.chosen_cell is not None
    chosen_cell = analysis.sets[analysis.question_set].cells[analysis.chosen_cell]
    assert len(said) == len(results.questions)
    right = (said["label"] == said["answer"]).mean()
    assert right == pytest.approx(chosen_cell.metrics["accuracy"].value)
    sizes = pl.read_csv(folder / "chunk_size.csv")
    assert sorted(set(sizes["chunk_size"])) == [64, 128, 256]
    assert len(sizes) == len(sizes.unique(["chunk_size", "series"])) == 12
    front = pl.read_csv(folder / "pareto_dollars.csv").filter(pl.col("front") == "on the front")
    assert front["cell"].to_list() == list(analysis.fronts["dollars"].front)


def test_provenance_is_shown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "0" * 40 + ", with changes that were not committed" in text
    assert "study: made-up # &lt;/script&gt;" in text


def test_the_same_files_are_the_same_sources_however_they_were_got(tmp_path: Path) -> None:
    def git(*words: str, folder: Path = tmp_path / "whole") -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)

    whole = tmp_path / "whole"
    (whole / "docs").mkdir(parents=True)
    git("init")
    for number in range(3):
        (whole / "spec.yaml").write_text(f"seed: {number}")
        git("add", ".")
        git("commit", "-m", "A spec")
    (whole / "docs" / "a.md").write_text("No number depends on this.")
    git("add", ".")
    git("commit", "-m", "A page")
    git("clone", "--depth", "1", whole.as_uri(), "shallow", folder=tmp_path)
    sources = gather_provenance(whole).sources
    assert sources and gather_provenance(tmp_path / "shallow").sources == sources
    (whole / "spec.yaml").write_text("seed: 9")
    assert gather_provenance(whole).changed
    git("commit", "-am", "Another seed")
    assert gather_provenance(whole).sources not in (None, sources)


def test_models_stand_there_with_their_digests(results: Results, analysis: Analysis) -> None:
    models = [
        {"name": "small", "provider": "ollama_chat", "model": "llama3.2:1b", "fingerprint": "sha256:beef"},
        {"name": "big", "provider": "groq", "model": "gpt-oss", "fingerprint": None},
    ]
    asked = replace(results, comparisons=dict(results.comparisons) | {"models": models})
    cells = cells_of(results.cells, results.metrics, analysis.question_set, analysis)
    text = report_page(asked, analysis, cells, Provenance())
    assert "<dt>model small</dt><dd>ollama_chat: llama3.2:1b, sha256:beef</dd>" in text
    assert "<dt>model big</dt><dd>groq: gpt-oss, no digest known</dd>" in text


def test_what_retrievers_and_their_distances_measure_is_said(results: Results, page: Path) -> None:
    searched = pl.DataFrame({"retriever": ["dense", "sets", "dense", None, "uninstalled"]})
    told = retriever_meanings(replace(results, cells=searched), load_registry())
    assert list(told) == ["dense", "sets"]
    assert "the Euclidean distance" in told["dense"]
    assert "binarised vectors" in told["sets"]
    assert "<dt>bm25</dt><dd>Words. &lt;/script&gt;" in page.read_text(encoding="utf-8")


def test_what_the_dataset_left_out_is_said(results: Results) -> None:
    corpus = dict(results.dataset["corpus"]) | {"left_out": {"passages without text": 12}}
    told = base_section(replace(results, dataset=dict(results.dataset) | {"corpus": corpus})).lead
    assert "Left out of the dataset’s files: 12 passages without text." in told


def test_outside_of_a_repository_no_sources_are_named(tmp_path: Path) -> None:
    found = gather_provenance(tmp_path)
    assert found.sources is None
    assert not found.changed
    assert {"ragtally", "numpy", "polars"} <= found.packages.keys()
    assert all(re.match(r"\d", version) for version in found.packages.values())


def test_packages_are_listed_where_the_study_uses_them_alone(tmp_path: Path) -> None:
    # Installed for these tests, as an extra of ragtally's.
    assert "weaviate-haystack" not in gather_provenance(tmp_path).packages
    found = gather_provenance(tmp_path, packages=["weaviate-haystack", "not-installed"]).packages
    assert "weaviate-haystack" in found and "not-installed" not in found
