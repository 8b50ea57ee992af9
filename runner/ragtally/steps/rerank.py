"""refine: make a ranking of what other retrievers found (the Haystack pipeline `refine`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ragtally import pipelines
from ragtally.api import Candidates, Choice, PromptingReranker, Reranker
from ragtally.steps import chunk, read, retrieve
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_json, write_json

STEP = "refine"
VERSION = 1


def task(
    factory: TaskFactory,
    found: Sequence[Task],
    chunked: Task,
    sampled: Task,
    retriever: Choice,
    limit: int,
    *,
    windows: Task | None,
    replies: Task | None,
    **about: Any,
) -> Task:
    """Describe the work."""
    inputs = {**chunked.inputs, "hits": found, "chunk": chunked, "sample": sampled, "window": windows, "ask": replies}
    choices = {"retriever": retriever}
    return factory.task(STEP, VERSION, choices=choices, settings={"limit": limit}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `passage.npy` and `score.npy`, as the step retrieve does: rows of the windows where there are any."""
    # Where a language model was asked, `replies.json` says how many of its replies could not be read.
    retriever: Reranker = work.build("retriever")
    queries = retrieve.load_queries(work.input("sample"), None, evidence=False)
    found = load_found(work)
    hits = pipelines.run_rerank(retriever, queries, found, work.task.settings["limit"])
    retrieve.write_hits(work, hits, queries, len(found.passages if found.windows is None else found.windows))

    if isinstance(retriever, PromptingReranker) and found.replies is not None:
        write_json(work.folder / "replies.json", {"replies": len(queries), "unread": retriever.unread(found)})


def load_unread(folder: Path) -> Unread | None:
    """Read how many replies could not be read."""
    path = folder / "replies.json"
    return Unread(**read_json(path)) if path.is_file() else None


class Unread(NamedTuple):
    """Replies that could not be read."""

    replies: int  # How many questions a model was asked about
    unread: int  # How many of its replies could not be read


def load_found(work: Work) -> Candidates:
    """Read what the other retrievers found."""
    windows, replies = work.optional("window"), work.optional("ask")
    return Candidates(
        hits=tuple(retrieve.load_hits(entry.folder) for entry in work.entries["hits"]),
        passages=chunk.load_passages(work.input("chunk"), work.input("prepare")),
        windows=None if windows is None else chunk.load_spans(windows),
        replies=None if replies is None else read.load_answers(replies)["text"].to_list(),
    )
