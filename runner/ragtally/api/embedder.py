"""The contract of an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ragtally.api.calls import Price

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EmbedderTraits:
    """What the engine knows of an embedder before it builds it.

    Attributes:
        requires_fit: Whether it learns from the corpus, so that a text's vector depends on the chunks.
        cacheable: Whether vectors are expensive (paid for, or slow), so that each text's vector is kept in the
            store of vectors as soon as it is made: overlapping chunkers, other studies and runs after a kill then
            reuse it. Only for an embedder that needs no fit.
        batch: How many texts it is given at once, where vectors are kept by text; what a kill can lose.
        name: What to call it in progress and plans, such as `openai/text-embedding-3-small`.
        in_process: Whether this process itself computes the vectors, so that an executor's workers can instead.
        dimensions: How many its vectors have at most, for estimates; None where only its vectors tell.
        price: What it costs, by input tokens or by the hour; None where unknown. Free for what runs here.
    """

    requires_fit: bool = True
    cacheable: bool = False
    batch: int = 256
    name: str = ""
    in_process: bool = False
    dimensions: int | None = None
    price: Price | None = field(default_factory=lambda: Price(input=0.0, output=0.0))


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors; may first learn from the corpus.

    The engine calls either `fit` and `save`, or `load`, before it embeds anything; where the traits keep vectors by
    text, `fit` gets no texts. An embedder that asks a server raises `ragtally.CallError` for what fails for
    good, after tries of its own for what passes.
    """

    def fit(self, texts: Sequence[str]) -> None:
        """Learn from the corpus' chunks; does nothing where there is nothing to learn.

        Args:
            texts: All chunks of the corpus.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt (no pickle).

        Args:
            folder: An existing folder to write files into.
        """
        ...

    def load(self, folder: Path) -> None:
        """Read what `save` wrote.

        Args:
            folder: The folder that `save` was given.
        """
        ...

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed chunks.

        Args:
            texts: Chunks' texts.

        Returns:
            Vectors, float32 of shape [texts, dimensions]; zero vectors are allowed, NaN is not.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions.

        Args:
            texts: Questions' words.

        Returns:
            Vectors, float32 of shape [texts, dimensions].
        """
        ...
