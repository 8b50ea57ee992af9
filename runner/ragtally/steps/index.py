"""index: write the retriever's index, in parts where it can be made in parts and the corpus is large."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ragtally import pipelines
from ragtally.api import (
    PluginError,
    ReportingRetriever,
    Retriever,
    RetrieverTraits,
    ShardedRetriever,
    VaryingRetriever,
)
from ragtally.steps.pieces import pieces_of_chunks
from ragtally.steps.step import Shard, Sharding, Step, Work
from ragtally.store import link_folder
from ragtally.tables import (
    INDEX_FOLDER,
    load_chunks,
    load_spans,
    load_vectors,
    part_folder,
    shared_folder,
    write_index_parts,
)


def run(work: Work) -> None:
    """Write the folder `retriever/`: what the retriever saves of its index."""
    # Of an index in parts: `parts.json`, a folder per part below `parts/`, and `shared/`.
    retriever: Retriever = work.build("retriever")
    if build := work.task.settings.get("build"):
        if not isinstance(retriever, VaryingRetriever):
            raise PluginError(f"the retriever {work.task.choices['retriever'].name} has builds and no choose_build")
        retriever.choose_build(build)
    _write_index(work, retriever, slice(None))


def _count(work: Work) -> int:
    traits: RetrieverTraits = work.registry.traits(work.task.choices["retriever"])
    return pieces_of_chunks(len(load_spans(work.input("chunk")))) if traits.in_parts else 1


def _run_piece(work: Work, shard: Shard) -> None:
    _write_index(work, work.build("retriever"), shard.rows(len(load_spans(work.input("chunk")))))


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    retriever: ShardedRetriever = work.build("retriever")
    parts = [part_folder(work.folder, number) for number in range(len(pieces))]
    for part, piece in zip(parts, pieces, strict=True):
        link_folder(piece / INDEX_FOLDER, part)
    shared_folder(work.folder).mkdir()
    retriever.share(parts, shared_folder(work.folder))
    total = len(load_spans(work.input("chunk")))
    write_index_parts(work.folder, [Shard(number, len(pieces)).rows(total) for number in range(len(pieces))])


def _write_index(work: Work, retriever: Retriever, rows: slice) -> None:
    chunks = load_chunks(work.input("chunk"), work.input("prepare"), rows)
    vectors = work.optional("embed")
    if isinstance(retriever, ReportingRetriever):
        retriever.report_to(work.progress)
    pipelines.WritePassages(retriever).run(chunks, None if vectors is None else load_vectors(vectors)[rows])
    (work.folder / INDEX_FOLDER).mkdir()
    retriever.save(work.folder / INDEX_FOLDER)


INDEX = Step(
    "index",
    2,
    run,
    inputs=("prepare", "chunk", "embed"),
    sharding=Sharding(_count, _run_piece, _merge),
    can_leave=True,
)
