"""BEIR folders are read as BEIR reads them; what is wrong has file and line, what is left out is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ragtally_beir
from ragtally.api import DataError, DatasetBatch
from ragtally_beir import documents as documents_part
from sample_beir import HEADER, Rows, document, query, write, write_folder

CORPUS = [
    document("d1", "Text of one.", "Title one"),
    document("d2", " Two, without a title.\n"),
    document("d3", "", "Only a title"),
    document("d4", " \n", "  "),
    document("d5", "Ünïcode 🧬"),
]
QUERIES = [
    query("q1", "Is it one?", verdict="yes"),
    query("q2", "Is it two?", verdict="no"),
    query("q3", "Is it three?", verdict="no"),
    query("q4", "Who asks?", verdict="never"),
    query("q5", "Train?", verdict=None),
]
TEST: Rows = [("q1", "d1", 2), ("q1", "d5", 1), ("q1", "d2", 0), ("q2", "d2", 1), ("q3", "d3", 1), ("q3", "d1", -1)]
TRAIN: Rows = [("q5", "d1", 1), ("q5", "d4", 1)]
QRELS = {"test": TEST, "train": TRAIN}


def build(folder: Path, answer_field: str | None = None) -> Any:
    return ragtally_beir.build_dataset(str(folder), answer_field)


def read(folder: Path, answer_field: str | None = None) -> DatasetBatch:
    """The whole dataset as one batch."""
    batches = list(build(folder, answer_field).batches())

    def joined(table: str) -> Any:
        tables = [getattr(batch, table) for batch in batches]
        # What no batch has, as references of questions with labels, stays None.
        names = [name for name in tables[0].__slots__ if getattr(tables[0], name) is not None]
        return replace(tables[0], **{name: [row for one in tables for row in getattr(one, name)] for name in names})

    counts: Counter[str] = Counter()
    for batch in batches:
        counts.update(batch.left_out)
    return DatasetBatch(joined("documents"), joined("questions"), joined("evidence"), counts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "made", CORPUS, QUERIES, QRELS)


def test_documents_are_title_and_text_in_two_sections(folder: Path) -> None:
    documents = read(folder).documents
    assert list(documents.id) == ["d1", "d2", "d3", "d4", "d5"]
    texts = ["Title one\nText of one.", " Two, without a title.\n", "Only a title", "", "Ünïcode 🧬"]
    assert list(documents.text) == texts
    sections = zip(documents.text, documents.section_starts, documents.section_ends, strict=True)
    assert [[text[a:b] for a, b in zip(starts, ends, strict=True)] for text, starts, ends in sections] == [
        ["Title one", "Text of one."], [texts[1]], [texts[2]], [], [texts[4]],
    ]  # fmt: skip


def test_evidence_is_the_whole_document_with_its_grade(folder: Path) -> None:
    batch = read(folder)
    texts = dict(zip(batch.documents.id, batch.documents.text, strict=True))
    table = batch.evidence
    assert table.grade is not None
    rows = zip(table.question, table.document, table.start, table.end, table.grade, strict=True)
    assert sorted((q, texts[d][start:end], grade) for q, d, start, end, grade in rows) == [
        ("q1", "Title one\nText of one.", 2),
        ("q1", "Ünïcode 🧬", 1),
        ("q2", "Two, without a title.", 1),
        ("q3", "Only a title", 1),
        ("q5", "Title one\nText of one.", 1),
    ]


def test_questions_are_the_judged_queries_in_their_split(folder: Path) -> None:
    dataset, batch = build(folder), read(folder)
    assert list(zip(batch.questions.id, batch.questions.split, strict=True)) == [
        ("q1", "test"), ("q2", "test"), ("q3", "test"), ("q5", "train"),
    ]  # fmt: skip
    assert set(batch.questions.label) == {None}
    assert (dataset.splits, dataset.answers, dataset.labelled) == (("test", "train"), (), False)


def test_what_is_left_out_is_counted(folder: Path) -> None:
    rows = folder / "qrels" / "test.tsv"
    rows.write_text(rows.read_text() + "q1\td1\t2\nq1\td1\t2\n")
    assert read(folder).left_out == {
        "queries without relevance judgements": 1,
        "judgements that a document is not relevant": 2,
        "judgements given twice": 2,
        "judgements of documents without text": 1,
    }


def test_answers_are_found_in_the_named_field_of_judged_queries(folder: Path) -> None:
    dataset = build(folder, "verdict")
    assert (dataset.answers, dataset.labelled) == (("no", "yes"), True)
    assert list(read(folder, "verdict").questions.label) == ["yes", "no", "no", None]


def test_a_query_with_nothing_relevant_is_a_question_without_evidence(tmp_path: Path) -> None:
    batch = read(
        write_folder(tmp_path, CORPUS, QUERIES, {"test": [("q1", "d1", 0), ("q2", "d1", 1), ("q2", "gone", 0)]})
    )
    assert list(batch.questions.id) == ["q1", "q2"]
    assert list(batch.evidence.question) == ["q2"]


@pytest.mark.parametrize("header", ["", HEADER, "query_id\tdoc_id\trel\n", "\ufeffquery-id\tcorpus-id\tscore\r\n"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_header_or_compression_makes_no_difference(
    folder: Path, tmp_path: Path, header: str, compressed: bool
) -> None:
    other = write_folder(tmp_path / "other", CORPUS, QUERIES, QRELS, compressed=compressed, header=header)
    assert read(other) == read(folder)


def test_ids_in_quotes_are_read_as_beir_does(tmp_path: Path) -> None:
    corpus = [document('<dbpedia:"A"_b>', "Text."), document("x", "Other.")]
    made = write_folder(tmp_path, corpus, QUERIES, {"test": [("q1", '"<dbpedia:""A""_b>"', 1), ("q2", "x", 1)]})
    assert list(read(made).evidence.document) == ['<dbpedia:"A"_b>', "x"]


def test_batches_keep_few_lines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(folder)
    monkeypatch.setattr(documents_part, "BATCH_LINES", 2)
    assert read(folder).documents == whole.documents
    assert max(len(batch.documents) for batch in build(folder).batches()) == 2


def fingerprint(folder: Path) -> str:
    return ragtally_beir.fingerprint_dataset({"folder": str(folder), "answer_field": None})


def test_the_fingerprint_is_of_contents_and_splits_not_of_places(folder: Path, tmp_path: Path) -> None:
    before = fingerprint(folder)
    assert fingerprint(folder.rename(tmp_path / "moved")) == before
    found = {before}
    moved = tmp_path / "moved"
    (moved / "qrels" / "test.tsv").rename(moved / "qrels" / "dev.tsv")
    found.add(fingerprint(moved))
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/dev.tsv"):
        path = moved / name
        path.write_text(path.read_text() + "\n")
        found.add(fingerprint(moved))
    assert len(found) == 5


def line(name: str, number: int, text: str) -> Callable[[Path], None]:
    """Replace a line of a file."""

    def change(folder: Path) -> None:
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        lines[number - 1 : number] = [text.encode("utf-8", "surrogateescape") + b"\n"]
        (folder / name).write_bytes(b"".join(lines))

    return change


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


DAMAGED: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "no corpus": (removed("corpus.jsonl"), "corpus.jsonl", "there is no corpus.jsonl"),
    "no queries": (removed("queries.jsonl"), "queries.jsonl", "there is no queries.jsonl"),
    "a plain and a compressed corpus": (
        lambda folder: write(folder / "corpus.jsonl", "", True), "corpus.jsonl.gz", "corpus.jsonl is there twice"),
    "a split twice": (
        lambda folder: write(folder / "qrels/test.tsv", "", True), "qrels/test.tsv.gz", "test.tsv is there twice"),
    "an empty split": (lambda folder: write(folder / "qrels" / "dev.tsv", HEADER), "qrels/dev.tsv", "no judgement"),
    "half a line": (line("corpus.jsonl", 2, '{"_id": "d2", "te'), "corpus.jsonl:2", "no JSON"),
    "no UTF-8": (line("queries.jsonl", 3, '{"_id": "\udcff"}'), "queries.jsonl:3", "no JSON in UTF-8"),
    "deep nesting": (line("corpus.jsonl", 2, "[" * 100_000), "corpus.jsonl:2", "no JSON"),
    "a list": (line("corpus.jsonl", 1, "[1]"), "corpus.jsonl:1", "must hold a JSON object"),
    "no text": (line("corpus.jsonl", 2, '{"_id": "d2"}'), "corpus.jsonl:2", "a text `text`; there is none"),
    "a null text": (line("corpus.jsonl", 2, '{"_id": "d2", "text": null}'), "corpus.jsonl:2", "but null"),
    "a number for a title": (
        line("corpus.jsonl", 2, '{"_id": "d2", "text": "x", "title": 7}'), "corpus.jsonl:2", "text `title`"),
    "a number for an id": (line("corpus.jsonl", 2, '{"_id": 2, "text": "x"}'), "corpus.jsonl:2", "text `_id`"),
    "an empty id": (line("queries.jsonl", 1, '{"_id": "", "text": "x"}'), "queries.jsonl:1", "`_id` is empty"),
    "half a character": (
        line("corpus.jsonl", 2, '{"_id": "d2", "text": "\\ud83d"}'), "corpus.jsonl:2", "half of a surrogate pair"),
    "a key twice": (
        line("corpus.jsonl", 2, '{"_id": "d2", "text": "", "text": "y"}'), "corpus.jsonl:2", "'text' is given twice"),
    "a document twice": (
        line("corpus.jsonl", 5, '{"_id": "d2", "text": "x"}\n{"_id": "d5", "text": "x"}'),
        "corpus.jsonl:5", "the document 'd2' is there twice, first in line 2"),
    "a query twice": (
        line("queries.jsonl", 5, '{"_id": "q2", "text": "x"}'),
        "queries.jsonl:5", "the query 'q2' is there twice, first in line 2"),
    "a query without words": (
        line("queries.jsonl", 2, '{"_id": "q2", "text": " "}'), "queries.jsonl:2", "the query 'q2' has no words"),
    "a missing document": (line("corpus.jsonl", 5, ""), "qrels/test.tsv:3", "document 'd5' is not in corpus.jsonl"),
    "missing documents": (
        lambda folder: write(folder / "corpus.jsonl", '{"_id": "d2", "text": "x"}\n'),
        "qrels/test.tsv:2", "document 'd1' is not in corpus.jsonl, nor are 3 further ones"),
    "a missing query": (line("queries.jsonl", 2, ""), "qrels/test.tsv:5", "query 'q2' is not in queries.jsonl"),
    "two columns": (line("qrels/test.tsv", 3, "q1\td5"), "qrels/test.tsv:3", "three columns"),
    "the form of TREC": (line("qrels/test.tsv", 2, "q1 0 d1 1"), "qrels/test.tsv:2", "three columns"),
    "a word for a score": (line("qrels/test.tsv", 2, "q1\td1\thigh"), "qrels/test.tsv:2", "whole number, not 'high'"),
    "no header, and a word": (line("qrels/test.tsv", 1, "q1\td1\thigh"), "qrels/test.tsv:1", "whole number"),
    "a score beyond all grades": (
        line("qrels/test.tsv", 2, "q1\td1\t99999999999999999999"), "qrels/test.tsv:2", "whole number"),
    "a row that begins as a header does": (
        line("qrels/test.tsv", 1, "query1\td1\t1.0"), "qrels/test.tsv:1", "whole number, not '1.0'"),
    "an id that begins as a header does, and a word": (
        line("qrels/test.tsv", 1, "query-id-7\td1\thigh"), "qrels/test.tsv:1", "whole number, not 'high'"),
    "a share for a score": (line("qrels/test.tsv", 2, "q1\td1\t0.5"), "qrels/test.tsv:2", "not '0.5'"),
    "no document's id": (line("qrels/test.tsv", 2, "q1\t\t1"), "qrels/test.tsv:2", "corpus-id is empty"),
    "an open quote": (line("qrels/train.tsv", 3, 'q5\t"d4\t1'), "qrels/train.tsv:3", "no row of three columns"),
    "bytes in the judgements": (line("qrels/test.tsv", 4, "q1\t\udcff\t1"), "qrels/test.tsv:4", "no UTF-8"),
    "contradicting scores": (
        line("qrels/test.tsv", 4, "q1\td1\t1"), "qrels/test.tsv:4", "is judged 1 for 'q1', but 2 in line 2"),
    "a query in two splits": (
        line("qrels/train.tsv", 2, "q1\td1\t1"), "qrels/train.tsv:2", "also in the split test (test.tsv:2)"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "location", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_named_with_file_and_line(
    folder: Path, change: Callable[[Path], None], location: str, message: str
) -> None:
    change(folder)
    with pytest.raises(DataError) as caught:
        read(folder)
    assert message in caught.value.message
    assert str(caught.value.location) == str(folder / location)
    assert caught.value.hint


def test_no_folder_and_no_judgements_say_where_to_get_them(tmp_path: Path) -> None:
    for location in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(DataError, match=r"no folder|no relevance judgements") as caught:
            fingerprint(location)
        assert "data/raw/README.md" in (caught.value.hint or "")


def test_a_cut_archive_is_damage(tmp_path: Path) -> None:
    made = write_folder(tmp_path, CORPUS, QUERIES, QRELS, compressed=True)
    path = made / "corpus.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match="cannot read the file"):
        read(made)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(DataError, match="cannot read the file"):
        read(made)


LABELS: dict[str, tuple[Any, str, str]] = {
    "a number": ([{"verdict": 1}, {"verdict": "no"}], "verdict", "must be a text that is not empty"),
    "several": ([{"verdict": ["a", "b"]}, {"verdict": "no"}], "verdict", "must be a text that is not empty"),
    "an empty text": ([{"verdict": ""}, {"verdict": "no"}], "verdict", "must be a text that is not empty"),
    "another word": ([{"verdict": "yes"}, {"verdict": "no"}], "verdikt", "did you mean 'verdict'?"),
    "no field at all": ([{}, {}], "verdict", "there is none"),
    "one class": ([{"verdict": "yes"}, {"verdict": "yes"}], "verdict", "all 2 answers in it are 'yes'"),
    "no object": (["yes", {}], "verdict", "`metadata` must be an object"),
}


@pytest.mark.parametrize(("metadata", "field", "message"), LABELS.values(), ids=LABELS)
def test_answers_that_are_none_are_named(tmp_path: Path, metadata: list[Any], field: str, message: str) -> None:
    queries = [{"_id": f"q{row}", "text": "What?", "metadata": one} for row, one in enumerate(metadata)]
    made = write_folder(tmp_path, CORPUS, queries, {"test": [("q0", "d1", 1), ("q1", "d1", 1)]})
    with pytest.raises(DataError) as caught:
        _ = build(made, field).answers
    assert message in str(caught.value)


def test_metadata_may_be_missing_or_null(tmp_path: Path) -> None:
    queries = [{"_id": "q0", "text": "a"}, {"_id": "q1", "text": "b", "metadata": None}, query("q2", "c", v="x"),
               query("q3", "d", v="y")]  # fmt: skip
    made = write_folder(tmp_path, CORPUS, queries, {"test": [(f"q{row}", "d1", 1) for row in range(4)]})
    assert list(read(made, "v").questions.label) == [None, None, "x", "y"]
