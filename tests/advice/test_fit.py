"""Whether what a study needs fits, and what to change where it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model_shapes import LORA, SMOLLM2
from ragtally.advice.fit import Fit, need_of
from ragtally.advice.machine import Gpu, Machine, this_machine
from ragtally.api import Footprint

GB = 10**9
FOOTPRINT = Footprint(SMOLLM2, 32, 32, "cpu", LORA)


def machine(free: float) -> Machine:
    return Machine(2, 64 * GB, int(free * GB))


@pytest.mark.parametrize(("free", "fit"), [(16, Fit.FITS), (5, Fit.TIGHT), (2, Fit.TOO_LARGE)])
def test_a_need_is_compared_with_the_memory_that_is_free(free: float, fit: Fit) -> None:
    assert need_of("reader lora", FOOTPRINT, machine(free)).fit is fit


def test_what_does_not_fit_is_told_what_would() -> None:
    need = need_of("reader lora", FOOTPRINT, machine(2.5))
    assert need.remedies[0][0].startswith("activations computed twice")
    assert need.remedies[-1][1] < 2.5 * GB
    assert need_of("reader lora", FOOTPRINT, machine(0.1)).remedies == ()


def test_a_gpu_is_asked_for_its_own_memory() -> None:
    on_gpu = replace(FOOTPRINT, device="gpu")
    assert need_of("reader lora", on_gpu, machine(64)).fit is Fit.NO_DEVICE
    gpus = (Gpu("small", 8 * GB, GB), Gpu("large", 80 * GB, 79 * GB))
    need = need_of("reader lora", on_gpu, replace(machine(1), gpus=gpus))
    assert (need.fit, need.available) == (Fit.FITS, 79 * GB)


def test_without_a_word_on_the_device_the_gpu_is_taken_where_there_is_one() -> None:
    anywhere = replace(FOOTPRINT, device="auto")
    here = need_of("reader lora", anywhere, machine(64))
    assert (here.footprint.device, here.footprint.weight_bits) == ("cpu", 32)
    there = need_of("reader lora", anywhere, replace(machine(64), gpus=(Gpu("large", 80 * GB, 79 * GB),)))
    assert (there.footprint.device, there.footprint.weight_bits) == ("gpu", 16)
    assert there.amount.likely < here.amount.likely


def test_this_machine_has_cores_and_memory() -> None:
    here = this_machine()
    assert here.cores > 0
    assert 0 < here.free <= here.memory
