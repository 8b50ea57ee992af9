"""The built-in prompts: `label_only`, `explain_then_label` and `short_answer`, in words or as JSON.

What public evaluations ask on PubMedQA, and what is adopted here: EleutherAI's lm-evaluation-harness
(`lm_eval/tasks/pubmedqa`) puts the abstract first, then the question, and compares the bare labels' likelihoods;
Inspect Evals (`inspect_evals/pubmedqa`) states the form of the whole response and lists the choices after the
question; chain-of-thought prompts such as those of OpenAI's simple-evals ask for a last line of a fixed form. So the
context comes first, then the question, then the form of the answer with the declared answers in their order, as the
last thing that is read.

Passages are numbered, and only a passage's first line starts at the left margin: whatever a passage says, it cannot
look like another passage, like the question, or like the form of the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ragtally import ABSTENTION, Message, Prompt
from ragtally_prompts.reader import Example
from ragtally_prompts.wording import ENGLISH, Wording

_INDENT = "    "
# What `_user_text` writes before the form of the answer, as a template.
_TEMPLATE = (
    "{% macro indented(text) %}{% for line in text.strip().splitlines() %}"
    '{% if loop.first %}{{ line.rstrip() }}{% else %}\n{{ ("    " ~ line).rstrip() }}{% endif %}'
    "{% endfor %}{% endmacro %}"
    "{% if documents %}CONTEXT{% for document in documents %}\n\n"
    '{{ ("[" ~ loop.index ~ "] " ~ indented(document.content)).rstrip() }}{% endfor %}'
    "{% else %}NOTHING{% endif %}"
    "\n\nQUESTION {{ indented(question) }}"
)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of the answer that a prompt asks for."""

    explains: bool = False  # Whether reasoning comes before the answer
    structured: bool = False  # Whether the answer is a JSON object
    instructions: str | None = None  # What the system message adds; None for nothing
    wording: Wording = ENGLISH

    def ask(self, answers: tuple[str, ...]) -> str:
        """Ask for the answer: one of those declared, or without any in the model's own words."""
        wording = self.wording
        if not answers:
            return wording.as_json if self.structured else wording.short
        if self.explains and self.structured:
            return wording.explanation_as_json.replace("CHOICES", self._choices(map(_json_string, answers)))
        if self.explains or self.structured:
            asks = wording.explanation if self.explains else wording.label_as_json
            return "\n".join([asks, *map(self.answer, answers)])
        words = answers if all(map(str.isalnum, answers)) else [f'"{word}"' for word in answers]
        return wording.label.replace("CHOICES", self._choices(words))

    def schema(self, answers: tuple[str, ...]) -> Mapping[str, Any]:
        """Say the form of the answer as a JSON schema; an open one may be any text."""
        # In this order, since models write an object's keys in that of the schema: reasoning after the answer would
        # not lead to it. Strict schemas of OpenAI's and Groq's list every property and allow no others.
        explanation = {"explanation": {"type": "string"}} if self.explains else {}
        choices = {"enum": list(answers)} if answers else {}
        properties = {**explanation, "answer": {"type": "string", **choices}}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def answer(self, word: str) -> str:
        """Write the answer in its form, without reasoning."""
        if self.structured:
            return f'{{"answer": {_json_string(word)}}}'
        return f"{self.wording.answer} {word}" if self.explains else word

    def _choices(self, words: Iterable[str]) -> str:
        *others, last = words
        return f"{', '.join(others)} {self.wording.alternative} {last}" if others else last


class BuiltInPrompt:
    """Writes a system message, a pair of messages for each example, and the question."""

    def __init__(self, form: Form) -> None:
        self._form, self._wording = form, form.wording
        parts = (form.wording.system, *([] if form.instructions is None else [form.instructions]))
        self._system = Message("system", "\n\n".join(parts))

    def write(
        self, question: str, passages: tuple[str, ...], answers: tuple[str, ...], examples: tuple[Example, ...]
    ) -> Prompt:
        """Write the prompt."""
        ask = self._form.ask(answers)
        user = Message("user", self._user_text(question, passages, ask))
        return (self._system, *self._example_messages(examples, ask), user)

    def template(self, answers: tuple[str, ...], examples: tuple[Example, ...]) -> Prompt | None:
        """Write the prompts of all questions as one Haystack template, where that is possible."""
        ask, wording = self._form.ask(answers), self._wording
        before = (self._system, *self._example_messages(examples, ask))
        if "endraw" in "".join([ask, *(message.content for message in before)]):
            return None
        messages = [
            message if message.role == "assistant" else Message(message.role, _literal(message.content))
            for message in before
        ]
        words = {"CONTEXT": wording.context, "NOTHING": wording.no_context, "QUESTION": wording.question}
        asks = _TEMPLATE
        for place, text in words.items():
            asks = asks.replace(place, text)
        return (*messages, Message("user", f"{asks}\n\n{_literal(ask)}"))

    def _example_messages(self, examples: tuple[Example, ...], ask: str) -> list[Message]:
        messages = []
        for example in examples:
            messages.append(Message("user", self._user_text(example.question, example.passages, ask)))
            answer = self._wording.cannot if example.answer == ABSTENTION else example.answer
            messages.append(Message("assistant", self._form.answer(answer)))
        return messages

    def _user_text(self, question: str, passages: tuple[str, ...], ask: str) -> str:
        wording = self._wording
        texts = [f"[{number}] {_indent(text)}".rstrip() for number, text in enumerate(passages, start=1)]
        context = "\n\n".join([wording.context, *texts]) if texts else wording.no_context
        return f"{context}\n\n{wording.question} {_indent(question)}\n\n{ask}"


def _indent(text: str) -> str:
    # No line but the first starts at the left margin: no passage can look like another part of the prompt.
    return "\n".join(
        (f"{_INDENT}{line}" if number else line).rstrip() for number, line in enumerate(text.strip().splitlines())
    )


def _literal(text: str) -> str:
    return f"{{% raw %}}{text}{{% endraw %}}" if "{" in text else text


def _json_string(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)
