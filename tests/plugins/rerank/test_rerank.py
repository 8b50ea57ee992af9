"""The component rerank: which parameters fit together, and what the engine is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.rerank.sample_candidates import COMPONENT, DEFAULTS, ENCODER
from ragtally.api import Choice

MODEL = Choice("model", "litellm", {"model": "ollama_chat/llama3.1:8b"})


@pytest.mark.parametrize(
    ("given", "parameter", "words"),
    [
        ({}, None, "nothing says what"),
        ({"cross_encoder": ENCODER, "model": MODEL}, "model", "one of them ranks"),
        ({"cross_encoder": ENCODER, "passage_words": 50}, "passage_words", "of a model"),
        ({"model": MODEL, "revision": "main"}, "revision", "of a cross_encoder"),
        ({"model": MODEL, "max_tokens": 128}, "max_tokens", "of a cross_encoder"),
        ({"model": MODEL, "batch": 8}, "batch", "of a cross_encoder"),
        ({"model": MODEL, "device": "cpu"}, "device", "of a cross_encoder"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(given: Any, parameter: str | None, words: str) -> None:
    (fault,) = COMPONENT.check({**DEFAULTS, **given})
    assert fault.parameter == parameter
    assert words in fault.message
    assert fault.hint


@pytest.mark.parametrize(
    "given",
    [
        {"cross_encoder": ENCODER},
        {
            "cross_encoder": "models/own",
            "max_tokens": 128,
            "batch": 8,
            "device": "cpu",
            "revision": "v2",
            "first": 50,
        },
        {"model": MODEL, "passage_words": 30, "first": 5},
    ],
)
def test_parameters_that_fit_together_are_taken(given: Any) -> None:
    assert COMPONENT.check({**DEFAULTS, **given}) == []


def test_the_traits_say_who_is_asked() -> None:
    by_encoder = COMPONENT.traits({**DEFAULTS, "cross_encoder": ENCODER, "first": 7})
    by_model = COMPONENT.traits({**DEFAULTS, "model": MODEL, "first": 9})
    assert by_encoder.reads == by_model.reads == {"text", "hits"}
    assert (by_encoder.depth, by_encoder.prompts) == (7, False)
    assert (by_model.depth, by_model.prompts) == (9, True)


def test_a_language_model_needs_nothing_here() -> None:
    parameters = {**DEFAULTS, "model": MODEL}
    assert COMPONENT.fingerprint(parameters) is None
    assert COMPONENT.diagnose(parameters) == []
    COMPONENT.provide(parameters, lambda *_: pytest.fail("there is nothing to get"))


def test_where_it_computes_and_how_fast_is_no_part_of_the_identity() -> None:
    external_resource = {
        name for name, schema in COMPONENT.params.items() if schema.get("x-ragtally-identity") is False
    }
    assert external_resource == {"batch", "device"}
    told = {name for name, schema in COMPONENT.params.items() if schema.get("x-ragtally-identity") == "fingerprint"}
    assert told == {"cross_encoder", "revision"}
