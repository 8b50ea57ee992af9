"""Bad input ends with exit code 2, its place, its cause and its remedy, and leaves earlier results alone."""

from __future__ import annotations

import json

import pytest

from command_line import SMALL_SPEC, Project
from sample_pubmedqa import labeled_records

PUBMEDQA_SPEC = """\
study: small
dataset: {pubmedqa: {subset: labeled, split: test, path: data/raw/made}}
grid:
  chunker: sections
  retriever: bm25
metrics: [recall@3]
"""
PLUGIN_METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: strange_plugin\nVersion: 1.0\n",
    "entry_points.txt": "[ragtally]\nstrange_plugin = strange_plugin\n",
}


def test_check_shows_every_error_of_every_file_at_once(project: Project) -> None:
    project.write("specs/small.yaml", SMALL_SPEC.replace("seed: 3", "sed: 3").replace("bm25", "bm52"))
    project.write("specs/other.yaml", SMALL_SPEC.replace("majority_class", "majority_clas"))
    project.write("specs/broken.yaml", SMALL_SPEC.replace("grid:", "grid: ["))
    names = ("small", "other", "broken", "none")
    outcome = project.ragtally("check", *(f"specs/{name}.yaml" for name in names))
    assert outcome.code == 2
    for part in ("small.yaml:2:1", "did you mean 'seed'?", "small.yaml:11:15", "did you mean 'bm25'?"):
        assert part in outcome.err
    for part in ("other.yaml:6", "broken.yaml:", "none.yaml"):
        assert part in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ("", ["data/raw/made", "ragtally fetch pubmedqa"]),
        (json.dumps(labeled_records())[:-200], ["data/raw/made/ori_pqal.json:1"]),
    ],
    ids=["missing", "cut off"],
)
def test_bad_data_is_named_and_leaves_earlier_results(project: Project, records: str, words: list[str]) -> None:
    project.write("specs/small.yaml", PUBMEDQA_SPEC)
    earlier = project.write("data/results/small/cells.csv", "earlier")
    if records:
        project.write("data/raw/made/ori_pqal.json", records)
        project.write("data/raw/made/test_ground_truth.json", '{"100": "yes"}')
    outcome = project.ragtally("run", "specs/small.yaml")
    assert outcome.code == 2, outcome.err
    for word in [*words, "hint:"]:
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


def test_a_bad_plugin_is_named_with_its_package(project: Project) -> None:
    project.write("site/strange_plugin.py", "raise ImportError('no module named torch')")
    for name, text in PLUGIN_METADATA.items():
        project.write(f"site/strange_plugin-1.0.dist-info/{name}", text)
    outcome = project.ragtally("check", "specs/small.yaml", PYTHONPATH=str(project.folder / "site"))
    assert outcome.code == 2, outcome.err
    for word in ("strange_plugin 1.0", "torch", "uninstall"):
        assert word in outcome.err
    assert "Traceback" not in outcome.err


def test_check_says_everything_at_once_splits_included(project: Project) -> None:
    project.write("own.jinja", "{{ qestion }} {{ pasages }}")
    spec = SMALL_SPEC.replace("split: test", "split: tets").replace("seed: 3", "seed: 3\nextra: 1")
    spec = spec.replace("size: [40, 80], overlap: 0", "size: 0}}, {words: {size: 40, overlap: 40")
    spec = spec.replace("[words, floor]\n", "[words, flor]\n").replace("recall@3", "recal@3")
    model = "models:\n  m: {echo: {wrds: [a]}}\n  n: echo\nreaders:\n"
    readers = "  asker: {chat: {model: k}}\n  own: {chat: {model: n, template: own.jinja}}\n"
    late = "  late: {specialist: {features: tfidf, train: {split: trian}}}\n"
    project.write("bad.yaml", spec.replace("readers:\n", model + readers + late))
    outcome = project.ragtally("check", "bad.yaml")
    assert outcome.code == 2
    for message in (
        "the spec has no key 'extra'", "has no split 'tets', but train, test", "has no split 'trian', but train,",
        "echo has no parameter 'wrds'", "there is no model 'k' under models", "no variable 'qestion'",
        "no variable 'pasages'", "size must be at least 1", "an overlap of 40 at size 40", "no reader 'flor'",
        "no metric 'recal@3'", "11 errors",
    ):  # fmt: skip
        assert message in outcome.err, outcome.err


def test_check_leaves_splits_of_data_that_are_not_there_to_the_doctor(project: Project) -> None:
    spec = SMALL_SPEC.replace("dataset: {synthetic: {questions: 60, distractors: 1, split: test}}",
                              "dataset: {beir: {folder: nowhere, answer_field: label, split: tets}}")  # fmt: skip
    project.write("away.yaml", spec)
    assert project.ragtally("check", "away.yaml").code == 0
