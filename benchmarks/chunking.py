"""Chunking on one thread, in MB of UTF-8 per second of CPU, beside the splitters of other libraries in the same run.

Over PubMedQA's labelled set where RAGTALLY_PUBMEDQA names its folder, else over made-up studies. Every splitter makes
chunks of about the same size: 128 words, or three sentences. ragtally's are measured twice: as spans, which is what
the engine keeps, and with each chunk's text cut out, which is what the others return. A library that is not installed
is left out with a note (`pip install -c constraints.txt -e '.[benchmark]'`).
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

# Before anything that would start threads.
os.environ |= {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
               "HAYSTACK_TELEMETRY_ENABLED": "False"}  # fmt: skip

from ragtally.api import Choice, Documents
from ragtally.registry import load_registry

WORDS, SENTENCES = 128, 3
MEGABYTES = 8.0
TARGETS = {"words": 30, "sentences": 20}

Splitter = Callable[[Documents], object]


@dataclass(frozen=True)
class Peer:
    """One way to split.

    Attributes:
        name: What to print.
        make: Makes the splitter from the mean length of a chunk in characters; what it imports may be missing.
    """

    name: str
    make: Callable[[int], Splitter]


def corpus() -> Documents:
    """Read documents and repeat them up to the size wanted."""
    name = "pubmedqa" if os.environ.get("RAGTALLY_PUBMEDQA") else "synthetic"
    registry = load_registry()
    parameters = registry.get(Choice("dataset", name)).component.params
    values = {key: schema.get("default", 20) for key, schema in parameters.items()}
    dataset = registry.build(Choice("dataset", name, values))
    batches = [batch.documents for batch in dataset.batches()]
    columns = [[row for batch in batches for row in getattr(batch, column)] for column in Documents.__slots__]
    times = max(1, round(MEGABYTES / megabytes(columns[1])))
    return Documents(*(column * times for column in columns))


def megabytes(texts: Sequence[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


def ragtally(name: str, with_texts: bool, **parameters: int) -> Peer:
    def make(_: int) -> Splitter:
        chunker = load_registry().build(Choice("chunker", name, parameters))

        def split(documents: Documents) -> object:
            spans = chunker.split(documents)
            if not with_texts:
                return spans
            texts = documents.text
            rows = zip(spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True)
            return [texts[row][start:end] for row, start, end in rows]

        return split

    return Peer(f"ragtally {name}" + (", texts cut out" if with_texts else ""), make)


def each(split: Callable[[str], object]) -> Splitter:
    return lambda documents: [split(text) for text in documents.text]


def regex_words(_: int) -> Splitter:
    word = re.compile(r"\S+")

    def split(text: str) -> list[str]:
        matches = list(word.finditer(text))
        return [
            text[matches[first].start() : matches[min(first + WORDS, len(matches)) - 1].end()]
            for first in range(0, len(matches), WORDS)
        ]

    return each(split)


def regex_sentences(_: int) -> Splitter:
    end = re.compile(r"(?<=[.!?])\s+")

    def split(text: str) -> list[str]:
        sentences = end.split(text)
        return [" ".join(sentences[first : first + SENTENCES]) for first in range(0, len(sentences), SENTENCES)]

    return each(split)


def langchain(characters: int) -> Splitter:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    return each(RecursiveCharacterTextSplitter(chunk_size=characters, chunk_overlap=0).split_text)


def haystack(by: str, length: int) -> Callable[[int], Splitter]:
    def make(_: int) -> Splitter:
        from haystack import Document
        from haystack.components.preprocessors import DocumentSplitter

        splitter = DocumentSplitter(split_by=by, split_length=length, split_overlap=0)  # type: ignore[arg-type]
        splitter.warm_up()
        cache: dict[int, list[Document]] = {}

        def split(documents: Documents) -> object:
            if id(documents) not in cache:
                cache[id(documents)] = [
                    Document(id=str(row), content=text) for row, text in enumerate(documents.text)
                ]
            return splitter.run(documents=cache[id(documents)])

        return split

    return make


def semantic(characters: int) -> Splitter:
    from semantic_text_splitter import TextSplitter

    return each(TextSplitter(characters).chunks)


def chonkie_recursive(characters: int) -> Splitter:
    from chonkie import RecursiveChunker

    return each(RecursiveChunker(tokenizer="character", chunk_size=characters).chunk)


def chonkie_words(_: int) -> Splitter:
    from chonkie import TokenChunker

    return each(TokenChunker(tokenizer="word", chunk_size=WORDS, chunk_overlap=0).chunk)


def chonkie_sentences(characters: int) -> Splitter:
    from chonkie import SentenceChunker

    return each(SentenceChunker(tokenizer="character", chunk_size=characters, chunk_overlap=0).chunk)


PEERS = {
    "words": [
        ragtally("words", False, size=WORDS, overlap=0),
        ragtally("words", True, size=WORDS, overlap=0),
        Peer("regex and slices", regex_words),
        Peer("langchain, recursive", langchain),
        Peer("Haystack, by word", haystack("word", WORDS)),
        Peer("semantic-text-splitter", semantic),
        Peer("chonkie, words", chonkie_words),
        Peer("chonkie, recursive", chonkie_recursive),
    ],
    "sentences": [
        ragtally("sentences", False, size=SENTENCES, overlap=0),
        ragtally("sentences", True, size=SENTENCES, overlap=0),
        Peer("regex and joins", regex_sentences),
        Peer("Haystack, by period", haystack("period", SENTENCES)),
        Peer("chonkie, sentences", chonkie_sentences),
    ],
}


def measure(peers: Sequence[Peer], documents: Documents, runs: int) -> Iterator[tuple[str, float | None]]:
    """Take turns, so that a machine that slows down slows all of them."""
    spans = peers[0].make(0)(documents)
    characters = round(float((spans.end - spans.start).mean()))  # type: ignore[attr-defined]
    splitters: dict[str, Splitter] = {}
    for peer in peers:
        try:
            splitters[peer.name] = peer.make(characters)
        except ImportError as error:
            print(f"{peer.name} is left out: {error}")
    seconds: dict[str, list[float]] = {name: [] for name in splitters}
    for turn in range(runs + 1):
        for name, split in splitters.items():
            start = time.process_time()
            split(documents)
            # The first turn warms up: imports inside, caches, Haystack's documents.
            seconds[name] += [time.process_time() - start] if turn else []
    size = megabytes(documents.text)
    for name, times in seconds.items():
        yield name, size / median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    documents = corpus()
    print(f"{len(documents):,} documents, {megabytes(documents.text):.1f} MB, one thread, medians of {runs}")
    for unit, peers in PEERS.items():
        speeds = dict(measure(peers, documents, runs))
        own = next(iter(speeds.values()))
        print(f"\n{unit + ' (to reach: ' + str(TARGETS[unit]) + ' MB/s)':38}{'MB/s':>8}{'ragtally is':>16}")
        for name, speed in speeds.items():
            print(f"{name:38}{speed:8.1f}{own / speed:12.1f} x")


if __name__ == "__main__":
    main()
