"""The suite for retrievers that build on what others found, whether or not they ask a language model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import (
    Candidates,
    Choice,
    Component,
    Hits,
    Message,
    Passages,
    PromptingReranker,
    Queries,
    Reranker,
    RetrieverTraits,
    Spans,
)
from ragtally.spec.component_schema import value_faults
from ragtally.support.ranking import best_rows, no_hits, write_hits
from ragtally.testing import samples
from ragtally.testing.component import ComponentSuite
from ragtally.testing.hits import assert_hits, assert_order, assert_same, first_columns

_LIMITS = (1, 3, 60)
_REPLIES: tuple[str | None, ...] = (
    "[2] > [1] > [3]",
    None,
    "",
    '{"ranking": [3, 99, 3, 0]}',
    "I cannot rank passages.",
    "[-1] > [1000000] > []",
)
"""What a model may say: something useful, nothing at all, nonsense."""


class RerankerSuite(ComponentSuite):
    """Checks a retriever that ranks again what two others found (or as many as its parameters name).

    Name other components in `parameters` as a spec does: `"bm25"`, `{"words": {"size": 64}}`, a list of them. As in
    the engine, `check`, traits and fingerprint see them as choices, and `build` gets None for each.
    """

    kind = "retriever"
    protocol = Reranker

    @pytest.fixture
    def params(self, component: Component, tmp_path: Path) -> dict[str, Any]:
        """Every parameter with its value, components as choices."""
        params = self.fill(component, tmp_path)
        return {key: _picks(component.params[key], value) for key, value in params.items()}

    @pytest.fixture
    def build(self, component: Component, params: dict[str, Any]) -> Callable[[], Any]:
        """Build the component, again with each call, with None in place of other components."""
        params = {
            key: None if _kind_of(component.params[key]) else value
            for key, value in params.items()
            if not component.params[key].get("x-ragtally-engine")
        }
        return lambda: component.build(**params)

    @pytest.fixture
    def queries(self) -> Queries:
        """The questions."""
        return samples.queries(frozenset({"text"}))

    @pytest.fixture
    def candidates(self, component: Component, params: dict[str, Any], traits: Any, queries: Queries) -> Candidates:
        """What the others found among forty passages, with windows and replies where they are read."""
        choice = Choice("retriever", component.name, params)
        passages = samples.passages()
        rankings = [_ranking(passages, queries, number) for number in range(len(choice.inner("retriever")))]
        replies = [_REPLIES[row % len(_REPLIES)] for row in range(len(queries))]
        return Candidates(
            hits=tuple(rankings),
            passages=passages,
            windows=_windows(passages.spans) if choice.inner("chunker") else None,
            replies=replies if traits.prompts else None,
        )

    def test_the_parameters_under_test_are_allowed(self, component: Component, params: dict[str, Any]) -> None:
        """The suite tests something that a spec may say."""
        for key, value in params.items():
            if _kind_of(component.params[key]) is None:
                faults = value_faults(component.params[key], value)
                assert not faults, f"{key!r} may not be {value!r}: {faults[0]}"

    def test_the_traits_say_what_the_engine_has_to_give(
        self, component: Component, params: dict[str, Any], traits: Any
    ) -> None:
        """What others found, so many hits of each; and a model's replies, where there is a model to ask."""
        assert isinstance(traits, RetrieverTraits) and "hits" in traits.reads, 'the traits must read "hits"'
        assert "vectors" not in traits.reads, "a retriever that reads hits is given no vectors"
        assert type(traits.depth) is int and traits.depth > 0, "the traits must say a depth, how many hits are read"
        choice = Choice("retriever", component.name, params)
        assert choice.inner("retriever"), "no parameter of the kind retriever, one or a list, names what is built on"
        assert len(choice.inner("chunker")) <= ("window" in params), "a chunker is named by the parameter `window`"
        assert len(choice.inner("model")) == traits.prompts, "it prompts where its parameter `model` names a model"

    @pytest.mark.parametrize("limit", _LIMITS)
    def test_hits_are_rows_of_what_is_searched(
        self, build: Callable[[], Any], queries: Queries, candidates: Candidates, limit: int
    ) -> None:
        """As many columns as asked for, no row twice, -1 and 0 after the last hit."""
        hits = build().rerank(queries, candidates, limit)
        rows = len(candidates.passages if candidates.windows is None else candidates.windows)
        assert_hits(hits, len(queries), limit, rows)
        assert (hits.passage[:, 0] >= 0).any(), (
            "nothing is found for any question, although the others found something"
        )

    def test_hits_are_ordered_by_score_and_then_by_row(
        self, build: Callable[[], Any], queries: Queries, candidates: Candidates
    ) -> None:
        """Best first; of equal scores the lower row."""
        assert_order(build().rerank(queries, candidates, 60))

    def test_fewer_hits_are_the_first_of_more(
        self, build: Callable[[], Any], traits: Any, queries: Queries, candidates: Candidates
    ) -> None:
        """Checked where the traits say that it is prefix-stable; also where the others are asked for fewer."""
        if traits.prefix_stable:
            retriever = build()
            many = retriever.rerank(queries, candidates, 60)
            for limit in (1, 2, 5):
                few = retriever.rerank(queries, candidates, limit)
                assert_same(few, first_columns(many, limit), f"the first {limit} hits differ from those of more")
                # The engine asks the others for what the traits say, or for as many as are asked for here.
                width = max(traits.depth, limit)
                fewer = replace(candidates, hits=tuple(first_columns(hits, width) for hits in candidates.hits))
                of_fewer = retriever.rerank(queries, fewer, limit)
                assert_same(of_fewer, few, f"hits of the others below the first {width} change the first {limit}")

    def test_the_same_findings_give_the_same_hits(
        self, build: Callable[[], Any], queries: Queries, candidates: Candidates
    ) -> None:
        """To the bit: twice by one retriever, and by another one."""
        retriever = build()
        first = retriever.rerank(queries, candidates, 7)
        assert_same(retriever.rerank(queries, candidates, 7), first, "the second time the hits are others")
        assert_same(
            build().rerank(queries, candidates, 7), first, "another one of the same parameters ranks otherwise"
        )

    def test_a_question_gets_the_same_hits_alone_and_among_others(
        self, build: Callable[[], Any], queries: Queries, candidates: Candidates
    ) -> None:
        """Questions do not influence each other."""
        retriever = build()
        together = retriever.rerank(queries, candidates, 7)
        for row in range(len(queries)):
            one = slice(row, row + 1)
            alone = retriever.rerank(*_questions(queries, candidates, one), 7)
            other_hits = Hits(together.passage[one], together.score[one])
            assert_same(alone, other_hits, f"question {row} gets other hits alone")

    def test_no_questions_find_nothing(
        self, build: Callable[[], Any], queries: Queries, candidates: Candidates
    ) -> None:
        """Hits of no rows."""
        hits = build().rerank(*_questions(queries, candidates, slice(0, 0)), 7)
        assert hits.passage.shape == hits.score.shape == (0, 7), "no questions must give hits of no rows"

    @pytest.mark.parametrize("width", [0, 4])
    def test_where_nothing_was_found_there_are_no_hits(
        self, build: Callable[[], Any], queries: Queries, candidates: Candidates, width: int
    ) -> None:
        """Whether the others' hits have columns or not."""
        nothing = replace(candidates, hits=tuple(no_hits(len(queries), width) for _ in candidates.hits))
        hits = build().rerank(queries, nothing, 5)
        assert_hits(hits, len(queries), 5, 0)

    def test_questions_and_findings_stay_as_they_are(
        self, build: Callable[[], Any], traits: Any, queries: Queries, candidates: Candidates
    ) -> None:
        """A retriever only reads."""
        original, before = copy.deepcopy(queries), copy.deepcopy(candidates)
        retriever = build()
        retriever.rerank(queries, candidates, 5)
        if traits.prompts:
            retriever.prompts(queries, candidates)
        assert (queries.id, queries.text) == (original.id, original.text), "the retriever changed the questions"
        for hits, old in zip(candidates.hits, before.hits, strict=True):
            assert_same(hits, old, "the retriever changed the hits of another one")
        assert list(candidates.passages.text) == list(before.passages.text), "the retriever changed the passages"
        assert _columns_of(candidates.windows) == _columns_of(before.windows), "the retriever changed the windows"
        assert candidates.replies == before.replies, "the retriever changed the replies"

    def test_there_is_one_prompt_a_question(
        self, build: Callable[[], Any], traits: Any, queries: Queries, candidates: Candidates
    ) -> None:
        """Checked where the traits say that it prompts: messages with some text, the same every time."""
        if traits.prompts:
            retriever, without_replies = build(), replace(candidates, replies=None)
            assert isinstance(retriever, PromptingReranker), "`build` must return a PromptingReranker"
            prompts = retriever.prompts(queries, without_replies)
            assert len(prompts) == len(queries), "there must be one prompt a question"
            for prompt in prompts:
                assert isinstance(prompt, tuple) and prompt, "a prompt is a tuple of at least one message"
                assert all(isinstance(message, Message) for message in prompt), "a prompt holds instances of Message"
                assert prompt[-1].content.strip(), "the last message of a prompt is empty"
            assert list(build().prompts(queries, without_replies)) == list(prompts), (
                "the second time the prompts are others"
            )
            for row in range(len(queries)):
                alone = retriever.prompts(*_questions(queries, without_replies, slice(row, row + 1)))
                assert list(alone) == [prompts[row]], f"question {row} gets another prompt alone"

    def test_a_failed_call_leaves_the_findings_in_their_order(
        self, build: Callable[[], Any], traits: Any, queries: Queries, candidates: Candidates
    ) -> None:
        """Checked of one that prompts and builds on one other: the reply that never came must not cost the hits."""
        if traits.prompts and candidates.windows is None and len(candidates.hits) == 1:
            hits = build().rerank(queries, replace(candidates, replies=[None] * len(queries)), 7)
            for row, old in zip(hits.passage, candidates.hits[0].passage, strict=True):
                hits_of_row = row[row >= 0]
                assert len(hits_of_row) or old[0] < 0, "a failed call costs all hits"
                assert np.array_equal(hits_of_row, old[: len(hits_of_row)]), "a failed call changes the order"

    def test_replies_that_rank_nothing_are_counted(
        self, build: Callable[[], Any], traits: Any, queries: Queries, candidates: Candidates
    ) -> None:
        """Checked where the traits say that it prompts: a failed call is none of them, an empty reply is one."""
        if traits.prompts:
            for replies, least, most in ((None, 0, 0), ("", 1, len(queries)), ("[2] > [1]", 0, len(queries))):
                unread = build().unread(replace(candidates, replies=[replies] * len(queries)))
                assert isinstance(unread, int) and least <= unread <= most, f"{unread} replies {replies!r} are unread"


def _kind_of(schema: Mapping[str, Any]) -> str | None:
    kind = schema.get("x-ragtally-kind") or schema.get("items", {}).get("x-ragtally-kind")
    return kind if isinstance(kind, str) else None


def _picks(schema: Mapping[str, Any], value: Any) -> Any:
    kind = _kind_of(schema)
    if kind is None or value is None:
        return value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_picks({"x-ragtally-kind": kind}, item) for item in value)
    name, parameters = (value, {}) if isinstance(value, str) else next(iter(value.items()))
    return Choice(kind, name, parameters or {})


def _ranking(passages: Passages, queries: Queries, number: int) -> Hits:
    # The first ranks by words, the others by other numbers of letters: with ties, of different lengths, and with
    # a question for which only some of them find something.
    hits = no_hits(len(queries), 30 + 3 * number)
    for row, question in enumerate(queries.text):
        words = set(question.casefold().rstrip("?").split())
        if number == 0:
            scores = [len(words & set(text.casefold().split())) for text in passages.text]
        else:
            scores = [(len(text) * (row + number)) % (7 + number) for text in passages.text]
        candidates = np.flatnonzero(scores)
        write_hits(
            hits, row, best_rows(np.array(scores, dtype=np.float32)[candidates], candidates, hits.passage.shape[1])
        )
    return hits


def _windows(spans: Spans) -> Spans:
    # Three chunks each, or what the document has left; each begins with the last chunk of the one before.
    last_of_document = np.searchsorted(spans.document, spans.document, side="right") - 1
    first = np.arange(0, len(spans), 2)
    last = np.minimum(first + 2, last_of_document[first])
    return Spans(spans.document[first], spans.start[first], spans.end[last])


def _columns_of(spans: Spans | None) -> list[list[int]] | None:
    return None if spans is None else [spans.document.tolist(), spans.start.tolist(), spans.end.tolist()]


def _questions(queries: Queries, candidates: Candidates, rows: slice) -> tuple[Queries, Candidates]:
    hits = tuple(Hits(one.passage[rows], one.score[rows]) for one in candidates.hits)
    replies = None if candidates.replies is None else candidates.replies[rows]
    return Queries(queries.id[rows], queries.text[rows]), replace(candidates, hits=hits, replies=replies)
