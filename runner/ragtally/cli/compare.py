"""`ragtally compare`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.api import RagtallyError
from ragtally.cli import lazy
from ragtally.cli.console import print_all
from ragtally.cli.studies import DEFAULT_RESULTS, folder_of
from ragtally.spec.defaults import DECIDING_METRIC

if TYPE_CHECKING:
    from ragtally.analysis.pairwise import CellRef
    from ragtally.present.table import Table
    from ragtally.results import Results

_MOST_NAMED = 10
_EVERY = "*"


@click.command(
    name="compare",
    epilog="Two git revisions: get the old results into a folder of their own, then name both folders.  "
    "`git worktree add ../old REVISION; (cd ../old && dvc pull); "
    "ragtally compare STUDY STUDY --results ../old/data/results --results data/results`",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--study", help="The study of both; A and B are then cells alone.")
@click.option("--metric", help="By which metric, as accuracy, macro_f1 or recall@5; left out: accuracy, or the first "
    "metric of retrieval where nobody answers.")  # fmt: skip
@click.option(
    "--on", "question_set", type=click.Choice(["base", "all"]),
    help="On the questions of the base, or on all; left out: the base where both were asked it.",
)  # fmt: skip
@click.option(
    "--results", "folders", type=click.Path(path_type=Path, file_okay=False), multiple=True,
    help="Below it, the folder of each study's results; given twice, the first is for A and the second for B.  "
    f"[default: {DEFAULT_RESULTS}]",
)  # fmt: skip
@click.option("--first", "most", type=click.IntRange(min=0), default=20, show_default=True, metavar="N",
    help="List the first N questions that changed sides.")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="List all of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every question that changed sides.")
def command(
    first: str,
    second: str,
    study: str | None,
    metric: str | None,
    question_set: str | None,
    folders: tuple[Path, ...],
    most: int,
    every: bool,
    as_json: bool,
) -> None:
    """Compare two cells: what changed, by how much, and whether it is more than chance.

    A and B are STUDY:CELL, or CELL alone after --study. STUDY is a study's name or the folder of its results; CELL is
    a cell's name, a pattern (`*`, `?`), or a part of the name. STUDY alone is all its cells that answer. Where each
    side is one cell, these two are compared; otherwise the cells that have the same name on both sides.

    The same questions (by id and words) are compared in pairs: exact McNemar, or randomisation for other metrics and
    for questions that share documents. Of partly different sets the common questions are compared. Sets without a
    common question are compared by accuracy, unpaired (Newcombe's interval). It says which it did.

    By a metric of retrieval (--metric recall@5) rankings are compared: CELL is then a ranking's name, or that of a
    cell that reads it.
    """
    if len(folders) > 2:
        raise click.UsageError("--results is given at most twice: once for A, once for B")
    of_first, of_second = (folders[0], folders[-1]) if folders else (DEFAULT_RESULTS, DEFAULT_RESULTS)
    (folder, pattern), (other_folder, other_pattern) = (
        _cells_named(first, study, of_first),
        _cells_named(second, study, of_second),
    )
    one = lazy.results.load_results(folder)
    other = one if folder.resolve() == other_folder.resolve() else lazy.results.load_results(other_folder)
    by = metric or _deciding(one, other)
    ranks = lazy.contributions.StudyMetrics(one).info(by).measures == "retrieval"
    if ranks and question_set == "base":
        raise click.UsageError("rankings are scored on all questions: leave --on out, or give --on all")
    matches = _match((one, pattern), (other, other_pattern), ranks=ranks)
    on = "all" if ranks else lazy.cell_pairs.common_set(matches.pairs, question_set)
    comparisons = lazy.cell_pairs.compare_pairwise(matches.pairs, by, on)
    if as_json:
        content = [each.as_json() for each in comparisons]
        click.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
        return
    parts: list[Table | str] = lazy.pairwise.pairwise_parts(comparisons, None if every else most)
    if one is not other and one.study == other.study:
        parts.insert(0, f"A: {one.folder}\nB: {other.folder}")
    if matches.only_first or matches.only_second:
        left = f"{matches.only_first} of A, {matches.only_second} of B"
        parts.append(f"left out, since the other side has no cell of that name: {left}")
    print_all(parts)


def _cells_named(word: str, study: str | None, results: Path) -> tuple[Path, str]:
    """The folder of a study's results, and the pattern of cells, from what was typed."""
    if study is not None:
        return folder_of(study, results), word
    # Cells' names may hold a colon (`llama3.1:8b`), names of studies do not.
    name, _, pattern = word.partition(":")
    return folder_of(name, results), pattern or _EVERY


def _deciding(one: Results, other: Results) -> str:
    """Accuracy, unless neither study has answers: then the first metric of retrieval that both have."""
    if len(one.answers) or len(other.answers):
        return DECIDING_METRIC
    metrics = lazy.cell_pairs.ranking_metrics
    return next((name for name in metrics(one) if name in metrics(other)), DECIDING_METRIC)


@dataclass(frozen=True)
class _Matches:
    """Cells to compare, and how many have no counterpart."""

    pairs: list[tuple[CellRef, CellRef]]  # The cells of both sides
    only_first: int  # How many cells of the first side are left out
    only_second: int


def _match(first: tuple[Results, str], second: tuple[Results, str], *, ranks: bool) -> _Matches:
    matching = lazy.cell_pairs.matching_rankings if ranks else lazy.cell_pairs.matching_cells
    (one, pattern), (other, other_pattern) = first, second
    cells, others = matching(one, pattern), matching(other, other_pattern)
    if len(cells) == len(others) == 1:
        pairs = [(cells[0], others[0])]
    else:
        pairs = [(name, name) for name in cells if name in others]
    if not pairs:
        raise RagtallyError(
            f"no cell of the one side has the name of a cell of the other: {_list(one, cells)} against"
            f" {_list(other, others)}",
            hint="name one cell on each side",
        )
    if one is other and any(name == same for name, same in pairs):
        raise RagtallyError(
            f"this compares cells of {one.study} with themselves: {_list(one, [name for name, _ in pairs])}",
            hint="name two different cells, each so that no other matches; `ragtally show STUDY` lists them",
        )
    sides = [(lazy.cell_pairs.CellRef(one, name), lazy.cell_pairs.CellRef(other, same)) for name, same in pairs]
    return _Matches(sides, len(cells) - len(pairs), len(others) - len(pairs))


def _list(results: Results, cells: list[str]) -> str:
    names = "; ".join(cells[:_MOST_NAMED])
    more = f"; and {len(cells) - _MOST_NAMED} more" if len(cells) > _MOST_NAMED else ""
    return f"{results.study}: {names}{more}"
