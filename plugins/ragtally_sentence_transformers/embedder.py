"""Embed texts with a loaded model."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import DataError
from ragtally.support.local_models import memory_error
from ragtally_sentence_transformers.loading import load

LOG = logging.getLogger("ragtally.sentence_transformers")


class SentenceTransformersEmbedder:
    """Embeds with one model; it is loaded with the first text."""

    # A text's vector is the same on every run, but for the last bits: which texts share a batch decides how sums are
    # rounded.

    def __init__(
        self,
        model: str,
        revision: str | None,
        normalise: bool,
        query_prefix: str | None,
        document_prefix: str | None,
        max_tokens: int | None,
        batch: int,
        device: str | None,
        threads: int,
    ) -> None:
        self._where = (model, revision, device)
        self._normalise, self._batch, self._threads = normalise, batch, threads
        self._prefixes = {"query": query_prefix, "document": document_prefix}
        self._max_tokens = max_tokens
        self._warned = False

    def fit(self, texts: Sequence[str]) -> None:
        """Learn nothing."""

    def save(self, folder: Path) -> None:
        """Write nothing."""

    def load(self, folder: Path) -> None:
        """Read nothing."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed chunks (see `ragtally.api.Embedder.embed_documents`)."""
        return self._embed(texts, "document")

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions (see `embed_documents`)."""
        return self._embed(texts, "query")

    def _embed(self, texts: Sequence[str], role: str) -> NDArray[np.float32]:
        model = load(*self._where)
        limit = self._limit(model)
        # An empty list would give an array without columns.
        inputs = list(texts) or [""]
        self._warn_of_what_is_cut(model, inputs, limit)
        encode = model.encode_query if role == "query" else model.encode_document
        before = model.max_seq_length
        try:
            if limit is not None:
                model.max_seq_length = limit
            with _threads(self._threads):
                vectors = encode(
                    inputs,
                    prompt=self._prefixes[role],
                    batch_size=self._batch,
                    normalize_embeddings=self._normalise,
                    show_progress_bar=False,
                )
        except RuntimeError as error:
            raise memory_error(self._where[0], self._batch, "texts", error) or error from error
        finally:
            model.max_seq_length = before
        return np.asarray(vectors, dtype=np.float32)[: len(texts)]

    def _limit(self, model: Any) -> int | None:
        if self._max_tokens is None:
            limit: int | None = model.max_seq_length
            return limit
        config = getattr(getattr(model[0], "auto_model", None), "config", None)
        most = getattr(config, "max_position_embeddings", None)
        if isinstance(most, int) and self._max_tokens > most:
            raise DataError(
                f"{self._where[0]} takes {most} tokens, not {self._max_tokens}", hint=f"max_tokens: {most}, or less"
            )
        return self._max_tokens

    def _warn_of_what_is_cut(self, model: Any, texts: Sequence[str], limit: int | None) -> None:
        tokenizer = model.tokenizer
        if self._warned or limit is None or not callable(tokenizer):
            return
        # A token is a character at least.
        long = [text for text in texts if len(text) > limit]
        lengths = [len(tokens) for tokens in tokenizer(long, verbose=False)["input_ids"]] if long else []
        cut = sum(length > limit for length in lengths)
        if cut:
            self._warned = True
            LOG.warning(
                "%s reads %d tokens of a text: %d of the first %d texts are longer (up to %d) and are cut off there",
                self._where[0],
                limit,
                cut,
                len(texts),
                max(lengths),
            )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
