"""tune: the model that a provider has fine-tuned for a reader; the job itself is in the store of jobs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ragtally.api import Choice, PluginError, Prompt, StoreError, TuningReader
from ragtally.registry import Registry
from ragtally.steps.step import Step, Task, TaskFactory, Work
from ragtally.steps.train import load_training_labels, require_labels
from ragtally.support.training_forms import FORMS, TrainingExample, Turn
from ragtally.tables import load_answer_options, load_prompts, write_losses, write_training_report, write_tuned_model

# What the parameter of a model is called that says which training made it (`TUNED_PARAMETER`).
_PARAMETER = "tuned"


def base_identity(factory: TaskFactory, model: Choice) -> dict[str, Any]:
    """What is fine-tuned: the model at its provider, whatever it is asked with afterwards."""
    traits = factory.registry.traits(model)
    identity = factory.identity(model)
    component = {name: identity[name] for name in ("name", "version")}
    return {**component, "provider": traits.provider, "model": traits.model}


def tuned_choice(model: Choice, training: Task) -> Choice:
    """The model that a training makes of another."""
    return Choice(model.kind, model.name, {**model.parameters, _PARAMETER: training.address})


def base_model(model: Choice) -> Choice:
    """What a model was before it was fine-tuned; any other model is itself."""
    if model.parameters.get(_PARAMETER) is None:
        return model
    return Choice(model.kind, model.name, {**model.parameters, _PARAMETER: None})


def training_turns(
    task: Task, prompts: Path, sample: Path, base: Path | None, registry: Registry
) -> list[tuple[Prompt, str]]:
    """Each prompt with the reply that is to be learnt."""
    labels = load_training_labels(sample, base)
    require_labels(labels, task.location)
    return turns_with(task, prompts, sample, labels.to_list(), registry)


def turns_with(
    task: Task, prompts: Path, sample: Path, labels: Sequence[str], registry: Registry
) -> list[tuple[Prompt, str]]:
    """Each prompt with the reply that some label makes right."""
    reader = registry.build(task.choices["reader"])
    if not isinstance(reader, TuningReader):
        raise PluginError(f"the reader {task.choices['reader'].name} does not say what its model is to learn")
    messages = load_prompts(prompts).prompts
    replies = reader.replies(labels, load_answer_options(sample))
    return list(zip(messages, replies, strict=True))


def write_examples(path: Path, turns: Sequence[tuple[Prompt, str]]) -> None:
    """Write what a provider learns from: a chat per line."""
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for prompt, reply in turns:
            messages = (*(Turn(message.role, message.content) for message in prompt), Turn("assistant", reply))
            line = FORMS["openai"].write(TrainingExample("", "label", messages))
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")


def run(work: Work) -> None:
    """Write the new model's name, its losses, and what its training came to."""
    job = work.tunings.current(work.task.address)
    if job is None or job.stage != "done" or job.tuned_model is None:
        raise StoreError(
            f"the model of {work.task.label} was not fine-tuned",
            location=work.task.location,
            hint="`ragtally run` with the study's spec has it fine-tuned",
        )
    write_tuned_model(work.folder, job.tuned_model)
    write_losses(work.folder, job.loss_points())
    # Prices change, and what the provider calls the job differs from one training to the next: neither is here.
    counts = {"epochs": job.epochs, "examples": job.examples, "trained_tokens": job.billed_tokens}
    write_training_report(work.folder, {"model": f"{job.provider}/{job.model}", **counts})


TUNE = Step("tune", 1, run, inputs=("prompt", "sample", "base"))
