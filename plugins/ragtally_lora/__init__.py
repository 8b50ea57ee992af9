"""The reader `lora`: a language model that is tuned by low-rank adapters to answer as the examples do.

    readers:
      tuned:  {lora: {base: HuggingFaceTB/SmolLM2-135M-Instruct}}
      local:  {lora: {base: ./models/SmolLM2-135M-Instruct.Q4_1.gguf, rank: 16, rate: 1e-4, epochs: 5}}
      qlora:  {lora: {base: Qwen/Qwen3-8B, quantise: 4bit, batch: 2, accumulation: 8}}

It sees the very prompts of the reader `chat` (`prompt: label_only`, or open answers), and only the answer's tokens
count in its loss. Needs the extra `ragtally[lora]`; nothing of that is imported before a reader is built. Hu et al.
(2022), "LoRA"; Dettmers et al. (2023), "QLoRA".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import (
    Component,
    Finding,
    Needs,
    ParameterFault,
    Progress,
    ReaderTraits,
    hookimpl,
    raise_all,
)
from ragtally_lora.footprint import footprint
from ragtally_lora.hand_over import hand_over
from ragtally_lora.parameters import PARAMETERS
from ragtally_lora.source import BaseSource, package_findings, require_packages
from ragtally_prompts import own_prompt, template_fingerprint, word_errors

if TYPE_CHECKING:
    from ragtally import ResumableReader

# A language model takes a minute for them without a graphics card.
_QUESTIONS = 200


@hookimpl
def register_readers() -> list[Component]:
    return [
        Component(
            name="lora",
            build=_build,
            summary="A language model tuned by low-rank adapters, run here; one training a vote.",
            params=PARAMETERS,
            traits=_traits,
            fingerprint=_fingerprint,
            check=_check,
            diagnose=_diagnose,
            provide=_provide,
            footprint=lambda parameters: footprint(_source(parameters), parameters),
            needs=lambda own: Needs(gpus=float(own["device"] != "cpu")),
            hand_over=hand_over,
            packages=("peft", "torch", "transformers"),
        )
    ]


def _source(parameters: Mapping[str, Any]) -> BaseSource:
    return BaseSource(parameters["base"], parameters["revision"])


def _build(**parameters: Any) -> ResumableReader:
    require_packages(parameters["quantise"])
    from ragtally_lora.reader import LoraReader

    return LoraReader(_source(parameters), parameters)


def _traits(parameters: Mapping[str, Any]) -> ReaderTraits:
    words = parameters["words"] or {}
    raise_all(list(word_errors(words)))
    if parameters["template"] is not None:
        own_prompt(parameters["template"], 0)
    return ReaderTraits(
        draws="fresh",
        trains=True,
        questions_at_once=_QUESTIONS,
        words=tuple(words.items()),
        answers="labels" if words or parameters["answer"] == "score" else "both",
    )


def _fingerprint(parameters: Mapping[str, Any]) -> str:
    template = template_fingerprint(parameters)
    return _source(parameters).fingerprint() + (f" {template}" if template else "")


def _check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    faults = _source(parameters).faults()
    if parameters["template"] is not None and parameters["instructions"] is not None:
        message = "`template` and `instructions` are given, but a template alone says what is asked"
        faults.append(ParameterFault("instructions", message, "write them into the template"))
    if parameters["layers"] is not None and isinstance(parameters["targets"], str):
        message = "`layers` needs the names of `targets`"
        faults.append(ParameterFault("layers", message, "targets: [q_proj, k_proj, v_proj, o_proj], for most models"))
    if parameters["quantise"] is not None and _source(parameters).is_gguf:
        message = "a GGUF file is read at full precision, so it cannot be quantised again"
        faults.append(ParameterFault("quantise", message, "leave it out, or name the model on the hub"))
    return faults


def _diagnose(parameters: Mapping[str, Any]) -> list[Finding]:
    packages = package_findings(parameters["quantise"], gguf=_source(parameters).is_gguf)
    if not all(finding.ok for finding in packages):
        return packages
    return [*packages, *_source(parameters).findings()]


def _provide(parameters: Mapping[str, Any], progress: Progress) -> None:
    _source(parameters).provide(progress)
