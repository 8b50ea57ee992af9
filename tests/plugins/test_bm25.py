"""The retriever bm25: bm25s's own scores, searched by a sparse product."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import bm25s
import numpy as np
import pytest
import Stemmer
from bm25s.tokenization import _infer_stopwords

from ragtally.kinds import Retriever
from ragtally.kinds.ranking import best_rows
from ragtally.types import Passages, Queries, Spans
from ragtally_bm25 import STEMMERS, STOPWORDS, register_retrievers

(COMPONENT,) = register_retrievers()
WORDS = [
    f"{stem}{ending}"
    for stem in ["run", "walk", "jump", "heal", "treat", "measur", "compar"]
    for ending in ("s", "ed", "ing", "er")
]


def build(**given_parameters: object) -> Retriever:
    defaults = {key: schema["default"] for key, schema in COMPONENT.params.items()}
    return COMPONENT.build(**{**defaults, **given_parameters})


def passages(texts: list[str]) -> Passages:
    rows = np.arange(len(texts), dtype=np.int32)
    return Passages(texts, Spans(rows, np.zeros_like(rows), np.array([len(text) for text in texts], np.int32)))


def queries(texts: list[str]) -> Queries:
    return Queries([str(row) for row in range(len(texts))], texts)


def filled(texts: list[str], **parameters: object) -> Retriever:
    retriever = build(**parameters)
    retriever.add(passages(texts), None)
    return retriever


def random_texts(seed: int, count: int, longest: int) -> list[str]:
    draw = random.Random(seed)
    words = [*WORDS, "the", "and", "of", "Überlegung", "naïve", "x"]
    return [" ".join(draw.choices(words, k=draw.randint(0, longest))) for _ in range(count)]


@pytest.mark.parametrize("method", ["lucene", "robertson", "atire"])
@pytest.mark.parametrize(("stemmer", "stopwords"), [("english", "english"), (None, None), ("german", None)])
@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0, 0), (0.9, 1.0)])
def test_ranks_and_scores_as_bm25s_does(
    method: str, stemmer: str | None, stopwords: str | None, k1: float, b: float
) -> None:
    texts, asked = random_texts(1, 120, 25), random_texts(2, 30, 8)
    hits = filled(texts, method=method, stemmer=stemmer, stopwords=stopwords, k1=k1, b=b).search(queries(asked), 10)

    def tokens(given: list[str]) -> list[list[str]]:
        stem = Stemmer.Stemmer(stemmer) if stemmer else None
        return bm25s.tokenize(given, stopwords=stopwords, stemmer=stem, return_ids=False, show_progress=False)

    oracle = bm25s.BM25(method=method, k1=k1, b=b)
    oracle.index(tokens(texts), show_progress=False)
    for row, words in enumerate(tokens(asked)):
        scores = oracle.get_scores(words) if words else np.zeros(len(texts))
        above = np.flatnonzero(scores > 0)
        expected = best_rows(scores[above], above, 10)
        count = len(expected.rows)
        np.testing.assert_allclose(hits.score[row, :count], expected.scores, rtol=1.1e-4)
        np.testing.assert_allclose(scores[hits.passage[row, :count]], expected.scores, rtol=1.1e-4)
        assert (hits.passage[row, count:] == -1).all()
        assert (hits.score[row, count:] == 0).all()
    assert hits.passage.dtype == np.int32
    assert hits.score.dtype == np.float32


def test_ties_go_to_the_lower_row() -> None:
    hits = filled(["other words", "healed mice", "mice healing", "healing mice"]).search(queries(["mice heal"]), 2)
    assert hits.passage.tolist() == [[1, 2]]
    assert hits.score[0, 0] == hits.score[0, 1]


def test_a_repeated_question_word_counts_again() -> None:
    retriever = filled(["mice", "rats", "cats"])
    once, twice = (retriever.search(queries([text]), 1).score[0, 0] for text in ("mice", "mice mice"))
    assert twice == pytest.approx(2 * once, rel=1e-5)


def test_chunks_that_share_no_word_are_no_hits() -> None:
    hits = filled(["mice and men", "", "cats"]).search(queries(["mice", "dogs unknown", "", "the and"]), 5)
    assert hits.passage.tolist() == [[0, -1, -1, -1, -1], *[[-1] * 5] * 3]


def test_a_new_form_of_a_known_word_is_found() -> None:
    assert filled(["they were healed", "dogs"]).search(queries(["healing"]), 1).passage.tolist() == [[0]]
    assert filled(["they were healed", "dogs"], stemmer=None).search(queries(["healing"]), 1).passage.tolist() == [
        [-1]
    ]


@pytest.mark.parametrize("texts", [[], [""], ["", "the", "?"]])
def test_a_corpus_without_words_gives_no_hits(texts: list[str], tmp_path: Path) -> None:
    retriever, other = filled(texts), build()
    retriever.save(tmp_path)
    other.load(tmp_path, None)
    for one in (retriever, other):
        assert one.search(queries(["mice"]), 2).passage.tolist() == [[-1, -1]]
        assert one.search(queries([]), 2).passage.shape == (0, 2)


@pytest.mark.parametrize("stemmer", ["english", None])
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, stemmer: str | None) -> None:
    retriever, other = filled(random_texts(1, 80, 20), stemmer=stemmer), build(stemmer=stemmer)
    asked = queries(random_texts(2, 20, 6))
    before = retriever.search(asked, 7)
    retriever.save(tmp_path)
    other.load(tmp_path, None)
    after = other.search(asked, 7)
    np.testing.assert_array_equal(before.passage, after.passage)
    np.testing.assert_array_equal(before.score, after.score)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npy"}


def test_the_index_is_the_same_in_every_process_and_nothing_is_printed(tmp_path: Path) -> None:
    code = (
        "import logging, sys, pathlib\n"
        "logging.basicConfig(level=logging.NOTSET, stream=sys.stdout)\n"
        "from ragtally_bm25 import _build\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from test_bm25 import passages, queries, random_texts\n"
        "r = _build(1.5, 0.75, 'lucene', 'english', 'english')\n"
        "r.add(passages(random_texts(1, 50, 20)), None)\n"
        "r.search(queries(random_texts(2, 9, 5)), 3)\n"
        "r.save(pathlib.Path(sys.argv[1]))\n"
    )
    written = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder), str(Path(__file__).parent)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert done.stdout + done.stderr == ""
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    retriever, asked = filled(random_texts(1, 80, 20)), queries(random_texts(2, 20, 6))
    whole = retriever.search(asked, 5)
    monkeypatch.setattr("ragtally_bm25.index._SCORES_AT_ONCE", 100)
    pieces = retriever.search(asked, 5)
    np.testing.assert_array_equal(whole.passage, pieces.passage)
    np.testing.assert_array_equal(whole.score, pieces.score)


def test_the_first_hits_do_not_depend_on_the_limit() -> None:
    retriever, asked = filled(random_texts(1, 80, 20)), queries(random_texts(2, 20, 6))
    longest = retriever.search(asked, 100)
    for limit in (1, 3, 10):
        np.testing.assert_array_equal(retriever.search(asked, limit).passage, longest.passage[:, :limit])


def test_every_stemmer_and_stop_word_list_of_the_schema_exists() -> None:
    assert sorted(Stemmer.algorithms()) == sorted(STEMMERS)
    assert all(len(_infer_stopwords(language)) > 20 for language in STOPWORDS)


def test_pubmedqa() -> None:
    home = os.environ.get("RAGTALLY_PUBMEDQA")
    if not home:
        pytest.skip("RAGTALLY_PUBMEDQA names no folder with the labelled set")
    records = json.loads((Path(home) / "ori_pqal.json").read_text(encoding="utf-8"))
    owner = np.array([row for row, record in enumerate(records.values()) for _ in record["CONTEXTS"]])
    texts = [section for record in records.values() for section in record["CONTEXTS"]]
    hits = filled(texts).search(queries([record["QUESTION"] for record in records.values()]), 10)
    relevant = (hits.passage >= 0) & (owner[hits.passage] == np.arange(len(records))[:, None])
    recall = relevant.sum(axis=1) / np.bincount(owner)
    reciprocal = np.where(relevant.any(axis=1), 1 / (1 + relevant.argmax(axis=1)), 0)
    assert len(texts) == 3358
    assert recall.mean() == pytest.approx(0.7729, abs=5e-5)
    assert reciprocal.mean() == pytest.approx(0.9659, abs=5e-5)
