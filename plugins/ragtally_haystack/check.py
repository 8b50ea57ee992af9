"""What is wrong with a definition, and what it needs of the world outside: packages, and keys."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragtally import Finding, ParameterFault, did_you_mean
from ragtally_haystack.classes import find_class, is_component, is_required, parameters_of, scalar_types
from ragtally_haystack.definition import Definition, Fault, class_named, definition_of, mappings
from ragtally_haystack.refusals import complete, is_secret, refusals
from ragtally_haystack.roles import (
    CONVERTER,
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
from ragtally_haystack.traits import takes_schema

_TYPE_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}


def faults(role: Role, definition: Definition) -> list[Fault]:
    """List what is wrong with a component."""
    forbidden = list(dict.fromkeys(refusals(definition)))
    if forbidden:
        return forbidden
    cls = find_class(definition.type)
    if isinstance(cls, Fault):
        return [cls]
    own = [
        Fault(f"{name} must not be in the spec: {why}", f"remove {name}")
        for name, why in role.reserved.items()
        if name in definition.parameters
    ]
    return [*own, *_of_class(role, definition, cls), *_inside(definition)]


def check_converter(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the converter (see `ragtally.api.Component.check`)."""
    return _of_parameters(CONVERTER, parameters)


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
    type_ = parameters["retriever"]["type"]
    init, run = _parameters(type_, "__init__"), _parameters(type_, "run")
    if init is not None and "document_store" not in init:
        message = f"{type_} takes no document_store, so it cannot search the one under store"
        return [ParameterFault("retriever", message, f"as in {RETRIEVER.example}")]
    if run is None:
        return []
    vectors = run.get("query_embedding")
    if vectors is not None and is_required(vectors) and parameters["embedder"] is None:
        return [ParameterFault("retriever", f"{type_} compares vectors", "add embedder, as in embedder: lsa")]
    if vectors is None and parameters["embedder"] is not None:
        return [ParameterFault("embedder", f"{type_} reads no vectors", "remove embedder")]
    return []


def check_model(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check the parameters of the model (see `ragtally.api.Component.check`)."""
    problems = _of_parameters(GENERATOR, parameters)
    if parameters["price"] is not None and parameters["usd_per_hour"] is not None:
        message = "a model costs either by tokens or by the hour"
        problems.append(ParameterFault("usd_per_hour", message, "remove price or usd_per_hour"))
    run = None if problems else _parameters(parameters["type"], "run")
    if run is not None and "generation_kwargs" not in run and parameters["send_seed"]:
        message = f"{parameters['type']} takes no parameters of a single call, so that no seed can be sent"
        problems.append(ParameterFault("type", message, "send_seed: false"))
    return problems


def _of_parameters(role: Role, parameters: Mapping[str, Any]) -> list[ParameterFault]:
    definition = definition_of(parameters)
    return [_parameter_fault(fault) for fault in faults(role, definition)]


def _under(name: str, role: Role, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    for fault in faults(role, definition_of(parameters[name])):
        yield _parameter_fault(fault, name)


def _parameter_fault(fault: Fault, *outer: str) -> ParameterFault:
    path = (*outer, "init_parameters", fault.parameter) if fault.parameter else outer
    return ParameterFault(".".join(path) or None, fault.message, fault.hint)


def _parameters(type_: str, method: str) -> Mapping[str, inspect.Parameter] | None:
    cls = find_class(type_)
    return None if isinstance(cls, Fault) else parameters_of(cls, method)


def _of_class(role: Role, definition: Definition, cls: type[Any]) -> Iterator[Fault]:
    if role is STORE:
        if not all(hasattr(cls, method) for method in STORE_METHODS):
            yield Fault(f"{definition.type} is not a document store", f"as in {role.example}")
            return
    elif not is_component(cls):
        yield Fault(f"{definition.type} is not a Haystack component", f"as in {role.example}")
        return
    run = parameters_of(cls, "run") if role.inputs else None
    if run is not None:
        required = [name for name, parameter in run.items() if is_required(parameter)]
        fault = input_fault(role, definition, run, required)
        if fault is not None:
            yield fault
            return
    values = {**definition.parameters, **({"document_store": None} if role is RETRIEVER else {})}
    yield from _of_init(definition.type, cls, values, role.reserved)


def _inside(definition: Definition) -> Iterator[Fault]:
    """Check the components among the parameters."""
    for inner in mappings(definition.parameters):
        name = class_named(inner)
        if name is None:
            continue
        cls = find_class(name)
        if isinstance(cls, Fault):
            yield cls
        elif isinstance(inner.get("init_parameters"), Mapping):
            for fault in _of_init(name, cls, inner["init_parameters"], {}):
                yield fault._replace(parameter=None)


def _of_init(name: str, cls: type[Any], values: Mapping[str, Any], reserved: Mapping[str, str]) -> Iterator[Fault]:
    init = parameters_of(cls, "__init__")
    if init is None:
        return
    for parameter in values:
        if parameter not in init and parameter not in reserved:
            choices = [choice for choice in init if choice not in reserved]
            yield Fault(f"{name} has no parameter {parameter!r}", did_you_mean(parameter, choices), parameter)
    for parameter in sorted(name for name in init.keys() - values.keys() if is_required(init[name])):
        yield Fault(f"{name} needs the parameter {parameter!r}", f"init_parameters: {{{parameter}: ...}}")
    for parameter, value in values.items():
        is_key = parameter in init and re.search(r"\bSecret\b", str(init[parameter].annotation))
        if is_key and isinstance(value, str) and value:
            hint = f"{parameter}: {{type: env_var, env_vars: [MY_API_KEY]}}"
            yield Fault(f"{parameter} of {name} is a secret: specs are shared, keys are not", hint, parameter)
    yield from _of_types(name, scalar_types(cls), values)


def _of_types(name: str, types: Mapping[str, tuple[Any, ...]], values: Mapping[str, Any]) -> Iterator[Fault]:
    """Check plain values: `no` is a word in a spec, and a class that wants a truth value takes any word for true."""
    for parameter, value in values.items():
        allowed = types.get(parameter)
        if allowed is None or isinstance(value, Mapping | list) or any(_is_of(value, each) for each in allowed):
            continue
        words = [each for each in allowed if isinstance(each, str)]
        if isinstance(value, str) and words:
            yield Fault(f"{parameter} of {name} cannot be {value!r}", did_you_mean(value, words), parameter)
            continue
        expected = " or ".join(dict.fromkeys(_TYPE_WORDS.get(each, repr(each)) for each in allowed))
        message = f"{parameter} of {name} must be {expected}, not {_written(value)}"
        yield Fault(message, _type_hint(value, allowed), parameter)


def _is_of(value: Any, allowed: Any) -> bool:
    if not isinstance(allowed, type):  # A literal
        return type(value) is type(allowed) and bool(value == allowed)
    # Python counts a truth value among the numbers, and takes a whole number for any other.
    return type(value) is allowed or (allowed is float and type(value) is int)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {value!r}"
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _type_hint(value: Any, allowed: tuple[Any, ...]) -> str | None:
    if bool in allowed and isinstance(value, str):
        return "write true or false: yes, no, on and off are words in a spec"
    if str in allowed and isinstance(value, bool | int | float):
        return f"quote it: '{str(value).lower()}'"
    return "write it without quotes" if isinstance(value, str) and re.fullmatch(r"[-+.\deE]+", value) else None


def diagnose_converter(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for what the converter needs (see `ragtally.api.Component.diagnose`)."""
    return list(_findings(CONVERTER, definition_of(parameters)))


def diagnose_chunker(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for what the chunker needs (see `ragtally.api.Component.diagnose`)."""
    return list(_findings(SPLITTER, definition_of(parameters)))


def diagnose_embedder(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for what the embedder needs (see `ragtally.api.Component.diagnose`)."""
    pair = ((DOCUMENT_EMBEDDER, "document"), (TEXT_EMBEDDER, "query"))
    return [finding for role, name in pair for finding in _findings(role, definition_of(parameters[name]))]


def diagnose_retriever(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for what the retriever needs (see `ragtally.api.Component.diagnose`)."""
    pair = ((STORE, "store"), (RETRIEVER, "retriever"))
    return [finding for role, name in pair for finding in _findings(role, definition_of(parameters[name]))]


def missing_keys(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for the keys that the model needs (see `ragtally.api.Component.missing_keys`)."""
    return [finding for finding in _key_findings(definition_of(parameters)) if not finding.ok]


def diagnose_model(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for what the model needs (see `ragtally.api.Component.diagnose`)."""
    definition = definition_of(parameters)
    findings = list(_findings(GENERATOR, definition))
    if findings and findings[0].ok:
        findings.append(_schema_finding(definition))
    return findings


def _schema_finding(definition: Definition) -> Finding:
    if takes_schema(definition) is False:
        return Finding(True, f"{definition.name} is sent no JSON schema of a reader's: its answers are read as text")
    return Finding(
        True,
        f"it is not known whether {definition.name}'s model holds answers to a JSON schema",
        "structured: true in a reader sends one",
    )


def _findings(role: Role, definition: Definition) -> Iterator[Finding]:
    wrong = faults(role, definition)
    for fault in wrong:
        yield Finding(False, fault.message, fault.hint)
    if wrong:
        return
    yield Finding(True, f"{definition.type} is there")
    yield from _key_findings(definition)


def _key_findings(definition: Definition) -> Iterator[Finding]:
    for names in _keys(definition):
        variable = next((name for name in names if os.environ.get(name)), None)
        if variable is not None:
            yield Finding(True, f"the key in {variable} is there")
        else:
            yield Finding(False, f"{definition.name} needs a key in {' or '.join(names)}", f"export {names[0]}=...")


def _keys(definition: Definition) -> Iterator[tuple[str, ...]]:
    """List the variables of each secret that must be there: those written in the spec, and the class' defaults."""
    for inner in mappings(definition.parameters):
        if is_secret(inner) and complete(inner)["strict"]:
            yield tuple(inner["env_vars"])
    for name, parameter in (_parameters(definition.type, "__init__") or {}).items():
        # A `Secret` that names variables; one that holds a token needs nothing.
        default = parameter.default.to_dict() if type(parameter.default).__name__ == "EnvVarSecret" else {}
        if default.get("strict") and name not in definition.parameters:
            yield tuple(default["env_vars"])
