"""Metrics of retrieval: hits compared with the gold evidence, up to a cut-off k."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, MetricTraits, hookimpl

if TYPE_CHECKING:
    from ragtally import RetrievalMetric

CUT_OFF: Mapping[str, Any] = {"type": "integer", "minimum": 1, "description": "How many hits count: the k in @k."}

# By the name before the `@k`.
SUMMARIES = {
    "document_hit": "Share of the questions with a hit from a document that holds their evidence.",
    "mrr": "Mean of 1 / rank of the first relevant chunk, 0 where there is none.",
    "recall": "Mean share of a question's relevant chunks that are among the hits.",
    "precision": "Mean share of the k places that hold a relevant chunk.",
    "ndcg": "Mean discounted gain of the relevant chunks by their grades, as a share of the best possible.",
    "evidence_coverage": "Mean share of a question's evidence characters that the hits cover.",
    "evidence_ceiling": "Mean share of a question's evidence characters that k chunks of this size could cover.",
}


@hookimpl
def register_metrics() -> list[Component]:
    """Offer the metrics of retrieval."""
    return [_component(name, summary) for name, summary in SUMMARIES.items()]


def _component(name: str, summary: str) -> Component:
    def build(k: int) -> RetrievalMetric:
        from ragtally_retrieval_metrics.measures import RankingMetric

        return RankingMetric(name, k)

    return Component(
        name=f"{name}@k",
        build=build,
        summary=summary,
        params={"k": CUT_OFF},
        traits=MetricTraits(measures="retrieval"),
    )
