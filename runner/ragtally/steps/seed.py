"""seed and converse: examples that no model wrote, from an existing set and from conversations."""

from __future__ import annotations

from ragtally.examples.example import Example, row_of
from ragtally.examples.fields import example_from
from ragtally.examples.wording import Kind
from ragtally.steps.step import Step, Work
from ragtally.tables import write_examples


def run(work: Work) -> None:
    """Write `examples.parquet`: the examples of the spec's file, each once."""
    settings = work.task.settings
    examples = [example_from(Kind(kind), fields, settings["labels"]) for kind, fields in settings["examples"]]
    by_id = {example.id: example for example in examples if isinstance(example, Example)}
    write_examples(work.folder, [row_of(each, generator=None, origin="seed") for each in by_id.values()])


SEED = Step("seed", 1, run)
