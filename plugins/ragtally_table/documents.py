"""The corpus: a folder of files through converters, or a table with texts; and the documents that a name means."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ragtally import (
    Conversion,
    ConversionError,
    Converter,
    DataError,
    Documents,
    FileDocument,
    Location,
    Part,
    did_you_mean,
)
from ragtally_converters import default_converters
from ragtally_table.quotes import QuotedText
from ragtally_table.rows import TABLES, raise_first, read_table

LITTER = "hidden files and folders, and links to folders"
UNREADABLE = "files that cannot be read: {}"
# Files that systems and programs leave beside people's own.
_LITTER = {"thumbs.db", "desktop.ini"}
_REMEDY = "on_unreadable: skip leaves such files out, and counts them"


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document, and the file that it is from."""

    id: str
    file: str  # The file's path below the folder; the id where documents are rows of a table
    searchable: QuotedText
    parts: Sequence[Part]

    @property
    def text(self) -> str:
        """The whole text."""
        return self.searchable.text


@dataclass(frozen=True, slots=True)
class Corpus:
    """All documents."""

    documents: Sequence[CorpusDocument]
    unreadable: Mapping[str, str] = field(default_factory=dict)  # Why, by file
    left_out: Mapping[str, int] = field(default_factory=dict)
    people: Sequence[str] = ()

    def columns(self, *, with_files: bool = False) -> Documents:
        """The documents as the engine takes them, with their files where they are parts of these; their sections are
        the innermost parts.
        """
        sections = [innermost(document.parts) for document in self.documents]
        return Documents(
            [document.id for document in self.documents],
            [document.text for document in self.documents],
            [[part.start for part in parts] for parts in sections],
            [[part.end for part in parts] for parts in sections],
            [part_names(document.parts) for document in self.documents],
            [document.file for document in self.documents] if with_files else None,
        )


class FileList(NamedTuple):
    """The files of a folder that count, by their path below it, and how many do not."""

    paths: dict[str, Path]
    litter: int


def find_files(folder: Path, but: Path | None = None) -> FileList:
    """List a folder's files; `but` is left out, the table of questions that may lie there."""
    paths: dict[str, Path] = {}
    litter, excluded = 0, but and but.resolve()
    # os.walk follows no link to a folder, which could lead anywhere, and in circles.
    for parent, folders, names in os.walk(folder):
        own = sorted(name for name in folders if not name.startswith(".") and not Path(parent, name).is_symlink())
        litter += len(folders) - len(own)
        folders[:] = own
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith((".", "~$")) or name.lower() in _LITTER:
                litter += 1
            elif not (but and (name == but.name or path.is_symlink()) and path.resolve() == excluded):
                paths[unicodedata.normalize("NFC", path.relative_to(folder).as_posix())] = path
    return FileList(dict(sorted(paths.items())), litter)


class FileConverter:
    """Reads a file by the first converter of its extension: those that are named, then those that come along."""

    def __init__(self, converters: Sequence[Converter]) -> None:
        self._by_extension: dict[str, Converter] = {}
        for converter in converters:
            for extension in converter.extensions:
                self._by_extension.setdefault(extension, converter)

    def convert(self, path: Path) -> Conversion:
        """Read a file."""
        extension = path.suffix.lower()
        if extension not in self._by_extension:
            component = default_converters().get(extension)
            if component is None:
                what = f"files named {extension}" if extension else "files without an ending"
                hint = "remove it, save it as another kind, or name a converter that reads it under `converters`"
                raise ConversionError("unknown kind of file", path, f"no converter reads {what}", hint=hint)
            self._by_extension[extension] = component.build()
        return self._by_extension[extension].convert(path)


def read_folder(
    folder: Path, but: Path | None, convert: Callable[[Path], Conversion], *, by_part: bool, skip_unreadable: bool
) -> Corpus:
    """Convert every file of a folder."""
    paths, litter = find_files(folder, but)
    if not paths:
        raise DataError("the folder holds no file", location=Location(str(folder)), hint="put the documents there")
    documents: list[CorpusDocument] = []
    people: dict[str, None] = {}
    errors: dict[str, ConversionError] = {}
    left_out = Counter({LITTER: litter})
    for name, path in paths.items():
        try:
            conversion = convert(path)
        except ConversionError as error:
            errors[name] = error
            continue
        left_out.update(conversion.left_out)
        people |= dict.fromkeys(conversion.people)
        for document in conversion.documents:
            documents += _documents(name, document, by_part=by_part)
    if errors and (not skip_unreadable or not documents):
        raise_first(list(errors.values()), _REMEDY if documents else "no file of the folder can be read")
    left_out.update(UNREADABLE.format(error.reason) for error in errors.values())
    reasons = {name: error.reason for name, error in errors.items()}
    return Corpus(documents, reasons, +left_out, tuple(people))


def read_document_table(path: Path, columns: Mapping[str, str | None], encoding: str) -> Corpus:
    """Read documents that are rows of a table, a title before the text where there is one."""
    table = read_table(path, encoding=encoding)
    places = {key: table.column(name, f"document_columns.{key}") for key, name in columns.items() if name}
    documents: list[CorpusDocument] = []
    rows: dict[str, int] = {}
    people = [name for row in table.rows for name in table.texts(row, places["person"])] if "person" in places else ()
    without_text = 0
    for row in table.rows:
        identifier = table.text(row, places["id"]) if "id" in places else str(row.number)
        if not identifier:
            raise table.wrong(row.number, places["id"], "is empty: the document has no id", "fill it")
        if rows.setdefault(identifier, row.number) != row.number:
            message = f"says {identifier!r}, which is the id of row {rows[identifier]} too"
            raise table.wrong(row.number, places["id"], message, "give each document an id of its own")
        pieces = [table.text(row, places[key]) for key in ("title", "text") if key in places]
        pieces = [piece for piece in pieces if piece]
        without_text += not pieces
        if pieces:
            ends = [len("\n".join(pieces[: count + 1])) for count in range(len(pieces))]
            starts = [end - len(piece) for end, piece in zip(ends, pieces, strict=True)]
            parts = [Part("section", piece[:80], *span) for piece, *span in zip(pieces, starts, ends, strict=True)]
            documents.append(CorpusDocument(identifier, identifier, QuotedText("\n".join(pieces)), parts))
    left_out = {"rows of documents without text": without_text} if without_text else {}
    return Corpus(documents, left_out=left_out, people=people)


def innermost(parts: Sequence[Part]) -> list[Part]:
    """The parts that hold no others."""
    return [part for row, part in enumerate(parts) if _is_innermost(parts, row)]


def part_names(parts: Sequence[Part]) -> list[str]:
    """What people call the innermost parts: `page 3`, `sheet Prices, row 2`."""
    names: list[str] = []
    around: list[Part] = []
    for part in parts:
        while around and around[-1].end <= part.start:
            around.pop()
        around.append(part)
        names.append(", ".join(f"{one.kind} {one.name}" for one in around))
    return [name for row, name in enumerate(names) if _is_innermost(parts, row)]


def _is_innermost(parts: Sequence[Part], row: int) -> bool:
    # By their order, a part holds others if and only if the next one begins before it ends.
    return row + 1 == len(parts) or parts[row + 1].start >= parts[row].end


def is_table(path: Path) -> bool:
    """Whether documents are the rows of a table, and not the files of a folder."""
    return path.suffix.lower() in TABLES and not path.is_dir()


class Names:
    """Finds the documents that people mean by a name: a path, a file's name, with or without its ending."""

    def __init__(self, corpus: Corpus) -> None:
        self._files: dict[str, list[CorpusDocument]] = {name: [] for name in corpus.unreadable}
        for document in corpus.documents:
            self._files.setdefault(document.file, []).append(document)
        self._forms: tuple[dict[str, list[str]], ...] = ({}, {}, {})
        for file in self._files:
            path = Path(file)
            for forms, form in zip(self._forms, (file, path.name, path.stem), strict=True):
                forms.setdefault(form.casefold(), []).append(file)
        self._files |= {document.id: [document] for document in corpus.documents if document.id != document.file}

    def find(self, name: str) -> str | None:
        """The file or document of a name."""
        if name in self._files:
            return name
        plain = name.replace("\\", "/").removeprefix("./").casefold()
        for forms in self._forms:
            files = forms.get(plain, [])
            if len(files) == 1:
                return files[0]
            if files:
                return None
        return None

    def documents(self, file: str) -> list[CorpusDocument]:
        """The documents of a file; none where it cannot be read."""
        return self._files[file]

    def hint(self, name: str) -> str:
        """What to write in place of a name that is no document's."""
        same = [file for file in self._files if Path(file).stem.casefold() == Path(name).stem.casefold()]
        if len(same) > 1:
            return f"write which one: {', '.join(same[:5])}"
        return did_you_mean(name, list(self._files)[:1_000])


def _documents(file: str, document: FileDocument, *, by_part: bool) -> Iterator[CorpusDocument]:
    identifier = f"{file}#{document.name}" if document.name else file
    if not by_part:
        yield CorpusDocument(identifier, file, QuotedText(document.text), document.parts)
        return
    ids: Counter[str] = Counter()
    end = 0
    for part in [*innermost(document.parts), Part("", "", len(document.text), len(document.text))]:
        # Text between parts is a document too: nothing of the corpus is lost.
        for kind, name, start, stop in (("text", "", end, part.start), (part.kind, part.name, part.start, part.end)):
            text = document.text[start:stop].strip()
            if text:
                own = f"{identifier}#{' '.join(filter(None, (kind, name)))}"
                ids[own] += 1
                unique = own if ids[own] == 1 else f"{own} ({ids[own]})"
                yield CorpusDocument(unique, file, QuotedText(text), [Part(kind, name or kind, 0, len(text))])
        end = part.end
