"""A full disk is a full disk, whichever library has wrapped the system's error."""

from __future__ import annotations

import errno

import pytest

from ragtally.support.write_failures import write_failure


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), errno.ENOSPC),
        (RuntimeError("parquet: underlying IO error: No space left on device (os error 28)"), errno.ENOSPC),
        (RuntimeError('IoError(Os { code: 122, kind: Other, message: "Disk quota exceeded" })'), errno.EDQUOT),
        (OSError("4000 requested and 512 written"), errno.ENOSPC),
        (caused(ValueError("cannot save"), OSError(errno.EROFS, "Read-only file system")), errno.EROFS),
        (caused(ValueError("cannot save"), OSError("[Errno 27] File too large")), errno.EFBIG),
        (OSError(errno.ENOENT, "No such file or directory"), None),
        (RuntimeError("out of memory"), None),
        (KeyError("28"), None),
        (None, None),
    ],
)
def test_what_could_not_be_written_says_why(error: BaseException | None, number: int | None) -> None:
    reason = write_failure(error)
    assert (reason and reason.errno) == number
