"""The reader `chat`: asks a language model, with a built-in prompt or a template of your own.

    readers:
      short:  {chat: {model: llama}}
      slow:   {chat: {model: llama, prompt: explain_then_label}}
      shown:  {chat: {model: llama, examples: 3, train: {split: train}}}
      german: {chat: {model: llama, words: {yes: ja, no: nein, maybe: vielleicht}}}
      free:   {chat: {model: llama, structured: false}}
      own:    {chat: {model: llama, template: prompts/own.jinja}}
      port:   {chat: {model: llama, language: pt}}
      listed: {chat: {model: llama, template: prompts/list.jinja, options: {A: yes, B: no}, answer_key: [choice]}}

Whether its draws are fresh follows from the model: the engine takes those of a deterministic model to be fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import (
    PARSER_PARAMETERS,
    STRUCTURED_PARAMETER,
    TRAIN_PARAMETER,
    AnswerKinds,
    Component,
    DataError,
    Location,
    ReaderTraits,
    SpecError,
    Starter,
    Structured,
    file_hash,
    hookimpl,
    raise_all,
)

if TYPE_CHECKING:
    from ragtally import PromptingReader
    from ragtally_chat.reader import OwnPrompt

MOST_EXAMPLES = 64

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "x-ragtally-kind": "model",
        "description": "The model that is asked, by its name under `models`.",
    },
    "prompt": {
        "enum": ["label_only", "explain_then_label", "short_answer", None],
        "default": None,
        "description": "What is asked for: the answer alone (label_only, also where neither this nor a template is "
        "given), or reasoning and then the answer (explain_then_label). Where answers are open: as few words as "
        "possible, or that it cannot be answered (short_answer, which is the default there).",
    },
    "language": {
        "enum": ["en", "pt", "es", None],
        "default": None,
        "description": "The language of the built-in prompts; English where it is left out.",
        "x-ragtally-identity": "if set",
    },
    "template": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "A file with a prompt of your own in place of `prompt`: a Jinja template that sees question, "
        "passages, answers and examples; relative to the folder that the command runs in.",
        "x-ragtally-identity": False,
    },
    "instructions": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "A sentence or two that the system message adds, such as when to answer maybe.",
    },
    "words": {
        "type": ["object", "null"],
        "additionalProperties": {"type": "string", "minLength": 1},
        "minProperties": 1,
        "default": None,
        "description": "The word by which the model is asked to name each answer, as in {yes: ja, no: nein}; the "
        "answers' own words if omitted.",
    },
    "structured": STRUCTURED_PARAMETER,
    "examples": {
        "type": "integer",
        "minimum": 0,
        "maximum": MOST_EXAMPLES,
        "default": 0,
        "description": "How many labelled questions of the training split are shown first, with their gold context.",
    },
    "train": TRAIN_PARAMETER,
    **PARSER_PARAMETERS,
}


def build(
    prompt: str | None,
    template: str | None,
    instructions: str | None,
    words: Mapping[str, str] | None,
    structured: Structured,
    examples: int,
    language: str | None = None,
    model: object = None,
    options: object = None,
    answer_key: object = None,
) -> PromptingReader:
    """Build the reader; what `structured: auto` comes to is settled by then."""
    from ragtally_chat.prompts import BuiltInPrompt, Form
    from ragtally_chat.reader import ChatReader
    from ragtally_chat.wording import WORDINGS

    _check(prompt, template, instructions, words, structured, examples, language)
    form = Form(
        explains=prompt == "explain_then_label",
        structured=structured in (True, "prompt"),
        instructions=instructions,
        wording=WORDINGS[language or "en"],
    )
    writer = BuiltInPrompt(form) if template is None else _template(template, examples)
    return ChatReader(writer, words, examples, form)


def traits(parameters: Mapping[str, Any]) -> ReaderTraits:
    """Describe the reader; refuse parameters or a template with which no prompt can be written."""
    names = ("prompt", "template", "instructions", "words", "structured", "examples", "language")
    _check(*(parameters[name] for name in names))
    if parameters["template"] is not None:
        _template(parameters["template"], parameters["examples"])
    words, structured = parameters["words"] or {}, parameters["structured"]
    if parameters["template"] is not None and structured == "auto":
        # Only its author knows whether the answer that a template asks for fits into an object.
        structured = False
    return ReaderTraits(
        prompts=True,
        examples=parameters["examples"],
        words=tuple(words.items()),
        structured=structured,
        options=tuple((parameters["options"] or {}).items()),
        answer_key=tuple(parameters["answer_key"] or ()),
        answers=_answer_kinds(parameters),
    )


def _answer_kinds(parameters: Mapping[str, Any]) -> AnswerKinds:
    if parameters["prompt"] == "short_answer":
        return "open"
    return "labels" if parameters["prompt"] is not None or parameters["words"] else "both"


def fingerprint(parameters: Mapping[str, Any]) -> str | None:
    path = parameters["template"]
    if path is None:
        return None
    try:
        return file_hash(Path(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def _check(
    prompt: str | None,
    template: str | None,
    instructions: str | None,
    words: Mapping[str, str] | None,
    structured: Structured,
    examples: int,
    language: str | None,
) -> None:
    errors = []
    if template is not None:
        others = {
            "prompt": prompt is not None,
            "instructions": instructions is not None,
            "language": language is not None,
            "structured: prompt": structured == "prompt",
        }
        errors += [
            SpecError(
                f"`template` and `{name}` are given, but a template alone says what is asked",
                hint=f"leave `{name}` out and write it into {template}, or leave `template` out",
            )
            for name, is_set in others.items()
            if is_set
        ]
    elif prompt == "explain_then_label" and examples:
        message = "`explain_then_label` takes no `examples`: without explanations, they would teach to give none"
        errors.append(SpecError(message, hint="use prompt: label_only, examples: 0, or a template of your own"))
    raise_all([*errors, *_word_errors(words or {})])


def _word_errors(words: Mapping[str, str]) -> Iterator[SpecError]:
    by_word: dict[str, str] = {}
    for answer, word in words.items():
        if word != word.strip() or not word.isprintable() or not word:
            yield SpecError(f"the word {word!r} for {answer!r} is no plain word", hint="leave white space out")
        same = by_word.setdefault(word.casefold(), answer)
        if same != answer:
            yield SpecError(
                f"`words` names {same!r} and {answer!r} by the same word {word!r}", hint="give each a word of its own"
            )


def _template(path: str, examples: int) -> OwnPrompt:
    try:
        status = Path(path).stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return _compile(path, bool(examples), (status.st_mtime_ns, status.st_size, status.st_ino, str(Path.cwd())))


@lru_cache(maxsize=32)
def _compile(path: str, shows_examples: bool, state: tuple[int, int, int, str]) -> OwnPrompt:
    # Traits are asked for in every cell: an unchanged file is compiled once.
    from ragtally.support.prompt_template import read_template
    from ragtally_chat.reader import OwnPrompt

    try:
        return OwnPrompt(read_template(path), path, shows_examples=shows_examples)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> DataError:
    return DataError(
        f"the template cannot be read: {error.strerror}",
        location=Location(path),
        hint=f"paths are relative to the folder the command runs in, now {Path.cwd()}",
    )


@hookimpl
def register_readers() -> list[Component]:
    return [
        Component(
            name="chat",
            build=build,
            summary="Asks a language model, with a built-in prompt or a template of your own.",
            params=_PARAMETERS,
            fingerprint=fingerprint,
            traits=traits,
            starter=lambda model: Starter({"model": model}),
        )
    ]
