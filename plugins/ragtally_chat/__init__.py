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

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import (
    PARSER_PARAMETERS,
    STRUCTURED_PARAMETER,
    TRAIN_PARAMETER,
    AnswerKinds,
    Component,
    ReaderTraits,
    SpecError,
    Starter,
    Structured,
    hookimpl,
    raise_all,
)
from ragtally_prompts import PROMPT_PARAMETERS, own_prompt, template_fingerprint, word_errors

if TYPE_CHECKING:
    from ragtally import PromptingReader

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
    **PROMPT_PARAMETERS,
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
    from ragtally_prompts.builtin import BuiltInPrompt, Form
    from ragtally_prompts.reader import ChatReader
    from ragtally_prompts.wording import WORDINGS

    _check(prompt, template, instructions, words, structured, examples, language)
    form = Form(
        explains=prompt == "explain_then_label",
        structured=structured in (True, "prompt"),
        instructions=instructions,
        wording=WORDINGS[language or "en"],
    )
    writer = BuiltInPrompt(form) if template is None else own_prompt(template, examples)
    return ChatReader(writer, words, examples, form)


def traits(parameters: Mapping[str, Any]) -> ReaderTraits:
    """Describe the reader; refuse parameters or a template with which no prompt can be written."""
    names = ("prompt", "template", "instructions", "words", "structured", "examples", "language")
    _check(*(parameters[name] for name in names))
    if parameters["template"] is not None:
        own_prompt(parameters["template"], parameters["examples"])
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
    raise_all([*errors, *word_errors(words or {})])


@hookimpl
def register_readers() -> list[Component]:
    return [
        Component(
            name="chat",
            build=build,
            summary="Asks a language model, with a built-in prompt or a template of your own.",
            params=_PARAMETERS,
            fingerprint=template_fingerprint,
            traits=traits,
            starter=lambda model: Starter({"model": model}),
        )
    ]
