"""What `ragtally advise` says of the reader lora, before anything of its packages is imported."""

from __future__ import annotations

import json
from pathlib import Path

from model_shapes import SMOLLM2
from ragtally.registry import load_registry
from ragtally_lora.footprint import adapter_weights

CONFIG = {
    "num_attention_heads": 9, "num_key_value_heads": 3, "hidden_act": "silu", "num_hidden_layers": 30,
    "hidden_size": 576, "intermediate_size": 1536, "vocab_size": 49_152, "max_position_embeddings": 2048,
}  # fmt: skip


def test_adapters_have_as_many_weights_as_peft_makes() -> None:
    # peft 0.21 on SmolLM2-135M.
    assert adapter_weights(SMOLLM2, 8, ["q_proj", "v_proj"]) == 460_800
    assert adapter_weights(SMOLLM2, 8, "all-linear") == 2_442_240


def test_it_follows_from_the_base_s_configuration_and_the_parameters(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    component = load_registry().find("reader", "lora").component  # type: ignore[union-attr]
    defaults = {name: schema.get("default") for name, schema in component.params.items()}
    assert component.footprint is not None
    own = component.footprint(defaults | {"base": str(tmp_path), "max_tokens": 512, "quantise": "4bit"})
    assert own is not None and own.tuning is not None
    assert (own.shape, own.weight_bits, own.device) == (SMOLLM2, 4, "auto")
    assert (own.tuning.length, own.tuning.trainable, own.tuning.is_adapter) == (512, 2_442_240, True)
    assert component.footprint(defaults | {"base": "./nowhere"}) is None
