"""What a dataset declares of files that can be fetched."""

from __future__ import annotations

import pytest

from ragtally.api import RemoteFile


@pytest.mark.parametrize(
    ("name", "sha256", "size", "wrong"),
    [
        ("../data.json", "0" * 64, 1, "plain file name"),
        ("a/b", "0" * 64, 1, "plain file name"),
        (".hidden", "0" * 64, 1, "plain file name"),
        ("a", "0" * 63, 1, "SHA-256"),
        ("a", "0" * 64, -1, "negative"),
    ],
)
def test_a_remote_file_is_checked_when_it_is_declared(name: str, sha256: str, size: int, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        RemoteFile(name, "https://example.org", sha256, size)
