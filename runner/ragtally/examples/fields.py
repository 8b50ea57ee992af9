"""Examples as plain fields: what models reply, and what files of worked examples hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally.examples.example import NO_SOURCE, Example, Source, Turn
from ragtally.examples.wording import Kind

# The fields of an example, by kind.
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.QUESTION_ANSWER: ("question", "answer"),
    Kind.INSTRUCTION: ("instruction", "input", "output"),
    Kind.CHAT: ("turns",),
    Kind.LABEL: ("text", "label"),
}
MAY_BE_EMPTY = ("input",)
# Why fields are no example, in the words of the funnel.
NO_FIELD = "a field is missing or empty"
NO_LABEL = "a label outside of the set"
NO_TURNS = "turns that do not alternate from a user to an assistant"


def fields_of(example: Example) -> dict[str, Any]:
    """An example's fields, by the names that its kind has."""
    user = next((turn.text for turn in example.turns if turn.role == "user"), "")
    assistant = example.turns[-1].text
    match example.kind:
        case Kind.QUESTION_ANSWER:
            return {"question": user, "answer": assistant}
        case Kind.INSTRUCTION:
            return {"instruction": user, "input": example.input or "", "output": assistant}
        case Kind.LABEL:
            return {"text": user, "label": example.label}
        case Kind.CHAT:
            return {"turns": [turn._asdict() for turn in example.turns]}


def kind_of(fields: Mapping[str, Any]) -> Kind | None:
    """Which kind of example some fields are of."""
    names = [kind for kind, own in FIELDS.items() if all(name in fields for name in own if name not in MAY_BE_EMPTY)]
    return names[0] if len(names) == 1 else None


def example_from(
    kind: Kind, fields: Mapping[str, Any], labels: Sequence[str] = (), source: Source = NO_SOURCE
) -> Example | str:
    """Make an example of its fields; returns why not where they are none."""
    if kind is Kind.CHAT:
        return _chat(fields.get("turns"), source)
    texts = {name: fields.get(name) for name in FIELDS[kind]}
    clean = {name: text.strip() for name, text in texts.items() if isinstance(text, str)}
    if any(not clean.get(name) and name not in MAY_BE_EMPTY for name in FIELDS[kind]):
        return NO_FIELD
    user, assistant = (clean[name] for name in FIELDS[kind] if name not in MAY_BE_EMPTY)
    if kind is Kind.LABEL:
        same = [label for label in labels if label.casefold() == assistant.casefold()]
        if labels and not same:
            return NO_LABEL
        assistant = same[0] if same else assistant
    turns = (Turn("user", user), Turn("assistant", assistant))
    label = assistant if kind is Kind.LABEL else None
    return Example(kind, turns, clean.get("input") or None, label, source)


def _chat(value: Any, source: Source) -> Example | str:
    if not isinstance(value, list) or not value:
        return NO_FIELD
    turns = []
    for item in value:
        role, text = (item.get("role"), item.get("text")) if isinstance(item, Mapping) else (None, None)
        if not isinstance(text, str) or not text.strip():
            return NO_FIELD
        turns.append(Turn(str(role), text.strip()))
    roles = [turn.role for turn in turns]
    if roles[:1] == ["system"]:
        roles = roles[1:]
    pairs = len(roles) // 2
    if not pairs or roles != ["user", "assistant"] * pairs:
        return NO_TURNS
    return Example(Kind.CHAT, tuple(turns), source=source)
