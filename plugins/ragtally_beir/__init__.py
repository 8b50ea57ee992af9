"""The dataset `beir`: a folder in the form of BEIR (Thakur et al. 2021, NeurIPS Datasets and Benchmarks)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import Component, Starter, hookimpl

if TYPE_CHECKING:
    from ragtally_beir.dataset import Beir

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "folder": {
        "type": "string",
        "minLength": 1,
        "description": "The folder that holds corpus.jsonl, queries.jsonl and qrels/*.tsv, each plain or as .gz.",
        "x-ragtally-identity": False,
    },
    "answer_field": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "The field of the queries' metadata that holds the gold answers, each different one a class; "
        "without it there are no labels.",
    },
}


def build_dataset(folder: str, answer_field: str | None) -> Beir:
    """Build the dataset; its files are first touched when something is asked of it."""
    from ragtally_beir.dataset import Beir

    return Beir(folder, answer_field)


def fingerprint_dataset(params: Mapping[str, Any]) -> str:
    """Hash the files that the dataset reads."""
    from ragtally_beir.files import find_files, fingerprint

    return fingerprint(find_files(params["folder"]))


def _starter(study: str) -> Starter:
    folder, metrics = f"data/raw/{study}", ("ndcg@10", "recall@5", "mrr@10")
    if not Path(folder).is_dir():
        source = "put corpus.jsonl, queries.jsonl, qrels/ there"
        return Starter({"folder": folder}, data=folder, source=source, answers=None, metrics=metrics)
    from ragtally_beir.dataset import look

    answer_field, splits = look(folder)
    parameters = {"folder": folder, "answer_field": answer_field, "split": "test" if "test" in splits else None}
    stated = {name: value for name, value in parameters.items() if value is not None}
    if answer_field is not None:
        return Starter(stated, data=folder)
    return Starter(stated, data=folder, answers=None, metrics=metrics)


@hookimpl
def register_datasets() -> list[Component]:
    """Offer `beir`."""
    return [
        Component(
            name="beir",
            build=build_dataset,
            summary="A folder in the form of BEIR: documents, queries, and judgements of which document is relevant.",
            params=PARAMETERS,
            fingerprint=fingerprint_dataset,
            starter=_starter,
        )
    ]
