"""Sentences found in whole batches are those that a regular expression finds mark by mark."""

from __future__ import annotations

import json
import os
import re
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragtally_chunkers.abbreviations import ABBREVIATIONS, LANGUAGES, abbreviations
from ragtally_chunkers.sentences import ends_here
from ragtally_chunkers.windows import find_sentences

PUBMEDQA = os.environ.get("RAGTALLY_PUBMEDQA")
MARKS = re.compile(r"""[.!?…。！？｡]++["'”’»)\]}」』）]*+|\n[^\S\n]*+\n""")


def one_by_one(text: str, breaks: set[int], language: str | None = None) -> list[tuple[int, int]]:
    """Go from mark to mark; each is judged knowing where the sentence before it ended."""
    cuts, begin = set(), 0
    for match in MARKS.finditer(text):
        mark, end = match.span()
        if end == len(text):
            break
        always = text[mark] in "\n。！？｡"
        if always or (text[end].isspace() and ends_here(text, begin, mark, end, language)):
            cuts.add(end)
            begin = end
    cuts |= {cut for cut in breaks if 0 < cut < len(text)}
    ordered = [0, *sorted(cuts), len(text)]
    pieces = []
    for first, past in pairwise(ordered):
        piece = text[first:past]
        if piece.strip():
            pieces.append((first + len(piece) - len(piece.lstrip()), first + len(piece.rstrip())))
    return pieces


def in_bulk(texts: list[str], breaks: list[list[int]], language: str | None = None) -> list[list[tuple[int, int]]]:
    units = find_sentences(texts, breaks, [[]] * len(texts), language)
    spans = list(zip(units.starts.tolist(), units.ends.tolist(), strict=True))
    taken = iter(spans)
    return [[next(taken) for _ in range(count)] for count in units.counts.tolist()]


TOKENS = [
    *sorted(ABBREVIATIONS)[::5], "dr", "no", "al", "messrs", "e.g", "ph.d", "Ph.D", "Dr", "FIG", "J", "é", "%", "U.S",
    "x.J.y.z", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o", "5", "12345678", "123456789", "1" * 30, "٣", "１２", "0.05", "x5",
    "trial", "word ", "", "(no", "(word", "\u212ag", "ſt", "naïve", "((((((((((no", "x" + "(" * 30 + "no",
    "x" * 22 + " no", "。no", "文。J", "x。5", "。", "文。" + "(" * 9 + "no", '"', "\x00", "etc)",
]  # fmt: skip
MARKED = [". ", ".\u2003", "? ", "... ", '." ', ".)) ", "。", ".。 ", "。. ", " . ", ".\n\n", ".]"]
FOLLOWING = ["The", "the", "Word", "5", "V", "mRNA", '"“(The', "(the", "é", "文", "-", "\n"]


@pytest.mark.parametrize("before", ["", "It was ", "文。One. "])
def test_every_token_before_every_mark_and_every_word_behind_it(before: str) -> None:
    texts = [f"{before}{token}{mark}{word} there" for token, mark, word in product(TOKENS, MARKED, FOLLOWING)]
    texts += [f"{before}{token}{mark}{word}" for token, mark, word in product(TOKENS[-8:], MARKED, FOLLOWING)]
    found = in_bulk(texts, [[]] * len(texts))
    assert [spans for spans, text in zip(found, texts, strict=True) if spans != one_by_one(text, set())] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_languages_abbreviations_end_no_sentence(language: str) -> None:
    own = sorted(abbreviations(language) - ABBREVIATIONS)
    texts = [f"It was {token}. {word} there" for token in [*own, "word", "12", "123"] for word in ("The", "5", "é")]
    assert in_bulk(texts, [[]] * len(texts), language) == [one_by_one(text, set(), language) for text in texts]
    assert all(
        len(spans) == 1 for spans in in_bulk([f"It was {token}. The end" for token in own], [[]] * len(own), language)
    )


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("es", "La Sra. López vive en EE. UU. desde enero. Su hija no.", 2),
        ("de", "Am 3. Oktober, d.h. bzw. Mittwoch, kam er. Dann ging er.", 2),
        ("pt", "O Sr. Silva e a Profa. Costa moram na Av. Central. Chove.", 2),
        (None, "La Sra. López vive. Su hija no.", 3),
    ],
)
def test_sentences_of_other_languages(language: str | None, text: str, sentences: int) -> None:
    (spans,) = in_bulk([text], [[]], language)
    assert len(spans) == sentences


TEXT = st.text(st.sampled_from(" \n.!?…。｡\"')(“ aB1é٣"), max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT, st.lists(st.integers(-1, 30), max_size=3)), max_size=4))
@example([("Item. 1. Next one. The end. ", []), ("1. First. 2. Second.", [9])])
@example([("ends.", []), ("Ends", []), ("", []), ("...", []), (" . A", [])])
@example([("1. 2. 3. 4. The end. 5. No. 6. U.S. 7.", [])])
def test_both_ways_find_the_same_sentences(given_texts: list[tuple[str, list[int]]]) -> None:
    texts, breaks = [text for text, _ in given_texts], [cuts for _, cuts in given_texts]
    assert in_bulk(texts, breaks) == [one_by_one(text, set(cuts)) for text, cuts in given_texts]


@pytest.mark.skipif(not PUBMEDQA, reason="RAGTALLY_PUBMEDQA names no folder with the data set")
def test_both_ways_agree_on_abstracts() -> None:
    records = json.loads((Path(PUBMEDQA or "") / "ori_pqal.json").read_text(encoding="utf-8"))
    texts = ["\n".join(record["CONTEXTS"]) for record in records.values()]
    assert in_bulk(texts, [[]] * len(texts)) == [one_by_one(text, set()) for text in texts]
