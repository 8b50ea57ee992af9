"""A Haystack converter from a spec: pages are parts, and a file that it skips is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragtally import ConversionError
from ragtally_haystack import register_converters
from sample_files import WRITERS, write_pdf

COMPONENTS = "haystack.components.converters"


def build(name: str, *extensions: str) -> Any:
    (component,) = register_converters()
    return component.build(type=f"{COMPONENTS}.{name}", init_parameters={}, extensions=list(extensions))


def test_pages_are_parts(tmp_path: Path) -> None:
    (document,) = build("PyPDFToDocument", ".pdf").convert(write_pdf(tmp_path / "a.pdf")).documents
    assert [(part.kind, part.name) for part in document.parts] == [("page", "1"), ("page", "2"), ("page", "3")]
    assert document.text[document.parts[1].start :].startswith("Rückgabe")


def test_slides_are_pages(tmp_path: Path) -> None:
    (slides,) = build("PPTXToDocument", ".pptx").convert(WRITERS["zahlen.pptx"](tmp_path / "a.pptx")).documents
    assert [part.name for part in slides.parts] == ["1", "2"]


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_file_that_it_skips_is_an_error(tmp_path: Path, share: float) -> None:
    path = write_pdf(tmp_path / "a.pdf", [[]] if share == 0 else sample_pages())
    if share:
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ConversionError, match="PyPDFToDocument gives no text of this file"):
        build("PyPDFToDocument", ".pdf").convert(path)


def sample_pages() -> list[list[str]]:
    return [["Eine Seite"], ["Noch eine"]]


def test_what_takes_no_files_is_refused() -> None:
    (component,) = register_converters()
    assert component.check is not None
    params = {
        "type": "haystack.components.preprocessors.DocumentSplitter",
        "init_parameters": {},
        "extensions": [".x"],
    }
    assert "sources" in component.check(params)[0].message


def test_docling_reads_word_without_models(tmp_path: Path) -> None:
    # Of a PDF it asks for models of about 850 MB: Word and HTML show that the extra is wired.
    module = "haystack_integrations.components.converters.docling"
    pytest.importorskip(module, reason="pip install 'ragtally[docling]' (with torch) is not there")
    (component,) = register_converters()
    converter = component.build(type=f"{module}.DoclingConverter", init_parameters={}, extensions=[".docx"])
    (document,) = converter.convert(WRITERS["haus.docx"](tmp_path / "a.docx")).documents
    assert "## Öffnungszeiten" in document.text
    assert "Montags bis freitags von 9 bis 17 Uhr." in document.text
