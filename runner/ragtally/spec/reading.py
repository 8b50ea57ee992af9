"""Read a spec file."""

from __future__ import annotations

from pathlib import Path

from ragtally.api import Location, RagtallyError, SpecError, raise_all
from ragtally.spec.composing import Composer
from ragtally.spec.document import Document

# How large a spec may be; the largest in use have a few kilobytes.
MAX_BYTES = 256 * 1024


def read_document(path: str | Path) -> Document:
    """Read a spec file."""
    return parse_document(_text(Path(path), str(path)), str(path))


def parse_document(text: str, file: str) -> Document:
    """Read a spec's text."""
    composer = Composer(text, file)
    try:
        root = composer.document()
    except SpecError as error:
        raise_all(sorted([*composer.errors, error], key=_by_place))
        raise
    hint = "a spec starts like this: study: my-study"
    if root is None or root.value is None:
        raise SpecError("the file is empty", location=Location(file, 1, 1), hint=hint)
    if not isinstance(root.value, dict):
        what = "a list" if isinstance(root.value, list) else "a single value"
        raise SpecError(f"a spec is a mapping of keys to values, not {what}", location=root.location, hint=hint)
    return Document(file, root, tuple(composer.errors))


def _by_place(error: RagtallyError) -> tuple[int, int]:
    location = error.location
    return (location.line or 0, location.column or 0) if location else (0, 0)


def _text(path: Path, file: str) -> str:
    location = Location(file)
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        folder = path.parent
        near = sorted(str(other) for end in ("*.yaml", "*.yml") for other in folder.glob(end))
        hint = f"there is: {', '.join(near[:10])}" if near else None
        raise SpecError("there is no such file", location=location, hint=hint) from error
    except IsADirectoryError as error:
        raise SpecError(
            "this is a folder, not a spec", location=location, hint=f"name a file in it: {file}/..."
        ) from error
    except OSError as error:
        raise SpecError(f"the file cannot be read: {error.strerror}", location=location) from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"the file is larger than {MAX_BYTES // 1024} KiB: that is no spec", location=location)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        where = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise SpecError("the file is not UTF-8 text", location=where, hint="save it as UTF-8") from error
