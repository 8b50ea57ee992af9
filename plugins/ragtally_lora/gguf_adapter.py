"""An adapter as the GGUF file that llama.cpp reads, and all that is built on it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from ragtally import DataError, ModelShape
from ragtally_lora.source import WEIGHTS

_PREFIX = "base_model.model."
_PARTS = {".lora_A.weight": ".lora_a", ".lora_B.weight": ".lora_b"}


class Family(NamedTuple):
    """Models whose layers llama.cpp holds one by one, as transformers does."""

    architecture: str  # llama.cpp's name
    is_reordered: bool  # Whether llama.cpp holds the rows of queries and keys in an order of its own


# By the names of transformers and llama.cpp.
FAMILIES: Mapping[str, Family] = {
    "llama": Family("llama", True),
    "mistral": Family("llama", True),
    "gemma": Family("gemma", False),
    "gemma2": Family("gemma2", False),
    "gemma3": Family("gemma3", False),
    "gemma3_text": Family("gemma3", False),
    "qwen2": Family("qwen2", False),
    "qwen3": Family("qwen3", False),
}


def write_gguf_adapter(model: Path, shape: ModelShape, family: Family, path: Path) -> None:
    """Write PEFT's adapter in a folder as a GGUF file."""
    gguf: Any = importlib.import_module("gguf")  # There with the extra alone

    weights = load_file(model / WEIGHTS)
    if outside := sorted(name for name in weights if "lm_head" in name or "embed_tokens" in name):
        raise DataError(
            f"llama.cpp takes no adapter of {outside[0]}", hint="targets: all-linear, which leaves it out"
        )
    architecture = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}[family.architecture]
    layers = gguf.get_tensor_name_map(architecture, shape.layers)
    writer = gguf.GGUFWriter(path, family.architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    alpha = json.loads((model / "adapter_config.json").read_text(encoding="utf-8"))["lora_alpha"]
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for name, matrix in sorted(weights.items()):
        layer, part = _layer_and_part(name)
        own_name = layers.get_name(f"{layer}.weight", try_suffixes=(".weight",))
        if own_name is None:
            raise DataError(f"llama.cpp has no layer for {layer}", hint="targets: all-linear")
        writer.add_tensor(own_name + part, _in_their_order(matrix, layer, part, shape, family))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _layer_and_part(name: str) -> tuple[str, str]:
    end = next(end for end in _PARTS if name.endswith(end))
    return name.removeprefix(_PREFIX).removesuffix(end), _PARTS[end]


def _in_their_order(
    matrix: NDArray[Any], layer: str, part: str, shape: ModelShape, family: Family
) -> NDArray[np.float32]:
    # Rotary positions turn pairs of a head's rows: transformers pairs a row with the one half a head further on,
    # llama.cpp with the next one. The rows of weight and update are those of B; A's columns are the layer's inputs.
    heads = {"q_proj": shape.heads, "k_proj": shape.key_value_heads}.get(layer.rpartition(".")[2])
    numbers = matrix.astype(np.float32)
    if heads is None or part != ".lora_b" or not family.is_reordered:
        return numbers
    rows, rank = numbers.shape
    halves = numbers.reshape(heads, 2, rows // heads // 2, rank)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, rank))
