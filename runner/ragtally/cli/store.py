"""`ragtally store`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.api import ErrorList, ExternalResource, Location, RagtallyError, StoreError, did_you_mean
from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress, bar, print_all
from ragtally.cli.studies import json_option, project_store, shared_option
from ragtally.registry import load_registry
from ragtally.spec.load import load_study

if TYPE_CHECKING:
    from ragtally.engine.sharing import Sharing
    from ragtally.present.table import Table
    from ragtally.store import SharedStore, Store
    from ragtally.store.batches import BatchStore, StoredBatch
    from ragtally.store.calls import CallStore
    from ragtally.store.inventory import Garbage
    from ragtally.store.tuning import StoredJob, TuningStore

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
@json_option
def paid(as_json: bool) -> None:
    """Show what was paid to whom, and what failed."""
    with _calls() as calls:
        spent, failures, billed = calls.spent(), calls.failure_counts(), calls.billed_failures()
        served = calls.served()
    with closing(lazy.vectors.VectorStore(_root() / lazy.vectors.FILE_NAME)) as vectors:
        embeddings = vectors.spent()
    with closing(_batch_store()) as store:
        unread = store.all(unread=True)
    with closing(_job_store()) as jobs:
        tunings = jobs.all()
    if as_json:
        content = {
            "paid": [asdict(row) for row in spent],
            "billed_failures": [asdict(row) for row in billed],
            "failed": [asdict(row) for row in failures],
            "embedded": [asdict(row) for row in embeddings],
            "open_batches": [batch.name for batch in unread],
            "tunings": [_job_json(job) for job in tunings],
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    if not spent:
        click.echo(f"no model has been paid yet; store: {_root()}")
    tables: list[Table | str] = []
    if spent:
        tables.append(lazy.store_tables.paid_table(spent))
    if (others := lazy.store_tables.served_table(served)) is not None:
        tables.append(others)
    if billed:
        tables.append(lazy.store_tables.billed_table(billed))
    if failures:
        tables.append(lazy.store_tables.failed_table(failures))
    if embeddings:
        tables.append(lazy.store_tables.embedded_table(embeddings))
    if unread:
        tables.append(lazy.store_tables.batches_table(unread))
    if tunings:
        tables.append(lazy.store_tables.jobs_table(tunings))
    if tables:
        print_all(tables)


@command.command(short_help="Check every saved call, every file of finished work, and what indexes have on servers.")
def verify() -> None:
    """Check every saved call and every file of finished work; set damaged work aside, to be done again.

    Saved calls are paid for: damaged ones are named and left as they are. What an index has outside the store, its
    collection on a server, is looked at too; a server that cannot be reached is no damage. Looks at this machine's
    store; what is fetched from a shared one is checked whenever that happens.
    """
    with _calls() as calls:
        damage = _verify_calls(calls)
    store = lazy.store.Store(_root())
    entries = [entry for entry in lazy.inventory.stored_entries(store) if store.complete(entry.step, entry.address)]
    sound = 0
    with bar("entries", len(entries)) as advance:
        for entry in entries:
            try:
                store.open(entry.step, entry.address)
                sound += 1
            except lazy.store.DamagedEntry as error:
                damage.append(error)
            except StoreError:
                pass  # another process removed it meanwhile
            advance(1)
    click.echo(f"entries: {sound:,} sound of {len(entries):,}")
    damage += _verify_resources(store)
    if damage:
        raise ErrorList(damage)


@command.command(name="export", short_help="Write every saved call to a file, to share paid answers.")
@click.argument("file", type=_FILE)
@click.option("--salvage", is_flag=True, help="Leave out what cannot be read of a damaged call store.")
def export_command(file: Path, salvage: bool) -> None:
    """Write every saved call to FILE, one per line, sorted: the same calls give the same bytes.

    Compressed if FILE ends in .gz. To share paid answers in a team: export to a file below data/, dvc add it; the
    others dvc pull and import it.
    """
    with _calls() as calls:
        if salvage:
            with bar("calls", None) as advance:
                export = lazy.calls_transfer.salvage_calls(calls, file, advance)
        else:
            with bar("calls", lazy.calls_salvage.count_calls(calls)) as advance:
                export = lazy.calls_transfer.export_calls(calls, file, advance)
    billed = f", {export.billed_failures:,} paid replies that were no answers" if export.billed_failures else ""
    click.echo(f"{file}: {export.calls:,} calls{billed}, {file.stat().st_size:,} bytes")
    if export.unreadable:
        raise StoreError(
            f"{export.unreadable:,} places could not be read, each with one call or more",
            location=Location(str(calls.database.path)),
            hint="the calls that are missing from the export will be paid again if a study needs them",
        )


@command.command(name="import", short_help="Add the calls of an export.")
@click.argument("file", type=_FILE)
def import_command(file: Path) -> None:
    """Add the calls of FILE, an export; a call that is here already keeps its answer."""
    size = file.stat().st_size if file.is_file() else None
    with _calls() as calls, bar("bytes", size) as advance:
        summary = lazy.calls_transfer.import_calls(calls, file, advance)
    click.echo(f"{summary.new:,} new, {summary.duplicates:,} known, {summary.conflicting:,} conflicting")
    if summary.billed_failures:
        click.echo(f"{summary.billed_failures:,} paid replies that were no answers were added")
    if summary.conflicting:
        click.echo("conflicting: here with another answer; the one that was here first stays", err=True)
    more = summary.wrong_lines - len(summary.errors)
    if more:
        click.echo(f"{more:,} more lines are wrong", err=True)
    if summary.errors:
        raise ErrorList(summary.errors)


@command.command(short_help="List what nobody needs; remove it with --yes.")
@click.option(
    "--keep", "specs", metavar="SPEC", multiple=True, type=_FILE,
    help="Also remove the finished work that no such spec needs (again for more).",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Remove it; without this, only list it.")
@click.option(
    "--leave-outside", is_flag=True,
    help="Leave what indexes have outside the store, on a server that is permanently gone.",
)  # fmt: skip
def gc(specs: tuple[Path, ...], yes: bool, leave_outside: bool) -> None:
    """List what nobody needs: what killed runs left, what was set aside as damaged.

    With --keep, also the finished work that none of those specs needs, and what an index has outside the store: its
    collection on a server. Removes it with --yes, which is for when nothing runs. Saved calls are paid for and
    always stay. So does what lies in a shared store, which others may need.
    """
    store = lazy.store.Store(_root())
    folders = lazy.inventory.garbage(store, _entries_in_use(specs) if specs else None)
    resources = (
        {}
        if leave_outside
        else lazy.external.orphaned_resources(store, [each.folder for each in folders], load_registry())
    )
    if folders:
        print_all([lazy.store_tables.garbage_table(folders, store.root)])
    for what in dict.fromkeys(each.what for each in resources.values()):
        click.echo(f"outside the store: {what}")
    left = _remove(folders, resources) if yes else []
    removed_count = len(folders) - len(left)
    size = sum(folder.size for folder in folders) - sum(folder.size for folder, _ in left)
    outcome = "removed" if yes else "nothing was removed; --yes removes"
    click.echo(f"{outcome} {removed_count:,} folders, {size:,} bytes" if folders else "there is no garbage")
    if left:
        raise ErrorList([error for _, error in left])


@command.command(name="batches", short_help="List the open batches of calls.")
@click.option("--all", "every", is_flag=True, help="Also list those whose results were read.")
@json_option
def batches(every: bool, as_json: bool) -> None:
    """List the batches of calls that are on their way, as they stood when a run last asked."""
    with closing(_batch_store()) as store:
        rows = store.all(unread=not every)
    if as_json:
        content = [{name: value for name, value in asdict(row).items() if name != "parameters"} for row in rows]
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    elif rows:
        print_all([lazy.store_tables.batches_table(rows)])
    else:
        click.echo("no batch is open")


@command.command(name="jobs", short_help="List the fine-tuning jobs of providers.")
@click.option("--all", "every", is_flag=True, help="Also list those that are over.")
@json_option
def jobs(every: bool, as_json: bool) -> None:
    """List the fine-tuning jobs that are on their way, as they stood when a run last asked."""
    with closing(_job_store()) as store:
        rows = store.all(running=not every)
    if as_json:
        click.echo(json.dumps([_job_json(row) for row in rows], indent=2, ensure_ascii=False))
    elif rows:
        print_all([lazy.store_tables.jobs_table(rows)])
    else:
        click.echo("no fine-tuning job is open")


@command.command(name="cancel", short_help="Have no further calls of a batch answered, or end a fine-tuning job.")
@click.argument("name")
def cancel(name: str) -> None:
    """Cancel batch NAME at the provider; what it had answered by then is paid, and saved by the next run.

    NAME may also be a fine-tuning job's; what it was trained on by then may be paid, and there is no model.
    """
    with closing(_job_store()) as jobs:
        if (job := _job_of(jobs, name)) is not None:
            lazy.llm_tuning.cancel_job(job, load_registry())
            click.echo(f"fine-tuning job {job.name}: cancelled at {job.provider} ({job.job_id})")
            click.echo("run the study again: it notes the end, and then can submit another one", err=True)
            return
    with closing(_batch_store()) as store:
        batch = _batch_of(store, name)
        if batch.batch_id is None:
            raise RagtallyError(
                f"batch {batch.name} has not been accepted by {batch.provider}, as far as is known",
                hint="run the study again, which finds out",
            )
        state = lazy.llm_batches.cancel_batch(batch, load_registry())
        store.change(batch.name, status=state.status)
    click.echo(f"batch {batch.name}: cancelled at {batch.provider} ({batch.batch_id}); it may take some minutes")
    click.echo("run the study again: what was answered is saved, the rest can be sent another way", err=True)


@command.command(name="forget", short_help="Give up what a batch answers, or the model of a fine-tuning job.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what it means.")
def forget(name: str, yes: bool) -> None:
    """Forget batch NAME, which the provider no longer knows: its calls will be paid again.

    It is not cancelled by this. NAME may also be a fine-tuning job's, whose model is gone: it is trained again.
    """
    with closing(_job_store()) as jobs:
        if (job := _job_of(jobs, name, over=True)) is not None:
            if yes:
                jobs.change(job.name, stage="forgotten")
            outcome = "forgotten" if yes else "would be paid again; --yes forgets the job"
            click.echo(f"fine-tuning job {job.name}: the training for {job.reader} {outcome}")
            return
    with closing(_batch_store()) as store:
        batch = _batch_of(store, name)
        calls = len(store.keys_of(batch.name))
        if yes:
            store.forget(batch.name)
    outcome = "forgotten" if yes else "would be paid again; --yes forgets the batch"
    click.echo(f"batch {batch.name}: {calls:,} calls {outcome}")


@command.command(short_help="Share what is done here of a spec.")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=_FILE)
@shared_option
def push(specs: tuple[Path, ...], shared_store: str | None) -> None:
    """Share the finished work of every SPEC that is here and not yet in the shared store.

    A run shares what it does itself; this is for what was done before, or while the shared store could not be
    written. Saved calls, vectors and batches stay here, and so does what holds failures.
    """
    progress = TerminalProgress()
    store, tier = _stores(progress, shared_store)
    count = sum(sharing.push() for sharing in _sharings(specs, store, progress))
    error = tier.flush()
    progress.finish()
    if error is not None:
        raise error
    click.echo(f"{tier.url}: {count:,} entries added")


@command.command(short_help="Bring here what others have shared of a spec.")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=_FILE)
@shared_option
def pull(specs: tuple[Path, ...], shared_store: str | None) -> None:
    """Bring everything here that the shared store has of every SPEC, to work without it later.

    A run brings by itself what it needs.
    """
    progress = TerminalProgress()
    store, _ = _stores(progress, shared_store)
    count = sum(sharing.pull() for sharing in _sharings(specs, store, progress))
    progress.finish()
    click.echo(f"{store.root}: {count:,} entries added")


@command.command()
def path() -> None:
    """Print the store's folder."""
    click.echo(_root())


def _remove(
    folders: Sequence[Garbage], resources: Mapping[Path, ExternalResource]
) -> list[tuple[Garbage, RagtallyError]]:
    """Remove folders, each after what it has outside the store; where that fails, the folder stays."""
    left: list[tuple[Garbage, RagtallyError]] = []
    with bar("folders", len(folders)) as advance:
        for folder in folders:
            try:
                if folder.folder in resources:
                    resources[folder.folder].remove()
                lazy.inventory.remove(folder.folder)
            except RagtallyError as error:
                left.append((folder, error))
            advance(1)
    return left


def _stores(progress: TerminalProgress, url: str | None) -> tuple[Store, SharedStore]:
    store = project_store(progress, url)
    if store.tier is None:
        raise RagtallyError("no shared store is named", hint="--shared-store URL, or set RAGTALLY_SHARED_STORE")
    return store, store.tier


def _sharings(specs: Sequence[Path], store: Store, progress: TerminalProgress) -> Iterator[Sharing]:
    registry = load_registry()
    workspace = lazy.workspace.Workspace(store, registry, progress)
    for spec in specs:
        yield lazy.sharing.sharing_of(lazy.plan.plan_study(load_study(spec, registry), registry), workspace)


def _root() -> Path:
    return lazy.store.find_store(Path.cwd())


def _calls() -> CallStore:
    return lazy.calls.CallStore(_root() / lazy.calls.FILE_NAME)


def _batch_store() -> BatchStore:
    return lazy.batches.BatchStore(_root() / lazy.batches.FILE_NAME)


def _job_store() -> TuningStore:
    return lazy.tuning_store.TuningStore(_root() / lazy.tuning_store.FILE_NAME)


def _job_json(job: StoredJob) -> dict[str, object]:
    return {name: value for name, value in asdict(job).items() if name not in ("parameters", "losses")}


def _job_of(store: TuningStore, name: str, *, over: bool = False) -> StoredJob | None:
    """The job of a name, of the beginning of one, or of the provider's own; also where it is `over`."""
    stages = ("submitting", "open", *(["done"] if over else []))
    rows = [job for job in store.all() if job.stage in stages]
    matches = [job for job in rows if name and (job.name.startswith(name) or job.job_id == name)]
    if len(matches) > 1:
        hint = ", ".join(job.name for job in matches)
        raise RagtallyError(f"{len(matches)} fine-tuning jobs begin with {name!r}", hint=hint)
    return matches[0] if matches else None


def _verify_calls(calls: CallStore) -> list[RagtallyError]:
    """Check the calls; what is damaged is returned, so that the entries are checked all the same."""
    location = Location(str(calls.database.path))
    try:
        with bar("calls", lazy.calls_salvage.count_calls(calls)) as advance:
            check = lazy.calls_salvage.check_calls(calls, advance)
    except StoreError as error:
        return [error]
    click.echo(f"calls: {check.calls:,} sound")
    hint = "`ragtally store export --salvage FILE` writes what can be read; nothing was deleted"
    return [StoreError(fault, location=location, hint=hint) for fault in check.damage]


def _verify_resources(store: Store) -> list[RagtallyError]:
    """Look at what the indexes have outside the store; what could not be looked at is said, and is no damage."""
    resources = [each for each in lazy.external.external_resources(store, load_registry()) if each.verify is not None]
    damage, unknown = list[RagtallyError](), dict[str, RagtallyError]()
    with bar("outside the store", len(resources)) as advance:
        for resource in resources:
            assert resource.verify is not None
            try:
                finding = resource.verify(lambda what, so_far, total: None)
                if not finding.ok:
                    damage.append(StoreError(f"{resource.what} {finding.what}", hint=finding.remedy))
            except RagtallyError as error:
                unknown[resource.what] = error
            advance(1)
    if resources:
        sound = len(resources) - len(damage) - len(unknown)
        click.echo(f"outside the store: {sound:,} sound of {len(resources):,}")
    for what, reason in unknown.items():
        hint = f" ({reason.hint})" if reason.hint else ""
        click.echo(f"could not look at {what}: {reason.message}{hint}", err=True)
    return damage


def _entries_in_use(specs: Sequence[Path]) -> set[tuple[str, str]]:
    registry = load_registry()
    in_use: set[tuple[str, str]] = set()
    for spec in specs:
        plan = lazy.plan.plan_study(load_study(spec, registry), registry)
        goals = [task for stage in lazy.plan.STAGES for task in plan.goals(stage)]
        in_use.update((task.step.stored_as, task.address) for task in lazy.plan.in_order(goals))
    return in_use


def _batch_of(store: BatchStore, name: str) -> StoredBatch:
    """The batch of a name, of the beginning of one, or of the provider's own."""
    batch = store.find(name)
    if batch is not None:
        return batch
    unread = store.all(unread=True)
    matches = [each for each in unread if name and (each.name.startswith(name) or each.batch_id == name)]
    if len(matches) > 1:
        raise RagtallyError(
            f"{len(matches)} batches begin with {name!r}", hint=", ".join(each.name for each in matches)
        )
    if not matches:
        raise RagtallyError(
            f"no batch or fine-tuning job is called {name!r}", hint=did_you_mean(name, [each.name for each in unread])
        )
    return matches[0]
