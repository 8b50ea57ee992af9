"""Result files hold what is declared of them, the page explains it, and files of another version are refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ragtally.analysis import analyze, summarize
from ragtally.api import StoreError
from ragtally.curation.decisions import Decision, DecisionLog
from ragtally.registry import load_registry
from ragtally.results import Results, load_results
from ragtally.results.blind_sheets import draw_answers
from ragtally.results.columns import CELLS, RESULT_FILES, SUMMARY, Column, ResultFile
from ragtally.results.load import LOADED_FILES
from ragtally.results.people import PersonGrade, write_draw, write_grades
from ragtally.results.reference import results_page
from sample_judges import judging_registry
from sample_parsers import write_parsers
from sample_squad import write_squad
from toy_study import SPEC, toy_registry
from workbench import Bench

BY_NAME = {file.name: file for file in RESULT_FILES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = SPEC.replace("size: [30, 60]", "size: 60").replace(
        "votes: [1, 3]", "votes: 2\n  context_words: 9\n  rule: {quorum: {k: 1}}"
    )
    text = text.replace("    - shared_words\n", "    - shared_words\n    - patchy: {builds: 2}\n")
    text = text.replace(
        "  people: taped\n", "  people: taped\n  heir: {learner: {train: {split: train, from: base}}}\n"
    )
    text = text.replace("base: {from: [finder, learner]", "base: {from: [finder]").replace("people]", "people, heir]")
    return with_summary(Bench(tmp_path_factory.mktemp("results"), toy_registry()).run(text))


def with_summary(folder: Path) -> Path:
    results = load_results(folder)
    SUMMARY.write(folder, summarize(results, analyze(results)))
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return load_results(folder)


def keys(value: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from keys(item, f"{above}{key}.")
        else:
            yield above + key


def names(path: Path) -> list[str]:
    if path.suffix == ".json":
        return list(keys(json.loads(path.read_text(encoding="utf-8"))))
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as handle:
            return next(csv.reader(handle))
    return list(pl.read_parquet_schema(path))


def declared(file: ResultFile, name: str, metrics: set[str]) -> Column | None:
    """The column of a name; one that stands for any metric counts only for a metric that is described."""
    column = file.column(name)
    metric = re.sub("(_corrected)?(_denominator|_low|_high)?$", "", name)
    return None if column.name.startswith("METRIC") and metric not in metrics else column


OPEN = """\
study: towns
dataset: {squad: {path: PATH}}
readers: {floor: best_sentence}
label: {voters: [floor]}
base: {from: [floor], rule: majority}
grading: {contains: {}}
grid: {reader: floor}
grid_on: all
controls: [gold_context]
"""


@pytest.fixture(scope="module")
def open_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a study with open answers."""
    folder = tmp_path_factory.mktemp("open")
    path = write_squad(folder / "squad.json")
    return with_summary(Bench(folder, load_registry()).run(OPEN.replace("PATH", str(path))))


HAYSTACK = "{haystack: {type: haystack.components.converters.TextFileToDocument, extensions: [.md]}}"


@pytest.fixture(scope="module")
def parser_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a study that compares parsers."""
    folder = tmp_path_factory.mktemp("parsers")
    text = write_parsers(folder).replace("pdfminer]", f"pdfminer, {HAYSTACK}]")
    (folder / "docs" / "note.md").write_text("Closed on Sundays.", encoding="utf-8")
    base = "label: {voters: [floor]}\nbase: {from: [floor], rule: majority}\ngrid_on: all\n"
    return with_summary(Bench(folder, load_registry()).run(text + base))


JUDGED = """\
study: judged
dataset: {squad: {path: PATH}}
models: {judge: {scripted_judge: {errs: 0.2}}}
readers: {floor: best_sentence, other: {best_sentence: {embedder: hashing}}}
label: {voters: [floor, other]}
base: {from: [floor, other], rule: majority}
grading: {exact: {}, judges: {from: [judge], grounded: true, pools_votes: true, sheet: SHEET}}
grid: {chunker: whole, retriever: bm25, top_k: 1, reader: floor}
grid_on: all
controls: [gold_context]
metrics: [accuracy]
"""


@pytest.fixture(scope="module")
def judged_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a study whose answers models judge, and people have graded."""
    folder = tmp_path_factory.mktemp("judged")
    path, sheet = write_squad(folder / "squad.json"), folder / "graded.csv"
    bench, text = Bench(folder, judging_registry()), JUDGED.replace("PATH", str(path)).replace("SHEET", str(sheet))
    record = draw_answers(load_results(bench.run(text)), 100)
    write_draw(record, sheet)
    write_grades([PersonGrade(item, "Ada", "right") for item in record.sample], sheet)
    return with_summary(bench.run(text))


LEARNT = """\
study: learnt
dataset: {{synthetic: {{questions: 8, split: test, answers: [yes, no]}}}}
models: {{m: echo}}
examples:
  {{kinds: [label], labels: [yes, no], generators: [m], expand: {seeds}, curate: {log},
   split: {{train: 1, dev: 0, test: 0}}}}
readers: {{floor: {{majority_class: {{train: {{from: examples}}}}}}, echo: {{chat: {{model: m}}}}}}
label: {{voters: [echo]}}
base: {{from: [echo], rule: majority}}
grid: {{reader: floor}}
"""


@pytest.fixture(scope="module")
def examples_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a study that expands a set of examples and learns from it; a person looked at one of them."""
    folder = tmp_path_factory.mktemp("examples")
    seeds, log = folder / "seeds.jsonl", folder / "curation.csv"
    seeds.write_text(
        '{"text": "It heals.", "label": "yes"}\n{"text": "heals it", "label": "yes"}\n'
        '{"text": "Nobody saw why.", "label": "no"}\n'
    )
    DecisionLog(log).append([Decision("0" * 16, "accept", "ana", "2026-11-28T19:00:00Z", "0" * 16, seconds=1.0)])
    return with_summary(Bench(folder, load_registry()).run(LEARNT.format(seeds=seeds, log=log)))


@pytest.mark.parametrize("file", RESULT_FILES, ids=lambda file: file.name)
def test_a_file_holds_what_is_declared_and_nothing_else(
    folder: Path,
    open_folder: Path,
    parser_folder: Path,
    judged_folder: Path,
    examples_folder: Path,
    file: ResultFile,
) -> None:
    folders = (folder, open_folder, parser_folder, judged_folder, examples_folder)
    metrics = {name for one in folders for info in load_results(one).metrics for name in info.names}
    written = [name for one in folders for name in names(one / file.name)]
    columns = {name: declared(file, name, metrics) for name in written}
    assert [name for name, column in columns.items() if column is None] == []
    assert [column.name for column in file.columns if column not in columns.values()] == []
    assert all(len(column.meaning) > 5 for column in file.columns)


def test_every_file_is_declared(folder: Path) -> None:
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(BY_NAME)


@pytest.mark.parametrize(
    "file", [file for file in RESULT_FILES if not file.name.endswith(".json")], ids=lambda f: f.name
)
def test_frames_have_the_declared_types(folder: Path, file: ResultFile) -> None:
    frame = file.read(folder)
    for name, dtype in frame.schema.items():
        assert file.column(name).type in (None, dtype), name


def test_the_page_is_generated_from_the_declarations() -> None:
    page = Path(__file__).parents[2] / "runner" / "RESULTS.md"
    assert page.read_text(encoding="utf-8") == results_page(), "run `make generated`"


def test_a_column_is_the_most_specific_that_matches() -> None:
    assert CELLS.column("retriever").name == "retriever"
    assert CELLS.column("retriever.embedder.dim").name == "retriever.PARAMETER"
    assert CELLS.column("context_evidence").name == "context_evidence"
    assert CELLS.column("precision[yes]").name == "METRIC"
    assert CELLS.column("recall@5_denominator").name == "METRIC_denominator"


@pytest.mark.parametrize("name", LOADED_FILES)
def test_a_file_of_another_version_says_what_to_type(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    file, path = BY_NAME[name], tmp_path / name
    lost = list(file.schema)[-1]
    if path.suffix == ".json":
        data = json.loads(path.read_text(encoding="utf-8"))
        del data[lost.split(".")[0]]
        path.write_text(json.dumps(data), encoding="utf-8")
    else:
        frame = file.read(folder).drop(lost)
        frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    with pytest.raises(StoreError, match=f"another version of ragtally wrote it: .*{lost}") as caught:
        load_results(tmp_path)
    assert caught.value.location is not None and "ragtally run SPEC" in str(caught.value)


def test_files_of_single_questions_are_read_only_where_they_are_needed(folder: Path, tmp_path: Path) -> None:
    unread = shutil.ignore_patterns("answers.parquet", "rankings.parquet", "passages.parquet")
    shutil.copytree(folder, tmp_path, ignore=unread, dirs_exist_ok=True)
    overview = load_results(tmp_path, per_question=False)
    assert overview.cells.equals(load_results(folder).cells)
    assert len(overview.answers) == len(overview.rankings) == len(overview.passages) == 0
    with pytest.raises(StoreError, match="no such result"):
        load_results(tmp_path)


def test_metrics_of_version_0_1_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    old = json.loads((folder / "comparisons.json").read_text()) | {"metrics": {"accuracy": True}}
    (tmp_path / "comparisons.json").write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(StoreError, match="another version"):
        load_results(tmp_path)
