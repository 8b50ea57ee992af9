"""Files in a place that other machines see too, through fsspec: a folder, or object storage."""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ragtally.api import Location, RagtallyError, StoreError
from ragtally.store.files import sync_file
from ragtally.support.environment import environment
from ragtally.support.secrets import MASK, known_secrets, redact

T = TypeVar("T")
OnBytes = Callable[[int, int | None], None]
"""Told how many bytes have come or gone, and of how many."""

# Objects of these appear whole or not at all when they are written. Elsewhere a file is renamed into its place, which
# these can only do by copying it.
_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "r2", "memory"}
_S3 = {"s3", "s3a"}
_PART_BYTES = 1 << 24
_MOST_PARTS = 9_000  # S3 takes 10,000
_PARTS_AT_ONCE = 4
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts, of what may pass: a server that is busy or restarts, a cable that is pulled."""
_CREDENTIALS = (
    "keys come from the environment, .env or the provider's own files (AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE); they must be allowed to list, get and put"
)
# What libraries take their keys and servers from.
_VARIABLES = ("AWS_", "AZURE_", "FSSPEC_", "GOOGLE_", "GCSFS_")


class RemoteFiles:
    """Reads and writes whole files below a URL, trying again what may pass."""

    def __init__(self, url: str) -> None:
        self.url = _without_keys(url)
        self.pauses = _PAUSES

    def head(self, name: str, size: int) -> bytes | None:
        """The first bytes of a file, or all of it where it is shorter; None where there is no such file."""

        def head(fs: Any, path: str) -> bytes:
            try:
                return bytes(fs.cat_file(path, start=0, end=size))
            except OSError as error:
                # S3 says of an empty object that it has no first bytes.
                if "range" in str(error).lower():
                    return b""
                raise

        try:
            return self._attempt("read", name, head)
        except FileNotFoundError:
            return None

    def get(self, name: str, path: Path, on_bytes: OnBytes) -> bool:
        """Read a file into one of this machine; False where there is none."""

        def get(fs: Any, remote: str) -> None:
            fs.get_file(remote, str(path), callback=_callback(on_bytes))

        try:
            self._attempt("read", name, get)
        except FileNotFoundError:
            return False
        return True

    def put(self, path: Path, name: str, on_bytes: OnBytes, *, replace: bool) -> bool:
        """Write a file whole; False where there is one already, which stays unless it is to be replaced."""

        def put(fs: Any, remote: str) -> None:
            if self._protocol in _S3 and not replace:
                part_bytes = max(_PART_BYTES, path.stat().st_size // _MOST_PARTS)
                callback = _callback(on_bytes)
                try:
                    fs.put_file(str(path), remote, callback=callback, chunksize=part_bytes, mode="create")
                    return
                except OSError as error:
                    # Some servers of this kind cannot: then the last of two that write at the same time stays.
                    if "implemented" not in str(error):
                        raise
            if not replace and fs.exists(remote):
                raise FileExistsError(remote)
            if self._protocol in _WHOLE:
                fs.put_file(str(path), remote, callback=_callback(on_bytes))
                return
            part = f"{self._root}/tmp/{PurePosixPath(name).name}-{uuid.uuid4().hex}"
            for folder in (part, remote):
                fs.makedirs(folder.rpartition("/")[0], exist_ok=True)
            try:
                fs.put_file(str(path), part, callback=_callback(on_bytes))
                if self._is_folder:
                    sync_file(Path(part))
                fs.mv(part, remote)
            except BaseException:
                if fs.exists(part):
                    fs.rm_file(part)
                raise

        try:
            self._attempt("write", name, put)
        except FileExistsError:
            return False
        except FileNotFoundError as error:
            raise self._error("write", name, error) from error
        return True

    def remove(self, folder: str) -> None:
        """Remove everything below a folder, if there is such a folder."""

        def remove(fs: Any, path: str) -> None:
            fs.invalidate_cache()
            if fs.exists(path):
                fs.rm(path, recursive=True)

        self._attempt("remove", folder, remove)

    def location(self, name: str) -> Location:
        """Where a file lies, for people."""
        return Location(f"{self.url}/{name}")

    @functools.cached_property
    def _protocol(self) -> str:
        protocol, separator, _ = self.url.partition("://")
        return protocol if separator else "file"

    @functools.cached_property
    def _is_folder(self) -> bool:
        return _is_folder(self._connection[0])

    @functools.cached_property
    def _root(self) -> str:
        return str(self._connection[1]).rstrip("/")

    @functools.cached_property
    def _connection(self) -> tuple[Any, str]:
        # Takes a sixth of a second, which only who shares work should wait for.
        import fsspec.core

        # fsspec's libraries read nothing but the process' environment.
        for name, value in environment().items():
            if name.startswith(_VARIABLES):
                os.environ.setdefault(name, value)
        # Attempts are counted here, for all kinds of places alike: botocore would wait for minutes.
        config = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "max_pool_connections": 32}
        # Several entries are on their way at once, each in several parts, and all of these are held in memory.
        parts = {"default_block_size": _PART_BYTES, "max_concurrency": _PARTS_AT_ONCE}
        options = {"config_kwargs": config, **parts} if self._protocol in _S3 else {}
        try:
            fs, root = fsspec.core.url_to_fs(self.url, **options)
        except ImportError as error:
            extra = "pip install s3fs" if self._protocol in _S3 else str(error)
            raise RagtallyError(f"the shared store {self.url} needs a package", hint=extra) from error
        except ValueError as error:
            known = "a folder, s3://BUCKET/PREFIX, or another URL that fsspec knows"
            raise RagtallyError(f"{self.url} is no shared store: {redact(str(error))}", hint=known) from error
        if _is_folder(fs) and not Path(root).is_dir():
            # Made here, it would fill this machine's disk where the shared one is not mounted.
            raise RagtallyError(
                f"the shared store {self.url} is no folder", hint=f"mount it, or make it: mkdir -p {root}"
            )
        return fs, root

    def _attempt(self, verb: str, name: str, action: Callable[[Any, str], T]) -> T:
        fs, _ = self._connection
        path = f"{self._root}/{name}"
        for pause in (*self.pauses, None):
            try:
                return action(fs, path)
            except FileNotFoundError as error:
                if "bucket does not exist" in str(error):
                    raise self._error(verb, name, error) from error
                raise
            except FileExistsError:
                raise
            # Of what libraries raise, each has kinds of its own.
            except Exception as error:
                if pause is None or not _may_pass(error):
                    raise self._error(verb, name, error) from error
            time.sleep(pause)
        raise AssertionError

    def _error(self, verb: str, name: str, error: Exception) -> StoreError:
        words = " ".join(str(error).split()) or type(error).__name__
        reason = redact(words, known_secrets(environment()))
        if isinstance(error, PermissionError) or "credential" in type(error).__name__.lower():
            hint = _CREDENTIALS
        elif isinstance(error, FileNotFoundError):
            hint = "create it, or correct the URL"
        else:
            hint = "see whether the server runs and the network works; RAGTALLY_SHARED_STORE=none does without it"
        return StoreError(f"cannot {verb} the shared store: {reason}", location=self.location(name), hint=hint)


def _is_folder(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _may_pass(error: Exception) -> bool:
    permanent = isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError | IsADirectoryError)
    return not permanent and "credential" not in type(error).__name__.lower()


def _without_keys(url: str) -> str:
    """The URL without what need not be there; one that holds a password is refused."""
    scheme, _, rest = url.partition("://")
    before, at, _ = rest.partition("@")
    if at and ":" in before:
        raise RagtallyError(
            f"the URL of a shared store holds no keys: {scheme}://{MASK}@...", hint=f"take them out: {_CREDENTIALS}"
        )
    if "::" in url or "?" in rest:
        raise RagtallyError(
            f"a shared store is one place, without parameters: {redact(url)}",
            hint="a folder, s3://BUCKET/PREFIX, or another URL that fsspec knows",
        )
    if "://" not in url:
        url = str(Path(url).expanduser().resolve())
    return url.rstrip("/")


def _callback(on_bytes: OnBytes) -> Any:
    import fsspec.callbacks

    class Bytes(fsspec.callbacks.Callback):  # type: ignore[misc]
        def call(self, *_: Any, **__: Any) -> None:
            on_bytes(self.value, self.size)

    return Bytes()
