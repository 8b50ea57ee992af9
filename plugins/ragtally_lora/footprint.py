"""What the training of adapters has in memory, from the base's configuration alone."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ragtally import Footprint, ModelShape, RagtallyError, Tuning
from ragtally.support.model_shape import shape_of_folder, shape_of_gguf
from ragtally_lora.source import BaseSource

_BITS = {"4bit": 4, "8bit": 8}


def footprint(source: BaseSource, parameters: Mapping[str, Any]) -> Footprint | None:
    """Say what training needs; None where the base, or what reads it, is not there."""
    try:
        shape = shape_of(source)
    except (RagtallyError, ImportError, KeyError, ValueError, OSError):
        return None
    length = min(parameters["max_tokens"] or shape.window, shape.window)
    is_half = parameters["precision"] == "bfloat16"
    return Footprint(
        shape,
        weight_bits=_BITS.get(parameters["quantise"], 16 if is_half else 32),
        compute_bits=16 if is_half else 32,
        device="auto" if parameters["device"] is None else "cpu" if parameters["device"] == "cpu" else "gpu",
        tuning=Tuning(
            trainable=adapter_weights(shape, parameters["rank"], parameters["targets"], parameters["layers"]),
            is_adapter=True,
            length=length,
            batch=parameters["batch"],
            checkpointing=parameters["gradient_checkpointing"],
            # Of the other positions no logits are computed.
            predicted=min(parameters["max_new_tokens"] + 1, length),
        ),
    )


def adapter_weights(shape: ModelShape, rank: int, targets: str | Sequence[str], layers: int | None = None) -> int:
    """Count the weights of adapters: rank times inputs and outputs of every layer that has one (Hu et al. 2022)."""
    keys = shape.hidden // shape.heads * shape.key_value_heads
    widths = {
        "q_proj": 2 * shape.hidden,
        "k_proj": shape.hidden + keys,
        "v_proj": shape.hidden + keys,
        "o_proj": 2 * shape.hidden,
        "up_proj": shape.hidden + shape.feed_forward,
        "down_proj": shape.hidden + shape.feed_forward,
    }
    if shape.is_gated:
        widths["gate_proj"] = widths["up_proj"]
    names = [targets] if isinstance(targets, str) else list(targets)
    # Whatever is named in another way may be all of them.
    own = [widths[name] for name in names] if widths.keys() >= set(names) else widths.values()
    return rank * (layers or shape.layers) * sum(own)


def shape_of(source: BaseSource) -> ModelShape:
    """The base's shape."""
    if not source.is_gguf:
        return shape_of_folder(source.path())
    fields = _gguf_fields(source)
    names = [name for name, field in fields.items() if len(field.data) == 1]
    return shape_of_gguf(
        {name: str(fields[name].contents()) for name in names}, len(fields["tokenizer.ggml.tokens"].data)
    )


def family_name(source: BaseSource) -> str:
    """The base's family, as its configuration names it."""
    if not source.is_gguf:
        config = json.loads((source.path() / "config.json").read_text(encoding="utf-8"))
        return str(config.get("model_type", "unknown"))
    return str(_gguf_fields(source)["general.architecture"].contents())


def _gguf_fields(source: BaseSource) -> Mapping[str, Any]:
    gguf: Any = importlib.import_module("gguf")  # There with the extra alone
    fields: Mapping[str, Any] = gguf.GGUFReader(source.path()).fields
    return fields
