"""prompt: write the exact messages that a language model gets, one prompt per question."""

from __future__ import annotations

from ragtally import pipelines
from ragtally.api import ConstrainedReader, DataError, Examples, PluginError
from ragtally.steps.step import Step, Work
from ragtally.tables import load_base_rows, load_example_answers, load_reading, write_prompts


def run(work: Work) -> None:
    """Write `prompts.parquet`, and `schema.json` where answers are to keep to one."""
    base = work.optional("base")
    rows = None if base is None else load_base_rows(base)
    reading = load_reading(work.input("context"), work.input("prepare"), work.input("sample"), rows)
    reader = work.build("reader")
    prompts = pipelines.WritePrompt(reader).prompts(reading, _examples(work))
    if len(prompts) != len(reading) or not all(prompts):
        name = work.task.choices["reader"].name
        raise PluginError(f"the reader {name} did not write one prompt for each of {len(reading)} questions")
    schema = None
    if work.task.settings.get("constrained"):
        if not isinstance(reader, ConstrainedReader):
            raise PluginError(f"the reader {work.task.choices['reader'].name} has no schema to constrain answers by")
        schema = reader.schema(reading.answers)
    write_prompts(work.folder, list(range(len(reading))) if rows is None else rows.tolist(), prompts, schema)


def _examples(work: Work) -> Examples | None:
    examples = work.optional("examples")
    if examples is None:
        return None
    labels = load_example_answers(examples)
    if labels.null_count():
        raise DataError(
            f"{labels.null_count()} of {len(labels)} examples to show have no label",
            location=work.task.location,
            hint="name a labelled split under train: {split: ...}, or show no examples",
        )
    dataset = work.optional("examples_prepare") or work.input("prepare")
    reading = load_reading(work.input("examples_context"), dataset, examples)
    return Examples(reading, labels.to_list())


PROMPT = Step(
    "prompt",
    1,
    run,
    inputs=("prepare", "sample", "context", "base", "examples", "examples_context", "examples_prepare"),
)
