"""What the work on a large corpus takes: memory and disk of what is still to do, and all of it at other sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from ragtally import pipelines
from ragtally.api import EmbedderTraits, Location, RagtallyError, RetrieverTraits, StoreError
from ragtally.steps import CHUNK, EMBED, INDEX, PREPARE, RETRIEVE, Step, Task
from ragtally.steps.pieces import pieces_of_chunks, pieces_of_documents
from ragtally.store.texts import texts_size
from ragtally.tables import count_documents, load_documents, load_spans, load_texts, load_vectors
from ragtally.workspace import Workspace

# Of chunks, in the table of `ragtally plan --scale`.
SIZES = (10_000_000, 100_000_000, 1_000_000_000)

# Bytes that a process holds, measured with benchmarks/large_study.py (1,900,000 chunks of 100 words) and rounded up.
# Files that are mapped come on top, as far as there is room for them.
_PROCESS = 500_000_000  # Python with numpy, polars, numba and scikit-learn
_PREPARE = 500  # Per document
_CHUNK = 1.5  # Per byte of text
_EMBED = 1.25  # Per byte of vectors
_INDEX_WORDS, _SEARCH_WORDS = 1.5, 0.75  # Per byte of chunks
_OF_A_VECTOR = 100  # Per chunk whose vectors are compared
# Bytes on disk.
_TEXT_ON_DISK = 1.3  # Once as it is, to be mapped, and once compressed
_INDEX_ON_DISK = 0.5  # Of words, per byte of chunks
_SPAN = 12
# Where neither the embedder nor a finished entry says how many there are.
_ASSUMED_DIMENSIONS = 1024
# From how many documents the chunks of all are estimated.
_SAMPLE = 1000
# The steps whose work grows with the corpus, and which of their inputs they read whole.
_READS: Mapping[Step, tuple[str, ...]] = {
    CHUNK: ("prepare",),
    EMBED: ("prepare", "chunk"),
    INDEX: ("prepare", "chunk", "embed"),
    RETRIEVE: ("embed", "index"),
}
CORPUS_STEPS = frozenset(_READS)


@dataclass(frozen=True, slots=True)
class CorpusSize:
    """How large a corpus is."""

    documents: int
    text: int  # Bytes
    chunks: int
    chunk_text: int  # Bytes of all chunks, which may overlap

    def grown(self, chunks: int) -> CorpusSize:
        """A corpus of the same kind with so many chunks."""
        factor = chunks / self.chunks
        documents, text = round(self.documents * factor), round(self.text * factor)
        return CorpusSize(documents, text, chunks, round(self.chunk_text * factor))


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a step takes of the machines that do it, about."""

    step: str
    component: str
    label: str
    pieces: int
    memory: int  # Bytes of one process at its largest
    disk: int  # Bytes that it leaves in the store


@dataclass(frozen=True, slots=True)
class ScaledFootprint:
    """A footprint at another size, with what was measured of the finished work."""

    chunks: int
    measured: int  # Over how many chunks
    footprint: Footprint
    network: int  # Bytes that workers on other machines read and write
    seconds: float  # Of one process


def footprints(tasks: Iterable[Task], workspace: Workspace) -> Mapping[Task, Footprint]:
    """What is still to do takes, of corpora that are read already and worked on in pieces."""
    rows: dict[Task, Footprint] = {}
    corpora: dict[Task, CorpusSize] = {}
    for task in tasks:
        if task.step not in _READS or _is_done(task, workspace):
            continue
        (dataset,), chunk = task.inputs["prepare"], _chunks(task)
        if _is_done(dataset, workspace) and texts_size(workspace.entry(dataset)) is not None:
            if chunk not in corpora:
                corpora[chunk] = _corpus(dataset, chunk, workspace)
            rows[task] = _footprint(task, corpora[chunk], workspace)
    return rows


def corpora_are_read(tasks: Iterable[Task], workspace: Workspace) -> bool:
    """Whether it is known how large the corpora are."""
    return all(_is_done(task.inputs["prepare"][0], workspace) for task in tasks if task.step is CHUNK)


def shortages(rows: Sequence[Footprint], workspace: Workspace) -> list[RagtallyError]:
    """What this machine has too little of."""
    errors: list[RagtallyError] = []
    folder = workspace.store.root if workspace.store.root.is_dir() else Path.cwd()
    disk, free = sum(row.disk for row in rows), psutil.disk_usage(str(folder)).free
    if disk > free:
        hint = "free space there (`ragtally store gc`), or name another store with RAGTALLY_STORE"
        message = f"what is still to do writes about {gigabytes(disk)}, and {gigabytes(free)} are free"
        errors.append(StoreError(message, location=Location(str(folder)), hint=hint))
    memory = psutil.virtual_memory().available
    for row in rows:
        if row.memory > memory:
            needs = f"{row.step} {row.label} holds about {gigabytes(row.memory)} in memory"
            hint = "run it on a machine with more, or with components that work on a corpus in pieces"
            errors.append(RagtallyError(f"{needs}, and {gigabytes(memory)} are free", hint=hint))
    return errors


def require_room(tasks: Iterable[Task], workspace: Workspace) -> None:
    """Refuse, before it is begun, work that will fill the disk; warn of what takes more memory than there is."""
    for error in shortages(tuple(footprints(tasks, workspace).values()), workspace):
        # Memory may be free later, and what is mapped is given back; what is written stays.
        if isinstance(error, StoreError):
            raise error
        workspace.progress.warn(str(error))


def scaled_footprints(
    tasks: Sequence[Task], workspace: Workspace, sizes: Sequence[int] = SIZES
) -> tuple[ScaledFootprint, ...]:
    """What the work of a study would take over corpora of other sizes, by what it took over its own."""
    chunk_of = {task.inputs["prepare"][0]: task for task in tasks if task.step is CHUNK}
    own = [task for task in tasks if task.step in _READS or task in chunk_of]
    for task in own:
        if not _is_done(task, workspace):
            raise RagtallyError(
                f"{task.step.name} {task.label} is not done, and what it would take is told by what it took",
                hint="run the study first (`ragtally run`), over a part of the corpus perhaps",
            )
    rows = []
    for chunks in sizes:
        for task in own:
            chunk = chunk_of.get(task) or _chunks(task)
            corpus = _corpus(chunk.inputs["prepare"][0], chunk, workspace)
            seconds, factor = workspace.open(task).seconds, chunks / corpus.chunks
            bytes_moved = factor * (_bytes_read(task, workspace) + _bytes(task, workspace))
            footprint = _footprint(task, corpus.grown(chunks), workspace)
            rows.append(ScaledFootprint(chunks, corpus.chunks, footprint, round(bytes_moved), factor * seconds))
    return tuple(rows)


def gigabytes(size: float) -> str:
    """A number of bytes for people."""
    return f"{size / 1e9:,.0f} GB" if size >= 1e10 else f"{size / 1e9:,.1f} GB"


def _chunks(task: Task) -> Task:
    return task if task.step is CHUNK else task.inputs["chunk"][0]


def _is_done(task: Task, workspace: Workspace) -> bool:
    return workspace.store.complete(task.step.stored_as, task.address)


def _corpus(dataset: Task, chunk: Task, workspace: Workspace) -> CorpusSize:
    """The size of a corpus; where it is not cut yet, as its first documents are."""
    folder = workspace.entry(dataset)
    documents, texts = count_documents(folder), texts_size(folder)
    text = sum(map(len, load_texts(folder))) if texts is None else texts
    if _is_done(chunk, workspace):
        spans, share = load_spans(workspace.entry(chunk)), 1.0
    else:
        first = load_documents(folder, slice(0, min(documents, _SAMPLE)))
        spans = pipelines.SplitDocuments(workspace.registry.build(chunk.choices["chunker"])).run(first)["spans"]
        share = sum(len(each.encode()) for each in first.text) / max(1, text)
    characters = int((spans.end - spans.start).sum(dtype=np.int64))
    return CorpusSize(documents, text, max(1, round(len(spans) / share)), round(characters / share))


def _footprint(task: Task, corpus: CorpusSize, workspace: Workspace) -> Footprint:
    """What a task takes."""
    pieces, held, disk = pieces_of_chunks(corpus.chunks), 0.0, 0.0
    has_vectors = task.step is EMBED or "embed" in task.inputs
    vectors = 4 * corpus.chunks * (_dimensions(task, workspace) if has_vectors else 0)
    if task.step is PREPARE:
        pieces, held, disk = 1, _PREPARE * corpus.documents, _TEXT_ON_DISK * corpus.text
    elif task.step is CHUNK:
        pieces = pieces_of_documents(corpus.documents, corpus.text)
        held, disk = _CHUNK * corpus.text, _SPAN * corpus.chunks
    elif task.step is EMBED:
        held, disk = _EMBED * vectors, vectors
    else:
        traits: RetrieverTraits = workspace.registry.traits(task.choices["retriever"])
        is_index, by_words = task.step is INDEX, "vectors" not in traits.reads
        if by_words:
            held = (_INDEX_WORDS if is_index else _SEARCH_WORDS) * corpus.chunk_text
            disk = _INDEX_ON_DISK * corpus.chunk_text if is_index else 0.0
        else:
            held = _OF_A_VECTOR * corpus.chunks
        if not traits.in_parts:
            # Nothing is known of it; most hold what they are given.
            pieces, held = 1, max(held, corpus.chunk_text + vectors)
    component = next(iter(task.choices.values())).name
    return Footprint(task.step.name, component, task.label, pieces, round(_PROCESS + held / pieces), round(disk))


def _dimensions(task: Task, workspace: Workspace) -> int:
    embed = task if task.step is EMBED else task.inputs["embed"][0]
    if _is_done(embed, workspace):
        return int(load_vectors(workspace.entry(embed)).shape[1])
    traits: EmbedderTraits = workspace.registry.traits(embed.choices["embedder"])
    return traits.dimensions or _ASSUMED_DIMENSIONS


def _bytes_read(task: Task, workspace: Workspace) -> int:
    roles = [role for role in _READS.get(task.step, ()) if role in task.inputs]
    return sum(_bytes(task.inputs[role][0], workspace) for role in roles)


def _bytes(task: Task, workspace: Workspace) -> int:
    return sum(path.stat().st_size for path in workspace.entry(task).rglob("*") if path.is_file())
