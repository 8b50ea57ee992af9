"""Download one file over HTTP, going on where an earlier try was cut."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

import requests

from ragtally.api import DataError, Location, RemoteFile

_PIECE_BYTES = 1 << 16
_TIMEOUT_SECONDS = (10.0, 60.0)  # to connect, and between two pieces
_WORTH_ANOTHER_TRY = (408, 416, 429)  # beside every 5xx


class TransferProgress(Protocol):
    """Told how far a file is."""

    def __call__(self, name: str, done: int, total: int, /) -> None:
        """Take news."""
        ...


class _Interrupted(Exception):
    """A try ended early in a way that another try may mend."""


def download(remote: RemoteFile, part: Path, *, progress: TransferProgress, attempts: int, pause: float) -> bool:
    """Bring a partial file to its full length; its content is not checked here."""
    # What the file holds is kept and only the rest is asked for (HTTP Range, RFC 9110 section 14); where the server
    # sends the whole file nevertheless, it starts anew. Cut connections and passing faults of the server (5xx) are
    # tried again after a pause that doubles; what was got stays for the next call.
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            return _transfer(remote, part, progress)
        except _Interrupted as error:
            reason = str(error)
    raise DataError(
        f"cannot get {remote.url}: {reason}; {_length(part)} of {remote.size} bytes are here after {attempts} tries",
        location=Location(str(part)),
        hint="run the same command again: it goes on where this one stopped",
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
            f"cannot reach {remote.url}: {_reason(error)}",
            hint="check the network and the proxy settings, or give a copy of the file with --from PATH",
        ) from error
    with response:
        goes_on = _goes_on(response, remote, part, start)
        with part.open("ab" if goes_on else "wb") as handle:
            done = start if goes_on else 0
            try:
                for piece in response.iter_content(_PIECE_BYTES):
                    done += handle.write(piece)
                    progress(remote.name, min(done, remote.size), remote.size)
                    if done > remote.size:
                        break
            except requests.RequestException as error:
                raise _Interrupted(f"the connection was cut ({_reason(error)})") from error
    return goes_on


def _goes_on(response: requests.Response, remote: RemoteFile, part: Path, start: int) -> bool:
    """Tell whether the answer goes on at `start` (else it is the whole file); raise where it is neither."""
    status = response.status_code
    if status == 200:
        return False
    if status == 206 and start and response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        return True
    if status in (206, 416):
        part.unlink(missing_ok=True)
        raise _Interrupted("the server sent another part of the file than the one asked for")
    said = f"the server answered {status} {response.reason}".rstrip()
    if status >= 500 or status in _WORTH_ANOTHER_TRY:
        raise _Interrupted(said)
    raise DataError(
        f"cannot get {remote.url}: {said}",
        hint=f"see whether {remote.name} has moved, and give a copy of it with --from PATH",
    )


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: BaseException) -> str:
    """Find the system's own words, which lie below several layers of wrapping."""
    words = str(error)
    layer: BaseException | None = error
    while layer is not None:
        if not isinstance(layer, requests.RequestException):
            words = getattr(layer, "strerror", None) or str(layer) or words
        layer = layer.__cause__ or layer.__context__
    return words
