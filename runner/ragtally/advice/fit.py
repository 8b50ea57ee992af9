"""Whether what a study runs on this machine fits into its memory, and what would make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from ragtally.advice.machine import Machine
from ragtally.advice.memory import Amount, MemoryPart, memory_parts, smaller, total
from ragtally.api import DataError, Footprint
from ragtally.registry import Registry
from ragtally.spec.study import Study


class Fit(StrEnum):
    """How a need compares with what there is."""

    FITS = "fits"  # Even the highest figure
    TIGHT = "tight"  # What is likely does, the highest figure does not
    TOO_LARGE = "does not fit"
    NO_DEVICE = "no GPU here"


@dataclass(frozen=True, slots=True)
class Need:
    """What one component of a study needs of this machine's memory."""

    name: str  # Kind and name as the spec has them
    footprint: Footprint
    parts: tuple[MemoryPart, ...]
    amount: Amount
    available: int | None  # Bytes there are; None without the device
    fit: Fit
    # What would make it fit: changes, each on top of those before, with the bytes likely then; empty for nothing.
    remedies: tuple[tuple[str, float], ...] = ()
    peak: int | None = None  # Bytes that a probe took, which then decide whether it fits


def needs(
    study: Study, registry: Registry, machine: Machine, longest: Mapping[str, int] | None = None
) -> tuple[Need, ...]:
    """What a study's components need, of those that say so; of readers the longest example may be known."""
    lengths = {f"reader {name}": length for name, length in (longest or {}).items()}
    return tuple(
        need_of(name, _shortened(footprint, lengths.get(name)), machine)
        for name, footprint in _footprints(study, registry)
    )


def unknown_needs(study: Study, registry: Registry) -> dict[str, DataError]:
    """Why it cannot be said what a component needs, though it runs in this process: mostly its model is not here."""
    reasons = {}
    for name, choice in study.components():
        component = registry.get(choice).component
        if component.footprint is None or component.footprint(choice.parameters) is not None:
            continue
        findings = component.diagnose(choice.parameters) if component.diagnose else ()
        wrong = next((each for each in findings if not each.ok), None)
        reasons[name] = (
            DataError("its model's size is not written where it is looked for")
            if wrong is None
            else DataError(wrong.what, hint=wrong.remedy)
        )
    return reasons


def _shortened(footprint: Footprint, longest: int | None) -> Footprint:
    """What is needed where no example is as long as it might be."""
    tuning = footprint.tuning
    if tuning is None or longest is None or longest >= tuning.length:
        return footprint
    tuning = replace(tuning, length=longest, predicted=min(tuning.predicted, longest))
    return replace(footprint, tuning=tuning)


def _footprints(study: Study, registry: Registry) -> Iterator[tuple[str, Footprint]]:
    for name, choice in study.components():
        say = registry.get(choice).component.footprint
        footprint = None if say is None else say(choice.parameters)
        if footprint is not None:
            yield name, footprint


def need_of(name: str, footprint: Footprint, machine: Machine) -> Need:
    """Compare one need with what there is."""
    if footprint.device == "auto":
        bits: Literal[16, 32] = 16 if machine.gpus else footprint.compute_bits
        weight_bits = min(footprint.weight_bits, bits)
        device: Literal["gpu", "cpu"] = "gpu" if machine.gpus else "cpu"
        footprint = replace(footprint, device=device, compute_bits=bits, weight_bits=weight_bits)
    parts = memory_parts(footprint)
    amount, available = total(parts), _available(footprint, machine)
    fit = _fit(amount, available)
    remedies = tuple(_remedies(footprint, available)) if available is not None and fit is not Fit.FITS else ()
    return Need(name, footprint, parts, amount, available, fit, remedies)


def with_peak(need: Need, memory: int | None) -> Need:
    """Put what a probe took in place of what was estimated; None where there was none."""
    if memory is None:
        return need
    fits = need.available is None or memory <= need.available
    remedies = () if fits else need.remedies
    return replace(need, peak=memory, fit=Fit.FITS if fits else Fit.TOO_LARGE, remedies=remedies)


def _available(footprint: Footprint, machine: Machine) -> int | None:
    if footprint.device == "cpu":
        return machine.free
    return max((gpu.free for gpu in machine.gpus), default=None)


def _fit(amount: Amount, available: int | None) -> Fit:
    if available is None:
        return Fit.NO_DEVICE
    if amount.high <= available:
        return Fit.FITS
    return Fit.TIGHT if amount.likely <= available else Fit.TOO_LARGE


def _remedies(footprint: Footprint, available: int) -> Iterator[tuple[str, float]]:
    """The first changes after which the highest figure fits; all of them where only what is likely does."""
    changes: list[tuple[str, float]] = []
    for change, less in smaller(footprint):
        amount = total(memory_parts(less))
        changes.append((change, amount.likely))
        if amount.high <= available:
            break
    if changes and changes[-1][1] <= available:
        yield from changes
