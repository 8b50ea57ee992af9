"""Answers that are held to a schema, by servers that keep to it, ignore it or refuse it, live and in batches."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from command_line import Outcome, Project
from model_server.fixture import RunningServer

from .conftest import SPEC

Start = Callable[..., RunningServer]
Asked = Callable[..., Project]
PLAIN = "{chat: {model: small}}"


def project_with(asked: Asked, server: RunningServer, reader: str, model: str = "", batch: bool = False) -> Project:
    project = asked(server)
    text = SPEC.format(url=server.openai).replace("votes: 3", "votes: 1").replace("max_tokens: 20", "max_tokens: 400")
    text = text.replace(PLAIN, f"{{chat: {{model: small, {reader}}}}}")
    extra = "delivery: batch, batch: {poll_seconds: 0.05}, " if batch else ""
    text = text.replace("timeout: 1,", f"timeout: 5, {extra}{model}")
    project.write("spec.yaml", text)
    return project


def run(project: Project) -> Outcome:
    return project.ragtally("run", "--no-report", "spec.yaml")


def unparsed(project: Project) -> float:
    text = (project.folder / "data/results/asked/voters.csv").read_text(encoding="utf-8")
    return max(float(row["unparsed_share"]) for row in csv.DictReader(text.splitlines()))


def texts(project: Project) -> list[str]:
    with sqlite3.connect(project.folder / "store" / "calls.sqlite") as connection:
        return [text for (text,) in connection.execute("SELECT text FROM calls")]


def schemas(server: RunningServer) -> list[Any]:
    return [request["body"].get("response_format") for request in server.requests()]


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("prompt", "names"), [("label_only", ["answer"]), ("explain_then_label", ["explanation", "answer"])]
)
def test_a_server_that_keeps_to_it_answers_nothing_else(
    prompt: str, names: list[str], batch: bool, start: Start, asked: Asked
) -> None:
    server = start(skill=0.9)
    project = project_with(asked, server, f"prompt: {prompt}, structured: true", batch=batch)
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert unparsed(project) == 0 and "schema" not in outcome.err
    for text in texts(project):
        answer = json.loads(text)
        assert list(answer) == names and answer["answer"] in ("yes", "no", "maybe")


def test_what_is_sent_says_every_answer_and_nothing_more(start: Start, asked: Asked) -> None:
    server = start()
    project = project_with(asked, server, "structured: true")
    assert run(project).code == 0
    (form,) = {json.dumps(each) for each in schemas(server)}
    assert json.loads(form) == {
        "type": "json_schema",
        "json_schema": {
            "name": "answer",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"answer": {"type": "string", "enum": ["yes", "no", "maybe"]}},
                "required": ["answer"],
                "additionalProperties": False,
            },
        },
    }


@pytest.mark.parametrize("batch", [False, True])
def test_a_server_that_ignores_it_is_named_and_its_answers_are_still_read(
    batch: bool, start: Start, asked: Asked
) -> None:
    server = start(schemas="ignored")
    project = project_with(asked, server, "structured: true", batch=batch)
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert "30 of 30 answers of small do not keep to the JSON schema that was sent" in outcome.err
    assert "`structured: false`" in outcome.err
    assert unparsed(project) == 0 and set(texts(project)) <= {"yes", "no", "maybe"}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("way", ["refused", "object_only"])
def test_a_server_that_refuses_it_is_told_plainly_and_not_asked_again(
    way: str, batch: bool, start: Start, asked: Asked
) -> None:
    server = start(schemas=way)
    project = project_with(asked, server, "structured: true", batch=batch)
    outcome = run(project)
    assert outcome.code != 0
    assert "a request that it does not take" in outcome.err and "structured: false in the reader" in outcome.err
    assert server.counts()["requests"] <= 30
    changed = project.folder / "spec.yaml"
    changed.write_text(changed.read_text(encoding="utf-8").replace("structured: true", "structured: false"))
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert unparsed(project) == 0


def test_a_model_says_how_its_server_takes_a_schema_and_readers_follow(start: Start, asked: Asked) -> None:
    server = start(schemas="object_only")
    project = project_with(asked, server, "prompt: label_only", model="schema_as: json_object, ")
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert {each["type"] for each in schemas(server)} == {"json_object"}
    assert all(json.loads(text) for text in texts(project))


def test_a_change_of_the_way_pays_nothing_again(start: Start, asked: Asked) -> None:
    server = start()
    project = project_with(asked, server, "structured: true")
    assert run(project).code == 0
    project = project_with(asked, server, "structured: auto", model="schema_as: json_object, ")
    assert run(project).code == 0
    assert server.counts()["successful"] == 30


@pytest.mark.parametrize("reader", ["structured: false", "structured: auto", "structured: prompt"])
def test_where_nothing_is_known_of_a_server_no_schema_is_sent(reader: str, start: Start, asked: Asked) -> None:
    server = start()
    project = project_with(asked, server, reader)
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert set(schemas(server)) == {None}


@pytest.mark.parametrize(
    ("reader", "model", "line"),
    [
        ("structured: false", "", "its answers are asked for in words (structured: false)"),
        ("structured: prompt", "", "its answers are asked for as JSON (its prompt alone asks for JSON)"),
        ("structured: true", "", "its answers are held to a JSON schema (structured: true)"),
        ("structured: auto", "", "in words (it is not known whether openai/small would keep to a schema)"),
        ("structured: auto", "schema_as: json_schema, ", "a JSON schema (openai/small keeps to a schema)"),
    ],
)
def test_the_doctor_says_how_each_readers_answers_are_written(
    reader: str, model: str, line: str, start: Start, asked: Asked
) -> None:
    project = project_with(asked, start(), reader, model=model)
    outcome = project.ragtally("doctor", "spec.yaml")
    assert f"{line}\n" in outcome.out


def test_a_limit_that_would_cut_the_json_leaves_answers_in_words(start: Start, asked: Asked) -> None:
    server = start()
    project = project_with(asked, server, "structured: auto", model="schema_as: json_schema, ")
    spec = project.folder / "spec.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("max_tokens: 400", "max_tokens: 5"), encoding="utf-8")
    outcome = project.ragtally("doctor", "spec.yaml")
    assert "in words (max_tokens: 5 could cut the JSON short, 15 are enough)\n" in outcome.out
    assert run(project).code == 0
    assert set(schemas(server)[1:]) == {None} and unparsed(project) == 0


def test_a_model_of_ollamas_is_held_to_a_schema_by_default_and_every_vote_is_a_draw_of_its_own(
    start: Start, asked: Asked
) -> None:
    server = start(skill=0.6)
    project = asked(server)
    text = SPEC.format(url=server.url).replace("openai/small", "ollama_chat/llama3.1:8b")
    project.write("spec.yaml", text.replace("max_tokens: 20", "max_tokens: 16, extra: {think: false}"))
    server.change(any_model=False)
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert "schema" not in outcome.err and unparsed(project) == 0
    bodies = [request["body"] for request in server.requests() if "messages" in request["body"]]
    assert {body["format"]["properties"]["answer"]["enum"][2] for body in bodies} == {"maybe"}
    assert {body["think"] for body in bodies} == {False}
    assert len({body["options"]["seed"] for body in bodies}) == len(bodies) >= 90
    assert {json.loads(text)["answer"] for text in texts(project)} <= {"yes", "no", "maybe"}
