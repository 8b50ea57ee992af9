"""`ragtally grade`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.api import Location, RagtallyError
from ragtally.cli import lazy
from ragtally.cli.studies import folder_of, results_option

if TYPE_CHECKING:
    from ragtally.results import Results


@click.command(name="grade")
@click.argument("study")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="NUMBER", help="Draw so many answers and write them to be graded."
)
@click.option("--people", type=click.IntRange(1, 20), default=1, show_default=True, help="A sheet for each of them.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="The sheet: .xlsx, .csv, or .json for Label Studio.  [default: to-grade.xlsx beside the spec's sheet]",
)  # fmt: skip
@click.option(
    "--read", "files", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True, metavar="FILE",
    help="Take in a sheet that has come back (again for more).",
)  # fmt: skip
@click.option("--person", metavar="NAME", help="Who graded the sheets that are taken in, whatever they say.")
@results_option
def command(
    study: str,
    sample: int | None,
    people: int,
    out: Path | None,
    files: tuple[Path, ...],
    person: str | None,
    results: Path,
) -> None:
    """Let people grade answers of STUDY that judges have graded, to see how far these can be trusted.

    The sheet is blind: it shows question, right answers and answer, but neither cell nor judge. Answers that the
    judges are split about are drawn more often and come first; with which probability is recorded beside the spec's
    sheet, so that shares by judges can be corrected for their errors. With --read the grades go into that sheet.
    """
    if bool(sample) == bool(files):
        raise click.UsageError("give either --sample NUMBER, to write a sheet, or --read FILE, to take one in")
    study_results = lazy.results.load_results(folder_of(study, results))
    sheet = study_results.comparisons.get("sheet")
    if sheet is None:
        raise RagtallyError(
            f"no judge has graded an answer of {study_results.study}",
            hint="grading: {judges: {from: [MODEL]}} in its spec, with MODEL a name under models",
        )
    if files:
        _take_in(study_results, Path(sheet), files, person)
    else:
        _write(study_results, Path(sheet), sample or 0, people, out)


def _count(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else 'people' if one == 'person' else one + 's'}"


def _write(study_results: Results, sheet: Path, sample: int, people: int, out: Path | None) -> None:
    out = out or sheet.with_name("to-grade.xlsx")
    if out.suffix not in lazy.blind_sheets.SUFFIXES:
        hint = f"--out with one of {', '.join(lazy.blind_sheets.SUFFIXES)}"
        raise RagtallyError(f"there is no sheet of the form {out.suffix or out.name!r}", hint=hint)
    answers = lazy.blind_sheets.judged_answers(study_results)
    if not answers:
        hint = "the graders before the judges decided all: nothing needs to be corrected"
        raise RagtallyError("no answer was left to the judges", hint=hint)
    record = lazy.blind_sheets.draw_answers(study_results, sample)
    earlier, grades = lazy.people.load_draw(sheet), lazy.people.load_grades(sheet)
    if earlier is not None and earlier.frames == record.frames and len(earlier.sample) > len(record.sample):
        raise RagtallyError(
            f"{_count(len(earlier.sample), 'answer')} are drawn already, and a smaller draw would leave some out",
            hint=f"--sample {len(earlier.sample)} or more; those that people have graded are not asked again",
        )
    names = [f"person {number}" for number in range(1, people + 1)]
    several = people > 1 and out.suffix != ".json"
    paths = [out.with_stem(f"{out.stem}-{number}") for number in range(1, people + 1)] if several else [out]
    for path in paths:
        if path.exists():
            raise RagtallyError(
                "there is a file of that name", location=Location(str(path)), hint="choose another one: --out PATH"
            )
    # Who comes second is asked what two people have not graded yet, and so on.
    people_of = Counter(grade.item for grade in grades)
    first = people if len(paths) < people else 1
    rows_of = {
        path: [answers[item] for item in record.sample if people_of[item] < number]
        for number, path in enumerate(paths, start=first)
    }
    if not any(rows_of.values()):
        raise RagtallyError(
            f"{_count(people, 'person')} graded each of the {_count(len(record.sample), 'answer')} of that draw",
            hint=f"a larger --sample (there are {len(answers):,} answers), or more --people",
        )
    lazy.people.write_draw(record, sheet)
    paths = [path for path, rows in rows_of.items() if rows]
    for path in paths:
        lazy.blind_sheets.write_sheet(path, rows_of[path], names[list(rows_of).index(path)])
        click.echo(path)
    doubtful = len(set(record.frames["doubtful"]).intersection(record.sample))
    most = max(map(len, rows_of.values()))
    message = f"{_count(most, 'answer')} of {len(answers):,} to grade"
    if most < len(record.sample):
        message += f"; {len(record.sample) - most:,} more of the draw are graded already"
    click.echo(f"{message}; of the draw, the judges are split about {doubtful:,}", err=True)
    if earlier is not None and earlier.frames != record.frames:
        click.echo(
            "the judged answers are others than at the last draw: its sheets are not taken in any more", err=True
        )
    click.echo("write right, wrong or unsure beside each; then:", err=True)
    read = " ".join(f"--read {path}" for path in paths)
    click.echo(f"  ragtally grade {study_results.study} {read}", err=True)
    if out.suffix == ".json":
        click.echo(f"  the labelling interface for Label Studio is {out.with_suffix('.xml')}", err=True)


def _take_in(study_results: Results, sheet: Path, files: tuple[Path, ...], person: str | None) -> None:
    record = lazy.people.load_draw(sheet)
    if record is None:
        raise RagtallyError(
            "nothing has been drawn for people yet",
            location=Location(str(lazy.people.record_path(sheet))),
            hint=f"ragtally grade {study_results.study} --sample 100",
        )
    earlier = {(grade.item, grade.person): grade for grade in lazy.people.load_grades(sheet)}
    answers = lazy.blind_sheets.judged_answers(study_results)
    grades, empty = lazy.blind_sheets.read_grades(files, record, answers, person)
    new = {(grade.item, grade.person): grade for grade in grades}
    replacements = sum(key in earlier and earlier[key].grade != grade.grade for key, grade in new.items())
    lazy.people.write_grades((earlier | new).values(), sheet)
    who = ", ".join(sorted({grade.person for grade in grades}))
    click.echo(f"{sheet}: {_count(len(grades), 'grade')} by {who}")
    if replacements:
        click.echo(f"{_count(replacements, 'grade')} replaced another one by the same person", err=True)
    if empty:
        click.echo(f"{_count(empty, 'row')} without a grade: these count as not asked", err=True)
    click.echo("run the study's spec again to see what it changes; nothing is paid again", err=True)
