"""A made-up study with examples, as a run leaves it: for the page, the sheets and the exports."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.examples.example import BALLOTS, OUTCOMES, Example, Source, Turn, row_of
from ragtally.examples.wording import Kind

SPICE = "</script><script>window.broken=1</script><img src=x onerror='window.broken=2'>&amp;\"'"
GENERATORS = ("big", "small")
VALIDATORS = ("one", "other")
CRITERIA = ("grounded", "correct")


def example(number: int, *, documents: int = 40, spice: str = "") -> Example:
    """One of several kinds in turn."""
    source = Source(f"d{number % documents}.md", 20 * (number % 7), 20 * (number % 7) + 80, "page 3")
    question, answer = f"What is thing {number}? {spice}", f"Thing {number} is a thing, of number {number}."
    kinds = (Kind.QUESTION_ANSWER, Kind.INSTRUCTION, Kind.CHAT, Kind.LABEL)
    kind = kinds[number % len(kinds)]
    if kind is Kind.CHAT:
        more = (Turn("user", f"And {number + 1}?"), Turn("assistant", "Another one."))
        turns = (Turn("system", "Be short."), Turn("user", question), Turn("assistant", answer), *more)
        return Example(kind, turns, source=source)
    if kind is Kind.LABEL:
        label = ("yes", "no")[number // 4 % 2]
        return Example(kind, (Turn("user", question), Turn("assistant", label)), label=label, source=source)
    about = f"A text about {number}." if kind is Kind.INSTRUCTION else None
    return Example(kind, (Turn("user", question), Turn("assistant", answer)), input=about, source=source)


def write_examples(folder: Path, count: int, *, documents: int = 40, spice: str = "") -> list[Example]:
    """Write the results of a study: examples, ballots and documents."""
    draw = random.Random(7)
    examples = [example(number, documents=documents, spice=spice) for number in range(count)]
    rows: list[dict[str, Any]] = []
    ballots: list[dict[str, Any]] = []
    for number, one in enumerate(examples):
        passed = [draw.random() < 0.85 for _ in range(len(VALIDATORS) * len(CRITERIA))]
        status = "accepted_by_validators" if all(passed) else "rejected" if sum(passed) < 3 else "undecided"
        row = row_of(one, generator=None, origin="generate")
        row |= {"generator": GENERATORS[number % 2], "status": status, "reasons": [], "duplicate_of": None}
        rows.append(row)
        pairs = [(validator, criterion) for validator in VALIDATORS for criterion in CRITERIA]
        ballots += [
            dict.fromkeys(BALLOTS)
            | {"example": one.id, "validator": validator, "criterion": criterion, "vote": 0, "passed": answer}
            | {"reason": f"The passage says so. {spice}"}
            for (validator, criterion), answer in zip(pairs, passed, strict=True)
        ]
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, schema={**OUTCOMES, "generator": pl.String()}).write_parquet(folder / "examples.parquet")
    pl.DataFrame(ballots, schema={**BALLOTS, "validator": pl.String()}).write_parquet(
        folder / "example_ballots.parquet"
    )
    texts = [f"Document {number}. {spice} " + "Thing after thing stands here. " * 30 for number in range(documents)]
    (folder / "examples").mkdir(exist_ok=True)
    pl.DataFrame({"id": [f"d{number}.md" for number in range(documents)], "text": texts}).write_parquet(
        folder / "examples" / "documents.parquet"
    )
    return examples


def write_curated(folder: Path, *, labels: bool = False) -> Path:
    """Write what a study exports: lines of chats by split, and the documents."""
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(8):
        one = example(3 + 4 * number if labels else number, documents=2)
        turns = [{"role": turn.role, "content": turn.text} for turn in one.turns]
        about = {"id": one.id, "kind": str(one.kind), "class_label": one.label or "", "input": ""}
        source = {"document": one.source.document, "start": one.source.start, "end": one.source.end}
        lines["test" if number % 4 == 3 else "train"].append(json.dumps({"messages": turns, **about, **source}))
    (folder / "chat").mkdir(parents=True)
    for split, own in lines.items():
        (folder / "chat" / f"{split}.jsonl").write_text("\n".join(own) + "\n", encoding="utf-8")
    documents = {"id": ["d0.md", "d1.md"], "text": ["Thing after thing. " * 20] * 2}
    sections: list[list[int]] = [[], []]
    pl.DataFrame({**documents, "section_starts": sections, "section_ends": sections}).write_parquet(
        folder / "documents.parquet"
    )
    manifest = {"form": "ragtally examples 1", "counts": {"chat": {}}, "files": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
