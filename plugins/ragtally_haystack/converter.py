"""A Haystack converter as a converter: a file that it skips is an error, and its pages are parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragtally import Conversion, ConversionError, FileDocument, Part
from ragtally.support.text_files import read_bytes
from ragtally_haystack.calls import component_error
from ragtally_haystack.construct import make, warm_up
from ragtally_haystack.definition import Definition
from ragtally_haystack.roles import CONVERTER

_GAP = "\n\n"


class FileConverter:
    """Reads files with a Haystack converter, one at a time."""

    def __init__(self, definition: Definition, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions
        self._type = definition.type
        self._converter = make(CONVERTER, definition)
        warm_up(definition, self._converter)

    def convert(self, path: Path) -> Conversion:
        """Read one file (see `ragtally.api.Converter.convert`)."""
        read_bytes(path)
        try:
            documents = self._converter.run(sources=[path])["documents"]
        except Exception as error:
            message = component_error(self._type, error, "").message
            raise ConversionError(
                "damaged", path, message, hint="get the file again, or use another converter"
            ) from error
        pieces: list[str] = []
        parts: list[Part] = []
        length = 0
        for kind, name, text in _pieces(documents):
            start = length + (len(_GAP) if pieces else 0)
            length = start + len(text)
            pieces.append(text)
            parts.append(Part(kind, name, start, length))
        if not pieces:
            # It says why in its log alone.
            message = f"{self._type} gives no text of this file"
            raise ConversionError("damaged", path, message, hint="look whether it is scanned, encrypted or cut off")
        return Conversion([FileDocument(_GAP.join(pieces), parts if len(parts) > 1 else [])])


def _pieces(documents: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Pages where the text holds form feeds or a document says its page, else documents by their order."""
    for number, document in enumerate(documents, start=1):
        pages = (document.content or "").split("\f")
        for page, text in enumerate(pages, start=1):
            if text.strip():
                own = page if len(pages) > 1 else document.meta.get("page_number")
                yield ("page", str(own), text.strip()) if own is not None else ("section", str(number), text.strip())
