"""Embeddings that follow from the words: texts with words in common are alike."""

from __future__ import annotations

import hashlib
import json
import math
import re
from functools import lru_cache
from typing import Any

from model_server.asks import Ask, count_tokens
from model_server.settings import Model

_WORD = re.compile(r"\w+")


def embeddings(ask: Ask, model: Model, fault: str | None, usage: str, *, shuffled: bool) -> bytes:
    """Write an answer."""
    assert ask.inputs is not None
    cut_off = ask.parameters.get("dimensions")
    vectors = [embed(text, model.dimensions, cut_off) for text in ask.inputs]
    if fault == "one_too_few":
        vectors.pop()
    elif fault == "not_a_number":
        vectors[-1][0] = math.nan
    elif fault == "ragged":
        vectors[-1].pop()
    tokens = -1 if usage == "wrong" else sum(map(count_tokens, ask.inputs))
    if ask.vendor == "ollama_api":
        counts = {} if usage == "absent" else {"prompt_eval_count": tokens}
        return json.dumps({"model": ask.model, "embeddings": vectors, "total_duration": 1, **counts}).encode()
    data = [{"object": "embedding", "index": row, "embedding": vector} for row, vector in enumerate(vectors)]
    if shuffled:
        data.reverse()
    content: dict[str, Any] = {"object": "list", "data": data, "model": ask.model}
    if usage != "absent":
        content["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.dumps(content).encode()


def embed(text: str, dimensions: int, cut_off: int | None = None) -> list[float]:
    """Embed a text: the sum of its words' vectors, cut off where that is asked for, of length one."""
    parts = [_of_word(word, dimensions) for word in _WORD.findall(text.lower()) or [""]]
    total = [sum(column) for column in zip(*parts, strict=True)][: cut_off or dimensions]
    length = math.sqrt(sum(number * number for number in total))
    return [number / length for number in total]


@lru_cache(maxsize=100_000)
def _of_word(word: str, dimensions: int) -> list[float]:
    digits = b"".join(
        hashlib.blake2b(word.encode(), salt=part.to_bytes(8, "big")).digest() for part in range(-(-dimensions // 64))
    )
    return [digit / 127.5 - 1 for digit in digits[:dimensions]]
