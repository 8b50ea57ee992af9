"""What a model answers: decided by a hash of the call, so that the same call is always answered alike."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from model_server.asks import Ask
from model_server.examples import examples_reply
from model_server.faults import fraction
from model_server.questions import read_question
from model_server.schemas import followed
from model_server.settings import Model, Settings

_TOKEN = re.compile(r"\w+|[^\w\s]")
_EFFORTS = {"none": 0.0, "minimal": 0.25, "low": 0.5, "medium": 1.0, "high": 2.0, False: 0.0}
_EXPLAINED = "The passages report on what is asked, and their figures bear on it directly.\n\nAnswer: "
OLLAMA_CONTEXT = 4096
"""How many tokens Ollama uses where it is not told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, before it is written in a provider's form.

    Attributes:
        text: What it says.
        reasoning: What the model thought; empty for one that does not.
        finish_reason: Why it stopped.
        prompt_tokens: Tokens that were read.
        output_tokens: Tokens that were written, those of the reasoning among them.
        reasoning_tokens: Tokens that were thought.
        cached_tokens: Tokens of the prompt that were in the cache; None where the server has none.
    """

    text: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int | None = None


def answer(ask: Ask, model: Model, settings: Settings) -> Answer:
    """Answer a call."""
    ask = followed(ask, settings.schemas)
    prompt_tokens = ask.prompt_tokens
    if ask.vendor == "ollama_api" and not ask.text:
        return Answer("", "", "load", 0, 0, 0)
    if ask.vendor == "ollama_api" and prompt_tokens > (limit := ask.context or OLLAMA_CONTEXT):
        ask = replace(ask, text=ask.text[-4 * limit :])
        prompt_tokens = limit
    text = examples_reply(ask, settings)
    if text is None:
        text = _label_reply(ask, settings)
    thinking = round(model.reasoning_tokens * _EFFORTS.get(ask.effort, 1.0))
    tokens = list(_TOKEN.finditer(text))
    finish, words = "stop", len(tokens)
    if ask.most_tokens is not None and thinking + words > ask.most_tokens:
        finish, words = "length", max(0, ask.most_tokens - thinking)
        thinking = min(thinking, ask.most_tokens)
        text = text[: tokens[words - 1].end()] if words else ""
    reasoning = " ".join(["Thinking about the evidence for this."] * max(1, thinking // 6)) if thinking else ""
    return Answer(text, reasoning, finish, prompt_tokens, thinking + words, thinking)


def _label_reply(ask: Ask, settings: Settings) -> str:
    question = read_question(ask.text, settings.labels)
    allowed = _allowed_by(ask.schema) or question.allowed
    skill = settings.tuned_skill if ask.model.startswith("ft:") else settings.skill
    label = _choose(ask, question.label, allowed, skill, settings.seed)
    if ask.schema is not None:
        return _by_schema(ask.schema, label)
    return (_EXPLAINED if question.explain else "") + label


def _choose(ask: Ask, right: str | None, allowed: tuple[str, ...], skill: float, seed: int) -> str:
    """Choose the label: the right one with the probability `skill`, any one where the right one cannot be known."""
    if right is None:
        choices = allowed
    elif fraction("skill", seed, ask.key) < skill:
        return right
    else:
        choices = tuple(label for label in allowed if label != right) or (right,)
    return choices[int(fraction("choice", seed, ask.key) * len(choices))]


def _allowed_by(schema: Mapping[str, Any] | None) -> tuple[str, ...]:
    enums = [each["enum"] for each in ((schema or {}).get("properties") or {}).values() if "enum" in each]
    return tuple(enums[0]) if enums else ()


def _by_schema(schema: Mapping[str, Any], label: str) -> str:
    properties = schema.get("properties") or {"answer": {"enum": []}}
    fields: dict[str, Any] = dict.fromkeys(properties, "The passages say so.")
    name_of_label = next((name for name, each in properties.items() if "enum" in each), next(iter(properties)))
    return json.dumps(fields | {name_of_label: label})
