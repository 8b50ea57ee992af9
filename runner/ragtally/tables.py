"""What steps write and others read: how each table of an entry lies on disk, and how it is loaded."""

# Below the pipelines and the steps, so that neither needs the other to read a folder, and no step another step.

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import (
    ABSTENTION,
    Documents,
    Hits,
    LossPoint,
    Message,
    Passages,
    Prompt,
    Queries,
    QuestionEvidence,
    RankingRelevance,
    Reading,
    Score,
    Spans,
)
from ragtally.examples.example import EXAMPLES, REQUESTS
from ragtally.store import (
    count_rows,
    join_arrays,
    read_array,
    read_json,
    read_rows,
    read_table,
    write_array,
    write_json,
    write_table,
)
from ragtally.store.texts import MappedTexts, texts_size

# Where in an entry of the step index the retriever saves its index.
INDEX_FOLDER = "retriever"
_INDEX_PARTS = "parts.json"
_SEARCH_SCORES = "measured.json"
_SCHEMA_FILE = "schema.json"

EVIDENCE = ("question", "document", "start", "end", "grade")
# The answers of the steps ask and read.
ANSWERS = {
    "question": pl.Int32(),
    "text": pl.String(),
    "choice": pl.String(),
    "error": pl.String(),
    "input_tokens": pl.Int64(),
    "output_tokens": pl.Int64(),
    "seconds": pl.Float64(),
    "dollars": pl.Float64(),
}
# Of the step ask alone: why the model stopped, and where a provider tells it, what of the prompts was in its cache.
FINISH_REASON = "finish_reason"
CACHED_TOKENS = "cached_tokens"
SERVED_BY = "served_by"
_LOSSES = "losses.parquet"
_LOSS_COLUMNS = {"step": pl.Int64, "epoch": pl.Float64, "train": pl.Float64, "dev": pl.Float64}
_PROMPTS = {"question": pl.Int32, "roles": pl.List(pl.String), "contents": pl.List(pl.String)}


# prepare: the whole dataset.


_DOCUMENT_COLUMNS = ("id", "section_starts", "section_ends", "section_names")


def load_documents(dataset: Path, rows: slice | None = None) -> Documents:
    """Read the corpus, or some rows of it."""
    path = dataset / "documents.parquet"
    frame = read_table(path) if rows is None else read_rows(path, rows, _DOCUMENT_COLUMNS)
    return Documents(
        id=frame["id"].to_list(),
        text=frame["text"].to_list() if rows is None else load_texts(dataset)[rows],
        section_starts=frame["section_starts"].to_list(),
        section_ends=frame["section_ends"].to_list(),
        section_names=frame["section_names"].to_list() if "section_names" in frame.columns else None,
    )


@functools.lru_cache(maxsize=2)
def load_texts(dataset: Path) -> Sequence[str]:
    """Read the documents' texts, or map those of a large corpus into memory."""
    # Cached, since every context needs them and an entry never changes.
    if texts_size(dataset) is not None:
        return MappedTexts(dataset)
    texts: list[str] = read_table(dataset / "documents.parquet", ["text"])["text"].to_list()
    return texts


def count_documents(dataset: Path) -> int:
    """Say how many documents there are."""
    return count_rows(dataset / "documents.parquet")


def load_all_questions(dataset: Path) -> pl.DataFrame:
    """Read the questions of all splits."""
    return read_table(dataset / "questions.parquet")


def load_quotes(dataset: Path) -> pl.DataFrame:
    """Read how a parser's texts have the quotes of all questions, which are rows of these."""
    return read_table(dataset / "quotes.parquet")


@functools.lru_cache(maxsize=2)
def load_same_document(dataset: Path) -> NDArray[np.int64]:
    """Read which row each document is another text of; its own where it is of none."""
    frame = _of_documents(dataset, "id", "same_as")
    own = np.arange(len(frame))
    if "same_as" not in frame.columns:
        return own
    return np.where(frame["same_as"].is_null().to_numpy(), own, frame["same_as"].fill_null(0).to_numpy())


def load_files(dataset: Path) -> NDArray[np.int64]:
    """Read which documents are parts of one file: these have one number."""
    frame = _of_documents(dataset, "id", "file")
    names = pl.repeat(None, len(frame), dtype=pl.String, eager=True)
    if "file" in frame.columns:
        names = frame["file"].set(pl.Series(~np.isin(np.arange(len(frame)), load_corpus_rows(dataset))), None)
    # A document that is no part of a file, or another text of a part, is whole.
    keys = [(1, name) if name is not None else (0, str(row)) for row, name in enumerate(names)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def load_corpus_rows(dataset: Path) -> NDArray[np.int64]:
    """Read which documents are the corpus: all but other texts of one that is there already."""
    frame = _of_documents(dataset, "id", "same_as")
    other = frame["same_as"].is_not_null() if "same_as" in frame.columns else pl.repeat(False, len(frame), eager=True)
    return np.flatnonzero(~other.to_numpy())


def _of_documents(dataset: Path, *columns: str) -> pl.DataFrame:
    return read_rows(dataset / "documents.parquet", slice(0, count_documents(dataset)), columns)


# sample: the questions of a study. Evidence has one format in both steps, only the rows of questions differ.


def load_questions(sample: Path) -> pl.DataFrame:
    """Read the questions of the sample."""
    return read_table(sample / "questions.parquet")


def load_evidence(folder: Path) -> QuestionEvidence:
    """Read evidence, ordered by question: of the sample, or of all questions from the entry of prepare."""
    frame = read_table(folder / "evidence.parquet")
    return QuestionEvidence(*(frame[name].to_numpy() for name in EVIDENCE))


def load_example_answers(sample: Path) -> pl.Series:
    """Read the answers that examples are shown with: their labels, or the first references of open ones."""
    questions = load_questions(sample)
    if "references" not in questions.columns:
        return questions["label"]
    return questions["references"].list.first().fill_null(ABSTENTION)


def load_answer_options(sample: Path) -> tuple[str, ...]:
    """Read the answers that count; none where answers are open."""
    return tuple(read_json(sample / "funnel.json")["answers"])


# chunk, embed, index.


def join_spans(folder: Path, pieces: Sequence[Path]) -> None:
    """Write the spans of pieces, one after the other."""
    join_arrays(folder / "spans.npy", [piece / "spans.npy" for piece in pieces], axis=1)


def join_vectors(folder: Path, pieces: Sequence[Path]) -> None:
    """Write the vectors of pieces, likewise."""
    join_arrays(folder / "vectors.npy", [piece / "vectors.npy" for piece in pieces])


def load_spans(chunks: Path) -> Spans:
    """Read where the chunks stand."""
    document, start, end = read_array(chunks / "spans.npy")
    return Spans(document, start, end)


def write_spans(folder: Path, spans: Spans) -> None:
    """Write `spans.npy`: document rows, starts and ends, int32 of shape [3, chunks]."""
    write_array(folder / "spans.npy", np.stack([spans.document, spans.start, spans.end]).astype(np.int32))


def load_chunks(chunks: Path, dataset: Path, rows: slice = slice(None)) -> Passages:
    """Read the chunks with their texts, or some rows of them."""
    spans = load_spans(chunks)
    spans = Spans(spans.document[rows], spans.start[rows], spans.end[rows])
    return Passages(_ChunkTexts(spans, dataset), spans)


class _ChunkTexts(Sequence[str]):
    """The chunks' texts, cut out of the documents only when they are looked at."""

    # With 700,000 chunks the texts themselves take more memory than everything else that a search needs.

    def __init__(self, spans: Spans, dataset: Path) -> None:
        self._spans = spans
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return list(self._texts(index))
        (text,) = self._texts(slice(index, index + 1 or None))
        return text

    def __iter__(self) -> Iterator[str]:
        return self._texts(slice(None))

    def _texts(self, rows: slice) -> Iterator[str]:
        texts, spans = load_texts(self._dataset), self._spans
        columns = (spans.document[rows].tolist(), spans.start[rows].tolist(), spans.end[rows].tolist())
        last, text = -1, ""
        for document, start, end in zip(*columns, strict=True):
            # A mapped text is decoded whenever it is asked for.
            if document != last:
                last, text = document, texts[document]
            yield text[start:end]


def load_vectors(folder: Path) -> NDArray[np.float32]:
    """Map the vectors of chunks or questions into memory, read-only."""
    return read_array(folder / "vectors.npy")


def write_vector_dollars(folder: Path, dollars: Mapping[bytes, float]) -> None:
    """Write what each text's vector cost, by the key of the text, of those that were paid for."""
    columns = {"key": list(dollars), "dollars": list(dollars.values())}
    write_table(folder / "dollars.parquet", columns, {"key": pl.Binary(), "dollars": pl.Float64()})


def load_vector_dollars(folder: Path) -> dict[bytes, float] | None:
    """Read what each text's vector cost; None where nothing was written about it."""
    path = folder / "dollars.parquet"
    return dict(read_table(path).iter_rows()) if path.is_file() else None


# An index in parts.


def part_folder(index: Path, number: int) -> Path:
    """Where a part of an index lies; there is no such folder where the retriever saves nothing."""
    return index / "parts" / str(number)


def shared_folder(index: Path) -> Path:
    """Where lies what a search in any part of an index has to know of all."""
    return index / "shared"


def write_index_parts(index: Path, parts: Sequence[slice]) -> None:
    """Write `parts.json`: after how many chunks each part begins, and how many there are."""
    write_json(index / _INDEX_PARTS, {"bounds": [*(part.start for part in parts), parts[-1].stop]})


def load_index_parts(index: Path) -> list[slice]:
    """Read which chunks each part of an index has; none where it is whole."""
    path = index / _INDEX_PARTS
    return [slice(*pair) for pair in itertools.pairwise(read_json(path)["bounds"])] if path.is_file() else []


# train.


def load_losses(model: Path) -> list[LossPoint]:
    """Read the losses of a training; none where the reader tells none."""
    path = model / _LOSSES
    return [LossPoint(*row) for row in read_table(path).iter_rows()] if path.is_file() else []


def write_losses(folder: Path, points: Sequence[LossPoint]) -> None:
    """Write `losses.parquet`, one row per point."""
    columns = {name: [getattr(point, name) for point in points] for name in _LOSS_COLUMNS}
    write_table(folder / _LOSSES, columns, _LOSS_COLUMNS)


# retrieve, rerank, relevance.


def load_queries(sample: Path, vectors: Path | None, *, evidence: bool) -> Queries:
    """Read the questions as a retriever takes them."""
    questions = load_questions(sample)
    return Queries(
        questions["id"].to_list(),
        questions["text"].to_list(),
        None if vectors is None else load_vectors(vectors),
        load_evidence(sample) if evidence else None,
    )


def load_hits(folder: Path) -> Hits:
    """Read the hits."""
    return Hits(read_array(folder / "passage.npy"), read_array(folder / "score.npy"))


def write_hits(folder: Path, hits: Hits) -> None:
    """Write `passage.npy` (int32) and `score.npy` (float32), both of shape [questions, limit]."""
    write_array(folder / "passage.npy", hits.passage.astype(np.int32))
    write_array(folder / "score.npy", hits.score.astype(np.float32))


def join_hits(folder: Path, pieces: Sequence[Path]) -> None:
    """Write the hits of pieces, each of some of the questions, one after the other."""
    for name in ("passage.npy", "score.npy"):
        join_arrays(folder / name, [piece / name for piece in pieces])


def load_search_scores(folder: Path) -> dict[str, Score]:
    """Read what the retriever measured of its search."""
    path = folder / _SEARCH_SCORES
    return {name: Score(**score) for name, score in read_json(path).items()} if path.is_file() else {}


def write_search_scores(folder: Path, scores: Mapping[str, Score]) -> None:
    """Write what a retriever measured of its search; nothing where that is nothing."""
    if scores:
        write_json(folder / _SEARCH_SCORES, {name: asdict(score) for name, score in scores.items()})


class ReplyCounts(NamedTuple):
    """Replies of a model that was asked to rank."""

    replies: int  # How many questions a model was asked about
    unread: int  # How many of its replies could not be read


def load_reply_counts(folder: Path) -> ReplyCounts | None:
    """Read how many replies could not be read; None where no model was asked."""
    path = folder / "replies.json"
    return ReplyCounts(**read_json(path)) if path.is_file() else None


def write_reply_counts(folder: Path, counts: ReplyCounts) -> None:
    """Write how many replies could not be read."""
    write_json(folder / "replies.json", counts._asdict())


def load_relevance(folder: Path) -> RankingRelevance:
    """Read how hits compare with the evidence."""
    columns = {column.name: read_array(folder / f"{column.name}.npy") for column in fields(RankingRelevance)}
    return RankingRelevance(**columns)


def write_relevance(folder: Path, relevance: RankingRelevance) -> None:
    """Write one `.npy` file for each column."""
    for column in fields(relevance):
        write_array(folder / f"{column.name}.npy", getattr(relevance, column.name))


# context, prompt.


def load_words(context: Path) -> NDArray[np.int64]:
    """Read how many words reach the reader."""
    return read_array(context / "words.npy")


def load_passages(context: Path) -> pl.DataFrame:
    """Read where the passages before the reader stand: `question`, `document`, `start` and `end`."""
    return read_table(context / "passages.parquet")


def load_reading(context: Path | None, dataset: Path, sample: Path, rows: NDArray[np.int64] | None = None) -> Reading:
    """Read all questions, or some rows of them, with the passages in front of them."""
    questions = load_questions(sample)
    passages: list[list[str]] = [[] for _ in range(len(questions))]
    if context is not None:
        table = load_passages(context)
        if rows is not None:
            table = table.filter(pl.col("question").is_in(rows.tolist()))
        for question, text in zip(table["question"], passage_texts(table, load_texts(dataset)), strict=True):
            passages[question].append(text)
    picks = range(len(questions)) if rows is None else rows.tolist()
    identifiers, texts = questions["id"].to_list(), questions["text"].to_list()
    return Reading(
        id=[identifiers[row] for row in picks],
        question=[texts[row] for row in picks],
        passages=[passages[row] for row in picks],
        answers=load_answer_options(sample),
    )


def passage_texts(passages: pl.DataFrame, texts: Sequence[str]) -> list[str]:
    """Cut passages out of the documents."""
    spans = passages.select("document", "start", "end").iter_rows()
    return [texts[document][start:end] for document, start, end in spans]


class PromptTable(NamedTuple):
    """The prompts of a task."""

    questions: list[int]  # Rows of questions in the sample
    prompts: list[Prompt]  # One per question
    schema: Mapping[str, Any] | None = None  # What every answer is to keep to; None where any text will do


@functools.lru_cache(maxsize=1)
def load_prompts(folder: Path) -> PromptTable:
    """Read the prompts."""
    # The last ones are cached, since every vote asks the same, and an entry never changes.
    table = read_table(folder / "prompts.parquet")
    prompts = [
        tuple(Message(role, content) for role, content in zip(roles, contents, strict=True))
        for roles, contents in table.select("roles", "contents").iter_rows()
    ]
    schema = folder / _SCHEMA_FILE
    return PromptTable(
        table["question"].to_list(),
        prompts,
        read_json(schema) if schema.is_file() else None,
    )


def write_prompts(
    folder: Path, questions: Sequence[int], prompts: Sequence[Prompt], schema: Mapping[str, Any] | None = None
) -> None:
    """Write `prompts.parquet`: question rows, and the roles and contents of each prompt's messages."""
    if schema is not None:
        # Not sorted: an explanation comes before the answer that it leads to.
        write_json(folder / _SCHEMA_FILE, schema)
    columns = {
        "question": questions,
        "roles": [[message.role for message in prompt] for prompt in prompts],
        "contents": [[message.content for message in prompt] for prompt in prompts],
    }
    write_table(folder / "prompts.parquet", columns, _PROMPTS)


# ask, read, parse, vote, base, score.


def load_answers(folder: Path) -> pl.DataFrame:
    """Read the raw answers of one vote, from a reader or a language model."""
    return read_table(folder / "answers.parquet")


def load_ballots(folder: Path) -> pl.DataFrame:
    """Read the ballots of one vote."""
    return read_table(folder / "ballots.parquet")


def load_verdicts(folder: Path) -> pl.DataFrame:
    """Read the verdicts."""
    return read_table(folder / "verdicts.parquet")


def write_tuned_model(folder: Path, name: str) -> None:
    """Write what a provider calls the model that it fine-tuned."""
    write_json(folder / "model.json", {"model": name})


def load_tuned_model(folder: Path) -> str:
    """Read what a provider calls the model that it fine-tuned."""
    return str(read_json(folder / "model.json")["model"])


def write_training_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write what a reader says of its training."""
    write_json(folder / "training.json", report)


def load_training_report(folder: Path) -> Mapping[str, Any]:
    """Read what a reader says of its training; nothing where it does not."""
    path = folder / "training.json"
    return read_json(path) if path.is_file() else {}


def load_grades(folder: Path) -> pl.DataFrame:
    """Read which open verdicts are right: `question`, `right` (None where not graded), `grader` and `ballots`."""
    return read_table(folder / "grades.parquet")


def load_judgments(folder: Path) -> pl.DataFrame:
    """Read what judges say: `question`, the panel's `verdict`, and each ballot with its reason and error."""
    return read_table(folder / "judgments.parquet")


def load_base(folder: Path) -> pl.DataFrame:
    """Read the base."""
    return read_table(folder / "base.parquet")


def load_base_rows(folder: Path) -> NDArray[np.int64]:
    """Read which of the sample's questions are in the base."""
    rows: NDArray[np.int64] = read_table(folder / "base.parquet", ["question"])["question"].to_numpy()
    return rows.astype(np.int64)


def load_scores(folder: Path) -> dict[str, dict[str, Score]]:
    """Read a cell's scores, by question set and printed name."""
    return {
        question_set: {name: Score(**score) for name, score in scores.items()}
        for question_set, scores in read_json(folder / "scores.json").items()
    }


# seed, generate, repair, evolve, validate, deduplicate: examples for training.


def load_examples(folder: Path) -> pl.DataFrame:
    """Read examples: the columns `EXAMPLES`, and after the step deduplicate `OUTCOMES`."""
    return read_table(folder / "examples.parquet")


def write_examples(folder: Path, rows: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] = EXAMPLES) -> None:
    """Write `examples.parquet`."""
    write_table(folder / "examples.parquet", pl.DataFrame(list(rows), schema=schema, orient="row"))


def load_requests(folder: Path) -> pl.DataFrame:
    """Read what models are asked to write: the columns `REQUESTS`."""
    return read_table(folder / "requests.parquet")


def write_requests(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `requests.parquet`."""
    write_table(folder / "requests.parquet", pl.DataFrame(list(rows), schema=REQUESTS, orient="row"))


def load_example_ballots(folder: Path) -> pl.DataFrame:
    """Read what validators say of examples: the columns `BALLOTS`."""
    return read_table(folder / "example_ballots.parquet")


def load_splits(folder: Path) -> pl.DataFrame:
    """Read which split each included example is in: `example`, `split`, `group`."""
    return read_table(folder / "splits.parquet")


def load_example_verdicts(folder: Path) -> pl.DataFrame:
    """Read what the validators' votes come to: the columns `VERDICTS`."""
    return read_table(folder / "example_verdicts.parquet")


class ExampleCounts(NamedTuple):
    """What came of asking one generator for examples."""

    generator: int
    asked_for: int
    items: int  # How many came, at most as many as were asked for
    well_formed: int  # Of these, how many are examples, in the right language
    unique: int  # Of these, how many are no copy of another
    surplus: int  # How many came on top of what was asked for
    losses: Mapping[str, int]  # By why: those that did not come, or are none


def load_example_counts(folder: Path) -> list[ExampleCounts]:
    """Read what came of asking each generator."""
    return [ExampleCounts(**counts) for counts in read_json(folder / "counts.json")["generators"]]


def write_example_counts(folder: Path, counts: Sequence[ExampleCounts]) -> None:
    """Write `counts.json`."""
    write_json(folder / "counts.json", {"generators": [each._asdict() for each in counts]})


def load_passage_texts(dataset: Path, table: pl.DataFrame) -> list[str | None]:
    """Cut the passages that rows name by document, start and end out of the documents; None where they name none."""
    row_of = {name: row for row, name in enumerate(_of_documents(dataset, "id")["id"])}
    texts, spans = load_texts(dataset), table.select("document", "start", "end").iter_rows()
    return [None if document is None else texts[row_of[document]][start:end] for document, start, end in spans]
