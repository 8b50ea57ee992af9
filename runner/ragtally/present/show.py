"""What a terminal shows of a study: the answer and the few tables behind it on one screen, or everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import higher_is_better
from ragtally.present.answer import answer
from ragtally.present.attribution import other_models
from ragtally.present.base import base_section, study_sentences
from ragtally.present.breakdown import breakdown_section
from ragtally.present.cells import cells_of, remarks, sets_of
from ragtally.present.comparisons import best_section, comparisons_section, votes_section
from ragtally.present.costs import costs_section
from ragtally.present.examples import examples_section
from ragtally.present.grading import grading_section
from ragtally.present.grid import grid_section
from ragtally.present.judges import judge_warnings, judges_section
from ragtally.present.long_context import long_context_section
from ragtally.present.parsers import parsers_section
from ragtally.present.readers import contexts_table, noise_section, readers_section, voters_section
from ragtally.present.readings import reading_warnings, readings_section
from ragtally.present.retrieval import retrieval_section
from ragtally.present.table import Section, Table
from ragtally.present.training import training_table
from ragtally.results import Results
from ragtally.results.metrics import MetricInfo

Parts = list[Table | str]
# So many rows of a table leave room for the others on a screen of 40 lines.
_MOST_ROWS = 6
_MOST_COLUMNS = 4
_FEW_COLUMNS = 3


def summary_parts(results: Results, analysis: Analysis) -> Parts:
    """The tables behind the answer, cut to one screen, and where everything else is."""
    sets = sets_of(results.cells, results.metrics, analysis)
    contexts = contexts_table(sets[0], analysis) if sets else None
    if contexts is not None:
        (grid, *_) = _tables([grid_section(sets, analysis)])
        best = _best_first(grid.head(len(grid.rows)).without("ceiling"), results, analysis.metric).head(_MOST_ROWS)
        tables = [replace(best, notes=("★: cannot be told apart from the best",)), contexts]
    elif analysis.sets:
        sections = [voters_section(results), readers_section(sets, analysis)]
        tables = [_top(own[0], _MOST_COLUMNS) for section in sections if (own := _tables([section]))]
    else:
        metric = next(iter(analysis.best_rankings), None)
        rankings = _tables([retrieval_section(sets, analysis)])[:1]
        tables = [_top(_best_first(table, results, metric), _FEW_COLUMNS) for table in rankings]
    tables += _tables([examples_section(results)])[:2]
    places = f"every table: ragtally show {results.study} --all"
    if (results.folder / "report.html").is_file():
        places += f"; charts and single questions: {results.folder}/report.html"
    return [
        *(f"warning: {warning}" for warning in _warnings(results)),
        *tables,
        places,
    ]


def _warnings(results: Results) -> list[str]:
    return [*other_models(results), *reading_warnings(results), *judge_warnings(results)]


def study_parts(results: Results) -> Parts:
    """Every table of a study that needs no analysis."""
    return [
        "\n".join([*study_sentences(results), *other_models(results)]),
        *_tables([examples_section(results), base_section(results), voters_section(results)]),
        *cell_parts(results.cells, results.metrics),
        *_tables([readings_section(results), grading_section(results)]),
        *(f"warning: {warning}" for warning in (*reading_warnings(results), *judge_warnings(results))),
        f"every number in full: {results.folder}/cells.csv; every answer: {results.folder}/answers.parquet",
    ]


def _top(table: Table, columns: int) -> Table:
    return table.first_columns(columns).head(_MOST_ROWS)


def _best_first(table: Table, results: Results, metric: str | None) -> Table:
    """A table sorted by the column of a metric."""
    column = next((number for number, one in enumerate(table.columns) if one.heading == metric), None)
    if metric is None or column is None:
        return table
    return table.in_order(column, descending=higher_is_better(results, metric))


def cell_parts(cells: pl.DataFrame, metrics: Sequence[MetricInfo]) -> Parts:
    """The tables of the bench, from the rows of `cells.csv`."""
    sets = sets_of(cells, metrics)
    notes = [f"note: {remark}" for remark in remarks(cells.iter_rows(named=True))]
    return [*_tables([readers_section(sets), retrieval_section(sets), grid_section(sets)]), *notes]


def analysis_parts(results: Results, analysis: Analysis) -> Parts:
    """The tables that say how sure the answer is."""
    cells = cells_of(results.cells, results.metrics, analysis.question_set, analysis)
    sections = [
        best_section(analysis),
        comparisons_section(analysis),
        votes_section(analysis),
        breakdown_section(analysis),
        parsers_section(results, analysis),
        long_context_section(cells, analysis),
        costs_section(analysis, cells),
        noise_section(analysis),
    ]
    judges = judges_section(results, analysis)
    of_judges: Parts = [] if judges.empty else [judges.lead, *_tables([judges]), *judges.notes]
    training = training_table(results, sets_of(results.cells, results.metrics, analysis))
    return [*training, *_tables(sections), *of_judges]


def answer_text(results: Results, analysis: Analysis) -> str:
    """The answer, as one paragraph."""
    cells = cells_of(results.cells, results.metrics, analysis.question_set, analysis)
    return "The answer\n" + " ".join(answer(results, analysis, cells))


def _tables(sections: Iterable[Section]) -> list[Table]:
    return [table for section in sections for table in section.tables if not table.page_only]
