"""The settings of a machine: what whoever runs specs chooses there, and no spec says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragtally.api import Choice, RagtallyError, SpecError
from ragtally.registry import Registry
from ragtally.spec.component_schema import component_position, definitions
from ragtally.spec.document import Document, in_one_line, parse_document, read_document
from ragtally.spec.resolve import Resolver
from ragtally.spec.validation import Faults, validate

_COMMAND_LINE = "the command line"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a machine's settings say; None for what they leave open."""

    executor: Choice | None = None
    shared_store: str | None = None  # The URL of a store that this machine shares with others


def load_settings(path: Path, registry: Registry) -> Settings:
    """Read a file of settings; every error of it is raised at once."""
    return _settings(read_document(path), registry)


def executor_of(name: str, parameters: Mapping[str, Any], registry: Registry) -> Choice:
    """Resolve an executor that the command line names, as a file of settings would."""
    text = in_one_line({"executor": {name: dict(parameters)} if parameters else name})
    try:
        executor = _settings(parse_document(text, _COMMAND_LINE), registry).executor
    except RagtallyError as error:
        for each in getattr(error, "errors", (error,)):
            each.location = None
        raise
    if executor is None:
        raise SpecError("no executor is named")
    return executor


def _settings(document: Document, registry: Registry) -> Settings:
    faults = Faults(document)
    schema = {
        "type": "object",
        "properties": {
            "executor": component_position("executor"),
            "shared_store": {"type": "string", "minLength": 1},
        },
        "additionalProperties": False,
        "x-ragtally-subject": "this file of settings",
        "$defs": definitions(registry, ("executor",), grid=False),
    }
    validate(schema, faults)
    executor, shared_store = None, None
    if not faults.touch(("shared_store",)):
        shared_store = document.root.plain().get("shared_store")
    if not faults.touch(("executor",)) and "executor" in (data := document.root.plain()):
        executor = Resolver(registry, 0, faults).one("executor", data["executor"], ("executor",))
    faults.raise_all()
    return Settings(executor, shared_store)
