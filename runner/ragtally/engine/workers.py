"""Workers on other machines, looked at before any work: the same software, and the same store."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from ragtally.api import Choice, Executor, RagtallyError, StoreError, raise_all
from ragtally.api.address import address
from ragtally.engine.outputs import source_files
from ragtally.registry import Registry, load_registry
from ragtally.steps import INDEX
from ragtally.store import SharedStore, Store, write_text
from ragtally.support.package_versions import installed_version, versions_with_requirements

_INSTALL = "install on every machine of the cluster what is installed here (pip install -c constraints.txt ...)"


def check_workers(executor: Executor, choices: Iterable[Choice], registry: Registry, store: Store) -> None:
    """Compare each machine of an executor with this one; raises all that differs."""
    choices = tuple(choices)
    packages = versions_with_requirements(name for choice in choices for name in registry.packages(choice))
    used = {entry.plugin.partition(".")[0] for choice in choices for entry in registry.entries(choice)}
    if any(choice.kind == "dataset" for choice in choices):
        # One of files reads each kind with a converter that nobody has to name.
        converters = [entry for entry in registry.all() if entry.kind == "converter"]
        used |= {entry.plugin.partition(".")[0] for entry in converters}
        own = (entry.component.packages for entry in converters)
        packages |= versions_with_requirements(name for names in own if not callable(names) for name in names)
    others = {entry.plugin.partition(".")[0] for entry in registry.all()} - used
    sources = {package: digest for package, digest in _sources(registry).items() if package not in others}
    # A file that was just written here and is read there: a folder of the same name need not be the same folder.
    token = store.root / "tmp" / f"token-{uuid.uuid4().hex}"
    write_text(token, token.name)
    question = {
        "token": str(token.absolute()),
        "shared_store": store.tier and store.tier.url,
        "packages": sorted(packages),
    }
    here = {"python": platform.python_version(), "packages": packages, "sources": sources}
    try:
        answers = executor.survey(describe, json.dumps(question))
    finally:
        token.unlink(missing_ok=True)
    raise_all([error for machine, text in answers for error in _differences(machine, json.loads(text), here, store)])


def describe(text: str) -> str:
    """Say on a worker what there is."""
    question = json.loads(text)
    description: dict[str, Any] = {"python": platform.python_version(), "error": ""}
    try:
        description["sources"] = _sources(load_registry())
        description["packages"] = {name: installed_version(name) for name in question["packages"]}
        if question.get("shared_store"):
            description["shared_store"] = _shared_store_error(question["shared_store"])
        else:
            description["sees_store"] = _reads(Path(question["token"]))
    except Exception as error:
        description["error"] = f"{type(error).__name__}: {error}"
    return json.dumps(description)


def _shared_store_error(url: str) -> Sequence[str | None]:
    """Why a shared store cannot be read here, and what to do about it; nothing where it can be."""
    try:
        SharedStore(url).look_up([(INDEX.stored_as, address({}))])
    except RagtallyError as error:
        return error.message, error.hint
    return ()


def _reads(token: Path) -> bool:
    try:
        return token.read_text(encoding="utf-8") == token.name
    except OSError:
        return False


def _sources(registry: Registry) -> dict[str, str]:
    """A hash of the source files of the engine and of each plugin, by the package's name."""
    digests: dict[str, Any] = {}
    for package, path in sorted(source_files(registry)):
        if path.suffix == ".py":
            digests.setdefault(package, sha256()).update(path.name.encode() + b"\0" + path.read_bytes())
    return {package: digest.hexdigest() for package, digest in digests.items()}


def _differences(
    machine: str, there: Mapping[str, Any], here: Mapping[str, Any], store: Store
) -> Sequence[RagtallyError]:
    if there["error"]:
        return [RagtallyError(f"the worker on {machine} cannot load ragtally: {there['error']}", hint=_INSTALL)]
    errors: list[RagtallyError] = []
    if there["python"].split(".")[:2] != here["python"].split(".")[:2]:
        what = f"the worker on {machine} runs Python {there['python']}, and this is {here['python']}"
        errors.append(RagtallyError(what, hint="start it with the same Python"))
    for name, version in here["packages"].items():
        if (other := there["packages"][name]) != version:
            what = "does not have the package" if other is None else f"has version {other} of the package"
            message = f"the worker on {machine} {what} {name}, which is {version} here"
            errors.append(RagtallyError(message, hint=_INSTALL))
    for package, digest in here["sources"].items():
        if package not in there["sources"]:
            errors.append(RagtallyError(f"the worker on {machine} does not have the plugin {package}", hint=_INSTALL))
        elif there["sources"][package] != digest:
            errors.append(RagtallyError(f"the worker on {machine} has other source code of {package}", hint=_INSTALL))
    if there.get("shared_store"):
        message, hint = there["shared_store"]
        errors.append(StoreError(f"the worker on {machine}: {message}", hint=hint))
    if not there.get("sees_store", True):
        errors.append(
            StoreError(
                f"the worker on {machine} does not see the store in {store.root.absolute()}",
                hint="put the store into a folder that all machines share under one path: RAGTALLY_STORE=FOLDER, "
                "or share work through another place: --shared-store URL",
            )
        )
    return errors
