"""PDF: a part for each page, by pypdf or pdfminer.six."""

from __future__ import annotations

import contextlib
import io
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragtally import Conversion, ConversionError
from ragtally.support.text_files import read_bytes
from ragtally_converters.builder import DocumentBuilder, damage, missing_package

SCANNED_PAGES = "pages that are pictures without a text layer"
_END = b"%%EOF"
# A file may end in a few bytes that belong to no PDF.
_TAIL = 2_048
_SCAN = "run a text recognition over it (ocrmypdf writes a text layer), and put the outcome in its place"


class _Pdf(ABC):
    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions

    def convert(self, path: Path) -> Conversion:
        """Read every page (see `ragtally.api.Converter`)."""
        data = read_bytes(path)
        if b"%PDF-" not in data[:1_024]:
            raise ConversionError("damaged", path, "this is no PDF", hint="get the file again")
        builder = DocumentBuilder()
        pictures = pages = 0
        for pages, (text, has_picture) in enumerate(self._pages(path, data), start=1):
            with builder.part("page", pages):
                builder.add(text)
            pictures += has_picture and not text.strip()
        if pictures and pictures == pages:
            message = f"its {pages} pages are pictures without a text layer" if pages > 1 else (
                "its page is a picture without a text layer"
            )  # fmt: skip
            raise ConversionError("no text layer", path, message, hint=_SCAN)
        return builder.conversion(path, {SCANNED_PAGES: pictures})

    @abstractmethod
    def _pages(self, path: Path, data: bytes) -> Iterator[tuple[str, bool]]:
        """The text of each page, and whether it has a picture."""


class Pypdf(_Pdf):
    """Reads the text in the order in which the page draws it."""

    def _pages(self, path: Path, data: bytes) -> Iterator[tuple[str, bool]]:
        import pypdf

        with _quiet("pypdf"), _errors(path, data, pypdf.errors.FileNotDecryptedError):
            reader = pypdf.PdfReader(io.BytesIO(data))
            if reader.is_encrypted and not reader.decrypt(""):
                raise _encryption_error(path)
            for page in reader.pages:
                text = page.extract_text()
                yield text, not text.strip() and _has_picture(page)


class Pdfminer(_Pdf):
    """Reads the text by its place on the page: columns one after the other."""

    def _pages(self, path: Path, data: bytes) -> Iterator[tuple[str, bool]]:
        try:
            from pdfminer.high_level import extract_pages
            from pdfminer.layout import LTFigure, LTImage, LTTextContainer
            from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
        except ImportError as error:
            raise missing_package(path, "pdfminer.six") from error
        with _quiet("pdfminer"), _errors(path, data, PDFPasswordIncorrect, PDFEncryptionError):
            for page in extract_pages(io.BytesIO(data)):
                boxes = [box.get_text().strip() for box in page if isinstance(box, LTTextContainer)]
                yield "\n".join(boxes), any(isinstance(box, LTFigure | LTImage) for box in page)


def _has_picture(page: Any) -> bool:
    resources = page.get("/Resources")
    objects = (resources.get_object() if resources is not None else {}).get("/XObject")
    return objects is not None and bool(objects.get_object())


@contextlib.contextmanager
def _errors(path: Path, data: bytes, *encryption: type[Exception]) -> Iterator[None]:
    try:
        yield
    except ConversionError:
        raise
    except encryption as error:
        raise _encryption_error(path) from error
    # The libraries raise whatever their parts raise on a file that says nonsense.
    except Exception as error:
        if _END not in data[-_TAIL:]:
            message = "the file is cut off: its end is missing"
            raise ConversionError("cut off", path, message, hint="get the file again") from error
        raise damage(path, error) from error


def _encryption_error(path: Path) -> ConversionError:
    return ConversionError("encrypted", path, "the PDF is encrypted", hint="save a copy without a password")


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without the library's warnings: they name no file, and what cannot be read is said by an error."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.level, False
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
