"""What readers that train learnt from, and how good that lets them be expected to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ragtally.analysis.estimate import Estimate
from ragtally.present.cells import Cells
from ragtally.present.numbers import COUNT, form_of
from ragtally.present.table import Column, Table
from ragtally.results import Results

_CURATION = {
    "full": "examples, curated",
    "validators": "examples, as validators accept them",
    "none": "examples, not curated",
}
# What a trained reader is asked with for its score here: it learnt with such a context before it.
_CONDITIONS = ("gold_context", "closed_book")


def training_table(results: Results, sets: Sequence[Cells]) -> tuple[Table, ...]:
    """One row per reader: what it learnt from, what cross-validation makes of it, and its score on the questions."""
    models = dict(_models_by_reader(results))
    if not models:
        return ()
    metrics = _estimated(models.values(), results)
    has_choice = any("cross_validation" in model.get("training", {}) for model in models.values())
    columns = [Column("reader"), Column("learns from"), Column("examples", COUNT)]
    for metric, unit in metrics.items():
        form = form_of(unit)
        columns += [Column(f"{metric} of the choice", form, "-")] if has_choice else []
        columns += [Column(f"{metric} expected", form, "-"), Column(f"{metric} here", form, "-")]
    rows = []
    for name, model in models.items():
        row: list[Any] = [name, _source(model), model["examples"]]
        for metric in metrics:
            row += [model.get("training", {}).get("cross_validation", {}).get(metric)] if has_choice else []
            row += [_expectation(model, metric), _score(name, metric, sets)]
        rows.append(tuple(row))
    notes = _notes(models, metrics, has_choice=has_choice)
    return (Table("training-table", "What readers learn from", tuple(columns), tuple(rows), notes),)


def _models_by_reader(results: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The model of each reader's first vote."""
    seen: set[str] = set()
    for model in results.training.get("models", {}).values():
        for name in model.get("readers", ()):
            if name not in seen:
                seen.add(name)
                yield name, model


def _source(model: Mapping[str, Any]) -> str:
    if model.get("from") == "examples":
        return f"{_CURATION[model['curation']]} ({model['examples']:,} of {model['written']:,})"
    if model.get("from") == "base":
        return f"base of {model['split']}"
    return f"gold labels of {model['split']}"


def _estimated(models: Iterable[Mapping[str, Any]], results: Results) -> dict[str, str]:
    """The metrics that a reader says an expectation of, with their units."""
    names = dict.fromkeys(
        metric
        for model in models
        for key in ("cross_validation", "estimate")
        for metric in model.get("training", {}).get(key, {})
    )
    return {name: results.metric(name).unit for name in results.metric_names("answers", single=True) if name in names}


def _expectation(model: Mapping[str, Any], metric: str) -> Estimate | None:
    own = model.get("training", {}).get("estimate", {}).get(metric)
    if own is None:
        return None
    method = "bootstrap over nested cross-validation"
    return Estimate(own["value"], model["examples"], own["low"], own["high"], 0.95, method)


def _score(reader: str, metric: str, sets: Sequence[Cells]) -> Estimate | None:
    for condition in _CONDITIONS:
        for cells in sets:
            for name in cells.of_kind("control", "fixed"):
                row = cells.rows[name]
                if row["reader"] == reader and row["condition"] == condition:
                    return cells.estimate(name, metric)
    return None


def _notes(
    models: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, str], *, has_choice: bool
) -> tuple[str, ...]:
    notes = []
    if has_choice:
        notes.append("of the choice: its mean score on the folds that it was chosen on, so it flatters")
    if metrics:
        notes.append(
            "expected: by nested cross-validation on the examples and their labels alone, in which every choice is"
            " made again (outer_folds); here: on the study’s questions, of which none is among the examples, with the"
            " gold context where a reader is asked with it, else without any"
        )
    for name, model in models.items():
        if left_out := model.get("left_out"):
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
            notes.append(f"{name} does not learn from {sum(left_out.values()):,} of {model['written']:,}: {reasons}")
    return tuple(notes)
