"""Why something could not be written, whichever library says so."""

from __future__ import annotations

import errno
import os
import re

# How libraries in Rust and in C word the system's error: polars, safetensors, tokenizers; NumPy's short write.
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)|\bOs \{ code: (\d+)|\[Errno (\d+)\]")
_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
"""A full disk, a quota, a limit of the file size, a file system that is read alone, a broken one."""


def write_failure(error: BaseException | None) -> OSError | None:
    """The system's reason why something could not be written, whoever has wrapped it; None for other errors."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        number = error.errno if isinstance(error, OSError) else None
        if number is None and (match := _SYSTEM_ERROR.search(str(error))):
            number = int(next(filter(None, match.groups())))
        if number is None and _SHORT_WRITE.search(str(error)):
            number = errno.ENOSPC
        if number in UNWRITABLE:
            return OSError(number, os.strerror(number))
        error = error.__cause__ or error.__context__
    return None
