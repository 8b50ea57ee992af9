"""Approximate search: what a retriever approximates, whether its index repeats, and how often it is built."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ragtally.api import Choice, RetrieverTraits
from ragtally.registry import Registry


def exact_counterpart(retriever: Choice, registry: Registry) -> Choice | None:
    """What finds exactly what a retriever searches approximately; None where it is exact, or nobody can tell."""
    traits: RetrieverTraits = registry.traits(retriever)
    if traits.exact is not None:
        return registry.complete(traits.exact)
    inner = retriever.inner("retriever")
    approximate = [choice for choice in inner if is_approximate(choice, registry)]
    # What asks a language model would ask it about other hits, and pay for that.
    if not approximate or traits.prompts or any(exact_counterpart(each, registry) is None for each in approximate):
        return None

    def exact(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(exact, value))
        if isinstance(value, Choice) and value.kind == "retriever":
            return exact_counterpart(value, registry) or value
        return value

    return replace(retriever, parameters={key: exact(value) for key, value in retriever.parameters.items()})


def is_approximate(retriever: Choice, registry: Registry) -> bool:
    """Whether a retriever, or one whose hits it reads, searches approximately."""
    traits: RetrieverTraits = registry.traits(retriever)
    return traits.exact is not None or any(is_approximate(each, registry) for each in retriever.inner("retriever"))


def variation(retriever: Choice, registry: Registry) -> str:
    """Why a retriever, or one whose hits it reads, finds something else when its index is built again."""
    traits: RetrieverTraits = registry.traits(retriever)
    every = [traits.variation, *(variation(each, registry) for each in retriever.inner("retriever"))]
    return next(filter(None, every), "")


def build_count(retriever: Choice, registry: Registry) -> int:
    """How many builds of a retriever's index are wanted; of one that reads others' hits, the most of theirs."""
    traits: RetrieverTraits = registry.traits(retriever)
    return max(traits.builds, *(build_count(each, registry) for each in retriever.inner("retriever")), 1)


def own_build(build: int, builds: int) -> int:
    """Which of its own builds a retriever takes for one of what reads its hits; they come round again."""
    return (build - 1) % builds + 1
