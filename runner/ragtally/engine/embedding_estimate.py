"""What a study still has to pay for vectors that are kept by text, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass

from ragtally.api import EmbedderTraits, canonical_json
from ragtally.engine.execute import execute
from ragtally.llm.embedding import EMBEDDING_STEPS, Wanted, wanted
from ragtally.llm.tokens import count_tokens
from ragtally.plan import StudyPlan, in_order
from ragtally.steps import Task
from ragtally.workspace import Workspace

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


def estimate_embedding(plan: StudyPlan, workspace: Workspace) -> tuple[EmbedderEstimate, ...]:
    """Do the free local work up to the chunks, then count the texts that have no vector yet."""
    goals = [goal for stage in ("label", "bench") for goal in plan.goals(stage)]
    tasks = [task for task in in_order(goals) if task.step in EMBEDDING_STEPS and _traits(task, workspace).cacheable]
    execute([read for task in tasks for inputs in task.inputs.values() for read in inputs], workspace, plan.study)
    by_embedder: dict[str, list[Task]] = {}
    for task in tasks:
        identity = canonical_json(workspace.registry.identity(task.choices["embedder"]))
        by_embedder.setdefault(identity, []).append(task)
    return tuple(_estimate(of_one, workspace) for of_one in by_embedder.values())


def _estimate(tasks: list[Task], workspace: Workspace) -> EmbedderEstimate:
    traits = _traits(tasks[0], workspace)
    texts: dict[bytes, str] = {}
    for task in tasks:
        found: Wanted | None = wanted(task, workspace)
        texts.update(found.texts if found else {})
    left = workspace.vectors.unknown(list(texts))
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


def _traits(task: Task, workspace: Workspace) -> EmbedderTraits:
    traits: EmbedderTraits = workspace.registry.traits(task.choices["embedder"])
    return traits
