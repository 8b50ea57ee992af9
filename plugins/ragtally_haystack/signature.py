"""What a class takes when it is made and when it is run, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from ragtally_haystack.source import Class, find_from

_PLAIN_BASES = {"object", "Protocol", "ABC", "Generic", "typing.Protocol", "abc.ABC"}
# Calls by which a component declares inputs that its `run` does not show.
_DYNAMIC = ("set_input_type", "set_input_types")


@dataclass(frozen=True)
class Parameters:
    """The parameters of a method, without `self`."""

    names: tuple[str, ...] = ()  # Their names
    required: frozenset[str] = frozenset()  # Those that must be given
    annotations: Mapping[str, str] = field(default_factory=dict)  # Their types, as written, where there are any
    defaults: Mapping[str, ast.expr] = field(default_factory=dict)  # Their defaults, as written, where there are any


def is_component(found: Class) -> bool | None:
    """Say whether a class is a Haystack component."""
    decorators = {_name(decorator) for decorator in found.node.decorator_list}
    if any(name.rpartition(".")[2] in ("component", "super_component") for name in decorators):
        return True
    bases = _bases(found)
    if bases is None:
        return None
    known = [is_component(base) for base in bases]
    return True if True in known else None if None in known else False


def has_method(found: Class, name: str) -> bool | None:
    """Say whether a class, or a base of it, has a method; None where the source does not tell."""
    if _own_method(found, name) is not None:
        return True
    bases = _bases(found)
    if bases is None:
        return None
    known = [has_method(base, name) for base in bases]
    return True if True in known else None if None in known else False


def parameters_of(found: Class, method: str) -> Parameters | None:
    """Read what a method takes, of the class itself or of a base."""
    decorators = {_name(decorator).rpartition(".")[2] for decorator in found.node.decorator_list}
    if decorators & {"super_component", "dataclass"} or found.node.keywords:
        return None
    own = _own_method(found, method)
    if own is not None:
        if method == "run" and _declares_inputs(found):
            return None
        return _parameters(own)
    bases = _bases(found)
    if bases is None:
        return None
    for base in bases:
        if has_method(base, method) is not False:
            return parameters_of(base, method)
    return Parameters() if method == "__init__" else None


def _own_method(found: Class, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    for node in found.node.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node
    return None


def _bases(found: Class) -> list[Class] | None:
    bases = []
    for node in found.node.bases:
        name = _name(node)
        if name in _PLAIN_BASES:
            continue
        base = find_from(found, name)
        if base is None:
            return None
        bases.append(base)
    return bases


def _declares_inputs(found: Class) -> bool:
    calls = (node.func for node in ast.walk(found.node) if isinstance(node, ast.Call))
    return any(_name(function).rpartition(".")[2] in _DYNAMIC for function in calls)


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Parameters | None:
    if node.args.kwarg is not None or node.args.vararg is not None:
        return None
    positional = [*node.args.posonlyargs, *node.args.args]
    by_position = dict(
        zip([argument.arg for argument in reversed(positional)], reversed(node.args.defaults), strict=False)
    )
    by_keyword = zip((argument.arg for argument in node.args.kwonlyargs), node.args.kw_defaults, strict=True)
    defaults = {**by_position, **{name: value for name, value in by_keyword if value is not None}}
    arguments = [*positional[1:], *node.args.kwonlyargs]
    names = tuple(argument.arg for argument in arguments)
    return Parameters(
        names,
        frozenset(name for name in names if name not in defaults),
        {argument.arg: ast.unparse(argument.annotation) for argument in arguments if argument.annotation},
        defaults,
    )


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return ast.unparse(node)
