"""The user's own template: one file that writes the prompt of one question.

    {% message role="system" %}
    You are a careful reviewer. Judge by the passages alone.
    {% endmessage %}
    {% for example in examples %}
    {% message role="user" %}{{ example.question }}{% endmessage %}
    {% message role="assistant" %}{{ example.answer }}{% endmessage %}
    {% endfor %}
    {% message role="user" %}
    {% for passage in passages %}
    [{{ loop.index }}] {{ passage }}
    {% else %}
    No context is given.
    {% endfor %}

    {{ question }}
    Answer with one of: {{ answers | join(", ") }}.
    {% endmessage %}

The language is Jinja's, cut down to what a prompt needs, so that a template from anywhere can do no harm and always
ends (`ragtally_chat.language`). It sees four names: `question` (text), `passages` (texts, best first; none under
`closed_book`), `answers` (the declared answers, or the `words` for them) and `examples` (each with `question`,
`passages` and `answer`). The tag `message` is the one of Haystack's ChatPromptBuilder. White space around a message,
and a tag's own line, are left out. A template without any message is one message of the user's.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError

from ragtally import DataError, Location, Message, Prompt, RagtallyError, did_you_mean, raise_all
from ragtally_chat.language import Fault, faults_of, free_names
from ragtally_chat.metering import METER, Meter, PromptEnvironment, has_messages, metered
from ragtally_chat.reader import Shown

VARIABLES = ("question", "passages", "answers", "examples")
# How long a template may be.
MOST_BYTES = 100_000
_SPECIMEN = '{% message role="user" %}...{% endmessage %}'
_SYNTAX = f"a tag is {{% if passages %}}...{{% endif %}}, a value {{{{ question }}}}, a message {_SPECIMEN}"


def read_template(path: str) -> str:
    """Read a template's file."""
    with Path(path).open("rb") as handle:
        content = handle.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        hint = f"{MOST_BYTES:,} bytes at most"
        raise DataError("the template is too long", location=Location(path), hint=hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            "the template is no UTF-8 text", location=Location(path, line), hint="save it as UTF-8"
        ) from error


class OwnTemplate:
    """A template, checked and compiled once; keeps nothing of what it has written."""

    def __init__(self, source: str, path: str, *, shows_examples: bool) -> None:
        self._path = path
        try:
            self._template, self._in_messages = self._compile(source, shows_examples)
        except TemplateSyntaxError as error:
            raise self._fault(error.lineno, error.message or "it is no template", _SYNTAX) from error
        except (ValueError, SyntaxError, RecursionError, MemoryError, OverflowError) as error:
            raise self._fault(None, f"it is no template: {type(error).__name__}", "make it simpler") from error

    def write(
        self, question: str, passages: tuple[str, ...], answers: tuple[str, ...], examples: tuple[Shown, ...]
    ) -> Prompt:
        """Write the prompt (see `ragtally_chat.reader.PromptWriter`)."""
        meter = Meter()
        values = dict(zip(VARIABLES, (question, passages, answers, examples), strict=True))
        try:
            rest = self._template.render({**values, METER: meter})
        except UndefinedError as error:
            raise self._failed(error, "an example has question, passages and answer") from error
        except SecurityError as error:
            raise self._failed(error, "only what is put before the reader can be used") from error
        except Exception as error:
            raise self._failed(error, None) from error
        messages = meter.messages if self._in_messages else [Message("user", rest.strip())]
        self._check_messages(messages)
        return tuple(messages)

    def _compile(self, source: str, shows_examples: bool) -> tuple[Template, bool]:
        environment = PromptEnvironment()
        tree = environment.parse(source, self._path, self._path)
        found = list(dict.fromkeys(faults_of(tree, VARIABLES)))
        if not found:
            found = list(self._name_faults(tree, shows_examples))
        raise_all([self._fault(*fault) for fault in found])
        in_messages = has_messages(tree)
        code = environment.compile(metered(tree), self._path, self._path)
        return Template.from_code(environment, code, {}), in_messages

    def _name_faults(self, tree: nodes.Template, shows_examples: bool) -> list[Fault]:
        used = free_names(tree)
        unknown = [name for name in used if name not in VARIABLES]
        if unknown:
            return [
                Fault(used[name], f"there is no variable {name!r}", did_you_mean(name, VARIABLES)) for name in unknown
            ]
        needed = {"question": True, "passages": True, "examples": shows_examples}
        hints = {
            "question": "write {{ question }} where the question is to stand",
            "passages": "write {% for passage in passages %}{{ passage }}{% endfor %}; the control closed_book asks "
            "without them",
            "examples": "write {% for example in examples %}...{% endfor %}, or leave `examples` out of the spec",
        }
        return [
            Fault(None, f"the template never uses {name!r}", hints[name])
            for name, wanted in needed.items()
            if wanted and name not in used
        ]

    def _check_messages(self, messages: list[Message]) -> None:
        if not messages or messages[-1].role != "user":
            raise self._fault(None, "the last message must be the user's", _SPECIMEN)
        for message in messages:
            if not message.content:
                raise self._fault(None, f"a message of the role {message.role} is empty", "put {% if %} around it")

    def _failed(self, error: Exception, hint: str | None) -> RagtallyError:
        lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if self._is_own(frame)]
        message = getattr(error, "message", None) or str(error) or type(error).__name__
        return self._fault(lines[-1] if lines else None, message, hint)

    def _is_own(self, frame: Any) -> bool:
        return bool(frame.f_code.co_filename == self._path)

    def _fault(self, line: int | None, message: str, hint: str | None) -> DataError:
        return DataError(message, location=Location(self._path, line), hint=hint)
