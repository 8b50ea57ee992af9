"""The command line: one file per command, imported when it is called."""

from __future__ import annotations

import gc
import importlib
import os
import shlex
import signal
import sys
import traceback
from io import TextIOWrapper
from typing import Any

import click

from ragtally import __version__
from ragtally.api import ErrorList, RagtallyError, StoppedError
from ragtally.api.errors import EXIT_BUG, EXIT_DONE, EXIT_STOPPED, EXIT_USER
from ragtally.support.write_failures import write_failure

_COMMANDS = {
    "new": "Write a spec to begin with.",
    "check": "Validate specs: every error at once, with its place and its remedy.",
    "plan": "List a study's cells, the work they share, and what is done.",
    "run": "Run a study, or one stage of it, and write its results.",
    "show": "Print the result tables of a study, and its analysis.",
    "compare": "Compare two cells of one study or of two: what changed, and whether it is chance.",
    "grade": "Let people grade answers, to see how far the judges can be trusted.",
    "export": "Write answers, base, calls or the leaderboard's form to other formats.",
    "curate": "Decide on a page, or in a sheet, which generated examples are good.",
    "report": "Write a study's report: one page, the analysis as JSON, and plots.",
    "plugins": "List the components that installed plugins offer.",
    "schema": "Print the JSON Schema of a spec, or the reference made from it.",
    "store": "Show what was paid to whom; verify, share and tidy the store.",
    "advise": "Say what models need of this machine, and what more examples would bring.",
    "doctor": "Say what is missing to run a spec, and the command that fixes it.",
    "fetch": "Get a dataset's files, checked by their SHA-256.",
}


class _LazyGroup(click.Group):
    """Lists commands without importing them, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"ragtally.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # Whoever read our output has enough of it.
            _close_output()
            return EXIT_DONE

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 a bug; 2 something you can fix; 3 stopped, and the same command continues.",
)
@click.version_option(__version__, prog_name="ragtally")
def cli() -> None:
    """Benchmark retrieval-augmented question answering from a YAML spec.

    When an answer is wrong, was it the reader or the retrieval, and what is the cheapest set-up that is good
    enough?
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # The tasks and calls of a large study are a million objects that stay. At Python's 700 the garbage collector goes
    # through them again and again, which takes a third of the time of planning 5,000 cells.
    gc.set_threshold(50_000)
    # A shutdown or a terminal that closes stops a command as Ctrl-C does; under `nohup` the latter is ignored.
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # What a stream cannot take (a check mark, in ASCII) becomes a question mark.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else EXIT_DONE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt) as interruption:
        # Click turns one into the other, depending on where Ctrl-C falls.
        click.echo("stopped: interrupted", err=True)
        _say_how_to_continue(interruption.__cause__ or interruption)
        sys.exit(EXIT_STOPPED)
    except ErrorList as errors:
        for single in errors.errors:
            click.echo(f"error: {single}", err=True)
        click.echo(f"{len(errors.errors)} errors", err=True)
        sys.exit(errors.exit_code)
    except StoppedError as stopped:
        click.echo(f"stopped: {stopped}", err=True)
        _say_how_to_continue(stopped)
        sys.exit(stopped.exit_code)
    except RagtallyError as error:
        click.echo(f"error: {error}", err=True)
        if _notes(error):
            _say_how_to_continue(error, "once that is fixed, ")
        sys.exit(error.exit_code)
    except Exception as error:
        reason = write_failure(error)
        if reason is not None:
            click.echo(f"error: cannot write: {reason.strerror}", err=True)
            if _notes(error):
                _say_how_to_continue(error, "once there is room, ")
            _close_output()
            sys.exit(EXIT_USER)
        traceback.print_exc()
        click.echo("this is a bug in ragtally or in a plugin: please report the lines above", err=True)
        sys.exit(EXIT_BUG)


def _say_how_to_continue(error: BaseException, when: str = "") -> None:
    """Say what a command that ended early leaves behind, and how to go on."""
    for line in _notes(error) or ["finished work is saved"]:
        click.echo(line, err=True)
    click.echo(f"{when}the same command continues: {_command()}", err=True)


def _notes(error: BaseException) -> list[str]:
    notes: list[str] = getattr(error, "__notes__", [])
    return notes


def _close_output() -> None:
    """Let what Python still writes at its end go into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command() -> str:
    return shlex.join(["ragtally", *sys.argv[1:]])
