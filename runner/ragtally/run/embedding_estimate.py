"""What a study still has to pay for vectors that are kept by text, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass

from ragtally.address import canonical_json
from ragtally.kinds import EmbedderTraits
from ragtally.plan import StudyPlan, in_order
from ragtally.run.embedding import EMBEDDING_STEPS, Wanted, wanted
from ragtally.run.execute import execute
from ragtally.run.tokens import count_tokens
from ragtally.run.workplace import Workplace
from ragtally.steps import Task

_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class EmbedderEstimate:
    """What one embedder still has to be given."""

    embedder: str  # Its name
    texts: int  # Different texts (chunks and questions) that the study needs vectors of
    kept: int  # How many of them have one
    to_embed: int  # How many are left
    input_tokens: int  # Their tokens, estimated
    dollars: float | None  # US dollars left to pay; None where the price is unknown


def estimate_embedding(plan: StudyPlan, place: Workplace) -> tuple[EmbedderEstimate, ...]:
    """Do the free local work up to the chunks, then count the texts that have no vector yet."""
    goals = [goal for stage in ("label", "bench") for goal in plan.goals(stage)]
    tasks = [task for task in in_order(goals) if task.step in EMBEDDING_STEPS and _traits(task, place).kept_by_text]
    execute([read for task in tasks for inputs in task.inputs.values() for read in inputs], place, plan.study)
    by_embedder: dict[str, list[Task]] = {}
    for task in tasks:
        identity = canonical_json(place.registry.identity(task.choices["embedder"]))
        by_embedder.setdefault(identity, []).append(task)
    return tuple(_estimate(of_one, place) for of_one in by_embedder.values())


def _estimate(tasks: list[Task], place: Workplace) -> EmbedderEstimate:
    traits = _traits(tasks[0], place)
    texts: dict[bytes, str] = {}
    for task in tasks:
        found: Wanted | None = wanted(task, place)
        texts.update(found.texts if found else {})
    left = place.vectors.unknown(list(texts))
    counted = left[:: max(1, len(left) // _SAMPLE)]
    characters = sum(len(texts[key]) for key in counted)
    tokens = sum(count_tokens(texts[key]) for key in counted)
    every = sum(len(texts[key]) for key in left)
    estimated = round(tokens * every / characters) if characters else 0
    return EmbedderEstimate(
        embedder=traits.name or str(tasks[0].choices["embedder"]),
        texts=len(texts),
        kept=len(texts) - len(left),
        to_embed=len(left),
        input_tokens=estimated,
        dollars=None if traits.price is None else traits.price.dollars(estimated, 0, 0.0),
    )


def _traits(task: Task, place: Workplace) -> EmbedderTraits:
    traits: EmbedderTraits = place.registry.traits(task.choices["embedder"])
    return traits
