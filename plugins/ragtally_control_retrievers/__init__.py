"""Controls that bound what retrieval can do: `oracle`, which knows the evidence, and `random`."""

from __future__ import annotations

from ragtally import Component, Retriever, RetrieverTraits, hookimpl


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `oracle` and `random`."""
    return [
        Component(
            name="oracle",
            build=_oracle,
            summary="Control: the chunks that hold most of the question's evidence, most first.",
            traits=RetrieverTraits(reads=frozenset({"text", "evidence"}), is_control=True),
            phrase="the oracle",
        ),
        Component(
            name="random",
            build=_random,
            summary="Control: chunks drawn by lot for each question.",
            traits=RetrieverTraits(is_control=True),
            phrase="random draws",
            params={
                "seed": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 4294967295,
                    "description": "Seed of the draw; the study's own if omitted.",
                    "x-ragtally-search": True,
                }
            },
        ),
    ]


def _oracle() -> Retriever:
    from ragtally_control_retrievers.search import Oracle

    return Oracle()


def _random(seed: int) -> Retriever:
    from ragtally_control_retrievers.search import Random

    return Random(seed)
