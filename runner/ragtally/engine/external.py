"""Resources outside the store that indexes need (a collection on a server, say): which there are, which can go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ragtally.api import ExternalResource
from ragtally.registry import Registry
from ragtally.steps import INDEX
from ragtally.store import Store
from ragtally.store.inventory import stored_entries
from ragtally.tables import INDEX_FOLDER


def external_resources(store: Store, registry: Registry) -> Sequence[ExternalResource]:
    """The resources that complete indexes of the store need, each once."""
    resources = (
        _resource(each.folder, registry)
        for each in stored_entries(store)
        if each.step == INDEX.stored_as and store.complete(each.step, each.address)
    )
    return list({resource.what: resource for resource in resources if resource is not None}.values())


def orphaned_resources(
    store: Store, folders: Collection[Path], registry: Registry
) -> Mapping[Path, ExternalResource]:
    """The resources that no index needs any more once some folders of the store are removed, by folder."""
    resources = {folder: resource for folder in folders if (resource := _resource(folder, registry)) is not None}
    if not resources:
        return resources
    others = [
        each.folder for each in stored_entries(store) if each.step == INDEX.stored_as and each.folder not in resources
    ]
    in_use = {resource.what for folder in others if (resource := _resource(folder, registry)) is not None}
    return {folder: resource for folder, resource in resources.items() if resource.what not in in_use}


def _resource(folder: Path, registry: Registry) -> ExternalResource | None:
    index_folder = folder / INDEX_FOLDER
    if not index_folder.is_dir():
        return None
    # The entry does not say which retriever wrote it, so each is asked whether the files are its own.
    for entry in registry.all():
        component = entry.component
        resource = component.external_resource(index_folder) if component.external_resource is not None else None
        if resource is not None:
            return resource
    return None
