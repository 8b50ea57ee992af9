"""What those who serve models need of an adapter."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtally import DataError, file_hash
from ragtally_lora.footprint import family_name, shape_of
from ragtally_lora.source import WEIGHTS, BaseSource, require_packages

_FILES = (WEIGHTS, "adapter_config.json", "README.md")
_GGUF = "adapter.gguf"
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
    _write_gguf(source, model, folder)
    lines = [f"FROM {source.path().resolve()}", f"ADAPTER ./{_GGUF}", "PARAMETER temperature 0"]
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
    _write_gguf(source, model, folder)
    path = source.path().resolve()
    served = str(path) if source.is_gguf else f"{folder.name}/base.gguf"
    convert = [] if source.is_gguf else [f"python convert_hf_to_gguf.py {path} --outfile {served}"]
    return [
        *convert,
        f"llama-server -m {served} --lora {folder.name}/{_GGUF} --jinja",
        f"in a spec: models: {{served: {{litellm: {{model: openai/{name}, temperature: 0,"
        " api_base: http://localhost:8080/v1}}}",
        f"or in ragtally's own process: models: {{served: {{llama_cpp: {{model: {served},"
        f" adapter: {folder.name}/{_GGUF}, temperature: 0}}}}}}",
    ]


def _write_gguf(source: BaseSource, model: Path, folder: Path) -> None:
    """Write the adapter as llama.cpp reads it, and so does Ollama."""
    # Ollama reads PEFT's files too, but of the queries' and keys' two matrices it reorders the wrong one
    # (convert_llama_adapter.go, August 2026), so that the adapter is another one.
    require_packages(None, gguf=True)
    from ragtally_lora.gguf_adapter import FAMILIES, write_gguf_adapter

    name = family_name(source)
    family = FAMILIES.get(name)
    if family is None:
        raise DataError(
            f"an adapter is written as GGUF for {', '.join(FAMILIES)} models, and {source.title} is {name}",
            hint=_MERGED,
        )
    write_gguf_adapter(model, shape_of(source), family, folder / _GGUF)
    shutil.copyfile(model / "README.md", folder / "README.md")


_WRITERS: Mapping[str, Callable[[BaseSource, Mapping[str, Any], Path, Path, str], Sequence[str]]] = {
    "transformers": _transformers,
    "ollama": _ollama,
    "vllm": _vllm,
    "llama.cpp": _llama_cpp,
}
