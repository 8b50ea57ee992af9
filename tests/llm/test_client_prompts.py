"""Prompts of every kind reach the model, and its words come back as answers."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable

import polars as pl

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


READERS = {
    "label_only": "{model: small, prompt: label_only}",
    "explained": "{model: small, prompt: explain_then_label}",
    "examples": "{model: small, examples: 2}",
    "own": "{model: small, template: prompt.jinja}",
    "structured": "{model: small, structured: true}",
}


def spec(server: RunningServer, readers: dict[str, str]) -> str:
    offered = "".join(f"  {name}: {{chat: {reader}}}\n" for name, reader in readers.items())
    text = SPEC.format(url=server.openai).replace("votes: 3", "votes: 1").replace("max_tokens: 20", "max_tokens: 400")
    text = text.replace("  small: {chat: {model: small}}\n", offered)
    return text.replace("[small]", f"[{', '.join(readers)}]")


def test_answers_to_every_prompt_are_read_and_examples_shown_to_all(start: Start, asked: Asked) -> None:
    server = start(skill=0.9)
    project = asked(server)
    project.write("prompt.jinja", TEMPLATE)
    project.write("spec.yaml", spec(server, READERS))
    outcome = project.ragtally("run", "--no-report", "spec.yaml")
    assert outcome.code == 0, outcome.err
    text = (project.folder / "data/results/asked/voters.csv").read_text(encoding="utf-8")
    unparsed = {row["voter"]: float(row["unparsed_share"]) for row in csv.DictReader(text.splitlines())}
    assert unparsed.keys() == READERS.keys() and max(unparsed.values()) <= 0.1
    assert server.counts()["successful"] == 30 * len(READERS)
    prompts = tables(project, "prompt", "prompts.parquet").filter(pl.col("contents").list.len() == 6)
    assert {tuple(roles) for roles in prompts["roles"]} == {
        ("system", "user", "assistant", "user", "assistant", "user")
    }
    (examples,) = {tuple(contents[1:-1]) for contents in prompts["contents"]}
    assert len(prompts) == 30 and not {contents[-1] for contents in prompts["contents"]} & set(examples)


def tables(project: Project, step: str, name: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in (project.folder / "store" / step).rglob(name)])


def test_answers_in_words_of_another_language_are_mapped_back(start: Start, asked: Asked) -> None:
    server = start(labels=["ja", "nein", "vielleicht"])
    project = asked(server)
    project.write(
        "spec.yaml", spec(server, {"small": "{model: small, words: {yes: ja, no: nein, maybe: vielleicht}}"})
    )
    outcome = project.ragtally("run", "--no-report", "spec.yaml")
    assert outcome.code == 0, outcome.err
    ballots = tables(project, "parse", "ballots.parquet")
    assert set(ballots["ballot"].drop_nulls()) <= {"yes", "no", "maybe"}
    assert ballots["ballot"].null_count() < len(ballots) / 2
    with sqlite3.connect(project.folder / "store" / "calls.sqlite") as connection:
        texts = " ".join(text for (text,) in connection.execute("SELECT text FROM calls"))
    assert "ja" in texts
