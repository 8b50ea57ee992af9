"""generate: ask models for examples from passages, and read their replies; those to repair and evolve likewise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ragtally.api import Documents, Prompt, Spans
from ragtally.examples.example import NO_SOURCE, Example, Source, example_of, row_of
from ragtally.examples.fields import example_from
from ragtally.examples.language import language_of
from ragtally.examples.prompts import PromptWriter, example_text, generation_schema
from ragtally.examples.replies import REPETITION, read_examples
from ragtally.examples.wording import Kind
from ragtally.steps.step import Step, Work
from ragtally.tables import (
    FINISH_REASON,
    ExampleCounts,
    load_answers,
    load_documents,
    load_examples,
    load_requests,
    load_spans,
    write_example_counts,
    write_examples,
    write_prompts,
    write_requests,
)


@dataclass
class Requests:
    """What a model is asked to write: prompts, each with what its reply is to hold."""

    settings: Mapping[str, Any]  # Of the task: kind, labels, language, template, constrained
    prompts: list[Prompt] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def writer(self, prompt: str) -> PromptWriter:
        """The writer of one sort of prompts."""
        labels = self.settings["labels"]
        style = [example_from(Kind(kind), fields) for kind, fields in self.settings.get("style", ())]
        examples = [example for example in style if isinstance(example, Example)]
        return PromptWriter(prompt, self.settings["template"], labels=labels, style=examples)

    def language(self, text: str) -> str | None:
        """The language to write in: the one of the settings, else the text's, as far as that is sure."""
        language: str | None = self.settings["language"]
        return language or language_of(text)

    def add(
        self,
        prompt: Prompt,
        source: Source,
        language: str | None,
        *,
        origin: str,
        count: int = 1,
        parent: str | None = None,
        round: int = 0,
    ) -> None:
        """Add one prompt."""
        self.prompts.append(prompt)
        self.rows.append(
            {
                "kind": self.settings["kind"],
                **source._asdict(),
                "origin": origin,
                "parent": parent,
                "round": round,
                "count": count,
                "language": language,
            }
        )

    def write(self, work: Work) -> None:
        """Write `prompts.parquet`, `requests.parquet`, and the schema that replies are held to."""
        kind, labels = Kind(self.settings["kind"]), self.settings["labels"]
        schema = generation_schema(kind, labels) if self.settings["constrained"] else None
        write_prompts(work.folder, range(len(self.prompts)), self.prompts, schema)
        write_requests(work.folder, self.rows)


def run_prompt(work: Work) -> None:
    """Write a prompt per passage, or per example of an existing set."""
    settings = work.task.settings
    requests, kind, count = Requests(settings), Kind(settings["kind"]), settings["count"]
    if (seeds := work.optional("seed")) is not None:
        writer = requests.writer("expand")
        for row in load_examples(seeds).filter(kind=str(kind)).iter_rows(named=True):
            seed = example_of(row)
            language = requests.language(seed.text)
            prompt = writer.write(kind, language, count, seed=example_text(seed))
            requests.add(prompt, NO_SOURCE, language, origin="generate", count=count)
    else:
        writer = requests.writer("generate")
        documents, spans = load_documents(work.input("prepare")), load_spans(work.input("chunk"))
        for passage, source in _passages(documents, spans):
            language = requests.language(passage)
            prompt = writer.write(kind, language, count, passage=passage)
            requests.add(prompt, source, language, origin="generate", count=count)
    requests.write(work)


def _passages(documents: Documents, spans: Spans) -> Iterator[tuple[str, Source]]:
    """The passages with their places; those without a word are none."""
    for row, start, end in zip(spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True):
        passage = documents.text[row][start:end]
        if passage.strip():
            yield passage, Source(documents.id[row], start, end, location_of(documents, row, start, end))


def location_of(documents: Documents, row: int, start: int, end: int) -> str | None:
    """Name the part of a document that a span lies in, or the first and the last of several."""
    names = None if documents.section_names is None else documents.section_names[row]
    if names is None:
        return None
    sections = zip(names, documents.section_starts[row], documents.section_ends[row], strict=True)
    inside = [name for name, first, last in sections if first < end and start < last]
    if not inside:
        return None
    return inside[0] if inside[0] == inside[-1] else f"{inside[0]} to {inside[-1]}"


def run(work: Work) -> None:
    """Write `examples.parquet` and `counts.json`: what came of each generator's replies."""
    settings = work.task.settings
    earlier = [load_examples(entry.folder) for entry in work.entries.get("earlier", ())]
    known_ids = {identifier for table in earlier for identifier in table["example"]}
    rows: list[dict[str, Any]] = []
    tallies: dict[int, _Tally] = {}
    pairs = zip(work.entries["prompt"], work.entries["ask"], settings["generators"], strict=True)
    for prompts, replies, generator in pairs:
        tally = tallies.setdefault(generator, _Tally())
        answers = load_answers(replies.folder).select("text", FINISH_REASON, "error").iter_rows()
        requests = load_requests(prompts.folder).iter_rows(named=True)
        for request, (text, finish_reason, error) in zip(requests, answers, strict=True):
            reply = read_examples(
                text,
                Kind(request["kind"]),
                request["count"],
                labels=settings["labels"],
                source=Source(*(request[name] for name in Source._fields)),
                language=request["language"],
                is_cut_off=finish_reason == "length",
                error=error,
            )
            tally.asked_for += request["count"]
            tally.items += reply.items
            tally.well_formed += len(reply.examples)
            tally.surplus += reply.surplus
            tally.losses += reply.losses
            for example in reply.examples:
                if example.id in known_ids:
                    tally.losses[REPETITION] += 1
                    continue
                known_ids.add(example.id)
                tally.unique += 1
                version = {name: request[name] for name in ("origin", "parent", "round")}
                rows.append(row_of(example, generator=generator, **version))
    write_examples(work.folder, rows)
    write_example_counts(work.folder, [tally.counts(generator) for generator, tally in sorted(tallies.items())])


@dataclass
class _Tally:
    asked_for: int = 0
    items: int = 0
    well_formed: int = 0
    unique: int = 0
    surplus: int = 0
    losses: Counter[str] = field(default_factory=Counter)

    def counts(self, generator: int) -> ExampleCounts:
        losses = dict(sorted(self.losses.items()))
        return ExampleCounts(
            generator, self.asked_for, self.items, self.well_formed, self.unique, self.surplus, losses
        )


_READ = ("prompt", "ask", "earlier")
GENERATE_PROMPT = Step("generate_prompt", 1, run_prompt, inputs=("prepare", "chunk", "seed"))
GENERATE = Step("generate", 1, run, inputs=_READ)
REPAIR = Step("repair", 1, run, inputs=_READ)
EVOLVE = Step("evolve", 1, run, inputs=_READ)
