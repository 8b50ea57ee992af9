"""The forms in which training programs read examples, and how a line of each is read back.

A line says where its example is from, wherever the form has a place for that. A program that loads JSON Lines takes a
column for text or for numbers by its first lines, so nothing is null: where there is no document its name is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Line = dict[str, Any]
_GAP = "\n\n"


class Turn(NamedTuple):
    """One message: who says what.

    Attributes:
        role: system, user or assistant.
        text: The words.
    """

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """An example as it is exported.

    Attributes:
        id: Its identifier; empty for a line that somebody else wrote.
        kind: question_answer, instruction, chat or label.
        turns: What is asked and answered.
        input: What an instruction is about.
        label: Of the kind label.
        document: The id of the document that it was made from; None where there is none.
        start: The first character of the passage in the document's text.
        end: Just past its last character.
        location: The place in people's words, as in `page 3`.
        generator: The model that wrote it, as PROVIDER/MODEL; None where no model did.
    """

    id: str
    kind: str
    turns: tuple[Turn, ...]
    input: str | None = None
    label: str | None = None
    document: str | None = None
    start: int | None = None
    end: int | None = None
    location: str | None = None
    generator: str | None = None


def question_text(turns: Sequence[Turn], about: str | None) -> str:
    """What a model is asked by an example.

    Args:
        turns: The turns, the answer being the last one.
        about: What an instruction is about.

    Returns:
        The user's words; of several turns, all that comes before the last answer.
    """
    before = [turn for turn in turns[:-1] if turn.role != "system"]
    texts = [before[0].text] if len(before) == 1 else [f"{turn.role}: {turn.text}" for turn in before]
    return _GAP.join([*texts, *([about] if about else [])])


Reading = tuple[tuple[Turn, ...], str | None]
"""The turns of a line, and what an instruction is about."""


@dataclass(frozen=True)
class Form:
    """A form of lines.

    Attributes:
        write: Makes what a training program reads of an example; None where the form has no place for it.
        read: Takes the turns and the input out of a line again.
        readers: The programs that read it.
        has_sources: Whether a line may say more than the form asks for; where not, sources lie in a file beside it.
        key: The key that only lines of this form have.
        columns: LLaMA-Factory's names for the parts of a line.
        tags: LLaMA-Factory's names within a message, where they are not its own.
        axolotl: What Axolotl has to be told of the form.
    """

    write: Callable[[TrainingExample], Line | None]
    read: Callable[[Line], Reading]
    readers: str
    key: str
    has_sources: bool = True
    columns: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    axolotl: Mapping[str, Any] | None = None


def full_line(form: Form, example: TrainingExample) -> Line | None:
    """A line as it is exported, with its source where the form has a place for it.

    Args:
        form: One of `FORMS`.
        example: The example.

    Returns:
        The line; None where the form has no place for the example.
    """
    line = form.write(example)
    if line is None or not form.has_sources:
        return line
    about = source_line(example)
    return {**line, **{name: value for name, value in about.items() if name not in line}}


def source_line(example: TrainingExample) -> Line:
    """Where an example comes from, and what a form does not say of it.

    Args:
        example: The example.

    Returns:
        Names and values, none of them null.
    """
    return {
        "id": example.id,
        "kind": example.kind,
        # Not `label`: beside `prompt` and `completion` trl would take the line for a preference.
        "class_label": example.label or "",
        "input": example.input or "",
        "document": example.document or "",
        "location": example.location or "",
        "start": example.start or 0,
        "end": example.end or 0,
        "generator": example.generator or "",
    }


def read_line(line: Line, source: Line | None = None) -> TrainingExample:
    """Read a line of any form.

    Args:
        line: The line, which others may have edited or written.
        source: What lies beside it, for a form without a place for sources.

    Returns:
        The example.

    Raises:
        ValueError: If the line has no form that is known, or its texts are no texts.
    """
    form = next((form for form in FORMS.values() if form.key in line), None)
    if form is None:
        raise ValueError(f"no form is known that has {', '.join(map(repr, line)) or 'no key'}")
    about = {**line, **(source or {})}
    try:
        turns, own_input = form.read(about)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"the line is not in its form: {type(error).__name__}: {error}") from error
    if not turns or turns[-1].role != "assistant" or not all(isinstance(turn.text, str) for turn in turns):
        raise ValueError("the last turn is not an answer, or a turn is no text")
    label = about.get("class_label") or None
    document = about.get("document") or None
    return TrainingExample(
        id=str(about.get("id") or ""),
        kind=str(about.get("kind") or _kind(turns, own_input, label)),
        turns=turns,
        input=own_input,
        label=label,
        document=document,
        start=about.get("start") if document else None,
        end=about.get("end") if document else None,
        location=about.get("location") or None,
        generator=about.get("generator") or None,
    )


def _kind(turns: Sequence[Turn], about: str | None, label: str | None) -> str:
    if label is not None:
        return "label"
    if sum(turn.role == "user" for turn in turns) > 1:
        return "chat"
    return "instruction" if about else "question_answer"


# Alpaca: one instruction, what it is about, and one answer.


def _alpaca(example: TrainingExample) -> Line | None:
    turns = [turn for turn in example.turns if turn.role != "system"]
    if [turn.role for turn in turns] != ["user", "assistant"] or len(example.turns) - len(turns) > 1:
        return None
    system = example.turns[0].text if example.turns[0].role == "system" else ""
    texts = {"instruction": turns[0].text, "input": example.input or "", "output": turns[1].text}
    return {**texts, "system": system}


def _read_alpaca(line: Line) -> Reading:
    system = [Turn("system", line["system"])] if line.get("system") else []
    turns = (*system, Turn("user", line["instruction"]), Turn("assistant", line["output"]))
    return turns, line.get("input") or None


# Messages. What an instruction is about follows it in the same message.


class _Keys(NamedTuple):
    """How messages name their parts."""

    role: str = "role"
    text: str = "content"
    user: str = "user"
    assistant: str = "assistant"


_MESSAGES = _Keys()
_CONVERSATIONS = _Keys("from", "value", "human", "gpt")


def _messages(example: TrainingExample, keys: _Keys = _MESSAGES) -> list[Line]:
    names = {"user": keys.user, "assistant": keys.assistant}
    first = _first_user(example.turns)
    return [
        {
            keys.role: names.get(turn.role, turn.role),
            keys.text: f"{turn.text}{_GAP}{example.input}" if number == first and example.input else turn.text,
        }
        for number, turn in enumerate(example.turns)
    ]


def _read_messages(
    messages: Sequence[Line], line: Line, keys: _Keys = _MESSAGES
) -> tuple[tuple[Turn, ...], str | None]:
    roles = {keys.user: "user", keys.assistant: "assistant"}
    turns = [Turn(roles.get(role := str(one[keys.role]), role), one[keys.text]) for one in messages]
    about: str | None = line.get("input") or None
    first = _first_user(turns)
    # Where somebody edited the message, it is whole as it stands.
    if about is None or first is None or not turns[first].text.endswith(f"{_GAP}{about}"):
        return tuple(turns), None
    turns[first] = Turn("user", turns[first].text.removesuffix(f"{_GAP}{about}"))
    return tuple(turns), about


def _first_user(turns: Sequence[Turn]) -> int | None:
    return next((number for number, turn in enumerate(turns) if turn.role == "user"), None)


def _prompt_completion(example: TrainingExample) -> Line:
    *prompt, completion = _messages(example)
    return {"prompt": prompt, "completion": [completion]}


_CHAT_TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
_CHAT_TEMPLATE = {"type": "chat_template", "field_messages": "messages"}

FORMS: Mapping[str, Form] = {
    "alpaca": Form(
        _alpaca,
        _read_alpaca,
        "LLaMA-Factory, Axolotl, Unsloth, torchtune",
        "instruction",
        columns={"prompt": "instruction", "query": "input", "response": "output", "system": "system"},
        axolotl={"type": "alpaca"},
    ),
    "chat": Form(
        lambda example: {"messages": _messages(example)},
        lambda line: _read_messages(line["messages"], line),
        "trl, Axolotl, Unsloth, LLaMA-Factory, torchtune",
        "messages",
        columns={"messages": "messages"},
        tags={**_CHAT_TAGS, "system_tag": "system"},
        axolotl=_CHAT_TEMPLATE,
    ),
    "openai": Form(
        lambda example: {"messages": _messages(example)},
        lambda line: _read_messages(line["messages"], line),
        "the fine-tuning of OpenAI and of Groq, which refuse other keys",
        "messages",
        has_sources=False,
        columns={"messages": "messages"},
        tags={**_CHAT_TAGS, "system_tag": "system"},
        axolotl=_CHAT_TEMPLATE,
    ),
    "prompt_completion": Form(
        _prompt_completion,
        lambda line: _read_messages([*line["prompt"], *line["completion"]], line),
        "trl, with a loss on the answers alone",
        "completion",
    ),
    "sharegpt": Form(
        lambda example: {"conversations": _messages(example, _CONVERSATIONS)},
        lambda line: _read_messages(line["conversations"], line, _CONVERSATIONS),
        "LLaMA-Factory, Axolotl, Unsloth (standardize_sharegpt)",
        "conversations",
        columns={"messages": "conversations"},
        axolotl={
            "type": "chat_template",
            "field_messages": "conversations",
            "message_property_mappings": {"role": "from", "content": "value"},
        },
    ),
}
"""The forms by name."""
