"""What a component finds wrong with its own parameters is an error of the spec, at the parameter's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ragtally.api import Component, MetricTraits, ParameterFault, RagtallyError
from ragtally.registry import Registry
from ragtally.spec.study import Study

from .conftest import registry_of

Load = Callable[[str], Study]
Errors = Callable[[str], list[RagtallyError]]
SIZE = {"type": "integer", "default": 4, "description": "A size."}


def odd(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    faults = [
        ParameterFault(name, f"{name} is odd: {parameters[name]}", "make it even")
        for name in ("size", "step")
        if parameters[name] % 2
    ]
    if parameters["size"] < parameters["step"]:
        faults.append(ParameterFault(None, "the steps are longer than the pieces"))
    return faults


@pytest.fixture(scope="module")
def registry() -> Registry:
    params = {"size": SIZE, "step": SIZE}
    return registry_of(
        {
            "dataset": [Component("toy", dict, "A toy.")],
            "chunker": [Component("even", dict, "Cuts.", params=params, check=odd)],
            "retriever": [Component("any", dict, "Finds.")],
            "metric": [Component("found", dict, "Candidates.", traits=MetricTraits(measures="retrieval"))],
        }
    )


def spec(chunker: str) -> str:
    return (
        f"study: a\ndataset: toy\ngrid:\n  chunker: [{chunker}]\n  retriever: [any]\n  top_k: [1]\nmetrics: [found]\n"
    )


@pytest.mark.parametrize(
    ("chunker", "found"),
    [
        ("{even: {size: 5}}", [("size is odd: 5", 27)]),
        ("{even: {size: 7, step: 3}}", [("size is odd: 7", 27), ("step is odd: 3", 36)]),
        ("{even: {size: [4, 5, 7]}}", [("size is odd: 5", 27), ("size is odd: 7", 27)]),
        ("{even: {size: 2}}", [("the steps are longer than the pieces", 20)]),
    ],
)
def test_faults_have_the_parameters_place(errors: Errors, chunker: str, found: list[tuple[str, int]]) -> None:
    faults = errors(spec(chunker))
    assert sorted((fault.message, fault.location.column) for fault in faults if fault.location) == sorted(found)
    assert all(fault.location and fault.location.line == 4 for fault in faults)
    assert all(fault.hint == "make it even" for fault in faults if "odd" in fault.message)


@pytest.mark.parametrize("chunker", ["even", "{even: {size: 6, step: 2}}"])
def test_what_is_right_is_taken(load: Load, chunker: str) -> None:
    assert load(spec(chunker)).grid.chunker


@pytest.mark.parametrize("key", ["api_key", "apikey", "OPENAI_API_KEY", "password", "access_token", "client_secret"])
def test_a_key_in_a_spec_is_refused_and_not_repeated(errors: Errors, key: str) -> None:
    (error,) = errors(spec(f"{{even: {{{key}: gsk_abcdefgh}}}}"))
    assert "no place in a spec" in error.message
    assert ".env" in str(error.hint)
    assert "gsk_abcdefgh" not in str(error)
