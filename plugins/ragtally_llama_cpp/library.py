"""llama-cpp-python, imported without a word on the terminal, and its errors in words."""

from __future__ import annotations

import ctypes
import importlib
from collections import deque
from pathlib import Path
from typing import Any

from ragtally import DataError, PluginError
from ragtally_llama_cpp.parameters import INSTALL

try:
    llama_cpp: Any = importlib.import_module("llama_cpp")
    grammars: Any = importlib.import_module("llama_cpp.llama_grammar")
    chat_formats: Any = importlib.import_module("llama_cpp.llama_chat_format")
except (ImportError, OSError, RuntimeError) as error:
    # What it raises where its shared library does not fit the machine is a RuntimeError.
    reason = "it is not installed" if isinstance(error, ModuleNotFoundError) else str(error)
    raise PluginError(f"llama-cpp-python cannot be imported: {reason}", hint=INSTALL) from error

_ERROR = 4  # GGML_LOG_LEVEL_ERROR
_messages: deque[str] = deque(maxlen=4)


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    # The library's own callback takes llama.cpp's warnings for errors, and prints them whatever `verbose` says.
    if level == _ERROR:
        _messages.append(text.decode(errors="replace").strip())


llama_cpp.llama_log_set(_log, ctypes.c_void_p(0))


def load(path: Path, adapter: Path | None = None, **settings: Any) -> Any:
    """Load a model's file, with an adapter of it."""
    _messages.clear()
    try:
        model = llama_cpp.Llama(
            str(path), lora_path=None if adapter is None else str(adapter), verbose=False, **settings
        )
    except (ValueError, RuntimeError, MemoryError) as error:
        why = "; ".join(dict.fromkeys(_messages)) or str(error)
        context = settings.get("n_ctx")
        if "context" in str(error) and context:
            message = f"{path.name} cannot be given a context of {context:,} tokens: {why}"
            raise DataError(
                message, hint="num_ctx: less, or a smaller model: there may be too little memory"
            ) from error
        hint = "is it a GGUF file, whole, and of a kind that this llama-cpp-python knows?"
        raise DataError(f"{path} cannot be loaded: {why}", hint=hint) from error
    # Of an adapter that was not read the library holds a null pointer, which ends the process with the first prompt.
    if adapter is not None and not model._lora_adapter:
        model.close()
        why = "; ".join(dict.fromkeys(_messages))
        message = f"{adapter.name} is no adapter of {path.name}: {why}"
        raise DataError(message, hint="ragtally export model SPEC READER --for llama.cpp FOLDER")
    return model
