"""Reranking by a cross-encoder, which reads question and passage together and says how well they fit.

Nogueira and Cho (2019), "Passage re-ranking with BERT".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import Candidates, DataError, Hits, PluginError, Queries
from ragtally.support.local_models import device_error, load_sentence_transformers, memory_error
from ragtally.support.ranking import round_scores
from ragtally_rerank.ordering import reorder

# A question and a passage.
Pair = tuple[str, str]
# Scores pairs, shape [pairs]; the better they fit, the higher.
Scorer = Callable[[list[Pair]], NDArray[np.floating]]

_PAIRS_AT_ONCE = 1 << 14


class CrossEncoderReranker:
    """Orders the first hits by the scores of a cross-encoder; equal scores by passage row."""

    def __init__(self, score: Scorer, first: int) -> None:
        self._score = score
        self._first = first

    def rerank(self, queries: Queries, candidates: Candidates, limit: int) -> Hits:
        """Rank again (see `ragtally.api.Reranker.rerank`)."""
        (hits,) = candidates.hits
        rows = hits.passage[:, : self._first]
        questions, columns = np.nonzero(rows >= 0)
        scores = np.full(rows.shape, -np.inf)
        for start in range(0, len(questions), _PAIRS_AT_ONCE):
            block = slice(start, start + _PAIRS_AT_ONCE)
            of_pairs, passages = questions[block], rows[questions[block], columns[block]]
            pairs = [
                (queries.text[question], candidates.passages.text[row])
                for question, row in zip(of_pairs.tolist(), passages.tolist(), strict=True)
            ]
            scores[of_pairs, columns[block]] = round_scores(self._pair_scores(pairs))
        return reorder(hits, np.lexsort((rows, -scores), axis=1), limit)

    def _pair_scores(self, pairs: list[Pair]) -> NDArray[np.floating]:
        scores = np.asarray(self._score(pairs), dtype=np.float64)
        if scores.shape != (len(pairs),) or not np.isfinite(scores).all():
            raise PluginError(
                f"the cross-encoder gives {list(scores.shape)} scores for {len(pairs)} pairs, or NaN or infinity",
                hint="name another one under cross_encoder",
            )
        return scores


def load_scorer(folder: Path, name: str, *, max_tokens: int | None, batch: int, device: str | None) -> Scorer:
    """Load a cross-encoder by sentence-transformers; nothing is downloaded, and no code of the model's own is run."""
    package = load_sentence_transformers()
    import torch

    try:
        encoder: Any = package.CrossEncoder(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
            max_length=max_tokens,
            activation_fn=torch.nn.Identity(),
        )
    except Exception as error:  # three libraries read files that anybody may have written
        reason = str(error).strip().partition("\n")[0]
        raise device_error(name, device, error) or DataError(
            f"{name} cannot be loaded as a cross-encoder: {reason}",
            hint="name a reranker: cross-encoder/ms-marco-MiniLM-L6-v2",
        ) from error
    if encoder.num_labels != 1:
        raise DataError(
            f"{name} gives {encoder.num_labels} scores per pair, where a reranker gives one",
            hint="name a reranker: cross-encoder/ms-marco-MiniLM-L6-v2",
        )

    def score(pairs: list[Pair]) -> NDArray[np.floating]:
        try:
            scores: NDArray[np.floating] = encoder.predict(pairs, batch_size=batch, show_progress_bar=False)
        except RuntimeError as error:
            raise memory_error(name, batch, "pairs", error) or error from error
        return scores

    return score
