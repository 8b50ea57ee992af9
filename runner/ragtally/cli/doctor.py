"""`ragtally doctor`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from ragtally.api import Choice, ErrorList, Finding, RagtallyError
from ragtally.api.errors import EXIT_USER, printable_lines
from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress
from ragtally.cli.executors import ExecutorCommand, executor_choice, executor_option
from ragtally.cli.studies import DEFAULT_RESULTS, json_option
from ragtally.redaction import check_rules, rules_identity
from ragtally.registry import Registry, load_registry
from ragtally.spec.load import load_study
from ragtally.spec.study import Study

# Kinds whose components need nothing of the world outside unless they say so: there is nothing to say of them.
_NEEDS_NOTHING = ("chunker", "embedder", "retriever")


@click.command(name="doctor", cls=ExecutorCommand)
@click.argument("spec", type=click.Path(path_type=Path))
@executor_option
@json_option
def command(spec: Path, executor: str | None, as_json: bool) -> None:
    """Say what is missing to run SPEC (data, servers, models, keys), and the command that fixes it."""
    findings = list(dict.fromkeys(_findings(spec, executor)))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(printable_lines(f"{'ok     ' if finding.ok else 'missing'}  {finding.what}"))
            if finding.remedy:
                click.echo(printable_lines(f"         {finding.remedy}"))
    missing = sum(not finding.ok for finding in findings)
    if missing:
        click.echo(f"{missing} of {len(findings)} things are missing", err=True)
        raise click.exceptions.Exit(EXIT_USER)


def _findings(spec: Path, executor: str | None) -> Iterator[Finding]:
    registry = load_registry()
    yield Finding(True, f"plugins: {len(registry.all())} components")
    try:
        study = load_study(spec, registry)
    except RagtallyError as error:
        errors = error.errors if isinstance(error, ErrorList) else (error,)
        yield from (Finding(False, f"{each.location}: {each.message}", each.hint) for each in errors)
        return
    yield Finding(True, f"spec: {spec}")
    store = lazy.store.find_store(Path.cwd())
    yield _writable("store", store)
    yield _writable("results", DEFAULT_RESULTS)
    yield from _executor(executor, registry)
    for name, choice in study.components():
        yield from _missing_keys(name, choice, registry)
    for name, choice in study.components():
        yield from _of_component(name, choice, registry)
    yield from _redaction(study)
    yield from _answer_forms(study, registry)
    yield from _overlong_prompts(study, registry, store)


def _executor(name: str | None, registry: Registry) -> Iterator[Finding]:
    """Say whether who is to do the work is there."""
    try:
        choice = executor_choice(name, registry)
    except RagtallyError as error:
        errors = error.errors if isinstance(error, ErrorList) else (error,)
        places = [f"{each.location}: " if each.location else "" for each in errors]
        yield from (
            Finding(False, f"executor: {place}{each.message}", each.hint)
            for place, each in zip(places, errors, strict=True)
        )
        return
    yield from _of_component(f"executor {choice.name}", choice, registry)


def _redaction(study: Study) -> Iterator[Finding]:
    """Say whether names, telephone numbers and addresses can be replaced, where the dataset is to."""
    rules = study.dataset.choice.parameters.get("redact")
    if rules is None:
        return
    try:
        rules_identity(rules)
        check_rules(rules)
    except RagtallyError as error:
        where = f"{error.location}: " if error.location else ""
        yield Finding(False, f"redact: {where}{error.message}", error.hint)
        return
    yield Finding(True, "redact: all that it needs is there")


def _answer_forms(study: Study, registry: Registry) -> Iterator[Finding]:
    """Say of each reader that asks a model whether its answers are held to a schema."""
    answers = study.dataset.answers
    if answers is None:
        # What is wrong with the dataset has been said.
        with suppress(RagtallyError):
            answers = registry.build(study.dataset.choice).answers
    for name, pick in study.readers.items():
        traits = registry.traits(pick.choice)
        if not traits.prompts:
            continue
        model = registry.traits(pick.choice.parameters["model"])
        form = lazy.answer_form.answer_form(traits, model, answers or ())
        way = (
            "held to a JSON schema" if form.constrained else f"asked for {'as JSON' if form.as_json else 'in words'}"
        )
        yield Finding(True, f"reader {name}: its answers are {way} ({form.why})")


def _overlong_prompts(study: Study, registry: Registry, store: Path) -> Iterator[Finding]:
    """Say what a run would refuse to send, of the prompts that are written already."""
    workspace = lazy.workspace.Workspace(lazy.store.Store(store), registry, TerminalProgress())
    # What keeps a plan from being made has been said.
    with suppress(RagtallyError):
        tasks = lazy.estimate.ask_tasks(lazy.plan.plan_study(study, registry))
        for error in lazy.context_length.overlong_prompts(tasks, workspace, study):
            yield Finding(False, error.message, error.hint)


def _missing_keys(name: str, choice: Choice, registry: Registry) -> Iterator[Finding]:
    """All keys that are missing, before any server is asked."""
    look = registry.get(choice).component.missing_keys
    for finding in look(choice.parameters) if look is not None else ():
        yield Finding(False, f"{name}: {finding.what}", finding.remedy)


def _of_component(name: str, choice: Choice, registry: Registry) -> Iterator[Finding]:
    component = registry.get(choice).component
    try:
        if component.diagnose is not None:
            findings = component.diagnose(choice.parameters)
            yield from (Finding(each.ok, f"{name}: {each.what}", each.remedy) for each in findings)
            return
        if component.fingerprint is None and choice.kind in _NEEDS_NOTHING:
            return
        fingerprint = component.fingerprint(choice.parameters) if component.fingerprint else None
    except RagtallyError as error:
        where = f"{error.location}: " if error.location else ""
        yield Finding(False, f"{name}: {where}{error.message}", error.hint)
        return
    yield Finding(True, name if fingerprint is None else f"{name}: its data is there")


def _writable(what: str, folder: Path) -> Finding:
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding(True, f"{what}: {folder}")
    return Finding(False, f"{what}: {folder} cannot be written", f"chmod u+w {nearest}, or name another folder")
