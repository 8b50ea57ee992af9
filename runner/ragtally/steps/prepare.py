"""prepare: read the dataset once, check it, and write it as columns."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Conversion, DataError, Dataset, DatasetBatch, DatasetTraits, ParsingDataset, PluginError
from ragtally.redaction import Redactor, check_rules
from ragtally.steps.conversions import Conversions, stored_conversions
from ragtally.steps.documents import DocumentBuffer, write_documents
from ragtally.steps.pieces import pieces_of_files
from ragtally.steps.step import Shard, Sharding, Step, Task, Work
from ragtally.store import write_json, write_table
from ragtally.tables import EVIDENCE

# With more different labels than this share of the labelled questions, of at least so many, they are no classes.
_MOST_CLASSES = 0.8
_FEWEST_LABELS = 10


def run(work: Work) -> None:
    """Write `documents.parquet`, `questions.parquet`, `evidence.parquet` and `dataset.json`."""
    _write(_with_progress(_parsing_dataset(work), work) if _parses(work) else work.build("dataset"), work)


def _with_progress(dataset: ParsingDataset, work: Work) -> Dataset:
    """The same dataset, which says how many of its files are converted."""
    count, numbers = functools.cache(lambda: len(dataset.files())), itertools.count(1)

    def convert(path: Path) -> Conversion:
        conversion = dataset.convert(path)
        work.progress("files", next(numbers), count())
        return conversion

    return dataset.converted_by(convert)


def _count(work: Work) -> int:
    # Names and numbers that are to be replaced do not lie in pieces.
    if not _parses(work) or "redact" in work.task.settings:
        return 1
    return pieces_of_files([path.stat().st_size for path in _parsing_dataset(work).files()])


def _run_piece(work: Work, shard: Shard) -> None:
    """Convert some of the files; what is not on this machine the merge converts."""
    conversions = Conversions()
    with suppress(DataError):
        dataset = _parsing_dataset(work)
        # Not neighbours: these are often alike, and a run of long files would make a long piece.
        conversions.add(dataset.files()[shard.number :: shard.count], dataset.convert)
    conversions.write(work.folder)


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    dataset = _parsing_dataset(work)
    _write(dataset.converted_by(stored_conversions(pieces, dataset.convert)), work)


def _parses(work: Work) -> bool:
    traits: DatasetTraits = work.registry.traits(work.task.choices["dataset"])
    return traits.parses


def _parsing_dataset(work: Work) -> ParsingDataset:
    # Not asked by `isinstance`, which reads every attribute: here, all questions.
    dataset: ParsingDataset = work.build("dataset")
    return dataset.parsed_by(work.build("parser")) if "parser" in work.task.choices else dataset


def _write(dataset: Dataset, work: Work) -> None:
    # Of a large corpus also the texts alone, where they can be mapped (`ragtally.store.texts`).
    documents = DocumentBuffer(work.folder / "buffer", pl.Schema(_DOCUMENTS))
    reading = _Reading(dataset, work.task, documents)
    for batch in dataset.batches():
        reading.take(batch)
    whole = reading.whole()
    if "redact" in work.task.settings:
        whole, redacted = reading.redact(whole, work.task.choices["dataset"].parameters["redact"])
        write_documents(work.folder, redacted)
    else:
        documents.write(work.folder)
    documents.close()
    write_table(work.folder / "questions.parquet", whole.questions)
    write_table(work.folder / "evidence.parquet", whole.evidence)
    if "parser" in work.task.choices:
        write_table(work.folder / "quotes.parquet", whole.quotes)
    summary = {
        "answers": list(dataset.answers),
        "splits": list(dataset.splits),
        "documents": len(whole.documents),
        "questions": len(whole.questions),
        "left_out": dict(sorted(reading.left_out.items())),
    }
    write_json(work.folder / "dataset.json", summary)


_DOCUMENTS = {
    "id": pl.String(),
    "text": pl.String(),
    "section_starts": pl.List(pl.Int32),
    "section_ends": pl.List(pl.Int32),
}
# Only of a dataset that names its sections: the entries of all others stay as they are.
_SECTION_NAMES = {"section_names": pl.List(pl.String())}
# Only of a dataset whose documents are parts of files.
_FILE = {"file": pl.String()}
_QUESTIONS = {"id": pl.String(), "text": pl.String(), "label": pl.String(), "split": pl.String()}
# Only of a dataset that has them: the entries of the others stay what they were.
_REFERENCES = {"references": pl.List(pl.String())}
_QUOTES = {
    "question": pl.String(), "text": pl.String(), "match": pl.String(), "similarity": pl.Float64(),
    "fault": pl.String(), "place": pl.String(),
}  # fmt: skip
_EVIDENCE = dict(zip(EVIDENCE, (pl.String(), pl.String(), pl.Int32(), pl.Int32(), pl.Int32()), strict=True))

# Whether a span of characters is not empty and lies in a text of `length` characters.
_INSIDE = (
    (pl.col("start") >= 0) & (pl.col("start") < pl.col("end")) & (pl.col("end") <= pl.col("length"))
).fill_null(value=False)


@dataclass
class _Reading:
    """What was read of a dataset so far."""

    dataset: Dataset
    task: Task
    documents: DocumentBuffer
    questions: list[pl.DataFrame] = field(default_factory=list)
    spans: list[pl.DataFrame] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    finds: list[pl.DataFrame] = field(default_factory=list)
    people: dict[str, None] = field(default_factory=dict)

    def take(self, batch: DatasetBatch) -> None:
        schema = _DOCUMENTS if batch.documents.section_names is None else _DOCUMENTS | _SECTION_NAMES
        if batch.documents.file is not None:
            schema = schema | _FILE
        documents = self._frame("documents", batch.documents, schema)
        self._check_sections(documents)
        self.documents.add(documents)
        schema = {**_QUESTIONS, **({} if batch.questions.references is None else _REFERENCES)}
        self.questions.append(self._frame("questions", batch.questions, schema))
        evidence = batch.evidence
        if evidence.grade is None:
            evidence = replace(evidence, grade=[1] * len(evidence))
        self.spans.append(self._frame("evidence", evidence, _EVIDENCE))
        self.left_out.update(batch.left_out)
        self.people.update(dict.fromkeys(batch.people))
        if batch.quotes is not None:
            self.finds.append(self._frame("quotes", batch.quotes, _QUOTES))

    def _quotes(self, questions: pl.DataFrame) -> pl.DataFrame:
        """How each quote was found, by the rows of questions."""
        rows = questions.select("id").with_row_index("row")
        finds = pl.concat([pl.DataFrame(schema=_QUOTES), *self.finds])
        finds = finds.join(rows, left_on="question", right_on="id", how="left", maintain_order="left")
        for (question,) in finds.filter(pl.col("row").is_null()).select("question").head(1).iter_rows():
            raise self.wrong(f"there is a quote of the question {question!r}, which the dataset has not")
        return finds.select(question=pl.col("row").cast(pl.Int32), **{name: name for name in list(_QUOTES)[1:]})

    def whole(self) -> _Whole:
        """Put the pieces together and check them against each other."""
        documents = self.documents.outline()
        # An empty piece need not say whether there are references.
        pieces = [piece for piece in self.questions if len(piece)] or [pl.DataFrame(schema=_QUESTIONS)]
        if len({len(piece.columns) for piece in pieces}) > 1:
            raise self.wrong("some of its questions have references, even if empty ones, and others have none at all")
        questions = pl.concat(pieces, rechunk=True)
        if not len(documents):
            raise self.wrong("the corpus is empty: the dataset has no document")
        self._check_ids("document", documents["id"], documents["length"])
        self._check_ids("question", questions["id"], questions["text"])
        self._check_classes(questions["label"].drop_nulls())
        self._check_among("label", questions.filter(pl.col("label").is_not_null()), self.dataset.answers)
        self._check_among("split", questions, self.dataset.splits)
        self._check_references(questions)
        return _Whole(documents, questions, self._evidence(documents, questions), self._quotes(questions))

    def redact(self, whole: _Whole, rules: Mapping[str, Any]) -> tuple[_Whole, pl.DataFrame]:
        """Replace in all that is said of documents and questions; evidence stays where it was. Also the documents."""
        check_rules(rules)
        redactor = Redactor(rules, self.people)

        def plain(texts: pl.Series) -> pl.Series:
            own = [None if text is None else redactor.redact(text).text for text in texts]
            return pl.Series(texts.name, own, pl.String)

        def nested(lists: pl.Series) -> pl.Series:
            own = [None if texts is None else [redactor.redact(text).text for text in texts] for texts in lists]
            return pl.Series(lists.name, own, pl.List(pl.String))

        # Questions come first, so that their placeholders are the same whatever a parser makes of the documents.
        documents, questions, evidence = self.documents.whole(), whole.questions, whole.evidence
        references = [nested(questions["references"])] if "references" in questions.columns else []
        questions = questions.with_columns(plain(questions["id"]), plain(questions["text"]), *references)
        quotes = whole.quotes.with_columns(plain(whole.quotes["text"]), plain(whole.quotes["fault"]))
        redactions = [redactor.redact(text) for text in documents["text"]]
        rows = list(zip(redactions, documents["section_starts"], documents["section_ends"], strict=True))
        names = [nested(documents["section_names"])] if "section_names" in documents.columns else []
        names += [plain(documents["file"])] if "file" in documents.columns else []
        documents = documents.with_columns(
            plain(documents["id"]),
            pl.Series("text", [each.text for each in redactions], pl.String),
            pl.Series("section_starts", [[each.start(at) for at in starts] for each, starts, _ in rows]),
            pl.Series("section_ends", [[each.end(at) for at in ends] for each, _, ends in rows]),
            *names,
        ).cast(dict(documents.schema))  # type: ignore[arg-type]
        spans = list(evidence.select("document", "start", "end").iter_rows())
        evidence = evidence.with_columns(
            pl.Series("start", [redactions[row].start(start) for row, start, _ in spans], pl.Int32),
            pl.Series("end", [redactions[row].end(end) for row, _, end in spans], pl.Int32),
        )
        self.left_out.update(redactor.counts())
        self._check_ids("document", documents["id"], documents["text"])
        self._check_ids("question", questions["id"], questions["text"])
        return _Whole(whole.documents, questions, evidence, quotes), documents

    def _evidence(self, documents: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
        lengths = documents.with_row_index("document_row")
        rows = questions.select("id").with_row_index("question_row")
        spans = (
            pl.concat([pl.DataFrame(schema=_EVIDENCE), *self.spans])
            .join(rows, left_on="question", right_on="id", how="left")
            .join(lengths, left_on="document", right_on="id", how="left")
        )
        for (question,) in spans.filter(pl.col("question_row").is_null()).select("question").head(1).iter_rows():
            raise self.wrong(f"there is evidence for the question {question!r}, which the dataset has not")
        for question, document, *_ in spans.filter(pl.col("document_row").is_null()).head(1).iter_rows():
            raise self.wrong(f"question {question!r} points to the document {document!r}, which is missing")
        for question, document, start, end, *_ in spans.filter(~_INSIDE).head(1).iter_rows():
            raise self.wrong(f"question {question!r} has evidence at {start}-{end}, outside of {document!r}")
        in_range = (pl.col("grade") >= 1).fill_null(value=False)
        for question, document, _, _, grade, *_ in spans.filter(~in_range).head(1).iter_rows():
            raise self.wrong(f"question {question!r} has evidence of the grade {grade} in {document!r}, below 1")
        columns = spans.select(
            question=pl.col("question_row").cast(pl.Int32), document=pl.col("document_row").cast(pl.Int32),
            start="start", end="end", grade="grade",
        )  # fmt: skip
        return columns.sort("question", "document", "start", "end", "grade")

    def _check_ids(self, what: str, ids: pl.Series, texts: pl.Series) -> None:
        """Refuse what has no id of its own, or no text (or no length of one)."""
        if ids.null_count() or (ids == "").any():
            raise self.wrong(f"a {what} has no id")
        if ids.n_unique() < len(ids):
            twice = ids.filter(ids.is_duplicated())[0]
            raise self.wrong(f"the {what} id {twice!r} comes twice")
        for name in ids.filter(texts.is_null()).head(1):
            raise self.wrong(f"{what} {name!r} has no text")

    def _check_classes(self, labels: pl.Series) -> None:
        """Refuse answers in free text: a class that one question has says nothing about readers."""
        classes = labels.n_unique()
        if len(labels) >= _FEWEST_LABELS and classes > _MOST_CLASSES * len(labels):
            raise self.wrong(
                f"its {len(labels):,} labelled questions have {classes:,} different labels: these are answers in free"
                " text, not classes",
                hint="sort the answers into a few classes, as yes and no, and give these as labels; or leave the"
                " labels out, and retrieval is still scored by the evidence",
            )

    def _check_among(self, column: str, questions: pl.DataFrame, answers: tuple[str, ...]) -> None:
        outside = questions.filter(~pl.col(column).is_in(answers).fill_null(value=False))
        for name, value in outside.select("id", column).head(1).iter_rows():
            raise self.wrong(
                f"question {name!r} has the {column} {value!r}, outside of the declared {', '.join(answers)}"
            )

    def _check_sections(self, documents: pl.DataFrame) -> None:
        for column in [name for name in documents.columns[3:] if name in ("section_ends", "section_names")]:
            counts = pl.col("section_starts").list.len() == pl.col(column).list.len()
            # Another batch may have sections without names.
            unlike = documents.filter(~counts.fill_null(value=column == "section_names"))
            for (name,) in unlike.select("id").head(1).iter_rows():
                what = column.removeprefix("section_")
                raise self.wrong(f"document {name!r} has not as many {what} of sections as starts")
        sections = (
            documents.filter(pl.col("text").is_not_null(), pl.col("section_starts").list.len() > 0)
            .select("id", pl.col("text").str.len_chars().alias("length"), start="section_starts", end="section_ends")
            .explode("start", "end")
        )
        for name, _, start, end in sections.filter(~_INSIDE).head(1).iter_rows():
            raise self.wrong(f"document {name!r} has a section at {start}-{end}, outside of its text")

    def _check_references(self, questions: pl.DataFrame) -> None:
        if "references" not in questions.columns:
            return
        texts = questions.select("id", "references").explode("references", empty_as_null=False)
        blank = (pl.col("references").str.strip_chars() == "").fill_null(value=True)
        for (name,) in texts.filter(blank).select("id").head(1).iter_rows():
            raise self.wrong(
                f"question {name!r} has a reference without words",
                hint="leave it out: a question with no reference is one that cannot be answered",
            )

    def _frame(self, what: str, columns: object, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
        try:
            return pl.DataFrame({name: list(getattr(columns, name)) for name in schema}, schema=schema)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            name = self.task.choices["dataset"].name
            message = f"the dataset {name} yields {what} that are no columns of one length: {error}"
            raise PluginError(message) from error

    def wrong(self, message: str, hint: str = "fix the data, then run the same command again") -> DataError:
        name = self.task.choices["dataset"].name
        return DataError(
            f"dataset {name}: {message}",
            location=self.task.location,
            hint=hint,
        )


@dataclass(frozen=True, slots=True)
class _Whole:
    documents: pl.DataFrame  # Their ids and lengths
    questions: pl.DataFrame
    evidence: pl.DataFrame
    quotes: pl.DataFrame


PREPARE = Step("prepare", 2, run, sharding=Sharding(_count, _run_piece, _merge, can_leave=True))
