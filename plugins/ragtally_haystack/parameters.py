"""The parameters of the components named `haystack`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally_haystack.definition import CLASS_PATTERN

Schema = Mapping[str, Any]

_TYPE = {"type": "string", "pattern": CLASS_PATTERN}
_WITH = {"type": "object", "default": {}}
_DEFINITION = {
    "type": "object",
    "properties": {"type": _TYPE, "init_parameters": _WITH},
    "required": ["type"],
    "additionalProperties": False,
}
_DOLLARS = {"type": "number", "minimum": 0}


def _where(schema: Schema) -> Schema:
    """Mark what decides how fast or at what price, but not what comes out: no part of an identity."""
    return {**schema, "x-ragtally-identity": False}


def _limit(description: str) -> Schema:
    return _where({"type": ["integer", "null"], "minimum": 1, "default": None, "description": description})


def _count(default: int, description: str, minimum: int = 1) -> Schema:
    return _where({"type": "integer", "minimum": minimum, "default": default, "description": description})


def _one(what: str, example: str) -> dict[str, Schema]:
    return {
        "type": {**_TYPE, "description": f"The import path of {what}, as in {example}."},
        "init_parameters": {
            **_WITH,
            "description": "The parameters of its class, as Haystack serialises them; keys only as "
            "{type: env_var, env_vars: [...]}.",
        },
    }


_RETRIES = _count(3, "How often a call that failed for a passing reason is tried again.", 0)

SPLITTER = _one("a splitter", "haystack.components.preprocessors.DocumentSplitter")

CONVERTER = {
    **_one("a converter", "haystack.components.converters.PyPDFToDocument"),
    "extensions": {
        "type": "array",
        "items": {"type": "string", "pattern": r"^\.[a-z0-9]+$"},
        "minItems": 1,
        "uniqueItems": True,
        "description": "The ends of the names of the files that it is to read, as in [.pdf].",
    },
}

EMBEDDER: Mapping[str, Schema] = {
    "document": {
        **_DEFINITION,
        "description": "What embeds chunks, as in {type: haystack.components.embedders.OpenAIDocumentEmbedder}.",
    },
    "query": {
        **_DEFINITION,
        "description": "What embeds questions, as in {type: haystack.components.embedders.OpenAITextEmbedder}.",
    },
    "batch": _count(64, "How many chunks are embedded at once."),
    "threads": _count(4, "How many questions are embedded at once, each by an instance of its own."),
    "retries": _RETRIES,
    "price": _where(
        {
            "type": ["object", "null"],
            "properties": {"input": _DOLLARS},
            "required": ["input"],
            "additionalProperties": False,
            "default": None,
            "description": "US dollars per million tokens; unknown if omitted.",
        }
    ),
}

RETRIEVER: Mapping[str, Schema] = {
    "store": {
        **_DEFINITION,
        "description": "What holds the chunks, as in "
        "{type: haystack.document_stores.in_memory.InMemoryDocumentStore}.",
    },
    "retriever": {
        **_DEFINITION,
        "description": "What searches it, as in "
        "{type: haystack.components.retrievers.in_memory.InMemoryBM25Retriever}.",
    },
    "embedder": {
        "x-ragtally-kind": "embedder",
        "default": None,
        "description": "What turns chunks and questions into vectors, for a retriever that compares vectors.",
    },
    "batch": _count(64, "How many chunks are written at once."),
    "threads": _count(4, "How many questions are asked at once; an in-memory store is asked one by one."),
    "retries": _RETRIES,
}

MODEL: Mapping[str, Schema] = {
    **_one("a chat generator", "haystack.components.generators.chat.OpenAIChatGenerator"),
    "send_seed": {
        "type": "boolean",
        "default": True,
        "description": "Whether each call is sent a sampling seed; false for a model that refuses one.",
    },
    "concurrency": _where(
        {
            "anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}],
            "default": "auto",
            "description": "The most calls in flight at once; auto for as many as the server answers faster for, "
            "which is found by trying.",
        }
    ),
    "requests_per_minute": _limit("At most this many calls per minute."),
    "tokens_per_minute": _limit("At most this many tokens per minute, in and out."),
    "requests_per_day": _limit("The provider's daily quota, for the plan."),
    "timeout": _where(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 120.0,
            "description": "Seconds within which a call is to be answered; a wait for its turn is no failure.",
        }
    ),
    "retries": _count(6, "How often a call that failed for a passing reason is tried again.", 0),
    "price": _where(
        {
            "type": ["object", "null"],
            "properties": {"input": _DOLLARS, "output": _DOLLARS, "cached_input": _DOLLARS},
            "required": ["input", "output"],
            "additionalProperties": False,
            "default": None,
            "description": "US dollars for input and output tokens, and for input in the provider's cache, each per "
            "million; unknown if omitted.",
        }
    ),
    "usd_per_hour": _where(
        {
            "type": ["number", "null"],
            "minimum": 0,
            "default": None,
            "description": "US dollars per hour of your own machine.",
        }
    ),
}
