"""Whether a reader's answers are held to a JSON schema: what `structured: auto` comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ragtally.api import Choice, ModelTraits, ReaderTraits

# What a JSON object takes around the answer in the tokens of any usual model, and how many letters a token has at
# least: a `max_tokens` that is set for bare words would cut the object short.
_TOKENS_AROUND = 12
_LETTERS_PER_TOKEN = 2


class AnswerForm(NamedTuple):
    """How a reader's answers are written."""

    as_json: bool  # Whether the prompt asks for a JSON object
    constrained: bool  # Whether a schema is sent, so that nothing else can be answered
    why: str  # Why it is so, for people

    def of(self, reader: Choice) -> Choice:
        """The reader that writes prompts for it."""
        if "structured" not in reader.parameters:
            return reader
        return Choice(reader.kind, reader.name, {**reader.parameters, "structured": self.as_json})


def answer_form(reader: ReaderTraits, model: ModelTraits, answers: Sequence[str]) -> AnswerForm:
    """Settle how a reader's answers are written."""
    if reader.structured == "prompt":
        return AnswerForm(True, False, "its prompt alone asks for JSON")
    if reader.structured != "auto":
        return AnswerForm(reader.structured, reader.structured, f"structured: {str(reader.structured).lower()}")
    if not answers:
        return AnswerForm(False, False, "open answers are asked for in words")
    name, limit = f"{model.provider}/{model.model}", model.output_tokens
    if model.takes_schema is None:
        return AnswerForm(False, False, f"it is not known whether {name} would keep to a schema")
    if not model.takes_schema:
        return AnswerForm(False, False, f"{name} takes no schema")
    words = dict(reader.words)
    longest = max((len(words.get(answer, answer).encode()) for answer in answers), default=0)
    room = _TOKENS_AROUND + -(-longest // _LETTERS_PER_TOKEN)
    if limit is not None and limit < room:
        return AnswerForm(False, False, f"max_tokens: {limit} could cut the JSON short, {room} are enough")
    return AnswerForm(True, True, f"{name} keeps to a schema")


def parser_settings(traits: ReaderTraits) -> dict[str, Any]:
    """What the parser must know of a reader; what is not set is left out, so that it leaves addresses as they are."""
    settings = {
        "words": dict(traits.words), "options": dict(traits.options), "answer_key": list(traits.answer_key),
    }  # fmt: skip
    return {name: value for name, value in settings.items() if value}


def without_model(choice: Choice) -> Choice:
    """A component whose prompts do not depend on which model gets them, so that models share them."""
    return Choice(choice.kind, choice.name, {**choice.parameters, "model": None})
