"""In a notebook, results and their analysis fit a screen and say what to look at next."""

from __future__ import annotations

import inspect

import ragtally
from ragtally.analysis import Analysis
from ragtally.results import Results


def test_results_and_every_part_of_an_analysis_fit_a_screen(results: Results, analysis: Analysis) -> None:
    of_set = analysis.sets[analysis.question_set]
    for part in (results, analysis, of_set, *of_set.cells.values(), *analysis.families, *of_set.best.values()):
        lines = repr(part).splitlines()
        assert len(lines) < 20
        assert all(len(line) < 400 for line in lines)


def test_they_show_sizes_and_first_names_and_what_to_look_at_next(results: Results, analysis: Analysis) -> None:
    shown = repr(results).splitlines()
    assert shown[0] == "Results"
    assert f"  cells        {len(results.cells)} rows: cell, description, kind, ..." in shown
    assert shown[-1].startswith("next: ragtally.analyze(results)")
    shown = repr(analysis).splitlines()
    assert f"  chosen_cell    {analysis.chosen_cell}" in shown
    assert f"  families       {len(analysis.families)}" in shown
    looked_at = shown[-1].removeprefix("next: ").split(", ")
    assert all(eval(expression, {"analysis": analysis}) for expression in looked_at)


def test_help_tells_the_arguments_of_what_a_notebook_calls() -> None:
    for function in (ragtally.run, ragtally.load_results, ragtally.analyze):
        assert inspect.signature(function).parameters
        assert inspect.getdoc(function)
