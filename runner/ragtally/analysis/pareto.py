"""The cells that are worth their cost: accuracy against dollars, or against seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_DIGITS = 10


@dataclass(frozen=True, slots=True)
class ParetoFront:
    """The cells by whether another is at least as good and at least as cheap."""

    # Every cell is in exactly one of the three, as its row.

    # The cells that no other dominates, cheapest first, the better first among equally cheap ones, then by row. Cells
    # with the same quality and the same cost do not dominate each other.
    front: tuple[int, ...]
    # For each dominated cell, in order of rows, a cell of the front that dominates it: the best of these, the cheaper
    # of equally good ones.
    dominated: dict[int, int]
    unknown: dict[int, str]  # For each cell that cannot be compared, which of its two numbers is unknown


def pareto_front(
    quality: Sequence[float | None], cost: Sequence[float | None], *, higher_is_better: bool = True
) -> ParetoFront:
    """Find the cells that are worth their cost: no other is as good and cheaper, or better and as cheap."""
    sign = 1 if higher_is_better else -1
    known: list[tuple[float, float, int]] = []
    unknown: dict[int, str] = {}
    for row, (good, dear) in enumerate(zip(quality, cost, strict=True)):
        if good is None or dear is None:
            unknown[row] = "quality" if good is None else "cost"
        else:
            known.append((round(dear, _DIGITS), -sign * round(good, _DIGITS), row))
    front: list[tuple[float, float, int]] = []
    dominated: dict[int, int] = {}
    for dear, badness, row in sorted(known):
        # Sorted by cost, only the last of the front can be the best so far.
        if not front or badness < front[-1][1] or (dear, badness) == front[-1][:2]:
            front.append((dear, badness, row))
        else:
            dominated[row] = next(number for _, best, number in front if best == front[-1][1])
    return ParetoFront(tuple(row for _, _, row in front), dict(sorted(dominated.items())), unknown)
