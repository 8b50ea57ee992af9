"""Bad input ends with exit code 2, its place, its cause and its remedy, and leaves earlier results alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from command_line import SMALL_SPEC, Project
from sample_pubmedqa import labeled_records, write

PUBMEDQA_SPEC = """\
study: small
dataset: {pubmedqa: {subset: labeled, split: test, path: data/raw/made}}
grid:
  chunker: sections
  retriever: bm25
metrics: [recall@3]
"""
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@dataclass(frozen=True)
class BadSpec:
    replaced: str
    by: str
    location: str
    words: list[str] = field(default_factory=list)


BAD_SPECS = {
    "unknown key": BadSpec("seed: 3", "sed: 3", "specs/small.yaml:2:1", ["'sed'", "did you mean 'seed'?"]),
    "wrong type": BadSpec("top_k: [1, 2]", "top_k: [1, many]", "specs/small.yaml:12:14", ["many"]),
    "misspelt component": BadSpec("[bm25, oracle]", "[bm52, oracle]", "specs/small.yaml:11:15", ["bm52", "'bm25'?"]),
    "misspelt metric": BadSpec("mrr@3", "mmr@3", "specs/small.yaml:16:41", ["mmr@3", "mrr@"]),
    "duplicate key": BadSpec("seed: 3", "seed: 3\nseed: 4", "specs/small.yaml:3:1", ["seed"]),
    "unknown reader": BadSpec("voters: [words]", "voters: [word]", "specs/small.yaml:7:18", ["'word'", "'words'?"]),
    "votes of a fixed reader": BadSpec(
        "voters: [words], votes: 2", "voters: [floor], votes: 2", "specs/small.yaml:7", ["floor"]
    ),
    "alias bomb": BadSpec(SMALL_SPEC, BOMB, "specs/small.yaml:", ["alias"]),
    "not YAML": BadSpec("grid:", "grid: [", "specs/small.yaml:", []),
}


@pytest.mark.parametrize("name", BAD_SPECS)
def test_check_tells_what_is_wrong_with_a_spec_and_where(project: Project, name: str) -> None:
    bad = BAD_SPECS[name]
    project.write("specs/small.yaml", SMALL_SPEC.replace(bad.replaced, bad.by))
    outcome = project.ragtally("check", "specs/small.yaml")
    assert outcome.code == 2, outcome.err
    assert bad.location in outcome.err
    for word in bad.words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err


def test_check_shows_every_error_of_every_file_at_once(project: Project) -> None:
    project.write("specs/small.yaml", SMALL_SPEC.replace("seed: 3", "sed: 3").replace("bm25", "bm52"))
    project.write("specs/other.yaml", SMALL_SPEC.replace("majority_class", "majority_clas"))
    outcome = project.ragtally("check", "specs/small.yaml", "specs/other.yaml", "specs/none.yaml")
    assert outcome.code == 2
    for part in ("small.yaml:2:1", "small.yaml:11", "other.yaml:6", "none.yaml"):
        assert part in outcome.err


def _labeled(project: Project, records: dict[str, dict[str, Any]], truth: dict[str, str]) -> None:
    write(project.folder / "data/raw/made/ori_pqal.json", records)
    write(project.folder / "data/raw/made/test_ground_truth.json", truth)


def _test_ids(records: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: row["final_decision"] for name, row in list(records.items())[:3]}


def _missing(project: Project) -> None:
    pass


def _cut_in_half(project: Project) -> None:
    records = labeled_records()
    _labeled(project, records, _test_ids(records))
    path = project.folder / "data/raw/made/ori_pqal.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _duplicate_id(project: Project) -> None:
    records = labeled_records()
    _labeled(project, records, _test_ids(records))
    path = project.folder / "data/raw/made/ori_pqal.json"
    text = json.dumps(records, indent=1)
    first = json.dumps({"100": records["100"]}, indent=1)[1:-2]
    path.write_text(text[:-2] + "," + first + "\n}", encoding="utf-8")


def _empty_corpus(project: Project) -> None:
    _labeled(project, {}, {"100": "yes"})


def _strange_label(project: Project) -> None:
    records = labeled_records()
    records["101"]["final_decision"] = "perhaps"
    _labeled(project, records, {"100": "yes"})


BAD_DATA = {
    "missing file": (_missing, ["data/raw/made", "ragtally fetch pubmedqa"]),
    "file cut in half": (_cut_in_half, ["ori_pqal.json:"]),
    "duplicate question id": (_duplicate_id, ["ori_pqal.json:", "100"]),
    "empty corpus": (_empty_corpus, ["ori_pqal.json"]),
    "label outside the answers": (_strange_label, ["perhaps", "ori_pqal.json:"]),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_named_and_leaves_earlier_results(project: Project, name: str) -> None:
    make, words = BAD_DATA[name]
    project.write("specs/small.yaml", PUBMEDQA_SPEC)
    earlier = project.write("data/results/small/cells.csv", "earlier")
    make(project)
    outcome = project.ragtally("run", "specs/small.yaml")
    assert outcome.code == 2, outcome.err
    assert "hint:" in outcome.err
    for word in words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    assert earlier.read_text() == "earlier"
    assert [path.name for path in earlier.parent.iterdir()] == ["cells.csv"]


def test_a_results_folder_that_cannot_be_written_is_found_before_any_work(project: Project) -> None:
    project.write("data/results/small", "a file where a folder should be")
    outcome = project.ragtally("run", "specs/small.yaml")
    assert outcome.code == 2
    assert "data/results/small" in outcome.err
    assert "--results" in outcome.err
    assert not list((project.folder / "store").glob("prepare/**/entry.json"))


def test_a_split_that_the_dataset_has_not_is_an_error_at_its_place(project: Project) -> None:
    project.write("specs/small.yaml", SMALL_SPEC.replace("split: test", "split: tset"))
    outcome = project.ragtally("plan", "specs/small.yaml")
    assert outcome.code == 2
    assert "specs/small.yaml:3:" in outcome.err
    assert "did you mean 'test'?" in outcome.err


def _distribution(folder: Path, name: str, code: str) -> None:
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[ragtally]\n{name} = {name}\n", encoding="utf-8")


CLASH = """\
from ragtally.api.hookspecs import hookimpl
from ragtally.api import Component

@hookimpl
def register_vote_rules():
    return [Component(name="majority", build=dict, summary="Another majority.")]
"""
BAD_PLUGINS = {
    "raises at import": ("raise ImportError('no module named torch')", ["strange_plugin 1.0", "torch", "uninstall"]),
    "claims a taken name": (CLASH, ["'majority'", "ragtally_vote_rules", "strange_plugin 1.0"]),
}


@pytest.mark.parametrize("name", BAD_PLUGINS)
def test_a_bad_plugin_is_named_with_its_package(project: Project, name: str) -> None:
    code, words = BAD_PLUGINS[name]
    site = project.folder / "site"
    site.mkdir()
    _distribution(site, "strange_plugin", code)
    outcome = project.ragtally("check", "specs/small.yaml", PYTHONPATH=str(site))
    assert outcome.code == 2, outcome.err
    for word in words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err
