"""Making Haystack's objects out of definitions, by Haystack's own guarded way from serialised data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ragtally import PluginError, RagtallyError
from ragtally.support.telemetry import telemetry_off
from ragtally_haystack.calls import display
from ragtally_haystack.check import faults
from ragtally_haystack.classes import find_class
from ragtally_haystack.definition import Definition, Fault, class_named
from ragtally_haystack.library import (
    FilterPolicy,
    allow_deserialization_module,
    component_from_dict,
    default_from_dict,
    generate_qualified_class_name,
)
from ragtally_haystack.refusals import ALWAYS, allowed_packages, complete, is_secret
from ragtally_haystack.roles import RETRIEVER, STORE, STORE_METHODS, Role, input_fault


def make(role: Role, definition: Definition, **own: Any) -> Any:
    """Make a component or a document store."""
    cls, data = _require_sound(role, definition)
    names = inspect.signature(cls.__init__).parameters
    for name, value in {**role.defaults, **own}.items():
        if name in names:
            data["init_parameters"].setdefault(name, value)
    component = _guard(definition, lambda: component_from_dict(cls, data, definition.name))
    _require_role(role, definition, component)
    return component


def make_retriever(definition: Definition, store: Any) -> Any:
    """Make a retriever over a store that is there already."""
    cls, data = _require_sound(RETRIEVER, definition)
    parameters = {**data["init_parameters"], "document_store": store}
    # A class' own `from_dict` would make a store of its own, so its other work is done here.
    if isinstance(parameters.get("filter_policy"), str):
        policy = parameters["filter_policy"]
        parameters["filter_policy"] = _guard(definition, lambda: FilterPolicy.from_str(policy))
    whole = {**data, "init_parameters": parameters}
    component = _guard(definition, lambda: default_from_dict(cls, whole))
    _require_role(RETRIEVER, definition, component)
    return component


def inputs_of(component: Any) -> dict[str, bool]:
    """List the inputs of a component."""
    return {name: socket.is_mandatory for name, socket in _sockets(component, "input").items()}


def warm_up(definition: Definition, component: Any) -> None:
    """Let a component load what it needs, where it loads anything."""
    if hasattr(component, "warm_up"):
        _guard(definition, component.warm_up, "cannot be warmed up")


def _require_sound(role: Role, definition: Definition) -> tuple[type[Any], dict[str, Any]]:
    problems = faults(role, definition)
    if problems:
        raise _error(problems[0])
    for package in allowed_packages():
        if package not in ALWAYS:
            allow_deserialization_module(package)
    cls = _class(definition.type)
    parameters = {name: _canonical(value) for name, value in definition.parameters.items()}
    return cls, {"type": generate_qualified_class_name(cls), "init_parameters": parameters}


def _class(name: str) -> type[Any]:
    cls = find_class(name)
    if isinstance(cls, Fault):
        raise _error(cls)
    return cls


def _canonical(value: Any) -> Any:
    """Copy a parameter as Haystack itself would have written it: classes by where they are defined."""
    if isinstance(value, Mapping):
        if is_secret(value):
            return complete(value)
        copy = {key: _canonical(item) for key, item in value.items()}
        name = class_named(value)
        return copy if name is None else {**copy, "type": generate_qualified_class_name(_class(name))}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return value


def _require_role(role: Role, definition: Definition, component: Any) -> None:
    if role is STORE:
        if not all(hasattr(component, method) for method in STORE_METHODS):
            raise PluginError(f"{definition.type} is not a document store", hint=f"as in {role.example}")
        return
    inputs = inputs_of(component)
    fault = input_fault(role, definition, inputs, [name for name, is_required in inputs.items() if is_required])
    if fault is not None:
        raise _error(fault)
    outputs = _sockets(component, "output")
    if role.output not in outputs:
        raise PluginError(
            f"{definition.type} is not a {role.name}: "
            f"it returns {', '.join(outputs) or 'nothing'}, not {role.output}",
            hint=f"as in {role.example}",
        )


def _sockets(component: Any, which: str) -> dict[str, Any]:
    sockets = getattr(component, f"__haystack_{which}__", None)
    return {} if sockets is None else dict(sockets._sockets_dict)


def _guard(definition: Definition, work: Callable[[], Any], what: str = "cannot be made") -> Any:
    try:
        with telemetry_off():
            return work()
    except RagtallyError:
        raise
    except Exception as error:
        hint = "look at its init_parameters" if isinstance(error, (TypeError, ValueError, KeyError)) else None
        raise PluginError(f"{definition.type} {what}: {display(error)}", hint=hint) from error


def _error(fault: Fault) -> PluginError:
    return PluginError(fault.message, hint=fault.hint)
