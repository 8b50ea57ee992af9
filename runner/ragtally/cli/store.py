"""`ragtally store`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from ragtally.api import ErrorList, ExternalResource, Location, RagtallyError, StoreError
from ragtally.cli.console import console
from ragtally.cli.store_batches import COMMANDS as BATCH_COMMANDS
from ragtally.engine.external import orphaned_resources
from ragtally.plan import STAGES, in_order, plan_study
from ragtally.present.store_tables import batches_table, embedded_table, failed_table, paid_table
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.store import DamagedEntry, Store, find_store
from ragtally.store.batches import FILE_NAME as BATCHES
from ragtally.store.batches import BatchStore
from ragtally.store.calls import FILE_NAME, CallStore
from ragtally.store.calls_salvage import check_calls, count_calls
from ragtally.store.calls_transfer import export_calls, import_calls, salvage_calls
from ragtally.store.inventory import Garbage, garbage, remove, stored_entries
from ragtally.store.vectors import FILE_NAME as VECTORS
from ragtally.store.vectors import VectorStore

_FILE = click.Path(path_type=Path, dir_okay=False)


class _PaidByDefault(click.Group):
    """Takes `ragtally store` and `ragtally store --json` for `ragtally store paid`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["paid", *args]
        return super().parse_args(ctx, args)


@click.group(name="store", cls=_PaidByDefault)
def command() -> None:
    """Look after the store: finished work, and the answers that models were paid for.

    Without a sub-command: `paid`.
    """


@command.command(short_help="What was paid to whom, and what failed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def paid(as_json: bool) -> None:
    """Show what was paid to whom, and what failed."""
    with _calls() as calls:
        spent, failed = calls.spent(), calls.failure_counts()
    with closing(VectorStore(_root() / VECTORS)) as vectors:
        embedded = vectors.spent()
    with closing(BatchStore(_root() / BATCHES)) as store:
        batches = store.all(unread=True)
    if as_json:
        content = {
            "paid": [asdict(row) for row in spent],
            "failed": [asdict(row) for row in failed],
            "embedded": [asdict(row) for row in embedded],
            "open_batches": [batch.name for batch in batches],
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    if spent:
        console().print(paid_table(spent))
    else:
        click.echo(f"no model has been paid yet; store: {_root()}")
    if failed:
        console().print(failed_table(failed))
    if embedded:
        console().print(embedded_table(embedded))
    if batches:
        console().print(batches_table(batches))


for _of_batches in BATCH_COMMANDS:
    command.add_command(_of_batches)


@command.command(short_help="Check every saved call and every file of finished work.")
def verify() -> None:
    """Check every saved call and every file of finished work; set damaged work aside, to be done anew.

    Saved calls are paid for: damaged ones are named and left as they are.
    """
    with _calls() as calls:
        damage = _verify_calls(calls)
    store = Store(_root())
    entries = [entry for entry in stored_entries(store) if store.complete(entry.step, entry.address)]
    sound = 0
    with _progress("entries", len(entries)) as advance:
        for entry in entries:
            try:
                store.open(entry.step, entry.address)
                sound += 1
            except DamagedEntry as error:
                damage.append(error)
            except StoreError:
                pass  # it went away meanwhile, by another process
            advance(1)
    click.echo(f"entries: {sound:,} sound of {len(entries):,}")
    if damage:
        raise ErrorList(damage)


@command.command(name="export", short_help="Write every saved call to a file, to share paid answers.")
@click.argument("file", type=_FILE)
@click.option("--salvage", is_flag=True, help="Leave out what cannot be read of a damaged call store.")
def export_command(file: Path, salvage: bool) -> None:
    """Write every saved call to FILE, one a line, sorted: the same calls give the same bytes.

    Compressed if FILE ends in .gz. To share paid answers in a team: export to a file below data/, dvc add it; the
    others dvc pull and import it.
    """
    with _calls() as calls:
        if salvage:
            with _progress("calls", None) as advance:
                written = salvage_calls(calls, file, advance)
        else:
            with _progress("calls", count_calls(calls)) as advance:
                written = export_calls(calls, file, advance)
    click.echo(f"{file}: {written.calls:,} calls, {file.stat().st_size:,} bytes")
    if written.unreadable:
        raise StoreError(
            f"{written.unreadable:,} places could not be read, each with one call or more",
            location=Location(str(calls.database.path)),
            hint="the calls that are missing from the export will be paid again if a study needs them",
        )


@command.command(name="import", short_help="Add the calls of an export.")
@click.argument("file", type=_FILE)
def import_command(file: Path) -> None:
    """Add the calls of FILE, an export; a call that is known keeps the answer that it has."""
    size = file.stat().st_size if file.is_file() else None
    with _calls() as calls, _progress("bytes", size) as advance:
        found = import_calls(calls, file, advance)
    click.echo(f"{found.new:,} new, {found.duplicates:,} known, {found.conflicting:,} conflicting")
    if found.conflicting:
        click.echo("conflicting: known here with another answer; the one that was here first stays", err=True)
    more = found.wrong_lines - len(found.errors)
    if more:
        click.echo(f"{more:,} more lines are wrong", err=True)
    if found.errors:
        raise ErrorList(found.errors)


@command.command(short_help="List what nobody needs; remove it with --yes.")
@click.option(
    "--keep", "specs", metavar="SPEC", multiple=True, type=_FILE,
    help="Also remove the finished work that no such spec needs (again for more).",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Remove it; without this, only list it.")
@click.option(
    "--leave-outside", is_flag=True,
    help="Leave what indexes have outside the store, on a server that is gone for good.",
)  # fmt: skip
def gc(specs: tuple[Path, ...], yes: bool, leave_outside: bool) -> None:
    """List what nobody needs: what killed runs left, what was set aside as damaged.

    With --keep, also the finished work that none of those specs needs, and what an index has outside the store: its
    collection on a server. Removes it with --yes, which is for when nothing runs. Saved calls are paid for and
    always stay.
    """
    store = Store(_root())
    found = garbage(store, _needed(specs) if specs else None)
    external_resource = (
        {} if leave_outside else orphaned_resources(store, [each.folder for each in found], load_registry())
    )
    table = Table("why", "folder", title="Garbage", title_justify="left", pad_edge=False)
    table.add_column("bytes", justify="right")
    for folder in found:
        table.add_row(folder.why, str(folder.folder.relative_to(store.root)), f"{folder.size:,}")
    if found:
        console().print(table)
    for thing in dict.fromkeys(each.what for each in external_resource.values()):
        click.echo(f"outside the store: {thing}")
    staying = _remove(found, external_resource) if yes else []
    gone = len(found) - len(staying)
    size = sum(folder.size for folder in found) - sum(folder.size for folder, _ in staying)
    done = "removed" if yes else "nothing was removed; --yes removes"
    click.echo(f"{done} {gone:,} folders, {size:,} bytes" if found else "there is no garbage")
    if staying:
        raise ErrorList([error for _, error in staying])


@command.command()
def path() -> None:
    """Print the store's folder."""
    click.echo(_root())


def _remove(
    found: Sequence[Garbage], external_resource: Mapping[Path, ExternalResource]
) -> list[tuple[Garbage, RagtallyError]]:
    """Remove folders, each after what it has outside the store; one whose outside cannot be removed stays."""
    staying: list[tuple[Garbage, RagtallyError]] = []
    with _progress("folders", len(found)) as advance:
        for folder in found:
            try:
                if folder.folder in external_resource:
                    external_resource[folder.folder].remove()
                remove(folder.folder)
            except RagtallyError as error:
                staying.append((folder, error))
            advance(1)
    return staying


def _root() -> Path:
    return find_store(Path.cwd())


def _calls() -> CallStore:
    return CallStore(_root() / FILE_NAME)


def _verify_calls(calls: CallStore) -> list[RagtallyError]:
    """Check the calls; what is damaged is returned, so that the entries are checked all the same."""
    location = Location(str(calls.database.path))
    try:
        with _progress("calls", count_calls(calls)) as advance:
            check = check_calls(calls, advance)
    except StoreError as error:
        return [error]
    click.echo(f"calls: {check.calls:,} sound")
    hint = "`ragtally store export --salvage FILE` writes what can be read; nothing was deleted"
    return [StoreError(fault, location=location, hint=hint) for fault in check.damage]


def _needed(specs: Sequence[Path]) -> set[tuple[str, str]]:
    registry = load_registry()
    needed: set[tuple[str, str]] = set()
    for spec in specs:
        plan = plan_study(load_study(spec, registry), registry)
        goals = [task for stage in STAGES for task in plan.goals(stage)]
        needed.update((task.step.stored_as, task.address) for task in in_order(goals))
    return needed


@contextmanager
def _progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False, markup=False, emoji=False),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    task = bars.add_task(label, total=total)
    with bars:
        yield lambda amount: bars.advance(task, amount)
