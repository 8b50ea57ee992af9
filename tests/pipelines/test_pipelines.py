"""The Haystack pipelines: whole batches go through, and come out as from the bare components."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ragtally.api import Candidates, Documents, Hits, Passages, Queries, QuestionEvidence, Spans, SpecError
from ragtally.pipelines import run_embed, run_embed_queries, run_fill, run_rerank, run_search, run_split
from ragtally.pipelines.build import (
    cut_pipeline,
    embed_pipeline,
    embed_queries_pipeline,
    fill_pipeline,
    search_pipeline,
)
from ragtally_chunkers import register_chunkers
from ragtally_dense import register_retrievers
from ragtally_lsa import register_embedders


class Halves:
    """A chunker: the two halves of every document."""

    def __init__(self) -> None:
        self.seen: Documents | None = None

    def split(self, documents: Documents) -> Spans:
        self.seen = documents
        middles = [len(text) // 2 for text in documents.text]
        lengths = [len(text) for text in documents.text]
        return Spans(
            np.repeat(np.arange(len(documents), dtype=np.int32), 2),
            np.array([start for middle in middles for start in (0, middle)], np.int32),
            np.array([end for pair in zip(middles, lengths, strict=True) for end in pair], np.int32),
        )


class Lengths:
    """An embedder: a text's length, in units of the longest one fitted."""

    def __init__(self) -> None:
        self.longest = 0

    def fit(self, texts: Sequence[str]) -> None:
        if not texts:
            raise SpecError("nothing to learn from", hint="add documents")
        self.longest = max(map(len, texts))

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    load = save

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[len(text) / self.longest] for text in texts], np.float32)

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        return -self.embed_documents(texts)


class Memory:
    """A retriever that remembers what it was given."""

    def __init__(self) -> None:
        self.added: list[tuple[Passages, np.ndarray | None]] = []
        self.asked: list[tuple[Queries, int]] = []

    def add(self, passages: Passages, vectors: np.ndarray | None) -> None:
        self.added.append((passages, vectors))

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    load = save

    def search(self, queries: Queries, limit: int) -> Hits:
        if limit > 99:
            raise ZeroDivisionError("a bug")
        self.asked.append((queries, limit))
        return Hits(np.zeros((len(queries), limit), np.int32), np.ones((len(queries), limit), np.float32))


DOCUMENTS = Documents(["a", "b"], ["some words", "more of them here"], [[], []], [[], []])
ROWS = np.arange(3, dtype=np.int32)
PASSAGES = Passages(["one", "three", "fourteen"], Spans(ROWS, ROWS, ROWS + 1))
QUERIES = Queries(["p", "q"], ["what", "who"], evidence=QuestionEvidence(ROWS, ROWS, ROWS, ROWS + 1))
FOUND = Candidates((Hits(np.array([[2, 0], [1, 2]], np.int32), np.ones((2, 2), np.float32)),), PASSAGES)


def test_cut_gives_what_the_chunker_gives() -> None:
    chunker = Halves()
    spans, expected = run_split(chunker, DOCUMENTS), Halves().split(DOCUMENTS)
    for column in ("document", "start", "end"):
        np.testing.assert_array_equal(getattr(spans, column), getattr(expected, column))
    assert chunker.seen is DOCUMENTS


VECTORS = np.ones((3, 2), np.float32)


@pytest.mark.parametrize("vectors", [None, VECTORS])
def test_fill_and_search_give_the_retriever_what_they_get(vectors: np.ndarray | None) -> None:
    retriever = Memory()
    assert run_fill(retriever, PASSAGES, vectors) == 3
    hits = run_search(retriever, QUERIES, 4)
    ((passages, given),) = retriever.added
    assert passages is PASSAGES
    assert given is vectors
    assert retriever.asked[0][0] is QUERIES
    assert retriever.asked[0][1] == 4
    assert hits.passage.shape == (2, 4)


def test_an_embedder_learns_and_then_embeds() -> None:
    embedder = Lengths()
    np.testing.assert_array_equal(run_embed(embedder, PASSAGES), np.array([[3 / 8], [5 / 8], [1]], np.float32))
    np.testing.assert_array_equal(
        run_embed_queries(embedder, QUERIES.text), np.array([[-4 / 8], [-3 / 8]], np.float32)
    )


def test_refine_gives_the_retriever_what_others_found() -> None:
    class Last:
        def rerank(self, queries: Queries, found: Candidates, limit: int) -> Hits:
            assert queries is QUERIES and found is FOUND
            return Hits(found.hits[0].passage[:, :limit], found.hits[0].score[:, :limit])

    hits = run_rerank(Last(), QUERIES, FOUND, 1)
    np.testing.assert_array_equal(hits.passage, [[2], [1]])


def test_real_components_give_what_they_give_alone() -> None:
    documents = Documents(["a"], ["red fish and blue birds sing of red mice " * 9], [[]], [[]])
    words = next(component for component in register_chunkers() if component.name == "words").build(size=5, overlap=1)
    spans = run_split(words, documents)
    passages = Passages([documents.text[0][a:b] for a, b in zip(spans.start, spans.end, strict=True)], spans)
    queries = Queries(["q"], ["which blue fish"])
    (lsa,), (dense,) = register_embedders(), register_retrievers()
    piped, embedder = (
        dense.build(embedder=None, distance="l1"),
        lsa.build(dim=3, seed=1, stopwords=None, fit_chunks=None),
    )
    run_fill(piped, passages, run_embed(embedder, passages))
    hits = run_search(piped, replace(queries, vectors=run_embed_queries(embedder, queries.text)), 4)

    bare, embedder = (
        dense.build(embedder=None, distance="l1"),
        lsa.build(dim=3, seed=1, stopwords=None, fit_chunks=None),
    )
    embedder.fit(passages.text)
    bare.add(passages, embedder.embed_documents(passages.text))
    expected = bare.search(replace(queries, vectors=embedder.embed_queries(queries.text)), 4)
    np.testing.assert_array_equal(hits.passage, expected.passage)
    np.testing.assert_array_equal(hits.score, expected.score)
    np.testing.assert_array_equal(spans.start, words.split(documents).start)


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [
        (cut_pipeline(Halves()), "split"),
        (embed_pipeline(Lengths()), "embed"),
        (embed_queries_pipeline(Lengths()), "embed"),
        (fill_pipeline(Memory()), "write"),
        (search_pipeline(Memory()), "retrieve"),
    ],
)
def test_pipelines_are_haystacks(pipeline: object, name: str) -> None:
    assert type(pipeline).__module__.startswith("haystack.")
    assert set(pipeline.graph.nodes) == {name}


def test_a_users_error_arrives_as_it_was_raised() -> None:
    nothing = Passages([], Spans(ROWS[:0], ROWS[:0], ROWS[:0]))
    with pytest.raises(SpecError, match="nothing to learn from") as caught:
        run_embed(Lengths(), nothing)
    assert caught.value.hint == "add documents"


def test_a_bug_arrives_as_it_was_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        run_search(Memory(), QUERIES, 100)


def test_columns_are_never_touched_item_by_item() -> None:
    class Untouchable(list[str]):
        def __iter__(self):
            raise AssertionError("went through the items")

        def __deepcopy__(self, memo):
            raise AssertionError("copied the items")

        __copy__ = __reduce_ex__ = __iter__

    texts = Untouchable(["x"] * 5)
    spans = Spans(ROWS, ROWS, ROWS)
    retriever = Memory()
    run_fill(retriever, Passages(texts, spans), None)
    run_search(retriever, Queries(texts, texts), 1)
    assert retriever.added[0][0].text is texts


QUIET = """
import os, sys, threading
from pathlib import Path
if sys.argv[1] == "first":
    import haystack
    import posthog
    assert haystack.telemetry._telemetry.telemetry is not None
else:
    import posthog
def sent(*_, **__):
    raise SystemExit("telemetry was sent")
posthog.capture = sent
before = dict(os.environ)
import numpy as np
from ragtally.pipelines import run_split
from ragtally.api import Documents, Spans
class One:
    def split(self, documents):
        return Spans(np.zeros(1, np.int32), np.zeros(1, np.int32), np.ones(1, np.int32))
run_split(One(), Documents(["a"], ["a"], [[]], [[]]))
import haystack.telemetry._telemetry as telemetry
assert telemetry.telemetry is None
assert dict(os.environ) == before
assert threading.enumerate() == [threading.main_thread()], threading.enumerate()
assert posthog.default_client is None
assert sys.argv[1] == "first" or not (Path.home() / ".haystack").exists()
"""


@pytest.mark.parametrize("haystack", ["first", "later"])
@pytest.mark.parametrize("switch", [None, "true"])
def test_nothing_is_sent(haystack: str, switch: str | None, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "HAYSTACK_TELEMETRY_ENABLED"}
    environment["HOME"] = str(tmp_path)
    if switch:
        environment["HAYSTACK_TELEMETRY_ENABLED"] = switch
    done = subprocess.run(
        [sys.executable, "-c", QUIET, haystack], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_thread_is_left_over() -> None:
    before = threading.active_count()
    run_search(Memory(), QUERIES, 2)
    assert threading.active_count() == before
