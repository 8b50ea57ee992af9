"""The published JSON Schema of a spec, assembled from the engine's keys and every installed component."""

from __future__ import annotations

from typing import Any

from ragtally.api import KINDS, TRAIN_PARAMETER
from ragtally.registry import Registry
from ragtally.spec.component_schema import Schema, axis, component_position, definitions, mapping, reference
from ragtally.spec.defaults import ANSWER_METRICS, DECIDING_METRIC, MAJORITY, OPEN_ANSWER_METRICS, RETRIEVAL_METRICS
from ragtally.spec.examples import examples_schema
from ragtally.spec.study import LONG_CONTROLS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONTROLS = ("closed_book", "gold_context", "wrong_context", *LONG_CONTROLS)
# The kinds of components that axes pick from which are not named after their kind.
AXIS_KINDS = {"parser": "converter"}
SPEC_KINDS = {name: kind for name, kind in KINDS.items() if kind.in_spec}
MAX_SEED = 2**32 - 1

# In Python `$` alone would let a line break pass at the end.
_END = "(?!\n)$"
_STUDY_NAME = "^[a-z0-9][a-z0-9-]*" + _END
_READER_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + _END
_READER_NAMES: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "uniqueItems": True,
}


def published_schema(registry: Registry) -> dict[str, Any]:
    """Assemble the JSON Schema (draft 2020-12) of a spec."""
    plain = definitions(registry, tuple(SPEC_KINDS), grid=False)
    components = [entry.component for entry in registry.all() if entry.kind == "grader"]
    graders = {each.name: {**reference(f"grader.{each.name}"), "description": each.summary} for each in components}
    in_grid = definitions(registry, ("converter", "chunker", "embedder", "retriever", "rule"), grid=True)
    return {
        "$schema": DIALECT,
        "title": "ragtally spec",
        "description": "One study: a dataset, readers, how a base is chosen, and the grid that is swept.",
        "type": "object",
        "properties": _keys(graders),
        "required": ["study", "dataset"],
        "additionalProperties": False,
        "$defs": plain | in_grid,
    }


def _keys(graders: dict[str, Schema]) -> dict[str, Schema]:
    return {
        "study": {
            "type": "string",
            "pattern": _STUDY_NAME,
            "maxLength": 64,
            "x-ragtally-hint": "a study's name is of lower-case letters, digits and hyphens, as in pubmedqa-chunks",
            "description": "The study's name; its results lie in data/results/<study>/.",
        },
        "seed": {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_SEED,
            "default": 0,
            "description": "The seed from which every other is derived.",
        },
        "dataset": {
            **component_position("dataset"),
            "description": "Which questions of which dataset. Every dataset also takes split and answers.",
        },
        "sample": _sample(),
        "models": {
            "type": "object",
            "patternProperties": {_READER_NAME: component_position("model")},
            "additionalProperties": False,
            "default": {},
            "x-ragtally-hint": "a model's name is of letters, digits, dots, hyphens and underscores",
            "description": "The language models, each under a name of your choice by which readers call it.",
        },
        "readers": {
            "type": "object",
            "patternProperties": {_READER_NAME: component_position("reader")},
            "additionalProperties": False,
            "default": {},
            "x-ragtally-hint": "a reader's name is of letters, digits, dots, hyphens and underscores",
            "description": "The readers, each under a name of your choice by which the other keys call it.",
        },
        "label": _label(),
        "base": _base(),
        "grid": _grid(),
        **_measurement(graders),
        "examples": examples_schema(),
        **comparison_keys(),
        **spending_keys(),
    }


def _measurement(graders: dict[str, Schema]) -> dict[str, Schema]:
    return {
        "grid_on": {
            "enum": ["base", "all"],
            "description": "Whether the grid's readers are asked the questions of the base, or all of them. "
            "Left out: base where there is a base, otherwise all.",
        },
        "controls": {
            "type": "array",
            "items": {"enum": list(CONTROLS)},
            "uniqueItems": True,
            "default": [],
            "description": "Conditions under which every reader of the grid is measured as well: without any context "
            "(closed_book), with the question's own (gold_context), with another question's (wrong_context), with "
            "the whole of the gold documents (whole_document: their files, where parts of files are documents), with "
            "all documents of the corpus, in its order (whole_corpus).",
        },
        "on_overlong": {
            "enum": ["error", "skip"],
            "default": "error",
            "description": "What becomes of whole_document and whole_corpus where the longest prompt and its answer "
            "are longer than the model's context: an error before anything is asked, or its cells are not scored, "
            "with the reason. Nothing is ever cut.",
        },
        "grading": {
            "type": "object",
            "properties": graders,
            "required": [],
            "minProperties": 1,
            "additionalProperties": False,
            "description": "How open answers are graded: the graders in order, of which the first that says right or "
            "wrong decides. To abstain is right exactly where a question has no reference. Left out: exact.",
        },
        "metrics": {
            "type": "array",
            "items": component_position("metric"),
            "minItems": 1,
            "description": "What is computed for each cell. A metric over a ranking carries its cut-off in its name, "
            "as in recall@5. The first metric of answers that is one number decides which cell is chosen. "
            f"Left out: {', '.join(ANSWER_METRICS)} where readers answer, "
            f"{', '.join(OPEN_ANSWER_METRICS)} where open answers are given, and "
            f"{', '.join(RETRIEVAL_METRICS)} where there is a retriever.",
        },
    }


def _sample() -> Schema:
    return mapping(
        "How many of the questions are asked; the corpus stays whole.",
        {
            "size": {
                "type": ["integer", "null"],
                "minimum": 1,
                "default": None,
                "description": "At most so many questions; all where it is left out.",
            },
            "balance": {
                "type": "boolean",
                "default": False,
                "description": "Whether to take equally many questions of each answer.",
            },
        },
    )


def _label() -> Schema:
    return mapping(
        "Voters read each question with its gold context and cast ballots. A voter is a reader that reads what is "
        "put before it, or recorded answers that were made with the gold context.",
        {
            "voters": {**_READER_NAMES, "minItems": 1, "description": "Names of readers."},
            "votes": {
                "type": "integer",
                "minimum": 1,
                "default": 1,
                "description": "Ballots of each voter on each question; 1 for a reader that always answers the same.",
            },
        },
        required_keys=["voters"],
    )


def _base() -> Schema:
    return mapping(
        "Only questions that the voters can answer from their gold context stay. Left out: all questions stay.",
        {
            "from": {**_READER_NAMES, "minItems": 1, "description": "The voters whose ballots are pooled."},
            "rule": {
                **component_position("rule"),
                "description": "The vote rule that turns a question's ballots into a verdict.",
            },
            "agree_with_gold": {
                "type": "boolean",
                "default": True,
                "description": "Whether the verdict must be the gold label for a question to stay.",
            },
            "exclude_closed_book_right": {
                **_READER_NAMES,
                "default": [],
                "description": "Names of readers; a question that one of them answers right without any context "
                "is dropped.",
            },
        },
        required_keys=["from", "rule"],
    )


def _grid() -> Schema:
    axes: dict[str, Schema] = {
        "parser": {
            **component_position(AXIS_KINDS["parser"], grid=True),
            "description": "What reads the dataset's files: converters, of which each comes before all others for "
            "the files of its kinds. The evidence is found again in what each makes of them; what one lost is "
            "counted as lost by the parser. Left out, the dataset reads its files as it says itself.",
        },
        "chunker": {
            **component_position("chunker", grid=True),
            "description": "How documents are cut. Needed where there is a retriever.",
        },
        "retriever": {
            **component_position("retriever", grid=True),
            "description": "How chunks are found. Without readers the grid measures retrieval alone.",
        },
        "top_k": {
            "type": "integer",
            "minimum": 1,
            "description": "How many chunks are put before the reader. This or context_words is needed where a "
            "reader reads retrieved chunks.",
        },
        "context_words": {
            "type": "integer",
            "minimum": 1,
            "description": "How many words are put before the reader: the ranked chunks one after the other, the "
            "last one cut where the words are used up. Fair between chunk sizes, as top_k is not. Beside top_k both "
            "are measured.",
        },
        "reader": {
            "type": "string",
            "description": "Names of readers. One whose answers were made under a condition of its own (recorded "
            "answers, the majority class) is one cell per vote setting, whatever the other axes.",
        },
        "votes": {
            "type": "integer",
            "minimum": 1,
            "default": 1,
            "description": "How many votes of the reader are pooled.",
        },
        "rule": {
            **component_position("rule", grid=True),
            "default": MAJORITY,
            "description": "The vote rule that turns the votes into a verdict.",
        },
    }
    return mapping(
        "Each key is an axis; a cell is one pick from each. A list is an axis wherever a single value is wanted, "
        "also inside a component's parameters; where a list is itself a value, {axis: [...]} makes an axis of such "
        "values.",
        {key: axis(schema) for key, schema in axes.items()},
    )


# What of a schema says which mappings are allowed.
_OF_MAPPINGS = ("type", "properties", "additionalProperties")


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
                        "default": DECIDING_METRIC,
                        "description": "A metric of the study, by its printed name, as in accuracy or recall@5.",
                    },
                    "baseline": {
                        "type": "object",
                        "minProperties": 1,
                        "properties": {
                            **{axis: _pick(axis) for axis in ("parser", "chunker", "retriever", "rule")},
                            "reader": {"type": "string", "description": "A reader of the grid."},
                            "train": {
                                **{key: value for key, value in TRAIN_PARAMETER.items() if key in _OF_MAPPINGS},
                                "minProperties": 1,
                                "description": "What is learnt from: every reader is compared with the one that "
                                "is the same but for its training, as in {from: gold}.",
                            },
                            **{axis: _number(axis) for axis in ("top_k", "context_words", "votes")},
                        },
                        "additionalProperties": False,
                        "description": "By axis, what the others are compared with, as in {retriever: bm25}.",
                    },
                },
                required_keys=["baseline"],
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
            "description": "The largest share of a step's calls that may fail permanently; their questions then "
            "count as `call failed`, and are tried again by the next run. With more, the run ends with an error.",
        },
    }
