"""The prompts that write, grade, repair and evolve examples: templates, with the form in which replies are wanted."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from ragtally.api import DataError, Location, Prompt
from ragtally.examples.example import Example
from ragtally.examples.fields import FIELDS, MAY_BE_EMPTY, fields_of
from ragtally.examples.wording import Kind
from ragtally.support.prompt_template import PromptTemplate, read_template

_FORM = "write {{ format }} where the form of the answer is to be explained"
_EXAMPLE = "write {{ example }} where the example is to stand"
_COMMON: Mapping[str, str | None] = {"kind": None, "language": None, "labels": None, "format": _FORM}
# Per prompt the names that its template may use; where one must be used, what to write.
_VARIABLES: Mapping[str, Mapping[str, str | None]] = {
    "generate": {
        "passage": "write {{ passage }} where the passage is to stand",
        "count": "write {{ count }} where it says how many examples are wanted",
        "style": None,
        **_COMMON,
    },
    "expand": {
        "seed": "write {{ seed }} where the example to go by is to stand",
        "count": "write {{ count }} where it says how many examples are wanted",
        "style": None,
        **_COMMON,
    },
    "validate": {
        "passage": None,
        "example": _EXAMPLE,
        "criteria": "write {% for criterion in criteria %}{{ criterion.name }}: {{ criterion.question }}{% endfor %}",
        "format": _FORM,
    },
    "repair": {
        "passage": None,
        "example": _EXAMPLE,
        "reasons": "write {% for reason in reasons %}{{ reason }}{% endfor %}",
        **_COMMON,
    },
    "evolve": {
        "passage": None,
        "example": _EXAMPLE,
        "way": "write {{ way }} where it says what to do with the example",
        **_COMMON,
    },
}
_FIELDS = "a criterion has name and question"
_KINDS: Mapping[Kind, str] = {
    Kind.QUESTION_ANSWER: "questions with their answers",
    Kind.INSTRUCTION: "instructions with what a good assistant puts out; some of them with an input to work on",
    Kind.CHAT: "conversations of several turns between a user and an assistant",
    Kind.LABEL: "short texts, each with the label that fits it",
}
_LANGUAGES: Mapping[str, str] = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "nl": "Dutch", "pt": "Portuguese", "zh": "Chinese",
}  # fmt: skip


class Criterion(NamedTuple):
    """What validators are asked of each example."""

    name: str
    question: str


def check_template(prompt: str, path: str) -> str:
    """Read a template of one's own and refuse one that cannot be filled in; returns its text."""
    try:
        source = read_template(path)
    except OSError as error:
        raise DataError(
            f"the template cannot be read: {error.strerror}",
            location=Location(path),
            hint=f"paths are relative to the folder the command runs in, now {Path.cwd()}",
        ) from error
    PromptTemplate(source, path, _VARIABLES[prompt], fields=_FIELDS)
    return source


@functools.cache
def built_in_template(prompt: str) -> str:
    """The text of the template that is used where a spec names none."""
    path = resources.files("ragtally.examples") / "templates" / f"{prompt}.jinja"
    return path.read_text(encoding="utf-8")


@functools.lru_cache(maxsize=16)
def _template(prompt: str, source: str) -> PromptTemplate:
    return PromptTemplate(source, f"the template of the prompt {prompt}", _VARIABLES[prompt], fields=_FIELDS)


class PromptWriter:
    """Writes the prompts of one sort."""

    def __init__(
        self, prompt: str, source: str, *, labels: Sequence[str] = (), style: Sequence[Example] = ()
    ) -> None:
        self._names = _VARIABLES[prompt]
        self._template = _template(prompt, source)
        self._labels = tuple(labels)
        self._style = tuple(style)

    def write(self, kind: Kind, language: str | None, count: int = 1, **values: Any) -> Prompt:
        """Write the prompt that asks for examples of a kind."""
        # Worked examples of the kind alone: others would teach another form.
        style = tuple(json.dumps(fields_of(each), ensure_ascii=False) for each in self._style if each.kind == kind)
        every = {
            "kind": _KINDS[kind],
            "language": language_name(language),
            "labels": self._labels if kind is Kind.LABEL else (),
            "count": count,
            "style": style,
            "format": _form(kind, self._labels),
        }
        return self._template.write(
            **{name: value for name, value in (every | values).items() if name in self._names}
        )

    def write_validation(self, example: Example, passage: str | None, criteria: Sequence[Criterion]) -> Prompt:
        """Write the prompt that asks for a grade on every criterion."""
        form = {name: text for each in criteria for name, text in _grade(each.name).items()}
        return self._template.write(
            passage=passage,
            example=example_text(example),
            criteria=tuple(criteria),
            format=f"Reply with this JSON alone:\n{json.dumps(form, ensure_ascii=False)}",
        )


def language_name(code: str | None) -> str:
    """What a language is called; what has no code is the passage's own."""
    return "the language of what is given above" if code is None else _LANGUAGES.get(code, code)


def _form(kind: Kind, labels: Sequence[str]) -> str:
    form = {"examples": [_specimen(kind, labels)]}
    return f"Reply with this JSON alone:\n{json.dumps(form, ensure_ascii=False)}"


def _specimen(kind: Kind, labels: Sequence[str]) -> Mapping[str, Any]:
    if kind is Kind.CHAT:
        return {"turns": [{"role": "user", "text": "..."}, {"role": "assistant", "text": "..."}]}
    words = {"label": " or ".join(labels), **dict.fromkeys(MAY_BE_EMPTY, "... or empty")}
    return {field: words.get(field, "...") for field in FIELDS[kind]}


def _grade(criterion: str) -> dict[str, str]:
    return {f"{criterion}_reason": "...", criterion: "yes or no"}


def generation_schema(kind: Kind, labels: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of a reply with examples."""
    text = {"type": "string"}
    if kind is Kind.CHAT:
        turn = _object({"role": {"type": "string", "enum": ["user", "assistant"]}, "text": text})
        fields: dict[str, Any] = {"turns": {"type": "array", "items": turn}}
    else:
        fields = dict.fromkeys(FIELDS[kind], text)
        if kind is Kind.LABEL:
            fields["label"] = {"type": "string", "enum": list(labels)}
    return _object({"examples": {"type": "array", "items": _object(fields)}})


def validation_schema(criteria: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of a reply with grades; a reason comes before the grade that it leads to."""
    fields: dict[str, Any] = {}
    for name in criteria:
        fields |= {f"{name}_reason": {"type": "string"}, name: {"type": "string", "enum": ["yes", "no"]}}
    return _object(fields)


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def example_text(example: Example) -> str:
    """An example as people and models read it."""
    lines = [f"{turn.role.capitalize()}: {turn.text}" for turn in example.turns]
    if example.input:
        # After the instruction that it is the input of.
        lines.insert(next((n for n, turn in enumerate(example.turns, 1) if turn.role == "user"), 0), example.input)
    return "\n".join(lines)
