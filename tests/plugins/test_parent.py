"""The retriever parent: the windows that a loop over all windows would find."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import Candidates, Chunker, Documents, Hits, Passages, PluginError, Queries, Spans
from ragtally_chunkers import register_chunkers
from ragtally_parent import register_retrievers, windows
from ragtally_parent.windows import windows_of

(COMPONENT,) = register_retrievers()
CHUNKERS = {component.name: component for component in register_chunkers()}

Rows = list[tuple[int, int, int]]


def spans(rows: Rows) -> Spans:
    table = np.array(rows, dtype=np.int32).reshape(-1, 3)
    return Spans(*(np.ascontiguousarray(column) for column in table.T))


def candidates_of(chunks: Rows, larger: Rows, rankings: list[list[tuple[int, float]]]) -> Candidates:
    width = max([len(ranking) for ranking in rankings], default=0)
    full = [[*ranking, *[(-1, 0.0)] * (width - len(ranking))] for ranking in rankings]
    table = np.array(full, dtype=np.float64).reshape(len(rankings), width, 2)
    hits = Hits(table[..., 0].astype(np.int32), table[..., 1].astype(np.float32))
    return Candidates((hits,), Passages([""] * len(chunks), spans(chunks)), spans(larger))


def rerank(candidates: Candidates, limit: int, depth: int = 100) -> list[list[tuple[int, float]]]:
    retriever = COMPONENT.build(retriever=None, window=None, depth=depth)
    names = [str(row) for row in range(len(candidates.hits[0].passage))]
    hits = retriever.rerank(Queries(names, names), candidates, limit)
    assert hits.passage.shape == hits.score.shape == (len(names), limit)
    return [
        [(row, score) for row, score in zip(rows, scores, strict=True) if row >= 0]
        for rows, scores in zip(hits.passage.tolist(), hits.score.tolist(), strict=True)
    ]


def overlap(chunk: tuple[int, int, int], window: tuple[int, int, int]) -> int:
    return min(chunk[2], window[2]) - max(chunk[1], window[1]) if chunk[0] == window[0] else 0


def window_of(chunk: tuple[int, int, int], larger: Rows) -> int:
    overlaps = [overlap(chunk, window) for window in larger]
    return overlaps.index(max(overlaps)) if max(overlaps, default=0) > 0 else -1


CHUNKS = [(0, 0, 10), (0, 11, 20), (0, 21, 30), (2, 0, 10), (2, 10, 40)]
WINDOWS = [(0, 0, 20), (0, 15, 35), (1, 0, 5), (2, 0, 12), (2, 12, 26), (2, 26, 40)]


def test_the_table_of_windows() -> None:
    # By hand: chunk 1 lies in window 0 with 9 characters and in 1 with 5; chunk 4 in 3, 4 and 5 with 2, 14 and 14.
    assert windows_of(spans(CHUNKS), np.arange(5), spans(WINDOWS)).tolist() == [0, 0, 1, 3, 4]
    # The best chunk of window 0 scores 5, of window 4 7, of window 1 5.
    candidates = candidates_of(CHUNKS, WINDOWS, [[(4, 7.0), (1, 5.0), (2, 5.0), (0, 1.0)], [], [(3, 2.0)]])
    assert rerank(candidates, 4) == [[(4, 7.0), (0, 5.0), (1, 5.0)], [], [(3, 2.0)]]
    assert rerank(candidates, 1) == [[(4, 7.0)], [], [(3, 2.0)]]


def test_chunks_below_the_depth_count_nothing() -> None:
    candidates = candidates_of(CHUNKS, WINDOWS, [[(4, 7.0), (2, 5.0), (1, 5.0)]])
    assert rerank(candidates, 9, depth=2) == [[(4, 7.0), (1, 5.0)]]


def test_a_window_inside_a_longer_one_that_begins_earlier() -> None:
    larger = [(0, 0, 100), (0, 5, 8), (0, 20, 30), (0, 21, 90)]
    chunks = [(0, 6, 8), (0, 22, 60), (0, 85, 100), (0, 0, 100)]
    assert windows_of(spans(chunks), np.arange(4), spans(larger)).tolist() == [0, 0, 0, 0]
    assert windows_of(spans(chunks[1:3]), np.arange(2), spans(larger[1:])).tolist() == [2, 2]


@given(data=st.data())
def test_finds_what_a_loop_finds(data: st.DataObject) -> None:
    span = st.tuples(st.integers(0, 2), st.integers(0, 14), st.integers(1, 9)).map(
        lambda row: (row[0], row[1], row[1] + row[2])
    )
    larger = sorted(data.draw(st.lists(span, max_size=9)), key=lambda row: row[:2])
    chunks = sorted(data.draw(st.lists(span, min_size=1, max_size=9)), key=lambda row: row[:2])
    expected = [window_of(chunk, larger) for chunk in chunks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_PAIRS_AT_ONCE", data.draw(st.sampled_from([1, 5, 1000])))
        if -1 in expected:
            with pytest.raises(PluginError, match=f"the chunk {expected.index(-1)},"):
                windows_of(spans(chunks), np.arange(len(chunks)), spans(larger))
        else:
            assert windows_of(spans(chunks), np.arange(len(chunks)), spans(larger)).tolist() == expected


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (("words", {"size": 3}), ("words", {"size": 8, "overlap": 5})),
        (("sentences", {"size": 1}), ("sentences", {"size": 3, "overlap": 1})),
        (("words", {"size": 8}), ("words", {"size": 3})),
        (("words", {"size": 4}), ("sections", {})),
        (("sections", {}), ("words", {"size": 5})),
        (("sentences", {"size": 2}), ("whole", {})),
    ],
)
def test_every_chunk_of_the_box_has_a_window(small: tuple[str, dict], large: tuple[str, dict]) -> None:
    text = (
        "One sentence.  Then another one of more words!\nA new line? Yes: this one.\n\n  And the last of them all. "
    )
    documents = Documents(["a", "b"], [text, text[15:]], [[0, 47], [0, 32]], [[46, len(text)], [31, len(text) - 15]])
    chunks, larger = (chunker(name, parameters).split(documents) for name, parameters in (small, large))
    rows = windows_of(chunks, np.arange(len(chunks)), larger)
    every = [list(zip(one.document, one.start, one.end, strict=True)) for one in (chunks, larger)]
    assert rows.tolist() == [window_of(chunk, every[1]) for chunk in every[0]]


def chunker(name: str, parameters: dict) -> Chunker:
    component = CHUNKERS[name]
    defaults = {key: schema["default"] for key, schema in component.params.items() if "default" in schema}
    return component.build(**{**defaults, **parameters})


def test_a_document_without_windows_is_an_error() -> None:
    candidates = candidates_of(CHUNKS, WINDOWS[:3], [[(0, 1.0)], [(3, 1.0)]])
    with pytest.raises(PluginError, match=r"the chunk 3, \[0, 10\) of the document in row 2"):
        rerank(candidates, 3)


def test_chunks_that_nobody_found_are_not_looked_up() -> None:
    assert rerank(candidates_of(CHUNKS, WINDOWS[:3], [[(0, 1.0)]]), 3) == [[(0, 1.0)]]


def test_windows_must_be_there() -> None:
    candidates = candidates_of(CHUNKS, WINDOWS, [[(0, 1.0)]])
    with pytest.raises(PluginError, match="windows"):
        rerank(Candidates(candidates.hits, candidates.passages), 3)


def test_the_traits_ask_for_the_depth() -> None:
    traits = COMPONENT.traits({"retriever": None, "window": None, "depth": 30})
    assert traits.reads == {"text", "hits"}
    assert traits.depth == 30
    assert traits.prefix_stable
