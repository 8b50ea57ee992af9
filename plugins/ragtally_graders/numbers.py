"""The grader `numeric`: the numbers of an answer and of its references."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from ragtally import Grade, OpenAnswer

# 1,234.5 and 1.234,5 and 1 234,5; a sign counts only where it is none of a range or a word, as in "COVID-19".
_NUMBER = re.compile(
    r"(?<![\w.,])(?<![^\W\d]-)(?P<sign>[-−+])?(?P<digits>\d{1,3}(?:[.,\u0020\u00a0\u202f']\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?:[eE](?P<power>[-+]?\d{1,2})\b)?\s?(?P<unit>%|°?[^\W\d_]+)?"
)
# A comma is a thousands' sign or a decimal one by language; where only one reading is possible, that one counts.
_DECIMAL_COMMA = frozenset({"de", "es", "fr", "it", "nl", "pt"})
_RELATIVE_ERROR = 1e-9


class Quantity(NamedTuple):
    """A number with what follows it."""

    value: float
    unit: str  # Empty for none


class Numeric:
    """Compares the one number of an answer with that of a reference."""

    def __init__(self, tolerance: float, units: Mapping[str, float]) -> None:
        self._tolerance = tolerance
        self._units = {unit.casefold(): factor for unit, factor in units.items()}

    def grade(self, answer: OpenAnswer) -> Grade:
        """See `ragtally.Grader`."""
        references = [only_quantity(reference, answer.language) for reference in answer.references]
        quantities = [quantity for quantity in references if quantity is not None]
        if not quantities:
            return Grade.NOT_COMPARABLE
        quantity = only_quantity(answer.verdict, answer.language)
        if quantity is None:
            return Grade.NO_MATCH
        return Grade.RIGHT if any(self._is_close(quantity, other) for other in quantities) else Grade.WRONG

    def _is_close(self, quantity: Quantity, reference: Quantity) -> bool:
        values = [quantity.value, reference.value]
        units = [each.unit.casefold() for each in (quantity, reference)]
        has_factor = [unit in self._units for unit in units]
        if all(has_factor):
            values = [value * self._units[unit] for value, unit in zip(values, units, strict=True)]
        # A number without a unit is meant in that of the other; what follows one may also be any word ("24 sacks").
        elif all(units) and units[0] != units[1] and (any(has_factor) or "%" in units):
            return False
        return math.isclose(*values, rel_tol=_RELATIVE_ERROR, abs_tol=self._tolerance * abs(values[1]))


def only_quantity(text: str, language: str) -> Quantity | None:
    """Read the one number of a text; None where there is none, or another one beside it."""
    plain = unicodedata.normalize("NFKC", text).strip()
    quantities = [_quantity(match, language) for match in _NUMBER.finditer(plain)]
    return quantities[0] if len({quantity.value for quantity in quantities}) == 1 else None


def _quantity(match: re.Match[str], language: str) -> Quantity:
    digits = re.sub(r"[\s']", "", match["digits"])
    marks = [sign for sign in digits if not sign.isdigit()]
    last = digits.rpartition(marks[-1])[2] if marks else ""
    if len(set(marks)) == 2 or (marks and len(marks) == 1 and len(last) != 3):
        decimal = marks[-1]
    elif len(marks) > 1 or not marks:
        decimal = ""
    else:
        decimal = "," if language in _DECIMAL_COMMA else "."
        decimal = decimal if marks[0] == decimal else ""
    whole, _, fraction = digits.rpartition(decimal) if decimal else (digits, "", "")
    number = float(re.sub(r"[.,]", "", whole) + (f".{fraction}" if fraction else ""))
    sign = -1.0 if match["sign"] in ("-", "−") else 1.0
    return Quantity(sign * number * 10.0 ** int(match["power"] or 0), match["unit"] or "")
