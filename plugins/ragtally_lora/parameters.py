"""The parameters of the reader `lora`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import TRAIN_PARAMETER
from ragtally.support.schemas import HUB_REVISION, outside_identity
from ragtally_prompts import PROMPT_PARAMETERS

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "train": TRAIN_PARAMETER,
    "base": {
        "type": "string",
        "minLength": 1,
        "description": "The model that is tuned: its name on the Hugging Face hub, a folder that begins with ./, "
        "../, / or ~, or a GGUF file that transformers can read.",
        "x-ragtally-identity": "fingerprint",
    },
    "revision": HUB_REVISION,
    **PROMPT_PARAMETERS,
    "answer": {
        "enum": ["generate", "score"],
        "default": "generate",
        "description": "How it answers: it writes, and the reply is read as a prompted model's is (generate), or the "
        "declared answer that is the likeliest reply is taken (score).",
    },
    "max_new_tokens": {
        "type": "integer",
        "minimum": 1,
        "default": 32,
        "description": "The most tokens of an answer that is written.",
        "x-ragtally-when": {"answer": ["generate"]},
    },
    "rank": {"type": "integer", "minimum": 1, "default": 8, "description": "The rank of the adapters."},
    "alpha": {
        "type": "integer",
        "minimum": 1,
        "default": 16,
        "description": "How much the adapters count: they are scaled by alpha / rank.",
    },
    "dropout": {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.0,
        "description": "Which share of the adapters' inputs is left out at random while it trains.",
    },
    "targets": {
        "type": ["string", "array"],
        "items": {"type": "string", "minLength": 1},
        "minItems": 1,
        "minLength": 1,
        "default": "all-linear",
        "description": "Which layers get adapters: all-linear, which leaves the output layer out, or names such as "
        "[q_proj, v_proj].",
    },
    "layers": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "How many of the base's last layers get adapters, all if omitted; needs `targets` by name. "
        "Fewer train faster: nothing goes back through the layers below them.",
        "x-ragtally-identity": "if set",
    },
    "epochs": {
        "type": "integer",
        "minimum": 1,
        "default": 3,
        "description": "How often each example is seen at most.",
    },
    "rate": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 2e-4,
        "description": "The highest learning rate.",
    },
    "schedule": {
        "enum": ["cosine", "linear", "constant"],
        "default": "cosine",
        "description": "How the learning rate falls after its rise.",
    },
    "warmup": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.05,
        "description": "Over which share of the steps it rises.",
    },
    "batch": {
        "type": "integer",
        "minimum": 1,
        "default": 4,
        "description": "How many examples are in memory at once.",
    },
    "accumulation": {
        "type": "integer",
        "minimum": 1,
        "default": 4,
        "description": "How many such batches a step of the optimiser learns from.",
    },
    "max_tokens": {
        "type": ["integer", "null"],
        "minimum": 8,
        "default": None,
        "description": "The most tokens of prompt and answer together, the model's window if omitted. Nothing is cut "
        "off: an example that is longer is an error, and a question that is has no answer.",
    },
    "dev": {
        "type": "number",
        "minimum": 0,
        "maximum": 0.5,
        "default": 0.1,
        "description": "Which share of the examples is put aside to tell when to stop; 0 trains for all `epochs`.",
    },
    "patience": {
        "type": "integer",
        "minimum": 1,
        "default": 1,
        "description": "After how many epochs without a lower loss on these it stops; the best one's adapters stay.",
    },
    "quantise": {
        "enum": ["4bit", "8bit", None],
        "default": None,
        "description": "Whether the base is held at 4 or 8 bits, which needs bitsandbytes (QLoRA).",
    },
    "precision": {
        "enum": ["auto", "float32", "bfloat16"],
        "default": "auto",
        "description": "In which numbers the base computes: auto is bfloat16 on a GPU that has it, else float32.",
    },
    "gradient_checkpointing": outside_identity(
        {
            "type": "boolean",
            "default": False,
            "description": "Whether activations are computed twice instead of held: less memory, more time.",
        }
    ),
    "checkpoint_every": outside_identity(
        {
            "type": "integer",
            "minimum": 1,
            "default": 20,
            "description": "After how many steps a checkpoint is written, from which training goes on after a kill.",
        }
    ),
    "read_batch": outside_identity(
        {
            "type": "integer",
            "minimum": 1,
            "default": 8,
            "description": "How many questions are answered at once.",
        }
    ),
    "device": outside_identity(
        {
            "type": ["string", "null"],
            "default": None,
            "description": "The device: cpu, cuda, cuda:1; a GPU where there is one if omitted.",
        }
    ),
    "threads": outside_identity(
        {"type": "integer", "minimum": 1, "default": 2, "description": "How many CPU threads are used."}
    ),
}
