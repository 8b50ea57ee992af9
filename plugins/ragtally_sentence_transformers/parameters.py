"""The parameters of the embedder `sentence_transformers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# JSON Schemas by name.
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "type": "string",
        "minLength": 1,
        "default": "sentence-transformers/all-MiniLM-L6-v2",
        "description": "A model's name on the Hugging Face hub, or a folder that begins with ./, ../, / or ~.",
        "x-ragtally-identity": "fingerprint",
    },
    "revision": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "Which commit, tag or branch of a model on the hub; main if omitted. Only a commit "
        "cannot be exchanged under its name.",
        "x-ragtally-identity": "fingerprint",
    },
    "normalise": {
        "type": "boolean",
        "default": True,
        "description": "Whether vectors are scaled to a length of one. Many models do so anyway.",
    },
    "query_prefix": {
        "type": ["string", "null"],
        "default": None,
        "description": "Text put before each question, such as 'query: '; null for the model's own prompt for "
        "queries, if it has one; '' for none.",
    },
    "document_prefix": {
        "type": ["string", "null"],
        "default": None,
        "description": "Text put before each chunk, such as 'passage: '; null for the model's own prompt for "
        "documents, if it has one; '' for none.",
    },
    "max_tokens": {
        "type": ["integer", "null"],
        "minimum": 8,
        "default": None,
        "description": "The tokens, prefix included, after which a text is cut off; the model's own limit if "
        "omitted. A warning says when that happens.",
    },
    "batch": {
        "type": "integer",
        "minimum": 1,
        "default": 32,
        "description": "How many texts the model gets at once; fewer need less memory. Results are the same up to "
        "rounding.",
        "x-ragtally-identity": False,
    },
    "device": {
        "type": ["string", "null"],
        "default": None,
        "description": "The device: cpu, cuda, cuda:1, mps; the fastest if omitted.",
        "x-ragtally-identity": False,
    },
    "threads": {
        "type": "integer",
        "minimum": 1,
        "default": 2,
        "description": "How many CPU threads are used.",
        "x-ragtally-identity": False,
    },
}
