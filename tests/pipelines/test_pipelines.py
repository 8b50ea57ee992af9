"""The Haystack components: whole columns go through, and come out as from the plugins alone."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ragtally.api import (
    Candidates,
    Documents,
    Examples,
    Hits,
    Message,
    Passages,
    Prompt,
    Queries,
    QuestionEvidence,
    Reading,
    Spans,
)
from ragtally.pipelines import (
    DecideVerdict,
    EmbedPassages,
    EmbedQuestions,
    ParseReplies,
    Rerank,
    Retrieve,
    SplitDocuments,
    WritePassages,
    WritePrompt,
)
from ragtally.pipelines.haystack import ChatMessage, Document
from ragtally.voting import Ballots
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
        self.asked.append((queries, limit))
        return Hits(np.zeros((len(queries), limit), np.int32), np.ones((len(queries), limit), np.float32))


DOCUMENTS = Documents(["a", "b"], ["some words", "more of them here"], [[], []], [[], []])
ROWS = np.arange(3, dtype=np.int32)
PASSAGES = Passages(["one", "three", "fourteen"], Spans(ROWS, ROWS, ROWS + 1))
QUERIES = Queries(["p", "q"], ["what", "who"], evidence=QuestionEvidence(ROWS, ROWS, ROWS, ROWS + 1))
CANDIDATES = Candidates((Hits(np.array([[2, 0], [1, 2]], np.int32), np.ones((2, 2), np.float32)),), PASSAGES)


def test_splitting_gives_what_the_chunker_gives() -> None:
    chunker = Halves()
    spans, expected = SplitDocuments(chunker).run(DOCUMENTS)["spans"], Halves().split(DOCUMENTS)
    for column in ("document", "start", "end"):
        np.testing.assert_array_equal(getattr(spans, column), getattr(expected, column))
    assert chunker.seen is DOCUMENTS


VECTORS = np.ones((3, 2), np.float32)


@pytest.mark.parametrize("vectors", [None, VECTORS])
def test_writing_and_searching_give_the_retriever_what_they_get(vectors: np.ndarray | None) -> None:
    retriever = Memory()
    assert WritePassages(retriever).run(PASSAGES, vectors) == {"passages": 3}
    hits = Retrieve(retriever).run(QUERIES, 4)["hits"]
    ((passages, given),) = retriever.added
    assert passages is PASSAGES
    assert given is vectors
    assert retriever.asked[0][0] is QUERIES
    assert retriever.asked[0][1] == 4
    assert hits.passage.shape == (2, 4)


def test_an_embedder_that_has_learnt_embeds() -> None:
    embedder = Lengths()
    embedder.fit(PASSAGES.text)
    vectors = EmbedPassages(embedder).run(PASSAGES)["vectors"]
    np.testing.assert_array_equal(vectors, np.array([[3 / 8], [5 / 8], [1]], np.float32))
    np.testing.assert_array_equal(
        EmbedQuestions(embedder).run(QUERIES.text)["vectors"], np.array([[-4 / 8], [-3 / 8]], np.float32)
    )


def test_reranking_gives_the_retriever_what_others_find() -> None:
    class Last:
        def rerank(self, queries: Queries, candidates: Candidates, limit: int) -> Hits:
            assert queries is QUERIES and candidates is CANDIDATES
            (hits,) = candidates.hits
            return Hits(hits.passage[:, :limit], hits.score[:, :limit])

    hits = Rerank(Last()).run(QUERIES, CANDIDATES, 1)["hits"]
    np.testing.assert_array_equal(hits.passage, [[2], [1]])


def test_real_components_give_what_they_give_alone() -> None:
    documents = Documents(["a"], ["red fish and blue birds sing of red mice " * 9], [[]], [[]])
    words = next(component for component in register_chunkers() if component.name == "words").build(size=5, overlap=1)
    spans = SplitDocuments(words).run(documents)["spans"]
    passages = Passages([documents.text[0][a:b] for a, b in zip(spans.start, spans.end, strict=True)], spans)
    queries = Queries(["q"], ["which blue fish"])
    (lsa,), (dense,) = register_embedders(), register_retrievers()
    piped, embedder = (
        dense.build(embedder=None, distance="l1"),
        lsa.build(dim=3, seed=1, stopwords=None, fit_chunks=None),
    )
    embedder.fit(passages.text)
    WritePassages(piped).run(passages, EmbedPassages(embedder).run(passages)["vectors"])
    vectors = EmbedQuestions(embedder).run(queries.text)["vectors"]
    hits = Retrieve(piped).run(replace(queries, vectors=vectors), 4)["hits"]

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


class Echo:
    """A prompting reader: the question and its passages."""

    def prompts(self, reading: Reading, examples: Examples | None) -> list[Prompt]:
        rows = zip(reading.question, reading.passages, strict=True)
        return [(Message("user", "|".join([question, *passages])),) for question, passages in rows]


class First:
    """A vote rule: the first ballot that could be read."""

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        return next((ballot for ballot in ballots if ballot is not None), None)


def test_one_question_is_answered_as_one_of_many() -> None:
    reading = Reading(["p", "q"], ["what", "who"], [["some", "words"], []], ("yes", "no"))
    prompt = WritePrompt(Echo(), ["yes", "no"])
    prompts = prompt.prompts(reading, None)
    for row, question in enumerate(reading.question):
        documents = [Document(content=text) for text in reading.passages[row]]
        (message,) = prompt.run(question, documents)["prompt"]
        assert message.text == prompts[row][0].content

    texts = [["Answer: 1", "who knows"], ["2", "1"]]
    parse = ParseReplies(["yes", "no"], 2, {"yes": "1", "no": "2"})
    votes = [[parse.read(text, None).ballot for text in vote] for vote in texts]
    assert votes == [["yes", None], ["no", "yes"]]
    decide = DecideVerdict(First())
    verdicts = decide.verdicts(Ballots(votes, [[False, False]] * 2))
    for row in range(2):
        replies = {f"vote_{number}": [ChatMessage.from_assistant(texts[number - 1][row])] for number in (1, 2)}
        ballots = parse.run(**replies)["ballots"]
        assert ballots == [vote[row] for vote in votes]
        assert decide.run(ballots) == {"verdict": verdicts[row], "ballots": ballots}


def test_a_readers_choice_counts_where_it_says_nothing() -> None:
    parse = ParseReplies(["yes", "no"])
    votes = [parse.read("no", None), parse.read(None, "yes"), parse.read(None, None)]
    assert votes == [("no", "bare label"), ("yes", "chosen by the reader"), (None, None)]


def test_replies_in_another_tools_form_are_read() -> None:
    words = {"yes": "ja", "no": "nein"}
    parse = ParseReplies(["yes", "no"], words=words, options={"A": "yes", "B": "no"}, answer_key=["answer_choice"])
    texts = ['{"why": "the "large" trial", "answer_choice": "B"}', "B. nein", "A. nein", "B", "no"]
    assert [parse.read(text, None).ballot for text in texts] == ["no", "no", None, "no", None]


def test_musings_that_the_token_limit_cut_off_are_not_read() -> None:
    text = "Okay, the trial was large. The answer is yes. But"
    assert ParseReplies(["yes", "no"]).read(text, None, "length").ballot is None
    assert ParseReplies(["yes", "no"]).read(text, None, "stop").ballot == "yes"


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
    WritePassages(retriever).run(Passages(texts, spans))
    Retrieve(retriever).run(Queries(texts, texts), 1)
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
from ragtally.pipelines import SplitDocuments
from ragtally.api import Documents, Spans
class One:
    def split(self, documents):
        return Spans(np.zeros(1, np.int32), np.zeros(1, np.int32), np.ones(1, np.int32))
from ragtally.pipelines.haystack import Pipeline
pipeline = Pipeline()
pipeline.add_component("split", SplitDocuments(One()))
pipeline.run({"split": {"documents": Documents(["a"], ["a"], [[]], [[]])}})
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


@pytest.mark.parametrize(
    ("text", "constrained", "reason"),
    [
        ('{"answer": "yes"}', True, "held to a schema"),
        ('<think>Is it?</think>\n{ "answer" :"yes"}', True, "held to a schema"),
        ('{"answer": "yes"}', False, "JSON"),
        ('```json\n{"answer": "yes"}\n```', True, "JSON"),
        ('{"answer": "yes"} since it did.', True, "JSON"),
        ("yes", True, "bare label"),
        ('{"answer": "ye', True, None),
    ],
)
def test_only_a_bare_object_was_held_to_a_schema(text: str, constrained: bool, reason: str | None) -> None:
    vote = ParseReplies(["yes", "no"], constrained=constrained).read(text, None)
    assert vote.ballot is None if reason is None else vote == ("yes", reason)
