"""Reranking by a cross-encoder: the order by a made-up one, and by a tiny one that sentence-transformers runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.rerank.sample_candidates import COMPONENT, DEFAULTS, found, queries, shown
from plugins.rerank.tiny_cross_encoder import save_tiny_cross_encoder
from ragtally.api import Candidates, DataError, PluginError
from ragtally.support.local_models import INSTALL
from ragtally_rerank import cross_encoder
from ragtally_rerank.cross_encoder import CrossEncoderReranker, Pair

TEXTS = ["a", "bbb", "cc", "bbb", "eeeee"]


def by_length(pairs: list[Pair]) -> np.ndarray:
    """Longer passages fit better, but never to a question that ends in an exclamation mark."""
    return np.array([0.0 if question.endswith("!") else len(text) for question, text in pairs], dtype=np.float32)


def test_the_first_hits_are_ordered_by_their_scores_and_then_by_row() -> None:
    given = found(TEXTS, [[0, 3, 1, 4, 2], [2, 0], [], [3, 0, 1]])
    hits = CrossEncoderReranker(by_length, 3).rerank(queries("a?", "b?", "c?", "d!"), given, 4)
    assert shown(hits) == [[1, 3, 0, 4], [2, 0], [], [0, 1, 3]]


@given(data=st.data())
def test_ranks_as_a_sort_would(data: st.DataObject) -> None:
    first, count, limit = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 5)), data.draw(st.integers(1, 8))
    ranking = data.draw(st.permutations(range(5)))[:count]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_encoder, "_PAIRS_AT_ONCE", data.draw(st.sampled_from([1, 2, 100])))
        given = found(TEXTS, [ranking, ranking[::-1]])
        hits = CrossEncoderReranker(by_length, first).rerank(queries("a?", "b?"), given, limit)
    wanted = [
        [*sorted(old[:first], key=lambda row: (-len(TEXTS[row]), row)), *old[first:]]
        for old in (ranking, ranking[::-1])
    ]
    assert shown(hits) == [one[:limit] for one in wanted]


def test_scores_that_round_to_one_number_are_equal() -> None:
    given = found(TEXTS, [[4, 2]])
    hits = CrossEncoderReranker(lambda pairs: np.array([-7.0000002, -7.0000001]), 2).rerank(queries("a"), given, 2)
    assert shown(hits) == [[2, 4]]


@pytest.mark.parametrize("scores", [[1.0], [[1.0], [2.0]], [1.0, float("nan")], [1.0, float("inf")]])
def test_anything_but_one_number_a_pair_is_refused(scores: Any) -> None:
    with pytest.raises(PluginError, match="for 2 pairs"):
        CrossEncoderReranker(lambda pairs: np.array(scores), 2).rerank(queries("a"), found(TEXTS, [[0, 1]]), 2)


def test_a_missing_package_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["BertForSequenceClassification"]}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    for name in ("torch", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PluginError, match="sentence-transformers cannot be imported") as raised:
        COMPONENT.build(**{**DEFAULTS, "cross_encoder": str(tmp_path)})
    assert raised.value.hint == INSTALL


# Slow from here on: torch, transformers and sentence-transformers take many seconds to import.


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_cross_encoder(folder)
    yield folder


def tiny_found() -> Candidates:
    texts = [
        f"{word} {'fever ' * (number % 7)}" for number, word in enumerate(["asthma", "insulin", "dose", "kidney"] * 9)
    ]
    draw = np.random.default_rng(3)
    return found(texts, [draw.permutation(len(texts))[:30].tolist() for _ in range(5)])


@pytest.mark.slow
def test_the_order_is_that_of_the_model_itself(tiny: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    given, asked = (
        tiny_found(),
        queries(*[f"is fever {word}?" for word in ["high", "low", "due", "to", "a", "dose"][:5]]),
    )
    retriever = COMPONENT.build(**{**DEFAULTS, "cross_encoder": str(tiny), "first": 12, "device": "cpu"})
    hits = retriever.rerank(asked, given, 20)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    model = AutoModelForSequenceClassification.from_pretrained(tiny).eval()
    wanted = []
    for question, ranking in zip(asked.text, given.hits[0].passage.tolist(), strict=True):
        scores = {}
        for row in ranking[:12]:
            with torch.inference_mode():
                scores[row] = model(
                    **tokenizer(question, given.passages.text[row], return_tensors="pt")
                ).logits.item()
        wanted.append([*sorted(scores, key=lambda row: (-float(f"{scores[row]:.4e}"), row)), *ranking[12:20]])
    assert shown(hits) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"batch": 1}, {"batch": 100}])
def test_how_many_pairs_are_read_at_once_does_not_show(tiny: Path, change: dict[str, Any]) -> None:
    given, asked = tiny_found(), queries(*"abcde")
    parameters = {**DEFAULTS, "cross_encoder": str(tiny), "device": "cpu"}
    wanted = COMPONENT.build(**parameters).rerank(asked, given, 20)
    hits = COMPONENT.build(**{**parameters, **change}).rerank(asked, given, 20)
    np.testing.assert_array_equal(hits.passage, wanted.passage)


@pytest.mark.slow
def test_long_pairs_are_cut(tiny: Path) -> None:
    texts = ["x " * 40 + "fever", "x " * 40 + "dose", "x " * 4000]
    parameters = {**DEFAULTS, "cross_encoder": str(tiny), "device": "cpu", "max_tokens": 16}
    hits = COMPONENT.build(**parameters).rerank(queries("a"), found(texts, [[2, 1, 0]]), 3)
    assert shown(hits) == [[0, 1, 2]], "cut to 16 tokens, the three are one"


@pytest.mark.slow
def test_nothing_is_printed_and_nothing_stays_switched_off(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    shows = logging.is_progress_bar_enabled()
    COMPONENT.build(**{**DEFAULTS, "cross_encoder": str(tiny)}).rerank(queries(*"abcde"), tiny_found(), 5)
    assert capfd.readouterr() == ("", "")
    assert logging.is_progress_bar_enabled() == shows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "damage", "message"),
    [(3, None, "gives 3 scores per pair"), (1, b"no weights", "cannot be loaded as a cross-encoder")],
)
def test_a_model_that_cannot_be_used_is_refused(
    tmp_path: Path, labels: int, damage: bytes | None, message: str
) -> None:
    save_tiny_cross_encoder(tmp_path, labels=labels)
    if damage:
        (tmp_path / "model.safetensors").write_bytes(damage)
    with pytest.raises(DataError, match=message) as raised:
        COMPONENT.build(**{**DEFAULTS, "cross_encoder": str(tmp_path)})
    assert "ms-marco" in str(raised.value.hint)


@pytest.mark.slow
def test_a_device_that_is_not_there_is_an_error(tiny: Path) -> None:
    with pytest.raises(DataError, match="on the device cuda:77") as raised:
        COMPONENT.build(**{**DEFAULTS, "cross_encoder": str(tiny), "device": "cuda:77"})
    assert raised.value.hint == "device: cpu"


@pytest.mark.slow
def test_too_little_memory_is_said_with_its_remedy(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentence_transformers import CrossEncoder

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 682.00 MiB.")

    monkeypatch.setattr(CrossEncoder, "predict", fail)
    reranker = COMPONENT.build(**{**DEFAULTS, "cross_encoder": str(tiny), "device": "cpu", "batch": 64})
    with pytest.raises(DataError, match="for 64 pairs at once") as raised:
        reranker.rerank(queries(*"abcde"), tiny_found(), 5)
    assert raised.value.hint == "batch: 32"
