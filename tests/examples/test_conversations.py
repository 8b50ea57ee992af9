"""Chats and tickets become examples: who answers is the assistant, and every turn is in the document."""

from __future__ import annotations

import pytest

from ragtally.api import Documents
from ragtally.examples.conversations import conversation
from ragtally.examples.example import Turn

CHAT = [
    ("message 2024-05-01 09:00 Shop Ana", "2024-05-01 09:00 Shop Ana: Welcome."),
    ("message 2024-05-01 09:01 Rui", "2024-05-01 09:01 Rui: Good morning: is it open?"),
    ("message 2024-05-01 09:01 Rui", "2024-05-01 09:01 Rui: Today?"),
    ("message 2024-05-01 09:02 Shop Ana", "2024-05-01 09:02 Shop Ana: Until six."),
    ("message 2024-05-01 09:03 Rui", "2024-05-01 09:03 Rui: Thanks"),
]
TICKET = [
    ("row 2", "From: customer; Message: It broke; what now?; Date: 2024-05-01"),
    ("row 3", "From: Bob; Message: Send it back."),
]


def document(parts: list[tuple[str, str]]) -> Documents:
    starts, text = [], ""
    for _, part in parts:
        starts.append(len(text))
        text += part + "\n"
    ends = [start + len(part) for start, (_, part) in zip(starts, parts, strict=True)]
    return Documents(["d"], [text], [starts], [ends], [[name for name, _ in parts]])


def test_a_chat_goes_from_its_first_question_to_its_last_answer() -> None:
    documents = document(CHAT)
    example = conversation(documents, 0, ["Shop Ana"], None, None)
    assert example is not None
    assert example.turns == (
        Turn("user", "Good morning: is it open?\nToday?"), Turn("assistant", "Until six."),
    )  # fmt: skip
    span = documents.text[0][example.source.start : example.source.end]
    assert span.startswith("2024-05-01 09:01 Rui: Good") and span.endswith("Until six.")


def test_a_ticket_has_its_columns() -> None:
    example = conversation(document(TICKET), 0, ["Bob"], "From", "Message")
    assert example is not None
    assert example.turns == (Turn("user", "It broke; what now?"), Turn("assistant", "Send it back."))


@pytest.mark.parametrize("assistant", ["Rui Jr", "ui", "nobody"])
def test_without_an_answer_there_is_no_example(assistant: str) -> None:
    assert conversation(document(CHAT), 0, [assistant], None, None) is None


def test_a_document_without_messages_is_none() -> None:
    assert conversation(document([("page 1", "Rui: Hello")]), 0, ["Rui"], None, None) is None
    assert conversation(Documents(["d"], ["text"], [[0]], [[4]]), 0, ["Rui"], None, None) is None
