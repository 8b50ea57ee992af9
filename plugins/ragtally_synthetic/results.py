"""Result sentences: one comparison of one outcome, sometimes qualified by a second sentence."""

from __future__ import annotations

from typing import NamedTuple

from ragtally_synthetic.draws import Draws
from ragtally_synthetic.numbers import Finding, Numbers, draw_numbers
from ragtally_synthetic.outcomes import Outcome
from ragtally_synthetic.wording import FINDINGS_IN_WORDS, NEUTRAL, QUALIFICATIONS, TREATMENTS

_QUALIFIED_SHARE = 0.4
_NEUTRAL_SHARE = 0.4
_APART_SHARE = 0.25


class Recipe(NamedTuple):
    """How a result is told so that it comes to an answer."""

    finding: Finding  # What the first sentence says
    qualification: str  # Which qualification follows; empty for none


PLAIN = {
    "yes": (Recipe(Finding.BENEFIT, ""),),
    "no": (Recipe(Finding.NULL, ""),) * 5 + (Recipe(Finding.HARM, ""),),
    "maybe": (Recipe(Finding.UNCERTAIN, ""),),
}
# Three in five second sentences read alike for every answer, so that the first is needed; the others overrule it.
WITH_QUALIFICATION = {
    "yes": (Recipe(Finding.BENEFIT, "the same"),) * 3 + (Recipe(Finding.NULL, "appears"),) * 2,
    "no": (Recipe(Finding.NULL, "the same"),) * 3 + (Recipe(Finding.BENEFIT, "vanishes"),) * 2,
    "maybe": (Recipe(Finding.UNCERTAIN, "the same"),) * 3
    + (Recipe(Finding.BENEFIT, "is doubtful"), Recipe(Finding.NULL, "is possible")),
}


class Result(NamedTuple):
    """What a study says about one outcome."""

    sentences: tuple[str, ...]  # One or two sentences; the answer follows from all of them together, in this order
    apart: bool  # Whether another sentence may stand between the two


def draw_result(answer: str, outcome: Outcome, drug: str, comparator: str, condition: str, draws: Draws) -> Result:
    """Tell one result."""
    # Whether it is qualified, stated in words or left to the numbers is drawn without a look at the answer.
    has_qualification = draws.chance(_QUALIFIED_SHARE)
    recipe = draws.pick((WITH_QUALIFICATION if has_qualification else PLAIN)[answer])
    numbers = draw_numbers(recipe.finding, outcome, draws)
    words = {
        "treated": drug if draws.chance(0.65) else draws.pick(TREATMENTS),
        "control": comparator,
        "outcome": draws.pick(outcome.names),
        "a": numbers.treatment_value,
        "b": numbers.control,
        "where": f" in {condition}" if draws.chance(0.25) else "",
        "direction": "higher" if numbers.rises else "lower",
        "change": "increased" if numbers.rises else "reduced",
        "noun": "increase" if numbers.rises else "reduction",
        "moved": "rose" if numbers.rises else "fell",
    }
    neutral = draws.chance(_NEUTRAL_SHARE)
    template = draws.pick(NEUTRAL if neutral else FINDINGS_IN_WORDS[recipe.finding])
    first = _sentence(template.format(stats=_statistics(numbers, neutral, draws), **words))
    if not has_qualification:
        return Result((first,), False)
    apart = draws.chance(_APART_SHARE)
    with_name, without_name = QUALIFICATIONS[recipe.qualification]
    words["outcome"] = draws.pick(outcome.names)
    second = _sentence(draws.pick(with_name if apart or draws.chance(0.5) else without_name).format(**words))
    return Result((first, second), apart)


def _statistics(numbers: Numbers, always: bool, draws: Draws) -> str:
    style = draws.uniform()
    if not always and style < 0.3:
        return ""
    if style < 0.5:
        return f" ({numbers.p_value})"
    if style < 0.7:
        return f" ({numbers.effect}, {numbers.interval})"
    return f" ({numbers.effect}; {numbers.interval}; {numbers.p_value})"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
