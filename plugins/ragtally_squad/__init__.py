"""The dataset `squad`: a file in the form of SQuAD (Rajpurkar et al. 2016, 2018), as XQuAD, SQuAD 1.1 and 2.0 are.

Paragraphs are the documents, the answers' texts the references, and where they stand the evidence. A question with
`is_impossible` has no reference: to abstain is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import Component, DatasetTraits, file_hash, hookimpl

if TYPE_CHECKING:
    from ragtally_squad.dataset import Squad

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "path": {
        "type": "string",
        "minLength": 1,
        "description": "The JSON file.",
        "x-ragtally-identity": False,
    },
    "evidence": {
        "enum": ["answer", "paragraph"],
        "default": "answer",
        "description": "What of a paragraph is evidence: the answer's own characters, or all of it.",
    },
    "leave_out": {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0,
        "description": "Which share of the paragraphs is left out of the corpus, so that their questions cannot be "
        "answered: they lose their references. Drawn by the seed.",
    },
    "seed": {"type": "integer", "minimum": 0, "description": "Which paragraphs are left out."},
}


def build(path: str, evidence: str, leave_out: float, seed: int) -> Squad:
    """Build the dataset; its file is first read when something is asked of it."""
    from ragtally_squad.dataset import Squad

    return Squad(path, evidence=evidence, leave_out=leave_out, seed=seed)


def fingerprint(parameters: Mapping[str, Any]) -> str:
    """Hash the file."""
    from ragtally_squad.dataset import unreadable

    try:
        return file_hash(Path(parameters["path"]).expanduser())
    except OSError as error:
        raise unreadable(parameters["path"], error) from error


@hookimpl
def register_datasets() -> list[Component]:
    """Offer `squad`."""
    return [
        Component(
            name="squad",
            build=build,
            summary="A JSON file in the form of SQuAD: open answers, with the paragraphs that hold them.",
            params=PARAMETERS,
            fingerprint=fingerprint,
            traits=DatasetTraits(answers="open"),
        )
    ]
