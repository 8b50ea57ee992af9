"""The graders that compare texts (`exact`, `contains`, `token_f1`, `numeric`), and `judges`, which ask models.

    grading:
      numeric: {tolerance: 0.01}
      exact: {}
      token_f1: {at_least: 0.7}
      judges: {from: [small, other], votes: 3, rule: majority, grounded: true}

The first four compare normalised words (`ragtally.support.answer_text`) in the dataset's language, with the nearest
of several references. `numeric` alone says wrong for certain; the others leave what they find unlike to the graders
after them. `judges` are language models, each with ballots of its own, that decide what nobody before them did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import PANEL_PARAMETERS, STRUCTURED_PARAMETER, Component, GraderTraits, hookimpl

if TYPE_CHECKING:
    from ragtally import Criterion, Grader, PromptingGrader

_CONTAINS: Mapping[str, Mapping[str, Any]] = {
    "most_words": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": 60,
        "description": "With more words an answer is not taken for one that holds the reference: who repeats "
        "everything has not answered. null for no limit.",
    },
}
_TOKEN_F1: Mapping[str, Mapping[str, Any]] = {
    "at_least": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 0.7,
        "description": "From which F1 of the words on an answer is right.",
    },
}
_NUMERIC: Mapping[str, Mapping[str, Any]] = {
    "tolerance": {
        "type": "number",
        "minimum": 0,
        "default": 0,
        "description": "How far the number may be off, as a share of the reference's: 0.01 for one percent.",
    },
    "units": {
        "type": "object",
        "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
        "default": {},
        "description": "Units that stand for each other, with what one of each comes to: {m: 1, km: 1000}. Without a "
        "unit of these a number is taken as it is.",
    },
}
_JUDGES: Mapping[str, Mapping[str, Any]] = {
    **PANEL_PARAMETERS,
    "rule": {**PANEL_PARAMETERS["rule"], "default": "majority"},
    "grounded": {
        "type": "boolean",
        "default": False,
        "description": "Whether the judges are also asked, of every answer, whether the passages before its reader "
        "support it: the metric grounded.",
        "x-ragtally-engine": True,
    },
    "pools_votes": {
        "type": "boolean",
        "default": False,
        "description": "Whether the judges are also asked which answers of several votes say the same, so that these "
        "count as one answer; else those do whose normalised words are equal.",
        "x-ragtally-engine": True,
    },
    "structured": STRUCTURED_PARAMETER,
}


def _exact() -> Grader:
    from ragtally_graders.texts import Exact

    return Exact()


def _contains(most_words: int | None) -> Grader:
    from ragtally_graders.texts import Contains

    return Contains(most_words)


def _token_f1(at_least: float) -> Grader:
    from ragtally_graders.texts import TokenF1

    return TokenF1(at_least)


def _numeric(tolerance: float, units: Mapping[str, float]) -> Grader:
    from ragtally_graders.numbers import Numeric

    return Numeric(tolerance, units)


def _judges(structured: bool) -> PromptingGrader:
    from ragtally_graders.judges import Judges

    return Judges(structured)


def _judges_traits(parameters: Mapping[str, Any]) -> GraderTraits:
    criteria: list[Criterion] = ["right"]
    if parameters["grounded"]:
        criteria.append("supported")
    if parameters["pools_votes"]:
        criteria.append("same")
    return GraderTraits(tuple(criteria))


@hookimpl
def register_graders() -> list[Component]:
    """Offer `exact`, `contains`, `token_f1`, `numeric` and `judges`."""
    return [
        Component(
            name="exact",
            build=_exact,
            summary="Right where the answer is a reference, both normalised; else the next grader is asked.",
        ),
        Component(
            name="contains",
            build=_contains,
            summary="Right where the words of a reference stand in the answer, in order and without a gap.",
            params=_CONTAINS,
        ),
        Component(
            name="token_f1",
            build=_token_f1,
            summary="Right where enough words of the answer and a reference are the same.",
            params=_TOKEN_F1,
        ),
        Component(
            name="numeric",
            build=_numeric,
            summary="Right or wrong by the one number of the answer, where a reference holds one number.",
            params=_NUMERIC,
        ),
        Component(
            name="judges",
            build=_judges,
            summary="Right or wrong by the ballots of language models that see question, references and answer.",
            params=_JUDGES,
            traits=_judges_traits,
        ),
    ]
