"""The reader `fine_tuning`: asks a language model that its provider has fine-tuned on the study's own examples.

    models:
      mini:  {litellm: {model: openai/gpt-4.1-mini-2025-04-14, temperature: 0, fine_tuning: {training: 5}}}
    readers:
      tuned: {fine_tuning: {model: mini, epochs: 3, train: {split: train}}}

It asks as the reader `chat` does (`prompt: label_only`, or open answers), and its examples are those very prompts
with the right replies. They are uploaded to the model's provider. One training serves all votes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import (
    PARSER_PARAMETERS,
    STRUCTURED_PARAMETER,
    TRAIN_PARAMETER,
    Component,
    ParameterFault,
    ReaderTraits,
    hookimpl,
    raise_all,
)
from ragtally_prompts import PROMPT_PARAMETERS, own_prompt, template_fingerprint, word_errors

if TYPE_CHECKING:
    from ragtally import TuningReader

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "x-ragtally-kind": "model",
        "description": "The model that is fine-tuned, by its name under `models`.",
    },
    "train": TRAIN_PARAMETER,
    "epochs": {
        "type": "integer",
        "minimum": 1,
        "default": 3,
        "description": "How often the examples are gone through, which is what is paid for.",
    },
    "batch": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "After how many examples the weights change; the provider's choice if omitted.",
    },
    "rate_multiplier": {
        "type": ["number", "null"],
        "exclusiveMinimum": 0,
        "default": None,
        "description": "By how much the provider's learning rate is multiplied; its choice if omitted.",
    },
    "seed": {
        "type": "integer",
        "minimum": 0,
        "default": 0,
        "description": "The seed that the provider gets for the training; the study's if omitted.",
    },
    **PROMPT_PARAMETERS,
    "structured": STRUCTURED_PARAMETER,
    **PARSER_PARAMETERS,
}


def _build(**parameters: Any) -> TuningReader:
    from ragtally_fine_tuning.reader import FineTuningReader

    return FineTuningReader(parameters)


def _traits(parameters: Mapping[str, Any]) -> ReaderTraits:
    words, structured = parameters["words"] or {}, parameters["structured"]
    raise_all(list(word_errors(words)))
    if parameters["template"] is not None:
        own_prompt(parameters["template"], 0)
        # Only its author knows whether the answer that a template asks for is an object.
        structured = False if structured == "auto" else structured
    return ReaderTraits(
        prompts=True,
        trains=True,
        words=tuple(words.items()),
        structured=structured,
        options=tuple((parameters["options"] or {}).items()),
        answer_key=tuple(parameters["answer_key"] or ()),
        answers="labels" if words else "both",
    )


def _check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    if parameters["template"] is None or parameters["instructions"] is None:
        return []
    message = "`template` and `instructions` are given, but a template alone says what is asked"
    return [ParameterFault("instructions", message, "write them into the template")]


@hookimpl
def register_readers() -> list[Component]:
    return [
        Component(
            name="fine_tuning",
            build=_build,
            summary="Asks a language model that its provider has fine-tuned on the study's examples; one training.",
            params=_PARAMETERS,
            fingerprint=template_fingerprint,
            traits=_traits,
            check=_check,
        )
    ]
