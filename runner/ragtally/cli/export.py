"""`ragtally export`."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ragtally.api import MODEL_SERVERS, DataError, Location, RagtallyError
from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress
from ragtally.cli.studies import folder_of, project_store, results_option
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.support.training_forms import FORMS

if TYPE_CHECKING:
    from polars import DataFrame, Expr

    from ragtally.plan import Cell, StudyPlan
    from ragtally.store.calls import CallStore

_FORMATS = ("csv", "parquet", "jsonl")
_MOST_NAMED = 20

_study = click.argument("study")
# What a spreadsheet takes for a formula, numbers apart.
_FORMULA, _NUMBER = r"^[=+\-@\t\r]", r"^[+-]?\d+(\.\d+)?$"
_format = click.option("--format", "form", type=click.Choice(_FORMATS), default="csv", show_default=True, help="How.")
_formulas = click.option(
    "--formulas", is_flag=True,
    help="In csv, leave texts that a spreadsheet would run as formulas (=, +, -, @) as they are; by default an "
    "apostrophe stands before them.",
)  # fmt: skip
_out = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="The file, written whole or not at all; standard output where left out.",
)  # fmt: skip


@click.group(name="export")
def command() -> None:
    """Write a study's data to other formats: what a spreadsheet, another program or a leaderboard reads.

    STUDY is a study's name, or the folder of its results. Lists are JSON text in csv.
    """


@command.command(short_help="Every answer of every cell, with its votes.")
@_study
@click.option("--cell", "patterns", metavar="CELL", multiple=True,
    help="Only the cells of that name, pattern (`*`, `?`) or part of a name (again for more).")  # fmt: skip
@_format
@_formulas
@_out
@results_option
def answers(
    study: str, patterns: tuple[str, ...], form: str, formulas: bool, out: Path | None, results: Path
) -> None:
    """Write answers.parquet: one row per cell and question, with label, verdict, votes and their raw texts."""
    study_results = lazy.results.load_results(folder_of(study, results))
    table = study_results.answers
    if patterns:
        names = {name for pattern in patterns for name in lazy.cell_pairs.matching_cells(study_results, pattern)}
        table = table.filter(lazy.polars.col("cell").is_in(sorted(names)))
    _deliver(_encode(table, form, formulas), form, out)


@command.command(short_help="The questions that stay, with their labels.")
@_study
@click.option(
    "--dataset", "dataset", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Write a dataset of its own instead, which other specs name: dataset: {exported: {folder: FOLDER}}.",
)  # fmt: skip
@click.option(
    "--documents", type=click.Choice(("gold", "all")), default="gold", show_default=True,
    help="With --dataset: the documents in which the answers stand, or the whole corpus.",
)  # fmt: skip
@click.option(
    "--train", "training", type=click.Choice(sorted(FORMS)),
    help="Write JSON Lines for fine-tuning instead: each question with its gold context and a right answer.",
)  # fmt: skip
@click.option("--no-context", is_flag=True, help="With --train: leave the gold contexts out.")
@_format
@_formulas
@_out
@results_option
def base(
    study: str,
    dataset: Path | None,
    documents: Literal["gold", "all"],
    training: str | None,
    no_context: bool,
    form: str,
    formulas: bool,
    out: Path | None,
    results: Path,
) -> None:
    """Write base.parquet: the questions that stay for the grid, and the label that each is scored against.

    With --dataset, write the questions with their documents and evidence, and a data card. With --train, write them
    as programs for fine-tuning read them; open answers are the first of the texts that are right.
    """
    if dataset is not None and training is not None:
        raise click.UsageError("--dataset and --train cannot be given together")
    if no_context and training is None:
        raise click.UsageError("--no-context is of --train")
    folder = folder_of(study, results)
    if training is not None:
        store = project_store(TerminalProgress())
        rows = lazy.export_training.training_lines(folder, store, training, with_context=not no_context)
        _deliver("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode(), "jsonl", out)
        return
    if dataset is not None:
        if out is not None:
            raise click.UsageError("--dataset and --out cannot be given together")
        store = project_store(TerminalProgress())
        export = lazy.export_dataset.export_dataset(folder, store, dataset, documents)
        size = f"{export.questions:,} questions, {export.documents:,} documents, {export.bytes:,} bytes"
        click.echo(f"{export.folder}: {size}; README.md there is its data card", err=True)
        return
    _deliver(_encode(lazy.columns.BASE_TABLE.read(folder), form, formulas), form, out)


@command.command(short_help="Every saved answer of every model.")
@_format
@_formulas
@_out
def calls(form: str, formulas: bool, out: Path | None) -> None:
    """Write the saved calls of the store, of all studies: who was asked what, when, and what came back.

    In jsonl this is the form that `ragtally store import` reads.
    """
    database = lazy.store.find_store(Path.cwd()) / lazy.calls.FILE_NAME
    with closing(lazy.calls.CallStore(database)) as call_store:
        if form == "jsonl" and out is not None:
            click.echo(f"{out}: {lazy.calls_transfer.export_calls(call_store, out).calls:,} calls", err=True)
            return
        lines = list(_lines(call_store))
    if form == "jsonl":
        content = b"".join(lines)
    else:
        rows = [{name: _flat(value) for name, value in json.loads(line).items()} for line in lines]
        content = _encode(lazy.polars.DataFrame(rows, infer_schema_length=None), form, formulas)
    _deliver(content, form, out)


@command.command(short_help="PubMedQA's form: {question: label} of one cell.")
@_study
@click.option("--cell", "pattern", metavar="CELL", required=True, help="The cell; a part of its name is enough.")
@_out
@results_option
def leaderboard(study: str, pattern: str, out: Path | None, results: Path) -> None:
    """Write the verdicts of one cell as PubMedQA's leaderboard takes them: one JSON object, {pmid: label}.

    Every question asked must have a verdict: there is no default for one that has none.
    """
    study_results = lazy.results.load_results(folder_of(study, results))
    (cell,) = _require_one(lazy.cell_pairs.matching_cells(study_results, pattern), pattern)
    answers = study_results.answers.filter(lazy.polars.col("cell") == cell)
    verdicts = dict(zip(answers["question"], answers["verdict"], strict=True))
    missing = [question for question in study_results.questions["id"] if verdicts.get(question) is None]
    if missing:
        not_in_sample = sum(question not in verdicts for question in missing)
        raise DataError(
            f"{len(missing)} of {len(study_results.questions)} questions have no verdict of {cell}"
            f" ({not_in_sample} of them it was not asked): " + ", ".join(missing),
            location=Location(str(study_results.folder / "answers.parquet")),
            hint="take a cell that answers all questions: `grid_on: all` asks the grid about all, more votes or"
            " another rule leave fewer without a verdict",
        )
    form = {question: verdicts[question] for question in study_results.questions["id"]}
    _deliver(f"{json.dumps(form, indent=1, ensure_ascii=False)}\n".encode(), "json", out)


@command.command(name="votes", short_help="One cell's answers as the reader `recorded` takes them.")
@_study
@click.option("--cell", "pattern", metavar="CELL", required=True, help="The cell; a part of its name is enough.")
@_out
@results_option
def cell_votes(study: str, pattern: str, out: Path | None, results: Path) -> None:
    """Write every vote of one cell as a line of JSON, for other studies to read without its model.

    A spec names the file: readers: {NAME: {recorded: {path: FILE, condition: CONDITION}}}. Votes without an answer
    are left out.
    """
    study_results = lazy.results.load_results(folder_of(study, results))
    (cell,) = _require_one(lazy.cell_pairs.matching_cells(study_results, pattern), pattern)
    answers = study_results.answers.filter(lazy.polars.col("cell") == cell)
    lines = []
    for question, texts, ballots in answers.select("question", "texts", "ballots").iter_rows():
        for vote, (text, ballot) in enumerate(zip(texts, ballots, strict=True)):
            if text is not None or ballot is not None:
                answer = {"choice": ballot} if text is None else {"text": text}
                lines.append(json.dumps({"question": question, "vote": vote, **answer}, ensure_ascii=False))
    _deliver("".join(f"{line}\n" for line in lines).encode(), "jsonl", out)


@command.command(short_help="A cell as one Haystack pipeline that answers a single question.")
@click.argument("spec", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("pattern", metavar="CELL")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False),
    help="The folder; data/results/STUDY/pipelines/CELL where left out.",
)  # fmt: skip
@results_option
def pipeline(spec: Path, pattern: str, out: Path | None, results: Path) -> None:
    """Write CELL of the study of SPEC as pipeline.yaml, which Haystack loads, beside copies of its index and models.

    A part of the cell's name is enough. Plain Haystack components stand where they do exactly the same, ragtally's
    elsewhere; the file says which.
    """
    registry = load_registry()
    plan = lazy.plan.plan_study(load_study(spec, registry), registry)
    cell = _planned_cell(plan, pattern)
    folder = out or results / plan.study.name / "pipelines" / re.sub(r"[^\w.,=()-]+", "-", cell.name)
    progress = TerminalProgress()
    workspace = lazy.workspace.Workspace(project_store(progress), registry, progress)
    export = lazy.export_pipeline.export_pipeline(plan, cell, workspace, folder)
    for name, path in export.classes.items():
        click.echo(f"{name}: {path}{'' if lazy.pipelines.is_plain(path) else ' (ragtally)'}", err=True)
    click.echo(export.path)


@command.command(short_help="The model of a reader that trains, for those who serve models.")
@click.argument("spec", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("reader")
@click.option("--for", "server", type=click.Choice(MODEL_SERVERS), required=True, help="Who is to serve it.")
@click.option("--vote", type=click.IntRange(min=1), default=1, show_default=True, help="Each vote is a model.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def model(spec: Path, reader: str, server: str, vote: int, folder: Path) -> None:
    """Write the model that READER of the study of SPEC trained into FOLDER, with all that its server needs.

    What to do with it is printed. A server that does not take the model's family is an error that says what does.
    """
    registry = load_registry()
    plan = lazy.plan.plan_study(load_study(spec, registry), registry)
    progress = TerminalProgress()
    workspace = lazy.workspace.Workspace(project_store(progress), registry, progress)
    lines = lazy.export_model.export_model(plan, reader, vote, server, workspace, folder)
    click.echo("\n".join(lines), err=True)
    click.echo(folder)


def _planned_cell(plan: StudyPlan, pattern: str) -> Cell:
    exact = [cell for cell in plan.cells if cell.name == pattern]
    cells = {cell.name: cell for cell in exact or lazy.engine.cells_matching(plan, [pattern]).cells}
    (name,) = _require_one(list(cells), pattern)
    return cells[name]


def _require_one(cells: Sequence[str], pattern: str) -> Sequence[str]:
    if len(cells) > 1:
        names = "; ".join(cells[:_MOST_NAMED])
        raise RagtallyError(f"{len(cells)} cells match {pattern!r}: {names}", hint="name one of them")
    return cells


def _encode(table: DataFrame, form: str, formulas: bool) -> bytes:
    buffer = io.BytesIO()
    if form == "parquet":
        table.write_parquet(buffer, compression="zstd", statistics=False)
    elif form == "jsonl":
        table.write_ndjson(buffer)
    else:
        nested_columns = [name for name, kind in table.schema.items() if kind.is_nested()]
        flat = [
            lazy.polars.Series(name, [_flat(value) for value in table[name].to_list()], lazy.polars.String)
            for name in nested_columns
        ]
        table = table.with_columns(flat)
        (table if formulas else table.with_columns(_without_formulas(table))).write_csv(buffer)
    return buffer.getvalue()


def _without_formulas(table: DataFrame) -> list[Expr]:
    """Texts come from models and datasets: a spreadsheet that opens them must not run what they say."""
    texts = [lazy.polars.col(name) for name, kind in table.schema.items() if kind == lazy.polars.String]
    return [
        lazy.polars.when(text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER))
        .then(lazy.polars.lit("'") + text)
        .otherwise(text)
        .alias(text.meta.output_name())
        for text in texts
    ]


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _lines(call_store: CallStore) -> Iterator[bytes]:
    for row in lazy.calls_salvage.all_calls(call_store):
        try:
            yield lazy.calls_salvage.sound_line(row)
        except ValueError as error:
            raise RagtallyError(
                f"the saved call {row[0]!r} is damaged: {error}",
                location=Location(str(call_store.database.path)),
                hint="`ragtally store export --salvage FILE` leaves out what is damaged",
            ) from error


def _deliver(content: bytes, form: str, out: Path | None) -> None:
    if out is not None:
        lazy.store.write_bytes(out, content)
        click.echo(f"{out}: {len(content):,} bytes", err=True)
        return
    if form == "parquet" and sys.stdout.isatty():
        raise click.UsageError("parquet is not for a terminal: give --out FILE")
    sys.stdout.buffer.write(content)
