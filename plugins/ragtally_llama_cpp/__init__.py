"""The model `llama_cpp`: a language model from a GGUF file, run in this process by llama.cpp; no server, no key.

    models:
      tiny: {llama_cpp: {model: smollm2}}                       # 135 million parameters, in the extra ragtally[local]
      tuned: {llama_cpp: {model: smollm2, adapter: served/adapter.gguf, temperature: 0}}
      mine: {llama_cpp: {model: models/qwen3-4b-q4.gguf, temperature: 0, max_tokens: 64}}

Needs the extra `ragtally[local]`, which brings llama-cpp-python; it is imported when a model's file is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, Finding, Limits, ModelTraits, Needs, ParameterFault, Price, hookimpl
from ragtally_llama_cpp.model_file import (
    MODEL_PACKAGES,
    context_length,
    digest,
    findings,
    footprint,
    is_path,
    name_of,
    require_context,
)
from ragtally_llama_cpp.parameters import PARAMETERS, SAMPLING

if TYPE_CHECKING:
    from ragtally import ChatModel


def build(**parameters: Any) -> ChatModel:
    """Build the generator; the file is loaded with the first prompt."""
    from ragtally_llama_cpp.generator import LlamaCppChatGenerator
    from ragtally_llama_cpp.inference import Sampling

    stop = parameters["stop"] or ()
    sampling = {name: parameters[name] for name in SAMPLING}
    return LlamaCppChatGenerator(
        parameters["model"],
        parameters["adapter"],
        Sampling(**sampling, stop=(stop,) if isinstance(stop, str) else tuple(stop)),
        num_ctx=parameters["num_ctx"],
        threads=parameters["threads"],
        gpu_layers=parameters["gpu_layers"],
    )


def traits(parameters: Mapping[str, Any]) -> ModelTraits:
    """Describe the model; without the extra its context is unknown."""
    return ModelTraits(
        provider="llama_cpp",
        model=name_of(parameters["model"], parameters["adapter"]),
        deterministic=parameters["temperature"] == 0,
        takes_schema=True,
        # One prompt keeps all cores busy.
        limits=Limits(concurrency=1, timeout=parameters["timeout"], retries=0),
        price=Price(usd_per_hour=parameters["usd_per_hour"]),
        context_tokens=parameters["num_ctx"] or context_length(parameters["model"]),
        context_grows=parameters["num_ctx"] is None,
        context_parameter="num_ctx",
        output_tokens=parameters["max_tokens"],
        in_process=True,
    )


def fingerprint(parameters: Mapping[str, Any]) -> str:
    """Hash the model's file, and its adapter's; refuse a context that it does not have."""
    model, adapter = parameters["model"], parameters["adapter"]
    require_context(model, parameters["num_ctx"])
    return digest(model) if adapter is None else f"{digest(model)} {digest(adapter)}"


def check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Find out whether model and adapter can be such, by their names alone."""
    model, adapter = parameters["model"], parameters["adapter"]
    faults = []
    if model not in MODEL_PACKAGES and not is_path(model):
        message = f"{model!r} is neither the path of a GGUF file nor a model that comes with ragtally[local]"
        hint = f"{' or '.join(MODEL_PACKAGES)}, or a path: models/{model}.gguf"
        faults.append(ParameterFault("model", message, hint))
    if adapter is not None and not is_path(adapter):
        message = f"{adapter!r} is not the path of a GGUF file"
        faults.append(ParameterFault("adapter", message, f"a path: {adapter}/adapter.gguf"))
    return faults


def diagnose(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for the package and the files."""
    return list(findings(parameters["model"], parameters["adapter"], parameters["num_ctx"]))


@hookimpl
def register_models() -> list[Component]:
    """Offer `llama_cpp`."""
    return [
        Component(
            name="llama_cpp",
            build=build,
            summary="A language model from a GGUF file, run here by llama.cpp: no server, no key.",
            params=PARAMETERS,
            fingerprint=fingerprint,
            traits=traits,
            check=check,
            diagnose=diagnose,
            footprint=lambda own: footprint(own["model"], own["num_ctx"], on_gpu=own["gpu_layers"] != 0),
            needs=lambda own: Needs(gpus=float(own["gpu_layers"] != 0)),
            packages=("llama-cpp-python",),
        )
    ]
