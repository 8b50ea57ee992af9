"""What differs from call to call goes where each API takes it: the seed and the schema of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from ragtally.api import call_parameters
from ragtally_litellm.request_body import RequestBody
from ragtally_litellm.routes import route_of

MESSAGES = [{"role": "user", "content": "Is it?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"explanation": {"type": "string"}, "answer": {"type": "string", "enum": ["yes", "no"]}},
}
OPENAI = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}


def body(model: str, schema_as: str | None = None, schema: dict[str, Any] | None = SCHEMA, **extra: Any) -> Any:
    writer = RequestBody(route_of(model), {"temperature": 0.5}, extra, None, schema_as)
    return writer.of(MESSAGES, call_parameters(7, schema))


@pytest.mark.parametrize("schema_as", [None, "json_schema"])
def test_openais_way_is_response_format(schema_as: str | None) -> None:
    assert body("groq/big", schema_as) == {
        "model": "big", "temperature": 0.5, "messages": MESSAGES, "seed": 7, "response_format": OPENAI,
    }  # fmt: skip


def test_older_servers_take_the_schema_beside_the_type() -> None:
    assert body("openai/own", "json_object")["response_format"] == {"type": "json_object", "schema": SCHEMA}


def test_ollama_takes_the_schema_as_its_format_and_not_among_the_options() -> None:
    content = body("ollama_chat/llama3.1:8b", think=False)
    assert content["format"] == SCHEMA and content["think"] is False
    assert list(content["format"]["properties"]) == ["explanation", "answer"]
    assert content["options"] == {"temperature": 0.5, "num_ctx": 4096, "seed": 7}


@pytest.mark.parametrize("model", ["groq/big", "ollama_chat/llama3.1:8b"])
def test_without_a_schema_nothing_is_said_of_one(model: str) -> None:
    assert not {"response_format", "format"} & body(model, schema=None).keys()
