"""Judges of open answers: how far they can be trusted by what people say; their shares beside corrected ones."""

from __future__ import annotations

from collections.abc import Iterator

from ragtally.analysis import Analysis
from ragtally.analysis.judges import JudgeAnalysis
from ragtally.present.numbers import SHARE, count, form_of, in_words, percent
from ragtally.present.table import Column, Section, Table
from ragtally.results import Results

_KAPPA = form_of("number")


def judges_section(results: Results, analysis: Analysis) -> Section:
    """Each judge and all together beside people; raw and corrected shares; and people beside each other."""
    title, judges = "How far the judges can be trusted", analysis.judges
    if judges is None:
        return Section("judging", title, empty="No language model judges answers in this study.")
    tables = [table for table in (_qualities(judges), *_shares(analysis), _people(judges)) if table is not None]
    return Section(
        "judging", title, " ".join(_lead(results, judges)), tables=tuple(tables), notes=tuple(_notes(judges))
    )


def _lead(results: Results, judges: JudgeAnalysis) -> Iterator[str]:
    names = ", ".join(judge["name"] for judge in results.comparisons["panel"])
    votes = results.comparisons["panel_votes"]
    yield (
        f"{names} cast {count(votes, 'ballot')} each on {count(judges.answers, 'answer')}, equal answers to a"
        f" question once; they decide by the rule {results.comparisons['panel_rule']}."
    )
    if results.comparisons.get("panel_pools_votes"):
        yield "They also say which answers of several votes are one answer, where words alone do not."
    if judges.answers:
        doubtful = f"{judges.doubtful:,} ({percent(judges.doubtful / judges.answers)} of {judges.answers:,})"
        yield f"On {doubtful} the ballots differ, or some could not be read."
    if judges.unread_ballots:
        yield f"{judges.unread_ballots:,} of {judges.ballots:,} ballots could not be read, or the call failed."
    if not judges.grades:
        yield without_people(results, judges)
        return
    strata = "; ".join(f"{name} {one.grades:,} of {one.frame:,}" for name, one in judges.strata.items())
    yield f"People graded {count(judges.grades, 'answer')}, by what the ballots say: {strata}."


def without_people(results: Results, judges: JudgeAnalysis) -> str:
    """Say that nobody knows how right the judges are, and what to do."""
    return (
        f"Judges graded {count(judges.answers, 'answer')} of this study, and no person has checked them:"
        f" ragtally grade {results.study} --sample 100."
    )


def _notes(judges: JudgeAnalysis) -> Iterator[str]:
    if judges.grades:
        yield (
            "answers that the judges are split about were drawn more often than others, and weigh less for it; a"
            " judge whose ballots do not decide agrees with nobody"
        )
        yield (
            "corrected: by prediction-powered inference, right on average whatever the judges' errors; what other"
            " graders decided is taken as it is"
        )
    if judges.new:
        yield f"{count(judges.new, 'answer')} came after the draw for people: draw again to correct what they are in"


def _qualities(judges: JudgeAnalysis) -> Table | None:
    if not judges.judges:
        return None
    return Table(
        "judges-table",
        f"Judges beside people, who graded {count(judges.grades, 'answer')}",
        (
            Column("judge"), Column("agrees", SHARE), Column("right called right", SHARE),
            Column("wrong called wrong", SHARE), Column("kappa", _KAPPA),
            Column("same model as reader", optional=True),
        ),
        tuple(
            (one.judge, one.accuracy, one.sensitivity, one.specificity, one.kappa, ", ".join(one.readers))
            for one in judges.judges
        ),
    )  # fmt: skip


def _shares(analysis: Analysis) -> Iterator[Table]:
    rows, groups = [], []
    for question_set, of_set in analysis.sets.items():
        for name, cell in of_set.cells.items():
            for metric, correction in cell.corrections.items():
                rows.append((name, metric, cell.metrics[metric], correction))
                groups.append(f"{question_set}, {of_set.questions:,} questions")
    if rows:
        columns = (Column("cell"), Column("metric"), Column("by judges", SHARE), Column("corrected", SHARE))
        yield Table(
            "judges-shares", "Shares by judges, and corrected by people", columns, tuple(rows), groups=tuple(groups)
        )


def _people(judges: JudgeAnalysis) -> Table | None:
    if not judges.people:
        return None
    return Table(
        "judges-people",
        "People beside each other, on the answers that both graded",
        (Column("one"), Column("other"), Column("agree", SHARE), Column("kappa", _KAPPA)),
        tuple((one.first, one.second, one.share, one.kappa) for one in judges.people),
    )


def judges_sentence(results: Results, analysis: Analysis, cell: str, metric: str) -> str:
    """What the judges' errors do to a cell's value; empty where none of it depends on judges."""
    judges = analysis.judges
    if judges is None or not judges.answers:
        return ""
    if not judges.grades:
        return without_people(results, judges)
    of_cell = analysis.sets[analysis.question_set].cells.get(cell)
    correction = None if of_cell is None else of_cell.corrections.get(metric)
    if correction is None:
        return ""
    if correction.value is None:
        return f"Its {metric} cannot be corrected for the judges' errors: {correction.reason}."
    value = in_words(correction, analysis.units[metric])
    return f"Corrected for the errors that people found in {judges.grades:,} answers, its {metric} is {value}."


def judge_warnings(results: Results) -> list[str]:
    """One sentence for each judge that grades answers of its own."""
    return [
        f"{judge['name']} judges its own answers: it is the model of the reader"
        f"{'' if len(judge['readers']) == 1 else 's'} {', '.join(judge['readers'])}"
        for judge in results.comparisons.get("panel", ())
        if judge["readers"]
    ]
