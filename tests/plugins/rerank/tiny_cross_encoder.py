"""A cross-encoder of a few thousand random weights, made here, so that nothing is downloaded."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

LETTERS = [*string.ascii_lowercase, *string.digits, *"?.,()=%"]
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "fever",
    "dose",
    *LETTERS,
    *[f"##{letter}" for letter in LETTERS],
]


def save_tiny_cross_encoder(folder: Path, labels: int = 1) -> None:
    """Save one, the same every time.

    Args:
        folder: Where to.
        labels: How many scores it gives a pair.
    """
    torch = pytest.importorskip("torch", reason="the optional package torch is not installed")
    reason = "the optional package sentence-transformers is not installed"
    pytest.importorskip("sentence_transformers", reason=reason)
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS))
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        num_labels=labels,
        # Ten times the usual spread, so that pairs are told apart.
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(vocab_file=str(vocabulary), model_max_length=128).save_pretrained(folder)
