"""`ragtally new --questions --documents`: from a spreadsheet and a folder to a spec that runs, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import sample_files
from chromium import PROGRAM, Chromium
from command_line import Outcome, in_process
from sample_files import write_folder, write_pdf, write_xlsx
from town_guide import write_guide, write_questions

SEVEN_KINDS = (
    *("agb.pdf", "haus.docx", "zahlen.pptx", "preise.xlsx", "fragen.html", "obst.md", "notiz.txt"),
    *("orte.csv", "mail.eml", "buch.epub"),
)
PORTUGUESE = ("Nº", "Pergunta", "Rótulo", "Trecho", "Arquivo", "Página", "Conjunto", "Observação")
QUESTIONS = (
    (1, "São cinco dias?", "sim", "fünf Werktage", "agb.pdf", 1, "train", "x"),
    (2, "Pode devolver?", "sim", "dreißig Tagen", "agb.pdf", 2, "train", None),
    (3, "A garantia é de três anos?", "não", "dois anos", "agb.pdf", 3, "train", None),
    (4, "Abre domingo?", "não", "freitags", "haus.docx", None, "train", None),
    (5, "Responde num dia?", "sim", "innerhalb eines Tages", "fragen.html", None, "test", None),
    (6, "A tesoura custa 20?", "não", "Preis: 19", "preise.xlsx", "Preise", "test", None),
    (7, "As maçãs são azuis?", "não", "Äpfel sind", "obst.md", None, "test", None),
    (8, "Era uma vez um rei?", "sim", "ein König", "buch.epub", None, "test", None),
)


# As many as a reader needs to learn anything: each again with another number.
MANY = [(8 * again + row[0], f"{row[1]} ({again})", *row[2:]) for again in range(6) for row in QUESTIONS]


def new(folder: Path, rows: Sequence[Sequence[Any]], head: Sequence[str], *words: str) -> Outcome:
    write_xlsx(folder / "faq.xlsx", {"Perguntas": [head, *rows]})
    return in_process(folder, "new", "faq", "--questions", "faq.xlsx", "--documents", "docs", *words)


def spec_of(folder: Path) -> Any:
    return yaml.safe_load((folder / "specs" / "faq.yaml").read_text(encoding="utf-8"))


def test_two_commands_from_a_workbook_and_ten_files_to_the_answer(tmp_path: Path) -> None:
    write_folder(tmp_path / "docs", *SEVEN_KINDS)
    done = new(tmp_path, MANY, PORTUGUESE)
    assert done.code == 0, done.err
    assert done.err.splitlines()[:7] == [
        "48 questions of faq.xlsx",
        "took: id is 'Nº' (A), question is 'Pergunta' (B), answer is 'Rótulo' (C), evidence is 'Trecho' (D), "
        "document is 'Arquivo' (E), page is 'Página' (F), split is 'Conjunto' (G)",
        "labels: não (24), sim (24)",
        "left: 'Observação' (H), of which no use is known",
        "10 documents of docs: 1 csv, 1 docx, 1 eml, 1 epub, 1 html, 1 md, 1 pdf, 1 pptx, 1 txt, 1 xlsx",
        "language: pt, by the words of the questions",
        "run it: ragtally plan specs/faq.yaml && ragtally run specs/faq.yaml",
    ]
    spec = spec_of(tmp_path)
    assert spec["dataset"]["table"]["split"] == "test"
    assert list(spec["readers"]) == ["words", "floor"]
    done = in_process(tmp_path, "run", "specs/faq.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err
    assert "The answer\n" in done.out + done.err
    assert (tmp_path / "data" / "results" / "faq" / "report.html").is_file()


def test_without_answers_retrieval_is_compared(tmp_path: Path) -> None:
    write_folder(tmp_path / "docs", *SEVEN_KINDS)
    rows = [(row[1], "ver", row[3], row[4]) for row in QUESTIONS]
    done = new(tmp_path, rows, ("Pregunta", "Respuesta", "Cita", "Archivo"))
    assert "left: 'Respuesta' (B), of which no use is known" in done.err
    spec = spec_of(tmp_path)
    assert "readers" not in spec
    assert spec["metrics"] == ["mrr@10", "recall@5", "evidence_coverage@5"]
    done = in_process(tmp_path, "run", "specs/faq.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err


PRICES = "A tesoura custa 19,90 euros. O fio custa 4 euros. A loja abre na segunda-feira."
OPEN = (
    ("Quanto custa a tesoura?", "19,90 euros", "custa 19,90 euros", "precos.txt"),
    ("Quanto custa o fio?", "4 EUR", "custa 4 euros", "precos.txt"),
    ("Quando abre a loja?", "na segunda-feira", "abre na segunda-feira", "precos.txt"),
    ("Quem é o dono da loja?", None, None, None),
)
OPEN_HEAD = ("Pergunta", "Resposta", "Trecho", "Arquivo")


def new_open(folder: Path, rows: Sequence[Sequence[Any]], head: Sequence[str] = OPEN_HEAD, *words: str) -> Outcome:
    (folder / "docs").mkdir()
    (folder / "docs" / "precos.txt").write_text(PRICES, encoding="utf-8")
    (folder / "docs" / "outro.txt").write_text("O parque fecha ao anoitecer.", encoding="utf-8")
    return new(folder, rows, head, *words)


def test_answers_in_free_text_are_asked_for_and_graded_without_a_server(tmp_path: Path) -> None:
    done = new_open(tmp_path, OPEN)
    assert done.err.splitlines()[:5] == [
        "4 questions of faq.xlsx",
        "took: question is 'Pergunta' (A), right answers are 'Resposta' (B), evidence is 'Trecho' (C), document is "
        "'Arquivo' (D)",
        "no right answer: 1 of 4 questions, where to say that it cannot be answered is right",
        "2 documents of docs: 2 txt",
        "1 questions without evidence, which no ranking can be measured on",
    ]
    spec = spec_of(tmp_path)
    assert spec["dataset"]["table"]["columns"]["references"] == "Resposta"
    assert spec["dataset"]["table"]["language"] == "pt"
    assert spec["readers"] == {"floor": "best_sentence"}
    assert spec["grading"] == {"exact": {}, "contains": {}, "token_f1": {"at_least": 0.7}}
    assert spec["controls"] == ["closed_book", "gold_context"]
    assert spec["grid"]["retriever"][0] == {"bm25": {"stemmer": "portuguese", "stopwords": "portuguese"}}
    assert "votes" not in spec["grid"] and "base" not in spec
    done = in_process(tmp_path, "run", "specs/faq.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err
    assert "The answer\n" in done.out + done.err
    cells = pl.read_csv(tmp_path / "data" / "results" / "faq" / "cells.csv")
    # Two of three by their words, "4 EUR" by none; who is the owner, nobody says without a context.
    scores = dict(cells.filter(pl.col("kind") == "control").select("condition", "accuracy").iter_rows())
    assert scores == {"closed_book": 0.25, "gold_context": 0.75}


@pytest.mark.parametrize(
    ("answers", "grading", "note"),
    [
        (["19,90 euros", "4 EUR", "R$ 1.200,00"], {"numeric": {}, "exact": {}, "contains": {}}, "is a number"),
        (["12/03/2024", "de 3 a 4", "5"], {"exact": {}, "contains": {}, "token_f1": {"at_least": 0.7}}, ""),
        (
            [f"{word} custa o que custa um bom par de tesouras na loja" for word in ("Ela", "Ele", "Tudo")],
            {"exact": {}, "contains": {}, "token_f1": {"at_least": 0.5}},
            "right answers have 12 words in the median",
        ),
    ],
)
def test_grading_fits_what_is_right(tmp_path: Path, answers: list[str], grading: object, note: str) -> None:
    rows = [(row[0], answer, *row[2:]) for row, answer in zip(OPEN, answers, strict=False)]
    done = new_open(tmp_path, rows)
    assert spec_of(tmp_path)["grading"] == grading
    assert note in done.err


def test_several_columns_of_right_answers(tmp_path: Path) -> None:
    rows = [(question, answer, f"ou {answer}", "x") for question, answer, *_ in OPEN[:3]]
    done = new_open(tmp_path, rows, ("question", "Answer 1", "Answer 2", "Reference"))
    assert "right answers are 'Answer 1' (B) and 'Answer 2' (C)" in done.err
    assert "left: 'Reference' (D), of which no use is known" in done.err
    # Nobody says where the answers stand, so there is no gold context and no ranking to measure.
    assert "3 of 3 questions with an answer do not say where it stands" in done.err
    spec = spec_of(tmp_path)
    assert spec["dataset"]["table"]["columns"]["references"] == ["Answer 1", "Answer 2"]
    assert spec["controls"] == ["closed_book"]
    assert spec["metrics"] == ["accuracy", "token_f1", "rouge_l", "abstained"]
    done = in_process(tmp_path, "run", "specs/faq.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err


def test_labels_come_before_texts_and_both_are_said(tmp_path: Path) -> None:
    rows = [(row[0], "sim" if number % 2 else "não", *row[1:]) for number, row in enumerate(OPEN)]
    done = new_open(tmp_path, rows, ("Pergunta", "Rótulo", *OPEN_HEAD[1:]))
    assert "`answers: open` below the dataset compares the right answers as texts instead" in done.err
    assert spec_of(tmp_path)["dataset"]["table"]["columns"]["answer"] == "Rótulo"


def test_a_model_is_asked_in_the_language_of_the_questions(tmp_path: Path) -> None:
    new_open(tmp_path, OPEN, OPEN_HEAD, "--model", "ollama_chat/llama3.1:8b")
    spec = spec_of(tmp_path)
    assert spec["readers"]["llama3.1-8b"] == {"chat": {"model": "llama3.1-8b", "language": "pt"}}
    assert spec["grid"]["reader"] == ["llama3.1-8b", "floor"]
    assert spec["grid"]["votes"] == [1, 3]


def test_labels_without_a_split_to_learn_from(tmp_path: Path) -> None:
    write_folder(tmp_path / "docs", *SEVEN_KINDS)
    rows = [row[:6] for row in QUESTIONS]
    done = new(tmp_path, rows, PORTUGUESE[:6])
    assert "no split named train and another: no reader can learn from the questions" in done.err
    assert "readers" not in spec_of(tmp_path)
    (tmp_path / "specs" / "faq.yaml").unlink()
    assert new(tmp_path, rows, PORTUGUESE[:6], "--model", "ollama_chat/llama3.1:8b").code == 0
    # The prompt for labels is in the language of the questions too.
    assert spec_of(tmp_path)["readers"] == {"llama3.1-8b": {"chat": {"model": "llama3.1-8b", "language": "pt"}}}


def test_too_few_questions_to_learn_from(tmp_path: Path) -> None:
    write_folder(tmp_path / "docs", *SEVEN_KINDS)
    done = new(tmp_path, QUESTIONS, PORTUGUESE)
    assert "4 questions to learn from and 4 to be asked are too few for a reader" in done.err
    assert "readers" not in spec_of(tmp_path)
    done = in_process(tmp_path, "run", "specs/faq.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err


def test_a_split_of_another_name_is_learnt_from(tmp_path: Path) -> None:
    write_folder(tmp_path / "docs", *SEVEN_KINDS)
    rows = [(*row[:6], {"train": "Treino", "test": "Teste"}[row[6]]) for row in MANY]
    assert new(tmp_path, rows, PORTUGUESE[:7]).code == 0
    spec = spec_of(tmp_path)
    assert spec["dataset"]["table"]["split"] == "Teste"
    assert spec["readers"]["words"] == {"specialist": {"train": {"split": "Treino"}}}
    done = in_process(tmp_path, "check", "specs/faq.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err


def test_what_cannot_be_used_is_said_and_left_and_the_rest_runs(tmp_path: Path) -> None:
    write_folder(tmp_path / "docs", *SEVEN_KINDS)
    write_pdf(tmp_path / "docs" / "scan.pdf", [[]])
    (tmp_path / "docs" / "bild.jpg").write_bytes(b"x")
    rows = [(1, *row[1:3], "steht nirgends" if row[0] == 2 else row[3], row[4]) for row in QUESTIONS]
    done = new(tmp_path, rows, ("id", "question", "label", "evidence", "source"))
    for note in (
        "left: 'id' (A), which does not tell rows apart; rows are counted instead",
        "left: bild.jpg (unknown kind of file)",
        "left: scan.pdf (no text layer)",
        "left: 1 quotes that are not in their documents",
        "1 questions without evidence, which no ranking can be measured on",
    ):
        assert note in done.err.splitlines(), done.err
    table = spec_of(tmp_path)["dataset"]["table"]
    assert (table["on_unreadable"], table["on_missing_evidence"]) == ("skip", "skip")
    done = in_process(tmp_path, "run", "specs/faq.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err


def test_a_title_above_another_sheet_and_a_column_known_by_what_it_holds(tmp_path: Path) -> None:
    write_folder(tmp_path / "docs", *SEVEN_KINDS)
    rows = [["FAQ, Stand 2024"], [None], ["Was der Kunde will", "Woher"], *[(row[1], row[4]) for row in QUESTIONS]]
    write_xlsx(tmp_path / "faq.xlsx", {"Deckblatt": [["Hallo"]], "Liste": rows})
    done = in_process(tmp_path, "new", "faq", "--questions", "faq.xlsx", "--documents", "docs")
    assert done.code == 0, done.err
    table = spec_of(tmp_path)["dataset"]["table"]
    assert (table["sheet"], table["header"]) == ("Liste", 3)
    assert table["columns"] == {"question": "Was der Kunde will", "document": "Woher"}


def test_documents_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("question;docid\nWo?;a\nWas?;b\n", encoding="utf-8")
    (tmp_path / "texts.csv").write_text("id,titulo,conteudo\na,Um,Aqui.\nb,Dois,Isto.\n", encoding="utf-8")
    done = in_process(tmp_path, "new", "faq", "--questions", "faq.csv", "--documents", "texts.csv")
    assert done.code == 0, done.err
    table = spec_of(tmp_path)["dataset"]["table"]
    assert table["document_columns"] == {"id": "id", "title": "titulo", "text": "conteudo"}


@pytest.mark.parametrize(
    ("head", "words", "message"),
    [
        (("a", "b"), [], "no column looks like the questions; the columns are: a, b"),
        (("question", "b"), [], "no question has a right answer or says where it stands"),
        (("question", "b"), ["--dataset", "beir"], "no dataset 'beir' reads a table of questions"),
    ],
)
def test_what_is_of_no_use_is_an_error(tmp_path: Path, head: Sequence[str], words: list[str], message: str) -> None:
    sample_files.write_folder(tmp_path / "docs", "obst.md")
    done = new(tmp_path, [("wer", "was"), ("wie", "wo")], head, *words)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "specs").exists()


def test_both_options_or_none(tmp_path: Path) -> None:
    done = in_process(tmp_path, "new", "faq", "--questions", "faq.xlsx")
    assert done.code == 2
    assert "--questions and --documents go together" in done.err


@pytest.mark.slow
def test_forty_questions_and_ten_files_of_seven_kinds_to_a_verdict_and_a_report(tmp_path: Path) -> None:
    write_guide(tmp_path / "docs")
    write_questions(tmp_path / "faq.xlsx")
    done = in_process(tmp_path, "new", "guia", "--questions", "faq.xlsx", "--documents", "docs")
    assert done.code == 0, done.err
    assert "right answers are 'Resposta' (C) and 'Outra resposta' (D)" in done.err
    assert "no right answer: 4 of 40 questions" in done.err
    assert "10 documents of docs: 2 docx, 1 html, 2 md, 2 pdf, 1 pptx, 1 txt, 1 xlsx" in done.err
    done = in_process(tmp_path, "run", "specs/guia.yaml", RAGTALLY_STORE=str(tmp_path / "store"))
    assert done.code == 0, done.err
    said = " ".join(done.out.split())
    assert "BM25 over 128-word chunks, one chunk, reader floor: accuracy 90.0 %" in said
    # Who takes the sentence that is most like a question never sees that there is no answer.
    assert "Of 4 questions that cannot be answered it says so of 0" in said
    assert "on gold contexts the reader is right on 100.0 %" in said
    report = tmp_path / "data" / "results" / "guia" / "report.html"
    if PROGRAM is None:
        return
    browser = Chromium(tmp_path / "profile")
    try:
        for width in (1280, 390):
            browser.size(width, 900)
            browser.open(report)
            browser.run("document.getElementById('explorer').scrollIntoView()")
            browser.until("document.getElementById('explorer-view').dataset.ready === 'yes'")
            marks = "[...document.querySelectorAll('#explorer-side-0 .open mark')].map((one) => one.textContent)"
            assert browser.run(marks) == ["rio Tarn", "rio Tarn"]
            assert browser.run("document.documentElement.scrollWidth") <= width
        browser.run(
            "{ const cell = document.getElementById('explorer-cell-1'); cell.value = '0';"
            " cell.dispatchEvent(new Event('change')); }"
        )
        assert "cannot be answered" in browser.run("document.getElementById('explorer-side-1').textContent")
        assert browser.errors == []
    finally:
        browser.close()
