"""`ragtally curate`."""

from __future__ import annotations

import asyncio
import getpass
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.cli import lazy
from ragtally.cli.studies import folder_of, results_option

if TYPE_CHECKING:
    from ragtally.curation.review import Review


@click.command(name="curate")
@click.argument("study")
@results_option
@click.option("--person", help="Who decides; by default the name of your account.")
@click.option(
    "--log", type=click.Path(path_type=Path, dir_okay=False),
    help="The file of decisions; by default the one that the spec names under `curate`.",
)  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65_535), help="The page's port; by default the study's own.")
@click.option("--open/--no-open", "in_browser", default=True, help="Open the page in the browser.")
@click.option(
    "--sheet", type=click.Path(path_type=Path, dir_okay=False),
    help="Write a sheet (.xlsx, .csv) or Label Studio's tasks (.json) instead of opening the page.",
)  # fmt: skip
@click.option(
    "--read", "files", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True,
    help="Read a sheet, or Label Studio's export, back into the log; several at once.",
)  # fmt: skip
def command(
    study: str,
    results: Path,
    person: str | None,
    log: Path | None,
    port: int | None,
    in_browser: bool,
    sheet: Path | None,
    files: tuple[Path, ...],
) -> None:
    """Decide which examples of STUDY (its name, or the folder of its results) are good: on a page, or in a sheet.

    Every decision is appended to a log, with who, when and why. `ragtally run SPEC` then exports what was accepted.
    """
    if sheet is not None and files:
        raise click.UsageError("--sheet cannot be given together with --read")
    folder = folder_of(study, results)
    name = " ".join((person or getpass.getuser()).split())
    log = log or lazy.review.log_of(folder)
    review = lazy.review.Review(folder, lazy.decisions.DecisionLog(log))
    if sheet is not None:
        count = lazy.decision_sheets.write(sheet, review, name)
        click.echo(
            f"{sheet}: {count} examples, doubtful ones first; `ragtally curate {study} --read {sheet}` reads it"
        )
    elif files:
        for line in lazy.decision_sheets.read_into_log(files, review, person):
            click.echo(line)
    else:
        _serve(review, folder, name, port, in_browser)


def _serve(review: Review, folder: Path, person: str, port: int | None, in_browser: bool) -> None:
    before = len(review.decisions)
    try:
        asyncio.run(_until_interrupted(review, folder, person, port, in_browser))
    except KeyboardInterrupt:
        # The usual end, not a failure.
        new = len(review.decisions) - before
        click.echo(f"\n{new} new decisions in {review.log.path}; the next `ragtally run` of the study uses them")


async def _until_interrupted(review: Review, folder: Path, person: str, port: int | None, in_browser: bool) -> None:
    runner, address = await lazy.curation_server.CurationServer(review, person).start(folder, port)
    click.echo(f"{len(review.rows)} examples, for {person}: {address}")
    click.echo("decisions are saved as they are made; Ctrl-C ends")
    if in_browser:
        webbrowser.open(address)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
