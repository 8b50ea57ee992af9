"""Fetch a dataset's files, resumably from their public home or from a copy; each is checked by its SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import requests

from ragtally.api import DataError, Location, RemoteFile, raise_all

_COPY_BYTES = 1 << 20
_DOWNLOAD_BYTES = 1 << 16
_TIMEOUT_SECONDS = (10.0, 60.0)  # to connect, and between two pieces
_TRANSIENT = (408, 416, 429)  # retried, as every 5xx is

Outcome = Literal["present", "downloaded", "resumed", "copied"]


class TransferProgress(Protocol):
    """Receives how many bytes of a file have arrived."""

    def __call__(self, name: str, so_far: int, total: int, /) -> None:
        """Take the news of one file."""
        ...


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """One file in its place."""

    path: Path
    # `"present"` where it was there and correct, else how it arrived; `"resumed"` where a download continued from
    # what an earlier try had left.
    outcome: Outcome
    size: int  # in bytes


@dataclass(frozen=True, slots=True)
class FetchReport:
    """All files of a dataset."""

    folder: Path
    files: tuple[FetchedFile, ...]  # in the order of the request


class _TransferInterruption(Exception):
    """A try ended early in a way that another try may overcome."""


def fetch(
    remote_files: Sequence[RemoteFile],
    folder: Path,
    *,
    source: Path | None = None,
    progress: TransferProgress | None = None,
    attempts: int = 3,
    pause: float = 1.0,
) -> FetchReport:
    """Put files into a folder, each complete and correct or not at all."""
    # A correct file is left alone; a wrong one is replaced only once the right one is complete. An interrupted
    # download stays as `<name>.part` and is continued by the next call.
    report = progress or (lambda name, so_far, total, /: None)
    copies = _copies(remote_files, source) if source else [None] * len(remote_files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _disk_error(error, folder) from error
    files = [
        _fetch_file(remote, folder, copy, report, attempts, pause)
        for remote, copy in zip(remote_files, copies, strict=True)
    ]
    return FetchReport(folder, tuple(files))


def _fetch_file(
    remote: RemoteFile, folder: Path, copy: Path | None, progress: TransferProgress, attempts: int, pause: float
) -> FetchedFile:
    target = folder / remote.name
    part = folder / f"{remote.name}.part"
    outcome: Outcome
    try:
        if target.is_file() and target.stat().st_size == remote.size and _sha256(target) == remote.sha256:
            progress(remote.name, remote.size, remote.size)
            return FetchedFile(target, "present", remote.size)
        if copy:
            outcome = "copied"
            _copy(copy, part, remote, progress)
            _require_checksum(part, remote, origin=str(copy))
        else:
            was_resumed = _download(remote, part, progress, attempts, pause)
            if was_resumed and _sha256(part) != remote.sha256:
                # The part may be of another version, or of another file altogether.
                part.unlink()
                was_resumed = _download(remote, part, progress, attempts, pause)
            outcome = "resumed" if was_resumed else "downloaded"
            _require_checksum(part, remote, origin=remote.url)
        _move_into_place(part, target)
    except OSError as error:
        raise _disk_error(error, target) from error
    return FetchedFile(target, outcome, remote.size)


def _copies(remote_files: Sequence[RemoteFile], source: Path) -> list[Path | None]:
    names = [remote.name for remote in remote_files]
    hint = f"give a folder that holds {' and '.join(names)}"
    if source.is_dir():
        paths = [source / name for name in names]
    elif source.is_file() and len(names) == 1:
        paths = [source]
    elif source.is_file() and source.name in names:
        paths = [source.with_name(name) for name in names]
    elif source.exists():
        raise DataError(f"{source.name} is none of the files to fetch", location=Location(str(source)), hint=hint)
    else:
        raise DataError("there is no such file or folder to copy from", location=Location(str(source)), hint=hint)
    raise_all(
        [
            DataError("there is no such file to copy", location=Location(str(path)), hint=hint)
            for path in paths
            if not path.is_file()
        ]
    )
    return list(paths)


def _copy(source: Path, part: Path, remote: RemoteFile, progress: TransferProgress) -> None:
    so_far = 0
    with source.open("rb") as reading, part.open("wb") as writing:
        while piece := reading.read(_COPY_BYTES):
            so_far += writing.write(piece)
            progress(remote.name, min(so_far, remote.size), remote.size)


def _download(remote: RemoteFile, part: Path, progress: TransferProgress, attempts: int, pause: float) -> bool:
    """Bring a partial file to its full length, and return whether the server continued it; checks no content."""
    # What the file holds is kept and only the rest requested (HTTP Range, RFC 9110 section 14); where the server
    # sends the whole file nevertheless, it is written from its beginning. After cut connections and transient
    # errors of the server the pause doubles; what has arrived stays for the next call.
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            return _transfer(remote, part, progress)
        except _TransferInterruption as error:
            reason = str(error)
    raise DataError(
        f"cannot get {remote.url}: {reason}; {_length(part)} of {remote.size} bytes are here after {attempts} tries",
        location=Location(str(part)),
        hint="run the same command again: it continues where this one stopped",
    )


def _transfer(remote: RemoteFile, part: Path, progress: TransferProgress) -> bool:
    start = _length(part)
    if start > remote.size:
        part.unlink()
        start = 0
    progress(remote.name, start, remote.size)
    if start == remote.size and part.exists():
        return True
    # A compressed answer to a Range would count compressed bytes.
    headers = {"Accept-Encoding": "identity", "User-Agent": "ragtally"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = requests.get(remote.url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS)
    except requests.RequestException as error:
        raise DataError(
            f"cannot reach {remote.url}: {_system_message(error)}",
            hint="check the network and the proxy settings, or give a copy of the file with --from PATH",
        ) from error
    with response:
        continues = _continues(response, remote, part, start)
        with part.open("ab" if continues else "wb") as handle:
            so_far = start if continues else 0
            try:
                for piece in response.iter_content(_DOWNLOAD_BYTES):
                    so_far += handle.write(piece)
                    progress(remote.name, min(so_far, remote.size), remote.size)
                    if so_far > remote.size:
                        break
            except requests.RequestException as error:
                raise _TransferInterruption(f"the connection was cut ({_system_message(error)})") from error
    return continues


def _continues(response: requests.Response, remote: RemoteFile, part: Path, start: int) -> bool:
    """Whether the response continues at `start` (else it is the whole file); raises where it is neither."""
    status = response.status_code
    if status == 200:
        return False
    if status == 206 and start and response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        return True
    if status in (206, 416):
        part.unlink(missing_ok=True)
        raise _TransferInterruption("the server sent another part of the file than the requested one")
    message = f"the server answered {status} {response.reason}".rstrip()
    if status >= 500 or status in _TRANSIENT:
        raise _TransferInterruption(message)
    raise DataError(
        f"cannot get {remote.url}: {message}",
        hint=f"check whether {remote.name} has moved, and give a copy of it with --from PATH",
    )


def _require_checksum(part: Path, remote: RemoteFile, origin: str) -> None:
    checksum, size = _sha256(part), part.stat().st_size
    if checksum == remote.sha256:
        return
    part.unlink()
    raise DataError(
        f"{remote.name} from {origin} is not the expected file: its SHA-256 is {checksum} ({size} bytes), expected "
        f"{remote.sha256} ({remote.size} bytes)",
        hint="it was changed or damaged on the way: try again, or give another copy with --from PATH",
    )


def _move_into_place(part: Path, target: Path) -> None:
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


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _system_message(error: BaseException) -> str:
    """The system's own words, which lie below several layers of wrapping."""
    message = str(error)
    layer: BaseException | None = error
    while layer is not None:
        if not isinstance(layer, requests.RequestException):
            message = getattr(layer, "strerror", None) or str(layer) or message
        layer = layer.__cause__ or layer.__context__
    return message


def _disk_error(error: OSError, path: Path) -> DataError:
    location = Location(str(error.filename or path))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError("the disk is full", location=location, hint="free some space and run the same command again")
    return DataError(
        f"cannot read or write it: {error.strerror or error}",
        location=location,
        hint="check who owns it and whether a file stands where a folder must be (ls -l)",
    )
