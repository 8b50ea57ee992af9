"""How much memory a transformer needs to answer and to be trained, part by part, before anything is loaded.

Activations follow Korthikanti et al. 2022 (Reducing Activation Recomputation in Large Transformer Models), counted
in numbers instead of bytes, and for gated feed-forward parts and shared key-value heads too; 4-bit weights follow
Dettmers et al. 2023 (QLoRA): 4.127 bits with double quantization, for all weights but those of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from ragtally.api import Footprint, ModelShape, Tuning

_GIB = 1 << 30
_NF4_BITS = 4.127
# Of an optimizer such as Adam: two numbers per weight that changes; in the 8-bit form one byte each.
_ADAM_BYTES, _ADAM_8_BIT_BYTES = 8, 2
_FULL = 4  # Bytes of a number in full precision, in which adapters, gradients and losses are kept
# What the libraries and the driver take before there is any model.
# Torch with its companions takes 0.8 GB; llama.cpp a tenth of that.
_TRAINING_LIBRARIES = {"cpu": (0.6 * _GIB, 0.75 * _GIB, 1.1 * _GIB), "gpu": (0.3 * _GIB, 0.7 * _GIB, 1.5 * _GIB)}
_ANSWERING_LIBRARIES = (0.05 * _GIB, 0.1 * _GIB, 0.8 * _GIB)
# What is held and not used at most, of all the rest: gaps between allocations. Twenty steps of a training leave more
# of them than three, and where the C library allocates they are not closed.
_GAPS, _GAPS_OF_CPU_TRAINING = 0.15, 0.4


class Amount(NamedTuple):
    """Bytes: the least that could do, what is likely, and what to be prepared for."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """One of the things that memory is needed for."""

    name: str
    amount: Amount


def memory_parts(footprint: Footprint) -> tuple[MemoryPart, ...]:
    """What a model needs memory for, largest things first as they come up."""
    parts = tuple(MemoryPart(name, amount) for name, amount in _amounts(footprint) if amount.high)
    share = _GAPS_OF_CPU_TRAINING if footprint.tuning and footprint.device == "cpu" else _GAPS
    return (*parts, MemoryPart("gaps", Amount(0, 0, share * total(parts).high)))


def total(parts: tuple[MemoryPart, ...]) -> Amount:
    """The sum of the parts."""
    return Amount(*(sum(part.amount[level] for part in parts) for level in range(3)))


def _amounts(footprint: Footprint) -> Iterator[tuple[str, Amount]]:
    shape, tuning = footprint.shape, footprint.tuning
    yield "weights", _same(_weights(footprint))
    if tuning is None:
        yield "context", _same(_context(footprint))
    else:
        yield "adapter", _same(tuning.trainable * _FULL if tuning.is_adapter else 0)
        yield "gradients", Amount(*(tuning.trainable * size for size in (footprint.compute_bits / 8, _FULL, _FULL)))
        yield (
            "optimizer",
            Amount(*(tuning.trainable * size for size in (_ADAM_8_BIT_BYTES, _ADAM_BYTES, _ADAM_BYTES))),
        )
        yield "activations", _activations(footprint, tuning)
        yield "predictions", _predictions(shape, tuning, footprint.compute_bits / 8)
    yield "libraries", Amount(*(_TRAINING_LIBRARIES[footprint.device] if tuning else _ANSWERING_LIBRARIES))


def _same(size: float) -> Amount:
    return Amount(size, size, size)


def _weights(footprint: Footprint) -> float:
    shape, bits = footprint.shape, footprint.weight_bits
    if footprint.tuning is None or bits > 8:
        return shape.parameters * bits / 8
    # What bitsandbytes quantizes leaves the vocabulary alone.
    vocabulary = shape.vocabulary * shape.hidden
    return (shape.parameters - vocabulary) * (_NF4_BITS if bits == 4 else bits) / 8 + vocabulary * 2


def _context(footprint: Footprint) -> float:
    """Keys and values of all contexts, in the numbers that are computed with."""
    shape = footprint.shape
    width = shape.hidden / shape.heads * shape.key_value_heads
    return 2 * shape.layers * width * footprint.context * footprint.slots * footprint.compute_bits / 8


def _activations(footprint: Footprint, tuning: Tuning) -> Amount:
    """What the backward pass needs of the forward pass."""
    shape, size = footprint.shape, footprint.compute_bits / 8
    tokens = tuning.batch * tuning.length
    width = shape.hidden / shape.heads * shape.key_value_heads
    # Inputs of both norms, their outputs, queries, keys, values, what attention gives, and both residual sums.
    attention = 7 * shape.hidden + 2 * width
    feed_forward = (4 if shape.is_gated else 2) * shape.feed_forward
    layer = tokens * (attention + feed_forward) * size
    # Attention computed in blocks keeps no matrix; written out, as a CPU mostly has it, it keeps it before and after
    # the softmax.
    matrices = 2 * tuning.batch * shape.heads * tuning.length**2 * size
    usual = matrices if footprint.device == "cpu" else 0
    at_once = 1 if tuning.checkpointing else shape.layers
    inputs = shape.layers * tokens * shape.hidden * size if tuning.checkpointing else 0
    low, likely, high = 0.8 * layer, 1.1 * layer + usual, 1.3 * layer + matrices
    return Amount(*(inputs + at_once * each for each in (low, likely, high)))


def _predictions(shape: ModelShape, tuning: Tuning, size: float) -> Amount:
    """One number per token and entry of the vocabulary: as computed, in full precision, and its gradient."""
    numbers = tuning.batch * tuning.predicted * shape.vocabulary
    # In full precision from the start there is no other copy. Measured: 3.3 copies in full precision.
    other = numbers * (size if size < _FULL else 0)
    return Amount(*(other + copies * numbers * _FULL for copies in (2, 3, 4)))


def smaller(footprint: Footprint) -> Iterator[tuple[str, Footprint]]:
    """Changes that need less memory, each on top of those before, the harmless ones first."""
    tuning = footprint.tuning
    if tuning is not None and not tuning.checkpointing:
        tuning = replace(tuning, checkpointing=True)
        footprint = replace(footprint, tuning=tuning)
        yield "activations computed twice (checkpointing), a third slower", footprint
    while tuning is not None and tuning.batch > 1:
        tuning = replace(tuning, batch=tuning.batch // 2)
        footprint = replace(footprint, tuning=tuning)
        yield f"batches of {tuning.batch}, with more accumulation", footprint
    if tuning is not None and not tuning.is_adapter:
        return
    for bits in (16, 8, 4):
        if bits < footprint.weight_bits:
            footprint = replace(footprint, weight_bits=bits)
            yield f"weights of {bits} bits", footprint
