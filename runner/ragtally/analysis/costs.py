"""What answers cost, per question and per right answer, and which cells are worth their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_DIGITS = 10


@dataclass(frozen=True, slots=True)
class CellCost:
    """What a cell's answers cost; None where it is unknown, or where nothing is paid."""

    dollars: float | None  # US dollars of all answers
    tokens: int | None  # Tokens in and out
    seconds: float | None  # Seconds that the answers took, added up
    dollars_per_question: float | None
    dollars_per_right_answer: float | None
    seconds_per_question: float | None
    seconds_per_right_answer: float | None
    index_dollars: float | None = None  # US dollars that the cell's index cost once, in no other number
    training_dollars: float | None = None  # Likewise, what the reader's model cost to be fine-tuned by its provider


@dataclass(frozen=True, slots=True)
class ParetoFront:
    """The cells that are worth their cost; every cell is in exactly one of the three."""

    # The cells that no other beats in both, cheapest first, the better first among equally cheap ones. Cells with the
    # same quality and the same cost do not dominate each other.
    front: tuple[str, ...]
    # For each dominated cell one of the front that is at least as good and as cheap: the best of these, the cheaper
    # of equally good ones.
    dominated_by: Mapping[str, str]
    unknown: Mapping[str, str]  # For each cell that cannot be compared, which of its two numbers is unknown


def cell_cost(
    questions: int,
    right_answers: int,
    *,
    dollars: float | None = None,
    tokens: int | None = None,
    seconds: float | None = None,
    index_dollars: float | None = None,
    training_dollars: float | None = None,
) -> CellCost:
    """Divide a cell's costs by its questions and by its right answers."""
    if not 0 <= right_answers <= questions:
        raise ValueError(f"{right_answers} right answers to {questions} questions cannot be")

    def per(total: float | None, count: int) -> float | None:
        if total is not None and not total >= 0:
            raise ValueError(f"a cost of {total} cannot be")
        return None if total is None or not count else total / count

    return CellCost(
        dollars=dollars,
        tokens=tokens,
        seconds=seconds,
        dollars_per_question=per(dollars, questions),
        dollars_per_right_answer=per(dollars, right_answers),
        seconds_per_question=per(seconds, questions),
        seconds_per_right_answer=per(seconds, right_answers),
        index_dollars=index_dollars,
        training_dollars=training_dollars,
    )


def pareto_front(
    cells: Sequence[str],
    quality: Sequence[float | None],
    cost: Sequence[float | None],
    *,
    higher_is_better: bool = True,
) -> ParetoFront:
    """Find the cells that are worth their cost: no other is as good and cheaper, or better and as cheap."""
    sign = 1 if higher_is_better else -1
    points: list[tuple[float, float, int]] = []
    unknown: dict[str, str] = {}
    for row, (value, price) in enumerate(zip(quality, cost, strict=True)):
        if value is None or price is None:
            unknown[cells[row]] = "quality" if value is None else "cost"
        else:
            points.append((round(price, _DIGITS), -sign * round(value, _DIGITS), row))
    front: list[tuple[float, float, int]] = []
    dominated_by: dict[int, int] = {}
    for price, badness, row in sorted(points):
        # Sorted by cost, only the last of the front can be the best so far.
        if not front or badness < front[-1][1] or (price, badness) == front[-1][:2]:
            front.append((price, badness, row))
        else:
            dominated_by[row] = next(number for _, best, number in front if best == front[-1][1])
    return ParetoFront(
        tuple(cells[row] for _, _, row in front),
        {cells[row]: cells[other] for row, other in sorted(dominated_by.items())},
        unknown,
    )
