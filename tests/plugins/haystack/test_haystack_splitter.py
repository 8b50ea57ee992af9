"""Any splitter: its pieces are found again in the text, or the error says why they cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import Documents, PluginError, Spans
from ragtally.testing import samples
from ragtally_haystack import register_chunkers

Build = Callable[..., Any]

SPLITTER = "haystack.components.preprocessors.DocumentSplitter"
WRONG = "sample_parts.splitters.Wrong"


def documents(*texts: str) -> Documents:
    names = [f"d{row}" for row in range(len(texts))]
    return Documents(names, list(texts), [[0]] * len(texts), [[len(text)] for text in texts])


def pieces(spans: Spans, texts: Documents) -> list[str]:
    columns = zip(spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True)
    return [texts.text[row][start:end] for row, start, end in columns]


@pytest.mark.parametrize("overlap", [0, 2])
@pytest.mark.parametrize("split_by", ["word", "period", "line", "passage", "page"])
def test_the_chunks_are_what_haystack_itself_cuts(split_by: str, overlap: int, build: Build) -> None:
    given = {"split_by": split_by, "split_length": 4, "split_overlap": overlap}
    texts = samples.documents()
    spans = build("chunker", type=SPLITTER, init_parameters=given).split(texts)
    from haystack import Document
    from haystack.components.preprocessors import DocumentSplitter

    own = DocumentSplitter(**given)
    expected = [
        (row, piece.meta["split_idx_start"], piece.content)
        for row, text in enumerate(texts.text)
        if text.strip()
        for piece in own.run([Document(content=text)])["documents"]
        if piece.content.strip()
    ]
    found = list(zip(spans.document.tolist(), spans.start.tolist(), pieces(spans, texts), strict=True))
    assert found == expected


WORDS = st.lists(st.sampled_from(["a", "b", "ab", "a.", "\n", "  "]), max_size=25).map(" ".join)


@given(text=WORDS, size=st.integers(1, 5), overlap=st.integers(0, 4))
def test_pieces_without_offsets_are_found_in_order(text: str, size: int, overlap: int) -> None:
    """Words repeat a lot here, so that a piece stands in many places."""
    from sample_parts.splitters import Words

    overlap = min(overlap, size - 1)
    chunker = register_chunkers()[0].build(
        type="sample_parts.splitters.Words", init_parameters={"size": size, "overlap": overlap}
    )
    texts = documents(text)
    spans = chunker.split(texts)
    expected = list(Words(size, overlap).split(text))
    assert sorted(pieces(spans, texts)) == sorted(expected)
    held = np.zeros(len(text), dtype=bool)
    for start, end in zip(spans.start, spans.end, strict=True):
        held[start:end] = True
    assert all(held[at] for at, character in enumerate(text) if not character.isspace())
    if not overlap:
        assert pieces(spans, texts) == expected
        assert (spans.start[1:] >= spans.end[:-1]).all()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("changes", "changes the text of the document 'd1': it does not hold 'ONE TWO THREE'"),
        ("drops", "drops text of the document 'd1': no chunk holds 'seven'"),
        ("drops the middle", "drops text of the document 'd1': no chunk holds 'four five six'"),
        ("fails", "fails on the document 'd1': RuntimeError: no more ink"),
    ],
)
def test_what_a_splitter_does_wrong_is_said_with_the_document(how: str, message: str, build: Build) -> None:
    chunker = build("chunker", type=WRONG, init_parameters={"how": how})
    with pytest.raises(PluginError) as caught:
        chunker.split(documents(" \n", "one two three four five six seven"))
    assert f"{WRONG} {message}" in caught.value.message


@pytest.mark.parametrize("how", ["misstates", "pads", "turns round"])
def test_what_can_be_mended_is_no_error(how: str, build: Build) -> None:
    texts = documents("one two three four five six seven")
    spans = build("chunker", type=WRONG, init_parameters={"how": how}).split(texts)
    assert pieces(spans, texts) == ["one two three", "four five six", "seven"]


def test_a_splitter_is_warmed_up(build: Build) -> None:
    assert len(build("chunker", type="sample_parts.splitters.NeedsWarming").split(documents("one two"))) == 1


def test_parts_within_parts_are_chunks_of_their_own(build: Build) -> None:
    type_ = "haystack.components.preprocessors.HierarchicalDocumentSplitter"
    texts = documents("a b c d")
    spans = build("chunker", type=type_, init_parameters={"block_sizes": [4, 2]}).split(texts)
    assert pieces(spans, texts) == ["a b ", "a b c d", "c d"]


def test_a_component_inside_a_splitter_is_made_too(build: Build) -> None:
    type_ = "haystack.components.preprocessors.EmbeddingBasedDocumentSplitter"
    inner = {"type": "haystack.components.embedders.MockDocumentEmbedder", "init_parameters": {"dimension": 4}}
    from ragtally_haystack.construct import make
    from ragtally_haystack.definition import Definition
    from ragtally_haystack.roles import SPLITTER as ROLE

    made = make(ROLE, Definition(type_, {"document_embedder": inner}))
    assert made.document_embedder.dimension == 4
    assert inner == {
        "type": "haystack.components.embedders.MockDocumentEmbedder",
        "init_parameters": {"dimension": 4},
    }


def test_a_wrong_value_is_an_error_that_names_the_type(build: Build) -> None:
    with pytest.raises(PluginError, match=rf"{SPLITTER} cannot be made: ValueError: split_length must be"):
        build("chunker", type=SPLITTER, init_parameters={"split_length": -1})
