"""The model `echo`, asked through the engine like any provider's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import polars as pl
import pytest
from haystack.dataclasses import ChatMessage

from command_line import project_in
from ragtally_echo import Echo

SPEC = """\
study: echoes
dataset: {synthetic: {questions: 40, split: test}}
models: {echo: {echo: {}}}
readers: {echo: {chat: {model: echo, prompt: label_only}}}
grid: {chunker: whole, retriever: bm25, top_k: 1, reader: echo, votes: 1, rule: majority}
controls: [gold_context]
metrics: [accuracy]
"""


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("No, no; yes.", "no"), ("Maybe yes, maybe no.", "maybe"), ("yes or no", "yes"), ("", "yes")],
)
def test_it_says_the_word_that_the_prompt_uses_most(prompt: str, answer: str) -> None:
    messages = [ChatMessage.from_system("no no no"), ChatMessage.from_user(prompt)]
    (reply,) = asyncio.run(Echo(["yes", "no", "maybe"]).run_async(messages))["replies"]
    assert reply.text == answer


def test_a_study_needs_no_server_and_pays_nothing(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("echoes.yaml", SPEC)
    outcome = project.ragtally("run", "echoes.yaml")
    assert outcome.code == 0, outcome.err
    answers = pl.read_parquet(project.folder / "data/results/echoes/answers.parquet")
    assert set(answers["verdict"].unique()) <= {"yes", "no", "maybe"}
    assert answers["dollars"].sum() == 0
