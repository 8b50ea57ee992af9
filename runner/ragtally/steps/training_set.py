"""training_set: the study's own examples as questions that a reader learns from, with their passages before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ragtally import duplicates
from ragtally.api import DataError
from ragtally.curation.curated import final_example
from ragtally.examples.example import CHAT, Example, Outcome, example_of
from ragtally.steps.step import Step, Work
from ragtally.store import read_table, write_array, write_json, write_table
from ragtally.support.training_forms import question_text
from ragtally.support.unspaced import counted_words
from ragtally.tables import load_all_questions, load_evidence, load_examples, load_splits, passage_texts

# Words of a shingle, as the steps deduplicate and split compare prompts and documents.
_PROMPT_SHINGLE, _DOCUMENT_SHINGLE = 1, 3

# Why an example is not learnt.
NOT_INCLUDED = "not accepted"
LATER_VERSION = "a later version of another"
OTHER_SET = "in the set dev or test, or like an example that is"
OTHER_KIND = "of a kind that holds no answer as the study's are"
OTHER_ANSWER = "with a label that is none of the answers"
TEST_QUESTION = "like a question that models are tested with"
TEST_DOCUMENT = "from a document that such a question is about"
_HINTS = {
    NOT_INCLUDED: "let validators or people accept more of them, or train: {curation: none}",
    LATER_VERSION: "train: {curation: full}",
    OTHER_SET: "examples: {split: {train: 0.8, dev: 0.1, test: 0.1}}, and more documents",
    OTHER_KIND: "examples: {kinds: [label], labels: [...]} where answers are labels, else [question_answer]",
    OTHER_ANSWER: "the same words in the dataset's `answers` and in examples: {labels: [...]}",
    TEST_QUESTION: "more examples, or another split under the dataset",
    TEST_DOCUMENT: "train: {test_documents: true}, if models may learn the very documents that they are asked about",
}


@dataclass(frozen=True)
class _Candidate:
    """An example that may be learnt, in the words that count."""

    row: Mapping[str, Any]
    example: Example


def run(work: Work) -> None:
    """Write what the steps sample and context write: questions, passages, words, and `funnel.json`."""
    settings = work.task.settings
    table = load_examples(work.input("curate")).join(
        load_splits(work.input("split")), on="example", how="left", maintain_order="left"
    )
    rows = table.to_dicts()
    losses: Counter[str] = Counter()
    candidates = list(_candidates(rows, settings, losses))
    candidates = _without_leaks(candidates, rows, work, losses)
    is_open = not settings["answers"]
    answers = [one.example.turns[-1].text if is_open else one.example.label for one in candidates]
    by_class = {answer: answers.count(answer) for answer in settings["answers"]}
    _require_enough(candidates, by_class, losses, work)
    questions: dict[str, Any] = {
        "row": list(range(len(candidates))),
        "id": [one.row["example"] for one in candidates],
        "text": [question_text(one.example.turns, one.example.input) for one in candidates],
        "label": [None] * len(candidates) if is_open else answers,
    }
    schema: dict[str, Any] = {"row": pl.UInt32, "id": pl.String, "text": pl.String, "label": pl.String}
    if is_open:
        questions["references"], schema["references"] = [[answer] for answer in answers], pl.List(pl.String)
    write_table(work.folder / "questions.parquet", questions, schema)
    _write_passages(candidates, work)
    write_json(
        work.folder / "funnel.json",
        {
            "answers": settings["answers"],
            "written": len(rows),
            "left_out": dict(sorted(losses.items())),
            "sampled": len(candidates),
            "sampled_by_class": by_class,
        },
    )


def _candidates(
    rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], losses: Counter[str]
) -> Iterator[_Candidate]:
    curation, kinds = settings["curation"], settings["kinds"]
    for row in rows:
        if not _is_accepted(row, curation):
            losses[NOT_INCLUDED] += 1
        elif curation == "none" and row["round"] > 0:
            losses[LATER_VERSION] += 1
        elif row["split"] in ("dev", "test"):
            losses[OTHER_SET] += 1
        elif row["kind"] not in kinds:
            losses[OTHER_KIND] += 1
        else:
            example = final_example(row) if curation == "full" else example_of(row)
            if settings["answers"] and example.label not in settings["answers"]:
                losses[OTHER_ANSWER] += 1
            else:
                yield _Candidate(row, example)


def _is_accepted(row: Mapping[str, Any], curation: str) -> bool:
    if curation == "validators":
        return Outcome(row["status"]).is_usable
    return curation == "none" or bool(row["included"])


def _without_leaks(
    candidates: Sequence[_Candidate], rows: Sequence[Mapping[str, Any]], work: Work, losses: Counter[str]
) -> list[_Candidate]:
    """Leave out what would give away a test question, its document, or an example of the sets dev and test."""
    # The steps before compare only what validators accept, as it was generated: others may repeat a question, and an
    # edit may come to.
    others = [row for row in rows if row["split"] in ("dev", "test")]
    prompts = [one.example.prompt_text for one in candidates]
    like_question = _near(prompts, _test_questions(work), work, _PROMPT_SHINGLE)
    like_other = _near(prompts, [final_example(row).prompt_text for row in others], work, _PROMPT_SHINGLE)
    own = {one.row["document"] for one in candidates} - {None}
    of_questions = set() if work.task.settings["test_documents"] else _test_documents(work)
    from_question = _near_documents(own, of_questions, work)
    from_other = _near_documents(own, {row["document"] for row in others} - {None}, work)
    remains = []
    for number, one in enumerate(candidates):
        if like_question[number]:
            losses[TEST_QUESTION] += 1
        elif one.row["document"] in from_question:
            losses[TEST_DOCUMENT] += 1
        elif like_other[number] or one.row["document"] in from_other:
            losses[OTHER_SET] += 1
        else:
            remains.append(one)
    return remains


def _test_questions(work: Work) -> list[str]:
    """The texts of the questions that models are tested with."""
    texts: list[str] = []
    for entry, split in zip(work.entries["questions"], work.task.settings["splits"], strict=True):
        questions = load_all_questions(entry.folder)
        texts += (questions if split is None else questions.filter(split=split))["text"].to_list()
    return texts


def _test_documents(work: Work) -> set[str]:
    """The ids of the documents that the study's questions are about."""
    dataset, split = work.input("prepare"), work.task.settings["splits"][0]  # The study's own comes first
    questions, evidence = load_all_questions(dataset), load_evidence(dataset)
    is_asked = np.ones(len(questions), dtype=np.bool_) if split is None else (questions["split"] == split).to_numpy()
    documents = np.unique(evidence.document[is_asked[evidence.question]])
    return set(read_table(dataset / "documents.parquet", ["id"])["id"].gather(documents).to_list())


def _near_documents(own: set[str], others: set[str], work: Work) -> set[str]:
    """Which documents are among others, or are nearly one of them."""
    table = read_table(work.input("prepare") / "documents.parquet", ["id", "text"])
    mine, theirs = (table.filter(pl.col("id").is_in(ids)) for ids in (own - others, others))
    near = _near(mine["text"].to_list(), theirs["text"].to_list(), work, _DOCUMENT_SHINGLE)
    return (own & others) | {name for name, is_near in zip(mine["id"], near, strict=True) if is_near}


def _near(texts: Sequence[str], others: Sequence[str], work: Work, width: int) -> list[bool]:
    """Which texts are nearly one of some others."""
    if not texts or not others:
        return [False] * len(texts)
    is_other = np.arange(len(texts) + len(others)) >= len(texts)
    sequences = duplicates.word_sequences([*texts, *others])
    classes = np.stack([~is_other, is_other], axis=1)
    near = duplicates.near_duplicates(sequences, width, work.task.settings["near_duplicates"], classes)
    return [bool(is_near) for is_near in near.near(is_other)[: len(texts)]]


def _require_enough(
    candidates: Sequence[_Candidate], by_class: Mapping[str, int], losses: Counter[str], work: Work
) -> None:
    total = len(candidates) + losses.total()
    if not candidates:
        counts = ", ".join(f"{count} {why}" for why, count in losses.most_common())
        raise DataError(
            f"none of {total} examples is left to learn from" + (f": {counts}" if counts else ""),
            location=work.task.location,
            hint=_HINTS[losses.most_common(1)[0][0]] if losses else "see funnel.csv for what models replied",
        )
    missing = [answer for answer, count in by_class.items() if not count]
    if missing:
        raise DataError(
            f"no example to learn from has the answer {missing[0]!r}; {len(candidates)} of {total} have another",
            location=work.task.location,
            hint="more examples (per_chunk, generators), or leave it out of the dataset's `answers`",
        )


def _write_passages(candidates: Sequence[_Candidate], work: Work) -> None:
    documents = read_table(work.input("prepare") / "documents.parquet", ["id", "text"])
    row_of = {name: row for row, name in enumerate(documents["id"])}
    passages = [
        (number, row_of[one.row["document"]], one.row["start"], one.row["end"])
        for number, one in enumerate(candidates)
        # What a chat was taken from holds the answer itself.
        if one.row["document"] in row_of and one.row["end"] and one.row["origin"] != CHAT
    ]
    schema = dict.fromkeys(("question", "document", "start", "end"), pl.Int32)
    table = pl.DataFrame(passages, schema=schema, orient="row")
    write_table(work.folder / "passages.parquet", table)
    word = counted_words(work.task.settings.get("language"))
    words = np.zeros(len(candidates), dtype=np.int64)
    counts = [len(word.findall(text)) for text in passage_texts(table, documents["text"].to_list())]
    np.add.at(words, table["question"].to_numpy(), counts)
    write_array(work.folder / "words.npy", words)


TRAINING_SET = Step("training_set", 1, run, inputs=("prepare", "curate", "split", "questions"))
