"""Where tables and progress go: colours and bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ragtally.api.errors import printable_lines
from ragtally.cli import lazy

if TYPE_CHECKING:
    from ragtally.present.table import Table

_PLAIN_WIDTH = 120


def print_all(parts: Sequence[Table | str]) -> None:
    """Print tables and texts on standard output, with an empty line between them."""
    # Rich takes COLUMNS=0, which says that the width is not known, for a width.
    known = os.environ.get("COLUMNS", "").isdecimal() and int(os.environ["COLUMNS"]) > 0
    width = None if known or sys.stdout.isatty() else _PLAIN_WIDTH
    out = _Output(width=width, highlight=False, markup=False, emoji=False)
    for part in lazy.table.terminal(parts, out.width):
        out.print(part)


class _Output(Console):
    """Leaves it to the command line to end where nobody reads on; Rich would call that a failure."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def progress_console() -> Console:
    """The console for progress, on standard error."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def status(message: str) -> AbstractContextManager[object]:
    """A line on a terminal, which goes away when the work is done."""
    return progress_console().status(message)


@contextmanager
def bar(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, which goes away when the work is done; the function advances it."""
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=progress_console(),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    task = bars.add_task(label, total=total)
    with bars:
        yield lambda amount: bars.advance(task, amount)


class _Rate(ProgressColumn):
    """Pieces of work per second or minute, and how long the rest takes at that rate."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("")
        rate = f"{speed:,.1f}/s" if speed >= 1 else f"{60 * speed:,.1f}/min"
        left = task.time_remaining
        return Text(f"{rate}, {timedelta(seconds=round(left))} left" if left else rate)


class TerminalProgress:
    """Shows progress on standard error: a bar a step on a terminal, a line a step elsewhere."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._task: TaskID | None = None
        self._measured: dict[str, TaskID] = {}
        self._started: dict[tuple[str, int], TaskID] = {}
        if sys.stderr.isatty():
            self._bars = Progress(
                TextColumn("{task.fields[step]:<9}", markup=False),
                BarColumn(bar_width=16),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                _Rate(),
                TextColumn("{task.fields[label]}", markup=False),
                console=progress_console(),
            )

    def start(self, step: str, total: int, done: int) -> None:
        """A step begins, or goes on after others came between (see `ragtally.workspace.Progress`)."""
        self._end_step()
        task = self._started.get((step, total))
        if self._bars is None:
            if task is None:
                click.echo(f"{step}: {total - done} to do, {done} of {total} done before", err=True)
                self._started[step, total] = TaskID(0)
            return
        self._bars.start()
        if task is None:
            task = self._bars.add_task(step, total=total, completed=done, step=step, label="")
            self._started[step, total] = task
        else:
            self._bars.tasks[self._bars.task_ids.index(task)].stop_time = None
        self._task = task

    def advance(self, step: str, label: str) -> None:
        """A piece of work is done."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, advance=1, label=label[:30])

    def measure(self, what: str, total: int, done: int, label: str = "") -> None:
        """Something outside the steps got so far; shown on a terminal only."""
        if self._bars is None:
            return
        self._bars.start()
        if what not in self._measured:
            self._end_step()
            self._measured[what] = self._bars.add_task(what, total=total, completed=done, step=what[:40], label="")
        elif self._task != self._measured[what]:
            self._end_step()
        self._task = self._measured[what]
        self._bars.update(self._task, completed=done, total=total, label=label[:30])

    def warn(self, message: str) -> None:
        """Something was repaired."""
        click.echo(f"note: {printable_lines(message)}", err=True)

    def finish(self) -> None:
        """All work is done, or stopped."""
        if self._bars is not None:
            self._end_step()
            self._bars.stop()

    def _end_step(self) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, label="")
            self._bars.stop_task(self._task)
            self._task = None
