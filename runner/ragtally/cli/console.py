"""Where tables and progress go: colours and bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
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
# A log gets no more than one line of progress in so many seconds.
_SECONDS_BETWEEN_LINES = 60.0


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
    """Pieces of work per second or minute, and when the rest is done at that rate."""

    def render(self, task: Task) -> Text:
        speed, left = task.finished_speed or task.speed, task.time_remaining
        if speed is None:
            return Text("")
        return Text(_rate(speed) if not left else f"{_rate(speed)}, done about {_clock(left)}")


def _rate(per_second: float) -> str:
    return f"{per_second:,.1f}/s" if per_second >= 1 else f"{60 * per_second:,.1f}/min"


def _clock(seconds: float) -> str:
    """What the clock will show in so many seconds, with the day where it is another one."""
    now = datetime.now().astimezone()
    end = now + timedelta(seconds=seconds)
    return f"{end:%H:%M}" if end.date() == now.date() else f"{end:%a %Y-%m-%d %H:%M}"


@dataclass
class _Count:
    """How far one thing is."""

    total: int
    at_first: int  # What was done before this run came to it
    so_far: int
    began: float
    bar: TaskID | None = None
    label: str = ""


class TerminalProgress:
    """Shows progress on standard error: a bar for each step and model on a terminal, a line a minute elsewhere."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_line = -math.inf
        self._counts: dict[str, _Count] = {}
        self._bars: Progress | None = None
        self._running: TaskID | None = None
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
        count = self._counts.get(step)
        # The same model is asked again later, by other questions.
        if count is None or count.total != total or done < count.so_far:
            count = self._counts[step] = _Count(total, done, done, self._clock())
        self._show(step, count)

    def advance(self, step: str, label: str) -> None:
        """A piece of work is done."""
        if (count := self._counts.get(step)) is not None:
            count.so_far, count.label = count.so_far + 1, label
            self._show(step, count)

    def measure(self, what: str, total: int, done: int, label: str = "") -> None:
        """Something outside the steps got so far."""
        before = self._counts.get(what)
        count = self._counts.setdefault(what, _Count(total, done, done, self._clock()))
        # What waits for hours, as batches do, does not fill a log with the same line.
        has_moved = before is None or (before.so_far, before.total) != (done, total)
        count.total, count.so_far, count.label = total, done, label
        if has_moved or self._bars is not None:
            self._show(what, count)

    def warn(self, message: str) -> None:
        """Something was repaired."""
        click.echo(f"note: {printable_lines(message)}", err=True)

    def finish(self) -> None:
        """All work is done, or stopped."""
        if self._bars is not None:
            self._pause()
            self._bars.stop()

    def _show(self, what: str, count: _Count) -> None:
        if self._bars is None:
            self._print_line(what, count)
            return
        self._bars.start()
        if count.bar is None:
            count.bar = self._bars.add_task(what, total=count.total, completed=count.so_far, step=what[:40], label="")
        if self._running != count.bar:
            self._pause()
            self._bars.tasks[self._bars.task_ids.index(count.bar)].stop_time = None
            self._running = count.bar
        self._bars.update(count.bar, completed=count.so_far, total=count.total, label=count.label[:30])

    def _print_line(self, what: str, count: _Count) -> None:
        now = self._clock()
        if now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        parts = [f"{what}: {count.so_far:,} of {count.total:,}"]
        if count.so_far > count.at_first and now > count.began:
            speed = (count.so_far - count.at_first) / (now - count.began)
            parts.append(_rate(speed))
            if left := (count.total - count.so_far) / speed:
                parts.append(f"done about {_clock(left)}")
        click.echo(", ".join([*parts, *filter(None, [count.label])]), err=True)

    def _pause(self) -> None:
        """Stop the clock of the bar that moved last."""
        if self._bars is not None and self._running is not None:
            self._bars.update(self._running, label="")
            self._bars.stop_task(self._running)
            self._running = None
