"""Shapes are read from what models say of themselves; weights are counted from headers where there are files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from model_shapes import MINILM, SMOLLM2
from ragtally.api import DataError
from ragtally.support.model_shape import shape_of_config, shape_of_folder, shape_of_gguf

LLAMA_CONFIG = {
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "hidden_act": "silu",
    "num_hidden_layers": 30,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "vocab_size": 49_152,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
}
BERT_CONFIG = {
    "num_attention_heads": 12,
    "hidden_act": "gelu",
    "num_hidden_layers": 6,
    "hidden_size": 384,
    "intermediate_size": 1536,
    "vocab_size": 30_522,
    "max_position_embeddings": 512,
}


def test_a_configuration_of_transformers() -> None:
    assert shape_of_config(LLAMA_CONFIG) == SMOLLM2
    shape = shape_of_config(BERT_CONFIG)
    assert replace(shape, parameters=MINILM.parameters) == MINILM
    # Positions, biases and the pooler are left out of the sum.
    assert shape.parameters == pytest.approx(MINILM.parameters, rel=0.02)


def test_an_output_of_its_own_counts() -> None:
    untied = shape_of_config(LLAMA_CONFIG | {"tie_word_embeddings": False})
    assert untied.parameters - SMOLLM2.parameters == 49_152 * 576


def test_the_metadata_of_a_gguf_file() -> None:
    metadata = {
        "general.architecture": "llama",
        "llama.attention.head_count": "9",
        "llama.attention.head_count_kv": "3",
        "llama.block_count": "30",
        "llama.embedding_length": "576",
        "llama.feed_forward_length": "1536",
        "llama.context_length": "2048",
    }
    assert shape_of_gguf(metadata, 49_152) == SMOLLM2
    with pytest.raises(KeyError, match="block_count"):
        shape_of_gguf({name: value for name, value in metadata.items() if "block" not in name}, 49_152)


def test_weights_are_counted_in_the_headers_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(BERT_CONFIG))
    header = json.dumps(
        {"__metadata__": {"format": "pt"}, "a": {"shape": [3, 5]}, "b": {"shape": [7]}, "c": {"shape": []}}
    ).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert shape_of_folder(tmp_path).parameters == 3 * 5 + 7 + 1


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"num_attention_heads": "many"}'])
def test_what_is_no_configuration(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(DataError) as error:
        shape_of_folder(tmp_path)
    assert str(error.value.location) == str(tmp_path / "config.json")
