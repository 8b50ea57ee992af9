"""`ragtally new`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import NamedTuple

import click

from ragtally.api import (
    LANGUAGES,
    OPEN,
    TRAIN_PARAMETER,
    Component,
    ErrorList,
    Location,
    RagtallyError,
    ReaderTraits,
    Starter,
    did_you_mean,
)
from ragtally.cli import lazy
from ragtally.registry import Registry, load_registry
from ragtally.spec.defaults import ANSWER_METRICS, GRADING, OPEN_ANSWER_METRICS, RETRIEVAL_METRICS
from ragtally.spec.document import in_one_line
from ragtally.spec.load import load_study


class _Reader(NamedTuple):
    name: str
    line: str
    votes: bool  # Whether its votes can differ


_LONGEST_LINE = 100
_OPEN = """\
${models}readers:
${readers}
# Who says whether an answer is right: the first that says right or wrong decides; ragtally plugins lists all graders.
grading: ${grading}

"""
_READERS = """\
${models}readers:
${readers}
# Each voter reads every question three times, with its gold context before it.
label: {voters: [${voters}], votes: 3}
# Only the questions that it answers right every time stay: so what is lost later is not lost in reading.
base: {from: [${first}], rule: unanimous}

"""
_TEMPLATE = """\
# Every key and component: specs/README.md, or ragtally schema --reference
#   ragtally check ${path}     every error at once
#   ragtally plan ${path}      the cells, the calls, and what they cost
#   ragtally run ${path}       the results, and a report, below data/results/${study}/
study: ${study}
seed: 20
dataset:${dataset}
# Fewer questions, while you try things out:
# sample: {size: 100}

${answering}# Each key is an axis; a cell is one pick from each. All cells are asked the same questions.
grid:
  chunker: [${chunkers}]
  retriever: [${retrievers}]
  # Or context_words: [256], the same length of context for every chunk size.
  top_k: [1, 3]
${axes}metrics: [${metrics}]
# Each cell against the one that differs in its retriever alone, with a paired test.
compare: [{metric: ${deciding}, baseline: {retriever: ${baseline}}}]
"""
_AXES = """\
  reader: [${readers}]
${votes}controls: [${controls}]
"""
# The controls of labels, and of open answers.
_CONTROLS = ("closed_book", "gold_context", "wrong_context")
_OPEN_CONTROLS = _CONTROLS[:2]


@click.command(name="new")
@click.argument("study")
@click.option(
    "--dataset", metavar="DATASET",
    help="What is asked (ragtally plugins lists them).  [default: the first by name whose questions have answers]",
)  # fmt: skip
@click.option(
    "--model", "models", metavar="MODEL", multiple=True,
    help="A language model that reads, by LiteLLM's name, as ollama_chat/llama3.1:8b (again for more); "
    "without one, a reader that needs no server.",
)  # fmt: skip
@click.option(
    "--api-base", metavar="URL",
    help="The server of the models: llama.cpp, LM Studio, vLLM or any other that speaks OpenAI's API, as "
    "http://localhost:8080/v1. It is asked for its models; --model may be left out where it has one.",
)  # fmt: skip
@click.option(
    "--questions",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Your own questions: CSV, Excel, OpenDocument, JSON Lines or Parquet. Its columns are guessed, and printed.",
)
@click.option(
    "--documents", metavar="FOLDER", type=click.Path(path_type=Path),
    help="Beside --questions: the folder of your documents (PDF, Word, PowerPoint, Excel, HTML, ...), or a table.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The spec's path.  [default: specs/STUDY.yaml]"
)
def command(
    study: str,
    dataset: str | None,
    models: tuple[str, ...],
    api_base: str | None,
    questions: Path | None,
    documents: Path | None,
    out: Path | None,
) -> None:
    """Write a spec for STUDY to begin with, explained line by line; nothing is run."""
    path = out or Path("specs") / f"{study}.yaml"
    if path.exists():
        raise RagtallyError(
            "there is a file of that name", location=Location(str(path)), hint="choose another one: --out PATH"
        )
    registry = load_registry()
    if questions is None and documents is None:
        dataset, starter = _dataset(registry, study, dataset)
    elif questions is None or documents is None:
        raise click.UsageError("--questions and --documents go together")
    else:
        dataset, starter = _own_files(registry, study, dataset, questions, documents)
        for note in starter.notes:
            click.echo(note, err=True)
    if (models or api_base) and starter.answers is None:
        raise click.UsageError(f"--model is for datasets with answers; {dataset} compares retrieval alone")
    text = _spec(study, dataset, starter, _models(registry, models, api_base), path, registry)
    _check(text, study, registry)
    lazy.store.write_text(path, text)
    click.echo(path)
    if starter.source:
        click.echo(f"its data: {starter.source}", err=True)
    click.echo(f"run it: ragtally plan {path} && ragtally run {path}", err=True)
    click.echo("or name it in params.yaml, below `studies`, and run dvc repro:", err=True)
    click.echo(f"  {study}: {{spec: {path}, data: {starter.data}}}", err=True)


def _dataset(registry: Registry, study: str, wanted: str | None) -> tuple[str, Starter]:
    starters = {component.name: start(study) for component, start in _starters(registry, "dataset")}
    if wanted is None:
        wanted = next((name for name, starter in starters.items() if starter.answers is not None), "")
    if wanted not in starters:
        hint = did_you_mean(wanted, list(starters))
        raise RagtallyError(f"no first spec can be written for a dataset {wanted!r}", hint=hint)
    return wanted, starters[wanted]


def _own_files(
    registry: Registry, study: str, wanted: str | None, questions: Path, documents: Path
) -> tuple[str, Starter]:
    components = [entry.component for entry in registry.all() if entry.kind == "dataset"]
    starters = {component.name: component.files_starter for component in components if component.files_starter}
    name = wanted or next(iter(starters), "")
    if name not in starters:
        hint = did_you_mean(name, list(starters))
        raise RagtallyError(f"no dataset {name!r} reads a table of questions and a folder of documents", hint=hint)
    return name, starters[name](study, questions, documents)


def _starters(registry: Registry, kind: str) -> list[tuple[Component, Callable[[str], Starter]]]:
    components = [entry.component for entry in registry.all() if entry.kind == kind]
    return [(component, component.starter) for component in components if component.starter is not None]


def _choice(name: str, starter: Starter) -> str:
    """Name a component as a spec does, in one line."""
    return in_one_line({name: dict(starter.parameters)} if starter.parameters else name)


def _dataset_lines(name: str, starter: Starter) -> str:
    """The dataset in one line, or where that is too long for a reader, a line for each parameter."""
    choice = _choice(name, starter)
    if len(choice) <= _LONGEST_LINE:
        return f" {choice}"
    lines = [f"    {key}: {in_one_line(value)}" for key, value in starter.parameters.items()]
    return "\n".join(["", f"  {name}:", *lines])


def _spec(
    study: str, dataset: str, starter: Starter, models: Mapping[str, str], path: Path, registry: Registry
) -> str:
    readers = _readers(registry, list(models), starter) if starter.answers else []
    of_answers = OPEN_ANSWER_METRICS if starter.answers == OPEN else ANSWER_METRICS
    metrics = starter.metrics or (*(of_answers if readers else ()), *RETRIEVAL_METRICS)
    retrievers = _choices(registry, "retriever", starter.language)
    values = {
        "answering": "",
        "axes": "",
        "baseline": retrievers[0],
        "chunkers": ", ".join(_choices(registry, "chunker", starter.language)),
        "dataset": _dataset_lines(dataset, starter),
        "deciding": metrics[0],
        "metrics": ", ".join(metrics),
        "path": str(path),
        "retrievers": ", ".join(retrievers),
        "study": study,
    }
    if readers:
        values["axes"] = _axes(readers, starter)
        values["answering"] = _answering(readers, starter, models)
    return Template(_TEMPLATE).substitute(values)


def _axes(readers: Sequence[_Reader], starter: Starter) -> str:
    controls = _OPEN_CONTROLS if starter.answers == OPEN else _CONTROLS
    return Template(_AXES).substitute(
        readers=", ".join(reader.name for reader in readers),
        votes="  votes: [1, 3]\n" if any(reader.votes for reader in readers) else "",
        controls=", ".join(name for name in controls if name != "gold_context" or starter.has_gold_context),
    )


def _answering(readers: Sequence[_Reader], starter: Starter, models: Mapping[str, str]) -> str:
    """The part about models, readers, and what becomes of their answers."""
    voters = [reader.name for reader in readers if reader.votes]
    lines = [f"  {name}: {model}\n" for name, model in models.items()]
    values = {
        "models": "".join(["models:\n", *lines]) if lines else "",
        "readers": "\n".join(reader.line for reader in readers),
    }
    if starter.answers == OPEN:
        # No base: of few questions of one's own each one counts, and the gold context tells reader from retrieval.
        grading = in_one_line(starter.grading or {name: {} for name in GRADING})
        return Template(_OPEN).substitute(values, grading=grading)
    return Template(_READERS).substitute(values, voters=", ".join(voters), first=voters[0])


def _choices(registry: Registry, kind: str, language: str) -> list[str]:
    return [_choice(component.name, start(language)) for component, start in _starters(registry, kind)]


def _models(registry: Registry, models: Sequence[str], api_base: str | None) -> dict[str, str]:
    """Each model as the spec is to write it, by its name there."""
    component, start = _starters(registry, "model")[0]
    if api_base is None:
        starters = [start(model) for model in models]
    elif component.server_starter is None:
        raise RagtallyError(f"models named {component.name} have no server of one's own", hint="leave --api-base out")
    else:
        starters = [component.server_starter(model, api_base) for model in models or (None,)]
    return {_name(str(each.parameters["model"])): _choice(component.name, each) for each in starters}


def _readers(registry: Registry, models: Sequence[str], dataset: Starter) -> list[_Reader]:
    """Those that ask the models, or without one those that ask none; then those that always answer the same. Without
    a split to learn from there are none of those that learn.
    """
    askers, others, fixed = [], [], []
    for component, start in _starters(registry, "reader"):
        asks = any(schema.get("x-ragtally-kind") == "model" for schema in component.params.values())
        traits = component.traits if isinstance(component.traits, ReaderTraits) else ReaderTraits(answers="both")
        starter = start("")
        if traits.answers not in (dataset.answers, "both"):
            continue
        if traits.trains:
            if dataset.train_split is None:
                continue
            if dataset.train_split != TRAIN_PARAMETER["default"]["split"]:
                train = {"train": {"split": dataset.train_split}}
                starter = replace(starter, parameters={**starter.parameters, **train})
        language = _language(component, dataset)
        if asks:
            for model in models:
                own = start(model)
                own = replace(own, name=model, parameters={**own.parameters, **language})
                askers.append(_reader(component, own, votes=True))
            continue
        starter = replace(starter, parameters={**starter.parameters, **language})
        if traits.draws == "fixed":
            fixed.append(_reader(component, starter, votes=False))
        else:
            others.append(_reader(component, starter, votes=True))
    readers = askers or others
    return [*readers, *fixed] if readers or dataset.answers == OPEN else []


def _language(component: Component, dataset: Starter) -> dict[str, str]:
    """The dataset's language, for a component that knows it and does not take it from there."""
    schema = component.params.get("language", {})
    is_known = dataset.language != LANGUAGES[0] and dataset.language in schema.get("enum", ())
    is_known &= not schema.get("x-ragtally-language", False)
    return {"language": dataset.language} if is_known else {}


def _reader(component: Component, starter: Starter, votes: bool) -> _Reader:
    comment = f"  # {starter.comment}\n" if starter.comment else ""
    return _Reader(starter.name, f"{comment}  {starter.name}: {_choice(component.name, starter)}", votes)


def _name(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", model.rpartition("/")[2]).strip("-.") or "model"


def _check(text: str, study: str, registry: Registry) -> None:
    """Refuse what the command line put into the spec before it is written."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            load_study(path, registry)
        except ErrorList as several:
            error = several.errors[0]
        except RagtallyError as single:
            error = single
        else:
            return
    raise RagtallyError(f"a spec of {study!r} is not valid: {error.message}", hint=error.hint)
