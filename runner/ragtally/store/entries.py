"""Entries: the finished work of one step, in a folder named by its address."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ragtally.api import Location, RagtallyError, StoreError
from ragtally.store.files import sync_file, sync_folder, unwritable, write_json
from ragtally.store.packing import RECORD, UNREADABLE, content_files, fingerprints, state
from ragtally.store.shared_store import SharedStore
from ragtally.store.uploads import Upload
from ragtally.support.processes import is_running
from ragtally.support.write_failures import write_failure

CHECKPOINTS = "checkpoints"
_PROVISIONAL = "provisional.json"


class DamagedEntry(StoreError):
    """An entry's files are not those that were written; it was set aside and must be made again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One complete entry."""

    address: str
    step: str  # The step that did it
    folder: Path  # Where its files lie; they are never changed
    seconds: float  # How long the work took when it was done, in seconds of wall time; the sum of its pieces
    provisional: bool = False  # Whether it holds failures that the next run should try again


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is being written."""

    folder: Path  # Where to write its files
    # Reasons why the work should be tried again by the next run; none for an entry that stays.
    provisional: list[str] = field(default_factory=list)
    earlier: list[float] = field(default_factory=list)  # Seconds that went into its pieces before


class Store:
    """Finished work by step and address."""

    # An entry is complete when its record lies in its folder; the folder is moved into place in one piece after
    # everything in it is on disk, so a kill at any moment leaves either the whole entry or none. A provisional entry,
    # which holds failures, is complete for the `Store` object that wrote it and for no other.

    # A shared store, where there is one, is looked at for what is not here, and gets what is completed here.

    def __init__(self, root: Path, tier: SharedStore | None = None, states: dict[str, str] | None = None) -> None:
        self.root = root
        self.tier = tier  # What other machines see too
        self._verified: dict[str, Entry] = {}
        # Of entries that were written or found sound, here or by a worker: their files' state, by their folder.
        self._states: dict[str, str] = {} if states is None else states
        self._provisional: set[str] = set()

    def folder(self, step: str, address: str) -> Path:
        """Say where an entry lies or would lie."""
        tag, digest = address.split(":")
        return self.root / f"{step}/{tag}/{digest[:2]}/{digest[2:]}"

    def complete(self, step: str, address: str) -> bool:
        """Tell whether work is done, here or by others who share it (without reading its files)."""
        return self.is_here(step, address) or (self.tier is not None and self.tier.record(step, address) is not None)

    def is_here(self, step: str, address: str) -> bool:
        """Tell whether work is done and lies on this machine."""
        folder = self.folder(step, address)
        if not (folder / RECORD).is_file():
            return False
        return address in self._provisional or not (folder / _PROVISIONAL).is_file()

    def open(self, step: str, address: str) -> Entry:
        """Open an entry, comparing its files with their recorded hashes, unless it was written or found sound
        in this run (see `trust`).
        """
        if address in self._verified:
            return self._verified[address]
        folder = self.folder(step, address)
        if self.tier is not None and not self.is_here(step, address) and self.tier.record(step, address):
            self._fetch(self.tier, step, address)
        if not folder.is_dir():
            raise StoreError(
                f"the store has no entry {address} of the step {step}", location=Location(str(self.root))
            )
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            intact = record["address"] == address and (
                self._is_sound(folder) or record["files"] == fingerprints(folder)
            )
            seconds = float(record["seconds"])
        except UNREADABLE:
            intact, seconds = False, 0.0
        if not intact:
            aside = self._set_aside(folder, step)
            raise DamagedEntry(
                f"an entry of the step {step} was damaged; it now lies aside", location=Location(str(aside))
            )
        entry = Entry(address, step, folder, seconds, provisional=(folder / _PROVISIONAL).is_file())
        self._note_sound(entry)
        return entry

    def states(self, folders: Iterable[Path]) -> dict[str, str]:
        """Say of entries, by their folders, what state they were in when they were found sound; for `trust`."""
        keys = [str(folder.absolute()) for folder in folders]
        return {key: self._states[key] for key in keys if key in self._states}

    def trust(self, states: Mapping[str, str]) -> None:
        """Take another process's word for entries: in the same state, their files are not read only to be checked."""
        self._states.update(states)

    def _is_sound(self, folder: Path) -> bool:
        known = self._states.get(str(folder.absolute()))
        return known is not None and known == state(folder)

    def _note_sound(self, entry: Entry) -> None:
        self._verified[entry.address] = entry
        self._states[str(entry.folder.absolute())] = state(entry.folder)

    @property
    def has_provisional(self) -> bool:
        """Whether this object wrote entries that hold failures."""
        return bool(self._provisional)

    def seconds(self, step: str, address: str) -> float | None:
        """How long a complete entry's work took, without reading its files."""
        try:
            record = json.loads((self.folder(step, address) / RECORD).read_text(encoding="utf-8"))
            return float(record["seconds"])
        except UNREADABLE:
            return None if self.tier is None else self.tier.seconds(step, address)

    @contextmanager
    def write(self, step: str, address: str) -> Iterator[Draft]:
        """Write an entry; on leaving the block without an error it is complete."""
        # Where another process completed the same entry meanwhile, that one stays: both hold the same work.
        temporary = self._temporary()
        start = time.perf_counter()
        try:
            draft = Draft(temporary)
            yield draft
            if draft.provisional:
                write_json(temporary / _PROVISIONAL, {"why": sorted(set(draft.provisional))})
                self._provisional.add(address)
            self._complete(step, address, temporary, time.perf_counter() - start + sum(draft.earlier))
            if self.tier is not None and not draft.provisional:
                self.tier.share(Upload(step, address, self.folder(step, address), self.scratch))
        except RagtallyError:
            raise
        except Exception as error:
            if (reason := write_failure(error)) is not None:
                raise unwritable(temporary, reason) from error
            raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Make a folder for files that are not needed after the block; a killed process's folder is swept later."""
        temporary = self._temporary()
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def checkpoints(self, step: str, address: str) -> Path:
        """Say where what lets an unfinished task go on after a kill lies or would lie."""
        return self.root / CHECKPOINTS / f"{step}-{address.replace(':', '-')}"

    def pieces(self, step: str, address: str, *, elsewhere: bool = False) -> Store:
        """The store of the pieces of an unfinished task, which is removed with its checkpoints.

        Where they are done on other machines, its entries go through the shared store.
        """
        folder = self.checkpoints(step, address) / "pieces"
        tier = self.tier.below(folder.relative_to(self.root).as_posix()) if self.tier and elsewhere else None
        return Store(folder, tier, self._states)

    def _temporary(self) -> Path:
        temporary = self.root / "tmp" / f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex}"
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            # It becomes the entry's folder: questions, documents and answers are their owner's alone.
            temporary.mkdir(mode=0o700)
        except OSError as error:
            raise unwritable(temporary, error) from error
        return temporary

    def _complete(self, step: str, address: str, temporary: Path, seconds: float) -> None:
        try:
            for path in content_files(temporary):
                path.chmod(0o600)
                sync_file(path)
            files = fingerprints(temporary)
            took = round(seconds, 3)
            record = {"address": address, "step": step, "seconds": took, "files": files}
            write_json(temporary / RECORD, record)
            (temporary / RECORD).chmod(0o600)
            self._move_in(step, address, temporary, took)
        except OSError as error:
            # Another process that was first leaves a folder in the way, and with it the same work.
            if not self.is_here(step, address):
                raise unwritable(self.folder(step, address), error) from error

    def _move_in(self, step: str, address: str, temporary: Path, seconds: float) -> None:
        final = self.folder(step, address)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.is_dir() and not (final / RECORD).is_file():
            self._set_aside(final, step)
        if (final / _PROVISIONAL).is_file():
            shutil.rmtree(final)
        if not final.is_dir():
            temporary.rename(final)
            sync_folder(final.parent)
            provisional = address in self._provisional
            self._note_sound(Entry(address, step, final, seconds, provisional=provisional))

    def _fetch(self, tier: SharedStore, step: str, address: str) -> None:
        """Bring an entry here that others have shared."""
        temporary = self._temporary()
        try:
            # What comes to lie beside it on the way is swept with it.
            folder = temporary / "entry"
            folder.mkdir(mode=0o700)
            if not tier.fetch(step, address, folder):
                raise DamagedEntry(
                    f"an entry of the step {step} was damaged in the shared store, or is gone",
                    location=tier.location(step, address),
                )
            for path in folder.rglob("*"):
                path.chmod(0o700 if path.is_dir() else 0o600)
                if path.is_file():
                    sync_file(path)
            self._move_in(step, address, folder, tier.seconds(step, address) or 0.0)
        except OSError as error:
            if not self.is_here(step, address):
                raise unwritable(self.folder(step, address), error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def dead_drafts(self) -> list[Path]:
        """List the drafts that killed processes of this machine left behind."""
        drafts = sorted((self.root / "tmp").glob(f"{_machine()}-*-*"))
        return [draft for draft in drafts if not _is_written(draft.name.split("-")[1])]

    def sweep(self) -> None:
        """Remove the drafts that killed processes of this machine left behind."""
        for draft in self.dead_drafts():
            shutil.rmtree(draft, ignore_errors=True)

    def _set_aside(self, folder: Path, step: str) -> Path:
        aside = self.root / "damaged" / f"{step}-{folder.parent.name}{folder.name}-{uuid.uuid4().hex[:8]}"
        try:
            aside.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(aside)
        except FileNotFoundError:
            return aside  # another process found the damage too, and was first
        except OSError as error:
            raise unwritable(aside, error) from error
        return aside


def _is_written(process: str) -> bool:
    return process.isdecimal() and is_running(int(process))


def _machine() -> str:
    """Tell this machine's drafts from those of others that share the store, whose processes cannot be seen."""
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()
