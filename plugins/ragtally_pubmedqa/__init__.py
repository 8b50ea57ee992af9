"""The dataset `pubmedqa` (Jin et al. 2019, EMNLP) and its annotators as the reader `pubmedqa_annotators`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, ReaderTraits, Starter, hookimpl

if TYPE_CHECKING:
    from ragtally_pubmedqa.annotators import PubMedQAAnnotators
    from ragtally_pubmedqa.dataset import PubMedQA

PATH_PARAMETER: Mapping[str, Any] = {
    "type": ["string", "null"],
    "default": None,
    "description": "The folder or file that holds the data; if omitted, the folder named by the "
    "environment variable RAGTALLY_PUBMEDQA, then data/raw/pubmedqa.",
    "x-ragtally-identity": False,
}

# What the annotators had before them, by the setting's name in Jin et al. (2019), section 3.1.
CONDITIONS: Mapping[str, str] = {"reasoning_required": "gold_context", "reasoning_free": "conclusion"}
_CITATION = """\
@inproceedings{jin2019pubmedqa,
  title     = {{PubMedQA}: A Dataset for Biomedical Research Question Answering},
  author    = {Jin, Qiao and Dhingra, Bhuwan and Liu, Zhengping and Cohen, William and Lu, Xinghua},
  booktitle = {Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing and the 9th
               International Joint Conference on Natural Language Processing (EMNLP-IJCNLP)},
  pages     = {2567--2577},
  year      = {2019},
  publisher = {Association for Computational Linguistics},
  doi       = {10.18653/v1/D19-1259}
}"""


def build_dataset(subset: str, path: str | None) -> PubMedQA:
    """Build the dataset; its files are first touched when batches are read."""
    from ragtally_pubmedqa.dataset import PubMedQA

    return PubMedQA(subset, path)


def fingerprint_dataset(params: Mapping[str, Any]) -> str:
    """Hash the files that the dataset reads."""
    from ragtally_pubmedqa.files import find_files, fingerprint

    return fingerprint(find_files(params["subset"], params["path"]))


def build_annotators(setting: str, path: str | None) -> PubMedQAAnnotators:
    """Build the reader that gives the annotators' answers."""
    from ragtally_pubmedqa.annotators import PubMedQAAnnotators

    return PubMedQAAnnotators(setting, path)


def fingerprint_annotators(params: Mapping[str, Any]) -> str:
    """Hash the file that holds the annotators' answers."""
    from ragtally_pubmedqa.files import find_files, fingerprint

    return fingerprint(find_files("labeled", params["path"], with_truth=False))


def annotator_traits(params: Mapping[str, Any]) -> ReaderTraits:
    """Return the condition under which the annotators answered; they answered once, so every vote is the same."""
    return ReaderTraits(draws="fixed", condition=CONDITIONS[params["setting"]])


def _starter(study: str) -> Starter:
    return Starter({"split": "test"}, data="data/raw/pubmedqa", source="ragtally fetch pubmedqa")


@hookimpl
def register_datasets() -> list[Component]:
    """Offer `pubmedqa`."""
    subset = {
        "enum": ["labeled", "artificial", "unlabeled"],
        "default": "labeled",
        "description": "labeled: 1,000 questions by experts, splits train and test as published; artificial: "
        "211,269 made from titles, answers yes and no; unlabeled: 61,249 without answers. The last two have one "
        "split, train.",
    }
    return [
        Component(
            name="pubmedqa",
            build=build_dataset,
            summary="Research questions answered yes, no or maybe from the abstract of a PubMed article.",
            params={"subset": subset, "path": PATH_PARAMETER},
            fingerprint=fingerprint_dataset,
            starter=_starter,
            citation=_CITATION,
        )
    ]


@hookimpl
def register_readers() -> list[Component]:
    """Offer `pubmedqa_annotators`."""
    setting = {
        "enum": list(CONDITIONS),
        "description": "reasoning_required: the annotator answered from the context alone (condition gold_context); "
        "reasoning_free: the annotator also saw the study's conclusion (condition conclusion).",
    }
    return [
        Component(
            name="pubmedqa_annotators",
            build=build_annotators,
            summary="The recorded answers of PubMedQA's human annotators, for the labelled subset.",
            params={"setting": setting, "path": PATH_PARAMETER},
            fingerprint=fingerprint_annotators,
            traits=annotator_traits,
        )
    ]
