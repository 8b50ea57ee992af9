"""What those who serve models need of an adapter, and which families of models they take adapters for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtally import DataError, file_hash
from ragtally_lora.source import BaseSource, require_packages

WEIGHTS = "adapter_model.safetensors"
_FILES = (WEIGHTS, "adapter_config.json", "README.md")
# Ollama reads adapters in safetensors for these alone.
_OLLAMA_FAMILIES = ("llama", "mistral", "gemma", "gemma2")
_MERGED = "--for transformers writes base and adapter as one model, which it takes"
_PARITY = (
    "Whether it answers as the tuned one does: a reader `chat` that asks it, in the same grid; see docs/tuning.md"
)


def hand_over(parameters: Mapping[str, Any], model: Path, server: str, folder: Path) -> Sequence[str]:
    """Write what a server needs into a folder; say what to do with it."""
    source = BaseSource(parameters["base"], parameters["revision"])
    name = f"{Path(source.title).stem.lower()}-{file_hash(model / WEIGHTS)[:6]}"
    lines = _WRITERS[server](source, parameters, model, folder, name)
    return [*lines, _PARITY]


def _copy(model: Path, folder: Path) -> None:
    for file in _FILES:
        shutil.copyfile(model / file, folder / file)


def _transformers(
    source: BaseSource, parameters: Mapping[str, Any], model: Path, folder: Path, name: str
) -> Sequence[str]:
    """Base and adapter as one model, at full precision."""
    require_packages(None)
    from ragtally_lora.merge import write_merged

    write_merged(source, model, folder)
    shutil.copyfile(model / "README.md", folder / "README.md")
    return [
        f'AutoModelForCausalLM.from_pretrained("{folder.name}"), with AutoTokenizer likewise',
        "any server takes this folder as a model of its own: ollama create (FROM .), vllm serve,"
        " llama.cpp's convert_hf_to_gguf.py",
    ]


def _ollama(source: BaseSource, parameters: Mapping[str, Any], model: Path, folder: Path, name: str) -> Sequence[str]:
    family = _family(source)
    if family not in _OLLAMA_FAMILIES:
        raise DataError(
            f"Ollama takes adapters for {', '.join(_OLLAMA_FAMILIES)} models, and {source.title} is {family}",
            hint=_MERGED,
        )
    _copy(model, folder)
    # In a folder that ADAPTER names it looks for weights by this name, and not by PEFT's.
    (folder / WEIGHTS).rename(folder / "model.safetensors")
    lines = [f"FROM {source.path().resolve()}", "ADAPTER .", "PARAMETER temperature 0"]
    (folder / "Modelfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        f"cd {folder.name} && ollama create {name} -f Modelfile",
        f"in a spec: models: {{served: {{litellm: {{model: ollama_chat/{name}, temperature: 0}}}}}}",
    ]


def _vllm(source: BaseSource, parameters: Mapping[str, Any], model: Path, folder: Path, name: str) -> Sequence[str]:
    if source.is_gguf:
        raise DataError(
            f"vLLM takes adapters for models in safetensors, and {source.title} is a GGUF file", hint=_MERGED
        )
    _copy(model, folder)
    base = source.name if source.title == source.name else str(source.path().resolve())
    return [
        f"vllm serve {base} --enable-lora --max-lora-rank {parameters['rank']} --lora-modules {name}={folder.name}",
        f"in a spec: models: {{served: {{litellm: {{model: hosted_vllm/{name}, temperature: 0,"
        " api_base: http://localhost:8000/v1}}}",
    ]


def _llama_cpp(
    source: BaseSource, parameters: Mapping[str, Any], model: Path, folder: Path, name: str
) -> Sequence[str]:
    if outside := [name for name in _tensors(model) if "lm_head" in name or "embed_tokens" in name]:
        raise DataError(
            f"llama.cpp converts no adapter of {outside[0]}", hint="targets: all-linear, which leaves it out"
        )
    _copy(model, folder)
    base = str(source.path().resolve())
    if source.is_gguf:
        require_packages(None)
        from ragtally_lora.merge import write_config

        write_config(source, folder / "base")
        base = "base"
    served = source.path().resolve() if source.is_gguf else "base.gguf"
    convert = [] if source.is_gguf else [f"python convert_hf_to_gguf.py {base} --outfile base.gguf"]
    return [
        f"cd {folder.name}; the scripts are llama.cpp's own",
        *convert,
        f"python convert_lora_to_gguf.py --base {base} --outfile adapter.gguf .",
        f"llama-server -m {served} --lora adapter.gguf --jinja",
        f"in a spec: models: {{served: {{litellm: {{model: openai/{name}, temperature: 0,"
        " api_base: http://localhost:8080/v1}}}",
    ]


_WRITERS: Mapping[str, Callable[[BaseSource, Mapping[str, Any], Path, Path, str], Sequence[str]]] = {
    "transformers": _transformers,
    "ollama": _ollama,
    "vllm": _vllm,
    "llama.cpp": _llama_cpp,
}


def _family(source: BaseSource) -> str:
    if source.is_gguf:
        return _gguf_family(source.path())
    config = json.loads((source.path() / "config.json").read_text(encoding="utf-8"))
    return str(config.get("model_type", "unknown"))


def _gguf_family(path: Path) -> str:
    """The field general.architecture, which every GGUF file has among its first."""
    key = b"general.architecture"
    with path.open("rb") as file:
        head = file.read(1 << 16)
    start = head.find(key) + len(key)
    if not head.startswith(b"GGUF") or start < len(key):
        raise DataError(f"{path.name} does not say of which family its model is", hint="is it a whole GGUF file?")
    # A type of 4 bytes, a length of 8, then the text.
    length = int.from_bytes(head[start + 4 : start + 12], "little")
    return head[start + 12 : start + 12 + length].decode(errors="replace")


def _tensors(model: Path) -> list[str]:
    with (model / WEIGHTS).open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        return [name for name in json.loads(file.read(size)) if name != "__metadata__"]
