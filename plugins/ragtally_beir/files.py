"""The files of a BEIR folder: where they are, what they hold, line by line, and what is wrong with a line."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from ragtally import DataError, Location, file_hash
from ragtally.api.address import address
from ragtally.support.unique_keys import RepeatedKeyError, unique_keys

REMEDY = (
    "get the dataset's archive from the links in https://github.com/beir-cellar/beir, unpack it and name its folder; "
    "data/raw/README.md says what must lie there"
)
_UNREADABLE = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class BeirFiles:
    """The files of one folder."""

    corpus: Path
    queries: Path
    qrels: dict[str, Path]  # The relevance judgements by the name of their split, in the order of the names


def find_files(folder: str) -> BeirFiles:
    """Find the files of a folder."""
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(f"there is no folder {folder!r}", location=Location(str(root)), hint=REMEDY)
    qrels: dict[str, Path] = {}
    for path in sorted((root / "qrels").glob("*.tsv")) + sorted((root / "qrels").glob("*.tsv.gz")):
        split = path.name.removesuffix(".gz").removesuffix(".tsv")
        if split in qrels:
            raise _twice(path)
        qrels[split] = path
    if not qrels:
        message = "there are no relevance judgements: no qrels/*.tsv, each of which is a split"
        raise DataError(message, location=Location(str(root / "qrels")), hint=REMEDY)
    return BeirFiles(_one(root, "corpus.jsonl"), _one(root, "queries.jsonl"), dict(sorted(qrels.items())))


def fingerprint(files: BeirFiles) -> str:
    """Hash the content of files and the names of the splits; their folder does not count."""
    hashes = {}
    for path in (files.corpus, files.queries, *files.qrels.values()):
        try:
            hashes[path] = file_hash(path)
        except OSError as error:
            raise unreadable(path, error) from error
    qrels = {split: hashes[path] for split, path in files.qrels.items()}
    return address({"corpus": hashes[files.corpus], "queries": hashes[files.queries], "qrels": qrels})


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, plain or gzipped."""
    try:
        with path.open("rb") as handle, ExitStack() as stack:
            yield cast(IO[bytes], stack.enter_context(gzip.open(handle))) if path.suffix == ".gz" else handle
    except _UNREADABLE as error:
        raise unreadable(path, error) from error


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a `.jsonl` file."""

    path: Path
    line: int  # The line's number from 1
    value: dict[str, Any]  # What the line holds

    def text(self, key: str, missing: str | None = None) -> str:
        """Take a text out of the line."""
        value = self.value.get(key)
        if value is None and missing is not None:
            return missing
        if not isinstance(value, str):
            actual = "" if key not in self.value else f" but {json.dumps(value)[:40]}"
            raise self.wrong(f"there must be a text `{key}`; there is none{actual}")
        if not value.isascii() and not is_unicode(value):
            raise self.wrong(f"`{key}` holds half of a surrogate pair, which is no character")
        return value

    def identifier(self) -> str:
        """Take the document's or query's identifier out of the line."""
        identifier = self.text("_id")
        if not identifier:
            raise self.wrong("`_id` is empty")
        return identifier

    def wrong(self, message: str, remedy: str | None = None) -> DataError:
        """An error about the line."""
        return damage(self.path, self.line, message, remedy)


def entries(path: Path) -> Iterator[Entry]:
    """Read a `.jsonl` file; empty lines are skipped."""
    with open_file(path) as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line, object_pairs_hook=unique_keys)
            except RepeatedKeyError as error:
                raise damage(path, number, str(error)) from error
            except (ValueError, RecursionError) as error:
                raise damage(path, number, f"this is no JSON in UTF-8: {error}") from error
            if not isinstance(value, dict):
                raise damage(path, number, "each line must hold a JSON object")
            yield Entry(path, number, value)


def is_unicode(text: str) -> bool:
    """Whether a text can be written: JSON can escape half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def damage(path: Path, line: int | None, message: str, hint: str | None = None) -> DataError:
    """An error about a line of a file."""
    return DataError(message, location=Location(str(path), line), hint=hint or f"fix the file, or {REMEDY}")


def unreadable(path: Path, error: BaseException) -> DataError:
    """An error about a file that cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return DataError(f"cannot read the file: {reason}", location=Location(str(path)), hint=REMEDY)


def _one(root: Path, name: str) -> Path:
    plain, archive = root / name, root / f"{name}.gz"
    if plain.is_file() and archive.is_file():
        raise _twice(archive)
    if not plain.is_file() and not archive.is_file():
        raise DataError(f"there is no {name} (or {name}.gz)", location=Location(str(plain)), hint=REMEDY)
    return plain if plain.is_file() else archive


def _twice(path: Path) -> DataError:
    name = path.name.removesuffix(".gz")
    return DataError(
        f"{name} is there twice, plain and as {name}.gz", location=Location(str(path)), hint="remove one of them"
    )
