"""An answer is compared with a schema as a validator of JSON Schema compares it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.support.answer_schema import keeps_to


def schema(*names: str) -> dict[str, Any]:
    properties: dict[str, Any] = {name: {"type": "string"} for name in names}
    properties["answer"] = {"type": "string", "enum": ["yes", "no"]}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


VALUES = st.sampled_from(["yes", "no", "maybe", "Yes", "", 1, None, True, ["yes"], {"answer": "yes"}])
CONTENTS = st.one_of(
    VALUES, st.dictionaries(st.sampled_from(["answer", "explanation", "other"]), VALUES), st.lists(VALUES)
)


@given(CONTENTS, st.sampled_from([schema(), schema("explanation")]))
def test_it_agrees_with_a_validator(content: Any, form: dict[str, Any]) -> None:
    valid = jsonschema.Draft202012Validator(form).is_valid(content)
    assert keeps_to(json.dumps(content), form) == valid


def lists() -> dict[str, Any]:
    """As a reply with examples has it: a list of objects."""
    return {
        "type": "object",
        "properties": {"examples": {"type": "array", "items": schema("question")}},
        "required": ["examples"],
        "additionalProperties": False,
    }


@given(st.dictionaries(st.sampled_from(["examples", "other"]), st.one_of(VALUES, st.lists(CONTENTS, max_size=2))))
def test_it_agrees_on_lists_of_objects(content: Any) -> None:
    assert keeps_to(json.dumps(content), lists()) == jsonschema.Draft202012Validator(lists()).is_valid(content)


def test_a_list_of_objects_keeps_to_its_schema() -> None:
    assert keeps_to('{"examples": [{"question": "a", "answer": "yes"}]}', lists())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"answer": "yes"}', True),
        (' \n{ "answer" :"no"}\n', True),
        ('<think>Is it {"answer": "maybe"}?</think>\n{"answer": "no"}', True),
        ('```json\n{"answer": "yes"}\n```', False),
        ('{"answer": "yes"} Yes.', False),
        ('{"answer": "ye', False),
        ("yes", False),
        ("", False),
        ("[" * 100_000, False),
    ],
)
def test_only_the_whole_answer_counts(text: str, kept: bool) -> None:
    assert keeps_to(text, schema()) is kept
