"""A language model of a few thousand weights, drawn at random, for tests that need PyTorch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def require_lora() -> None:
    """Skip where the extra `lora` is not installed."""
    for package in ("torch", "transformers", "peft"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f'needs {package}: pip install "ragtally[lora]"')


def write_tiny_model(folder: Path) -> Path:
    """Write a Llama of two layers whose tokens are characters."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<end>", "<system>", "<user>", "<assistant>", "<?>"]
    names = [*special, *map(chr, range(10, 127))]
    tokenizer = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="<?>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", unk_token="<?>", additional_special_tokens=special[1:4]
    )
    wrapped.chat_template = _TEMPLATE
    wrapped.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(names), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, max_position_embeddings=1024, bos_token_id=None, eos_token_id=0,
            initializer_range=0.3,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder
