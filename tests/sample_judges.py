"""Models that judge answers by a script, without a server: each knows what is right, and errs as often as told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ragtally.api import CallError, Component, Limits, ModelTraits, Price, derive_seed
from ragtally.registry import Registry, RegistryEntry, load_registry

_REFERENCES = re.compile(r"Reference answers, each of them right:\n(.*?)\n\nAnswer to grade: ", re.DOTALL)
_PASSAGES = re.compile(r"Passages:\n\n(.*?)\n\nAnswer to grade: ", re.DOTALL)
_ANSWER = re.compile(r"Answer to grade: (.*?)\n\n(?:Is|Do) the ", re.DOTALL)
_NUMBER = {"type": "number", "default": 0.0, "description": "A share."}


_PAIR = re.compile(r"First answer: (.*?)\n\nSecond answer: (.*?)\n\nDo these two ", re.DOTALL)


def truth(prompt: str) -> bool:
    """Whether an answer holds a reference, or stands in the passages; of two, whether one holds the other."""
    if pairs := _PAIR.findall(prompt):
        first, second = (answer.casefold() for answer in pairs[0])
        return first in second or second in first
    answer = _ANSWER.findall(prompt)[0].casefold()
    if passages := _PASSAGES.findall(prompt):
        return answer in " ".join(passages[0].casefold().split())
    return any(line.removeprefix("- ").casefold() in answer for line in _REFERENCES.findall(prompt)[0].splitlines())


class ScriptedJudge:
    """Says what is right; errs, mumbles and fails with given probabilities."""

    def __init__(self, errs: float, mumbles: float, fails: float, name: str) -> None:
        self._errs, self._mumbles, self._fails, self._name = errs, mumbles, fails, name

    async def run_async(self, messages: list[Any], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        from haystack.dataclasses import ChatMessage

        prompt, parameters = messages[-1].text or "", generation_kwargs or {}
        chance = derive_seed("judge", self._name, prompt, parameters.get("seed", 0)) % 10_000 / 10_000
        if chance > 1 - self._fails:
            raise CallError("it is not served", reason="bad_request")
        says_yes = truth(prompt) != (chance < self._errs)
        text = json.dumps({"reason": "It says so.", "answer": "yes" if says_yes else "no"})
        if self._errs <= chance < self._errs + self._mumbles:
            text = "Well, who knows."
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": 9}
        meta = {"model": self._name, "finish_reason": "stop", "usage": usage}
        return {"replies": [ChatMessage.from_assistant(text, meta=meta)]}

    async def close(self) -> None: ...


def _traits(parameters: Mapping[str, Any]) -> ModelTraits:
    return ModelTraits(
        "scripted",
        parameters["name"],
        takes_schema=True,
        limits=Limits(concurrency=8, retries=0),
        price=Price(1.0, 2.0),
    )


JUDGE = Component(
    "scripted_judge",
    ScriptedJudge,
    "Judges by a script.",
    params={
        "errs": _NUMBER,
        "mumbles": _NUMBER,
        "fails": _NUMBER,
        "name": {"type": "string", "default": "judge", "description": "Its name."},
    },
    traits=_traits,
)


def judging_registry() -> Registry:
    """What is installed, and the scripted judge."""
    entries = {(entry.kind, entry.component.name): entry for entry in load_registry().all()}
    return Registry(entries | {("model", JUDGE.name): RegistryEntry(JUDGE, "model", "sample_judges", "made-up 1.0")})
