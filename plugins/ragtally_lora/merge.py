"""A base and its adapter as one model, for whoever serves no adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from ragtally_lora.source import BaseSource


def write_merged(source: BaseSource, adapter: Path, folder: Path) -> None:
    """Write the merged model with its tokenizer."""
    where, file = _location(source)
    model = AutoModelForCausalLM.from_pretrained(
        where, local_files_only=True, trust_remote_code=False, dtype=torch.float32, **file
    )
    merged: Any = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    merged.save_pretrained(folder)
    AutoTokenizer.from_pretrained(where, local_files_only=True, trust_remote_code=False, **file).save_pretrained(
        folder
    )


def _location(source: BaseSource) -> tuple[Path, dict[str, str]]:
    path = source.path()
    return (path.parent, {"gguf_file": path.name}) if source.is_gguf else (path, {})
