"""A place for files in memory whose requests fail as a script says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

URL = "faulty://place"


class FaultyFiles(MemoryFileSystem):
    """Attributes:
    fault: Is asked before each request (`read`, `get`, `put`); what it returns is raised.
    requests: Every request, with the name of the file.
    cut: How many bytes of what is read arrive; all where it is None.
    """

    protocol = "faulty"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    fault: Callable[[str, str], BaseException | None] = staticmethod(lambda what, path: None)
    requests: ClassVar[list[tuple[str, str]]] = []
    cut: int | None = None

    @classmethod
    def _request(cls, what: str, path: str) -> None:
        cls.requests.append((what, path))
        if (error := cls.fault(what, path)) is not None:
            raise error

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        self._request("read", path)
        return bytes(super().cat_file(path, start=start, end=end, **kwargs))[: self.cut]

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        self._request("get", rpath)
        super().get_file(rpath, lpath, **kwargs)
        if self.cut is not None:
            Path(lpath).write_bytes(Path(lpath).read_bytes()[: self.cut])

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        self._request("put", rpath)
        super().put_file(lpath, rpath, **kwargs)


fsspec.register_implementation("faulty", FaultyFiles, clobber=True)


@contextmanager
def faulty_files() -> Iterator[type[FaultyFiles]]:
    """An empty place without faults."""
    FaultyFiles.store.clear()
    FaultyFiles.pseudo_dirs[:] = [""]
    FaultyFiles.requests = []
    FaultyFiles.fault, FaultyFiles.cut = staticmethod(lambda what, path: None), None
    yield FaultyFiles
