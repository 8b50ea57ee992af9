"""Where tables and progress go: colours and bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import click
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

_PLAIN_WIDTH = 120


def console() -> Console:
    """Make the console for result tables, on standard output."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def print_all(parts: Iterable[RenderableType], widest: int | None = None) -> None:
    """Print tables and texts on standard output, an empty line between them."""
    out = console()
    width = min(out.width, widest or out.width)
    for number, part in enumerate(parts):
        if number:
            out.print()
        out.print(part, width=width)


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f}/s")


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
                console=Console(stderr=True, highlight=False, markup=False, emoji=False),
            )

    def start(self, step: str, total: int, done: int) -> None:
        """A step begins, or goes on after others came between (see `ragtally.workspace.Progress`)."""
        self._end_step()
        known = self._started.get((step, total))
        if self._bars is None:
            if known is None:
                click.echo(f"{step}: {total - done} to do, {done} of {total} done before", err=True)
                self._started[step, total] = TaskID(0)
            return
        self._bars.start()
        if known is None:
            known = self._bars.add_task(step, total=total, completed=done, step=step, label="")
            self._started[step, total] = known
        else:
            self._bars.tasks[self._bars.task_ids.index(known)].stop_time = None
        self._task = known

    def advance(self, step: str, label: str) -> None:
        """A piece of work is done."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, advance=1, label=label[:30])

    def measure(self, what: str, total: int, done: int, label: str = "") -> None:
        """Something outside the steps is so far; told on a terminal alone."""
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
        """Something was mended."""
        click.echo(f"note: {message}", err=True)

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
