"""JSON Schema of a spec's keys about comparing and about spending."""

from __future__ import annotations

from ragtally.spec.component_schema import Schema, mapping


def comparison_keys() -> dict[str, Schema]:
    """Write the schemas of what is compared, and on which questions the best is picked."""
    return {
        "compare": {
            "type": "array",
            "default": [],
            "description": "Which differences are tested: each entry is one family, corrected by Holm's method.",
            "items": mapping(
                "One family: every cell against the cell that is equal on all other axes.",
                {
                    "metric": {
                        "type": "string",
                        "default": "accuracy",
                        "description": "A metric of the study, by its printed name, as in accuracy or recall@5.",
                    },
                    "baseline": {
                        "type": "object",
                        "minProperties": 1,
                        "properties": {
                            **{axis: _pick(axis) for axis in ("chunker", "retriever", "rule")},
                            "reader": {"type": "string", "description": "A reader of the grid."},
                            **{axis: _number(axis) for axis in ("top_k", "context_words", "votes")},
                        },
                        "additionalProperties": False,
                        "description": "By axis, what the others are compared with, as in {retriever: bm25}.",
                    },
                },
                required=["baseline"],
            ),
        },
        "select_on": {
            "enum": ["all", "dev"],
            "default": "all",
            "description": "Where the best cell is picked: on all questions, or on a seeded half of them (dev), with "
            "its score on the other half beside it, since the best of many is flattered.",
        },
    }


def _pick(axis: str) -> Schema:
    return {
        "type": ["string", "object"],
        "maxProperties": 1,
        "description": f"A {axis} of the grid, with as many of its parameters as tell it from the others.",
    }


def _number(axis: str) -> Schema:
    return {"type": "integer", "minimum": 1, "description": f"A number of grid.{axis}."}


def spending_keys() -> dict[str, Schema]:
    """Write the schemas of what may be spent, and what may fail."""
    return {
        "budget": mapping(
            "Where to stop; the same command goes on from there, with a larger budget or on another day.",
            {
                "usd": {
                    "type": ["number", "null"],
                    "exclusiveMinimum": 0,
                    "default": None,
                    "description": "US dollars for all calls that the study needs, whenever they were paid. Needs "
                    "models with a known price.",
                },
                "hours": {
                    "type": ["number", "null"],
                    "exclusiveMinimum": 0,
                    "default": None,
                    "description": "Hours of wall time of one run.",
                },
            },
        ),
        "max_failed": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0,
            "description": "The largest share of a step's calls that may fail for good; their questions then count "
            "as `call failed`, and are tried again by the next run. With more, the run ends with an error.",
        },
    }
