"""Raw data is an output of the stage `fetch`: checked, versioned, and there in every copy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dvc_project import PARAMS, Project

SPEC = """\
study: real
dataset: {pubmedqa: {split: test}}
readers: {floor: majority_class}
grid:
  chunker: [sections]
  retriever: [bm25]
  top_k: [1]
  reader: [floor]
metrics: [accuracy]
"""
STUDY = """\
  real:
    spec: specs/real.yaml
    data: data/raw/pubmedqa
"""


@pytest.fixture
def unfetched(project: Project) -> Project:
    """The project with a study of PubMedQA, whose files are not there."""
    project.write("specs/real.yaml", SPEC)
    project.write("params.yaml", PARAMS.replace("fetch: []", "fetch: [pubmedqa]") + STUDY)
    project.commit("A study of PubMedQA")
    return project


def test_data_that_cannot_be_got_is_ragtallys_to_explain(unfetched: Project) -> None:
    outcome = unfetched.dvc("repro", "prepare@real", code=None, https_proxy="http://127.0.0.1:9")
    assert outcome.code != 0
    assert outcome.stages[-1] == "fetch@pubmedqa"
    assert "error: cannot reach https://" in outcome.text
    assert "--from PATH" in outcome.text


@pytest.mark.slow
def test_fetched_data_is_kept_by_dvc(unfetched: Project) -> None:
    published = os.environ.get("RAGTALLY_PUBMEDQA")
    if not published:
        pytest.skip("RAGTALLY_PUBMEDQA names no folder with PubMedQA's labelled set")
    folder = unfetched.folder / "data" / "raw" / "pubmedqa"
    unfetched.run("ragtally", "fetch", "pubmedqa", "--from", str(Path(published).absolute()))
    first = unfetched.dvc("repro", "prepare@real")
    assert set(first.stages) == {"fetch@pubmedqa", "resolve@real", "prepare@real"}
    assert first.text.count("present") == 2, "what is there is not got again"
    unfetched.commit("Its data")
    assert "raw/pubmedqa/" not in unfetched.git("ls-files"), "the text is DVC's, not git's"

    shutil.rmtree(folder)
    unfetched.dvc("checkout", "data/raw/pubmedqa")
    assert unfetched.dvc("repro", "prepare@real").stages == []
    assert sorted(path.name for path in folder.iterdir()) == ["ori_pqal.json", "test_ground_truth.json"]

    copied = unfetched.dvc("exp", "run", "--temp", "--set-param", "specs/real.yaml:+seed=9", "prepare@real")
    assert copied.stages == ["resolve@real", "prepare@real"]
