"""What parsers lost of the evidence: each parser's counts, and of which questions it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.plan import Cell, StudyPlan
from ragtally.plan.corpora import Corpus
from ragtally.relevance import evidence_characters
from ragtally.steps import Task
from ragtally.store import read_json
from ragtally.tables import load_evidence, load_questions, load_quotes
from ragtally.workspace import Workspace

_MATCHES = ("verbatim", "normalised", "aligned", "lost")


def parser_losses(plan: StudyPlan, workspace: Workspace) -> dict[str, Any]:
    """Each parser's counts, as `dataset.json` has them; nothing where parsers are not compared."""
    if not plan.study.grid.parser:
        return {}
    return {"parsers": [_counts(corpus, plan, workspace) for corpus in plan.corpora]}


def lost_by_parsers(plan: StudyPlan, workspace: Workspace) -> dict[str, list[list[str]]]:
    """The parsers that lost each question's evidence; nothing where parsers are not compared."""
    if not plan.study.grid.parser:
        return {}
    losses = np.stack([_losses(corpus.sample, plan, workspace) for corpus in plan.corpora], axis=1)
    names = [corpus.label for corpus in plan.corpora]
    return {"lost_by_parsers": [[names[column] for column in np.flatnonzero(row)] for row in losses]}


def lost_by_parser(
    plan: StudyPlan, cell: Cell, workspace: Workspace, rows: NDArray[np.int64]
) -> dict[str, list[bool]]:
    """Of which questions the text that a cell searches has no evidence; nothing for a cell without a parser."""
    if cell.picks.parser is None:
        return {}
    (context,) = cell.score.inputs["context"]
    return {"lost_by_parser": _losses(context.inputs["sample"][0], plan, workspace)[rows].tolist()}


def parser_notes(plan: StudyPlan, cell: Cell, workspace: Workspace) -> list[str]:
    """What one must know to read the numbers of a ranking where parsers are compared."""
    if cell.picks.parser is None or not cell.picks.is_ranking:
        return []
    (relevance,) = cell.score.inputs["relevance"]
    count = int(_losses(relevance.inputs["sample"][0], plan, workspace).sum())
    return (
        [f"{count:,} questions are in no metric of retrieval, since the parser lost their evidence"] if count else []
    )


def _counts(corpus: Corpus, plan: StudyPlan, workspace: Workspace) -> dict[str, Any]:
    dataset = workspace.entry(corpus.dataset)
    rows = load_questions(workspace.entry(corpus.sample)).select(question=pl.col("row").cast(pl.Int32))
    quotes = load_quotes(dataset).join(rows, on="question")
    content = read_json(dataset / "dataset.json")
    whole = int(_losses(corpus.sample, plan, workspace).sum())
    return {
        "parser": corpus.label,
        "documents": content["documents"],
        "left_out": content["left_out"],
        **{match: int((quotes["match"] == match).sum()) for match in _MATCHES},
        "least_similarity": quotes.filter(match="aligned")["similarity"].min(),
        "with_evidence": int((_characters(plan.sample, workspace) > 0).sum()),
        "lost_questions": whole,
        "lost_in_part": quotes.filter(match="lost")["question"].n_unique() - whole,
    }


def _losses(sample: Task, plan: StudyPlan, workspace: Workspace) -> NDArray[np.bool_]:
    """Of which questions a parser's text has no evidence, though there is some."""
    losses: NDArray[np.bool_] = (_characters(plan.sample, workspace) > 0) & (_characters(sample, workspace) == 0)
    return losses


def _characters(sample: Task, workspace: Workspace) -> NDArray[np.int64]:
    folder = workspace.entry(sample)
    return evidence_characters(load_evidence(folder), len(load_questions(folder)))
