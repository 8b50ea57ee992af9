"""Whose answers these are: a warning where another model than the one asked for has answered."""

from __future__ import annotations

from ragtally.results import Results
from ragtally.support.model_names import is_same_model


def other_models(results: Results) -> list[str]:
    """One sentence for each model of the spec for which another one answered, as the replies say."""
    sentences = []
    for model in results.comparisons.get("models", []):
        served = model.get("served_by", {})
        if any(not is_same_model(model["model"], name) for name in served):
            names = ", ".join(f"{name} ({calls:,})" for name, calls in served.items())
            sentences.append(
                f"WARNING: not {model['model']} alone answered for {model['name']}; by what the replies say: {names}."
            )
    return sentences
