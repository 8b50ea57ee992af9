"""Check a document against the published schema, telling of each error what and where it is.

At a component's place plain JSON Schema can only say that no branch of `anyOf` fits. The validator here follows
`x-ragtally-kind` and `x-ragtally-axis` instead, into the component that is named and into each value of an axis.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from ragtally.api import ErrorList, Location, RagtallyError, SpecError, did_you_mean, raise_all
from ragtally.spec.component_schema import CUT_OFF
from ragtally.spec.document import Document, PathOf
from ragtally.support.secrets import looks_secret, redact


class Faults:
    """What is wrong with one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._errors: list[RagtallyError] = list(document.errors)
        self._unreadable = {error.location for error in document.errors}
        self._paths: set[PathOf] = set()
        self._messages: set[str] = set()

    def add(
        self, path: PathOf, message: str, hint: str | None = None, *, at: Literal["key", "value"] = "value"
    ) -> None:
        """Note one error; the same one is noted once."""
        location = self.document.key_place(path) if at == "key" else self.document.value_place(path)
        # A key in a wrong place must not get from the spec into a log.
        self._note(path, SpecError(redact(message), location=location, hint=hint))

    def add_error(self, path: PathOf, error: RagtallyError) -> None:
        """Note an error of a component's, giving it a place in the spec where it has none."""
        if isinstance(error, ErrorList):
            for each in error.errors:
                self.add_error(path, each)
            return
        if error.location is None:
            error.location = self.document.value_place(path)
        self._note(path, error)

    def touch(self, *paths: PathOf) -> bool:
        """Say whether something is wrong at one of the paths, above it or below it."""
        return any(
            path[: len(names)] == names or names[: len(path)] == path for path in paths for names in self._paths
        )

    def sound(self, path: PathOf, value: Any) -> Any:
        """Put None in place of everything that is wrong in a value at a path."""
        if path in self._paths:
            return None
        if isinstance(value, dict):
            return {key: self.sound((*path, key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.sound((*path, index), item) for index, item in enumerate(value)]
        return value

    def raise_all(self) -> None:
        """Raise what was found, in the order of the places."""
        raise_all(sorted(self._errors, key=_order))

    def _note(self, path: PathOf, error: RagtallyError) -> None:
        self._paths.add(path)
        # What could not be read is not blamed for its type as well.
        if error.location not in self._unreadable and str(error) not in self._messages:
            self._messages.add(str(error))
            self._errors.append(error)


def _order(error: RagtallyError) -> tuple[int, int, str]:
    location = error.location or Location("")
    return location.line or 0, location.column or 0, error.message


_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
AXES_HINT = "only the keys under grid take several values; give one here"
# Sizes and counts index arrays of 32 bits.
LARGEST_COUNT = 2**31 - 1
SECRET_HINT = "put it into the environment, or into a file .env that is not committed"
# Names of what must not be written into a spec, which is shared.
_SECRET = re.compile(r"api_?key|secret|password|access_?token|auth_?token|bearer|credential", re.IGNORECASE)


class Complaint(NamedTuple):
    """One error in words."""

    path: PathOf  # The path of what is wrong
    message: str  # What is wrong
    hint: str | None = None  # What to type instead
    at: Literal["key", "value"] = "value"  # Whether the key or the value is to be pointed at


class Violation(NamedTuple):
    """What the validator found."""

    path: PathOf
    value: Any
    keyword: str  # The keyword of the schema that it breaks
    expected: Any  # What the schema says under that keyword
    schema: Mapping[str, Any]  # The schema that holds the keyword
    message: str  # The validator's own words, for keywords that have none here


def describe(fault: Violation) -> list[Complaint]:
    """Put what the validator found into words."""
    say = _SAY.get(fault.keyword)
    return [Complaint(fault.path, f"{subject(fault.path)}: {fault.message}")] if say is None else say(fault)


def subject(path: PathOf) -> str:
    """Name a key by its dotted path, without positions in lists."""
    return ".".join(step for step in path if isinstance(step, str)) or "the spec"


def show(value: Any) -> str:
    """Show a value of a spec shortly, as a user would recognise it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = repr(value)
    elif isinstance(value, (dict, list)):
        text = f"the {'mapping' if isinstance(value, dict) else 'list'} {json.dumps(value, ensure_ascii=False)}"
    else:
        text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _type(fault: Violation) -> list[Complaint]:
    types_allowed = fault.expected
    types = [types_allowed] if isinstance(types_allowed, str) else list(types_allowed)
    words = " or ".join(_TYPES.get(name, name) for name in types)
    message = f"{subject(fault.path)} must be {words}, not {show(fault.value)}"
    return [Complaint(fault.path, message, _type_hint(types, fault.value, fault.path))]


def _type_hint(types: list[str], value: Any, path: PathOf) -> str | None:
    if isinstance(value, list) or (isinstance(value, dict) and list(value) == ["axis"]):
        return _axis_hint(path)
    if "string" in types and isinstance(value, (int, float)):
        return f"put it in quotes: '{json.dumps(value)}'"
    if "array" in types and isinstance(value, (str, int, float)):
        return f"put it in brackets: [{value}]"
    if "boolean" in types and isinstance(value, str):
        truth = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
        return f"write {truth[value.lower()]}" if value.lower() in truth else None
    if isinstance(value, str) and {"integer", "number"} & set(types) and re.fullmatch(r"[-+0-9_.xoa-fA-F]+", value):
        return "write a number in plain decimal digits, without quotes"
    return None


def _axis_hint(path: PathOf) -> str:
    return "an axis is one flat list of values" if path[:1] == ("grid",) else AXES_HINT


def _unknown_keys(fault: Violation) -> list[Complaint]:
    names = list(fault.schema["properties"]) if "properties" in fault.schema else []
    patterns = list(fault.schema.get("patternProperties", ()))
    unknown = [
        key for key in fault.value if key not in names and not any(re.search(pattern, key) for pattern in patterns)
    ]
    return [
        Complaint((*fault.path, key), *_unknown_key(fault.schema, key, names, fault.path), "key") for key in unknown
    ]


def _unknown_key(schema: Mapping[str, Any], key: str, names: list[str], path: PathOf) -> tuple[str, str]:
    if hint := schema.get("x-ragtally-hint"):
        return f"{key!r} cannot be a name under {subject(path)}", hint
    if _SECRET.search(key):
        return f"{key!r} has no place in a spec: specs are shared, keys are not", SECRET_HINT
    component = schema.get("x-ragtally-component")
    if component and not names:
        return f"{component} takes no parameters, but here is {key!r}", "remove it"
    if instead := schema.get("x-ragtally-renamed", {}).get(key):
        return f"{component} has no parameter {key!r} any more", f"it is now {instead}"
    if component:
        return f"{component} has no parameter {key!r}", did_you_mean(key, names)
    return f"{schema.get('x-ragtally-subject') or subject(path)} has no key {key!r}", did_you_mean(key, names)


def _missing_keys(fault: Violation) -> list[Complaint]:
    missing = [key for key in fault.expected if key not in fault.value]
    component = fault.schema.get("x-ragtally-component")
    if component:
        hint = f"{component}: {{{', '.join(f'{key}: ...' for key in missing)}}}"
        return [Complaint((*fault.path, key), f"{component} needs the parameter {key!r}", hint) for key in missing]
    return [
        Complaint((*fault.path, key), f"{subject(fault.path)} needs the key {key!r}", f"{key}: ...")
        for key in missing
    ]


def _duplicates(fault: Violation) -> list[Complaint]:
    complaints = []
    for index, value in enumerate(fault.value):
        if value in fault.value[:index]:
            message = f"{subject(fault.path)} holds {show(value)} twice"
            complaints.append(Complaint((*fault.path, index), message, "remove one"))
    return complaints


def _enum(fault: Violation) -> list[Complaint]:
    values = [fault.expected] if fault.keyword == "const" else list(fault.expected)
    message = f"{subject(fault.path)} cannot be {show(fault.value)}"
    words = [value if isinstance(value, str) else json.dumps(value) for value in values]
    if isinstance(fault.value, str):
        return [Complaint(fault.path, message, did_you_mean(fault.value, words))]
    hint = _type_hint([], fault.value, fault.path) or f"there is: {', '.join(words)}"
    return [Complaint(fault.path, message, hint)]


def _pattern(fault: Violation) -> list[Complaint]:
    hint = fault.schema.get("x-ragtally-hint") or f"it must match {fault.expected}"
    return [Complaint(fault.path, f"{subject(fault.path)} cannot be {show(fault.value)}", hint)]


def _bound(words: str) -> Callable[[Violation], list[Complaint]]:
    def say(fault: Violation) -> list[Complaint]:
        message = f"{subject(fault.path)} must {words.format(fault.expected)}, not {show(fault.value)}"
        return [Complaint(fault.path, message)]

    return say


def _too_few(fault: Violation) -> list[Complaint]:
    return [Complaint(fault.path, f"{subject(fault.path)} needs at least {fault.expected} in its list")]


def _component(fault: Violation) -> list[Complaint]:
    kind, value = fault.expected, fault.value
    components = fault.schema["anyOf"][-1]
    names = [*components["properties"], *(_family(pattern) for pattern in components["patternProperties"])]
    if isinstance(value, str):
        return [Complaint(fault.path, f"there is no {kind} {value!r}", _name_hint(value, names))]
    if isinstance(value, list):
        message = f"here one {kind} is wanted, not {show(value)}"
        return [Complaint(fault.path, message, _type_hint([], value, fault.path))]
    if isinstance(value, dict) and len(value) == 1:
        name = next(iter(value))
        hint = _axis_hint(fault.path) if name == "axis" else _name_hint(name, names)
        return [Complaint((*fault.path, name), f"there is no {kind} {name!r}", hint, "key")]
    article = "an" if kind[0] in "aeiou" else "a"
    message = f"{article} {kind} is a name, or one name with its parameters, not {show(value)}"
    first = next((key for key in value if key in names), None) if isinstance(value, dict) else None
    if first is not None:
        hint = f"indent its parameters further than {first!r}, or put a hyphen before each of several {kind}s"
    else:
        hint = f"there is: {', '.join(names)}"
    return [Complaint(fault.path, message, hint)]


def _family(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern.removeprefix("^").removesuffix(CUT_OFF + "$")) + "k"


def _name_hint(name: str, names: list[str]) -> str:
    stem, _, cut_off = name.partition("@")
    families = [word for word in names if word.endswith("@k")]
    for family in families:
        if stem == family.removesuffix("@k"):
            whole = "" if cut_off in ("", "k") else ", a whole number from 1"
            return f"with a cut-off{whole}: {stem}@5"
    return did_you_mean(name, [word for word in names if not word.endswith("@k")] + _with(families, cut_off or "5"))


def _with(families: list[str], cut_off: str) -> list[str]:
    return [family.removesuffix("k") + cut_off for family in families]


_SAY: dict[str, Callable[[Violation], list[Complaint]]] = {
    "type": _type,
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "uniqueItems": _duplicates,
    "enum": _enum,
    "const": _enum,
    "pattern": _pattern,
    "minimum": _bound("be at least {}"),
    "maximum": _bound("be at most {}"),
    "exclusiveMinimum": _bound("be more than {}"),
    "exclusiveMaximum": _bound("be less than {}"),
    "maxLength": _bound("have at most {} characters"),
    "minLength": _bound("have at least {} characters"),
    "minItems": _too_few,
    "x-ragtally-kind": _component,
}


class ComponentName(NamedTuple):
    """A component as a spec names it."""

    name: str  # The name as written, such as `bm25` or `recall@5`
    parameters: Any  # What stands beside it; None where nothing does
    bare: bool  # Whether it is a bare string


def validate(schema: Mapping[str, Any], faults: Faults) -> None:
    """Note everything in a document that its schema does not allow."""
    for error in _SpecValidator(schema).iter_errors(faults.document.root.plain()):
        leaf: Any = error
        path = tuple(error.absolute_path)
        fault = Violation(
            path,
            leaf.instance,
            str(leaf.validator),
            leaf.validator_value,
            leaf.schema,
            leaf.message,
        )
        for complaint in describe(fault):
            faults.add(complaint.path, complaint.message, complaint.hint, at=complaint.at)
    for path, text, at in _texts(faults.document.root.plain(), ()):
        if looks_secret(text):
            message = f"{subject(path)} holds what looks like a key or a password: specs are shared, keys are not"
            faults.add(path, message, SECRET_HINT, at=at)


def _texts(value: Any, path: PathOf) -> Iterator[tuple[PathOf, str, Literal["key", "value"]]]:
    """List the texts in a value, and the names in its mappings, each with its path."""
    if isinstance(value, str):
        yield path, value, "value"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key, "key"
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*path, number))


def component_name(instance: Any) -> ComponentName | None:
    """Read how a spec names a component."""
    if isinstance(instance, str):
        return ComponentName(instance, None, True)
    if isinstance(instance, dict) and len(instance) == 1:
        return ComponentName(*next(iter(instance.items())), False)
    return None


def axis_values(instance: Any, *, lists: bool) -> tuple[list[Any], tuple[str, ...]] | None:
    """Read an axis."""
    if isinstance(instance, dict) and list(instance) == ["axis"] and isinstance(instance["axis"], list):
        return instance["axis"], ("axis",)
    if lists and isinstance(instance, list):
        return instance, ()
    return None


def _validate_component(
    validator: Any, kind: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    choice = component_name(instance)
    names = schema["anyOf"][-1]
    target = _parameters_of(names, choice.name) if choice else None
    if choice is None or target is None:
        yield ValidationError(f"{instance!r} names no {kind}")
        return
    parameters = {} if choice.parameters is None else choice.parameters
    yield from validator.descend(parameters, target, path=None if choice.bare else choice.name)


def _parameters_of(names: Mapping[str, Any], name: str) -> Any:
    if name in names["properties"]:
        return names["properties"][name]
    return next((schema for pattern, schema in names["patternProperties"].items() if re.search(pattern, name)), None)


def _axis(validator: Any, lists: bool, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    one = schema["anyOf"][0]
    axis_of_value = axis_values(instance, lists=lists)
    if axis_of_value is None:
        yield from validator.descend(instance, one)
        return
    values, steps = axis_of_value
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
    attempts = [list(validator.descend(instance, branch, schema_path=index)) for index, branch in enumerate(branches)]
    if not all(attempts):
        return
    # A branch of another type was not meant; where one is left, its own errors say more than "none fits".
    plausible = [
        errors for errors in attempts if not any(error.validator == "type" and not error.path for error in errors)
    ]
    if len(plausible) == 1:
        yield from plausible[0]
    else:
        yield ValidationError(f"{instance!r} matches none of the forms allowed here")


def _type_within_reach(validator: Any, types: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Check a type; a whole number without a bound of its own must be one that counts something."""
    yield from Draft202012Validator.VALIDATORS["type"](validator, types, instance, schema)
    unbound = "integer" in types and "maximum" not in schema
    if unbound and isinstance(instance, int) and instance > LARGEST_COUNT:
        yield ValidationError("too large", "maximum", validator_value=LARGEST_COUNT, instance=instance, schema=schema)


_SpecValidator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "x-ragtally-kind": _validate_component,
        "x-ragtally-axis": _axis,
        "anyOf": _any_of,
        "type": _type_within_reach,
    },
)
