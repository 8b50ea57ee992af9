"""Get a dataset's files: from their public home, resumably, or from a copy at hand; checked by their SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ragtally.api import DataError, Location, RemoteFile, raise_all
from ragtally.engine.download import TransferProgress, download

_PIECE_BYTES = 1 << 20

Outcome = Literal["present", "downloaded", "resumed", "copied"]


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """What became of one file."""

    path: Path  # Where it lies
    # `"present"` where it was there and right, else how it was got; `"resumed"` where a download went on from a part
    # that an earlier try had left.
    outcome: Outcome
    size: int  # Its length in bytes


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What became of all files."""

    folder: Path  # Where they lie
    files: tuple[FetchedFile, ...]  # One by one, in the order asked


def fetch(
    remote_files: Sequence[RemoteFile],
    folder: Path,
    *,
    source: Path | None = None,
    progress: TransferProgress | None = None,
    attempts: int = 3,
    pause: float = 1.0,
) -> FetchReport:
    """Put files into a folder, each whole and right or not at all."""
    # A file that is there and right is left alone; one that is there and wrong is replaced once the right one is
    # whole. A download that was cut is kept as `<name>.part` and gone on with.
    tell = progress or _tell_nobody
    copies = _copies(remote_files, source) if source else [None] * len(remote_files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _disk_error(error, folder) from error
    files = [
        _fetch_one(remote, folder, copy, tell, attempts, pause)
        for remote, copy in zip(remote_files, copies, strict=True)
    ]
    return FetchReport(folder, tuple(files))


def _tell_nobody(name: str, done: int, total: int, /) -> None:
    """Take news and keep it."""


def _fetch_one(
    remote: RemoteFile, folder: Path, copy: Path | None, tell: TransferProgress, attempts: int, pause: float
) -> FetchedFile:
    target = folder / remote.name
    part = folder / f"{remote.name}.part"
    outcome: Outcome
    try:
        if target.is_file() and target.stat().st_size == remote.size and _sha256(target) == remote.sha256:
            tell(remote.name, remote.size, remote.size)
            return FetchedFile(target, "present", remote.size)
        if copy:
            outcome = "copied"
            _copy(copy, part, remote, tell)
            _require_right(part, remote, origin=str(copy))
        else:
            went_on = download(remote, part, progress=tell, attempts=attempts, pause=pause)
            if went_on and _sha256(part) != remote.sha256:
                # What was there before may be of another version, or not of this file at all.
                part.unlink()
                went_on = download(remote, part, progress=tell, attempts=attempts, pause=pause)
            outcome = "resumed" if went_on else "downloaded"
            _require_right(part, remote, origin=remote.url)
        _put_in_place(part, target)
    except OSError as error:
        raise _disk_error(error, target) from error
    return FetchedFile(target, outcome, remote.size)


def _copies(remote_files: Sequence[RemoteFile], source: Path) -> list[Path | None]:
    names = [remote.name for remote in remote_files]
    wanted = f"give a folder that holds {' and '.join(names)}"
    if source.is_dir():
        paths = [source / name for name in names]
    elif source.is_file() and len(names) == 1:
        paths = [source]
    elif source.is_file() and source.name in names:
        paths = [source.with_name(name) for name in names]
    elif source.exists():
        raise DataError(f"{source.name} is none of the files to fetch", location=Location(str(source)), hint=wanted)
    else:
        raise DataError("there is no such file or folder to copy from", location=Location(str(source)), hint=wanted)
    raise_all(
        [
            DataError("there is no such file to copy", location=Location(str(p)), hint=wanted)
            for p in paths
            if not p.is_file()
        ]
    )
    return list(paths)


def _copy(source: Path, part: Path, remote: RemoteFile, tell: TransferProgress) -> None:
    done = 0
    with source.open("rb") as reading, part.open("wb") as writing:
        while piece := reading.read(_PIECE_BYTES):
            done += writing.write(piece)
            tell(remote.name, min(done, remote.size), remote.size)


def _require_right(part: Path, remote: RemoteFile, origin: str) -> None:
    found, size = _sha256(part), part.stat().st_size
    if found == remote.sha256:
        return
    part.unlink()
    raise DataError(
        f"{remote.name} from {origin} is not the expected file: its SHA-256 is {found} ({size} bytes), expected "
        f"{remote.sha256} ({remote.size} bytes)",
        hint="it was changed or damaged on the way: try again, or give another copy with --from PATH",
    )


def _put_in_place(part: Path, target: Path) -> None:
    with part.open("rb+") as handle:
        os.fsync(handle.fileno())
    part.replace(target)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _disk_error(error: OSError, path: Path) -> DataError:
    location = Location(str(error.filename or path))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError("the disk is full", location=location, hint="free some space and run the same command again")
    return DataError(
        f"cannot read or write it: {error.strerror or error}",
        location=location,
        hint="see whose it is and whether a file stands where a folder must be (ls -l)",
    )
