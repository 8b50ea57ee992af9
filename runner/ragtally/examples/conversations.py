"""Chats and tickets as examples: the messages of a document become turns, without a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from ragtally.api import Documents
from ragtally.examples.example import Example, Source, Turn
from ragtally.examples.wording import Kind

Message = tuple[str, str, int, int]
"""Who speaks (user or assistant), what, and where it stands in the document."""


def conversation(
    documents: Documents, row: int, assistant: Sequence[str], speaker: str | None, text: str | None
) -> Example | None:
    """Make one example of a document, from its first question to its last answer; None where it has no such."""
    messages = list(_messages(documents, row, assistant, speaker, text))
    while messages and messages[0][0] == "assistant":
        del messages[0]
    while messages and messages[-1][0] == "user":
        del messages[-1]
    if not messages:
        return None
    # What somebody says in several messages is one turn.
    turns = [
        Turn(role, "\n".join(words for _, words, *_ in own))
        for role, own in groupby(messages, key=lambda one: one[0])
    ]
    source = Source(documents.id[row], messages[0][2], messages[-1][3])
    return Example(Kind.CHAT, tuple(turns), source=source)


def _messages(
    documents: Documents, row: int, assistant: Sequence[str], speaker: str | None, text: str | None
) -> Iterator[Message]:
    names = documents.section_names[row] if documents.section_names is not None else None
    sections = zip(names or (), documents.section_starts[row], documents.section_ends[row], strict=False)
    for name, start, end in sections:
        whole = documents.text[row][start:end]
        who, words = (
            _of_message(name, whole) if speaker is None else (_field(whole, speaker), _field(whole, text or ""))
        )
        if who and words:
            # A message is headed by its time and its sender.
            is_assistant = any(who == one or who.endswith(f" {one}") for one in assistant)
            yield ("assistant" if is_assistant else "user"), words, start, end


def _of_message(name: str, text: str) -> tuple[str, str]:
    """Sender and words of a part that begins with its own name, as in `2024-05-02 10:15 Ana: Good morning`."""
    head = name.partition(" ")[2]
    return (head, text[len(head) + 1 :].strip()) if head and text.startswith(f"{head}:") else ("", "")


def _field(text: str, column: str) -> str:
    """A cell of a row that says `column: cell; column: cell`."""
    match = re.search(rf"(?:^|; ){re.escape(column)}: (.*?)(?=; [^;:]{{1,60}}: |$)", text, re.DOTALL)
    return match[1].strip() if match else ""
