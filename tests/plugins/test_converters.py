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
from sample_outlook import write_msg


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


def test_a_message_of_outlook(tmp_path: Path) -> None:
    conversion = convert(write_msg(tmp_path / "a.msg"))
    (document,) = conversion.documents
    assert document.text.split("\n") == [
        "Subject: Öffnungszeiten", 'From: "Ana Souza" <ana@example.org>', "To: Jörg Müller <joerg@example.org>",
        "", "Guten Tag,", "Montags ist geöffnet.",
    ]  # fmt: skip
    assert conversion.people == ["Ana Souza", "Jörg Müller"]
    assert conversion.left_out == {"attachments of messages": 1}


CHATS = {
    "Android, English": """\
12/31/20, 9:15\u202fPM - Messages and calls are end-to-end encrypted.
12/31/20, 9:15\u202fPM - Ana Souza: Hi
on two lines: yes
1/1/21, 12:05\u202fAM - +1 555 010 9999: <Media omitted>
1/1/21, 12:06\u202fAM - Bob: IMG-1.jpg (file attached)
Look at this
1/1/21, 9:00\u202fAM - Bob: This message was deleted
""",
    "Android, Portuguese": """\
31/12/2020 21:15 - As mensagens e as ligações são protegidas com a criptografia.
31/12/2020 21:15 - Ana Souza: Hi
on two lines: yes
01/01/2021 00:05 - João: <Mídia oculta>
01/01/2021 00:06 - Bob: IMG-1.jpg (arquivo anexado)
Look at this <Mensagem editada>
01/01/2021 09:00 - Bob: Mensagem apagada
""",
    "Android, Spanish": """\
31/12/20, 9:15\xa0p.\xa0m. - Los mensajes y las llamadas están cifrados de extremo a extremo.
31/12/20, 9:15\xa0p.\xa0m. - Ana Souza: Hi
on two lines: yes
1/1/21, 12:05\xa0a.\xa0m. - Luis: <Multimedia omitido>
1/1/21, 12:06\xa0a.\xa0m. - Bob: IMG-1.jpg (archivo adjunto)
Look at this
1/1/21, 9:00 a. m. - Bob: Se eliminó este mensaje.
""",
    "Android, German": """\
31.12.20, 21:15 - Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.
31.12.20, 21:15 - Ana Souza: Hi
on two lines: yes
01.01.21, 00:05 - Jörg: <Medien ausgeschlossen>
01.01.21, 00:06 - Bob: IMG-1.jpg (Datei angehängt)
Look at this
01.01.21, 09:00 - Bob: Diese Nachricht wurde gelöscht.
""",
    "iPhone, German": """\
\u200e[31.12.20, 21:15:03] Familie: \u200eNachrichten sind Ende-zu-Ende-verschlüsselt. Niemand kann sie lesen.
[31.12.20, 21:15:09] Ana Souza: Hi
on two lines: yes
\u200e[01.01.21, 00:05:00] Jörg: \u200eBild weggelassen
\u200e[01.01.21, 00:06:00] ~\u202fBob: \u200e<Anhang: 0001-PHOTO.jpg>
Look at this
[01.01.21, 09:00:00] Bob: \u200eDiese Nachricht wurde gelöscht.
""",
    "iPhone, Chinese": """\
\u200e[2020/12/31 下午9:15:03] 家: \u200e消息和通话都进行端到端加密.
[2020/12/31 下午9:15:09] Ana Souza: Hi
on two lines: yes
\u200e[2021/1/1 上午12:05:00] 小王: \u200e图像已忽略
[2021/1/1 上午12:06:00] Bob: Look at this
[2021/1/1 上午9:00:00] Bob: \u200eThis message was deleted.
""",
}


def chat(tmp_path: Path, text: str, **parameters: object) -> Conversion:
    path = tmp_path / "chat.txt"
    path.write_text(text, encoding="utf-8")
    component = next(one for one in register_converters() if one.name == "whatsapp")
    defaults = {name: schema["default"] for name, schema in component.params.items()}
    return component.build(**{**defaults, **parameters}).convert(path)  # type: ignore[no-any-return]


@pytest.mark.parametrize("form", CHATS)
def test_a_chat_in_the_form_of_any_phone(tmp_path: Path, form: str) -> None:
    conversion = chat(tmp_path, CHATS[form])
    assert [(document.name, document.text) for document in conversion.documents] == [
        ("2020-12-31", "2020-12-31 21:15 Ana Souza: Hi\non two lines: yes"),
        ("2021-01-01", "2021-01-01 00:06 Bob: Look at this"),
    ]
    assert [part.name for document in conversion.documents for part in document.parts] == [
        "2020-12-31 21:15 Ana Souza", "2021-01-01 00:06 Bob",
    ]  # fmt: skip
    assert conversion.people == ("Ana Souza", "Bob")
    assert sorted(conversion.left_out.values()) == [1, 1, 1]


def test_what_a_document_of_a_chat_is(tmp_path: Path) -> None:
    lines = [f"0{day}/01/2021 {hour:02}:30 - Ana: {day}-{hour}" for day, hour in ((1, 8), (1, 23), (2, 1), (2, 23))]

    def names(**parameters: object) -> list[str]:
        return [document.name for document in chat(tmp_path, "\n".join(lines), **parameters).documents]

    assert names() == ["2021-01-01", "2021-01-02"]
    assert names(document="gap") == ["2021-01-01 08:30", "2021-01-01 23:30", "2021-01-02 23:30"]
    assert names(document="gap", gap_hours=16) == ["2021-01-01 08:30", "2021-01-02 23:30"]
    assert names(document="chat") == [""]


@pytest.mark.parametrize(
    ("dates", "day"),
    [
        (("1/2/21", "3/2/21"), "2021-02-01"),  # In both orders time goes on: the day comes first but in America
        (("1/2/21", "1/1/22", "2/1/22"), "2021-02-01"),
        (("1/31/21", "2/1/21"), "2021-01-31"),
        (("2/1/21", "1/2/21"), "2021-01-02"),  # As days before months, time would go back
    ],
)
def test_the_order_of_a_date_is_found(tmp_path: Path, dates: tuple[str, ...], day: str) -> None:
    conversion = chat(tmp_path, "".join(f"{date}, 10:00 - Ana: a\n" for date in dates))
    assert min(document.name for document in conversion.documents) == min(day, conversion.documents[0].name)
    assert day in [document.name for document in conversion.documents]


def write_tickets(path: Path) -> Path:
    rows = (
        ("Export of the CRM",), ("Ticket", "Cliente", "Data", "Mensagem"), ("T-1", "Ana Souza", "02/01", "Chegou?"),
        ("T-2", "Luis", "02/01", "Obrigado"), ("T-1", "Ana Souza", "03/01", "Chegou."), ("", "Eva", "04/01", "Nada"),
    )  # fmt: skip
    return write_xlsx(path, {"Tickets": rows})


def grouped(path: Path, **parameters: object) -> Conversion:
    component = next(one for one in register_converters() if one.name == "grouped_rows")
    defaults = {name: schema.get("default") for name, schema in component.params.items()}
    return component.build(**{**defaults, **parameters}).convert(path)  # type: ignore[no-any-return]


def test_rows_of_one_ticket_are_one_document(tmp_path: Path) -> None:
    path = write_tickets(tmp_path / "a.xlsx")
    conversion = grouped(path, by="ticket", columns=["Mensagem", "Data"], people=["Cliente"])
    first, second = conversion.documents
    assert (first.name, second.name) == ("T-1", "T-2")
    assert first.text == "Ticket: T-1\nMensagem: Chegou?; Data: 02/01\nMensagem: Chegou.; Data: 03/01"
    assert [(part.kind, part.name, first.text[part.start : part.end]) for part in first.parts] == [
        ("row", "3", "Mensagem: Chegou?; Data: 02/01"), ("row", "5", "Mensagem: Chegou.; Data: 03/01"),
    ]  # fmt: skip
    assert conversion.people == ("Ana Souza", "Luis")
    assert conversion.left_out == {"rows of tables with nothing in the column that groups them": 1}
    assert "Cliente: Luis" in grouped(path, by="Ticket").documents[1].text


def test_tables_without_the_column_that_groups(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx")
    with pytest.raises(ConversionError, match="no column is named 'Ticket'"):
        grouped(path, by="Ticket")
    with pytest.raises(ConversionError, match="no column 'Mensage'") as caught:
        grouped(write_tickets(tmp_path / "b.xlsx"), by="Ticket", columns=["Mensage"])
    assert "Mensagem" in str(caught.value.hint)
    assert grouped(path, by="Ticket", others="rows").documents == convert(path).documents


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
    "a message of Outlook that is none": (lambda at: written(at / "a.msg", OLE), "damaged", "again"),
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


def test_a_chat_that_is_none_and_dates_that_are_none(tmp_path: Path) -> None:
    for text, message, line in (
        ("Hello\n", "first line has no date", 1),
        ("13/13/20, 10:00 - Ana: a\n", "neither days before months", 1),
        ("1/1/20, 10:00 - Messages are encrypted\n", "no text", None),
    ):
        with pytest.raises(ConversionError, match=message) as caught:
            chat(tmp_path, text)
        assert caught.value.location
        assert caught.value.location.line == line
    with pytest.raises(ConversionError, match="is no date") as caught:
        chat(tmp_path, "1/2/20, 10:00 - Ana: a\n1/20/20, 10:00 - Ana: b\n", date_order="dmy")
    assert caught.value.location
    assert caught.value.location.line == 2
