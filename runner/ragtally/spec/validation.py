"""Check a document against the published schema, telling of each error what and where it is.

At a component's place plain JSON Schema can only say that no branch of `anyOf` fits. The validator here follows
`x-ragtally-kind` and `x-ragtally-axis` instead, into the component that is named and into each value of an axis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from ragtally.spec.faults import Faults
from ragtally.spec.messages import Finding, describe


class Named(NamedTuple):
    """A component as a spec names it."""

    name: str  # The name as written, such as `bm25` or `recall@5`
    parameters: Any  # What stands beside it; None where nothing does
    bare: bool  # Whether it is a bare string


def validate(schema: Mapping[str, Any], faults: Faults) -> None:
    """Note everything in a document that its schema does not allow."""
    for error in _SpecValidator(schema).iter_errors(faults.document.root.plain()):
        broken: Any = error
        path = tuple(error.absolute_path)
        found = Finding(
            path, broken.instance, str(broken.validator), broken.validator_value, broken.schema, broken.message
        )
        for complaint in describe(found):
            faults.add(complaint.path, complaint.message, complaint.hint, at=complaint.at)


def named(instance: Any) -> Named | None:
    """Read how a spec names a component."""
    if isinstance(instance, str):
        return Named(instance, None, True)
    if isinstance(instance, dict) and len(instance) == 1:
        return Named(*next(iter(instance.items())), False)
    return None


def axis_values(instance: Any, *, lists: bool) -> tuple[list[Any], tuple[str, ...]] | None:
    """Read an axis."""
    if isinstance(instance, dict) and list(instance) == ["axis"] and isinstance(instance["axis"], list):
        return instance["axis"], ("axis",)
    if lists and isinstance(instance, list):
        return instance, ()
    return None


def _component(validator: Any, kind: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    choice = named(instance)
    known = schema["anyOf"][-1]
    target = _parameters_of(known, choice.name) if choice else None
    if choice is None or target is None:
        yield ValidationError(f"{instance!r} names no {kind}")
        return
    parameters = {} if choice.parameters is None else choice.parameters
    yield from validator.descend(parameters, target, path=None if choice.bare else choice.name)


def _parameters_of(known: Mapping[str, Any], name: str) -> Any:
    if name in known["properties"]:
        return known["properties"][name]
    return next((found for pattern, found in known["patternProperties"].items() if re.search(pattern, name)), None)


def _axis(validator: Any, lists: bool, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    one = schema["anyOf"][0]
    found = axis_values(instance, lists=lists)
    if found is None:
        yield from validator.descend(instance, one)
        return
    values, steps = found
    if not values:
        yield ValidationError(
            f"{instance!r} should be non-empty", validator="minItems", validator_value=1, path=steps
        )
    for index, value in enumerate(values):
        for error in validator.descend(value, one, path=index):
            error.path.extendleft(reversed(steps))
            yield error


def _any_of(
    validator: Any, branches: list[Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if "x-ragtally-kind" in schema or "x-ragtally-axis" in schema:
        return
    tried = [list(validator.descend(instance, branch, schema_path=index)) for index, branch in enumerate(branches)]
    if not all(tried):
        return
    # A branch of another type was not meant; where one is left, its own errors say more than "none fits".
    meant = [errors for errors in tried if not any(error.validator == "type" and not error.path for error in errors)]
    if len(meant) == 1:
        yield from meant[0]
    else:
        yield ValidationError(f"{instance!r} fits none of the forms that are allowed here")


_SpecValidator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"x-ragtally-kind": _component, "x-ragtally-axis": _axis, "anyOf": _any_of}
)
