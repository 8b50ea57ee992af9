"""What lies in the store's folder: every entry, and what is no longer needed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ragtally.store.entries import CHECKPOINTS, Store
from ragtally.store.files import unwritable
from ragtally.store.locks import FileLock

_STEP = re.compile(r"[a-z_]+")
_TAG = re.compile(r"r\d+")
_FIRST = re.compile(r"[0-9a-f]{2}")
_REST = re.compile(r"[0-9a-f]{38}")


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry's place, whether the entry is sound or not."""

    step: str  # The step that did the work
    address: str
    folder: Path  # Where its files lie


@dataclass(frozen=True, slots=True)
class Garbage:
    """A folder that can go."""

    why: str  # Why it is no longer needed
    folder: Path  # Where it lies
    size: int  # What its files take, in bytes


def stored_entries(store: Store) -> Iterator[StoredEntry]:
    """List every entry, complete or not, by step and address."""
    for step in _folders(store.root, _STEP):
        for tag in _folders(step, _TAG):
            for first in _folders(tag, _FIRST):
                for rest in _folders(first, _REST):
                    yield StoredEntry(step.name, f"{tag.name}:{first.name}{rest.name}", rest)


def garbage(store: Store, in_use: Collection[tuple[str, str]] | None = None) -> list[Garbage]:
    """List what can go."""
    # That is: drafts of dead processes, what was set aside as damaged, entries that are incomplete or provisional,
    # and those that nobody needs. The call store is never among it, nor anything else that is not the store's own.
    entries = [_garbage("left by a killed process", folder) for folder in store.dead_drafts()]
    aside = store.root / "damaged"
    if aside.is_dir():
        entries += [_garbage("set aside as damaged", folder) for folder in sorted(aside.iterdir()) if folder.is_dir()]
    entries += _stopped_trainings(store, in_use)
    for entry in stored_entries(store):
        if not store.complete(entry.step, entry.address):
            entries.append(_garbage("incomplete: the next run makes it again", entry.folder))
        elif in_use is not None and (entry.step, entry.address) not in in_use:
            entries.append(_garbage(f"{entry.step}: no spec given needs it", entry.folder))
    return entries


def _stopped_trainings(store: Store, in_use: Collection[tuple[str, str]] | None) -> Iterator[Garbage]:
    """What tasks left to go on from that are done, or that nobody needs."""
    folder = store.root / CHECKPOINTS
    for checkpoints in sorted(folder.iterdir()) if folder.is_dir() else ():
        step, tag, digest = checkpoints.name.rsplit("-", 2)
        address, lock = f"{tag}:{digest}", FileLock(checkpoints / "lock")
        is_done = store.complete(step, address)
        if (is_done or (in_use is not None and (step, address) not in in_use)) and lock.take():
            lock.release()
            yield _garbage("left by work that was stopped", checkpoints)


def remove(folder: Path) -> None:
    """Remove a folder of the store permanently; a kill in the middle leaves nothing that looks complete."""
    try:
        # Without its record an entry is none, so that goes first.
        for record in folder.glob("entry.json"):
            record.unlink(missing_ok=True)
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(folder, error) from error


def _folders(parent: Path, name: re.Pattern[str]) -> list[Path]:
    if not parent.is_dir():
        return []
    # A link would lead out of the store.
    return sorted(
        path for path in parent.iterdir() if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    )


def _garbage(why: str, folder: Path) -> Garbage:
    return Garbage(why, folder, sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()))
