"""`ragtally store batches`, `cancel` and `forget`: the batches of calls that are on their way."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from ragtally.api import RagtallyError, did_you_mean
from ragtally.cli.console import console
from ragtally.llm.batches import cancel_batch
from ragtally.present.store_tables import batches_table
from ragtally.registry import load_registry
from ragtally.store import find_store
from ragtally.store.batches import FILE_NAME, BatchStore, StoredBatch


@click.command(name="batches", short_help="List the open batches of calls.")
@click.option("--all", "every", is_flag=True, help="List those too whose results were read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def batches(every: bool, as_json: bool) -> None:
    """List the batches of calls that are on their way, as they stood when a run last asked."""
    with closing(_store()) as store:
        found = store.all(unread=not every)
    if as_json:
        rows = [{name: value for name, value in asdict(batch).items() if name != "parameters"} for batch in found]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif found:
        console().print(batches_table(found))
    else:
        click.echo("no batch is open")


@click.command(name="cancel", short_help="Have no further calls of a batch answered.")
@click.argument("name")
def cancel(name: str) -> None:
    """Cancel batch NAME at the provider; what it had answered by then is paid, and saved by the next run."""
    with closing(_store()) as store:
        batch = _named(store, name)
        if batch.batch_id is None:
            raise RagtallyError(
                f"batch {batch.name} has not been accepted by {batch.provider}, as far as is known",
                hint="run the study again, which finds out",
            )
        state = cancel_batch(batch, load_registry())
        store.change(batch.name, status=state.status)
    click.echo(f"batch {batch.name}: cancelled at {batch.provider} ({batch.batch_id}); it may take some minutes")
    click.echo(
        "run the study again: what was answered is saved, the rest is free to be sent in another way", err=True
    )


@click.command(name="forget", short_help="Give up what a batch answers.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what it means.")
def forget(name: str, yes: bool) -> None:
    """Forget batch NAME, which the provider does not know any more: its calls will be paid again.

    It is not cancelled by this.
    """
    with closing(_store()) as store:
        batch = _named(store, name)
        calls = len(store.keys_of(batch.name))
        if yes:
            store.forget(batch.name)
    said = "forgotten" if yes else "would be paid again; --yes forgets the batch"
    click.echo(f"batch {batch.name}: {calls:,} calls {said}")


# What `ragtally store` has of batches.
COMMANDS: tuple[click.Command, ...] = (batches, cancel, forget)


def _store() -> BatchStore:
    return BatchStore(find_store(Path.cwd()) / FILE_NAME)


def _named(store: BatchStore, name: str) -> StoredBatch:
    """Find a batch by its name, or the beginning of it, or by the provider's."""
    batch = store.find(name)
    if batch is not None:
        return batch
    known = store.all(unread=True)
    found = [each for each in known if name and (each.name.startswith(name) or each.batch_id == name)]
    if len(found) > 1:
        raise RagtallyError(f"{len(found)} batches begin with {name!r}", hint=", ".join(each.name for each in found))
    if not found:
        raise RagtallyError(f"no batch is called {name!r}", hint=did_you_mean(name, [each.name for each in known]))
    return found[0]
