"""Who does the work of a run: an executor named on the command line, or in the machine's settings."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragtally.cli import lazy
from ragtally.registry import load_registry
from ragtally.spec.document import resolve_plain
from ragtally.spec.settings import Settings, executor_of, load_settings

if TYPE_CHECKING:
    from ragtally.api import Choice
    from ragtally.engine.jobs import Delegation
    from ragtally.registry import Registry

_OPTION = "--executor"
_VARIABLE = "RAGTALLY_SETTINGS"
_PARAMETERS = "ragtally.executor_parameters"

executor_option = click.option(
    _OPTION, metavar="NAME",
    help="Who does what can leave this process; its parameters follow as --NAME-PARAMETER VALUE. "
    "`ragtally plugins executor` lists them.",
)  # fmt: skip


class ExecutorCommand(click.Command):
    """A command with `--executor NAME` and that executor's parameters, `--NAME-PARAMETER VALUE`."""

    # Options made of the installed plugins would have `--help` wait for these.

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the executor's parameters out of the arguments."""
        parameters, rest = _executor_parameters(args)
        ctx.meta[_PARAMETERS] = parameters
        return super().parse_args(ctx, rest)


def delegation_of(name: str | None, registry: Registry) -> Delegation:
    """Build the executor of a run."""
    return lazy.jobs.delegation(executor_choice(name, registry), registry)


def executor_choice(name: str | None, registry: Registry) -> Choice:
    """Pick the executor that is named, else that of the settings, else the default."""
    parameters = click.get_current_context().meta.get(_PARAMETERS, {})
    if name is not None:
        return executor_of(name, parameters, registry)
    return machine_settings(registry).executor or lazy.jobs.default_executor(registry)


def machine_settings(registry: Registry | None = None) -> Settings:
    """Read this machine's settings, where there are any; an empty `RAGTALLY_SETTINGS` stands for none."""
    if (named := os.environ.get(_VARIABLE)) is not None:
        return load_settings(Path(named), registry or load_registry()) if named else Settings()
    path = Path(click.get_app_dir("ragtally")) / "settings.yaml"
    return load_settings(path, registry or load_registry()) if path.exists() else Settings()


def _executor_parameters(args: Sequence[str]) -> tuple[Mapping[str, Any], list[str]]:
    words = list(args)
    options = words[: words.index("--")] if "--" in words else words
    named = [word.partition("=")[2] for word in options if word.startswith(f"{_OPTION}=")]
    named += [value for option, value in itertools.pairwise(options) if option == _OPTION]
    if not named:
        return {}, words
    prefix = f"--{named[-1]}-"
    parameters: dict[str, Any] = {}
    rest: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word not in options or not word.startswith(prefix):
            rest.append(word)
            continue
        option, has_value, value = word.partition("=")
        if not has_value:
            if position == len(words):
                raise click.BadOptionUsage(option, f"Option '{option}' requires an argument.")
            value, position = words[position], position + 1
        parameters[option.removeprefix(prefix).replace("-", "_")] = resolve_plain(value)
    return parameters, rest
