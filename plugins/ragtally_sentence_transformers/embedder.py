"""Embed texts with a model that is loaded with the first of them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import DataError
from ragtally.support.local_models import (
    device_error,
    is_offline,
    load_sentence_transformers,
    memory_error,
    missing_error,
)
from ragtally_sentence_transformers.model_files import folder_of, pin, require_model

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


@functools.lru_cache(maxsize=1)
def load(model: str, revision: str | None, device: str | None) -> Any:
    """Load a model; the one loaded last stays in memory for who asks for it again."""
    package, folder = load_sentence_transformers(), folder_of(model)
    encoder = _from_hub(package, model, revision, device) if folder is None else _from_folder(package, folder, device)
    return encoder.float().eval()


def _from_folder(package: Any, folder: Path, device: str | None) -> Any:
    require_model(folder)
    try:
        return package.SentenceTransformer(str(folder), device=device, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise _failure(str(folder), device, error) from error


def _from_hub(package: Any, name: str, revision: str | None, device: str | None) -> Any:
    if Path(name).exists():
        raise DataError(f"{name} is a name on the hub, but also a file or folder here", hint=f"model: ./{name}")
    commit = pin(name, revision)
    failure: Exception | None = None
    # What is in the cache needs no network; a cache that holds a part only is filled up, from the same commit.
    for from_cache in (True,) if is_offline() else (True, False):
        try:
            return package.SentenceTransformer(
                name, revision=commit, device=device, local_files_only=from_cache, trust_remote_code=False
            )
        except Exception as error:
            failure = error
    assert failure is not None
    if is_offline() and isinstance(failure, OSError):
        raise missing_error(name, revision) from failure
    raise _failure(name, device, failure) from failure


def _failure(model: str, device: str | None, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:300]
    if "trust_remote_code" in reason:
        return DataError(f"{model} wants to run code of its own, which ragtally never lets it", hint="choose another")
    return device_error(model, device, error) or DataError(
        f"{model} cannot be loaded: {type(error).__name__}: {reason}", hint="ragtally doctor SPEC"
    )
