"""What indexes need outside the store, a collection on a server for one, and what of it goes with an index."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from ragtally.api import ExternalResource
from ragtally.registry import Registry
from ragtally.steps import index
from ragtally.store import Store
from ragtally.store.inventory import placed_entries


def going_outside(store: Store, folders: Collection[Path], registry: Registry) -> Mapping[Path, ExternalResource]:
    """Say what goes together with folders of the store."""
    going = {folder: found for folder in folders if (found := _outside(folder, registry)) is not None}
    if not going:
        return going
    staying = [each.folder for each in placed_entries(store) if each.step == index.STEP and each.folder not in going]
    needed = {found.what for folder in staying if (found := _outside(folder, registry)) is not None}
    return {folder: found for folder, found in going.items() if found.what not in needed}


def _outside(folder: Path, registry: Registry) -> ExternalResource | None:
    saved = folder / index.FOLDER
    if not saved.is_dir():
        return None
    for registered in registry.all():
        component = registered.component
        found = component.external_resource(saved) if component.external_resource is not None else None
        if found is not None:
            return found
    return None
