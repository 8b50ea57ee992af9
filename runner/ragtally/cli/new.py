"""`ragtally new`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

import click

from ragtally.api import ErrorList, Location, RagtallyError
from ragtally.cli import lazy
from ragtally.registry import load_registry
from ragtally.spec.load import load_study


class _Dataset(NamedTuple):
    choice: str  # how a spec names it
    data: str  # what DVC watches
    source: str | None  # how its data get there
    answers: bool = True  # whether anybody can answer its questions


_DATASETS = {
    "pubmedqa": _Dataset("{pubmedqa: {split: test}}", "data/raw/pubmedqa", "ragtally fetch pubmedqa"),
    "synthetic": _Dataset("{synthetic: {questions: 500, split: test}}", "plugins/ragtally_synthetic", None),
    "beir": _Dataset(
        "{beir: {folder: data/raw/STUDY}}", "data/raw/STUDY", "put corpus.jsonl, queries.jsonl, qrels/ there", False
    ),
}
_READERS = """\
${models}readers:
${readers}
  # Always the most frequent label: what everything must beat.
  floor: majority_class
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
dataset: ${dataset}
# Fewer questions, while you try things out:
# sample: {size: 100}

${answering}# Each key is an axis; a cell is one pick from each. All cells are asked the same questions.
grid:
  chunker: [{words: {size: [64, 128, 256], overlap: 0}}]
  retriever: [bm25, dense]
  # Or context_words: [256], the same length of context for every chunk size.
  top_k: [1, 3]
${axes}metrics: [${metrics}]
# Each cell against the one that differs in its retriever alone, with a paired test.
compare: [{metric: ${deciding}, baseline: {retriever: bm25}}]
"""
_AXES = """\
  reader: [${readers}]
  votes: [1, 3]
controls: [closed_book, gold_context, wrong_context]
"""


@click.command(name="new")
@click.argument("study")
@click.option(
    "--dataset", type=click.Choice(list(_DATASETS)), default="pubmedqa", show_default=True,
    help="What is asked; beir compares retrieval alone.",
)  # fmt: skip
@click.option(
    "--model", "models", metavar="MODEL", multiple=True,
    help="A language model that reads, by LiteLLM's name, as ollama_chat/llama3.1:8b (again for more); "
    "without one, a classifier that needs no server.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The spec's path.  [default: specs/STUDY.yaml]"
)
def command(study: str, dataset: str, models: tuple[str, ...], out: Path | None) -> None:
    """Write a spec for STUDY to begin with, explained line by line; nothing is run."""
    path = out or Path("specs") / f"{study}.yaml"
    if path.exists():
        raise RagtallyError(
            "there is a file of that name", location=Location(str(path)), hint="choose another one: --out PATH"
        )
    if models and not _DATASETS[dataset].answers:
        raise click.UsageError(f"--model is for datasets with answers; {dataset} compares retrieval alone")
    text = _spec(study, dataset, models, path)
    _check(text, study)
    lazy.store.write_text(path, text)
    click.echo(path)
    details = _DATASETS[dataset]
    if details.source:
        click.echo(f"its data: {details.source}", err=True)
    click.echo(f"run it: ragtally plan {path} && ragtally run {path}", err=True)
    click.echo("or name it in params.yaml, below `studies`, and run dvc repro:", err=True)
    click.echo(f"  {study}: {{spec: {path}, data: {details.data.replace('STUDY', study)}}}", err=True)


def _spec(study: str, dataset: str, models: Sequence[str], path: Path) -> str:
    names = [_name(model) for model in models] or ["words"]
    model_lines = [f"  {name}: {{litellm: {{{_model(model)}}}}}" for name, model in zip(names, models, strict=False)]
    readers = [f"  {name}: {{chat: {{model: {name}}}}}" for name in names]
    if not models:
        readers = ["  # Learns from the dataset's training split, and needs no server.", "  words: {specialist: {}}"]
    answers = _DATASETS[dataset].answers
    retrieval = "recall@5, mrr@10, ndcg@10"
    values = {
        "models": "\n".join(["models:", *model_lines, ""]) if models else "",
        "readers": "\n".join(readers),
        "axes": Template(_AXES).substitute(readers=", ".join([*names, "floor"])) if answers else "",
        "metrics": f"accuracy, macro_f1, {retrieval}" if answers else retrieval,
        "deciding": "accuracy" if answers else "ndcg@10",
        "voters": ", ".join(names),
        "first": names[0],
        "dataset": _DATASETS[dataset].choice.replace("STUDY", study),
        "path": str(path),
        "study": study,
    }
    answering = Template(_READERS).substitute(values) if answers else ""
    return Template(_TEMPLATE).substitute(values, answering=answering)


def _name(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", model.rpartition("/")[2]).strip("-.") or "model"


def _model(model: str) -> str:
    # Ollama would cut a prompt at 4,096 tokens, and one's own machine sends no bill.
    own = ", num_ctx: 8192, usd_per_hour: 0" if model.startswith("ollama") else ""
    return f"model: '{model.replace(chr(39), chr(39) * 2)}'{own}"


def _check(text: str, study: str) -> None:
    """Refuse what the command line put into the spec before it is written."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            load_study(path, load_registry())
        except ErrorList as several:
            error = several.errors[0]
        except RagtallyError as single:
            error = single
        else:
            return
    raise RagtallyError(f"a spec of {study!r} is not valid: {error.message}", hint=error.hint)
