"""reference: of what several parsers made of the same files, the texts that controls, voters and training read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ragtally.api import DataError, Location, PluginError, raise_all
from ragtally.steps.documents import write_documents
from ragtally.steps.step import Step, Work
from ragtally.store import read_json, read_table, write_json, write_table
from ragtally.tables import EVIDENCE, load_all_questions, load_quotes

_MOST_ERRORS = 20
_ALLOW = "where the dataset has a key for it, as on_missing_evidence: skip, they count as lost by every parser"


@dataclass(frozen=True)
class _ParserOutput:
    """What one parser made of the files."""

    name: str
    documents: pl.DataFrame
    questions: pl.DataFrame
    evidence: pl.DataFrame
    quotes: pl.DataFrame

    @classmethod
    def load(cls, name: str, folder: Path) -> _ParserOutput:
        documents, evidence = (read_table(folder / f"{table}.parquet") for table in ("documents", "evidence"))
        return cls(name, documents, load_all_questions(folder), evidence, load_quotes(folder))

    @property
    def losses(self) -> pl.DataFrame:
        return self.quotes.filter(match="lost")


def run(work: Work) -> None:
    """Write what `prepare` does: the first parser's documents, and behind them the gold contexts that it lost."""
    # A reader's gold context must be the same whatever parser the retrieval is over, or the loss of a parser would be
    # taken for one of the reader: it is the text of the first parser that lost the fewest of the question's quotes.
    # Where all lost all of them, it is the quotes themselves.
    names = [
        f"parser {row}: {task.choices['parser'].name}" for row, task in enumerate(work.task.inputs["prepare"], 1)
    ]
    folders = [entry.folder for entry in work.entries["prepare"]]
    parsers = [_ParserOutput.load(*each) for each in zip(names, folders, strict=True)]
    first = parsers[0]
    if any(not one.questions.equals(first.questions) for one in parsers):
        raise PluginError("the questions of the dataset differ from parser to parser")
    _require_quotes(parsers, work)
    best = _best_parser(parsers)
    documents, evidence = first.documents, [_evidence_of(first, best, 0)]
    for number, one in enumerate(parsers[1:], start=1):
        own = _evidence_of(one, best, number)
        documents, new_evidence = _append_documents(documents, own, one)
        evidence.append(new_evidence)
    documents, spans = _append_quotes(documents, first, best)
    columns = list(EVIDENCE)
    write_documents(work.folder, documents)
    write_table(work.folder / "questions.parquet", first.questions)
    write_table(work.folder / "evidence.parquet", pl.concat([*evidence, spans]).select(columns).sort(columns))
    write_json(work.folder / "dataset.json", read_json(folders[0] / "dataset.json"))


def _require_quotes(parsers: list[_ParserOutput], work: Work) -> None:
    """Refuse quotes that no parser's text has, unless the spec allows them: they may be written wrongly."""
    everywhere = pl.concat([one.losses.with_columns(parser=number) for number, one in enumerate(parsers)])
    by_quote = everywhere.group_by("question", "text", maintain_order=True).agg(
        pl.col("parser").n_unique(), pl.col("fault", "place").first()
    )
    faults = by_quote.filter((pl.col("parser") == len(parsers)) & pl.col("fault").is_not_null())
    errors = [
        DataError(
            f"{fault}, whatever parser reads it",
            location=Location(place) if place else work.task.location,
            hint="copy the words from the document as they stand there",
        )
        for fault, place in faults.select("fault", "place").head(_MOST_ERRORS).iter_rows()
    ]
    if len(faults) > _MOST_ERRORS:
        errors.append(DataError(f"and {len(faults) - _MOST_ERRORS:,} more of these errors"))
    if errors:
        errors[-1].hint = "; ".join(filter(None, (errors[-1].hint, _ALLOW)))
    raise_all(errors)


def _best_parser(parsers: list[_ParserOutput]) -> pl.DataFrame:
    """For each question the first parser that lost the fewest of its quotes; not of those that all lost whole."""
    losses = []
    for number, one in enumerate(parsers):
        counts = one.losses.group_by("question").agg(losses=pl.len())
        with_evidence = one.evidence.select("question").unique()
        losses.append(with_evidence.join(counts, on="question", how="left").with_columns(parser=number))
    order = pl.concat(losses).with_columns(pl.col("losses").fill_null(0)).sort("question", "losses", "parser")
    return order.group_by("question", maintain_order=True).first()


def _evidence_of(parser: _ParserOutput, best: pl.DataFrame, number: int) -> pl.DataFrame:
    """The evidence of the questions whose gold context is a parser's text."""
    return parser.evidence.join(best.filter(parser=number), on="question", how="semi")


def _append_documents(
    documents: pl.DataFrame, evidence: pl.DataFrame, parser: _ParserOutput
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Append another parser's documents with some evidence; returns all, and the evidence in the new ones."""
    rows = evidence.select("document").unique().sort("document")
    same = documents.select("id").with_row_index("same_as")
    new = rows.with_columns(parser.documents[rows["document"].to_list()]).join(
        same, on="id", how="left", maintain_order="left"
    )
    new = new.with_row_index("row", offset=len(documents))
    new_evidence = evidence.join(new.select("document", "row"), on="document").with_columns(
        document=pl.col("row").cast(pl.Int32)
    )
    # One that the first parser does not have at all is a document of its own.
    new = new.select(
        *(name for name in parser.documents.columns if name != "id"),
        id=pl.col("id") + f" ({parser.name})",
        same_as=pl.coalesce("same_as", "row").cast(pl.Int64),
    )
    return pl.concat([documents, new], how="diagonal"), new_evidence.drop("row")


def _append_quotes(
    documents: pl.DataFrame, first: _ParserOutput, best: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Append a document of the quotes of each question whose evidence every parser lost."""
    quotes = first.losses.join(best, on="question", how="anti")
    texts = quotes.group_by("question").agg(text=pl.col("text").str.join("\n")).sort("question")
    texts = texts.with_row_index("row", offset=len(documents))
    new = texts.select(
        "text",
        id=pl.lit("quotes of question ") + first.questions["id"].gather(texts["question"]),
        section_starts=pl.lit([], dtype=pl.List(pl.Int32)),
        section_ends=pl.lit([], dtype=pl.List(pl.Int32)),
        same_as=pl.col("row").cast(pl.Int64),
    )
    spans = texts.select(
        "question",
        document=pl.col("row").cast(pl.Int32),
        start=pl.lit(0, dtype=pl.Int32),
        end=pl.col("text").str.len_chars().cast(pl.Int32),
        grade=pl.lit(1, dtype=pl.Int32),
    )
    return pl.concat([documents, new], how="diagonal"), spans


REFERENCE = Step("reference", 1, run, inputs=("prepare",))
