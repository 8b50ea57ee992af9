"""The dataset `synthetic`: made-up study abstracts with questions whose answers stand in known sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragtally import Component, Starter, hookimpl

if TYPE_CHECKING:
    from ragtally import Dataset

_PARAMETERS = {
    "questions": {
        "type": "integer",
        "minimum": 1,
        "default": 400,
        "description": "How many questions, over both splits; a larger dataset begins with a smaller one's.",
    },
    "distractors": {
        "type": "number",
        "minimum": 0,
        "maximum": 20,
        "default": 2,
        "description": "How many further studies on the same drug or condition each question gets, on average.",
    },
    "train_share": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.5,
        "description": "The share of the questions that is in the split `train`; the rest is in `test`.",
    },
    "class_shares": {
        "type": "object",
        "properties": {
            answer: {"type": "number", "minimum": 0, "description": f"The chance that an answer is {answer}."}
            for answer in ("yes", "no", "maybe")
        },
        "required": ["yes", "no", "maybe"],
        "additionalProperties": False,
        "default": {"yes": 0.55, "no": 0.34, "maybe": 0.11},
        "description": "How the answers are distributed; the three shares add up to 1.",
    },
    "seed": {
        "type": "integer",
        "minimum": 0,
        "description": "The seed of everything that is drawn; the study's own if omitted.",
    },
}


def _build(
    questions: int, distractors: float, train_share: float, class_shares: Mapping[str, float], seed: int
) -> Dataset:
    from ragtally_synthetic.dataset import SyntheticDataset

    return SyntheticDataset(questions, distractors, train_share, class_shares, seed)


@hookimpl
def register_datasets() -> list[Component]:
    """Offer `synthetic`."""
    return [
        Component(
            name="synthetic",
            build=_build,
            summary="Made-up study abstracts with yes/no/maybe questions, evidence known, beside distractor studies.",
            params=_PARAMETERS,
            starter=lambda study: Starter({"questions": 500, "split": "test"}, data="plugins/ragtally_synthetic"),
            citation="The dataset is made by ragtally from a seed; there is nobody to cite but the software.",
        )
    ]
