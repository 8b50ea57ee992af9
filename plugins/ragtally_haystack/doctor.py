"""What Haystack's components need of the world outside: their packages, and the keys that their secrets name."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ragtally import Finding
from ragtally_haystack.check import faults
from ragtally_haystack.definition import Definition, definition_of, mappings
from ragtally_haystack.roles import DOCUMENT_EMBEDDER, GENERATOR, RETRIEVER, SPLITTER, STORE, TEXT_EMBEDDER, Role
from ragtally_haystack.secrets import complete, is_secret
from ragtally_haystack.signature import parameters_of
from ragtally_haystack.source import Class, find_class

_FROM_ENVIRONMENT = "from_env_var"


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


def diagnose_model(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for what the model needs (see `ragtally.api.Component.diagnose`)."""
    return list(_findings(GENERATOR, definition_of(parameters)))


def _findings(role: Role, definition: Definition) -> Iterator[Finding]:
    wrong = faults(role, definition)
    for fault in wrong:
        yield Finding(False, fault.message, fault.hint)
    if wrong:
        return
    yield Finding(True, f"{definition.type} is there")
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
    class_found = find_class(definition.type)
    init = parameters_of(class_found, "__init__") if isinstance(class_found, Class) else None
    for name, default in (init.defaults if init else {}).items():
        variables = _default_secret(default)
        if variables and name not in definition.parameters:
            yield variables


def _default_secret(default: ast.expr) -> tuple[str, ...]:
    """Read `Secret.from_env_var("NAME")`; nothing where the key need not be there."""
    if not isinstance(default, ast.Call) or not ast.unparse(default.func).endswith(_FROM_ENVIRONMENT):
        return ()
    if any(word.arg == "strict" and ast.unparse(word.value) == "False" for word in default.keywords):
        return ()
    arguments = [*default.args[:1], *(word.value for word in default.keywords if word.arg == "env_vars")]
    constants = (node for argument in arguments for node in ast.walk(argument) if isinstance(node, ast.Constant))
    return tuple(node.value for node in constants if isinstance(node.value, str))
