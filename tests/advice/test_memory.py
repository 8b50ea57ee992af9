"""The memory that is estimated before a model is loaded, against sums by hand and against what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model_shapes import LORA, MINILM, SMOLLM2, WHOLE
from ragtally.advice.memory import Amount, memory_parts, smaller, total
from ragtally.api import Footprint, ModelShape, Tuning


def part(footprint: Footprint, name: str) -> Amount:
    return next(each.amount for each in memory_parts(footprint) if each.name == name)


# The peak of a process with torch 2.13, transformers 5.24 and peft 0.21 on a CPU, in millions of bytes.
@pytest.mark.parametrize(
    ("shape", "tuning", "peak"),
    [
        (SMOLLM2, replace(LORA, batch=1), 2063),
        (SMOLLM2, LORA, 4200),
        (SMOLLM2, replace(LORA, batch=2, length=512, predicted=512), 4165),
        (SMOLLM2, replace(LORA, checkpointing=True), 2803),
        (MINILM, WHOLE, 1619),
        (MINILM, replace(WHOLE, batch=16, length=256), 3073),
    ],
)
def test_what_was_measured_lies_between_low_and_high_and_near_what_is_expected(
    shape: ModelShape, tuning: Tuning, peak: float
) -> None:
    amount = total(memory_parts(Footprint(shape, 32, 32, "cpu", tuning)))
    assert amount.low < peak * 1e6 < amount.high
    assert amount.likely == pytest.approx(peak * 1e6, rel=0.3)


def test_adam_in_full_precision_keeps_sixteen_bytes_for_each_weight_that_changes() -> None:
    footprint = Footprint(MINILM, 32, 32, "gpu", WHOLE)
    names = ("gradients", "optimizer", "weights")
    assert sum(part(footprint, name).likely for name in names) == pytest.approx(16 * WHOLE.trainable, rel=0.001)


def test_four_bits_of_a_billion_weights_are_half_a_gigabyte() -> None:
    large = replace(SMOLLM2, parameters=10**9, vocabulary=0)
    assert part(Footprint(large, 4, 16, "gpu", LORA), "weights").likely == pytest.approx(0.516e9, rel=0.001)


def test_keys_and_values_of_a_context() -> None:
    """Llama 3.1 8B with 8,192 tokens: 1 GiB, as llama.cpp says when it loads it."""
    llama = ModelShape(8_030_000_000, 32, 4096, 14_336, True, 32, 8, 128_256, 131_072)
    footprint = Footprint(llama, 4.5, 16, context=8192)
    assert part(footprint, "context").likely == 1 << 30


def test_the_loss_over_a_large_vocabulary_is_not_forgotten() -> None:
    assert part(Footprint(SMOLLM2, 32, 32, "cpu", LORA), "predictions").likely == 3 * 4 * 256 * 49_152 * 4
    names = {each.name for each in memory_parts(Footprint(MINILM, 32, 32, "cpu", WHOLE))}
    assert "predictions" not in names


def test_every_change_that_is_offered_needs_less() -> None:
    footprint = Footprint(SMOLLM2, 32, 16, "gpu", LORA)
    amounts = [total(memory_parts(each)).high for _, each in (("", footprint), *smaller(footprint))]
    assert amounts == sorted(amounts, reverse=True)
    assert len(set(amounts)) == len(amounts) > 4
