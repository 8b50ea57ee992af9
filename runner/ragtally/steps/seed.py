"""seed and converse: examples that no model wrote, from an existing set and from conversations."""

from __future__ import annotations

from ragtally.api import DataError
from ragtally.examples.conversations import conversation
from ragtally.examples.example import CHAT, Example, row_of
from ragtally.examples.fields import example_from
from ragtally.examples.wording import Kind
from ragtally.steps.step import Step, Work
from ragtally.tables import load_documents, write_examples


def run(work: Work) -> None:
    """Write `examples.parquet`: the examples of the spec's file, each once."""
    settings = work.task.settings
    examples = [example_from(Kind(kind), fields, settings["labels"]) for kind, fields in settings["examples"]]
    by_id = {example.id: example for example in examples if isinstance(example, Example)}
    write_examples(work.folder, [row_of(each, generator=None, origin="seed") for each in by_id.values()])


def run_converse(work: Work) -> None:
    """Write `examples.parquet`: an example per document with a question and an answer in its messages."""
    settings, documents = work.task.settings, load_documents(work.input("prepare"))
    examples = [
        conversation(documents, row, settings["assistant"], settings["speaker"], settings["text"])
        for row in range(len(documents))
    ]
    by_id = {example.id: example for example in examples if example is not None}
    if not by_id:
        names = ", ".join(settings["assistant"])
        raise DataError(
            f"no document has a message that {names} answers",
            location=work.task.location,
            hint="`assistant` are senders as the chats name them, and the converter that reads these is to be named"
            " under `converters`; of tables, `speaker` and `text` are columns",
        )
    write_examples(work.folder, [row_of(each, generator=None, origin=CHAT) for each in by_id.values()])


SEED = Step("seed", 1, run)
CONVERSE = Step("converse", 1, run_converse, inputs=("prepare",))
