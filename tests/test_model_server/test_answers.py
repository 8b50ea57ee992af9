"""The test server answers from the prompt, with the skill that is set, and within the limits of tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model_server.caller import CHAT, GROQ, INSTRUCTION, OLLAMA, QUESTION, ask, prompt
from model_server.fixture import RunningServer, running_server

NO = prompt("Aspirin did not relieve headaches.")
SCHEMA = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "answer": {"type": "string", "enum": ["yes", "no"]}},
}


@pytest.mark.parametrize("path", [CHAT, GROQ, OLLAMA])
@pytest.mark.parametrize(
    ("passage", "label"),
    [
        ("Aspirin did relieve headaches in most patients.", "yes"),
        ("Aspirin did not relieve headaches.", "no"),
        ("Whether aspirin may relieve headaches remains unclear.", "maybe"),
        ("Tea did not help. Aspirin relieved headaches, p < 0.001. Coffee failed.", "yes"),
    ],
)
def test_the_context_decides(server: RunningServer, passage: str, label: str, path: str) -> None:
    assert ask(server, prompt(passage), path).text == label


@pytest.mark.parametrize(("skill", "least", "most"), [(0.0, 0, 0), (0.7, 125, 155), (1.0, 200, 200)])
def test_the_skill_is_the_share_of_right_answers(server: RunningServer, skill: float, least: int, most: int) -> None:
    server.change(skill=skill)
    assert least <= sum(ask(server, NO, seed=seed).text == "no" for seed in range(200)) <= most


def test_the_same_call_is_answered_alike_by_another_process(server: RunningServer) -> None:
    server.change(skill=0.5)
    calls = [(seed, path) for seed in range(20) for path in (CHAT, GROQ)]
    here = [ask(server, NO, path, seed=seed).text for seed, path in calls]
    with running_server(skill=0.5) as other:
        assert [ask(other, NO, path, seed=seed).text for seed, path in reversed(calls)] == here[::-1]
        other.change(seed=1)
        assert [ask(other, NO, path, seed=seed).text for seed, path in calls] != here
    assert len(set(here)) > 1


@pytest.mark.parametrize(
    ("labels", "instruction", "answers"),
    [
        (["yes", "no", "maybe"], "Answer yes or no.", {"yes"}),
        (["ja", "nein", "nichts"], "Antworte mit ja oder nein.", {"ja", "nein"}),
    ],
)
def test_only_the_labels_that_the_prompt_allows_are_given(
    server: RunningServer, labels: list[str], instruction: str, answers: set[str]
) -> None:
    server.change(labels=labels, skill=0)
    text = prompt("Aspirin did not relieve headaches.", instruction=instruction)
    assert {ask(server, text, seed=seed).text for seed in range(30)} == answers


def test_a_prompt_that_asks_for_an_explanation_gets_one(server: RunningServer) -> None:
    text = f"{NO}\nExplain in two sentences, then write 'Answer:'."
    assert ask(server, text).text.endswith("\n\nAnswer: no")


@pytest.mark.parametrize(
    ("path", "more"),
    [
        (CHAT, {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}}),
        (OLLAMA, {"format": SCHEMA}),
    ],
)
def test_an_answer_follows_the_schema_of_the_request(server: RunningServer, path: str, more: dict[str, Any]) -> None:
    content = json.loads(ask(server, NO, path, **more).text)
    assert content["answer"] == "no" and set(content) == {"why", "answer"}


def test_usage_counts_the_prompt_and_the_answer(server: RunningServer) -> None:
    usage = ask(server, NO).content["usage"]
    assert usage["prompt_tokens"] == -(-len(NO) // 4)
    assert usage["completion_tokens"] == 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + 1
    own = ask(server, NO, OLLAMA).content
    assert (own["prompt_eval_count"], own["eval_count"]) == (usage["prompt_tokens"], 1)


@pytest.mark.parametrize(("usage", "told"), [("absent", "absent"), ("wrong", -1)])
def test_usage_may_be_missing_or_wrong(server: RunningServer, usage: str, told: Any) -> None:
    server.change(usage=usage)
    found = ask(server).content.get("usage", "absent")
    assert (found["prompt_tokens"] if isinstance(found, dict) else found) == told


@pytest.mark.parametrize(
    ("path", "short", "long"),
    [
        (CHAT, {"max_tokens": 50}, {"max_completion_tokens": 500}),
        (CHAT, {"max_completion_tokens": 50}, {"max_tokens": 60, "reasoning_effort": "low"}),
        (OLLAMA, {"options": {"num_predict": 50}}, {"options": {"num_predict": 500}}),
    ],
)
def test_a_reasoning_model_with_few_tokens_answers_nothing(
    server: RunningServer, path: str, short: dict[str, Any], long: dict[str, Any]
) -> None:
    server.change(models={"thinker": {"reasoning_tokens": 100}})
    cut = ask(server, NO, path, model="thinker", **short)
    reason = cut.content["done_reason"] if path == OLLAMA else cut.content["choices"][0]["finish_reason"]
    assert (cut.text, reason) == ("", "length")
    assert ask(server, NO, path, model="thinker", **long).text == "no"
    counts = server.counts()
    assert (counts["complete"], counts["successful"]) == (2, 1)


def test_ollama_cuts_a_long_prompt_silently_and_the_others_refuse_it(server: RunningServer) -> None:
    text = "\n".join(["Aspirin did relieve headaches.", "Nothing more is known. " * 1000, QUESTION, INSTRUCTION])
    assert ask(server, text, OLLAMA).content["prompt_eval_count"] == 4096
    assert 4096 < ask(server, text, OLLAMA, options={"num_ctx": 8192}).content["prompt_eval_count"] < 8192
    told = ask(server, text, OLLAMA, truncate=False, options={"num_ctx": 1040})
    assert (told.status, "available context size (1280 tokens)" in told.content["error"]) == (400, True)
    server.change(models={"short": {"context_length": 4096}})
    refused = ask(server, text, model="short")
    assert refused.status == 400
    assert refused.content["error"]["code"] == "context_length_exceeded"
