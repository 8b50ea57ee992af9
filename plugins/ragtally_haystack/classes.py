"""The classes that a spec names: imported where the user allows their package, and asked what they take."""

from __future__ import annotations

import importlib
import inspect
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragtally import did_you_mean
from ragtally.support.telemetry import telemetry_off
from ragtally_haystack.calls import display
from ragtally_haystack.definition import Fault
from ragtally_haystack.refusals import class_refusal

_SCALARS = (bool, int, float, str, type(None))
_INTEGRATIONS = "haystack_integrations"


def find_class(path: str) -> type[Any] | Fault:
    """Import a class; nothing is imported of a package that the user has not allowed."""
    refusal = class_refusal(path)
    if refusal is not None:
        return refusal
    _library()
    module_name, _, name = path.rpartition(".")
    try:
        with telemetry_off():
            module = importlib.import_module(module_name)
            value = getattr(module, name, None)
    except Exception as error:  # whatever the module's code raises when it is run
        return _import_fault(path, module_name, error)
    if isinstance(value, type):
        return value
    names = sorted(word for word in set(dir(module)) if word[:1].isupper() and not word.isupper())
    return Fault(f"the module {module_name} has no class {name!r}", did_you_mean(name, names))


def is_component(cls: type[Any]) -> bool:
    """Whether a class is a Haystack component."""
    return isinstance(cls, _library().ComponentMeta)


def parameters_of(cls: type[Any], method: str) -> Mapping[str, inspect.Parameter] | None:
    """List what a method takes; None where there is none, or where it takes anything."""
    function = getattr(cls, method, None)
    if function is object.__init__:
        return {}
    try:
        _, *parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if any(parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) for parameter in parameters):
        return None
    return {parameter.name: parameter for parameter in parameters}


def scalar_types(cls: type[Any]) -> dict[str, tuple[Any, ...]]:
    """List what the parameters of a class may be, types and literals, of those that are plain values only."""
    try:
        hints = typing.get_type_hints(cls.__init__)
    except Exception:  # Annotations may name what is imported for a type checker alone.
        return {}
    members = {name: _members(hint) for name, hint in hints.items()}
    return {name: each for name, each in members.items() if all(one in _SCALARS or not _is_type(one) for one in each)}


def _members(hint: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return tuple(member for part in typing.get_args(hint) for member in _members(part))
    return typing.get_args(hint) if origin is typing.Literal else (hint,)


def _is_type(member: Any) -> bool:
    return not isinstance(member, str | int | float | bool | None)


def is_required(parameter: inspect.Parameter) -> bool:
    """Whether a parameter must be given."""
    return parameter.default is parameter.empty


def _library() -> Any:
    # Not before a spec names a class: it takes more than a second.
    return importlib.import_module("ragtally_haystack.library")


def _import_fault(path: str, module: str, error: Exception) -> Fault:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is None or not f"{module}.".startswith(f"{missing}."):
        # Behind the error stands the missing package of an integration, for one.
        hint = f"pip install the package that holds {missing}" if missing else None
        return Fault(f"{path} cannot be imported: {display(error)}", hint)
    package, _, name = missing.rpartition(".")
    if not package:
        return Fault(f"the package {missing} is not installed", f"pip install the package that holds {missing}")
    hint = did_you_mean(name, _modules_in(package))
    if not hint.startswith("did you mean"):
        hint = _integration_hint(module) or hint
    return Fault(f"there is no module {missing}", hint)


def _modules_in(package: str) -> list[str]:
    folders = [Path(folder) for folder in getattr(sys.modules[package], "__path__", ())]
    paths = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return sorted(
        {path.stem for path in paths if path.name[0] not in "_." and (path.is_dir() or path.suffix == ".py")}
    )


def _integration_hint(module: str) -> str | None:
    """Name the package of an integration: `components.embedders.fastembed`, `document_stores.qdrant`."""
    top, *names = module.split(".")
    location = 2 if names[:1] == ["components"] else 1
    if top != _INTEGRATIONS or len(names) <= location:
        return None
    return f"pip install {names[location].replace('_', '-')}-haystack, if its integration is not installed"
