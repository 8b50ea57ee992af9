"""PowerPoint's files, by python-pptx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragtally import Conversion, ConversionError
from ragtally.support.archives import require_archive
from ragtally_converters.builder import DocumentBuilder, damage, missing_package
from ragtally_converters.tables import table_lines


class Pptx:
    """Reads every slide from top to bottom, with its notes; a part for each."""

    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions

    def convert(self, path: Path) -> Conversion:
        """Read the slides (see `ragtally.api.Converter`)."""
        try:
            import pptx
        except ImportError as error:
            raise missing_package(path, "python-pptx") from error
        with require_archive(path):
            pass
        try:
            builder = DocumentBuilder()
            for number, slide in enumerate(pptx.Presentation(str(path)).slides, start=1):
                with builder.part("slide", number):
                    for text in _texts(slide.shapes):
                        builder.add(text)
                    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
                        builder.add(slide.notes_slide.notes_text_frame.text)
            return builder.conversion(path)
        except ConversionError:
            raise
        except Exception as error:  # lxml's, zipfile's, KeyError for a part that is missing
            raise damage(path, error) from error


def _texts(shapes: Any) -> Iterator[str]:
    # In the file they stand in the order in which they were drawn.
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if shape.has_text_frame:
            yield shape.text_frame.text.replace("\v", "\n")
        elif getattr(shape, "has_table", False):
            yield from table_lines([[cell.text for cell in row.cells] for row in shape.table.rows])
        elif hasattr(shape, "shapes"):
            yield from _texts(shape.shapes)
