"""The contract of a dataset whose files `ragtally fetch` can get from their public home."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file at its public home, pinned by its content.

    Attributes:
        name: The plain file name under which it is kept.
        url: Where it is published (`https://...`).
        sha256: SHA-256 of its bytes, 64 hexadecimal digits.
        size: Its length in bytes.
    """

    name: str
    url: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-][\w.-]*", self.name):
            raise ValueError(f"{self.name!r} is no plain file name")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"the SHA-256 of {self.name} must be 64 lower-case hexadecimal digits")
        if self.size < 0:
            raise ValueError(f"the size of {self.name} is negative")


@runtime_checkable
class Fetchable(Protocol):
    """What a dataset's `build` may return on top of the dataset's contract, so that its files can be fetched.

    Building it must touch no file: `ragtally fetch` builds it where nothing is there yet.
    """

    @property
    def folder_name(self) -> str:
        """The folder below `data/raw/` that its files are put into."""
        ...

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        """The files to get; empty where these parameters pick something that cannot be fetched."""
        ...
