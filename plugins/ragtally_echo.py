"""The model `echo`: repeats the word that a prompt uses most often. Real, local, and the example to copy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ragtally import Component, Limits, ModelTraits, Price, hookimpl

_PARAMETERS = {
    "words": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "default": ["yes", "no", "maybe"],
        "description": "The words that it can say; where the prompt has none of them, it says the first.",
    },
}


class Echo:
    """What `build` returns: anything with `run_async` and `close`, as a Haystack chat generator has them."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words

    async def run_async(self, messages: list[Any], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Answer one prompt; a provider's client would be awaited here, its failures raised as `CallError`."""
        from haystack.dataclasses import ChatMessage

        prompt = messages[-1].text or ""
        counts = Counter(re.findall(r"\w+", prompt.lower()))
        # `max` takes the first of several that are equally frequent.
        answer = max(self._words, key=lambda word: counts[word.lower()])
        usage = {"prompt_tokens": sum(len((each.text or "").split()) for each in messages), "completion_tokens": 1}
        meta = {"model": "echo", "finish_reason": "stop", "usage": usage}
        return {"replies": [ChatMessage.from_assistant(answer, meta=meta)]}

    async def close(self) -> None:
        """Nothing is open; a client would close its connections here."""


def _traits(parameters: Mapping[str, Any]) -> ModelTraits:
    # The same prompt has the same answer, so several votes count as one; nobody sends a bill.
    return ModelTraits(
        "echo", "echo", deterministic=True, takes_seed=False, limits=Limits(concurrency=1), price=Price(0.0, 0.0)
    )


@hookimpl
def register_models() -> list[Component]:
    """Offer `echo`."""
    summary = "Repeats the word that the prompt uses most often: to try a spec out, and to copy for a new provider."
    return [Component(name="echo", build=Echo, summary=summary, params=_PARAMETERS, traits=_traits)]
