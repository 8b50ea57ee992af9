"""The retriever bm25: bm25s's own tokens and scores, for small corpora and in bulk."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import bm25s
import numpy as np
import pytest
import Stemmer
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.lexical_corpus import passages, queries
from ragtally.api import Passages, Retriever, Spans
from ragtally.support.ranking import best_rows
from ragtally_bm25 import register_retrievers
from ragtally_lexical import bulk, posting_kernels, token_kernels

(COMPONENT,) = register_retrievers()
WORDS = [
    f"{stem}{ending}"
    for stem in ["run", "walk", "jump", "heal", "treat", "measur", "compar"]
    for ending in ("s", "ed", "ing", "er")
]
NO_TEXTS = Passages([], Spans(*(np.zeros(0, np.int32),) * 3))


@pytest.fixture(params=["small", "bulk"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to work, whatever the corpus' size; the compiled one in several batches and blocks."""
    if request.param == "bulk":
        for name, value in {
            "ragtally_lexical.counting._MANY": -1,
            "ragtally_lexical.counting._BATCH": 500,
            "ragtally_lexical.index.MANY": -1,
            "ragtally_lexical.search._BLOCK": 7,
        }.items():
            monkeypatch.setattr(name, value)
    return str(request.param)


def build(**parameters: object) -> Retriever:
    defaults = {key: schema["default"] for key, schema in COMPONENT.params.items()}
    return COMPONENT.build(**{**defaults, **parameters})


def retriever_of(texts: list[str], **parameters: object) -> Retriever:
    retriever = build(**parameters)
    retriever.add(passages(texts), None)
    return retriever


def random_texts(seed: int, count: int, longest: int) -> list[str]:
    draw = random.Random(seed)
    words = [*WORDS, "the", "and", "of", "Überlegung", "naïve", "x"]
    return [" ".join(draw.choices(words, k=draw.randint(0, longest))) for _ in range(count)]


def assert_as_bm25s(texts: list[str], questions: list[str], limit: int, **parameters: object) -> None:
    """Compare with bm25s from beginning to end: its tokenizer, its index, its scores."""
    hits = retriever_of(texts, **parameters).search(queries(questions), limit)
    stemmer, stopwords = parameters.get("stemmer", "english"), parameters.get("stopwords", "english")

    def tokens(batch: list[str]) -> list[list[str]]:
        stem = Stemmer.Stemmer(stemmer) if stemmer else None
        return bm25s.tokenize(batch, stopwords=stopwords, stemmer=stem, return_ids=False, show_progress=False)

    oracle = bm25s.BM25(**{name: parameters[name] for name in ("k1", "b", "method") if name in parameters})
    oracle.index(tokens(texts), show_progress=False)
    for row, words in enumerate(tokens(questions)):
        scores = oracle.get_scores(words) if words else np.zeros(len(texts))
        above = np.flatnonzero(scores > 0)
        expected = best_rows(scores[above], above, limit)
        count = len(expected.rows)
        np.testing.assert_allclose(hits.score[row, :count], expected.scores, rtol=1.1e-4)
        np.testing.assert_allclose(scores[hits.passage[row, :count]], expected.scores, rtol=1.1e-4)
        assert (hits.passage[row, count:] == -1).all()
        assert (hits.score[row, count:] == 0).all()
    assert hits.passage.dtype == np.int32
    assert hits.score.dtype == np.float32


FORMULAS = [*product(["lucene", "robertson", "atire"], [(1.5, 0.75), (0, 0), (0.9, 1.0)])]


@pytest.mark.parametrize(("method", "numbers"), FORMULAS)
@pytest.mark.parametrize(("stemmer", "stopwords"), [("english", "english"), (None, None), ("german", None)])
def test_ranks_and_scores_as_bm25s_does(
    size: str, method: str, numbers: tuple[float, float], stemmer: str | None, stopwords: str | None
) -> None:
    k1, b = numbers
    texts, questions = random_texts(1, 120, 25), random_texts(2, 30, 8)
    assert_as_bm25s(texts, questions, 10, method=method, stemmer=stemmer, stopwords=stopwords, k1=k1, b=b)


def prose(seed: int, count: int, shortest: int, longest: int) -> list[str]:
    """Texts with frequent and rare words, as a search that leaves out what cannot win needs them."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(shortest, longest, count)
    words = np.minimum(draw.zipf(1.3, lengths.sum()), 5000).astype(str).tolist()
    ends = np.cumsum(lengths)
    return [
        " ".join(f"w{word}" for word in words[end - length : end]) for end, length in zip(ends, lengths, strict=True)
    ]


@pytest.mark.parametrize(("method", "limit"), [("lucene", 10), ("robertson", 1), ("atire", 300)])
def test_ranks_prose_as_bm25s_does(size: str, method: str, limit: int) -> None:
    assert_as_bm25s(prose(1, 800, 3, 60), prose(2, 40, 1, 12), limit, method=method)


@pytest.mark.parametrize("method", ["lucene", "robertson", "atire"])
def test_small_and_bulk_agree_to_the_bit(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, questions = prose(3, 1500, 0, 60), queries(prose(4, 60, 0, 12))
    small = retriever_of(texts, method=method).search(questions, 20)
    for name in ("counting._MANY", "index.MANY"):
        monkeypatch.setattr(f"ragtally_lexical.{name}", -1)
    bulk = retriever_of(texts, method=method).search(questions, 20)
    np.testing.assert_array_equal(small.passage, bulk.passage)
    np.testing.assert_array_equal(small.score, bulk.score)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_compiled_loops_do_what_their_source_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreted and compiled: a type that is too narrow, or an index out of bounds, would show."""
    texts, questions = prose(5, 120, 0, 40), queries(prose(6, 25, 0, 12))
    for name in ("counting._MANY", "index.MANY"):
        monkeypatch.setattr(f"ragtally_lexical.{name}", -1)
    with_numba = [retriever_of(texts, tokenizer=name).search(questions, 3) for name in ("words", "hyphenated")]
    for module in (bulk, token_kernels, posting_kernels):
        for name, value in vars(module).items():
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, name, value.py_func)
    in_python = [retriever_of(texts, tokenizer=name).search(questions, 3) for name in ("words", "hyphenated")]
    for one, other in zip(with_numba, in_python, strict=True):
        np.testing.assert_array_equal(one.passage, other.passage)
        np.testing.assert_array_equal(one.score, other.score)


def test_a_word_that_thousands_of_chunks_hold_alike_finds_the_first_of_them(size: str) -> None:
    hits = retriever_of(["mice"] * 3000).search(queries(["mice", "mice mice rats"]), 3)
    assert hits.passage.tolist() == [[0, 1, 2]] * 2


def test_chunks_that_share_no_word_are_no_hits(size: str) -> None:
    hits = retriever_of(["mice and men", "", "cats"]).search(queries(["mice", "dogs unknown", "", "the and"]), 5)
    assert hits.passage.tolist() == [[0, -1, -1, -1, -1], *[[-1] * 5] * 3]


def test_a_word_that_weighs_nothing_finds_nothing(size: str) -> None:
    """Under atire a word in every chunk, under robertson one in most."""
    texts = ["mice rats", "mice cats", "mice dogs"]
    for method in ("atire", "robertson"):
        hits = retriever_of(texts, method=method).search(queries(["mice", "mice cats"]), 2)
        assert hits.passage.tolist() == [[-1, -1], [1, -1]]


def test_weights_that_are_too_small_for_a_number_find_nothing(size: str) -> None:
    hits = retriever_of(["mice rats", "mice cats"], k1=1e300, b=0).search(queries(["mice rats"]), 2)
    assert hits.passage.tolist() == [[-1, -1]]


def test_a_count_that_needs_more_than_a_byte(size: str) -> None:
    texts = ["mice " * 300 + "rats", "mice rats", "mice " * 255 + "rats"]
    assert_as_bm25s([*texts, "cats dogs"], ["mice", "rats"], 3, k1=100)


def test_a_new_form_of_a_known_word_is_found(size: str) -> None:
    assert retriever_of(["they were healed", "dogs"]).search(queries(["healing"]), 1).passage.tolist() == [[0]]
    assert retriever_of(["they were healed", "dogs"], stemmer=None).search(
        queries(["healing"]), 1
    ).passage.tolist() == [[-1]]


@pytest.mark.parametrize("texts", [[], [""], ["", "the", "?"]])
def test_a_corpus_without_words_gives_no_hits(size: str, texts: list[str], tmp_path: Path) -> None:
    retriever, other = retriever_of(texts), build()
    retriever.save(tmp_path)
    other.load(tmp_path, passages(texts), None)
    for one in (retriever, other):
        assert one.search(queries(["mice"]), 2).passage.tolist() == [[-1, -1]]
        assert one.search(queries([]), 2).passage.shape == (0, 2)


@pytest.mark.parametrize("stemmer", ["english", None])
def test_what_is_saved_is_what_is_loaded(size: str, tmp_path: Path, stemmer: str | None) -> None:
    texts = random_texts(1, 80, 20)
    retriever, other = retriever_of(texts, stemmer=stemmer), build(stemmer=stemmer)
    questions = queries(random_texts(2, 20, 6))
    before = retriever.search(questions, 7)
    retriever.save(tmp_path)
    other.load(tmp_path, passages(texts), None)
    after = other.search(questions, 7)
    np.testing.assert_array_equal(before.passage, after.passage)
    np.testing.assert_array_equal(before.score, after.score)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npy"}


def test_one_index_serves_every_formula(tmp_path: Path) -> None:
    texts, questions = random_texts(1, 80, 20), queries(random_texts(2, 20, 6))
    retriever_of(texts).save(tmp_path)
    search_parameters = {name for name, schema in COMPONENT.params.items() if schema.get("x-ragtally-search")}
    assert search_parameters == {"k1", "b", "method"}
    scores = set()
    for method, (k1, b) in FORMULAS:
        formula = {"method": method, "k1": k1, "b": b}
        other = build(**formula)
        other.load(tmp_path, passages(texts), None)
        hits = other.search(questions, 7)
        np.testing.assert_array_equal(hits.score, retriever_of(texts, **formula).search(questions, 7).score)
        scores.add(hits.score.tobytes())
    assert len(scores) == len(FORMULAS)


def test_the_index_is_the_same_in_every_process_and_nothing_is_printed(tmp_path: Path) -> None:
    code = (
        "import logging, sys, pathlib\n"
        "logging.basicConfig(level=logging.NOTSET, stream=sys.stdout)\n"
        "from ragtally.api import Passages, Queries\n"
        "from ragtally_bm25 import _build\n"
        "texts = sys.argv[2].split(';')\n"
        "r = _build(1.5, 0.75, 'lucene', 'words', 'english', 'english')\n"
        "r.add(Passages(texts, None), None)\n"
        "r.search(Queries(texts, texts), 3)\n"
        "r.save(pathlib.Path(sys.argv[1]))\n"
    )
    contents = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        folder.mkdir()
        process = subprocess.run(
            [sys.executable, "-c", code, str(folder), ";".join(random_texts(1, 50, 20))],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert process.stdout + process.stderr == ""
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]


def test_texts_are_read_once_and_not_held() -> None:
    class Lazy(list[str]):
        reads = 0

        def __iter__(self) -> Iterator[str]:
            for text in super().__iter__():
                Lazy.reads += 1
                yield text

    texts = Lazy(random_texts(1, 80, 20))
    build().add(Passages(texts, NO_TEXTS.spans), None)
    assert Lazy.reads == len(texts)


def test_use_before_add_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="before add or load"):
        build().search(queries(["mice"]), 1)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text("ab cd-", max_size=30), max_size=12),
    st.lists(st.text("ab cd-", max_size=12), max_size=4),
    st.integers(1, 5),
)
def test_whatever_is_in_the_texts_hits_are_ordered_and_share_a_word(
    texts: list[str], questions: list[str], limit: int
) -> None:
    hits = retriever_of(texts, tokenizer="hyphenated", stemmer=None, stopwords=None).search(queries(questions), limit)
    for row, question in enumerate(questions):
        rows = [chunk for chunk in hits.passage[row].tolist() if chunk >= 0]
        matches = [chunk for chunk, text in enumerate(texts) if parts(text) & parts(question)]
        assert set(rows) <= set(matches)
        assert len(rows) == min(limit, len(matches))
        keys = [(-score, chunk) for score, chunk in zip(hits.score[row].tolist(), rows, strict=False)]
        assert keys == sorted(keys)


def parts(text: str) -> set[str]:
    """What `hyphenated` finds, by hand: words, held together by one hyphen between two letters."""
    return {
        part.replace("=", "-")
        for word in text.split()
        for part in "".join(
            "=" if letter == "-" and 0 < at < len(word) - 1 and "-" not in (word[at - 1], word[at + 1]) else letter
            for at, letter in enumerate(word)
        ).split("-")
        if part
    }


def test_pubmedqa() -> None:
    home = os.environ.get("RAGTALLY_PUBMEDQA")
    if not home:
        pytest.skip("RAGTALLY_PUBMEDQA names no folder with the labelled set")
    records = json.loads((Path(home) / "ori_pqal.json").read_text(encoding="utf-8"))
    owner = np.array([row for row, record in enumerate(records.values()) for _ in record["CONTEXTS"]])
    texts = [section for record in records.values() for section in record["CONTEXTS"]]
    hits = retriever_of(texts).search(queries([record["QUESTION"] for record in records.values()]), 10)
    relevant = (hits.passage >= 0) & (owner[hits.passage] == np.arange(len(records))[:, None])
    recall = relevant.sum(axis=1) / np.bincount(owner)
    reciprocal = np.where(relevant.any(axis=1), 1 / (1 + relevant.argmax(axis=1)), 0)
    assert len(texts) == 3358
    assert recall.mean() == pytest.approx(0.7729, abs=5e-5)
    assert reciprocal.mean() == pytest.approx(0.9659, abs=5e-5)
