"""`ragtally new`: a spec to begin with, that is valid and runs as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command_line import Project, project_in
from model_server.fixture import running_server
from ragtally.registry import load_registry

LLAMA, OSS = "ollama_chat/llama3.1:8b", "groq/openai/gpt-oss-20b"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_in(tmp_path / "project")


DATASETS = [
    entry.component.name
    for entry in load_registry().all()
    if entry.kind == "dataset" and entry.component.starter is not None
]


@pytest.mark.parametrize("dataset", DATASETS)
def test_what_is_written_is_valid(project: Project, dataset: str) -> None:
    written = project.ragtally("new", "mine", "--dataset", dataset)
    assert written.code == 0, written.err
    assert written.out == "specs/mine.yaml\n"
    assert "ragtally plan specs/mine.yaml && ragtally run specs/mine.yaml" in written.err
    assert "  mine: {spec: specs/mine.yaml, data: " in written.err
    assert project.ragtally("check", "specs/mine.yaml").out == "specs/mine.yaml: ok (study mine)\n"


def test_it_runs_as_it_stands(project: Project) -> None:
    assert project.ragtally("new", "mine", "--dataset", "synthetic", "--out", "mine.yaml").code == 0
    text = (project.folder / "mine.yaml").read_text(encoding="utf-8")
    project.write("mine.yaml", text.replace("questions: 500", "questions: 60"))
    done = project.ragtally("run", "mine.yaml")
    assert done.code == 0, done.err
    assert "cells.csv" in project.results("mine")


def test_models_read_and_vote(project: Project) -> None:
    assert project.ragtally("new", "mine", "--model", LLAMA, "--model", OSS).code == 0
    text = (project.folder / "specs/mine.yaml").read_text(encoding="utf-8")
    assert f"llama3.1-8b: {{litellm: {{model: '{LLAMA}', num_ctx: 8192, usd_per_hour: 0}}}}" in text
    assert f"gpt-oss-20b: {{litellm: {{model: {OSS}}}}}" in text
    assert "label: {voters: [llama3.1-8b, gpt-oss-20b], votes: 3}" in text
    assert "base: {from: [llama3.1-8b], rule: unanimous}" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["My_Study"], "lower-case letters, digits and hyphens"),
        (["mine", "--model", "nonsense/x"], "LiteLLM knows no provider 'nonsense'"),
        (["mine", "--model", "x}, y: {"], "is not valid"),
        (["mine", "--dataset", "pubmed"], "did you mean 'pubmedqa'?"),
        (["mine", "--dataset", "beir", "--model", LLAMA], "compares retrieval alone"),
        (["mine", "--out", "taken/below.yaml"], "taken"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(project: Project, words: list[str], said: str) -> None:
    project.write("taken", "a file")
    refused = project.ragtally("new", *words)
    assert refused.code == 2
    assert said in refused.err
    assert [path.name for path in project.folder.iterdir()] == ["taken"]


def test_a_spec_that_is_there_stays(project: Project) -> None:
    project.write("specs/mine.yaml", "mine\n")
    refused = project.ragtally("new", "mine")
    assert refused.code == 2
    assert "--out" in refused.err
    assert (project.folder / "specs/mine.yaml").read_text(encoding="utf-8") == "mine\n"


def test_labels_of_ones_own_folder_are_seen(project: Project) -> None:
    for name, lines in {
        "corpus.jsonl": [{"_id": f"d{n}", "text": f"The parcel {n} came."} for n in range(8)],
        "queries.jsonl": [
            {"_id": f"q{n}", "text": f"Did {n} come?", "metadata": {"label": "ny"[n % 2], "by": f"w{n}"}}
            for n in range(8)
        ],
    }.items():
        project.write(f"data/raw/mine/{name}", "".join(f"{json.dumps(line)}\n" for line in lines))
    for split, numbers in {"train": range(4), "test": range(4, 8)}.items():
        rows = "".join(f"q{n}\td{n}\t1\n" for n in numbers)
        project.write(f"data/raw/mine/qrels/{split}.tsv", f"query-id\tcorpus-id\tscore\n{rows}")
    written = project.ragtally("new", "mine")
    assert written.code == 0, written.err
    text = (project.folder / "specs/mine.yaml").read_text(encoding="utf-8")
    assert "dataset: {beir: {folder: data/raw/mine, answer_field: label, split: test}}" in text
    assert "label: {voters: [" in text
    assert project.ragtally("check", "specs/mine.yaml").code == 0


def test_ones_own_server_is_asked_for_its_models(project: Project) -> None:
    with running_server(listed=["/models/SmolLM2-135M.gguf"], owner="llamacpp", any_model=True) as server:
        words = ("--dataset", "synthetic", "--api-base", server.openai)
        assert project.ragtally("new", "mine", *words).code == 0
        text = (project.folder / "specs/mine.yaml").read_text(encoding="utf-8")
        model = f"{{model: openai/SmolLM2-135M.gguf, api_base: '{server.openai}', usd_per_hour: 0}}"
        assert f"  SmolLM2-135M.gguf: {{litellm: {model}}}\n" in text
        wrong = project.ragtally("new", "other", "--model", "mistral", "--api-base", server.openai)
        assert (wrong.code, "has no model mistral, but /models/SmolLM2-135M.gguf" in wrong.err) == (2, True)
        # It runs as it stands, against the server.
        project.write("specs/mine.yaml", text.replace("questions: 500", "questions: 100"))
        done = project.ragtally("run", "--no-report", "specs/mine.yaml")
        assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("settings", "words", "line"),
    [
        ({"owner": "vllm", "listed": ["o/q"]}, ["--model", "o/q"], "model: hosted_vllm/o/q, api_base: 'URL/v1'"),
        ({"listed": ["a", "b"]}, ["--model", "openai/b"], "model: openai/b, api_base: 'URL/v1'"),
        ({"ollama_version": "0.20.0", "listed": ["g:2b"]}, [], "model: 'ollama_chat/g:2b', api_base: 'URL'"),
        ({"any_model": True}, ["--model", "x"], "model: openai/x, api_base: 'URL/v1'"),
    ],
)  # fmt: skip
def test_the_server_decides_how_its_model_is_written(
    project: Project, settings: dict[str, Any], words: list[str], line: str
) -> None:
    with running_server(**settings) as server:
        written = project.ragtally("new", "mine", "--api-base", server.url.removeprefix("http://"), *words)
        assert written.code == 0, written.err
        assert line.replace("URL", server.url) in (project.folder / "specs/mine.yaml").read_text(encoding="utf-8")


def test_a_server_of_several_models_wants_a_name_and_one_that_is_away_takes_any(project: Project) -> None:
    with running_server(listed=["a", "b"]) as server:
        several = project.ragtally("new", "mine", "--api-base", server.openai)
    assert (several.code, "has several models: a, b\n  hint: name one: --model NAME" in several.err) == (2, True)
    away = project.ragtally("new", "mine", "--api-base", "http://127.0.0.1:9/v1")
    assert away.code == 2
    away = project.ragtally("new", "mine", "--api-base", "http://127.0.0.1:9/v1", "--model", "m")
    assert (away.code, "the spec takes your word for it" in away.err) == (0, True)
