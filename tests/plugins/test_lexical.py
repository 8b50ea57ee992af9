"""Tokens, terms and indexes that the lexical retrievers share."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import bm25s.tokenization
import numpy as np
import pytest
import Stemmer
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import PluginError
from ragtally_lexical import counting
from ragtally_lexical.bulk import count_batches
from ragtally_lexical.counting import TermCounts, count_terms
from ragtally_lexical.index import index_texts
from ragtally_lexical.search import shortlist
from ragtally_lexical.tokens import STEMMERS, STOPWORDS, Tokenizer, check_token_parameters, stop_words

AWKWARD = [
    "IL-6 and TNF-\u03b1 (p < 0.05) in COVID\u201119 T\u2010cells; x-ray--film -a- b- _under_score_",
    "\u0130stanbul \u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3 ends in sigma \u03a3",
    "na\u00efve cafe\u0301 \u6f22\u5b57\u306e\u6587 \u0939\u093f\u0928\u094d\u0926\u0940",
    "\U0001d400\U0001d401 \U0001f469\u200d\U0001f52c",
    "lone \ud800 surrogate",
    "",
    "  \n\t\x00 ",
    "a\n\nb\r\nc\u2028d the THE The",
    "run running runs runner healed healing",
]


def tables(counts: TermCounts) -> list[dict[str, int]]:
    """Each text's terms with their counts."""
    ends = np.cumsum(counts.sizes)
    rows = [(counts.vocabulary[term], int(count)) for term, count in zip(counts.term, counts.count, strict=True)]
    return [dict(rows[end - size : end]) for end, size in zip(ends, counts.sizes, strict=True)]


def count_in_bulk(texts: list[str], tokenizer: Tokenizer, characters: int) -> TermCounts:
    """The counts of the compiled loops, in batches of at least so many characters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_MANY", -1)
        patch.setattr(counting, "_BATCH", characters)
        return count_terms(texts, tokenizer)


def bm25s_tables(
    texts: list[str], splitter: object, stemmer: str | None, stopwords: str | None
) -> list[dict[str, int]]:
    stem = Stemmer.Stemmer(stemmer) if stemmer else None
    oracle = bm25s.tokenization.Tokenizer(splitter=splitter, stemmer=stem, stopwords=stopwords)
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    ids = oracle.tokenize(composed, return_as="ids", show_progress=False, allow_empty=False)
    # Without a stemmer bm25s numbers tokens, with one stems.
    words = {number: word for word, number in (oracle.stem_to_sid if stem else oracle.word_to_id).items()}
    return [dict(Counter(words[number] for number in text)) for text in ids]


def bigrams(text: str) -> list[str]:
    return [run[at : at + 2] for run in re.findall(r"\w+", text) for at in range(max(1, len(run) - 1))]


def hyphenated(text: str) -> list[str]:
    return re.findall(r"\w+(?:-\w+)*", text.replace("\u2010", "-").replace("\u2011", "-"))


SPLITTERS = {"words": r"(?u)\b\w\w+\b", "hyphenated": hyphenated, "bigrams": bigrams}


@pytest.mark.parametrize("bulk", [0, 1, 100])
@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize(
    ("stemmer", "stopwords"), [("english", "english"), (None, None), ("turkish", "english_plus")]
)
def test_terms_are_those_of_bm25s(name: str, stemmer: str | None, stopwords: str | None, bulk: int) -> None:
    tokenizer = Tokenizer(name, stemmer, stopwords)
    counts = count_in_bulk(AWKWARD, tokenizer, bulk) if bulk else count_terms(AWKWARD, tokenizer)
    expected = bm25s_tables(AWKWARD, SPLITTERS[name], stemmer, stopwords)
    assert tables(counts) == expected
    assert counts.lengths.tolist() == [sum(table.values()) for table in expected]
    assert counts.count.dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("words", ["il", "tnf", "05", "covid", "19", "ray"]),
        ("hyphenated", ["il-6", "tnf-\u03b1", "p", "0", "05", "covid-19", "x-ray"]),
        ("bigrams", ["il", "6", "tn", "nf", "\u03b1", "p", "0", "05", "co", "ov", "vi", "id", "19", "x", "ra", "ay"]),
    ],
)
def test_what_a_token_is(name: str, expected: list[str]) -> None:
    assert Tokenizer(name, None, None).tokens("IL-6, TNF-\u03b1: p < 0.05 (COVID\u201119); X-ray") == expected


LETTERS = "aAbBe\u00e9\u0130\u03a3\u0301-_ \n.1\u6f22\u2011\U0001d400\u0e01\u0e34\u3314\uff76\uff9e"
CHINESE = "\u57282010\u5e74\uff0c\uff21bc \u4e2d\u56fd\u4eba\u6c11 \uff76\uff9e\uff77 \u0e01\u0e34\u0e19 x"


@pytest.mark.parametrize("bulk", [0, 1])
def test_signs_of_a_script_without_spaces_are_tokens_in_pairs(bulk: int) -> None:
    # As Lucene's CJKAnalyzer has them, with full-width letters and half-width kana made the usual ones.
    expected = ["在", "2010", "年", "abc", "中国", "国人", "人民", "ガキ", "กิ", "ิน"]
    tokenizer = Tokenizer("words", "english", None, "zh")
    assert tokenizer.tokens(CHINESE) == expected
    assert tables(count_in_bulk([CHINESE], tokenizer, bulk) if bulk else count_terms([CHINESE], tokenizer)) == [
        dict(Counter(expected))
    ]


def test_no_text_without_such_signs_has_other_tokens() -> None:
    texts = [text for text in AWKWARD if not re.search("[\u3000-\u9fff\U0001d400]", text)]
    for name in SPLITTERS:
        plain, chinese = Tokenizer(name, None, None), Tokenizer(name, None, None, "zh")
        assert [plain.tokens(text) for text in texts] == [chinese.tokens(text) for text in texts]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.text(
            st.sampled_from(LETTERS),
            max_size=25,
        ),
        max_size=8,
    ),
    st.sampled_from(sorted(SPLITTERS)),
    st.sampled_from([None, "ja"]),
    st.integers(1, 100),
)
def test_both_ways_count_alike(texts: list[str], name: str, language: str | None, characters: int) -> None:
    tokenizer = Tokenizer(name, None, None, language)
    small = count_terms(texts, tokenizer)
    if texts:
        bulk = count_in_bulk(texts, tokenizer, characters)
        assert bulk.vocabulary == small.vocabulary
        assert tables(bulk) == tables(small)
        np.testing.assert_array_equal(bulk.lengths, small.lengths)


def test_bulk_grows_with_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragtally_lexical.bulk._FEWEST_SLOTS", 4)
    texts = [f"word{row} word{row // 2} shared" for row in range(2000)]
    tokenizer = Tokenizer("words", None, None)
    assert tables(count_in_bulk(texts, tokenizer, 200)) == [dict(Counter(text.split())) for text in texts]


def test_many_texts_are_counted_in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_MANY", 1000)
    calls = []
    monkeypatch.setattr(
        "ragtally_lexical.bulk.count_batches", lambda *arguments: calls.append(arguments) or count_batches(*arguments)
    )
    tokenizer = Tokenizer("words", None, None)
    count_terms(["word " * 10] * 10, tokenizer)
    assert not calls
    count_terms(["word " * 10] * 30, tokenizer)
    assert len(calls) == 1


def test_an_index_holds_each_terms_chunks_in_order() -> None:
    index = index_texts(["b a b", "", "c b", "a"], Tokenizer("hyphenated", None, None))
    assert index.vocabulary == ("b", "a", "c")
    assert index.bounds.tolist() == [0, 2, 4, 5]
    assert index.chunks.tolist() == [0, 2, 0, 3, 2]
    assert index.counts.tolist() == [2, 1, 1, 1, 1]
    assert index.lengths.tolist() == [3, 0, 2, 1]


def test_every_stemmer_and_stop_word_list_of_the_schema_exists() -> None:
    assert sorted(Stemmer.algorithms()) == sorted(STEMMERS)
    for language in STOPWORDS:
        assert stop_words(language) == set(bm25s.tokenization._infer_stopwords(language))
        assert len(stop_words(language)) > 20
    assert stop_words(None) == set()


def test_missing_stop_words_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STOPWORDS, "english", "STOPWORDS_GONE")
    with pytest.raises(PluginError, match="no stop words for english"):
        stop_words("english")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PluginError, match="not installed"):
        stop_words("english")


def test_bigrams_have_neither_stems_nor_stop_words() -> None:
    parameters = {"tokenizer": "bigrams", "stemmer": "english", "stopwords": None}
    (fault,) = check_token_parameters(parameters)
    assert (fault.parameter, fault.hint) == ("stemmer", "write stemmer: null")
    assert not check_token_parameters({**parameters, "stemmer": None})
    assert not check_token_parameters({**parameters, "tokenizer": "words"})


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.integers(1, 10))
def test_a_shortlist_keeps_the_best(scores: list[float], limit: int) -> None:
    rows = shortlist(np.array(scores, np.float64), limit)
    others = np.delete(np.array(scores), rows)
    assert len(rows) >= min(limit, len(scores))
    assert not len(others) or others.max() < np.sort(scores)[-limit]


@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=5), bulk=st.booleans())
def test_a_letter_and_its_accent_are_one_letter_however_they_are_written(texts: list[str], bulk: bool) -> None:
    tokenizer = Tokenizer("words", None, None)
    composed, decomposed = ([unicodedata.normalize(form, text) for text in texts] for form in ("NFC", "NFD"))
    count = (lambda each: count_in_bulk(each, tokenizer, 10)) if bulk else lambda each: count_terms(each, tokenizer)
    assert tables(count(composed)) == tables(count(decomposed)) == tables(count(texts))
