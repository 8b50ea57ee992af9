"""What a component finds wrong with its own parameters is an error of the spec, at the parameter's place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ragtally.api import Component, ErrorList, MetricTraits, ParameterFault, RagtallyError
from ragtally.registry import Registry, RegistryEntry
from ragtally.spec.load import load_study

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
    offered = [
        ("dataset", Component("toy", dict, "A toy.")),
        ("chunker", Component("even", dict, "Cuts.", params={"size": SIZE, "step": SIZE}, check=odd)),
        ("retriever", Component("any", dict, "Finds.")),
        ("metric", Component("found", dict, "Candidates.", traits=MetricTraits(measures="retrieval"))),
    ]
    return Registry(
        {(kind, each.name): RegistryEntry(each, kind, "made", "made 1.0") for kind, each in offered},
    )


def errors_of(chunker: str, registry: Registry, folder: Path) -> list[RagtallyError]:
    path = folder / "a.yaml"
    path.write_text(
        f"study: a\ndataset: toy\ngrid:\n  chunker: [{chunker}]\n  retriever: [any]\n  top_k: [1]\n"
        "metrics: [found]\n",
        encoding="utf-8",
    )
    try:
        load_study(path, registry)
    except ErrorList as error:
        return list(error.errors)
    except RagtallyError as error:
        return [error]
    return []


@pytest.mark.parametrize(
    ("chunker", "found"),
    [
        ("even", []),
        ("{even: {size: 6, step: 2}}", []),
        ("{even: {size: 5}}", [("size is odd: 5", 27)]),
        ("{even: {size: 7, step: 3}}", [("size is odd: 7", 27), ("step is odd: 3", 36)]),
        ("{even: {size: [4, 5, 7]}}", [("size is odd: 5", 27), ("size is odd: 7", 27)]),
        ("{even: {size: 2}}", [("the steps are longer than the pieces", 20)]),
    ],
)
def test_faults_have_the_parameters_place(
    chunker: str, found: list[tuple[str, int]], registry: Registry, tmp_path: Path
) -> None:
    errors = errors_of(chunker, registry, tmp_path)
    places = [
        (error.message, error.location.column) for error in errors if error.location and error.location.line == 4
    ]
    assert sorted(places) == sorted(found)
    assert len(errors) == len(found)


def test_the_hint_is_passed_on(registry: Registry, tmp_path: Path) -> None:
    (error,) = errors_of("{even: {size: 5}}", registry, tmp_path)
    assert error.hint == "make it even"


@pytest.mark.parametrize("key", ["api_key", "apikey", "OPENAI_API_KEY", "password", "access_token", "client_secret"])
def test_a_key_in_a_spec_is_refused_and_not_repeated(key: str, registry: Registry, tmp_path: Path) -> None:
    (error,) = errors_of(f"{{even: {{{key}: gsk_abcdefgh}}}}", registry, tmp_path)
    assert "no place in a spec" in error.message
    assert ".env" in str(error.hint)
    assert "gsk_abcdefgh" not in str(error)
