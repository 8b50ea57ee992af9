"""What a spec may say of `weaviate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import BUILDS_PARAMETER, ParameterFault

Schema = Mapping[str, Any]

MODES = ("bm25", "near_vector", "hybrid")
# What each distance measures, by Weaviate's own name.
DISTANCES: Mapping[str, str] = {
    "cosine": "the cosine of the angle between the vectors",
    "dot": "the inner product, which grows with the vectors' lengths",
    "l2-squared": "the square of the Euclidean distance",
    "manhattan": "the sum of the components' differences",
    "hamming": "how many components differ in sign: ragtally hands over 1 for a component above zero, else 0, since "
    "Weaviate counts the components that are not equal",
}

DEFAULT_DISTANCE, DEFAULT_INDEX = "cosine", "hnsw"
# The exact search of the retriever `dense` that measures the same, by Weaviate's distance.
DENSE = {"cosine": "cosine", "dot": "dot", "l2-squared": "l2", "manhattan": "l1", "hamming": "hamming"}
# The parameters that only an HNSW index has.
OF_HNSW = ("ef", "ef_construction", "max_connections", "builds")
# Weaviate's own, which stands for `alpha: null`.
DEFAULT_ALPHA = 0.7


_Conditions = Mapping[str, list[str | None]]
_VECTORS: _Conditions = {"mode": ["near_vector", "hybrid"]}
_HNSW: _Conditions = {**_VECTORS, "index": ["hnsw", None]}
_WORDS: _Conditions = {"mode": ["bm25", "hybrid"]}
_HYBRID: _Conditions = {"mode": ["hybrid"]}
# Where a parameter counts, if not everywhere.
_WHEN: Mapping[str, _Conditions] = {
    "embedder": _VECTORS, "distance": _VECTORS, "index": _VECTORS,
    "ef": _HNSW, "ef_construction": _HNSW, "max_connections": _HNSW, "builds": _HNSW,
    "alpha": _HYBRID, "fusion": _HYBRID,
    "tokenization": _WORDS, "stopwords": _WORDS, "k1": _WORDS, "b": _WORDS,
}  # fmt: skip


def _where(schema: Schema) -> Schema:
    return {**schema, "x-ragtally-identity": False}


def _search(schema: Schema) -> Schema:
    return {**schema, "x-ragtally-search": True}


_SCHEMAS: Mapping[str, Schema] = {
    "mode": _search(
        {
            "enum": list(MODES),
            "default": "bm25",
            "description": "bm25 compares words, near_vector vectors, and hybrid mixes the scores of both.",
        }
    ),
    "embedder": {
        "x-ragtally-kind": "embedder",
        "default": None,
        "description": "What turns chunks and questions into vectors, for near_vector and hybrid. Weaviate embeds "
        "nothing itself.",
    },
    "distance": {
        "enum": [*DISTANCES, None],
        "default": None,
        "x-ragtally-null": DEFAULT_DISTANCE,
        "description": "What makes two vectors near. "
        + "; ".join(f"{name}: {meaning}" for name, meaning in DISTANCES.items())
        + f". Null for {DEFAULT_DISTANCE}. A chunk with a zero vector gets none, and is found by its words alone.",
    },
    "index": {
        "enum": ["hnsw", "flat", None],
        "default": None,
        "x-ragtally-null": DEFAULT_INDEX,
        "description": "The vector index: hnsw searches approximately, flat compares with every chunk. Null for "
        f"{DEFAULT_INDEX}.",
    },
    "ef": _search(
        {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": 100_000,
            "default": None,
            "description": "hnsw: how many candidates a search keeps; more find more of the nearest chunks and take "
            "longer. Not below `depth`. Null leaves it to Weaviate, which takes eight times what is asked for, from "
            "100 to 500. It is set on the collection before a search, so that its values share one.",
        }
    ),
    "ef_construction": {
        "type": "integer",
        "minimum": 4,
        "maximum": 4096,
        "default": 128,
        "description": "hnsw: how many candidates are kept where a chunk is put into the graph.",
    },
    "max_connections": {
        "type": "integer",
        "minimum": 4,
        "maximum": 2047,
        "default": 32,
        "description": "hnsw: how many neighbours a chunk has in the graph.",
    },
    "builds": {
        **BUILDS_PARAMETER,
        "description": "hnsw: how many times the graph is drawn, each time in another collection. Each build is a "
        "cell of its own, and the report shows how far they are apart.",
    },
    "alpha": _search(
        {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 1,
            "default": None,
            "description": "hybrid: the weight of the vectors, 0 for words alone and 1 for vectors alone; null for "
            f"Weaviate's {DEFAULT_ALPHA}.",
        }
    ),
    "fusion": _search(
        {
            "enum": ["relative_score", "ranked"],
            "default": "relative_score",
            "description": "hybrid: whether scores are mixed, brought to the range from 0 to 1, or ranks.",
        }
    ),
    "tokenization": {
        "enum": ["word", "lowercase", "whitespace", "trigram", "gse", "gse_ch", "kagome_ja", "kagome_kr"],
        "default": "word",
        "description": "How bm25 and hybrid cut texts into words; word is letters and digits in lower case. Weaviate "
        "does not stem.",
    },
    "stopwords": {
        "enum": ["none", "en"],
        "default": "none",
        "description": "Words that bm25 and hybrid leave out of questions: none, or Weaviate's English list.",
    },
    "k1": {
        "type": "number",
        "minimum": 0,
        "maximum": 1000,
        "default": 1.2,
        "description": "bm25: how much a word's further occurrences in a chunk still count.",
    },
    "b": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.75,
        "description": "bm25: how much long chunks are discounted.",
    },
    "depth": _search(
        {
            "type": "integer",
            "minimum": 1,
            "maximum": 9900,
            "default": 100,
            "description": "How many hits Weaviate is asked for, whatever number is wanted, since approximate and "
            "hybrid rankings depend on it. Not below the largest number wanted.",
        }
    ),
    "embedded": _where(
        {
            "type": "boolean",
            "default": False,
            "description": "Whether to start Weaviate beside ragtally for the time of the run, in place of a server "
            "that the environment names; the client library downloads it the first time.",
        }
    ),
    "batch": _where(
        {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 200,
         "description": "How many chunks are written at once."}
    ),
    "concurrency": _where(
        {"type": "integer", "minimum": 1, "maximum": 64, "default": 8,
         "description": "How many questions are asked at once, and how many batches written."}
    ),
    "timeout": _where(
        {"type": "number", "exclusiveMinimum": 0, "maximum": 3600, "default": 60,
         "description": "How many seconds to wait for the answer to a question or a batch."}
    ),
}  # fmt: skip
PARAMETERS: Mapping[str, Schema] = {
    name: {**schema, **({"x-ragtally-when": _WHEN[name]} if name in _WHEN else {})}
    for name, schema in _SCHEMAS.items()
}


def searches_hnsw(params: Mapping[str, Any]) -> bool:
    """Whether a search goes through an HNSW index."""
    return all(params[name] in values for name, values in _HNSW.items())


def check_parameters(params: Mapping[str, Any]) -> list[ParameterFault]:
    """List parameters that do not go together."""
    mode, faults = params["mode"], []
    if mode == "bm25":
        unread = [name for name in ("embedder", "distance", "index") if params[name] is not None]
        hint = "leave it out, or write mode: near_vector or mode: hybrid"
        faults += [_unread(name, mode, "which compares no vectors", hint) for name in unread]
    elif params["embedder"] is None:
        faults.append(
            ParameterFault(
                "embedder",
                f"mode: {mode} compares vectors, and there is no embedder",
                hint="write embedder: {lsa: {dim: 256}}, say, or mode: bm25",
            )
        )
    if params["alpha"] is not None and mode != "hybrid":
        faults.append(_unread("alpha", mode, "which mixes nothing"))
    if not searches_hnsw(params):
        unread = [name for name in OF_HNSW if params[name] != PARAMETERS[name]["default"]]
        return faults + [_unread(name, mode, "over no hnsw index") for name in unread]
    if params["ef"] is not None and params["ef"] < params["depth"]:
        faults.append(
            ParameterFault(
                "ef",
                f"ef is {params['ef']} and depth {params['depth']}, but Weaviate keeps at least as many "
                "candidates as it is asked for",
                hint=f"write depth: {params['ef']} or fewer, or a larger ef",
            )
        )
    return faults


def _unread(name: str, mode: str, why: str, hint: str | None = None) -> ParameterFault:
    return ParameterFault(name, f"{name} has no meaning under mode: {mode}, {why}", hint or f"leave {name} out")
