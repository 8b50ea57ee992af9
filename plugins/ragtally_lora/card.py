"""The model card of an adapter: what it is, what it was trained on, and how it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragtally_lora.source import BaseSource

_SAID = (
    "train", "rank", "alpha", "dropout", "targets", "layers", "epochs", "rate", "schedule", "warmup", "batch",
    "accumulation", "dev", "patience", "quantise", "precision", "language", "instructions", "words",
)  # fmt: skip


def model_card(source: BaseSource, parameters: Mapping[str, Any], examples: int) -> str:
    """Write the card; it names no path of this machine."""
    said = {name: parameters[name] for name in _SAID if parameters.get(name) is not None}
    lines = [f"- {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in said.items()]
    template = parameters.get("template")
    prompt = "ragtally's chat prompt (`prompt: label_only`, or open answers)"
    prompt = prompt if template is None else f"the template {Path(template).name}"
    revision = f" at {source.revision}" if source.revision else ""
    return f"""---
base_model: {json.dumps(source.title)}
library_name: peft
pipeline_tag: text-generation
tags: [lora]
---

# Adapters for {source.title}

LoRA adapters in the form of PEFT, trained by ragtally's reader `lora` on {examples:,} questions with their gold
contexts. Only the answers' tokens counted in the loss.

- base: {source.title}{revision} (its licence holds for what is made of it)
{chr(10).join(lines)}

They answer prompts of the form that they were trained on: {prompt},
in the base's own chat template. Of other questions than those of its dataset nothing is known; the study's
report says how well it answers those, and with which interval.
"""
