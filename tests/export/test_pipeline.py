"""A cell as a Haystack pipeline: loaded by Haystack, it finds the same chunks and gives the same verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import CliRunner
from haystack import Pipeline

from model_server.fixture import running_server
from ragtally.api import RagtallyError
from ragtally.cli.export import command
from ragtally.export.pipeline import ExportedPipeline, export_pipeline
from ragtally.plan import StudyPlan
from ragtally.registry import load_registry
from ragtally.results import Results, load_results
from workbench import Bench

SPEC = """\
study: served
seed: 3
dataset: {{synthetic: {{questions: 60, distractors: 1, split: test}}}}
sample: {{size: 3}}
models:
  small: {{litellm: {{model: openai/small, api_base: "{url}", temperature: 0.7, max_tokens: 80}}}}
  plain:
    haystack:
      type: haystack.components.generators.chat.OpenAIChatGenerator
      init_parameters: {{model: small, api_base_url: "{url}", generation_kwargs: {{temperature: 0.7}}}}
      send_seed: false
readers:
  words: {{specialist: {{features: tfidf}}}}
  small: {{chat: {{model: small, examples: 1}}}}
  plain: {{chat: {{model: plain, prompt: explain_then_label, instructions: "Use {{braces}} if you must."}}}}
  held: {{chat: {{model: small, prompt: explain_then_label, structured: true}}}}
  own: {{chat: {{model: small, template: {template}, words: {{"yes": "yes", "no": "no", maybe: perhaps}}}}}}
grid_on: all
grid:
  chunker: [{{words: {{size: 40, overlap: 0}}}}]
  retriever:
    - {{hybrid: {{retrievers: [bm25, {{dense: {{embedder: {{lsa: {{dim: 16}}}}, distance: cosine}}}}]}}}}
    - oracle
  top_k: [2]
  context_words: [50]
  reader: [words, small, plain, held, own]
  votes: [2]
controls: [closed_book, gold_context]
metrics: [accuracy, recall@3]
"""
TEMPLATE = "{% for passage in passages %}{{ passage }}\n{% endfor %}{{ question }} One of {{ answers | join(', ') }}."


@dataclass(frozen=True)
class Made:
    bench: Bench
    plan: StudyPlan
    results: Results

    def export(self, cell: str, folder: Path) -> ExportedPipeline:
        (found,) = [each for each in self.plan.cells if each.name == cell]
        return export_pipeline(self.plan, found, self.bench.location, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "own.jinja").write_text(TEMPLATE)
    with pytest.MonkeyPatch.context() as patch, running_server(any_model=True, skill=0.8) as server:
        patch.setenv("OPENAI_API_KEY", "sk-none")
        bench = Bench(folder, load_registry())
        text = SPEC.format(url=server.openai, template=folder / "own.jinja")
        results = load_results(bench.run(text))
        yield Made(bench, bench.plan(text), results)


PROMPT = "haystack.components.builders.chat_prompt_builder.ChatPromptBuilder"
OPENAI = "haystack.components.generators.chat.openai.OpenAIChatGenerator"


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        ("words/hybrid/top 2/words/2 votes", {}),
        ("words/hybrid/50 words/small/2 votes", {"prompt": PROMPT}),
        (
            "words/hybrid/top 2/plain/2 votes",
            {"prompt": PROMPT, "model_1": OPENAI, "model_2": OPENAI},
        ),
        ("words/hybrid/top 2/own/2 votes", {}),
        ("words/hybrid/top 2/held/2 votes", {"prompt": PROMPT}),
        ("closed_book/plain/2 votes", {"prompt": PROMPT, "model_1": OPENAI, "model_2": OPENAI}),
    ],
)
def test_a_served_cell_answers_as_in_the_study(made: Made, tmp_path: Path, cell: str, plain: dict[str, str]) -> None:
    exported = made.export(cell, tmp_path / "cell")
    text = exported.path.read_text(encoding="utf-8")
    told = yaml.safe_load(text)["metadata"]["ragtally"]
    assert sorted(told["plain_haystack"]) == sorted(plain)
    assert {name: path for name, path in exported.classes.items() if name in plain} == plain
    for name, path in exported.classes.items():
        assert f"#     {name}: {path}\n" in text
    pipeline = Pipeline.loads(text, allowed_modules=["ragtally.pipelines"])
    answers = made.results.answers.filter(pl.col("cell") == cell)
    words = dict(made.results.questions.select("id", "question").iter_rows())
    (context,) = set(made.results.cells.filter(pl.col("cell") == cell)["context"])
    for question, verdict, ballots in answers.select("question", "verdict", "ballots").iter_rows():
        found = pipeline.run({"question": words[question]}, include_outputs_from={"retrieve"})
        assert found["decide"] == {"verdict": verdict, "ballots": ballots}
        passages = made.results.passages.filter(context=context, question=question).sort("rank")
        assert [part.content for part in documents(found)] == passages["text"].to_list()
        assert [part.meta["document"] for part in documents(found)] == passages["document"].to_list()


def documents(found: dict[str, Any]) -> list[Any]:
    return list(found.get("retrieve", {}).get("documents", []))


def test_an_export_needs_no_store_and_can_be_replaced(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cell = "words/hybrid/top 2/words/2 votes"
    first = made.export(cell, Path("out"))
    before = first.path.read_text()
    assert str(made.bench.folder) not in before
    made.export(cell, Path("out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move("out", elsewhere)
    monkeypatch.chdir(elsewhere)
    pipeline = Pipeline.loads(before, allowed_modules=["ragtally.pipelines"])
    assert pipeline.run({"question": "Does it help?"})["decide"]["verdict"] in ("yes", "no", "maybe", None)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("words/oracle/top 2/words/2 votes", "looks at the gold evidence"),
        ("gold_context/words/2 votes", "a context that only questions of the dataset have"),
        ("words/hybrid", "answers nothing"),
    ],
)
def test_what_cannot_answer_a_new_question_is_refused(made: Made, tmp_path: Path, cell: str, message: str) -> None:
    with pytest.raises(RagtallyError, match=message):
        made.export(cell, tmp_path / "cell")
    assert list(tmp_path.iterdir()) == []


def test_something_else_is_not_overwritten(made: Made, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RagtallyError, match="something else"):
        made.export("words/hybrid/top 2/words/2 votes", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_command_says_what_is_plain(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGTALLY_STORE", str(made.bench.folder / "store"))
    words = ["pipeline", str(made.bench.folder / "spec.yaml"), "closed_book/plain", "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(command, words)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.strip() == str(tmp_path / "out" / "pipeline.yaml")
    assert f"prompt: {PROMPT}\n" in ended.stderr
    assert "decide: ragtally.pipelines.answer.DecideVerdict (ragtally)\n" in ended.stderr
    several = CliRunner().invoke(command, ["pipeline", words[1], "plain", "--out", str(tmp_path / "other")])
    assert "cells match 'plain'" in str(several.exception)


def test_a_served_cell_holds_answers_to_the_schema_of_the_study(made: Made, tmp_path: Path) -> None:
    exported = made.export("words/hybrid/top 2/held/2 votes", tmp_path / "cell")
    text = exported.path.read_text(encoding="utf-8")
    schema = json.loads(yaml.safe_load(text)["components"]["model_1"]["init_parameters"]["schema"])
    assert list(schema["properties"]) == ["explanation", "answer"]
    pipeline = Pipeline.loads(text, allowed_modules=["ragtally.pipelines"])
    answer = pipeline.run({"question": "Does it help?"}, include_outputs_from={"model_1"})
    (reply,) = answer["model_1"]["replies"]
    assert list(json.loads(reply.text)) == ["explanation", "answer"]
