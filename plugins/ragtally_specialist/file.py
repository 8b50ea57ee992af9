"""Members in files, through skops: no pickle, and the same member always gives the same bytes."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from ragtally.errors import DataError, Place
from ragtally_specialist.model import Member

_TRUSTED: tuple[str, ...] = ()
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def write_member(member: Member, answers: tuple[str, ...], file: Path) -> None:
    """Write a member.

    Args:
        member: The member.
        answers: The answers that its numbers stand for.
        file: Where to.
    """
    content = {field.name: getattr(member, field.name) for field in fields(member)}
    file.write_bytes(_timeless(skops.io.dumps({"answers": list(answers), **content})))


def read_member(file: Path) -> tuple[Member, tuple[str, ...]]:
    """Read what `write_member` wrote.

    Args:
        file: The file.

    Returns:
        The member and its answers.

    Raises:
        DataError: If the file is missing, damaged, or holds anything but the types of a member.
    """
    try:
        content = skops.io.load(file, trusted=list(_TRUSTED))
        answers = tuple(content.pop("answers"))
        return Member(**content), answers
    except (OSError, BadZipFile, KeyError, TypeError, ValueError, UntrustedTypesFoundException) as error:
        raise DataError(
            f"no specialist's model can be read from here: {error}",
            place=Place(str(file)),
            hint="remove the file's folder and train again: ragtally run SPEC --stage train",
        ) from error


def _timeless(archive: bytes) -> bytes:
    """Take out of a skops archive what differs between equal objects: times, and addresses in memory.

    skops names arrays and marks objects by `id()`; the marks only let objects be shared, and no part of a member
    is.
    """
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as source, ZipFile(buffer, "w") as target:
        names: dict[str, str] = {}
        schema = _renamed(json.loads(source.read("schema.json")), names)
        for old, new in names.items():
            target.writestr(ZipInfo(new, _FIRST_DAY), source.read(old))
        target.writestr(ZipInfo("schema.json", _FIRST_DAY), json.dumps(schema, indent=1))
    return buffer.getvalue()


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _renamed(value, names) for key, value in node.items() if key != "__id__"}
    if isinstance(node.get("file"), str):
        renamed["file"] = names.setdefault(node["file"], f"{len(names)}{Path(node['file']).suffix}")
    return renamed
