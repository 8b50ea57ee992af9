"""Word's files, by python-docx."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import Conversion, ConversionError
from ragtally.support.archives import require_archive
from ragtally_converters.builder import DocumentBuilder, damage, missing_package
from ragtally_converters.tables import table_lines

if TYPE_CHECKING:
    from docx.table import Table


class Docx:
    """Reads paragraphs and tables in their order; a part for what stands under each heading."""

    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions

    def convert(self, path: Path) -> Conversion:
        """Read the body (see `ragtally.api.Converter`)."""
        try:
            import docx
            from docx.table import Table
        except ImportError as error:
            raise missing_package(path, "python-docx") from error
        with require_archive(path):
            pass
        try:
            builder = DocumentBuilder()
            with contextlib.ExitStack() as section:
                for block in docx.Document(str(path)).iter_inner_content():
                    if isinstance(block, Table):
                        _add_table(builder, block)
                        continue
                    if _is_heading(block) and block.text.strip():
                        section.close()
                        section.enter_context(builder.part("section", block.text.strip()))
                    builder.add(block.text)
            return builder.conversion(path)
        except ConversionError:
            raise
        except Exception as error:  # lxml's, zipfile's, KeyError for a part that is missing
            raise damage(path, error) from error


def _is_heading(paragraph: Any) -> bool:
    # In the file the style's name is English whatever Word's language; its id (`Titulo1`, `berschrift1`) is not.
    style = paragraph.style
    return style is not None and (style.name or "").lower().startswith(("heading", "title"))


def _add_table(builder: DocumentBuilder, table: Table) -> None:
    rows = []
    for row in table.rows:
        # A merged cell is there once for each place that it covers.
        cells = {id(cell._tc): cell.text.strip() for cell in row.cells}
        rows.append(list(cells.values()))
    for line in table_lines(rows):
        builder.add(line)
