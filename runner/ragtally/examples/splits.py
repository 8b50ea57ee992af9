"""Training, development and test sets that share no document and no near-duplicate."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of so many random orders the best one is taken; of fewer where there are many groups, whose order matters less.
_TRIES = 200
_MOST_STEPS = 40_000
_LARGE = 0.02


@dataclass(frozen=True, slots=True)
class Splits:
    """Which split each example is in, and what could not be met."""

    split: tuple[str, ...]  # By example
    group: tuple[int, ...]  # By example: the number of its group, which stays together
    notes: tuple[str, ...]  # What differs from what the spec asks for, and why


def tied_groups(ties: Sequence[Iterable[Hashable]]) -> NDArray[np.int64]:
    """A number for each example: examples with any tie in common, directly or through others, have the same."""
    parent = list(range(len(ties)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[Hashable, int] = {}
    for row, own in enumerate(ties):
        for tie in own:
            one, other = root(row), root(first.setdefault(tie, row))
            parent[max(one, other)] = min(one, other)
    return np.unique([root(row) for row in range(len(ties))], return_inverse=True)[1].astype(np.int64)


def assign_splits(
    groups: NDArray[np.int64], classes: Sequence[str], shares: Mapping[str, float], random: np.random.Generator
) -> Splits:
    """Assign whole groups to splits, so that sizes and the shares of the classes come as near as they can."""
    names = [name for name, share in shares.items() if share > 0]
    count = len(groups)
    if not count:
        return Splits((), (), ())
    quotas = np.array([shares[name] for name in names]) / sum(shares.values())
    class_names, class_of = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    # Examples by group and class.
    sizes = np.zeros((int(groups.max()) + 1, len(class_names)))
    np.add.at(sizes, (groups, class_of), 1)
    target = quotas[:, None] * sizes.sum(axis=0)[None, :]
    best, best_cost = np.zeros(len(sizes), dtype=np.int64), np.inf
    for number in range(max(2, min(_TRIES, _MOST_STEPS // len(sizes)))):
        order = random.permutation(len(sizes))
        if number % 2:
            # Large groups first fill the sets more exactly, random orders mix them better.
            order = order[np.argsort(-sizes[order].sum(axis=1), kind="stable")]
        assignment, cost = _fill(sizes, target, order)
        # Equal but for rounding is equal, so that every machine takes the same one.
        if cost < best_cost - 1e-9:
            best, best_cost = assignment, cost
    split = best[groups]
    return Splits(
        tuple(names[number] for number in split), tuple(groups.tolist()), _notes(names, quotas, split, groups)
    )


def _fill(
    sizes: NDArray[np.float64], target: NDArray[np.float64], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], float]:
    missing = target.copy()
    assignment = np.zeros(len(sizes), dtype=np.int64)
    total = missing.sum(axis=1)
    for group in order:
        # What is still missing, relative to what the set is to have: else the largest set takes all that comes first.
        neediest = int(np.argmax(missing.sum(axis=1) / np.maximum(total, 1e-9)))
        assignment[group] = neediest
        missing[neediest] -= sizes[group]
    return assignment, float(np.abs(missing).sum() / 2 + np.abs(missing.sum(axis=1)).sum())


def _notes(
    names: Sequence[str], quotas: NDArray[np.float64], split: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[str, ...]:
    count = len(split)
    largest = int(np.bincount(groups).max())
    notes = []
    for number, name in enumerate(names):
        size = int((split == number).sum())
        if abs(size - quotas[number] * count) > max(1.0, _LARGE * count):
            why = f"what shares a document or is nearly the same stays together, and the largest group has {largest}"
            notes.append(f"{name} has {size} of {count} examples instead of {round(quotas[number] * count)}: {why}")
    return tuple(notes)
