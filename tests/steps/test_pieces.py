"""Large corpora are worked on in pieces, and nothing of it shows in what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ragtally.api import Documents, Spans
from ragtally.pipelines.choices import choice_data
from ragtally.pipelines.search import Ranking
from ragtally.plan import in_order, plan_study
from ragtally.registry import Registry, load_registry
from ragtally.spec.load import load_study
from ragtally.steps import CHUNK, INDEX, RETRIEVE, Task, Work, chunk, documents, pieces
from ragtally.steps.documents import DocumentBuffer
from ragtally.store import Store, join_arrays, read_array, write_array
from ragtally.store.texts import MappedTexts, write_texts
from ragtally.tables import count_documents, load_hits, load_index_parts, load_questions, load_spans
from ragtally.workspace import Workspace
from toy_study import Notes

SPEC = """\
study: pieces
seed: 3
dataset: {synthetic: {questions: 20, distractors: 1}}
grid:
  chunker: [{words: {size: 60, overlap: 10}}]
  retriever:
    - {dense: {embedder: {lsa: {dim: 8}}, distance: jaccard}}
    - {dense: {embedder: {hashing: {dim: 32}}, distance: hamming, rescore: 20}}
    - {hybrid: {retrievers: [bm25, {sets: {distance: hamming}}]}}
  top_k: 2
metrics: [recall@5]
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Sequence[Task]:
    """The work of the study up to its rankings."""
    spec = tmp_path_factory.mktemp("spec") / "spec.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    return in_order([cell.score for cell in plan_study(load_study(spec, registry), registry).cells])


def do(folder: Path, tasks: Sequence[Task], registry: Registry) -> Workspace:
    workspace = Workspace(Store(folder), registry, Notes())
    for task in tasks:
        workspace.make(task)
    return workspace


def files(folder: Path) -> dict[str, bytes]:
    """Every file of finished work, by its path; but for records, indexes and what only large corpora have."""
    entries = [path.parent for path in folder.glob("*/r1/*/*/entry.json") if path.parts[-5] != INDEX.stored_as]
    paths = [path for entry in entries for path in entry.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if path.name not in ("entry.json", "texts.bin", "texts.npy")
    }


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "DOCUMENTS", 17)
    monkeypatch.setattr(pieces, "CHUNKS", 70)


def test_pieces_give_the_bytes_of_the_whole(
    tmp_path: Path, tasks: Sequence[Task], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = do(tmp_path / "pieces", tasks, registry).store
    monkeypatch.undo()
    do(tmp_path / "whole", tasks, registry)
    expected, own = files(tmp_path / "whole"), files(tmp_path / "pieces")
    assert own.keys() == expected.keys()
    assert not [name for name in expected if own[name] != expected[name]]
    indexes = [path.parent for path in (store.root / INDEX.stored_as).rglob("r1/*/*/entry.json")]
    # One that orders again what it finds is not cut.
    assert sorted(len(load_index_parts(index)) for index in indexes) == [0, 4, 4, 4]
    assert not list(store.root.glob("checkpoints/*"))
    expect_an_export_to_search_all_parts(tmp_path / "export", store, tasks, registry)


def expect_an_export_to_search_all_parts(
    folder: Path, store: Store, tasks: Sequence[Task], registry: Registry
) -> None:
    (task,) = [task for task in tasks if task.step is RETRIEVE and task.choices["retriever"].name == "bm25"]
    folder.mkdir()
    for role in ("prepare", "chunk", "index"):
        (folder / role).symlink_to(store.folder(role, task.inputs[role][0].address))
    names = {"retriever": choice_data(task.choices["retriever"]), "limit": task.settings["limit"], "embed": None}
    ranking = Ranking(folder, {**names, "chunk": "chunk", "index": "index"}, registry)
    hits = load_hits(store.folder("retrieve", task.address))
    questions = load_questions(store.folder("sample", task.inputs["sample"][0].address))["text"]
    for row, question in enumerate(questions.head(3)):
        assert ranking.search(question).passage.tolist() == hits.passage[row : row + 1].tolist()


def test_pieces_that_are_done_are_not_done_again(
    tmp_path: Path, tasks: Sequence[Task], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, rows = chunk._split, []

    def die_once(work: Work, documents: Documents) -> Spans:
        rows.append(len(documents))
        if len(rows) == 2:
            raise KeyboardInterrupt
        return split(work, documents)

    monkeypatch.setattr(chunk, "_split", die_once)
    (task,) = [task for task in tasks if task.step is CHUNK]
    with pytest.raises(KeyboardInterrupt):
        do(tmp_path, [task], registry)
    folder = do(tmp_path, [task], registry).entry(task)
    documents = count_documents(Store(tmp_path).open("prepare", task.inputs["prepare"][0].address).folder)
    assert len(rows) == 1 + -(-documents // 17) and sum(rows) == documents + rows[1]
    assert len(np.unique(load_spans(folder).document)) == documents


def test_documents_of_a_large_corpus_wait_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"id": pl.String(), "text": pl.String(), "section_starts": pl.List(pl.Int32)}
    batches = [
        pl.DataFrame({"id": [f"{row}"], "text": ["\u00e9" * row], "section_starts": [[row]]}, schema=schema)
        for row in range(9)
    ]
    # Sections of some have names.
    batches[4] = batches[4].with_columns(section_names=pl.Series([["one"]]))

    def write(name: str) -> Path:
        buffer, folder = DocumentBuffer(tmp_path / "buffer", pl.Schema(schema)), tmp_path / name
        folder.mkdir()
        for batch in batches:
            buffer.add(batch)
        assert buffer.outline()["length"].to_list() == [*range(9)]
        assert buffer.whole()["id"].to_list() == [str(row) for row in range(9)]
        buffer.write(folder)
        buffer.close()
        return folder

    monkeypatch.setattr(pieces, "DOCUMENTS", 100)
    held = write("held")
    assert [path.name for path in held.iterdir()] == ["documents.parquet"]
    monkeypatch.setattr(pieces, "TEXT_BYTES", 10)
    monkeypatch.setattr(documents, "_FILE_SIZE", 6)
    spilled = write("spilled")
    assert not (tmp_path / "buffer").exists()
    assert pl.read_parquet(spilled / "documents.parquet").equals(pl.read_parquet(held / "documents.parquet"))
    assert list(MappedTexts(spilled)) == ["\u00e9" * row for row in range(9)]


def test_joined_arrays_are_those_of_one_file(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.int32).reshape(3, 8)
    write_array(tmp_path / "whole.npy", array)
    for number, part in enumerate((array[:, :3], array[:, 3:3], array[:, 3:])):
        write_array(tmp_path / f"{number}.npy", part)
    join_arrays(tmp_path / "joined.npy", [tmp_path / f"{number}.npy" for number in range(3)], axis=1)
    assert (tmp_path / "joined.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert read_array(tmp_path / "joined.npy").tolist() == array.tolist()


def test_mapped_texts_are_the_texts(tmp_path: Path) -> None:
    texts = ["one", "", "zwei \U0001f600", "trois\n", "é"]
    write_texts(tmp_path, [pl.Series(texts[:2]), pl.Series(texts[2:])])
    mapped = MappedTexts(tmp_path)
    assert list(mapped) == texts == mapped[:] and len(mapped) == 5
    assert mapped[-1] == "é" and mapped[1:4:2] == texts[1:4:2]
    with pytest.raises(IndexError):
        mapped[5]
