"""Put what JSON Schema finds into words: what is wrong, at which key or value, and what to type instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from ragtally.api import did_you_mean
from ragtally.spec.component_schema import CUT_OFF
from ragtally.spec.document import PathOf

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
SECRET_HINT = "put it into the environment, or into a file .env that is not committed"
# Names of what must not be written into a spec, which is shared.
_SECRET = re.compile(r"api_?key|secret|password|access_?token|auth_?token|bearer|credential", re.IGNORECASE)


class Complaint(NamedTuple):
    """One error in words."""

    path: PathOf  # The path of what is wrong
    message: str  # What is wrong
    hint: str | None = None  # What to type instead
    at: Literal["key", "value"] = "value"  # Whether the key or the value is to be pointed at


class Finding(NamedTuple):
    """What the validator found."""

    path: PathOf  # The path of the value
    value: Any
    keyword: str  # The keyword of the schema that it breaks
    wanted: Any  # What the schema says under that keyword
    schema: Mapping[str, Any]  # The schema that holds the keyword
    message: str  # The validator's own words, for keywords that have none here


def describe(found: Finding) -> list[Complaint]:
    """Put what the validator found into words."""
    say = _SAY.get(found.keyword)
    return [Complaint(found.path, f"{subject(found.path)}: {found.message}")] if say is None else say(found)


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


def _type(found: Finding) -> list[Complaint]:
    wanted = found.wanted
    types = [wanted] if isinstance(wanted, str) else list(wanted)
    words = " or ".join(_TYPES.get(name, name) for name in types)
    message = f"{subject(found.path)} must be {words}, not {show(found.value)}"
    return [Complaint(found.path, message, _type_hint(types, found.value, found.path))]


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


def _unknown_keys(found: Finding) -> list[Complaint]:
    known = list(found.schema["properties"]) if "properties" in found.schema else []
    patterns = list(found.schema.get("patternProperties", ()))
    unknown = [
        key for key in found.value if key not in known and not any(re.search(pattern, key) for pattern in patterns)
    ]
    return [
        Complaint((*found.path, key), *_unknown_key(found.schema, key, known, found.path), "key") for key in unknown
    ]


def _unknown_key(schema: Mapping[str, Any], key: str, known: list[str], path: PathOf) -> tuple[str, str]:
    if patterned := schema.get("x-ragtally-hint"):
        return f"{key!r} cannot be a name under {subject(path)}", patterned
    if _SECRET.search(key):
        return f"{key!r} has no place in a spec: specs are shared, keys are not", SECRET_HINT
    component = schema.get("x-ragtally-component")
    if component and not known:
        return f"{component} takes no parameters, but here is {key!r}", "remove it"
    if component:
        return f"{component} has no parameter {key!r}", did_you_mean(key, known)
    return f"{subject(path)} has no key {key!r}", did_you_mean(key, known)


def _missing_keys(found: Finding) -> list[Complaint]:
    missing = [key for key in found.wanted if key not in found.value]
    component = found.schema.get("x-ragtally-component")
    if component:
        hint = f"{component}: {{{', '.join(f'{key}: ...' for key in missing)}}}"
        return [Complaint((*found.path, key), f"{component} needs the parameter {key!r}", hint) for key in missing]
    return [
        Complaint((*found.path, key), f"{subject(found.path)} needs the key {key!r}", f"{key}: ...")
        for key in missing
    ]


def _repeated(found: Finding) -> list[Complaint]:
    complaints = []
    for index, value in enumerate(found.value):
        if value in found.value[:index]:
            message = f"{subject(found.path)} holds {show(value)} twice"
            complaints.append(Complaint((*found.path, index), message, "remove one"))
    return complaints


def _enum(found: Finding) -> list[Complaint]:
    allowed = [found.wanted] if found.keyword == "const" else list(found.wanted)
    message = f"{subject(found.path)} cannot be {show(found.value)}"
    words = [value if isinstance(value, str) else json.dumps(value) for value in allowed]
    if isinstance(found.value, str):
        return [Complaint(found.path, message, did_you_mean(found.value, words))]
    hint = _type_hint([], found.value, found.path) or f"there is: {', '.join(words)}"
    return [Complaint(found.path, message, hint)]


def _pattern(found: Finding) -> list[Complaint]:
    hint = found.schema.get("x-ragtally-hint") or f"it must match {found.wanted}"
    return [Complaint(found.path, f"{subject(found.path)} cannot be {show(found.value)}", hint)]


def _bound(words: str) -> Callable[[Finding], list[Complaint]]:
    def say(found: Finding) -> list[Complaint]:
        message = f"{subject(found.path)} must {words.format(found.wanted)}, not {show(found.value)}"
        return [Complaint(found.path, message)]

    return say


def _too_few(found: Finding) -> list[Complaint]:
    return [Complaint(found.path, f"{subject(found.path)} needs at least {found.wanted} in its list")]


def _component(found: Finding) -> list[Complaint]:
    kind, value = found.wanted, found.value
    accepted = found.schema["anyOf"][-1]
    known = [*accepted["properties"], *(_family(pattern) for pattern in accepted["patternProperties"])]
    if isinstance(value, str):
        return [Complaint(found.path, f"there is no {kind} {value!r}", _name_hint(value, known))]
    if isinstance(value, list):
        message = f"here one {kind} is wanted, not {show(value)}"
        return [Complaint(found.path, message, _type_hint([], value, found.path))]
    if isinstance(value, dict) and len(value) == 1:
        name = next(iter(value))
        hint = _axis_hint(found.path) if name == "axis" else _name_hint(name, known)
        return [Complaint((*found.path, name), f"there is no {kind} {name!r}", hint, "key")]
    article = "an" if kind[0] in "aeiou" else "a"
    message = f"{article} {kind} is a name, or one name with its parameters, not {show(value)}"
    first = next((key for key in value if key in known), None) if isinstance(value, dict) else None
    if first is not None:
        hint = f"indent its parameters further than {first!r}, or put a hyphen before each of several {kind}s"
    else:
        hint = f"there is: {', '.join(known)}"
    return [Complaint(found.path, message, hint)]


def _family(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern.removeprefix("^").removesuffix(CUT_OFF + "$")) + "k"


def _name_hint(name: str, known: list[str]) -> str:
    stem, _, cut_off = name.partition("@")
    families = [word for word in known if word.endswith("@k")]
    for family in families:
        if stem == family.removesuffix("@k"):
            whole = "" if cut_off in ("", "k") else ", a whole number from 1"
            return f"with a cut-off{whole}: {stem}@5"
    return did_you_mean(name, [word for word in known if not word.endswith("@k")] + _with(families, cut_off or "5"))


def _with(families: list[str], cut_off: str) -> list[str]:
    return [family.removesuffix("k") + cut_off for family in families]


_SAY: dict[str, Callable[[Finding], list[Complaint]]] = {
    "type": _type,
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "uniqueItems": _repeated,
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
