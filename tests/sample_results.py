"""Result frames made by hand: answers to few questions, so that every count can be checked by eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ragtally.analysis.contributions import Contributions, metric_contributions
from ragtally.api import GradedAnswers, Status
from ragtally.results import Results
from ragtally.results.columns import RESULT_FILES
from ragtally_answer_metrics.formulas import METRICS

TEXT = "Does {} help?"
ACCURACY = {
    "names": ["accuracy"], "measures": "answers", "unit": "share", "higher_is_better": True, "component": "accuracy",
    "version": 1, "parameters": {}, "plugin": "ragtally_answer_metrics",
}  # fmt: skip
RECALL = {"names": ["recall@5"], "measures": "retrieval", "component": "recall@k", "higher_is_better": True}


def results_of(
    verdicts: Mapping[str, str],
    *,
    labels: str | None = None,
    ids: Sequence[str] | None = None,
    base: str | None = None,
    study: str = "made",
    text: str = TEXT,
    groups: Sequence[int] | None = None,
) -> Results:
    """Make results of cells with one letter a question: `y`, `n`, or `-` for no verdict.

    Args:
        verdicts: By cell, its verdicts.
        labels: The labels, by letter; all `y` where left out.
        ids: The questions' ids; numbered where left out.
        base: `+` for a question of the base; all where left out.
        study: The study's name.
        text: What each question says around its id.
        groups: Each question's document; each its own where left out.
    """
    length = len(next(iter(verdicts.values())))
    names = list(ids or [f"q{number}" for number in range(length)])
    words = {"y": "yes", "n": "no", "-": None}
    label = [words[letter] for letter in labels or "y" * length]
    inside = [letter == "+" for letter in base or "+" * length]
    rows = []
    for cell, letters in verdicts.items():
        for location, letter in enumerate(letters):
            verdict = words[letter]
            status = "no verdict" if verdict is None else "right" if verdict == label[location] else "wrong"
            rows.append(
                (cell, names[location], inside[location], label[location], verdict, status, [verdict], [None])
            )
    columns = ["cell", "question", "in_base", "label", "verdict", "status", "ballots", "errors"]
    types = {"label": pl.String, "verdict": pl.String, "ballots": pl.List(pl.String), "errors": pl.List(pl.String)}
    nothing = pl.DataFrame()
    return Results(
        study=study,
        folder=Path("nowhere"),
        cells=pl.DataFrame([{"cell": cell, "question_set": name} for cell in verdicts for name in ("all", "base")]),
        answers=pl.DataFrame(rows, schema=columns, orient="row", schema_overrides=types),
        questions=pl.DataFrame(
            {
                "id": names,
                "question": [text.format(name) for name in names],
                "label": label,
                "in_base": inside,
                "document_group": list(groups or range(length)),
            },
            schema_overrides={"label": pl.String},
        ),
        rankings=nothing,
        passages=nothing,
        voters=nothing,
        dataset={"questions": {"answers": ["yes", "no"]}},
        base={"funnel": None},
        comparisons={"seed": 5, "metrics": [ACCURACY]},
    )


def graded_codes(gold: ArrayLike, verdict: ArrayLike, answers: Sequence[str]) -> GradedAnswers:
    """One cell's answers by their codes, -1 for no verdict."""
    words = [*answers, None]
    label, answer = ([words[code] for code in np.asarray(codes)] for codes in (gold, verdict))
    status = [Status.RIGHT if one == other else Status.WRONG for one, other in zip(label, answer, strict=True)]
    nothing = [0] * len(label)
    return GradedAnswers(label, answer, status, tuple(answers), 1, nothing, nothing)  # type: ignore[arg-type]


def answer_contributions(name: str, gold: ArrayLike, verdict: ArrayLike, answers: Sequence[str]) -> Contributions:
    """What each question contributes to a metric in the box; verdicts by code, of shape [questions, cells]."""
    cells = [graded_codes(gold, column, answers) for column in np.asarray(verdict).T]
    contributions = metric_contributions(METRICS[name.partition("[")[0]], name, cells)
    assert contributions is not None
    return contributions


def and_metric(results: Results, entry: dict[str, Any]) -> Results:
    """The same results, with the description of one more metric."""
    return replace(results, comparisons={**results.comparisons, "metrics": [*results.comparisons["metrics"], entry]})


def with_metric(results: Results, name: str, **changes: object) -> Results:
    """The same results, with a metric described otherwise."""
    metrics = [{**entry, **changes} if name in entry["names"] else entry for entry in results.comparisons["metrics"]]
    return replace(results, comparisons={**results.comparisons, "metrics": metrics})


def of_base_only(results: Results) -> Results:
    """The same, scored on the base alone."""
    return replace(
        results,
        cells=results.cells.filter(pl.col("question_set") == "base"),
        answers=results.answers.filter("in_base"),
    )


def written(results: Results, root: Path) -> Path:
    """Write results as a study's run leaves them, below a root, and return the folder; what is missing is null."""
    folder = root / results.study
    folder.mkdir(parents=True)
    base = results.questions.filter("in_base").select("id", "label", pl.lit("gold").alias("label_kind"))
    for file in RESULT_FILES:
        name = file.name.partition(".")[0]
        content = base if file.name == "base.parquet" else getattr(results, name, None)
        if isinstance(content, pl.DataFrame):
            file.write(folder, {**dict.fromkeys(file.schema, [None] * len(content)), **content.to_dict()})
        elif isinstance(content, Mapping):
            file.write(folder, completed({**content, "study": results.study}, file.schema))
    return folder


def completed(content: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """JSON with every key of some; null where it had none."""
    for key in keys:
        part: dict[str, Any] | None = content
        *above, last = key.split(".")
        for name in above:
            part = part.setdefault(name, {}) if part is not None else None
        if part is not None:
            part.setdefault(last, None)
    return content
