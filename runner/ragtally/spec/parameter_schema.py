"""What is wrong with the JSON Schema of one parameter, or with a value that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError


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
