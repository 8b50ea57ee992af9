"""The reader `encoder`: a model of sentence-transformers with a head that classifies what it reads.

    readers:
      frozen:  {encoder: {method: frozen}}
      setfit:  {encoder: {method: contrastive, epochs: 3}}
      whole:   {encoder: {method: end_to_end, rate: 5e-5, class_weight: balanced}}

Needs the extra `ragtally[sentence-transformers]`, which brings PyTorch; nothing of that is imported before a reader
is built. For `contrastive`: Tunstall et al. (2022), "Efficient few-shot learning without prompts" (SetFit); the pairs
are all those within a batch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import (
    TRAIN_PARAMETER,
    Component,
    Finding,
    Footprint,
    Needs,
    ParameterFault,
    Progress,
    RagtallyError,
    ReaderTraits,
    Tuning,
    hookimpl,
)
from ragtally.support.local_models import ModelFiles, load_sentence_transformers, package_finding
from ragtally.support.model_shape import shape_of_folder
from ragtally.support.model_sources import ModelSource
from ragtally.support.schemas import HUB_REVISION, outside_identity

if TYPE_CHECKING:
    from ragtally import ResumableReader

_FILES = ModelFiles(required=("modules.json", "*.safetensors"), optional=("*.json", "*.txt", "*.model"))
# An encoder takes a minute for them without a graphics card.
_QUESTIONS = 2000

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "train": TRAIN_PARAMETER,
    "model": {
        "type": "string",
        "minLength": 1,
        "default": "sentence-transformers/all-MiniLM-L6-v2",
        "description": "The body: a model's name on the Hugging Face hub, or a folder that begins with ./, ../, / or "
        "~.",
        "x-ragtally-identity": "fingerprint",
    },
    "revision": HUB_REVISION,
    "method": {
        "enum": ["frozen", "contrastive", "end_to_end"],
        "default": "contrastive",
        "description": "What is trained: a logistic regression on the vectors of the body as it is (frozen); the "
        "body first, to bring texts of one answer together, and then that (contrastive, as SetFit does); or body and "
        "head together (end_to_end).",
    },
    "epochs": {
        "type": "integer",
        "minimum": 1,
        "default": 4,
        "description": "How often the body sees each example at most.",
        "x-ragtally-when": {"method": ["contrastive", "end_to_end"]},
    },
    "rate": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 2e-5,
        "description": "The highest learning rate of the body; it rises over the first tenth of the steps and falls "
        "to 0.",
        "x-ragtally-when": {"method": ["contrastive", "end_to_end"]},
    },
    "head_rate": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1e-2,
        "description": "The highest learning rate of the head that is trained together with the body.",
        "x-ragtally-when": {"method": ["end_to_end"]},
    },
    "batch": {
        "type": "integer",
        "minimum": 2,
        "default": 16,
        "description": "How many examples a step learns from.",
        "x-ragtally-when": {"method": ["contrastive", "end_to_end"]},
    },
    "dev": {
        "type": "number",
        "minimum": 0,
        "maximum": 0.5,
        "default": 0.15,
        "description": "Which share of the examples is put aside to tell when to stop; 0 trains for all `epochs`.",
        "x-ragtally-when": {"method": ["contrastive", "end_to_end"]},
    },
    "patience": {
        "type": "integer",
        "minimum": 1,
        "default": 2,
        "description": "After how many epochs without a lower loss on these it stops; the best one's body stays.",
        "x-ragtally-when": {"method": ["contrastive", "end_to_end"]},
    },
    "regularisation": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1.0,
        "description": "The inverse strength of the logistic regression's regularisation, scikit-learn's C.",
        "x-ragtally-when": {"method": ["frozen", "contrastive"]},
    },
    "class_weight": {
        "enum": ["none", "balanced"],
        "default": "none",
        "description": "balanced: each answer counts the same, however many examples it has.",
    },
    "max_tokens": {
        "type": ["integer", "null"],
        "minimum": 8,
        "default": None,
        "description": "The tokens after which question and passages are cut off; the model's own limit if omitted. "
        "A warning says how many are.",
    },
    "keep": {
        "enum": ["end", None],
        "default": None,
        "description": "end: of passages that are too long the beginning is left out instead of the end, as suits "
        "abstracts, whose results stand last.",
        "x-ragtally-identity": "if set",
    },
    "device": outside_identity(
        {
            "type": ["string", "null"],
            "default": None,
            "description": "The device: cpu, cuda, cuda:1, mps; the fastest if omitted.",
        }
    ),
    "threads": outside_identity(
        {"type": "integer", "minimum": 1, "default": 2, "description": "How many CPU threads are used."}
    ),
}


@hookimpl
def register_readers() -> list[Component]:
    return [
        Component(
            name="encoder",
            build=_build,
            summary="A sentence-transformers model with a trained head; one training a vote.",
            params=_PARAMETERS,
            traits=ReaderTraits(draws="fresh", trains=True, questions_at_once=_QUESTIONS),
            fingerprint=lambda parameters: _source(parameters).fingerprint(),
            check=_check,
            diagnose=_diagnose,
            provide=_provide,
            footprint=_footprint,
            needs=lambda own: Needs(gpus=float(own["device"] != "cpu")),
            packages=("sentence-transformers", "torch", "transformers", "scikit-learn"),
        )
    ]


def _source(parameters: Mapping[str, Any]) -> ModelSource:
    return ModelSource(
        parameters["model"], parameters["revision"], _FILES, "a model of sentence-transformers in safetensors"
    )


def _build(**parameters: Any) -> ResumableReader:
    load_sentence_transformers()
    from ragtally_encoder.reader import EncoderReader

    return EncoderReader(_source(parameters), **{name: parameters[name] for name in parameters if name != "revision"})


def _check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    return _source(parameters).faults("model")


def _diagnose(parameters: Mapping[str, Any]) -> list[Finding]:
    package = package_finding()
    return [package, *_source(parameters).findings()] if package.ok else [package]


def _provide(parameters: Mapping[str, Any], progress: Progress) -> None:
    _source(parameters).provide(progress)


def _footprint(parameters: Mapping[str, Any]) -> Footprint | None:
    try:
        folder = _source(parameters).folder()
        shape = shape_of_folder(folder)
    except RagtallyError:
        return None
    length = min(parameters["max_tokens"] or _own_limit(folder) or shape.window, shape.window)
    device = parameters["device"]
    trains_body = parameters["method"] != "frozen"
    tuning = Tuning(shape.parameters, is_adapter=False, length=length, batch=parameters["batch"])
    return Footprint(
        shape,
        weight_bits=32,
        device="auto" if device is None else "cpu" if device == "cpu" else "gpu",
        tuning=tuning if trains_body else None,
    )


def _own_limit(folder: Path) -> int | None:
    """After how many tokens a model cuts off by itself, which may be fewer than it can take."""
    try:
        limit = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))["max_seq_length"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return limit if isinstance(limit, int) else None
