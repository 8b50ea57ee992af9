"""Entries that several machines share: archives at a URL, looked up many at once, uploaded in the background."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ragtally.api import Location, Progress, RagtallyError, StoreError
from ragtally.store.packing import RECORD, UNREADABLE, PackedRecord, pack, read_record, unpack
from ragtally.store.remote import OnBytes, RemoteFiles
from ragtally.store.uploads import Upload, Uploads

# Enough for nearly every entry's record: one question to the server says whether it is there, and what it is.
_HEAD = 1 << 14
_LOOK_UPS_AT_ONCE = 32
_SECONDS_UNTIL_STALE = 60.0
_SECONDS_WITHOUT_PROGRESS = 1.0
Key = tuple[str, str]
"""A step and an address."""


class SharedStore:
    """The tier of a store that other machines see too; what was looked up is remembered."""

    # Calls, vectors and claims never come here, nor do provisional entries: they belong to the machine that pays. An
    # object appears whole or not at all, and the first of two that are written for one address stays.

    def __init__(self, url: str, report: Progress = lambda what, so_far, total: None, prefix: str = "") -> None:
        self.files = RemoteFiles(url)
        self._report = report
        self._prefix = prefix
        self._records: dict[Key, PackedRecord | None] = {}
        self._looked_up_at: dict[Key, float] = {}
        self._damaged: set[Key] = set()  # Something lies there that is not what was written
        self._apart: set[Key] = set()
        self._queue: set[Key] = set()  # Is being uploaded, or waits for that
        self._uploads = Uploads(self._upload)
        self._reported_error: RagtallyError | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return self.files.url

    def below(self, folder: str) -> SharedStore:
        """What lies below one of its folders."""
        return SharedStore(self.files.url, self._report, f"{self._prefix}{folder}/")

    def look_up(self, keys: Iterable[Key], *, after: float = _SECONDS_UNTIL_STALE) -> None:
        """Learn of entries whether they are there, many at once; those that were missing again after some seconds.

        Raises:
            StoreError: If the shared store cannot be read.
        """
        stale = time.monotonic() - after
        unknown = [
            key
            for key in dict.fromkeys(keys)
            if self._records.get(key) is None and self._looked_up_at.get(key, stale) <= stale
        ]
        if not unknown:
            return
        on_progress = self._progress("entries looked up in the shared store")
        with ThreadPoolExecutor(min(_LOOK_UPS_AT_ONCE, len(unknown))) as pool:
            try:
                for number, _ in enumerate(pool.map(self._look, unknown), 1):
                    on_progress(number, len(unknown))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for key in self._damaged.intersection(unknown):
            self._report(f"{self.location(*key)}: is no entry of the step {key[0]}; doing it again", None, None)

    def record(self, step: str, address: str) -> PackedRecord | None:
        """What is recorded of an entry; None where there is none, or none that this run may use."""
        key = step, address
        if key in self._apart:
            return None
        if key not in self._records:
            self.look_up([key])
        return self._records[key]

    def seconds(self, step: str, address: str) -> float | None:
        """How long an entry's work took, of those that were looked up."""
        record = self._records.get((step, address))
        return None if record is None else record.seconds

    def differs(self, step: str, address: str, folder: Path) -> bool:
        """Whether the shared entry is there, and was not written by the same draw as this one."""
        record = self._records.get((step, address))
        return record is not None and record.files != _files_of(folder)

    def set_apart(self, keys: Collection[Key]) -> bool:
        """Neither read nor write some entries from now on; whether any is new among them."""
        before = len(self._apart)
        self._apart.update(keys)
        return len(self._apart) > before

    def fetch(self, step: str, address: str, folder: Path) -> bool:
        """Write an entry's files and its record into an empty folder; False where the shared one is damaged or gone.

        What is damaged is no longer taken for an entry, and the next one that is written takes its place.
        """
        key = step, address
        archive = folder.with_name(f"{folder.name}.tar")
        on_bytes = self._progress(f"bytes of {step} from the shared store")
        # What does not match may have been replaced between the look at its record and now.
        for _ in range(2):
            record = self.record(step, address)
            try:
                is_whole = record is not None and self.files.get(self._name(key), archive, on_bytes)
                if record is not None and is_whole and unpack(archive, folder, record):
                    return True
            finally:
                archive.unlink(missing_ok=True)
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
            if self._look(key) is None:
                return False
        self._damaged.add(key)
        self._records[key] = None
        return False

    def lacks(self, step: str, address: str) -> bool:
        """Whether an entry is to be uploaded: it is not there, as far as is known, and may be."""
        key = step, address
        return key not in self._apart and key not in self._queue and self._records.get(key) is None

    def share(self, upload: Upload) -> bool:
        """Upload an entry in the background; False where it is there, or is to stay here."""
        key = upload.step, upload.address
        if not self.lacks(*key):
            return False
        self._queue.add(key)
        self._uploads.add(upload)
        if (error := self._uploads.error) is not None and error is not self._reported_error:
            self._reported_error = error
            self._report(f"{error}\nthe work goes on here, and is shared once that is possible", None, None)
        return True

    def location(self, step: str, address: str) -> Location:
        """Where an entry lies, for people."""
        return self.files.location(self._name((step, address)))

    def next_step(self) -> None:
        """What is shared from now on may rest on what was shared before, and is not shared without it."""
        self._uploads.next_wave()

    def wait(self) -> None:
        """Wait until everything is shared, or something cannot be."""
        total = self._uploads.left
        on_progress = self._progress("entries shared")
        self._uploads.wait(lambda left: on_progress(max(0, total - left), total))

    def flush(self) -> StoreError | None:
        """Wait until everything is shared; returns what could not be and why, and leaves that."""
        before = self._uploads.error
        self.wait()
        # The server may be back after hours of other work.
        if before is not None and self._uploads.error is not None:
            self._uploads.try_again()
            self.wait()
        return self.give_up()

    def give_up(self) -> StoreError | None:
        """Share nothing more; returns what is left of it and why."""
        self._queue.clear()
        if not (left := self._uploads.give_up()):
            return None
        reason = self._uploads.error or RagtallyError("the run ended before", location=self.files.location(""))
        later = "ragtally store push SPEC shares what is left"
        entries = "1 entry of this run is" if left == 1 else f"{left:,} entries of this run are"
        return StoreError(
            f"{entries} not shared: {reason.message}",
            location=reason.location,
            hint=f"{reason.hint}; then {later}" if reason.hint else later,
        )

    def remove(self) -> None:
        """Remove all of it; meant for pieces that are no longer needed."""
        self.files.remove(self._prefix.rstrip("/"))

    def _name(self, key: Key) -> str:
        tag, digest = key[1].split(":")
        return f"{self._prefix}{key[0]}/{tag}/{digest[:2]}/{digest[2:]}.tar"

    def _look(self, key: Key) -> PackedRecord | None:
        name, record = self._name(key), None
        head = self.files.head(name, _HEAD)
        if head is not None:
            packed = read_record(head, *key)
            if isinstance(packed, int):
                packed = read_record(self.files.head(name, packed) or b"", *key)
            record = packed if isinstance(packed, PackedRecord) else None
            if record is None:
                self._damaged.add(key)
        self._looked_up_at[key] = time.monotonic()
        self._records[key] = record
        return record

    def _upload(self, upload: Upload) -> None:
        key = upload.step, upload.address
        if key in self._apart:
            return
        with upload.scratch() as folder:
            archive = folder / "entry.tar"
            try:
                pack(upload.folder, archive)
            except FileNotFoundError:
                return  # Removed meanwhile, so that nobody needs it
            replace = key in self._damaged
            self.files.put(archive, self._name(key), lambda so_far, total: None, replace=replace)
        self._damaged.discard(key)
        self._look(key)

    def _progress(self, what: str) -> OnBytes:
        """Report how far something is once it takes long."""
        start = time.monotonic()

        def on_progress(so_far: int, total: int | None) -> None:
            if time.monotonic() - start > _SECONDS_WITHOUT_PROGRESS:
                self._report(what, so_far, total)

        return on_progress


def _files_of(folder: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"])
    except UNREADABLE:
        return None
