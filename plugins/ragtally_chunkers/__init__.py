"""Chunkers: by words, by sentences, by a tokenizer's tokens, by the dataset's own sections, and whole documents.

All of them give spans without white space (what `str.isspace` says) at either end; an empty document gives no chunk.
`tokens` may cut inside a word; the others cut at white space, `sentences` also after ideographic marks and where the
dataset's sections meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import Chunker, Component, ParameterFault, SpecError, Starter, file_hash, hookimpl
from ragtally.support.unspaced import LANGUAGES_WITHOUT_SPACES
from ragtally_chunkers.abbreviations import LANGUAGES

_TOKENIZER: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "description": "A tokenizer.json (as lies beside the weights of a model), or the folder that holds it.",
    "x-ragtally-identity": False,
}


_LANGUAGE: Mapping[str, Any] = {"default": None, "x-ragtally-identity": "if given", "x-ragtally-language": True}
_WORDS_LANGUAGE: Mapping[str, Any] = {
    "enum": [*LANGUAGES_WITHOUT_SPACES, None],
    "description": "A language without spaces between words, each of whose signs counts as a word. null for none.",
    **_LANGUAGE,
}
_SENTENCES_LANGUAGE: Mapping[str, Any] = {
    "enum": [*LANGUAGES, None],
    "description": "A language whose abbreviations end no sentence either. null for those of English alone.",
    **_LANGUAGE,
}


def _window(unit: str, size: int) -> Mapping[str, Mapping[str, Any]]:
    return {
        "size": {
            "type": "integer",
            "minimum": 1,
            "default": size,
            "description": f"How many {unit} a chunk has; the last one of a document may have fewer.",
        },
        "overlap": {
            "type": "integer",
            "minimum": 0,
            "default": 0,
            "description": f"How many {unit} a chunk shares with the one before it; less than the size.",
        },
    }


@hookimpl
def register_chunkers() -> list[Component]:
    """Offer `words`, `sentences`, `tokens`, `sections` and `whole`."""
    return [
        Component(
            name="words",
            build=_words,
            summary="Chunks of so many words; a word is what stands between white space.",
            starter=lambda _: Starter({"size": [64, 128, 256], "overlap": 0}),
            params={**_window("words", 128), "language": _WORDS_LANGUAGE},
            phrase=lambda params: f"{params['size']}-word chunks",
            check=_faults,
        ),
        Component(
            name="sentences",
            build=_sentences,
            summary="Chunks of so many sentences, which never reach across sections or empty lines.",
            params={**_window("sentences", 3), "language": _SENTENCES_LANGUAGE},
            phrase=lambda params: f"{params['size']}-sentence chunks",
            check=_faults,
        ),
        Component(
            name="tokens",
            build=_tokens,
            summary="Chunks of so many tokens, as the tokenizer of a model counts them.",
            params={"tokenizer": _TOKENIZER, **_window("tokens", 256)},
            phrase=lambda params: f"{params['size']}-token chunks",
            fingerprint=_fingerprint_tokens,
            check=_faults,
        ),
        Component(
            name="sections",
            build=_sections,
            summary="The documents' own sections; text outside of them, and documents without any, as they are.",
            phrase="sections",
        ),
        Component(
            name="whole",
            build=_whole,
            version=2,
            summary="Each document as one chunk.",
            phrase="whole documents",
        ),
    ]


def _words(size: int, overlap: int, language: str | None = None) -> Chunker:
    _require_progress("words", size, overlap)
    from ragtally_chunkers.windows import Words

    return Words(size, overlap, language)


def _sentences(size: int, overlap: int, language: str | None = None) -> Chunker:
    _require_progress("sentences", size, overlap)
    from ragtally_chunkers.windows import Sentences

    return Sentences(size, overlap, language)


def _tokens(tokenizer: str, size: int, overlap: int) -> Chunker:
    _require_progress("tokens", size, overlap)
    from ragtally_chunkers.tokens import Tokens

    return Tokens(tokenizer, size, overlap)


def _fingerprint_tokens(params: Mapping[str, Any]) -> str:
    from ragtally_chunkers.tokens import find_tokenizer

    return file_hash(find_tokenizer(params["tokenizer"]))


def _sections() -> Chunker:
    from ragtally_chunkers.sections import Sections

    return Sections()


def _whole() -> Chunker:
    from ragtally_chunkers.sections import Whole

    return Whole()


def _faults(params: Mapping[str, Any]) -> list[ParameterFault]:
    """What of size and overlap cannot be, told when the spec is read."""
    size, overlap = params["size"], params["overlap"]
    if overlap < size:
        return []
    message = f"an overlap of {overlap} at size {size} never ends: a chunk must reach further than the one before it"
    return [ParameterFault("overlap", message, f"an overlap from 0 to {size - 1}, or a larger size")]


def _require_progress(name: str, size: int, overlap: int) -> None:
    if size < 1:
        raise SpecError(f"the chunker {name} has size {size}", hint="give it a size of 1 or more")
    if not 0 <= overlap < size:
        raise SpecError(
            f"the chunker {name} has an overlap of {overlap} at size {size}: a chunk must reach further than "
            "the one before it",
            hint=f"give it an overlap from 0 to {size - 1}, or a larger size",
        )
