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
        "description": "Which commit, tag or branch of a model on the hub; main where it is left out. Only a commit "
        "cannot be exchanged under its name.",
        "x-ragtally-identity": "fingerprint",
    },
    "normalise": {
        "type": "boolean",
        "default": True,
        "description": "Whether vectors are scaled to a length of one. Many models do so anyhow.",
    },
    "query_prefix": {
        "type": ["string", "null"],
        "default": None,
        "description": "What is put before each question, as in 'query: '. null for the prompt that the model itself "
        "has for queries, where it has one; '' for nothing.",
    },
    "document_prefix": {
        "type": ["string", "null"],
        "default": None,
        "description": "What is put before each chunk, as in 'passage: '. null for the prompt that the model itself "
        "has for documents, where it has one; '' for nothing.",
    },
    "max_tokens": {
        "type": ["integer", "null"],
        "minimum": 8,
        "default": None,
        "description": "After how many tokens, the prefix among them, a text is cut off; the model's own limit where "
        "it is left out. A warning tells when it happens.",
    },
    "batch": {
        "type": "integer",
        "minimum": 1,
        "default": 32,
        "description": "How many texts the model gets at once; fewer need less memory. Results are the same but for "
        "rounding.",
        "x-ragtally-identity": False,
    },
    "device": {
        "type": ["string", "null"],
        "default": None,
        "description": "Where it is computed: cpu, cuda, cuda:1, mps; on the fastest where it is left out.",
        "x-ragtally-identity": False,
    },
    "threads": {
        "type": "integer",
        "minimum": 1,
        "default": 2,
        "description": "On how many threads of the processor it is computed.",
        "x-ragtally-identity": False,
    },
}
