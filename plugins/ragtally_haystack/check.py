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
    forbidden = [*refusals(definition), *written_out(definition)]
    if forbidden:
        return list(dict.fromkeys(forbidden))
    class_found = find_class(definition.type)
    if isinstance(class_found, Fault):
        return [class_found]
    messages = [
        Fault(f"{name} is not the spec's to say: {why}", f"remove {name}")
        for name, why in role.ours.items()
        if name in definition.parameters
    ]
    return [
        *messages,
        *([] if class_found is None else _of_class(role, definition, class_found)),
        *_inside(definition),
    ]


def check_chunker(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the chunker (see `ragtally.api.Component.check`)."""
    return _of_parameters(SPLITTER, parameters)


def check_embedder(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the embedder (see `ragtally.api.Component.check`)."""
    pair = (("document", DOCUMENT_EMBEDDER), ("query", TEXT_EMBEDDER))
    return [fault for name, role in pair for fault in _under(name, role, parameters)]


def check_retriever(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the retriever (see `ragtally.api.Component.check`)."""
    problems = [
        fault
        for name, role in (("store", STORE), ("retriever", RETRIEVER))
        for fault in _under(name, role, parameters)
    ]
    if problems:
        return problems
    definition = definition_of(parameters["retriever"])
    of_class = find_class(definition.type)
    if not isinstance(of_class, Class):
        return []
    init, run = parameters_of(of_class, "__init__"), parameters_of(of_class, "run")
    if init is not None and "document_store" not in init.names:
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
    problems = _of_parameters(GENERATOR, parameters)
    if parameters["price"] is not None and parameters["usd_per_hour"] is not None:
        message = "a model costs either by tokens or by the hour"
        problems.append(ParameterFault("usd_per_hour", message, "remove price or usd_per_hour"))
    of_class = None if problems else find_class(parameters["type"])
    run = parameters_of(of_class, "run") if isinstance(of_class, Class) else None
    if run is not None and "generation_kwargs" not in run.names and parameters["send_seed"]:
        message = f"{parameters['type']} takes no parameters of a single call, so that no seed can be sent"
        problems.append(ParameterFault("type", message, "send_seed: false"))
    return problems


def _of_parameters(role: Role, parameters: Mapping[str, Any]) -> list[ParameterFault]:
    definition = definition_of(parameters)
    return [ParameterFault(None, *fault) for fault in faults(role, definition)]


def _under(name: str, role: Role, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    for fault in faults(role, definition_of(parameters[name])):
        yield ParameterFault(name, *fault)


def _of_class(role: Role, definition: Definition, of_class: Class) -> Iterator[Fault]:
    if role is STORE:
        if any(has_method(of_class, method) is False for method in STORE_METHODS):
            yield Fault(f"{definition.type} is no document store", f"as in {role.example}")
            return
    elif is_component(of_class) is False:
        yield Fault(f"{definition.type} is no Haystack component", f"as in {role.example}")
        return
    run = parameters_of(of_class, "run") if role.one_of else None
    fault = None if run is None else input_fault(role, definition, run.names, run.required)
    if fault is not None:
        yield fault
        return
    init = parameters_of(of_class, "__init__")
    if init is not None:
        values = {**definition.parameters, **({"document_store": None} if role is RETRIEVER else {})}
        yield from _of_init(definition.type, init, values, role.ours)


def _inside(definition: Definition) -> Iterator[Fault]:
    """Check the components among the parameters, as far as their source tells."""
    for inner in mappings(definition.parameters):
        name = class_named(inner)
        if name is None:
            continue
        class_found = find_class(name)
        if isinstance(class_found, Fault):
            yield class_found
        elif class_found is not None and isinstance(inner.get("init_parameters"), Mapping):
            init = parameters_of(class_found, "__init__")
            if init is not None:
                yield from _of_init(name, init, inner["init_parameters"], {})


def _of_init(name: str, init: Parameters, values: Mapping[str, Any], ours: Mapping[str, str]) -> Iterator[Fault]:
    for parameter in values:
        if parameter not in init.names and parameter not in ours:
            names = [names for names in init.names if names not in ours]
            yield Fault(f"{name} has no parameter {parameter!r}", did_you_mean(parameter, names))
    for parameter in sorted(init.required - values.keys()):
        yield Fault(f"{name} needs the parameter {parameter!r}", f"init_parameters: {{{parameter}: ...}}")
    for parameter, value in values.items():
        secret = re.search(r"\bSecret\b", init.annotations.get(parameter, ""))
        if secret and isinstance(value, str) and value:
            hint = f"{parameter}: {{type: env_var, env_vars: [MY_API_KEY]}}"
            yield Fault(f"{parameter} of {name} is a secret: specs are shared, keys are not", hint)
