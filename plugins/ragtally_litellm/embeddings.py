"""The embedder `litellm`: texts in requests of a batch each, several at once, tried again where that may help."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragtally import CallError, DataError
from ragtally_litellm.embedding_requests import Requests, Role

LOG = logging.getLogger("ragtally.litellm")
# Seconds before the second try, doubled with each further one up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
# Seconds: a provider that asks for a longer wait than this is not waited for.
_LONGEST_WAIT = 600.0
_SHOWN = 60
_ANY_TEXT = "text"


class LitellmEmbedder:
    """Asks a model for vectors."""

    # A text of nothing but white space has a zero vector and is not sent, since providers refuse it; the prefix does
    # not count. A request of texts that are together or alone too long for the model, or refused, is halved until the
    # single text is found that is to blame.

    def __init__(
        self,
        requests: Requests,
        name: str,
        prefixes: dict[Role, str],
        dimensions: int | None,
        batch: int,
        concurrency: int,
        retries: int,
    ) -> None:
        self._requests, self._name, self._prefixes = requests, name, prefixes
        self._dimensions, self._batch, self._concurrency, self._retries = dimensions, batch, concurrency, retries
        self._length: int | None = None

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

    def _embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        given = list(texts)
        rows = [row for row, text in enumerate(given) if text.strip()]
        asked = [self._prefixes[role] + given[row] for row in rows]
        found = self._asked(asked, role)
        vectors = np.zeros((len(given), found.shape[1]), dtype=np.float32)
        vectors[rows] = found
        return vectors

    def _asked(self, texts: list[str], role: Role) -> NDArray[np.float32]:
        if not texts:
            # How long a zero vector is, only the model can tell.
            length = self._length or self._dimensions or self._asked([_ANY_TEXT], role).shape[1]
            return np.zeros((0, length), dtype=np.float32)
        parts = self._requests.run(self._all(texts, role))
        self._check_lengths({part.shape[1] for part in parts})
        return np.concatenate(parts)

    def _check_lengths(self, lengths: set[int]) -> None:
        found = lengths if self._length is None else lengths | {self._length}
        if self._dimensions is not None and found != {self._dimensions}:
            raise DataError(
                f"{self._name} gives vectors of {min(found)} numbers, not {self._dimensions}: "
                "the model or its server takes no dimensions",
                hint="leave dimensions out",
            )
        if len(found) > 1:
            raise DataError(
                f"{self._name} gives vectors of different lengths: {', '.join(map(str, sorted(found)))}",
                hint="let all hosts serve the same model",
            )
        (self._length,) = found

    async def _all(self, texts: list[str], role: Role) -> list[NDArray[np.float32]]:
        gate = asyncio.Semaphore(self._concurrency)

        async def one(first: int) -> NDArray[np.float32]:
            async with gate:
                return await self._patiently(texts[first : first + self._batch], role)

        tasks = [asyncio.create_task(one(first)) for first in range(0, len(texts), self._batch)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._requests.close()

    async def _patiently(self, texts: list[str], role: Role) -> NDArray[np.float32]:
        for attempt in range(self._retries + 1):
            try:
                return await self._requests.ask(texts, role)
            except CallError as error:
                if error.reason in ("too long", "refused"):
                    return await self._halved(texts, role, error)
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
                wait = pause if error.retry_after is None else error.retry_after
                if not error.retryable or attempt == self._retries or wait > _LONGEST_WAIT:
                    raise
                LOG.info("%s; tried again in %g s", error.message, wait)
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _halved(self, texts: list[str], role: Role, error: CallError) -> NDArray[np.float32]:
        if len(texts) == 1:
            start = " ".join(texts[0].split())[:_SHOWN]
            raise CallError(
                f"{error.message}; the text has {len(texts[0])} characters and begins {start!r}",
                reason=error.reason,
                status=error.status,
                hint=error.hint,
            ) from None
        middle = len(texts) // 2
        first = await self._patiently(texts[:middle], role)
        return np.concatenate([first, await self._patiently(texts[middle:], role)])
