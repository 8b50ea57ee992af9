"""A PDF whose table one parser loses, and questions about it, made for tests."""

from __future__ import annotations

import csv
from pathlib import Path

from sample_files import write_docx

PRICES = (("Crochet hook", "4.50 EUR"), ("Large scissors", "19.00 EUR"), ("Wool, red", "7.25 EUR"))
HEAD = ("id", "question", "answer", "quote", "file")
# A quote as the document has it, one that a line's end breaks, three of the table, one of another file, and one that
# is nearly as the document has it.
QUESTIONS = (
    ("delivery", "How long does delivery take?", "five working days", "takes five working days", "prices.pdf"),
    ("return", "How long may goods be returned?", "thirty days", "within thirty days, without giving", "prices.pdf"),
    ("hook", "What does the crochet hook cost?", "4.50 EUR", "4.50 EUR", "prices.pdf"),
    ("scissors", "What do large scissors cost?", "19.00 EUR", "Large scissors", "prices.pdf"),
    ("wool", "What does red wool cost?", "7.25 EUR", "7.25 EUR", "prices.pdf"),
    ("open", "When is it open?", "9 bis 17 Uhr", "Montags bis freitags von 9 bis 17 Uhr", "haus.docx"),
    ("back", "Until when is it sent back?", "thirty days", "Goods can be returned within thirty days", "prices.pdf"),
)
LOST = ("hook", "scissors", "wool")
SPEC = """\
study: parsers
dataset:
  table:
    questions: FOLDER/questions.csv
    columns: {id: id, question: question, references: answer, evidence: quote, document: file}
    documents: FOLDER/docs
readers: {floor: best_sentence}
grading: {contains: {}}
grid:
  parser: [pypdf, pdfminer]
  chunker: whole
  retriever: bm25
  top_k: [1, 9]
  reader: floor
controls: [gold_context]
metrics: [accuracy, recall@3]
compare: [{baseline: {parser: pypdf}}, {metric: recall@3, baseline: {parser: pypdf}}]
"""


def write_prices(path: Path) -> Path:
    """Write a page whose table is a form, a drawing of its own: pdfminer's converter reads what lies on the page."""
    from reportlab.pdfgen import canvas

    pdf = canvas.Canvas(str(path), invariant=True)
    lines = (
        "Delivery within Austria takes five working days.",
        "Goods may be returned within thirty days, with-",
        "out giving any reason.",
    )
    for row, line in enumerate(lines):
        pdf.drawString(72, 780 - 16 * row, line)
    pdf.beginForm("table")
    for row, cells in enumerate(PRICES):
        for column, cell in zip((72, 250), cells, strict=True):
            pdf.drawString(column, 600 - 16 * row, cell)
    pdf.endForm()
    pdf.doForm("table")
    pdf.save()
    return path


def write_parsers(folder: Path, *more: tuple[str, ...]) -> str:
    """Write documents and questions, and more questions; returns the spec."""
    (folder / "docs").mkdir()
    write_prices(folder / "docs" / "prices.pdf")
    write_docx(folder / "docs" / "haus.docx")
    with (folder / "questions.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([HEAD, *QUESTIONS, *more])
    return SPEC.replace("FOLDER", str(folder))
