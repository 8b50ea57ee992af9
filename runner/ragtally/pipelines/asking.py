"""Haystack components up to a model's reply; each loads what it needs when it warms up or first runs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

from ragtally.api import PromptingReader
from ragtally.pipelines.ask import chat_messages
from ragtally.pipelines.choices import choice_of
from ragtally.pipelines.quiet import ChatMessage, Document, component
from ragtally.pipelines.ranking import Ranking, exported_documents, passages_of
from ragtally.pipelines.reading import examples_of, haystack_documents, plugins, reading_of

Json = dict[str, Any]


class Retrieved(TypedDict):
    """What `RetrieveChunks` gives."""

    documents: list[Document]


class Prompted(TypedDict):
    """What `WritePrompt` gives."""

    prompt: list[ChatMessage]


class Replied(TypedDict):
    """What `AskModel` gives."""

    replies: list[ChatMessage]


@component
class RetrieveChunks:
    """Finds chunks as the study did: same index, same ranking, same budget."""

    def __init__(
        self, folder: str, ranking: Json, top_k: int | None = None, context_words: int | None = None
    ) -> None:
        self.folder, self.ranking, self.top_k, self.context_words = folder, ranking, top_k, context_words
        self._loaded: Ranking | None = None
        self._documents: tuple[list[str], list[str]] = ([], [])

    def warm_up(self) -> None:
        """Load the index."""
        if self._loaded is None:
            self._documents = exported_documents(Path(self.folder))
            self._loaded = Ranking(Path(self.folder), self.ranking, plugins())

    @component.output_types(documents=list[Document])
    def run(self, question: str) -> Retrieved:
        """Search."""
        self.warm_up()
        assert self._loaded is not None
        hits = self._loaded.search(question)
        found = passages_of(hits, self._loaded.spans, self._documents[1], self.top_k, self.context_words)
        return {"documents": haystack_documents(found, *self._documents)}


@component
class WritePrompt:
    """Writes the prompt of a reader that asks a language model."""

    def __init__(self, reader: Json, answers: list[str], examples: list[Json] | None = None) -> None:
        self.reader, self.answers, self.examples = reader, answers, examples

    @component.output_types(prompt=list[ChatMessage])
    def run(self, question: str, documents: list[Document] | None = None) -> Prompted:
        """Write one prompt."""
        reader: PromptingReader = plugins().build(choice_of(self.reader))
        reading = reading_of(question, documents or [], self.answers)
        (prompt,) = reader.prompts(reading, examples_of(self.examples or [], self.answers))
        return {"prompt": chat_messages(prompt)}


@component
class AskModel:
    """Asks a language model that a ragtally plugin offers, once; what fails is not tried again."""

    def __init__(self, model: Json, seed: int | None = None) -> None:
        self.model, self.seed = model, seed

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> Replied:
        """Ask and wait; see `run_async`."""
        # A loop of its own: a notebook has one that is running already.
        with ThreadPoolExecutor(max_workers=1) as alone:
            return alone.submit(asyncio.run, self.run_async(messages)).result()

    @component.output_types(replies=list[ChatMessage])
    async def run_async(self, messages: list[ChatMessage]) -> Replied:
        """Ask."""
        model = plugins().build(choice_of(self.model))
        try:
            kwargs = {} if self.seed is None else {"seed": self.seed}
            answered = await model.run_async(messages, generation_kwargs=kwargs)
            return {"replies": list(answered["replies"])}
        finally:
            await model.close()
