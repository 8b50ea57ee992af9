"""What keys demand of one another."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ragtally.api import RagtallyError
from ragtally.spec.study import Study

Load = Callable[[str], Study]
Errors = Callable[[str], list[RagtallyError]]

READERS = """\
readers:
  llama: {chat: {model: small}}
  tiny: learner
  same: steady
  floor: constant
  people: {taped: {file: a.jsonl}}
  concluded: {taped: {file: a.jsonl, condition: conclusion}}
"""
LABEL = "label: {voters: [llama]}"
SWEEP = "chunker: whole, retriever: bm25, top_k: 3"


@pytest.mark.parametrize(
    ("rest", "location", "message", "hint"),
    [
        ("label: {voters: [lama]}", "10:18", "there is no reader 'lama' under readers", "did you mean 'llama'?"),
        (
            "label: {voters: [llama]}\nbase: {from: [lama], rule: majority}",
            "11:15",
            "there is no reader 'lama'",
            "'llama'",
        ),
        (f"grid: {{{SWEEP}, reader: lama}}", "10:59", "there is no reader 'lama'", "did you mean 'llama'?"),
        (f"grid: {{{SWEEP}, reader: {{axis: [lama]}}}}", "10:67", "there is no reader 'lama'", "'llama'"),
        (
            "label: {voters: [llama]}\nbase: {from: [llama], rule: majority, exclude_closed_book_right: [x]}",
            "11:67",
            "there is no reader 'x'",
            "there is: llama, tiny",
        ),
        ("base: {from: [llama], rule: majority}", "10:1", "a base needs the votes of label", "label: {voters"),
        (
            "  heir: {learner: {train: {split: train, from: base}}}",
            "10:48",
            "heir learns from the base, and the spec has none",
            "from: gold",
        ),
        (
            "  heir: {learner: {train: {split: train, from: base}}}\n"
            "label: {voters: [tiny]}\nbase: {from: [tiny], rule: majority}",
            "10:48",
            "tiny votes on the base, and would vote on the very questions that it learns from",
            "let models that are not trained vote",
        ),
        (
            "label: {voters: [llama]}\nbase: {from: [tiny], rule: majority}",
            "11:15",
            "tiny casts no votes: it is not among label.voters",
            "add it there",
        ),
        ("label: {voters: [llama, same], votes: 3}", "10:39", "3 votes of same, which always answers", "votes: 1"),
        ("label: {voters: [floor]}", "10:18", "floor cannot vote", "grid.reader"),
        ("label: {voters: [concluded]}", "10:18", "its answers are conclusion", "grid.reader"),
        (
            "label: {voters: [llama]}\nbase: {from: [llama], rule: majority, exclude_closed_book_right: [people]}",
            "11:67",
            "people cannot be asked without context: its answers are gold_context",
            "reads what is put before it",
        ),
        (
            "label: {voters: [llama, tiny], votes: 2}\nbase: {from: [llama, tiny], rule: {quorum: {k: 5}}}",
            "11:35",
            "quorum(k=5) asks for 5 ballots of at most 4",
            "k: 4",
        ),
        (
            f"grid: {{{SWEEP}, reader: llama, votes: [1, 3], rule: [majority, {{quorum: {{k: 4}}}}]}}",
            "10:87",
            "quorum(k=4) asks for 4 ballots of at most 3",
            "k: 3",
        ),
        ("grid: {retriever: bm25}", "10:8", "a retriever needs chunks", "add grid.chunker"),
        ("grid: {chunker: whole}", "10:8", "nothing searches the chunks", "add grid.retriever"),
        ("grid: {top_k: 3}", "10:8", "top_k is of retrieved chunks", "add grid.retriever"),
        ("grid: {reader: llama}", "10:1", "the grid has nothing to put before llama", "controls: [gold_context]"),
        (
            "grid: {chunker: whole, retriever: bm25, reader: llama}",
            "10:1",
            "llama reads retrieved chunks; the grid does not say how many",
            "add grid.top_k",
        ),
        (
            f"grid: {{{SWEEP}, votes: 3}}",
            "10:51",
            "grid.votes is about readers, but the grid has none",
            "grid.reader",
        ),
        (f"grid: {{{SWEEP}, rule: majority}}", "10:51", "grid.rule is about readers", "grid.reader"),
        ("controls: [closed_book]", "10:1", "controls is about readers", "grid.reader"),
        (f"grid: {{{SWEEP}, reader: llama}}\ngrid_on: base", "11:10", "there is no base", "grid_on: all"),
        (
            "grid: {reader: [floor]}\nmetrics: [accuracy, recall@5]",
            "11:21",
            "recall@5 scores retrieval, but the grid has no retriever",
            "remove it",
        ),
        (
            "label: {voters: [llama]}\nmetrics: [accuracy, {accuracy: {}}]",
            "11:21",
            "metrics holds accuracy twice",
            "",
        ),
        *(
            (
                f"grid: {{{SWEEP}, reader: llama}}\nmetrics: [accuracy, {metric}, recall@5]\n"
                f"compare: [{{metric: {metric}, baseline: {{retriever: bm25}}}}]",
                "12:20",
                f"{metric} cannot be compared: it does not say what each question contributes",
                "metrics of this study that can be: accuracy, recall@5",
            )
            for metric in ("confusion", "longest")
        ),
    ],
)
def test_what_does_not_fit_together(
    errors: Errors, head: str, rest: str, location: str, message: str, hint: str
) -> None:
    (error,) = errors(f"{head}{READERS}{rest}\n")
    assert message in error.message
    assert str(error.location).rpartition("spec.yaml:")[2] == location
    assert hint in str(error.hint)


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "label: {voters: [llama, tiny, people], votes: 3}",
        "label: {voters: [same]}",
        "label: {voters: [llama]}\nbase: {from: [llama], rule: {quorum: {k: 1}}, exclude_closed_book_right: [floor]}",
        "grid: {chunker: whole, retriever: bm25}",
        f"grid: {{{SWEEP}}}",
        "grid: {reader: [floor, people, concluded], votes: [1, 3]}",
        "grid: {reader: [llama]}\ncontrols: [gold_context]",
        f"grid: {{{SWEEP}, reader: [llama, same], votes: [1, 3], rule: [majority, {{quorum: {{k: 2}}}}]}}",
        f"{LABEL}\nbase: {{from: [llama], rule: majority}}\ngrid: {{{SWEEP}, reader: llama}}\ngrid_on: all",
    ],
)
def test_what_fits_together(load: Load, head: str, rest: str) -> None:
    load(f"{head}{READERS}{rest}\n")


@pytest.mark.parametrize(
    ("dataset", "reader", "message"),
    [
        ("toy", "learner", "all splits are asked"),
        ("{toy: {split: train}}", "learner", "the split 'train' is asked"),
        ("{toy: {split: test}}", "{learner: {train: {split: test}}}", "the split 'test' is asked"),
    ],
)
def test_a_reader_is_not_tested_on_what_it_learnt(errors: Errors, dataset: str, reader: str, message: str) -> None:
    (error,) = errors(f"study: a\ndataset: {dataset}\nreaders: {{tiny: {reader}}}\n")
    assert message in error.message
    assert error.location is not None and error.location.line == 3


def test_a_grid_too_large_to_run_is_refused(errors: Errors, head: str) -> None:
    many = list(range(1, 401))
    found = errors(f"{head}grid: {{chunker: {{words: {{size: {many}}}}}, retriever: bm25, top_k: {many}}}\n")
    assert "160,000 cells" in found[0].message


def test_without_any_readers_the_hint_says_how_to_name_one(errors: Errors, head: str) -> None:
    (error,) = errors(f"{head}label: {{voters: [tiny]}}\n")
    assert "readers: {tiny: ...}" in str(error.hint)
