"""JSON Schema of a component's place in a spec, and of the axes that the grid allows there.

Two keywords of ragtally's own stand beside `anyOf`, which plain validators and editors go by:
`x-ragtally-kind` marks a place where a component of that kind is named, `x-ragtally-axis` one where the grid allows
an axis. ragtally's own validation follows these instead, to tell exactly what is wrong (`validation`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from ragtally.api import Component
from ragtally.registry import Registry

Schema = dict[str, Any]

# What the names of definitions start with in which parameters may be axes.
GRID = "grid."
# The k of a metric such as `recall@5`, as a pattern.
CUT_OFF = "[1-9][0-9]{0,5}"
_AT_K = "@k"
# The kind that is named under `models` and used by that name elsewhere.
MODEL = "model"


def at_k(name: str) -> bool:
    """Whether a metric's name stands for a family such as `recall@5`, `recall@10`."""
    return name.endswith(_AT_K)


def at_k_pattern(name: str) -> str:
    """Write the pattern of the names that a metric named `x@k` takes in a spec."""
    return f"^{re.escape(name.removesuffix('k'))}{CUT_OFF}$"


def takes_list(schema: Mapping[str, Any]) -> bool:
    """Say whether a parameter's value may be a list, so that a list under `grid` is one value and no axis."""
    if "x-ragtally-kind" in schema or "$ref" in schema:
        return False
    if "type" in schema:
        types = schema["type"]
        return "array" in ([types] if isinstance(types, str) else types)
    if "const" in schema or "enum" in schema:
        return any(isinstance(value, list) for value in schema.get("enum", [schema.get("const")]))
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return any(takes_list(branch) for branch in schema[keyword])
    return True


def is_required(name: str, schema: Mapping[str, Any]) -> bool:
    """Say whether a spec must give a parameter: it has no default, and it is not the seed."""
    return "default" not in schema and name != "seed"


def component_position(kind: str, *, grid: bool = False) -> Schema:
    """Write the schema of a place where one component is named: a reference to the kind's definition."""
    return reference(f"{GRID if grid else ''}{kind}")


def reference(name: str) -> Schema:
    """Write a reference to a definition."""
    return {"$ref": "#/$defs/" + quote(name.replace("~", "~0").replace("/", "~1"), safe="@~.")}


def axis(schema: Schema) -> Schema:
    """Allow an axis where one value stands."""
    inner = {key: value for key, value in schema.items() if key not in ("description", "default")}
    outer = {key: value for key, value in schema.items() if key in ("description", "default")}
    values = {"type": "array", "items": inner, "minItems": 1}
    as_axis = {
        "type": "object",
        "properties": {"axis": values},
        "required": ["axis"],
        "additionalProperties": False,
    }
    as_list = [] if takes_list(schema) else [values]
    return {**outer, "x-ragtally-axis": not takes_list(schema), "anyOf": [inner, *as_list, as_axis]}


def definitions(registry: Registry, kinds: tuple[str, ...], *, grid: bool) -> dict[str, Schema]:
    """Write the definitions of kinds and of their components."""
    prefix = GRID if grid else ""
    schema_of_parameters: dict[str, Schema] = {}
    for kind in kinds:
        components = [item.component for item in registry.all() if item.kind == kind]
        schema_of_parameters[f"{prefix}{kind}"] = _kind(kind, components, prefix)
        for component in components:
            schema_of_parameters[f"{prefix}{kind}.{component.name}"] = _parameters(kind, component, grid=grid)
    return schema_of_parameters


def _kind(kind: str, components: list[Component], prefix: str) -> Schema:
    bare: list[Schema] = []
    by_name: dict[str, Schema] = {}
    patterns: dict[str, Schema] = {}
    for component in components:
        family = kind == "metric" and at_k(component.name)
        parameters = reference(f"{prefix}{kind}.{component.name}")
        if family:
            patterns[at_k_pattern(component.name)] = parameters
        else:
            by_name[component.name] = parameters
        if _required_names(kind, component):
            continue
        if family:
            example = component.name.removesuffix("k") + "5"
            pattern = at_k_pattern(component.name)
            bare.append(
                {"type": "string", "pattern": pattern, "description": component.summary, "examples": [example]}
            )
        else:
            bare.append({"const": component.name, "description": component.summary})
    with_parameters = {
        "type": "object",
        "properties": by_name,
        "patternProperties": patterns,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"x-ragtally-kind": kind, "anyOf": [*bare, with_parameters]}


def _parameters(kind: str, component: Component, *, grid: bool) -> Schema:
    properties = {}
    for name, schema in component.params.items():
        if kind == "metric" and at_k(component.name) and name == "k":
            continue
        own = _parameter(name, schema, grid=grid)
        properties[name] = axis(own) if grid else own
    names = _required_names(kind, component)
    return {
        "x-ragtally-component": component.name,
        **({"x-ragtally-renamed": dict(component.renamed_params)} if component.renamed_params else {}),
        "description": component.summary,
        "type": "object" if names else ["object", "null"],
        "properties": properties,
        "required": names,
        "additionalProperties": False,
    }


def _required_names(kind: str, component: Component) -> list[str]:
    # The k of `recall@5` is in its name.
    family = kind == "metric" and at_k(component.name)
    return [
        name
        for name, schema in component.params.items()
        if is_required(name, schema) and not (family and name == "k")
    ]


def _parameter(name: str, schema: Mapping[str, Any], *, grid: bool) -> Schema:
    own = dict(schema)
    if name == "seed":
        # Left out it is the study's, whatever default the plugin gives it.
        own.pop("default", None)
    kind = own.pop("x-ragtally-kind", None)
    item_kind = own.get("items", {}).get("x-ragtally-kind")
    if item_kind == MODEL:
        return {**own, "items": {"type": "string"}}
    if item_kind is not None:
        return {**own, "items": component_position(item_kind, grid=grid)}
    if kind is None:
        return own
    if kind == MODEL:
        nullable = schema.get("default", "") is None
        return {**own, "type": ["string", "null"] if nullable else "string"}
    position = component_position(kind, grid=grid)
    rest = {key: value for key, value in own.items() if key not in ("type", "anyOf")}
    if schema.get("default", "") is None:
        return {**rest, "anyOf": [position, {"type": "null"}]}
    return {**rest, **position}


def mapping(description: str, properties: dict[str, Schema], required_keys: list[str] | None = None) -> Schema:
    """Write the schema of a mapping with these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required_keys or [],
        "additionalProperties": False,
    }


def schema_fault(schema: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a schema."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{error.json_path}: {error.message}"
    return None


def value_faults(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Say why a schema does not allow a value."""
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]
