"""What models reply is read, or counted under its name; nothing that they say breaks anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.examples import replies
from ragtally.examples.example import NO_SOURCE, Source
from ragtally.examples.fields import NO_FIELD, NO_LABEL, NO_TURNS, example_from, fields_of
from ragtally.examples.replies import ReadReply, read_examples, read_grades
from ragtally.examples.wording import Kind

QA = Kind.QUESTION_ANSWER
PAIR = {"question": "How long is the warranty?", "answer": "It lasts for two years."}
SPANISH = {"question": "¿Cuánto dura la garantía de la bomba?", "answer": "La garantía dura dos años enteros."}


def read(text: str | None, kind: Kind = QA, count: int = 3, **more: Any) -> ReadReply:
    return read_examples(text, kind, count, **{"source": NO_SOURCE, **more})


def pairs(number: int) -> list[dict[str, str]]:
    return [PAIR | {"answer": f"Answer {each}."} for each in range(number)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"examples": pairs(3)}),
        json.dumps(pairs(3)),
        "\n".join(map(json.dumps, pairs(3))),
        f"Sure, [here] they are:\n```json\n{json.dumps(pairs(3), indent=1)}\n```\nI hope {{this}} helps.",
        f"<think>What about {json.dumps(PAIR)}?</think>{json.dumps({'examples': pairs(3)})}",
        json.dumps({"Examples": [{"Question": each["question"], "ANSWER ": each["answer"]} for each in pairs(3)]}),
    ],
)
def test_examples_are_found_in_whatever_form_they_come(text: str) -> None:
    reply = read(text)
    assert [fields_of(example) for example in reply.examples] == pairs(3)
    assert (reply.items, reply.losses, reply.surplus) == (3, {}, 0)


WHOLE = json.dumps({"examples": pairs(3)})


@pytest.mark.parametrize(
    ("text", "items", "examples", "losses"),
    [
        (None, 0, 0, {replies.CALL_FAILED: 3}),
        ("", 0, 0, {replies.EMPTY: 3}),
        ("<think>So", 0, 0, {replies.EMPTY: 3}),
        ("What is the warranty? It is long.", 0, 0, {replies.PROSE: 3}),
        ('{"result": "ok"}', 0, 0, {replies.NO_EXAMPLE: 3}),
        (WHOLE[: len(WHOLE) // 2], 1, 1, {replies.CUT_OFF: 2}),
        (WHOLE[:-1], 3, 3, {}),
        (json.dumps(pairs(1)), 1, 1, {replies.FEWER: 2}),
        (json.dumps([*pairs(2), {"question": "Why?"}]), 3, 2, {NO_FIELD: 1}),
        (json.dumps([*pairs(2), {"question": "Why?", "answer": ["a"]}]), 3, 2, {NO_FIELD: 1}),
    ],
)
def test_what_is_missing_is_counted_under_its_name(
    text: str | None, items: int, examples: int, losses: dict[str, int]
) -> None:
    reply = read(text)
    assert (reply.items, len(reply.examples), reply.losses) == (items, examples, losses)


def test_two_hundred_instead_of_three_are_three_and_a_surplus() -> None:
    reply = read(json.dumps({"examples": pairs(200)}))
    assert (reply.items, len(reply.examples), reply.surplus) == (3, 3, 197)


def test_another_language_is_no_example_where_one_was_asked_for() -> None:
    text = json.dumps([PAIR, SPANISH])
    assert read(text, count=2, language="en").losses == {replies.ANOTHER_LANGUAGE: 1}
    assert read(text, count=2, language="es").losses == {replies.ANOTHER_LANGUAGE: 1}
    assert not read(text, count=2, language=None).losses


@pytest.mark.parametrize(
    ("kind", "fields", "outcome"),
    [
        (Kind.LABEL, {"text": "It broke.", "label": "Complaint"}, "complaint"),
        (Kind.LABEL, {"text": "It broke.", "label": "other"}, NO_LABEL),
        (Kind.INSTRUCTION, {"instruction": "Sum up.", "output": "Done."}, None),
        (Kind.INSTRUCTION, {"instruction": "Sum up.", "input": "Text.", "output": " "}, NO_FIELD),
        (Kind.CHAT, {"turns": []}, NO_FIELD),
        (Kind.CHAT, {"turns": [{"role": "user", "text": "Hello"}]}, NO_TURNS),
        (Kind.CHAT, {"turns": [{"role": "assistant", "text": "a"}, {"role": "user", "text": "b"}]}, NO_TURNS),
        (Kind.CHAT, {"turns": [{"role": "user", "text": "a"}, {"role": "assistant", "text": "b"}] * 2}, None),
    ],
)
def test_each_kind_has_its_fields(kind: Kind, fields: dict[str, Any], outcome: str | None) -> None:
    example = example_from(kind, fields, ("complaint", "praise"))
    if isinstance(example, str):
        assert example == outcome
    else:
        assert example.label == outcome
        assert example_from(kind, fields_of(example)) == example


def test_a_source_stays_with_the_example() -> None:
    source = Source("a.pdf", 3, 9, "page 2")
    assert [each.source for each in read(WHOLE, source=source).examples] == [source] * 3


NAMES = st.sampled_from(["question", "answer", "turns", "examples"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)  # fmt: skip


@given(st.one_of(values.map(json.dumps), st.text(alphabet='{}[]":,aé \n', max_size=60)), st.integers(1, 4))
def test_every_reply_adds_up(text: str, count: int) -> None:
    reply = read(text, count=count)
    assert len(reply.examples) + sum(reply.losses.values()) == count
    assert len(reply.examples) <= reply.items <= count


def test_brackets_without_end_are_given_up_soon() -> None:
    assert read('{"' * 50_000).losses == {replies.CUT_OFF: 3}
    assert read("[" * 50_000).losses.total() == 3


CRITERIA = ["grounded", "clear"]


@pytest.mark.parametrize(
    ("text", "passed", "errors"),
    [
        ('{"grounded_reason": "It says so.", "grounded": "yes", "clear": "No."}', [True, False], [None, None]),
        ('{"grounded": true} and {"clear": false}', [True, False], [None, None]),
        ('{"grounded": "perhaps", "clear": "yes"}', [None, True], [replies.NO_GRADE, None]),
        ('{"clear": "yes"}', [None, True], [replies.NO_GRADE, None]),
        ('{"grounded": "yes", "cle', [None, None], [replies.CUT_OFF] * 2),
        ("yes and no", [None, None], [replies.PROSE] * 2),
        ("", [None, None], [replies.EMPTY] * 2),
        (None, [None, None], ["refused"] * 2),
    ],
)
def test_grades_are_read_or_their_absence_has_a_name(
    text: str | None, passed: list[bool | None], errors: list[str | None]
) -> None:
    grades = read_grades(text, "refused", CRITERIA)
    assert [grade.passed for grade in grades] == passed
    assert [grade.error for grade in grades] == errors


def test_a_reason_is_one_line() -> None:
    (grade, _) = read_grades('{"grounded_reason": " It\\nsays so. ", "grounded": "no"}', None, CRITERIA)
    assert grade.reason == "It says so."
