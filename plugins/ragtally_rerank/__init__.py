"""The retriever `rerank`: reranks the first hits of another one, by a cross-encoder or by a language model.

    models:
      small: {litellm: {model: ollama_chat/llama3.1:8b, temperature: 0}}
    grid:
      retriever:
        - rerank: {retriever: bm25, cross_encoder: cross-encoder/ms-marco-MiniLM-L6-v2}
        - rerank: {retriever: hybrid, first: 10, model: small}

A cross-encoder is run here, by the optional package sentence-transformers; a language model's calls are paid and kept
like those of readers, one per question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, Finding, Needs, ParameterFault, Progress, RetrieverTraits, hookimpl
from ragtally_rerank.model_files import download, findings, fingerprint, folder_of

if TYPE_CHECKING:
    from ragtally import PromptingReranker, Reranker

# A cross-encoder takes minutes for them without a graphics card.
_QUESTIONS = 500

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "retriever": {
        "x-ragtally-kind": "retriever",
        "default": "bm25",
        "description": "The retriever whose hits are reranked.",
    },
    "first": {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "default": 20,
        "description": "How many of its hits are reranked; the others follow in their old order.",
    },
    "cross_encoder": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "The cross-encoder that reads question and passage together and scores them: its name on the "
        "Hugging Face hub (owner/name), or a folder. Either this or `model`.",
        "x-ragtally-identity": "fingerprint",
    },
    "model": {
        "x-ragtally-kind": "model",
        "default": None,
        "description": "The language model that is shown the passages and asked for their order, by its name under "
        "`models`. Either this or `cross_encoder`.",
    },
    "passage_words": {
        "type": "integer",
        "minimum": 1,
        "default": 100,
        "x-ragtally-when": {"cross_encoder": [None]},
        "description": "Of a model: the words after which each of the `first` passages in the prompt is cut off.",
    },
    "revision": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "Of a cross-encoder on the hub: the branch, tag or commit; its main branch if omitted.",
        "x-ragtally-identity": "fingerprint",
    },
    "max_tokens": {
        "type": ["integer", "null"],
        "minimum": 8,
        "default": None,
        "x-ragtally-when": {"model": [None]},
        "description": "Of a cross-encoder: the tokens after which question and passage together are cut off; its "
        "own limit if omitted.",
    },
    "batch": {
        "type": "integer",
        "minimum": 1,
        "default": 32,
        "description": "Of a cross-encoder: how many pairs of question and passage it reads at once.",
        "x-ragtally-identity": False,
    },
    "device": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "Of a cross-encoder: where torch computes, such as cpu or cuda; the best available if "
        "omitted.",
        "x-ragtally-identity": False,
    },
}
_OF_MODEL = ("passage_words",)
_OF_CROSS_ENCODER = ("revision", "max_tokens", "batch", "device")


def check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Check what the parameters' schema cannot."""
    return list(_faults(parameters))


def _faults(parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    encoder, model = parameters["cross_encoder"], parameters["model"]
    if encoder is None and model is None:
        hint = "cross_encoder: cross-encoder/ms-marco-MiniLM-L6-v2, or model: a name under `models`"
        yield ParameterFault(None, "nothing says what reranks the hits", hint)
        return
    if encoder is not None and model is not None:
        yield ParameterFault("model", "a cross_encoder and a model are given, but one of them ranks", "remove one")
        return
    names, other = (_OF_MODEL, "model") if model is None else (_OF_CROSS_ENCODER, "cross_encoder")
    for name in names:
        if parameters[name] != _PARAMETERS[name]["default"]:
            yield ParameterFault(name, f"`{name}` is of a {other}, and there is none", f"leave {name} out")


def traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    """Return how many hits are reranked, and whether a language model does it."""
    asks = parameters["model"] is not None
    return RetrieverTraits(
        reads=frozenset({"text", "hits"}),
        depth=parameters["first"],
        prompts=asks,
        questions_at_once=None if asks else _QUESTIONS,
    )


def _fingerprint(parameters: Mapping[str, Any]) -> str | None:
    encoder = parameters["cross_encoder"]
    return None if encoder is None else fingerprint(encoder, parameters["revision"])


def _packages(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return () if parameters["cross_encoder"] is None else ("sentence-transformers", "torch", "transformers")


def _diagnose(parameters: Mapping[str, Any]) -> list[Finding]:
    # A language model has findings of its own.
    encoder = parameters["cross_encoder"]
    return [] if encoder is None else list(findings(encoder, parameters["revision"]))


def _provide(parameters: Mapping[str, Any], progress: Progress) -> None:
    if parameters["cross_encoder"] is not None:
        download(parameters["cross_encoder"], parameters["revision"], progress)


def build(
    first: int,
    cross_encoder: str | None,
    passage_words: int,
    revision: str | None,
    max_tokens: int | None,
    batch: int,
    device: str | None,
    retriever: None = None,
    model: None = None,
) -> Reranker | PromptingReranker:
    """Build the retriever."""
    if cross_encoder is None:
        from ragtally_rerank.listwise import ListwiseReranker

        return ListwiseReranker(first, passage_words)
    from ragtally_rerank.cross_encoder import CrossEncoderReranker, load_scorer

    folder = folder_of(cross_encoder, revision)
    score = load_scorer(folder, cross_encoder, max_tokens=max_tokens, batch=batch, device=device)
    return CrossEncoderReranker(score, first)


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `rerank`."""
    return [
        Component(
            name="rerank",
            build=build,
            summary="Reranks another retriever's first hits, by a cross-encoder or by a language model.",
            params=_PARAMETERS,
            phrase=lambda params: f"reranked {params['retriever']}",
            fingerprint=_fingerprint,
            traits=traits,
            check=check,
            diagnose=_diagnose,
            packages=_packages,
            provide=_provide,
            needs=lambda own: Needs(gpus=float(own["cross_encoder"] is not None and own["device"] != "cpu")),
        )
    ]
