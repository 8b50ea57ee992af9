"""Prompts of every kind reach the model, and its words come back as answers."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable

import polars as pl
import pytest

from command_line import Project
from model_server.fixture import RunningServer

from .conftest import SPEC

Start = Callable[..., RunningServer]
Asked = Callable[..., Project]

TEMPLATE = """\
{% message role="system" %}You judge studies.{% endmessage %}
{% message role="user" %}
{% for passage in passages %}- {{ passage }}
{% endfor %}
{{ question }} Answer with one word: {{ answers | join(", ") }}.
{% endmessage %}
"""


def _reader(server: RunningServer, reader: str) -> str:
    spec = SPEC.format(url=server.openai).replace("votes: 3", "votes: 1")
    return spec.replace("{chat: {model: small}}", reader).replace("max_tokens: 20", "max_tokens: 400")


@pytest.mark.parametrize(
    "reader",
    [
        "{chat: {model: small, prompt: label_only}}",
        "{chat: {model: small, prompt: explain_then_label}}",
        "{chat: {model: small, examples: 2}}",
        "{chat: {model: small, template: prompt.jinja}}",
        "{chat: {model: small, structured: true}}",
    ],
)
def test_answers_are_read(start: Start, asked: Asked, reader: str) -> None:
    server = start(skill=0.9)
    project = asked(server)
    project.write("prompt.jinja", TEMPLATE)
    project.write("spec.yaml", _reader(server, reader))
    outcome = project.ragtally("run", "--no-report", "spec.yaml")
    assert outcome.code == 0, outcome.err
    text = (project.folder / "data/results/asked/voters.csv").read_text(encoding="utf-8")
    (row,) = csv.DictReader(text.splitlines())
    assert float(row["unparsed_share"]) <= 0.1
    assert server.counts()["successful"] == 30


def test_examples_come_from_the_training_split_and_are_shown_to_all(start: Start, asked: Asked) -> None:
    server = start()
    project = asked(server)
    project.write("spec.yaml", _reader(server, "{chat: {model: small, examples: 2}}"))
    assert project.ragtally("run", "--no-report", "spec.yaml").code == 0
    prompts = pl.concat(
        [pl.read_parquet(path) for path in (project.folder / "store" / "prompt").rglob("prompts.parquet")]
    )
    shown = {tuple(contents[1:-1]) for contents in prompts["contents"]}
    assert len(shown) == 1
    asked_texts = {contents[-1] for contents in prompts["contents"]}
    assert not asked_texts & set(next(iter(shown)))
    assert {tuple(roles) for roles in prompts["roles"]} == {
        ("system", "user", "assistant", "user", "assistant", "user")
    }


def test_answers_in_words_of_another_language_are_mapped_back(start: Start, asked: Asked) -> None:
    server = start(labels=["ja", "nein", "vielleicht"])
    project = asked(server)
    words = "{chat: {model: small, words: {yes: ja, no: nein, maybe: vielleicht}}}"
    project.write("spec.yaml", _reader(server, words))
    outcome = project.ragtally("run", "--no-report", "spec.yaml")
    assert outcome.code == 0, outcome.err
    ballots = pl.concat(
        [pl.read_parquet(path) for path in (project.folder / "store" / "parse").rglob("ballots.parquet")]
    )
    assert set(ballots["ballot"].drop_nulls()) <= {"yes", "no", "maybe"}
    assert ballots["ballot"].null_count() < len(ballots) / 2
    with sqlite3.connect(project.folder / "store" / "calls.sqlite") as connection:
        texts = " ".join(text for (text,) in connection.execute("SELECT text FROM calls"))
    assert "ja" in texts
