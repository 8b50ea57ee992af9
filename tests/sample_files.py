"""Files as people have them, each made by a library that writes the kind: with pages, tables, umlauts and accents."""

# The libraries are imported where they are needed: whoever writes no slides need not have python-pptx.

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

PAGES = (
    ("Lieferung", "Die Lieferung nach Österreich dauert fünf Werktage.", "Inseln brauchen länger."),
    ("Rückgabe", "Waren dürfen binnen dreißig Tagen zurück-", "gegeben werden, ohne Angabe von Gründen."),
    ("Garantie", "A garantia cobre dois anos após a compra, também à distância.", "¿Y después? Nada."),
)
ROWS = (("Artikel", "Preis", "Lager"), ("Häkelnadel", 4.5, 12), ("Schere, groß", 19, 3))
SHEETS: dict[str, Sequence[Sequence[Any]]] = {"Preise": ROWS, "Orte": (("Ort", "Straße"), ("Köln", "Domstraße 3"))}


def write_pdf(path: Path, pages: Sequence[Sequence[str]] = PAGES, *, password: str = "") -> Path:
    """Write pages of lines; a page without lines is a picture, as a scanner makes it."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen import canvas

    pdf = canvas.Canvas(str(path), encrypt=password or None, invariant=True)
    for lines in pages:
        if not lines:
            pdf.drawImage(ImageReader(Image.new("RGB", (40, 40), "grey")), 100, 100, 300, 300)
        for row, line in enumerate(lines):
            pdf.drawString(72, 780 - 16 * row, line)
        pdf.showPage()
    pdf.save()
    return path


def write_two_columns(path: Path, left: Sequence[str], right: Sequence[str]) -> Path:
    """Write a page of two columns, drawn line by line across both."""
    from reportlab.pdfgen import canvas

    pdf = canvas.Canvas(str(path), invariant=True)
    for row, pair in enumerate(zip(left, right, strict=True)):
        for column, line in zip((60, 330), pair, strict=True):
            pdf.drawString(column, 780 - 16 * row, line)
    pdf.save()
    return path


def write_docx(path: Path) -> Path:
    import docx

    document = docx.Document()
    document.add_paragraph("Stand: März 2024")
    document.add_heading("Öffnungszeiten", 1)
    document.add_paragraph("Montags bis freitags von 9 bis 17 Uhr.")
    table = document.add_table(rows=0, cols=3)
    for row in ROWS:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = str(value)
    document.add_paragraph("Preise ohne Gewähr.")
    document.add_heading("Kontakt", 2)
    document.add_paragraph("Über das Formular.")
    document.save(str(path))
    return path


def write_pptx(path: Path) -> Path:
    import pptx
    from pptx.util import Inches

    show = pptx.Presentation()
    for title, text in (("Überblick", "Drei Säulen der Qualität"), ("Zahlen", "Umsatz 2023: 4,2 Mio. €")):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(4), Inches(6), Inches(2)).table
    for row, values in enumerate(ROWS):
        for column, value in enumerate(values):
            table.cell(row, column).text = str(value)
    slide.notes_slide.notes_text_frame.text = "Nicht vergessen: Rückfragen!"
    show.save(str(path))
    return path


def write_xlsx(path: Path, sheets: dict[str, Sequence[Sequence[Any]]] | None = None) -> Path:
    """Write sheets of rows; a cell that is a function is called with the sheet, its row and its column."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy"}) as book:
        for name, rows in (SHEETS if sheets is None else sheets).items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if callable(cell):
                        cell(sheet, row, column)
                    elif cell is not None:
                        sheet.write(row, column, cell)
    return path


_MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content office:version="1.2"
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>\
<office:spreadsheet><table:table table:name="Preise">{rows}</table:table>
</office:spreadsheet></office:body></office:document-content>"""


def write_ods(path: Path, rows: Sequence[Sequence[Any]] = ROWS) -> Path:
    def cell(value: Any) -> str:
        kind = "string" if isinstance(value, str) else f'float" office:value="{value}'
        return f'<table:table-cell office:value-type="{kind}"><text:p>{value}</text:p></table:table-cell>'

    xml = _ODS.format(rows="".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", xml)
        archive.writestr("META-INF/manifest.xml", f"<manifest xmlns={_MANIFEST!r}></manifest>")
    return path


def write_html(path: Path) -> Path:
    path.write_text(
        "<!DOCTYPE html><html><head><title>Nicht hier</title><style>p {}</style></head><body><h1>Häufige Fragen</h1>"
        "<p>Wir antworten <b>inner</b>halb eines&nbsp;Tages.<br>Meistens.<script>nie()</script></p><!-- nie -->"
        "<h2>Konto</h2><ul><li>Löschen</li><li>Ändern</li></ul><table><tr><th>Art</th><th>Preis</th></tr>"
        "<tr><td>Groß</td><td>5 &euro;</td></tr></table></body></html>",
        encoding="utf-8",
    )
    return path


def write_markdown(path: Path) -> Path:
    text = "Vorwort\n\n# Erstens\n\nÄpfel sind **rot**.\n\n```\n# kein Titel\n```\n\n## Zweitens ##\n\nBirnen.\n"
    path.write_text(text, encoding="utf-8")
    return path


def write_text(path: Path) -> Path:
    path.write_bytes("Größe zählt, sagt die Schneiderin.\r\nZweite Zeile.".encode("cp1252"))
    return path


def write_csv(path: Path) -> Path:
    path.write_text("Ort;Straße\nKöln;Domstraße 3\n\nZürich;Bahnhofstraße\n", encoding="utf-8-sig")
    return path


def write_json(path: Path) -> Path:
    records = [{"id": 7, "kunde": {"ort": "Köln"}, "tags": ["a", "b"]}, {"id": 8, "text": "Grüße\U0001f600"}]
    lines = [json.dumps(record) for record in records]
    path.write_text("\n".join(lines) if path.suffix == ".jsonl" else f"[{','.join(lines)}]", encoding="utf-8")
    return path


def write_email(path: Path) -> Path:
    message = EmailMessage()
    message["Subject"] = "Rückfrage zur Bestellung 4711"
    message["From"] = "Jörg Müller <joerg@example.org>"
    message["To"] = "support@example.org"
    message["Date"] = "Mon, 04 Mar 2024 09:30:00 +0100"
    message.set_content("Guten Tag,\nwo bleibt das Paket?\n")
    message.add_alternative("<p>Guten Tag,<br>wo bleibt das Paket?</p>", subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="rechnung.pdf")
    path.write_bytes(message.as_bytes())
    return path


def write_epub(path: Path) -> Path:
    chapter = '<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>{0}</h1><p>{1}</p></body></html>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "OEBPS/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="b" href="zwei.xhtml"/>'
            '<item id="a" href="text/eins%20a.xhtml"/></manifest>'
            '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
        )
        archive.writestr("OEBPS/zwei.xhtml", chapter.format("Zweites", "Die Nacht verging."))
        archive.writestr("OEBPS/text/eins a.xhtml", chapter.format("Erstes", "Es war einmal ein König."))
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "agb.pdf": write_pdf,
    "haus.docx": write_docx,
    "zahlen.pptx": write_pptx,
    "preise.xlsx": write_xlsx,
    "preise.ods": write_ods,
    "fragen.html": write_html,
    "obst.md": write_markdown,
    "notiz.txt": write_text,
    "orte.csv": write_csv,
    "kunden.jsonl": write_json,
    "kunden.json": write_json,
    "mail.eml": write_email,
    "buch.epub": write_epub,
}
"""A file of each kind, by name."""


def write_folder(folder: Path, *names: str) -> Path:
    """Write some of these files, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or WRITERS:
        WRITERS[name](folder / name)
    return folder
