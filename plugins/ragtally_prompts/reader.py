"""The reader behind `chat`: writes one prompt per question, in the words that the model is asked to answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ragtally import DataError, Examples, Prompt, Reading, did_you_mean
from ragtally.support.prompt_template import PromptTemplate


class Example(NamedTuple):
    """One labelled question that a prompt shows."""

    question: str
    passages: tuple[str, ...]  # Of its gold context
    answer: str  # Gold, in the word that the model is asked to use


class PromptWriter(Protocol):
    """Writes a prompt for one question."""

    def write(
        self, question: str, passages: tuple[str, ...], answers: tuple[str, ...], examples: tuple[Example, ...]
    ) -> Prompt:
        """Write the prompt."""
        ...


class OwnPrompt:
    """Writes prompts by the user's own template.

    It sees `question` (text), `passages` (texts, best first; none under `closed_book`), `answers` (the declared
    answers, or the `words` for them) and `examples` (each with `question`, `passages` and `answer`).
    """

    def __init__(self, source: str, path: str, *, shows_examples: bool) -> None:
        loop = "write {% for example in examples %}...{% endfor %}, or leave `examples` out of the spec"
        variables = {
            "question": "write {{ question }} where the question is to stand",
            "passages": "write {% for passage in passages %}{{ passage }}{% endfor %}; the control closed_book asks "
            "without them",
            "answers": None,
            "examples": loop if shows_examples else None,
        }
        fields = "an example has question, passages and answer"
        self._template = PromptTemplate(source, path, variables, fields=fields)

    def write(
        self, question: str, passages: tuple[str, ...], answers: tuple[str, ...], examples: tuple[Example, ...]
    ) -> Prompt:
        return self._template.write(question=question, passages=passages, answers=answers, examples=examples)


@runtime_checkable
class TemplatedWriter(PromptWriter, Protocol):
    """Writes prompts that one Jinja template says as well."""

    def template(self, answers: tuple[str, ...], examples: tuple[Example, ...]) -> Prompt | None:
        """Write the template; None where there is none."""
        ...


class AnswerForm(Protocol):
    """The form of an answer."""

    def schema(self, answers: tuple[str, ...]) -> Mapping[str, Any]:
        """Say it as a JSON schema."""
        ...


class ChatReader:
    """Writes prompts; what is not in the reading or in the examples cannot get into them."""

    def __init__(
        self, writer: PromptWriter, words: Mapping[str, str] | None, examples: int, form: AnswerForm
    ) -> None:
        self._writer = writer
        self._form = form
        self._words = words
        self._examples = examples

    def prompts(self, reading: Reading, examples: Examples | None) -> Sequence[Prompt]:
        words = self._words_of(reading.answers)
        shots = self._shots(examples, words)
        answers = tuple(words[answer] for answer in reading.answers)
        return [
            self._writer.write(question, tuple(passages), answers, shots)
            for question, passages in zip(reading.question, reading.passages, strict=True)
        ]

    def schema(self, answers: tuple[str, ...]) -> Mapping[str, Any]:
        words = self._words_of(answers)
        return self._form.schema(tuple(words[answer] for answer in answers))

    def template(self, answers: tuple[str, ...], examples: Examples | None) -> Prompt | None:
        if not isinstance(self._writer, TemplatedWriter):
            return None
        words = self._words_of(answers)
        return self._writer.template(tuple(words[answer] for answer in answers), self._shots(examples, words))

    def _words_of(self, answers: tuple[str, ...]) -> Mapping[str, str]:
        if self._words is None:
            return {answer: answer for answer in answers}
        unknown = [answer for answer in self._words if answer not in answers]
        missing = [answer for answer in answers if answer not in self._words]
        if unknown:
            hint = did_you_mean(unknown[0], missing) if missing else "remove it"
            choices = ", ".join(answers)
            raise DataError(f"`words` names {unknown[0]!r}, which is not among the answers {choices}", hint=hint)
        if missing:
            hint = f"words: {{..., {missing[0]}: ...}}"
            raise DataError(f"`words` has no word for the answer {missing[0]!r}", hint=hint)
        return self._words

    def _shots(self, examples: Examples | None, words: Mapping[str, str]) -> tuple[Example, ...]:
        count = 0 if examples is None else len(examples)
        if count != self._examples:
            raise DataError(
                f"every prompt is to show {self._examples} examples, but there are {count}",
                hint=f"examples: {count}, or a training split with more questions",
            )
        if examples is None:
            return ()
        rows = zip(examples.reading.question, examples.reading.passages, examples.label, strict=True)
        # Open answers have no words of their own: the example's is its first reference.
        return tuple(
            Example(question, tuple(passages), words.get(label, label)) for question, passages, label in rows
        )
