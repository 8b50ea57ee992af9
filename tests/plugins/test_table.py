"""The dataset `table`: questions of a spreadsheet, documents of a folder, and where in these the answers stand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sample_files
from ragtally import DataError, ErrorList
from ragtally_table import register_datasets
from ragtally_table.quotes import QuotedText
from sample_table import COLUMNS, HEAD, ROWS, build, evidence_texts, parameters, read, write_questions, write_study


def test_questions_labels_splits_and_evidence(tmp_path: Path) -> None:
    batches, left_out = read(write_study(tmp_path))
    questions = batches[0].questions
    assert questions.id == ["1", "2", "3", "4", "5", "6"]
    assert questions.label == ["ja", "ja", "nein", "ja", "nein", "nein"]
    assert questions.split == ["train", "test", "test", "test", "train", "test"]
    (section,), (slide,) = (evidence_texts(batches)[question] for question in ("5", "6"))
    assert section[0] == "haus.docx"
    assert (section[1][:14], section[1][-19:]) == ("Öffnungszeiten", "Preise ohne Gewähr.")
    assert slide == ("zahlen.pptx", batches[1].documents.text[3].partition("\n\n")[2])
    assert {question: spans for question, spans in evidence_texts(batches).items() if question < "5"} == {
        "1": [("agb.pdf", "fünf Werktage")],
        "2": [("agb.pdf", "dreißig Tagen zurück-\ngegeben werden")],
        "3": [("agb.pdf", "dois anos após a compra")],
        "4": [("preise.xlsx", "Preis: 19")],
    }
    assert left_out == {}


def test_labels_and_splits_are_known_before_a_document_is_read(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    shutil.rmtree(tmp_path / "docs")
    dataset = build(params)
    assert (dataset.answers, dataset.splits, dataset.labelled) == (("ja", "nein"), ("train", "test"), True)
    location = dataset.answer_location("nein")
    assert str(location) == f"{tmp_path / 'fragen.xlsx'}[Fragen!C4]"


def test_sections_of_documents_are_their_innermost_parts(tmp_path: Path) -> None:
    documents = read(write_study(tmp_path))[0][1].documents
    row = list(documents.id).index("preise.xlsx")
    pieces = zip(documents.section_starts[row], documents.section_ends[row], strict=True)
    assert [documents.text[row][start:end] for start, end in pieces][
        1
    ] == "Artikel: Schere, groß; Preis: 19; Lager: 3"


def test_every_part_can_be_a_document(tmp_path: Path) -> None:
    batches, _ = read(write_study(tmp_path) | {"documents_by": "part"})
    documents = batches[1].documents
    assert {"agb.pdf#page 2", "haus.docx#text", "haus.docx#section Kontakt", "preise.xlsx#row 2"} <= set(documents.id)
    assert len(set(documents.id)) == len(documents.id)
    found = evidence_texts(batches)
    assert found["2"] == [("agb.pdf#page 2", "dreißig Tagen zurück-\ngegeben werden")]
    assert found["6"][0][0] == "zahlen.pptx#slide 2"


def test_without_ids_and_splits_rows_are_counted(tmp_path: Path) -> None:
    params = write_study(tmp_path) | {"columns": {"question": "Frage"}}
    batches, left_out = read(params)
    assert batches[0].questions.id == ["2", "3", "4", "5", "6", "7"]
    assert set(batches[0].questions.split) == {"all"}
    assert set(batches[0].questions.label) == {None}
    assert left_out == {"columns of the table of questions that are not used": 6, "questions without evidence": 6}


def text_table(separator: str) -> str:
    rows = [HEAD, *ROWS]
    return "\n".join(separator.join("" if cell is None else str(cell) for cell in row) for row in rows) + "\n"


def write_jsonl(path: Path) -> Path:
    lines = [json.dumps(dict(zip(HEAD, row, strict=True)), ensure_ascii=False) for row in ROWS]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_parquet(path: Path) -> Path:
    rows = [[None if cell is None else str(cell) for cell in row] for row in ROWS]
    pl.DataFrame(rows, schema=list(HEAD), orient="row").write_parquet(path)
    return path


def write_json(path: Path) -> Path:
    path.write_text(json.dumps([dict(zip(HEAD, row, strict=True)) for row in ROWS]), encoding="utf-8")
    return path


def write_ods(path: Path) -> Path:
    return sample_files.write_ods(path, [["" if cell is None else cell for cell in row] for row in (HEAD, *ROWS)])


def as_text(separator: str, encoding: str, before: str = "") -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes((before + text_table(separator)).replace("\n", "\r\n").encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("f.csv", as_text(",", "utf-8")),
        ("f.csv", as_text(";", "utf-8-sig")),
        ("f.csv", as_text(";", "cp1252")),
        ("f.csv", as_text(";", "utf-16", before="sep=;\n")),
        ("f.csv", as_text("\t", "utf-16-le")),
        ("f.tsv", as_text("\t", "utf-8")),
        ("f.ods", write_ods),
        ("f.jsonl", write_jsonl),
        ("f.json", write_json),
        ("f.parquet", write_parquet),
    ],
)  # fmt: skip
def test_every_form_of_table_gives_the_same(tmp_path: Path, name: str, write: Callable[[Path], Path]) -> None:
    params = write_study(tmp_path)
    expected = read(params)
    assert read(params | {"questions": str(write(tmp_path / name))}) == expected


def test_lists_are_several_quotes(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    record = {"Frage": "Was?", "Beleg": ["fünf Werktage", "dois anos"], "Datei": "agb.pdf"}
    (tmp_path / "f.jsonl").write_text(json.dumps(record), encoding="utf-8")
    columns = {"question": "Frage", "evidence": "Beleg", "document": "Datei"}
    batches, _ = read(params | {"questions": str(tmp_path / "f.jsonl"), "columns": columns})
    assert [words for _, words in evidence_texts(batches)["1"]] == ["fünf Werktage", "dois anos"]


def test_merged_cells_numbers_and_dates_are_what_the_sheet_shows(tmp_path: Path) -> None:
    def merged(sheet: Any, row: int, column: int) -> None:
        sheet.merge_range(row, column, row + 1, column, "agb.pdf")

    rows = [
        ["Stand: heute"],
        ["Frage", "Datei", "Beleg", "Wert"],
        [None],
        ["Eins?", merged, "fünf Werktage", 3.0],
        ["Zwei?", None, "dois anos", True],
    ]
    questions = sample_files.write_xlsx(tmp_path / "f.xlsx", {"Fragen": rows, "Leer": []})
    params = write_study(tmp_path) | {"questions": str(questions), "header": 2}
    columns = {"question": "Frage", "document": "Datei", "evidence": "Beleg", "answer": "Wert"}
    batches, _ = read(params | {"columns": columns})
    assert batches[0].questions.label == ["3", "true"]
    assert evidence_texts(batches) == {"4": [("agb.pdf", "fünf Werktage")], "5": [("agb.pdf", "dois anos")]}


def test_labels_differ_by_more_than_case(tmp_path: Path) -> None:
    rows = [(number, f"{number}?", label, "fünf", "agb", 1, "a") for number, label in
            enumerate(["Não", "NÃO", "não", "não ", "Sim", "talvez"])]  # fmt: skip
    params = write_study(tmp_path)
    write_questions(Path(params["questions"]), rows)
    dataset = build(params)
    assert dataset.answers == ("não", "Sim", "talvez")


def test_names_of_documents_are_paths_names_or_stems_in_any_case(tmp_path: Path) -> None:
    sample_files.write_folder(tmp_path / "docs" / "Über uns", "agb.pdf")
    params = write_study(tmp_path, "haus.docx")
    names = ["Über uns/agb.pdf", "über uns\\AGB.PDF", "agb.pdf", "AGB", "U\u0308ber uns/agb.pdf"]
    rows = [(number, "?", None, "fünf Werktage", name, None, "a") for number, name in enumerate(names)]
    write_questions(Path(params["questions"]), rows)
    batches, _ = read(params | {"columns": COLUMNS | {"answer": None}})
    assert [document for spans in evidence_texts(batches).values() for document, _ in spans] == [
        "Über uns/agb.pdf"
    ] * 5


def test_references_are_texts_for_open_answers(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    rows = [(1, "?", "Fünf Tage", "fünf", "agb", 1, "a"), (2, "?", None, "dois", "agb", 3, "a")]
    write_questions(Path(params["questions"]), rows)
    params |= {"columns": COLUMNS | {"answer": None, "references": "Antwort"}}
    batches, _ = read(params)
    assert batches[0].questions.references == [["Fünf Tage"], []]
    (component,) = register_datasets()
    assert callable(component.traits)
    assert component.traits(params).answers == "open"  # type: ignore[union-attr]
    assert build(params).labelled is False


def test_a_cell_may_name_several_documents(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    write_questions(Path(params["questions"]), [(1, "?", None, None, "agb.pdf; haus.docx", None, "a")])
    batches, _ = read(params | {"columns": COLUMNS | {"answer": None}})
    assert [document for document, _ in evidence_texts(batches)["1"]] == ["agb.pdf", "haus.docx"]


def test_a_quote_of_no_document_is_looked_for_in_all(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    write_questions(Path(params["questions"]), [(1, "?", None, "Preise ohne Gewähr", None, None, "a")])
    batches, left_out = read(params | {"columns": COLUMNS | {"answer": None}})
    assert evidence_texts(batches)["1"] == [("haus.docx", "Preise ohne Gewähr")]
    assert left_out == {"columns of the table of questions that are not used": 1}


def test_documents_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "docs.csv").write_text("nr,titel,text\na,Kopf,Der Text steht hier.\nb,,Noch einer.\nc,,\n")
    params = write_study(tmp_path)
    write_questions(
        Path(params["questions"]),
        [(1, "?", None, "steht hier", "a", None, "x"), (2, "?", None, None, "b", None, "x")],
    )
    columns = {"id": "nr", "title": "titel", "text": "text"}
    params |= {"documents": str(tmp_path / "docs.csv"), "document_columns": columns}
    batches, left_out = read(params | {"columns": COLUMNS | {"answer": None}})
    assert evidence_texts(batches) == {"1": [("a", "steht hier")], "2": [("b", "Noch einer.")]}
    assert batches[1].documents.text == ["Kopf\nDer Text steht hier.", "Noch einer."]
    assert left_out == {"rows of documents without text": 1, "columns of the table of questions that are not used": 1}


def spoil(folder: Path) -> None:
    sample_files.write_pdf(folder / "scan.pdf", [[]])
    sample_files.write_pdf(folder / "geheim.pdf", password="x")
    (folder / "leer.txt").write_bytes(b"")
    (folder / "bild.jpg").write_bytes(b"\xff\xd8")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "~$haus.docx").write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / "link").symlink_to(folder, target_is_directory=True)


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    spoil(tmp_path / "docs")
    with pytest.raises(ErrorList) as caught:
        read(params)
    places = [Path(error.location.file).name for error in caught.value.errors if error.location]
    assert places == ["bild.jpg", "geheim.pdf", "leer.txt", "scan.pdf"]
    assert "on_unreadable: skip" in (caught.value.errors[-1].hint or "")


def test_files_that_cannot_be_read_are_counted_by_reason(tmp_path: Path) -> None:
    params = write_study(tmp_path) | {"on_unreadable": "skip"}
    spoil(tmp_path / "docs")
    write_questions(Path(params["questions"]), [*ROWS, (7, "?", "ja", "Text", "scan.pdf", None, "test")])
    _, left_out = read(params)
    assert left_out == {
        "evidence in files that cannot be read": 1,
        "files that cannot be read: empty": 1,
        "files that cannot be read: encrypted": 1,
        "files that cannot be read: no text layer": 1,
        "files that cannot be read: unknown kind of file": 1,
        "hidden files and folders, and links to folders": 4,
        "questions without evidence": 1,
    }


def test_evidence_that_is_missing_is_counted(tmp_path: Path) -> None:
    params = write_study(tmp_path) | {"on_missing_evidence": "skip"}
    rows = [
        (1, "?", "ja", "gibt es nicht", "agb.pdf", None, "a"),
        (2, "?", "nein", None, "fehlt.pdf", None, "a"),
        (3, "?", "nein", None, "agb.pdf", 9, "a"),
        (4, "?", "nein", "e", "agb.pdf", None, "a"),
    ]
    write_questions(Path(params["questions"]), rows)
    batches, left_out = read(params)
    assert list(evidence_texts(batches)) == ["4"]
    assert left_out == {
        "documents that questions name and that are not there": 1,
        "pages that questions name and that are not there": 1,
        "questions without evidence": 3,
        "quotes that are not in their documents": 1,
        "quotes that stand in several places, of which the first counts": 1,
    }


def test_the_fingerprint_is_of_what_the_files_hold(tmp_path: Path) -> None:
    (component,) = register_datasets()
    assert component.fingerprint is not None
    params = write_study(tmp_path / "a")
    first = component.fingerprint(params)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    elsewhere = parameters(tmp_path / "b" / "fragen.xlsx", tmp_path / "b" / "docs")
    assert component.fingerprint(elsewhere) == first
    (tmp_path / "b" / "docs" / "agb.pdf").rename(tmp_path / "b" / "docs" / "neu.pdf")
    second = component.fingerprint(elsewhere)
    assert second != first
    sample_files.write_text(tmp_path / "b" / "docs" / "neu.txt")
    assert component.fingerprint(elsewhere) not in (first, second)


def test_the_questions_may_lie_among_the_documents(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    inside = Path(params["questions"]).rename(tmp_path / "docs" / "fragen.xlsx")
    batches, _ = read(params | {"questions": str(inside)})
    assert "fragen.xlsx" not in batches[1].documents.id


WORDS = st.text(alphabet="abcäß ﬁ-\n\u00ad'”,", min_size=1, max_size=60)


@given(WORDS, st.data())
def test_a_piece_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    match = QuotedText(text).find(text[start:end])
    assert match is not None
    assert text[match.start : match.end] == text[start:end]


@pytest.mark.parametrize(
    ("text", "quote", "match"),
    [
        ("Er sagte: „Nie  wieder!“ Dann ging er.", '"Nie wieder!"', "„Nie  wieder!“"),
        ("eine Silben-\ntrennung am Ende", "Silbentrennung", "Silben-\ntrennung"),
        ("ein Hand-\nout", "Hand-out", "Hand-\nout"),
        ("ef\ufb01zient und schnell", "effizient", "ef\ufb01zient"),
        ("e\ufb03zient und schnell", "effizient", "e\ufb03zient"),
        ("Cafe\u0301 de\u0301ja\u0300", "Café déjà", "Cafe\u0301 de\u0301ja\u0300"),
        ("weiche\u00adTrennung\u200b", "weicheTrennung", "weiche\u00adTrennung"),
        ("1\u00a0000 €", "1 000 €", "1\u00a0000 €"),
        ("der Startpunkt der Art", "Art", "Art"),
        ("nur Startpunkte", "Start", "Start"),
        ("漢字の文章です。", "文章", "文章"),
        ("kein Wort davon", "Zebra", None),
        ("don’t", "don't", "don’t"),
        ("a – b", "a-b", "a – b"),
        ("leer", "-", None),
    ],
)
def test_quotes_are_found_but_for_their_form(text: str, quote: str, match: str | None) -> None:
    found = QuotedText(text).find(quote)
    assert (found and text[found.start : found.end]) == match


def test_a_quote_is_looked_for_on_its_page_first() -> None:
    quoted = QuotedText("eins zwei | zwei drei")
    assert quoted.find("zwei", 10, 21) == (12, 16, True, "verbatim", 1.0)
    assert quoted.find("zwei") == (5, 9, False, "verbatim", 1.0)


LETTER = "Sehr geehrte Kundin, die Lieferung nach Österreich dauert in der Regel fünf Werktage und kostet 4,90 Euro."


@pytest.mark.parametrize(
    ("quote", "at_least", "match"),
    [
        ("Lieferung nach Oesterreich dauert", 0.9, "Lieferung nach Österreich dauert"),
        ("Lieferung nach Oesterreich dauert", 0.99, None),
        ("dauert in der Regel 5 Werktage", 0.8, None),
        ("dauert in der Regel fünf Werktage und kostet 4,80 Euro", 0.8, None),
        (
            "dauert in aller Regel fünf Werktage und kostet 4,90 Euro",
            0.9,
            "dauert in der Regel fünf Werktage und kostet 4,90 Euro",
        ),
        ("sehr geehrte", 0.5, None),
        ("etwas ganz anderes steht hier geschrieben", 0.5, None),
    ],
)
def test_words_that_are_nearly_a_quote_count_down_to_a_threshold(
    quote: str, at_least: float, match: str | None
) -> None:
    place = QuotedText(LETTER).align(quote, at_least)
    assert (place and LETTER[place.start : place.end].strip()) == match
    if place is not None:
        assert place.how == "aligned" and at_least <= place.similarity < 1


@given(st.integers(0, len(LETTER) - 41), st.integers(3, 36), st.sampled_from("xyzß"))
def test_a_quote_with_a_wrong_letter_is_found_where_it_stands(start: int, wrong: int, letter: str) -> None:
    quote = LETTER[start : start + 40]
    if quote[wrong].isdigit():
        return
    place = QuotedText("Vorspann. " * 5 + LETTER).align(quote[:wrong] + letter + quote[wrong + 1 :], 0.85)
    assert place is not None
    # Whole words count, of which the quote may be a part.
    assert place.start <= 50 + start + 3 and place.end >= 50 + start + 37
    assert place.end - place.start <= 70


def test_errors_of_a_table_are_shown_at_once(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    rows = [(number, None, "ja", None, "agb", 1, "x") for number in range(30)]
    write_questions(Path(params["questions"]), rows)
    with pytest.raises(ErrorList) as caught:
        build(params).splits  # noqa: B018
    assert len(caught.value.errors) == 21
    assert str(caught.value.errors[0]).startswith(f"{params['questions']}[Fragen!B2]: the cell of 'Frage' is empty")
    assert caught.value.errors[-1].message == "and 10 more of these errors"


def test_one_error_is_one(tmp_path: Path) -> None:
    params = write_study(tmp_path)
    write_questions(Path(params["questions"]), [(1, None, "ja", None, "agb", 1, "x")])
    with pytest.raises(DataError, match="there is no question"):
        build(params).splits  # noqa: B018
