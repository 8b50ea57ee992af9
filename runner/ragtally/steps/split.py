"""split: training, development and test sets that share no document and no near-duplicate."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import polars as pl

from ragtally import duplicates
from ragtally.curation.curated import final_example
from ragtally.examples.splits import assign_splits, tied_groups
from ragtally.steps.step import Step, Work
from ragtally.store import read_table, write_json, write_table
from ragtally.tables import load_examples

# Words of a shingle: prompts are short, and compared as sets of words.
_PROMPT_SHINGLE, _DOCUMENT_SHINGLE = 1, 3


def run(work: Work) -> None:
    """Write `splits.parquet` (example, split, group) and `splits.json`."""
    settings = work.task.settings
    table = load_examples(work.input("curate")).filter("included")
    rows = table.to_dicts()
    examples = [final_example(row) for row in rows]
    similarity: float = settings["near_duplicates"]
    prompts = _near_groups([example.prompt_text for example in examples], _PROMPT_SHINGLE, similarity)
    folder = work.optional("prepare")
    documents = pl.DataFrame(schema={"id": pl.String, "text": pl.String})
    if folder is not None:
        own = table["document"].drop_nulls().unique().implode()
        documents = read_table(folder / "documents.parquet", ["id", "text"]).filter(pl.col("id").is_in(own))
    near = _near_groups(documents["text"].to_list(), _DOCUMENT_SHINGLE, similarity)
    group_of = dict(zip(documents["id"].to_list(), near, strict=True))
    ties: list[list[Hashable]] = []
    for example, prompt in zip(examples, prompts, strict=True):
        document = example.source.document
        of_document = (
            [] if document is None else [("document", document), ("copies", group_of.get(document, document))]
        )
        ties.append([("prompt", prompt), *of_document])
    classes = [example.label or str(example.kind) for example in examples]
    random = np.random.default_rng(settings["seed"])
    splits = assign_splits(tied_groups(ties), classes, settings["shares"], random)
    columns = {"example": table["example"], "split": splits.split, "group": splits.group}
    schema = {"example": pl.String, "split": pl.String, "group": pl.Int64}
    write_table(work.folder / "splits.parquet", columns, schema)
    sizes = {name: splits.split.count(name) for name in settings["shares"]}
    content = {
        "shares": settings["shares"],
        "examples": sizes,
        "groups": len(set(splits.group)),
        "notes": splits.notes,
    }
    write_json(work.folder / "splits.json", content)


def _near_groups(texts: Sequence[str], shingle: int, similarity: float) -> list[int]:
    """A number for each text; near-duplicates have the same. A text without words is alone."""
    if not texts:
        return []
    everyone = np.ones((len(texts), 1), dtype=np.bool_)
    group = duplicates.near_duplicates(duplicates.word_sequences(texts), shingle, similarity, everyone).group
    return [int(number) if number >= 0 else -1 - row for row, number in enumerate(group)]


SPLIT = Step("split", 1, run, inputs=("curate", "prepare"))
