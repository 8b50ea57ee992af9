"""repair_prompt and evolve_prompt: ask whoever wrote an example for another version of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ragtally.examples.example import Example, Outcome, example_of
from ragtally.examples.prompts import example_text
from ragtally.steps.generate import Requests
from ragtally.steps.step import Step, Work
from ragtally.tables import load_example_verdicts, load_examples, load_passage_texts


def run_repair_prompt(work: Work) -> None:
    """Write a prompt per example that was rejected, with the reasons."""
    requests, settings = Requests(work.task.settings), work.task.settings
    writer = requests.writer("repair")
    for example, passage, verdict in _versions(work):
        if verdict is None or verdict["status"] == Outcome.ACCEPTED:
            continue
        language = requests.language(passage or example.text)
        reasons = tuple(verdict["reasons"])
        prompt = writer.write(example.kind, language, passage=passage, example=example_text(example), reasons=reasons)
        requests.add(prompt, example.source, language, origin="repair", parent=example.id, round=settings["round"])
    requests.write(work)


def run_evolve_prompt(work: Work) -> None:
    """Write a prompt per way and example that was accepted; per example that nobody graded, too."""
    requests, settings = Requests(work.task.settings), work.task.settings
    writer = requests.writer("evolve")
    for example, passage, verdict in _versions(work):
        if verdict is not None and verdict["status"] != Outcome.ACCEPTED:
            continue
        language = requests.language(passage or example.text)
        for name, way in settings["ways"]:
            prompt = writer.write(example.kind, language, passage=passage, example=example_text(example), way=way)
            origin, number = f"evolve:{name}", settings["round"]
            requests.add(prompt, example.source, language, origin=origin, parent=example.id, round=number)
    requests.write(work)


def _versions(work: Work) -> Iterator[tuple[Example, str | None, dict[str, Any] | None]]:
    """The examples of one generator and kind, each with its passage and what the validators say."""
    settings = work.task.settings
    verdicts = {
        row["example"]: row
        for entry in work.entries.get("validate", ())
        for row in load_example_verdicts(entry.folder).iter_rows(named=True)
    }
    for entry in work.entries["examples"]:
        own = load_examples(entry.folder).filter(generator=settings["generator"], kind=settings["kind"])
        for row, passage in zip(
            own.iter_rows(named=True), load_passage_texts(work.input("prepare"), own), strict=True
        ):
            yield example_of(row), passage, verdicts.get(row["example"])


_INPUTS = ("prepare", "examples", "validate")
REPAIR_PROMPT = Step("repair_prompt", 1, run_repair_prompt, inputs=_INPUTS)
EVOLVE_PROMPT = Step("evolve_prompt", 1, run_evolve_prompt, inputs=_INPUTS)
