"""What a spec may say of the reader `classifier`, and what of it does not fit together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import ParameterFault, did_you_mean

_TAKES = {
    "first_sentences": "the first",
    "last_sentences": "the last",
    "first_paragraphs": "the first",
    "last_paragraphs": "the last",
    "matching_sentences": "those most like the question",
}
# At most one of these says which piece of a text a part reads.
TAKES = tuple(_TAKES)
FEATURES = ("words", "characters", "cues", "vectors")
MODELS = ("logistic", "svm", "naive_bayes", "boosting")

DEFAULT_PARTS: Mapping[str, Any] = {
    "question": {"text": "question", "features": "words", "ngrams": [1, 2]},
    "end": {"last_sentences": 3, "features": "words", "ngrams": [1, 3]},
    "last": {"last_paragraphs": 1, "features": "words", "ngrams": [1, 2]},
}

_PART = {
    "type": "object",
    "properties": {
        "text": {"enum": ["question", "context"], "default": "context", "description": "Which text it is of."},
        **{
            take: {
                "type": "integer",
                "minimum": 1,
                "description": f"Only so many of its {take.partition('_')[2]}: {which}.",
            }
            for take, which in _TAKES.items()
        },
        "features": {
            "enum": list(FEATURES),
            "default": "words",
            "description": "What is read of it: weighted n-grams of words or of characters (TF-IDF), cues (which of "
            "the marks of an English finding its sentences have: significance, negation, direction, doubt), or the "
            "vectors of `embedder`.",
        },
        "ngrams": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 10},
            "minItems": 2,
            "maxItems": 2,
            "description": "The shortest and longest n-gram; [1, 2] of words and [2, 5] of characters if omitted.",
        },
        "weight": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 1,
            "description": "How much it counts beside the others.",
        },
    },
    "additionalProperties": False,
}

_REGULARISATION = {
    "type": "number",
    "exclusiveMinimum": 0,
    "description": "The inverse strength of the regularisation, scikit-learn's C; naive Bayes smooths by 1/C.",
}
_CLASS_WEIGHT = {
    "enum": ["none", "balanced"],
    "description": "balanced: an example counts the more the rarer its class is.",
}
_THRESHOLDS = {
    "enum": ["none", "tuned"],
    "description": "tuned: what is added to each class' log probability before the largest one is taken is chosen on "
    "folds of the training split.",
}
_MODEL = {
    "enum": list(MODELS),
    "description": "Logistic regression, a linear SVM with calibrated probabilities, multinomial naive Bayes (of "
    "words and characters alone), or gradient boosting.",
}
_TREES = {"type": "integer", "minimum": 1, "maximum": 5000, "description": "How many rounds of gradient boosting."}
_DEPTH = {"type": "integer", "minimum": 1, "maximum": 12, "description": "How deep a tree of gradient boosting is."}
_PARTS = {
    "type": "object",
    "additionalProperties": _PART,
    "minProperties": 1,
    "description": "What of question and context the features are of, by a name of one's own.",
}
_PART_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}


def _choices(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(schema), "minItems": 1}


def _whole(default: int, least: int, most: int, description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default, "description": description}


PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "parts": {**_PARTS, "default": DEFAULT_PARTS},
    "embedder": {
        "x-ragtally-kind": "embedder",
        "default": None,
        "description": "What makes the vectors of the parts with `features: vectors`; one that learns does so from "
        "the training split.",
    },
    "model": {**_MODEL, "default": "logistic"},
    "regularisation": {**_REGULARISATION, "default": 10.0},
    "class_weight": {**_CLASS_WEIGHT, "default": "none"},
    "thresholds": {**_THRESHOLDS, "default": "none"},
    "trees": {**_TREES, "default": 100},
    "depth": {**_DEPTH, "default": 2},
    "grid": {
        "type": "object",
        "properties": {
            "parts": {**_choices(_PART_NAMES), "description": "Names of parts to use together, in lists."},
            "model": _choices(_MODEL),
            "regularisation": _choices(_REGULARISATION),
            "class_weight": _choices(_CLASS_WEIGHT),
            "thresholds": _choices(_THRESHOLDS),
            "trees": _choices(_TREES),
            "depth": _choices(_DEPTH),
        },
        "additionalProperties": False,
        "default": {},
        "description": "Values to choose among by cross-validation on the training split, in all combinations.",
    },
    "choose_by": {
        "enum": ["accuracy", "macro_f1", "both"],
        "default": "macro_f1",
        "description": "What `grid` and `thresholds` are chosen by; both is the mean of the two.",
    },
    "folds": _whole(5, 2, 50, "Into how many folds cross-validation cuts the training split."),
    "repeats": _whole(1, 1, 50, "How often it does so, each time cut otherwise."),
    "outer_folds": {
        "type": "integer",
        "minimum": 0,
        "maximum": 50,
        "default": 0,
        "description": "Nested cross-validation: into how many folds the split is cut to say how good a model chosen "
        "in this way is (report, train.json); 0 for not at all. An embedder that learns reads the texts of all "
        "folds, but no labels.",
    },
    "bootstrap": {
        "type": "boolean",
        "default": False,
        "description": "Whether each vote is a model of its own, trained on another bootstrap sample.",
    },
    "seed": {
        "type": "integer",
        "minimum": 0,
        "maximum": 4294967295,
        "description": "The seed of the folds; the study's own where it is left out.",
    },
}


def check_options(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Say what of the options excludes each other or names what is not there."""
    parts: Mapping[str, Any] = parameters["parts"]
    faults = []
    for name, part in parts.items():
        takes = [take for take in TAKES if take in part]
        if len(takes) > 1:
            message = f"a part is one piece of a text, not both {takes[0]} and {takes[1]}"
            faults.append(ParameterFault(f"parts.{name}", message, "make them two parts"))
        features = part.get("features", "words")
        if features in ("cues", "vectors") and "ngrams" in part:
            faults.append(ParameterFault(f"parts.{name}.ngrams", f"{features} have no n-grams", "remove it"))
        if features not in ("cues", "vectors") and part.get("ngrams", [1, 1])[0] > part.get("ngrams", [1, 1])[-1]:
            hint = f"ngrams: {sorted(part['ngrams'])}"
            faults.append(ParameterFault(f"parts.{name}.ngrams", "the shortest n-gram comes first", hint))
        if part.get("text") == "question" and "matching_sentences" in part:
            message = "the question matches itself: matching sentences are of the context"
            faults.append(ParameterFault(f"parts.{name}", message, "text: context"))
    faults += _check_vectors(parameters)
    for number, names in enumerate(parameters["grid"].get("parts", [])):
        for other in [name for name in names if name not in parts]:
            message = f"the grid names the part {other!r}, which is not under `parts`"
            faults.append(ParameterFault(f"grid.parts.{number}", message, did_you_mean(other, list(parts))))
    if parameters["outer_folds"] == 1:
        faults.append(ParameterFault("outer_folds", "one fold leaves nothing to train on", "outer_folds: 5, or 0"))
    return faults


def _check_vectors(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    kinds = {name: part.get("features", "words") for name, part in parameters["parts"].items()}
    with_vectors = [name for name, kind in kinds.items() if kind == "vectors"]
    faults = []
    if with_vectors and parameters["embedder"] is None:
        message = f"the part {with_vectors[0]} is of vectors, and no embedder makes them"
        faults.append(ParameterFault("embedder", message, "embedder: {lsa: {dim: 100}}, or another one"))
    if parameters["embedder"] is not None and not with_vectors:
        message = "no part is of vectors, so there is nothing to embed"
        faults.append(ParameterFault("embedder", message, "give a part features: vectors, or remove the embedder"))
    models = parameters["grid"].get("model", [parameters["model"]])
    with_signs = [name for name, kind in kinds.items() if kind in ("cues", "vectors")]
    if "naive_bayes" in models and with_signs:
        message = (
            f"naive Bayes counts, and the part {with_signs[0]} is of {kinds[with_signs[0]]}, which may be negative"
        )
        faults.append(ParameterFault("model", message, "take another model, or parts of words and characters alone"))
    return faults
