"""The parameters of the model `llama_cpp`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally.support.schemas import outside_identity

INSTALL = 'pip install "ragtally[local]"'
# Those that go to llama.cpp as they are; the defaults are llama.cpp's own, stated here so that an upgrade keeps them.
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "max_tokens", "frequency_penalty", "presence_penalty")


PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "type": "string",
        "minLength": 1,
        "description": "smollm2 (SmolLM2-135M-Instruct, which the extra ragtally[local] brings along), or the path "
        "of a GGUF file with a chat template, relative to the folder that the command runs in.",
        "x-ragtally-identity": "fingerprint",
    },
    "adapter": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "A GGUF file of low-rank adapters for the model, such as `ragtally export model` writes.",
        "x-ragtally-identity": "fingerprint",
    },
    "temperature": {
        "type": "number",
        "minimum": 0,
        "maximum": 2,
        "default": 0.8,
        "description": "How varied the answers are; 0 makes every vote the same.",
    },
    "top_p": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.95,
        "description": "Draw from the likeliest words that make up this share.",
    },
    "top_k": {
        "type": "integer",
        "minimum": 0,
        "default": 40,
        "description": "Draw from so many of the likeliest words; 0 for all.",
    },
    "min_p": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.05,
        "description": "Never draw words less likely than this share of the likeliest one's probability.",
    },
    "max_tokens": {
        "type": "integer",
        "minimum": 1,
        "default": 512,
        "description": "The most tokens of an answer, reasoning included; too few leave nothing to read.",
    },
    "frequency_penalty": {
        "type": "number",
        "minimum": -2,
        "maximum": 2,
        "default": 0,
        "description": "How much repeating a word is punished, the more the more often.",
    },
    "presence_penalty": {
        "type": "number",
        "minimum": -2,
        "maximum": 2,
        "default": 0,
        "description": "How much using a word again is punished.",
    },
    "stop": {
        "type": ["string", "array", "null"],
        "items": {"type": "string", "minLength": 1},
        "default": None,
        "description": "Text, or texts, before which the answer ends.",
    },
    "num_ctx": outside_identity(
        {
            "type": ["integer", "null"],
            "minimum": 1,
            "default": None,
            "description": "The context length in tokens, prompt and answer together; if omitted, what the study's "
            "prompts and `max_tokens` need, as far as the model has it.",
        }
    ),
    "threads": outside_identity(
        {
            "type": ["integer", "null"],
            "minimum": 1,
            "default": None,
            "description": "CPU threads; half of the cores if omitted. They wait for each other: more of them than "
            "there are idle cores are slower.",
        }
    ),
    "gpu_layers": outside_identity(
        {
            "type": "integer",
            "minimum": -1,
            "default": 0,
            "description": "How many of the model's layers a GPU computes, where llama-cpp-python was built for it; "
            "-1 for all.",
        }
    ),
    "timeout": outside_identity(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 600.0,
            "description": "Seconds within which a prompt is to be answered.",
        }
    ),
    "usd_per_hour": outside_identity(
        {"type": "number", "minimum": 0, "default": 0, "description": "US dollars per hour of your own machine."}
    ),
}
