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


def is_component(of_class: Class) -> bool | None:
    """Say whether a class is a Haystack component."""
    decorators = {_name(decorator) for decorator in of_class.node.decorator_list}
    if any(name.rpartition(".")[2] in ("component", "super_component") for name in decorators):
        return True
    bases = _bases(of_class)
    if bases is None:
        return None
    answers = [is_component(base) for base in bases]
    return True if True in answers else None if None in answers else False


def has_method(of_class: Class, name: str) -> bool | None:
    """Say whether a class, or a base of it, has a method; None where the source does not tell."""
    if _own_method(of_class, name) is not None:
        return True
    bases = _bases(of_class)
    if bases is None:
        return None
    answers = [has_method(base, name) for base in bases]
    return True if True in answers else None if None in answers else False


def parameters_of(of_class: Class, method: str) -> Parameters | None:
    """Read what a method takes, of the class itself or of a base."""
    decorators = {_name(decorator).rpartition(".")[2] for decorator in of_class.node.decorator_list}
    if decorators & {"super_component", "dataclass"} or of_class.node.keywords:
        return None
    own = _own_method(of_class, method)
    if own is not None:
        if method == "run" and _declares_inputs(of_class):
            return None
        return _parameters(own)
    bases = _bases(of_class)
    if bases is None:
        return None
    for base in bases:
        if has_method(base, method) is not False:
            return parameters_of(base, method)
    return Parameters() if method == "__init__" else None


def _own_method(of_class: Class, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    for node in of_class.node.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node
    return None


def _bases(of_class: Class) -> list[Class] | None:
    bases = []
    for node in of_class.node.bases:
        name = _name(node)
        if name in _PLAIN_BASES:
            continue
        base = find_from(of_class, name)
        if base is None:
            return None
        bases.append(base)
    return bases


def _declares_inputs(of_class: Class) -> bool:
    calls = (node.func for node in ast.walk(of_class.node) if isinstance(node, ast.Call))
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
