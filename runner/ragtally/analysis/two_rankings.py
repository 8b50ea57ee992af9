"""One side of a comparison by a metric of retrieval: a ranking, and its value for each question."""

from __future__ import annotations

from fnmatch import fnmatchcase

import polars as pl

from ragtally.analysis.cell_refs import KEY, Side, shell_pattern
from ragtally.analysis.two_cells import Changed
from ragtally.api import RagtallyError, did_you_mean
from ragtally.results.load import Results

_IDENTIFIERS = ("ranking", "question")


def ranking_metrics(results: Results) -> list[str]:
    """List the metrics of retrieval that a study has of each question, in the spec's order."""
    return [name for name in results.rankings.columns if name not in _IDENTIFIERS]


def matching_rankings(results: Results, pattern: str) -> list[str]:
    """Find rankings by their name, or by that of a cell that reads them."""
    if not ranking_metrics(results):
        raise RagtallyError(
            f"{results.study} has no metric of retrieval of single questions", hint="compare by accuracy"
        )
    names = list(dict.fromkeys(results.rankings["ranking"]))
    if pattern in names:
        return [pattern]
    read = dict(results.cells.select("cell", "ranking").iter_rows())
    if read.get(pattern) in names:
        return [read[pattern]]
    found = [name for name in names if fnmatchcase(name, shell_pattern(pattern))]
    if not found:
        near = did_you_mean(pattern, names)
        raise RagtallyError(f"no ranking of {results.study} matches {pattern!r}", hint=near)
    return found


def values_of(side: Side, metric: str) -> pl.DataFrame:
    """Read a ranking's value for each question that the metric applies to."""
    known = ranking_metrics(side.results)
    if metric not in known:
        raise RagtallyError(
            f"{side.results.study} has no {metric} of single questions",
            hint=f"it has {', '.join(known)}" if known else "name it under `metrics` in the spec, and run the study",
        )
    questions = side.results.questions.select(
        pl.col("id").alias("question"), pl.col("question").alias("text"), "document_group"
    ).with_row_index("row")
    values = side.results.rankings.filter(pl.col("ranking") == side.cell).select("question", value=metric)
    found = values.drop_nulls("value").join(questions, on="question").sort("row")
    return found.select(*KEY, "value", "document_group")


def changed_values(both: pl.DataFrame, higher_is_better: bool) -> tuple[Changed, ...]:
    """List the questions for which two rankings differ, the largest differences first."""
    gain = pl.col("value") - pl.col("value_second")
    better = gain if higher_is_better else -gain
    turned = both.with_columns(gain=better).filter(pl.col("gain") != 0)
    ordered = turned.sort(pl.col("gain") > 0, pl.col("gain").abs(), descending=True, maintain_order=True)
    return tuple(
        Changed(
            question=row["question"],
            text=row["text"],
            label="",
            first=f"{row['value']:.3f}",
            second=f"{row['value_second']:.3f}",
            won=row["gain"] > 0,
        )
        for row in ordered.iter_rows(named=True)
    )
