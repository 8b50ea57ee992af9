"""The embedder `sentence_transformers`: a neural model that runs here, from the Hugging Face hub or a local folder.

Needs the extra `ragtally[sentence-transformers]`, which brings PyTorch; nothing of that is imported before texts are
embedded. Code that a model brings along is never run. Reimers and Gurevych (2019), "Sentence-BERT".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import Component, Embedder, EmbedderTraits, Finding, Needs, ParameterFault, Progress, hookimpl
from ragtally.support.local_models import is_hub_name
from ragtally_sentence_transformers.model_files import findings, fingerprint, folder_of, pin
from ragtally_sentence_transformers.parameters import PARAMETERS

# How many of the model's batches are given at once: it sorts them by length, and a kill loses no more than these.
_BATCHES_AT_ONCE = 8


@hookimpl
def register_embedders() -> list[Component]:
    """Offer `sentence_transformers`."""
    return [
        Component(
            name="sentence_transformers",
            build=_build,
            summary="A neural embedding model of the hub or of a local folder, run here by sentence-transformers.",
            params=PARAMETERS,
            fingerprint=_fingerprint,
            traits=_traits,
            check=_check,
            diagnose=_diagnose,
            phrase=lambda params: str(params["model"]).rpartition("/")[2],
            packages=("sentence-transformers", "torch", "transformers"),
            provide=_provide,
            needs=lambda own: Needs(gpus=float(own["device"] != "cpu")),
        )
    ]


def _build(**parameters: Any) -> Embedder:
    from ragtally_sentence_transformers.embedder import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(**parameters)


def _fingerprint(parameters: Mapping[str, Any]) -> str:
    return fingerprint(parameters["model"], parameters["revision"])


def _provide(parameters: Mapping[str, Any], progress: Progress) -> None:
    if folder_of(parameters["model"]) is None:
        pin(parameters["model"], parameters["revision"], progress)


def _traits(parameters: Mapping[str, Any]) -> EmbedderTraits:
    folder = folder_of(parameters["model"])
    name = parameters["model"] if folder is None else folder.name
    batch = parameters["batch"] * _BATCHES_AT_ONCE
    return EmbedderTraits(requires_fit=False, cacheable=True, batch=batch, name=name, in_process=True)


def _check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    model = parameters["model"]
    if folder_of(model) is not None:
        if parameters["revision"] is None:
            return []
        return [
            ParameterFault("revision", "revision is for models of the hub", "remove it: a folder is one revision")
        ]
    if is_hub_name(model):
        return []
    hint = f"sentence-transformers/{model}" if "/" not in model else "./ before a path, or owner/name of the hub"
    return [ParameterFault("model", f"{model!r} is neither the name of a model on the hub nor a folder", hint)]


def _diagnose(parameters: Mapping[str, Any]) -> list[Finding]:
    return findings(parameters["model"], parameters["revision"])
