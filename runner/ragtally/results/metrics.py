"""The metrics of a study, written with its results: what each measures, and its scores as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ragtally.api import Choice, Score
from ragtally.metrics import metric_scores, no_answers, no_ranking
from ragtally.registry import Registry
from ragtally.steps.score import CONTEXT_SCORES

_DIGITS = 10


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a table must know of a metric, and an analysis to build it again."""

    names: tuple[str, ...]  # Printed names: columns of `cells.csv`, and of `rankings.parquet` for a mean
    # Answers of a cell with a reader, a ranking, or the passages before a reader.
    measures: Literal["answers", "retrieval", "context"]
    unit: Literal["share", "number", "count"] = "number"  # A share is from 0 to 1, in tables in percent
    higher_is_better: bool | None = None  # None where neither is
    component: str | None = None  # The component's name; None for what the engine or a retriever measures
    version: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    plugin: str | None = None  # The module that offered it

    @property
    def is_single(self) -> bool:
        """Whether it is one number, and not one per class."""
        return len(self.names) == 1

    @property
    def choice(self) -> Choice | None:
        """The component with its parameters, to be built again."""
        return None if self.component is None else Choice("metric", self.component, _from_json(self.parameters))


def describe_metrics(
    choices: Iterable[Choice],
    registry: Registry,
    answers: tuple[str, ...],
    engines: Sequence[MetricInfo],
    score_names: Iterable[str],
) -> list[MetricInfo]:
    """Describe every metric that a study's results hold."""
    infos = [
        describe_metric(choice, registry, answers) for choice in {str(choice): choice for choice in choices}.values()
    ]
    infos += [MetricInfo((name,), "context", unit, better) for name, (unit, better) in CONTEXT_SCORES.items()]
    described_names = {name for info in (*infos, *engines) for name in info.names}
    # What is left was measured by a retriever itself, as an approximate index does.
    others = [MetricInfo((name,), "retrieval") for name in dict.fromkeys(score_names) if name not in described_names]
    return [*infos, *others, *engines]


def metric_json(info: MetricInfo) -> dict[str, Any]:
    """Write a description as JSON-able data."""
    data = {name: getattr(info, name) for name in MetricInfo.__dataclass_fields__}
    return data | {"names": list(info.names), "parameters": dict(info.parameters)}


def metrics_from_json(entries: Sequence[Mapping[str, Any]]) -> tuple[MetricInfo, ...]:
    """Read descriptions back."""
    return tuple(MetricInfo(**{**entry, "names": tuple(entry["names"])}) for entry in entries)


def describe_metric(choice: Choice, registry: Registry, answers: tuple[str, ...]) -> MetricInfo:
    """Describe a metric by its traits, and by the names that it prints."""
    entry, traits = registry.get(choice), registry.traits(choice)
    empty = no_answers(answers) if traits.measures == "answers" else no_ranking()
    return MetricInfo(
        names=tuple(metric_scores(registry.build(choice), empty)),
        measures=traits.measures,
        unit=traits.unit,
        higher_is_better=traits.higher_is_better,
        component=choice.name,
        version=entry.component.version,
        parameters=_to_json(choice.parameters),
        plugin=entry.plugin,
    )


def _to_json(value: Any) -> Any:
    if isinstance(value, Choice):
        return {"kind": value.kind, "name": value.name, "parameters": _to_json(value.parameters)}
    if isinstance(value, Mapping):
        return {key: _to_json(item) for key, item in value.items()}
    return [_to_json(item) for item in value] if isinstance(value, tuple | list) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {"kind", "name", "parameters"}:
            return Choice(value["kind"], value["name"], _from_json(value["parameters"]))
        return {key: _from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_from_json(item) for item in value]
        return tuple(items) if any(isinstance(item, Choice) for item in items) else items
    return value


def score_columns(rows: Sequence[Mapping[str, Score]]) -> dict[str, list[Any]]:
    """Write scores as columns: for each printed name the value and the count that it rests on."""
    names = list(dict.fromkeys(name for row in rows for name in row if name != "questions"))
    columns: dict[str, list[Any]] = {"questions": [row["questions"].denominator for row in rows]}
    for name in names:
        scores = [row.get(name) for row in rows]
        columns[name] = [None if score is None else round_number(score.value) for score in scores]
        columns[f"{name}_denominator"] = [None if score is None else score.denominator for score in scores]
    columns["not_scored"] = [_reasons(row) for row in rows]
    return columns


def round_number(value: float | None) -> float | None:
    """Round a value to the digits that the result files keep."""
    return None if value is None else round(value, _DIGITS)


def _reasons(row: Mapping[str, Score]) -> str | None:
    reasons = {name: score.reason for name, score in row.items() if score.reason is not None}
    return json.dumps(reasons, ensure_ascii=False) if reasons else None


def reason_of(not_scored: str | None, metric: str) -> str | None:
    """Why a metric has no score, from a row's `not_scored`."""
    reasons: dict[str, str] = json.loads(not_scored) if not_scored else {}
    return reasons.get(metric)
