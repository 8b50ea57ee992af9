"""The parameters of the embedder `litellm`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally_litellm.parameters import PARAMETERS as OF_MODELS

_OBJECT = {"type": "object", "default": {}}
_SHARED = {name: OF_MODELS[name] for name in ("api_base", "concurrency", "timeout", "retries", "usd_per_hour")}

# JSON Schemas by name; where the model is and how it is asked are those of the chat models.
EMBEDDING_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "type": "string",
        "minLength": 1,
        "description": "LiteLLM's name of the model: ollama/nomic-embed-text, openai/text-embedding-3-small, "
        "voyage/voyage-3.5, hosted_vllm/... or openai/... with api_base for any compatible server.",
    },
    "dimensions": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "How many numbers a vector has, of models that can make shorter ones; else the model's own.",
    },
    "query_prefix": {
        "type": "string",
        "default": "",
        "description": "What is put before each question, as in 'search_query: ' for nomic-embed-text.",
    },
    "document_prefix": {
        "type": "string",
        "default": "",
        "description": "What is put before each chunk, as in 'search_document: ' for nomic-embed-text.",
    },
    "truncate": {
        "type": "boolean",
        "default": False,
        "description": "Whether Ollama or vLLM cuts off a text that is longer than the model takes; else it is an "
        "error that names the text.",
    },
    "extra": {
        **_OBJECT,
        "description": "Whatever else goes into every request, passed on unchecked: {options: {num_ctx: 8192}}.",
    },
    "query_extra": {
        **_OBJECT,
        "description": "Likewise, with questions alone: {input_type: search_query} for Cohere.",
    },
    "document_extra": {
        **_OBJECT,
        "description": "Likewise, with chunks alone: {input_type: search_document} for Cohere.",
    },
    "batch": {
        "type": "integer",
        "minimum": 1,
        "maximum": 2048,
        "default": 32,
        "description": "How many texts go into one request.",
        "x-ragtally-identity": False,
    },
    **_SHARED,
    "price": {
        "type": ["number", "null"],
        "minimum": 0,
        "default": None,
        "description": "US dollars per million tokens; LiteLLM's table where left out.",
        "x-ragtally-identity": False,
    },
    "pull": OF_MODELS["pull"],
    "lane": OF_MODELS["lane"],
}
