"""Converters: what is in a file comes out with its pages, slides and rows, and what cannot be read says why."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

import sample_files
from ragtally import Conversion, ConversionError
from ragtally_converters import default_converters, register_converters
from sample_files import WRITERS, write_pdf, write_xlsx


def convert(path: Path, name: str | None = None) -> Conversion:
    components = {component.name: component for component in register_converters()}
    component = components[name] if name else default_converters()[path.suffix.lower()]
    return component.build().convert(path)  # type: ignore[no-any-return]


def text_of(path: Path, name: str | None = None) -> str:
    (document,) = convert(path, name).documents
    return document.text


def parts_of(path: Path, name: str | None = None) -> list[tuple[str, str, str]]:
    (document,) = convert(path, name).documents
    return [(part.kind, part.name, document.text[part.start : part.end]) for part in document.parts]


@pytest.mark.parametrize("name", ["pypdf", "pdfminer"])
def test_pages_of_a_pdf(tmp_path: Path, name: str) -> None:
    pages = parts_of(write_pdf(tmp_path / "a.pdf"), name)
    assert [(kind, number) for kind, number, _ in pages] == [("page", "1"), ("page", "2"), ("page", "3")]
    for (_, _, text), lines in zip(pages, sample_files.PAGES, strict=True):
        assert text.split() == " ".join(lines).split()


def test_pdfminer_reads_columns_one_after_the_other(tmp_path: Path) -> None:
    left = [f"links {row} steht hier ein Satz" for row in range(8)]
    right = [f"rechts {row} steht ein anderer" for row in range(8)]
    path = sample_files.write_two_columns(tmp_path / "a.pdf", left, right)
    assert text_of(path, "pdfminer").split() == " ".join([*left, *right]).split()
    assert sorted(text_of(path, "pypdf").split()) == sorted(" ".join([*left, *right]).split())


@pytest.mark.parametrize("name", ["pypdf", "pdfminer"])
def test_pages_that_are_pictures_are_counted(tmp_path: Path, name: str) -> None:
    path = write_pdf(tmp_path / "a.pdf", [["Text"], [], ["mehr"]])
    assert convert(path, name).left_out == {"pages that are pictures without a text layer": 1}
    assert [number for _, number, _ in parts_of(path, name)] == ["1", "3"]


def test_word(tmp_path: Path) -> None:
    parts = parts_of(sample_files.write_docx(tmp_path / "a.docx"))
    assert [(kind, name) for kind, name, _ in parts] == [("section", "Öffnungszeiten"), ("section", "Kontakt")]
    assert "Artikel: Schere, groß; Preis: 19; Lager: 3\nPreise ohne Gewähr." in parts[0][2]
    assert parts[1][2] == "Kontakt\nÜber das Formular."


def test_slides(tmp_path: Path) -> None:
    parts = parts_of(sample_files.write_pptx(tmp_path / "a.pptx"))
    assert [(kind, name) for kind, name, _ in parts] == [("slide", "1"), ("slide", "2")]
    assert parts[0][2] == "Überblick\nDrei Säulen der Qualität"
    assert parts[1][2].startswith("Zahlen\nUmsatz 2023: 4,2 Mio. €\nArtikel: Häkelnadel; ")
    assert parts[1][2].endswith("\nNicht vergessen: Rückfragen!")


@pytest.mark.parametrize("write", [sample_files.write_xlsx, sample_files.write_ods])
def test_sheets_and_rows(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    parts = parts_of(write(tmp_path / f"a.{'ods' if 'ods' in write.__name__ else 'xlsx'}"))
    assert parts[0][:2] == ("sheet", "Preise")
    assert parts[1] == ("row", "2", "Artikel: Häkelnadel; Preis: 4.5; Lager: 12")
    assert parts[2] == ("row", "3", "Artikel: Schere, groß; Preis: 19; Lager: 3")


def test_what_a_workbook_hides_or_has_not_computed_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Eins")
        sheet.write_row(0, 0, ["Name", "Wert"])
        sheet.write_row(1, 0, ["x"])
        sheet.write_formula(1, 1, "=1+1", None, "")
        sheet.write_row(2, 0, ["y"])
        sheet.write_formula(2, 1, "=1/0", None, "#DIV/0!")
        hidden = book.add_worksheet("Zwei")
        hidden.write(0, 0, "geheim")
        hidden.hide()
    conversion = convert(path)
    assert conversion.left_out == {
        "hidden sheets": 1,
        "cells with an error value": 1,
        "cells with a formula whose value is not stored": 1,
    }
    assert "geheim" not in conversion.documents[0].text


def test_html_is_what_a_browser_shows(tmp_path: Path) -> None:
    parts = parts_of(sample_files.write_html(tmp_path / "a.html"))
    assert parts == [
        ("section", "Häufige Fragen", "Häufige Fragen\nWir antworten innerhalb eines Tages.\nMeistens."),
        ("section", "Konto", "Konto\nLöschen\nÄndern\nArt: Groß; Preis: 5 €"),
    ]


def test_html_nests_deeper_than_pythons_stack(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<div>" * 3_000 + "tief" + "</div>" * 3_000)
    assert text_of(path) == "tief"


def test_markdown_headings(tmp_path: Path) -> None:
    path = sample_files.write_markdown(tmp_path / "a.md")
    assert [name for _, name, _ in parts_of(path)] == ["Erstens", "Zweitens"]
    assert text_of(path) == path.read_text(encoding="utf-8").strip()


def test_mail(tmp_path: Path) -> None:
    conversion = convert(sample_files.write_email(tmp_path / "a.eml"))
    assert conversion.left_out == {"attachments of messages": 1}
    text = conversion.documents[0].text
    assert text.startswith("Subject: Rückfrage zur Bestellung 4711\nFrom: Jörg Müller <joerg@example.org>\n")
    assert text.endswith("\n\nGuten Tag,\nwo bleibt das Paket?")


def test_a_book_is_read_in_its_own_order(tmp_path: Path) -> None:
    parts = parts_of(sample_files.write_epub(tmp_path / "a.epub"))
    assert [name for _, name, _ in parts] == ["Erstes", "Zweites"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings_of_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    text = "Die Größe „zählt“ – sagt João."
    path.write_bytes(text.encode(encoding))
    assert text_of(path) == text


def test_entities_of_xml_are_no_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("geheim")
    path = sample_files.write_docx(tmp_path / "a.docx")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    body = members["word/document.xml"].decode()
    head, _, rest = body.partition("?>")
    body = f'{head}?><!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>{rest}'.replace("Montags", "&x;Montags")
    members["word/document.xml"] = body.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    try:
        text = text_of(path)
    except ConversionError as error:
        assert error.reason == "damaged"
    else:
        assert "geheim" not in text


def cut(path: Path, share: float = 0.6) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)
BAD_FILES: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "an encrypted PDF": (lambda at: write_pdf(at / "a.pdf", password="x"), "encrypted", "without a password"),
    "a scanned PDF": (lambda at: write_pdf(at / "a.pdf", [[], []]), "no text layer", "text recognition"),
    "a PDF of empty pages": (lambda at: write_pdf(at / "a.pdf", [[" "]]), "empty", "remove it"),
    "a PDF that is cut off": (lambda at: cut(write_pdf(at / "a.pdf"), 0.2), "cut off", "get the file again"),
    "a PDF that is none": (lambda at: written(at / "a.pdf", "nein"), "damaged", "get the file again"),
    "a Word file that is cut off": (lambda at: cut(sample_files.write_docx(at / "a.docx")), "cut off", "again"),
    "an encrypted Word file": (lambda at: written(at / "a.docx", OLE), "encrypted", "without a password"),
    "a Word file that is none": (lambda at: written(at / "a.docx", "nein"), "damaged", "again"),
    "slides that are a Word file": (
        lambda at: sample_files.write_docx(at / "a.docx").rename(at / "a.pptx"), "damaged", "again",
    ),
    "a workbook that is cut off": (lambda at: cut(write_xlsx(at / "a.xlsx")), "cut off", "again"),
    "an encrypted workbook": (lambda at: written(at / "a.xlsx", OLE), "encrypted", "without a password"),
    "a workbook of empty sheets": (lambda at: write_xlsx(at / "a.xlsx", {"Leer": []}), "empty", "remove it"),
    "an old workbook that is none": (lambda at: written(at / "a.xls", "nein"), "damaged", "save it"),
    "a page without text": (lambda at: written(at / "a.html", "<script>1</script>"), "empty", "remove it"),
    "white space": (lambda at: written(at / "a.txt", " \n\t"), "empty", "remove it"),
    "a picture named text": (lambda at: written(at / "a.txt", b"\x89PNG\0\0\0\rIHDR\0\1\2\0"), "damaged", "as text"),
    "two encodings": (lambda at: written(at / "a.txt", "ß\n".encode() + b"\xdf"), "unknown encoding", "UTF-8"),
    "bytes of no encoding": (lambda at: written(at / "a.txt", b"a\x81b\xff"), "unknown encoding", "UTF-8"),
    "a quotation mark that stays open": (lambda at: written(at / "a.csv", 'a,b\n1,"2\n3,4\n'), "cut off", '""'),
    "broken JSON": (lambda at: written(at / "a.json", '{"a": '), "damaged", "fix"),
    "a broken line of JSON": (lambda at: written(at / "a.jsonl", '{"a": 1}\n{"a": \n'), "damaged", "fix"),
    "a key given twice": (lambda at: written(at / "a.json", '{"a": 1, "a": 2}'), "damaged", "fix"),
    "an e-mail without headers": (lambda at: written(at / "a.eml", "\n\nnur Text"), "damaged", ".txt"),
    "a book that is a Word file": (
        lambda at: sample_files.write_docx(at / "a.docx").rename(at / "a.epub"), "damaged", "again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_FILES)
def test_what_cannot_be_read_says_why(tmp_path: Path, what: str) -> None:
    write, reason, remedy = BAD_FILES[what]
    path = write(tmp_path)
    with pytest.raises(ConversionError) as caught:
        convert(path)
    assert caught.value.reason == reason, caught.value
    assert remedy in (caught.value.hint or "")
    assert caught.value.location and caught.value.location.file == str(path)


def test_an_archive_may_not_unpack_to_more_than_the_machine_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragtally.support.archives._MOST_BYTES", 1_000)
    with pytest.raises(ConversionError) as caught:
        convert(sample_files.write_docx(tmp_path / "a.docx"))
    assert caught.value.reason == "too large"


@pytest.mark.parametrize(
    ("suffix", "package", "module"), [("docx", "python-docx", "docx"), ("pptx", "python-pptx", "pptx")]
)
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str, module: str
) -> None:
    path = next(write(tmp_path / name) for name, write in WRITERS.items() if name.endswith(suffix))
    monkeypatch.setitem(sys.modules, suffix, None)
    with pytest.raises(ConversionError) as caught:
        convert(path)
    assert caught.value.reason == "package missing"
    assert package in caught.value.message
    assert "ragtally[documents]" in (caught.value.hint or "")
