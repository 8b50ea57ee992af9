"""Converters: PDF, Word, PowerPoint, Excel, HTML, Markdown, text, CSV, JSON, e-mail, EPUB and chats to documents.

They stand on the libraries below Haystack's converters and not on these, which leave out a file that they cannot read
with no more than a line in a log, and do not say on which page or slide a text stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ragtally import Component, Converter, ConverterTraits, hookimpl

_SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv")
_TEXTS = (".txt", ".text", ".log", ".rst")


def _pypdf() -> Converter:
    from ragtally_converters.pdf import Pypdf

    return Pypdf((".pdf",))


def _pdfminer() -> Converter:
    from ragtally_converters.pdf import Pdfminer

    return Pdfminer((".pdf",))


def _docx() -> Converter:
    from ragtally_converters.word import Docx

    return Docx((".docx",))


def _pptx() -> Converter:
    from ragtally_converters.slides import Pptx

    return Pptx((".pptx",))


def _sheets() -> Converter:
    from ragtally_converters.tables import Sheets

    return Sheets(_SHEETS)


def _json() -> Converter:
    from ragtally_converters.tables import Json

    return Json((".json", ".jsonl", ".ndjson"))


def _html() -> Converter:
    from ragtally_converters.markup import Html

    return Html((".html", ".htm", ".xhtml"))


def _markdown() -> Converter:
    from ragtally_converters.markup import Markdown

    return Markdown((".md", ".markdown"))


def _epub() -> Converter:
    from ragtally_converters.markup import Epub

    return Epub((".epub",))


def _text() -> Converter:
    from ragtally_converters.markup import Text

    return Text(_TEXTS)


def _email() -> Converter:
    from ragtally_converters.mail import Email

    return Email((".eml",))


def _msg() -> Converter:
    from ragtally_converters.mail import Msg

    return Msg((".msg",))


def _whatsapp(document: str, gap_hours: float, date_order: str) -> Converter:
    from ragtally_converters.whatsapp import WhatsApp

    return WhatsApp((".txt",), document, gap_hours, date_order)


def _grouped_rows(by: str, columns: list[str] | None, people: list[str], others: str) -> Converter:
    from ragtally_converters.groups import GroupedRows

    return GroupedRows(_SHEETS, by, columns, people, others)


_CONVERTERS: Mapping[str, tuple[Callable[..., Converter], tuple[str, ...], str]] = {
    "pypdf": (_pypdf, (".pdf",), "PDF by pypdf: the text of every page."),
    "docx": (_docx, (".docx",), "Word: paragraphs and tables in their order, a section for each heading."),
    "pptx": (_pptx, (".pptx",), "PowerPoint: the text, tables and notes of every slide."),
    "sheets": (_sheets, _SHEETS, "Excel, OpenDocument, CSV: a line for every row, with the names of its columns."),
    "records": (
        _json,
        (".json", ".jsonl", ".ndjson"),
        "JSON and JSON Lines: a line for every field of a record.",
    ),
    "html": (_html, (".html", ".htm", ".xhtml"), "HTML: the visible text, a section for each heading."),
    "markdown": (_markdown, (".md", ".markdown"), "Markdown as it is written, a section for each heading."),
    "epub": (_epub, (".epub",), "EPUB: the chapters of a book, as it orders them."),
    "plain_text": (_text, _TEXTS, "Text as it is."),
    "email": (_email, (".eml",), "E-mails: subject, sender, recipients, date and text; not their attachments."),
    "outlook": (_msg, (".msg",), "E-mails that Outlook saved: as `email`."),
    "whatsapp": (
        _whatsapp,
        (".txt",),
        "Chats that WhatsApp exported, from either phone system: a document for each day, or conversation.",
    ),
    "grouped_rows": (
        _grouped_rows,
        _SHEETS,
        "Tables of a CRM or help desk: a document for all rows of one ticket or customer.",
    ),
    "pdfminer": (_pdfminer, (".pdf",), "PDF by pdfminer.six: pages by their layout, columns in order; slower."),
}
_NAMES: Mapping[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
_PARAMETERS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "whatsapp": {
        "document": {
            "enum": ["day", "gap", "chat"],
            "default": "day",
            "description": "What a document is: the messages of a day, those between two pauses of `gap_hours`, or "
            "the whole chat. Pictures, sounds, notices and deleted messages are left out and counted.",
        },
        "gap_hours": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 8.0,
            "description": "How long nobody writes where a document ends.",
            "x-ragtally-when": {"document": ["gap"]},
        },
        "date_order": {
            "enum": ["auto", "dmy", "mdy", "ymd"],
            "default": "auto",
            "description": "What the numbers of a date are. auto takes the order in which all are dates and time "
            "goes on; where two fit, slashes with AM and PM are American, all others begin with the day.",
        },
    },
    "grouped_rows": {
        "by": {
            "type": "string",
            "minLength": 1,
            "description": "The column whose rows belong together, by its name: the ticket, the customer.",
        },
        "columns": {
            **_NAMES,
            "type": ["array", "null"],
            "default": None,
            "description": "The columns that are read, in this order; all of them where it is left out.",
        },
        "people": {
            **_NAMES,
            "default": [],
            "description": "Columns with names of people, for the dataset's `redact`.",
        },
        "others": {
            "enum": ["error", "rows"],
            "default": "error",
            "description": "What becomes of tables that have no such column: an error, or they are read row by row.",
        },
    },
}
_PACKAGES = {
    "docx": ("python-docx",),
    "outlook": ("python-oxmsg",),
    "pdfminer": ("pdfminer.six",),
    "pptx": ("python-pptx",),
}


def default_converters() -> dict[str, Component]:
    """The converter of each extension, where nobody names another."""
    components: dict[str, Component] = {}
    for component in register_converters():
        for extension in component.traits.extensions:  # type: ignore[union-attr]
            components.setdefault(extension, component)
    return components


@hookimpl
def register_converters() -> list[Component]:
    """Offer converters for the kinds of files that people have."""
    return [
        Component(
            name,
            build,
            summary,
            params=_PARAMETERS.get(name, {}),
            traits=ConverterTraits(extensions),
            packages=_PACKAGES.get(name, ()),
        )
        for name, (build, extensions, summary) in _CONVERTERS.items()
    ]
