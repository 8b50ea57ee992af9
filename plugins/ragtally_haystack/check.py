"""What is wrong with a definition, found without importing the package that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragtally import ParameterFault, did_you_mean
from ragtally_haystack.definition import Definition, Fault, class_named, definition_of, mappings
from ragtally_haystack.packages import refusals
from ragtally_haystack.roles import (
    DOCUMENT_EMBEDDER,
    GENERATOR,
    RETRIEVER,
    SPLITTER,
    STORE,
    STORE_METHODS,
    TEXT_EMBEDDER,
    Role,
    input_fault,
)
from ragtally_haystack.secrets import written_out
from ragtally_haystack.signature import Parameters, has_method, is_component, parameters_of
from ragtally_haystack.source import Class, find_class


def faults(role: Role, definition: Definition) -> list[Fault]:
    """Say what is wrong with a component."""
    refused = [*refusals(definition), *written_out(definition)]
    if refused:
        return list(dict.fromkeys(refused))
    found = find_class(definition.type)
    if isinstance(found, Fault):
        return [found]
    said = [
        Fault(f"{name} is not the spec's to say: {why}", f"remove {name}")
        for name, why in role.ours.items()
        if name in definition.parameters
    ]
    return [*said, *([] if found is None else _of_class(role, definition, found)), *_inside(definition)]


def check_chunker(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the chunker (see `ragtally.api.Component.check`)."""
    return _of_parameters(SPLITTER, parameters)


def check_embedder(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the embedder (see `ragtally.api.Component.check`)."""
    pair = (("document", DOCUMENT_EMBEDDER), ("query", TEXT_EMBEDDER))
    return [fault for name, role in pair for fault in _under(name, role, parameters)]


def check_retriever(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the retriever (see `ragtally.api.Component.check`)."""
    found = [
        fault
        for name, role in (("store", STORE), ("retriever", RETRIEVER))
        for fault in _under(name, role, parameters)
    ]
    if found:
        return found
    definition = definition_of(parameters["retriever"])
    of_class = find_class(definition.type)
    if not isinstance(of_class, Class):
        return []
    made, run = parameters_of(of_class, "__init__"), parameters_of(of_class, "run")
    if made is not None and "document_store" not in made.names:
        message = f"{definition.type} takes no document_store, so it cannot be given the one under store"
        return [ParameterFault("retriever", message, f"as in {RETRIEVER.example}")]
    if run is None:
        return []
    if "query_embedding" in run.required and parameters["embedder"] is None:
        return [
            ParameterFault("retriever", f"{definition.type} compares vectors", "add embedder, as in embedder: lsa")
        ]
    if "query_embedding" not in run.names and parameters["embedder"] is not None:
        return [ParameterFault("embedder", f"{definition.type} reads no vectors", "remove embedder")]
    return []


def check_model(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the model (see `ragtally.api.Component.check`)."""
    found = _of_parameters(GENERATOR, parameters)
    if parameters["price"] is not None and parameters["usd_per_hour"] is not None:
        message = "a model costs either by tokens or by the hour"
        found.append(ParameterFault("usd_per_hour", message, "remove price or usd_per_hour"))
    of_class = None if found else find_class(parameters["type"])
    run = parameters_of(of_class, "run") if isinstance(of_class, Class) else None
    if run is not None and "generation_kwargs" not in run.names and parameters["send_seed"]:
        message = f"{parameters['type']} takes no parameters of a single call, so that no seed can be sent"
        found.append(ParameterFault("type", message, "send_seed: false"))
    return found


def _of_parameters(role: Role, parameters: Mapping[str, Any]) -> list[ParameterFault]:
    definition = definition_of(parameters)
    return [ParameterFault(None, *fault) for fault in faults(role, definition)]


def _under(name: str, role: Role, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    for fault in faults(role, definition_of(parameters[name])):
        yield ParameterFault(name, *fault)


def _of_class(role: Role, definition: Definition, found: Class) -> Iterator[Fault]:
    if role is STORE:
        if any(has_method(found, method) is False for method in STORE_METHODS):
            yield Fault(f"{definition.type} is no document store", f"as in {role.example}")
            return
    elif is_component(found) is False:
        yield Fault(f"{definition.type} is no Haystack component", f"as in {role.example}")
        return
    run = parameters_of(found, "run") if role.one_of else None
    fault = None if run is None else input_fault(role, definition, run.names, run.required)
    if fault is not None:
        yield fault
        return
    made = parameters_of(found, "__init__")
    if made is not None:
        given = {**definition.parameters, **({"document_store": None} if role is RETRIEVER else {})}
        yield from _of_init(definition.type, made, given, role.ours)


def _inside(definition: Definition) -> Iterator[Fault]:
    """Check the components among the parameters, as far as their source tells."""
    for written in mappings(definition.parameters):
        name = class_named(written)
        if name is None:
            continue
        found = find_class(name)
        if isinstance(found, Fault):
            yield found
        elif found is not None and isinstance(written.get("init_parameters"), Mapping):
            made = parameters_of(found, "__init__")
            if made is not None:
                yield from _of_init(name, made, written["init_parameters"], {})


def _of_init(name: str, made: Parameters, given: Mapping[str, Any], ours: Mapping[str, str]) -> Iterator[Fault]:
    for parameter in given:
        if parameter not in made.names and parameter not in ours:
            known = [known for known in made.names if known not in ours]
            yield Fault(f"{name} has no parameter {parameter!r}", did_you_mean(parameter, known))
    for parameter in sorted(made.required - given.keys()):
        yield Fault(f"{name} needs the parameter {parameter!r}", f"init_parameters: {{{parameter}: ...}}")
    for parameter, value in given.items():
        secret = re.search(r"\bSecret\b", made.annotations.get(parameter, ""))
        if secret and isinstance(value, str) and value:
            hint = f"{parameter}: {{type: env_var, env_vars: [MY_API_KEY]}}"
            yield Fault(f"{parameter} of {name} is a secret: specs are shared, keys are not", hint)
