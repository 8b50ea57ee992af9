"""An entry as one file, a tar archive with its record in front, so that it appears in a shared place whole."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ragtally.api import file_hash
from ragtally.api.address import address

RECORD = "entry.json"
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
    tarfile.TarError,
)
"""What may be wrong with what somebody or something has damaged."""


@dataclass(frozen=True, slots=True)
class PackedRecord:
    """What an entry's record says, as it stands in front of the archive."""

    text: bytes
    seconds: float
    files: Mapping[str, Any]  # Size and hash of each, by its path

    @property
    def size(self) -> int:
        """What the entry's files take, in bytes."""
        return sum(int(file["bytes"]) for file in self.files.values())


def content_files(folder: Path) -> list[Path]:
    """The files of an entry, its record apart."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / RECORD)


def fingerprints(folder: Path) -> dict[str, Any]:
    """Size and hash of an entry's files, as its record has them."""
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "hash": file_hash(path)}
        for path in content_files(folder)
    }


def state(folder: Path) -> str:
    """What changes with an entry's files, without reading them: their names, sizes and times."""
    stats = ((path.relative_to(folder).as_posix(), path.stat()) for path in content_files(folder))
    return address({name: [each.st_size, each.st_mtime_ns] for name, each in stats})


def pack(folder: Path, archive: Path) -> None:
    """Write an entry's files into an archive; the same entry gives the same bytes."""
    files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in (RECORD, *sorted(files)):
            member = tarfile.TarInfo(name)
            member.size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source:
                tar.addfile(member, source)
        # Some components expect a folder into which they had nothing to write.
        for path in sorted(path for path in folder.rglob("*") if path.is_dir()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.type = tarfile.DIRTYPE
            tar.addfile(member)


def read_record(head: bytes, step: str, address: str) -> PackedRecord | int | None:
    """The record in front of an archive of which these are the first bytes.

    How many bytes it takes where these are too few, None where it is not that entry's record.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(head), mode="r:") as tar:
            member = tar.next()
            if member is None or member.name != RECORD or not member.isreg():
                return None
            end = member.offset_data + member.size
            if end > len(head):
                return end
            text = head[member.offset_data : end]
        record = json.loads(text)
        packed = PackedRecord(text, float(record["seconds"]), dict(record["files"]))
        is_sound = (record["step"], record["address"]) == (step, address) and packed.size >= 0
    except (*UNREADABLE, tarfile.TarError):
        return None
    return packed if is_sound else None


def unpack(archive: Path, folder: Path, record: PackedRecord) -> bool:
    """Write what an archive holds into a folder; False where it is not what its record says."""
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                # Names come from a place that others can write to.
                parts = PurePosixPath(member.name).parts
                if PurePosixPath(member.name).is_absolute() or ".." in parts:
                    return False
                path = folder / member.name
                if member.isdir():
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                source = tar.extractfile(member) if member.isreg() else None
                if source is None or (member.name != RECORD and member.name not in record.files):
                    return False
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        return (folder / RECORD).read_bytes() == record.text and fingerprints(folder) == record.files
    except (tarfile.TarError, ValueError, FileNotFoundError):
        return False
