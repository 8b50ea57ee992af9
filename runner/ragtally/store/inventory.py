"""What lies in the store's folder: every entry, and what nobody needs any more."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ragtally.store.entries import Store
from ragtally.store.files import unwritable

_STEP = re.compile(r"[a-z_]+")
_TAG = re.compile(r"r\d+")
_FIRST = re.compile(r"[0-9a-f]{2}")
_REST = re.compile(r"[0-9a-f]{38}")


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry's place, whether the entry is sound or not."""

    step: str  # The step that did the work
    address: str  # The work's address
    folder: Path  # Where its files lie


@dataclass(frozen=True, slots=True)
class Garbage:
    """A folder that can go."""

    why: str  # Why nobody needs it
    folder: Path  # Where it lies
    size: int  # What its files take, in bytes


def placed_entries(store: Store) -> Iterator[Placed]:
    """List every entry, complete or not, by step and address."""
    for step in _folders(store.root, _STEP):
        for tag in _folders(step, _TAG):
            for first in _folders(tag, _FIRST):
                for rest in _folders(first, _REST):
                    yield Placed(step.name, f"{tag.name}:{first.name}{rest.name}", rest)


def garbage(store: Store, needed: Collection[tuple[str, str]] | None = None) -> list[Garbage]:
    """List what can go."""
    # That is: drafts of dead processes, what was set aside as damaged, entries that are incomplete or provisional,
    # and those that nobody needs. The call store is never among it, nor anything else that is not the store's own.
    found = [_sized("left by a killed process", folder) for folder in store.dead_drafts()]
    aside = store.root / "damaged"
    if aside.is_dir():
        found += [_sized("set aside as damaged", folder) for folder in sorted(aside.iterdir()) if folder.is_dir()]
    for entry in placed_entries(store):
        if not store.complete(entry.step, entry.address):
            found.append(_sized("incomplete: the next run makes it anew", entry.folder))
        elif needed is not None and (entry.step, entry.address) not in needed:
            found.append(_sized(f"{entry.step}: no spec given needs it", entry.folder))
    return found


def remove(folder: Path) -> None:
    """Remove a folder of the store for good; a kill in the middle leaves nothing that looks complete."""
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


def _sized(why: str, folder: Path) -> Garbage:
    return Garbage(why, folder, sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()))
