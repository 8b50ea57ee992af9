"""The size of a transformer, read from a `config.json` of transformers or a GGUF file's metadata."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ragtally.api import DataError, Location, ModelShape


def shape_of_folder(folder: Path) -> ModelShape:
    """Read the shape of a model in transformers' form; its weights are counted in the files' headers, if any.

    Raises:
        DataError: If the folder has no `config.json` of a transformer.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        shape = shape_of_config(config)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"this is no configuration of a transformer: {error}",
            location=Location(str(path)),
            hint="name the folder of a model, as `huggingface-cli download` writes it",
        ) from error
    weights = sum(map(_count_weights, sorted(folder.glob("*.safetensors"))))
    return replace(shape, parameters=weights) if weights else shape


def shape_of_config(config: Mapping[str, Any]) -> ModelShape:
    """Read the shape from the content of a `config.json`."""
    heads = int(config["num_attention_heads"])
    kind = str(config.get("hidden_act", ""))
    return _with_weights(
        layers=int(config["num_hidden_layers"]),
        hidden=int(config["hidden_size"]),
        feed_forward=int(config["intermediate_size"]),
        # Llama and its kin have silu and a gate; BERT and its kin gelu and none.
        is_gated=kind in ("silu", "gelu_pytorch_tanh"),
        heads=heads,
        key_value_heads=int(config.get("num_key_value_heads") or heads),
        vocabulary=int(config["vocab_size"]),
        window=int(config["max_position_embeddings"]),
        has_own_output=not config.get("tie_word_embeddings", True),
    )


def shape_of_gguf(metadata: Mapping[str, str], vocabulary: int) -> ModelShape:
    """Read the shape from the metadata of a GGUF file.

    Args:
        metadata: Its keys and values, as llama.cpp gives them.
        vocabulary: How many tokens it has.

    Raises:
        KeyError: If the file does not say it.
    """
    kind = metadata["general.architecture"]
    heads = int(metadata[f"{kind}.attention.head_count"])
    return _with_weights(
        layers=int(metadata[f"{kind}.block_count"]),
        hidden=int(metadata[f"{kind}.embedding_length"]),
        feed_forward=int(metadata[f"{kind}.feed_forward_length"]),
        is_gated=True,
        heads=heads,
        key_value_heads=int(metadata.get(f"{kind}.attention.head_count_kv", heads)),
        vocabulary=vocabulary,
        window=int(metadata[f"{kind}.context_length"]),
        has_own_output=False,
    )


def _with_weights(*, has_own_output: bool, **sizes: Any) -> ModelShape:
    """Count the weights from the sizes; biases and norms are a thousandth of them."""
    hidden = sizes["hidden"]
    of_keys = hidden // sizes["heads"] * sizes["key_value_heads"]
    layer = 2 * hidden**2 + 2 * hidden * of_keys + (3 if sizes["is_gated"] else 2) * hidden * sizes["feed_forward"]
    vocabulary = sizes["vocabulary"] * hidden * (2 if has_own_output else 1)
    return ModelShape(parameters=sizes["layers"] * layer + vocabulary, **sizes)


def _count_weights(path: Path) -> int:
    """Count the numbers in a safetensors file, whose header says their shapes."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    shapes: list[Sequence[int]] = [tensor["shape"] for name, tensor in header.items() if name != "__metadata__"]
    return sum(math.prod(shape) for shape in shapes)
