"""PubMedQA's records from either published form, checked; nothing in them holds the answer but the label."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ragtally import DataError, Location
from ragtally_pubmedqa.entries import JsonEntries
from ragtally_pubmedqa.files import SubsetFiles, remedy

if TYPE_CHECKING:
    import polars as pl

# The answers of each subset, in the order of the paper.
ANSWERS: dict[str, tuple[str, ...]] = {
    "labeled": ("yes", "no", "maybe"),
    "artificial": ("yes", "no"),
    "unlabeled": ("yes", "no", "maybe"),
}

_ROWS_AT_ONCE = 8_192

Fail = Callable[[str, str | None], DataError]


class Record(NamedTuple):
    """One question with its abstract."""

    # LONG_ANSWER, MESHES, LABELS and the annotators' answers are left out on purpose: they give the answer away.

    id: str  # The PubMed identifier
    question: str
    contexts: list[str]  # The abstract's sections without its conclusion
    label: str | None  # The published answer; None in the unlabelled subset


def records(files: SubsetFiles) -> Iterator[Record]:
    """Read a subset's records one by one."""
    if files.is_parquet:
        yield from _parquet_records(files)
    else:
        yield from _json_records(files)


def published_test_answers(path: Path) -> dict[str, tuple[str, Location]]:
    """Read the list of test questions."""
    entries = JsonEntries(path, remedy("labeled"))
    answers: dict[str, tuple[str, Location]] = {}
    for identifier, answer in entries:
        if answer not in ANSWERS["labeled"]:
            raise entries.error(f"the answer of {identifier} is {answer!r}: it must be yes, no or maybe", None)
        answers[identifier] = (answer, entries.location())
    return answers


def _json_records(files: SubsetFiles) -> Iterator[Record]:
    entries = JsonEntries(files.records[0], remedy(files.subset))
    for identifier, value in entries:
        if not isinstance(value, dict):
            raise entries.error(f"the record {identifier} must be an object, not {_kind(value)}")
        names = ["QUESTION", "CONTEXTS"] + ["final_decision"] * (files.subset != "unlabeled")
        for key in names:
            if key not in value:
                raise entries.error(f"the record {identifier} has no {key}")
        record = Record(identifier, value["QUESTION"], value["CONTEXTS"], value.get("final_decision"))
        yield _validate(record, files.subset, entries.error)


def _parquet_records(files: SubsetFiles) -> Iterator[Record]:
    import polars as pl

    identifiers: set[str] = set()
    for path in files.records:
        try:
            rows = _rows(pl.scan_parquet(path, glob=False), path, files.subset)
            for number, (identifier, question, contexts, label) in enumerate(rows, start=1):

                def fail(message: str, key: str | None, path: Path = path, number: int = number) -> DataError:
                    return _parquet_error(f"row {number}: {message}", path, files.subset)

                if identifier in identifiers:
                    raise fail(f"the pubid {identifier} is given twice", None)
                identifiers.add(identifier)
                yield _validate(Record(identifier, question, contexts, label), files.subset, fail)
        except (pl.exceptions.PolarsError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise _parquet_error(f"cannot read it as Parquet: {reason}", path, files.subset) from error


def _rows(frame: pl.LazyFrame, path: Path, subset: str) -> Iterator[tuple[Any, ...]]:
    """Yield pubid, question, contexts and answer, some thousand rows at a time in memory."""
    import polars as pl

    schema = frame.collect_schema()
    context = schema.get("context")
    names = ["pubid", "question", "context"] + ["final_decision"] * (subset != "unlabeled")
    if missing := [name for name in names if name not in schema]:
        raise _parquet_error(f"it has no column {', '.join(missing)}", path, subset)
    if not isinstance(context, pl.Struct) or pl.Field("contexts", pl.List(pl.String)) not in context.fields:
        raise _parquet_error(f"its column context must hold lists of text, contexts; it is {context}", path, subset)
    columns = frame.select(
        pl.col("pubid").cast(pl.String),
        pl.col("question"),
        pl.col("context").struct.field("contexts"),
        pl.lit(None, dtype=pl.String).alias("label") if subset == "unlabeled" else pl.col("final_decision"),
    )
    total = frame.select(pl.len()).collect().item()
    for offset in range(0, total, _ROWS_AT_ONCE):
        yield from columns.slice(offset, _ROWS_AT_ONCE).collect().iter_rows()


def _validate(record: Record, subset: str, fail: Fail) -> Record:
    if not isinstance(record.id, str) or not record.id.strip():
        raise fail("the PubMed identifier is empty", None)
    if not _is_text(record.question) or not record.question.strip():
        raise fail(f"the question of {record.id} must be text, not {_kind(record.question)}", "QUESTION")
    if not isinstance(record.contexts, list) or not all(map(_is_text, record.contexts)):
        raise fail(f"the contexts of {record.id} must be a list of texts", "CONTEXTS")
    if not any(section.strip() for section in record.contexts):
        raise fail(f"the contexts of {record.id} are empty", "CONTEXTS")
    if subset == "unlabeled":
        return record._replace(label=None)
    if record.label not in ANSWERS[subset]:
        *first, last = ANSWERS[subset]
        choices = f"{', '.join(first)} or {last}"
        raise fail(f"the final_decision of {record.id} is {record.label!r}: it must be {choices}", "final_decision")
    return record


def _is_text(value: object) -> bool:
    """Whether a value is text that can be written: JSON can escape half a surrogate pair."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return "an empty text" if value == "" else f"of type {type(value).__name__}"


def _parquet_error(message: str, path: Path, subset: str) -> DataError:
    return DataError(message, location=Location(str(path)), hint=remedy(subset))
