"""Which versions of which packages stand behind a definition, so that an upgraded one is new work."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from ragtally import file_hash
from ragtally.api.address import address
from ragtally_haystack.definition import classes, definition_of
from ragtally_haystack.packages import ALWAYS, refusals
from ragtally_haystack.source import Class, find_class


def fingerprint_one(parameters: Mapping[str, Any]) -> str | None:
    """Hash the packages behind a component whose parameters are a definition."""
    return _fingerprint([parameters])


def fingerprint_embedder(parameters: Mapping[str, Any]) -> str | None:
    """Hash the packages behind an embedder pair; see `fingerprint_one`."""
    return _fingerprint([parameters["document"], parameters["query"]])


def fingerprint_retriever(parameters: Mapping[str, Any]) -> str | None:
    """Hash the packages behind a store and its retriever; see `fingerprint_one`."""
    return _fingerprint([parameters["store"], parameters["retriever"]])


def _fingerprint(values: list[Mapping[str, Any]]) -> str | None:
    definitions = [definition_of(each) for each in values]
    if any(fault for definition in definitions for fault in refusals(definition)):
        return None
    class_names = sorted({name for definition in definitions for name in classes(definition)})
    # Haystack itself stands behind every one of them.
    packages = {"haystack": importlib.metadata.version("haystack-ai")}
    for name in class_names:
        packages |= _behind(name)
    return address({"packages": packages})


def _behind(name: str) -> dict[str, str]:
    """Name the distribution of a class' module, and hash the class' own file where it is the user's own."""
    class_found = None if name.startswith("haystack.") else find_class(name)
    if not isinstance(class_found, Class):
        return {}
    suffix = "/__init__.py" if class_found.file.name == "__init__.py" else ".py"
    packages = dict(_holders(class_found.module.replace(".", "/") + suffix))
    if name.partition(".")[0] not in ALWAYS:
        # A package in development changes under one version.
        packages[f"{name} (file)"] = file_hash(class_found.file)
    return packages


@functools.cache
def _holders(path: str) -> tuple[tuple[str, str], ...]:
    """Find who installed a file; many distributions share a package such as haystack_integrations."""
    holders: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        record = distribution.read_text("RECORD") or ""
        if record.startswith(f"{path},") or f"\n{path}," in record:
            holders.setdefault(distribution.name, distribution.version)
    return tuple(sorted(holders.items()))
