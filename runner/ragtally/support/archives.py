"""Files that are ZIP archives within: Excel, Word, PowerPoint, OpenDocument, EPUB."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragtally.api import ConversionError
from ragtally.support.text_files import read_bytes

# What an archive may unpack to: a few kilobytes can be made to unpack to petabytes.
_MOST_BYTES = 2 << 30
# How files of Office begin that are encrypted, or of its old formats: both are OLE containers.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_FLAG = 0x1


@contextmanager
def require_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; nothing of it is unpacked to disk.

    Args:
        path: The file.

    Yields:
        The archive.

    Raises:
        ConversionError: If it is none, is damaged, encrypted, or unpacks to more than 2 GiB.
    """
    data = read_bytes(path)
    suffix = path.suffix.lower()
    if data.startswith(_OLE):
        raise ConversionError(
            "encrypted", path, f"this is no {suffix} but an encrypted file, or one of an old format of Office",
            hint=f"open it, and save it as {suffix} without a password",
        )  # fmt: skip
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
                raise ConversionError(
                    "encrypted", path, "the file is encrypted", hint="save a copy without a password"
                )
            size = sum(entry.file_size for entry in entries)
            if size > _MOST_BYTES:
                message = f"the file unpacks to {size / (1 << 30):.1f} GiB, more than {_MOST_BYTES >> 30}"
                raise ConversionError("too large", path, message, hint="split it")
            yield archive
    except (zipfile.BadZipFile, EOFError) as error:
        hint = "get the file again, or open it in its program and save it"
        if data.startswith(b"PK"):
            raise ConversionError("cut off", path, "the file is cut off: its end is missing", hint=hint) from error
        raise ConversionError("damaged", path, f"this is no {suffix}: {error}", hint=hint) from error
