"""The files of a dataset, converted in pieces by several processes, give what one process makes of them."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import Conversion, ConversionError, FileDocument, Part
from ragtally.plan import in_order, plan_study
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.steps import PREPARE, Shard, Task, pieces
from ragtally.steps.conversions import Conversions, stored_conversions
from ragtally.store import Store
from ragtally.workspace import Workspace
from ragtally_table.documents import FileConverter
from sample_files import WRITERS, write_folder
from sample_table import write_study
from toy_study import Notes

SPEC = """\
study: files
seed: 3
dataset:
  table:
    questions: {questions}
    documents: {documents}
    columns: {{id: Nr, question: Frage, answer: Antwort, evidence: Beleg, document: Datei, page: Seite, split: Satz}}
    on_unreadable: skip
grid: {{chunker: whole, retriever: bm25, top_k: 1{parser}}}
metrics: [recall@5]
"""


class Elsewhere:
    """Does pieces as a machine does them on which a folder is not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def do(self, task: Task, shards: Sequence[Shard], workspace: Workspace) -> Iterator[Shard]:
        away = self._folder.rename(self._folder.with_name("away"))
        for shard in shards:
            workspace.make_piece(task, shard)
        away.rename(self._folder)
        yield from shards


def prepare(folder: Path, spec: Path, delegate: Any = None) -> tuple[Mapping[str, bytes], Notes]:
    """The files of every `prepare` of a study, which are several where parsers are compared."""
    notes = Notes()
    registry = load_registry()
    workspace = Workspace(Store(folder), registry, notes, delegate=delegate)
    plan = plan_study(load_study(spec, registry), registry)
    tasks = [task for task in in_order([cell.score for cell in plan.cells]) if task.step is PREPARE]
    entries = [workspace.entry(task) for task in tasks]
    return {
        f"{number} {path.name}": path.read_bytes()
        for number, entry in enumerate(entries)
        for path in entry.iterdir()
        if path.name != "entry.json"
    }, notes


def outcome(path: Path, convert: Callable[[Path], Conversion]) -> Any:
    try:
        return json.dumps(dataclasses.asdict(convert(path)))
    except ConversionError as error:
        return error.reason, error.message, error.location, error.hint


@pytest.mark.parametrize("parser", ["", ", parser: [pypdf, plain_text]"])
def test_pieces_give_the_bytes_of_the_whole(tmp_path: Path, parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = write_study(tmp_path, *WRITERS)
    (tmp_path / "docs" / "cut.pdf").write_bytes((tmp_path / "docs" / "agb.pdf").read_bytes()[:400])
    (tmp_path / "docs" / "what.xyz").write_bytes(b"\0")
    spec = tmp_path / "spec.yaml"
    text = SPEC.format(questions=parameters["questions"], documents=parameters["documents"], parser=parser)
    spec.write_text(text, encoding="utf-8")
    whole, notes = prepare(tmp_path / "whole", spec)
    assert set(notes.measured) == {"files"}
    monkeypatch.setattr(pieces, "FILES", 4)
    cut, notes = prepare(tmp_path / "cut", spec)
    assert all(what.startswith("pieces of ") for what in notes.measured)
    assert cut == whole


def test_an_outcome_is_what_the_converter_made(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    (folder / "none.xyz").write_bytes(b"")
    (folder / "cut.json").write_text('{"a": [1,\n 2', encoding="utf-8")
    paths = sorted(folder.iterdir())
    for number in (0, 1):
        (tmp_path / str(number)).mkdir()
        write(tmp_path / str(number), paths[number::2])
    again: list[str] = []

    def convert(path: Path) -> Conversion:
        again.append(path.name)
        return FileConverter([]).convert(path)

    stored = stored_conversions([tmp_path / "0", tmp_path / "1"], convert)
    assert [outcome(path, stored) for path in paths] == [outcome(path, FileConverter([]).convert) for path in paths]
    # Why one cannot be read is found out where it can be told, and may have passed.
    assert again == ["cut.json", "none.xyz"]


def write(folder: Path, paths: Iterable[Path], convert: Callable[[Path], Conversion] | None = None) -> None:
    conversions = Conversions()
    conversions.add(paths, convert or FileConverter([]).convert)
    conversions.write(folder)


def test_what_a_converter_counts_and_names_comes_back(tmp_path: Path) -> None:
    (tmp_path / "chat").write_bytes(b"-")
    people = ("Ada", "Grace")
    parts = (Part("page", "1", np.int64(0), np.int64(3)),)  # type: ignore[arg-type]
    made = Conversion([FileDocument("One", parts, "a")], Counter({"pictures": 2}), people)
    write(tmp_path, [tmp_path / "chat"], lambda path: made)
    back = stored_conversions([tmp_path], lambda path: made)(tmp_path / "chat")
    assert back == Conversion([FileDocument("One", [Part("page", "1", 0, 3)], "a")], {"pictures": 2}, list(people))


@pytest.mark.parametrize("parser", ["", ", parser: [pypdf, plain_text]"])
def test_a_worker_without_the_files_leaves_them_to_the_merge(
    tmp_path: Path, parser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = write_study(tmp_path / "there", *WRITERS)
    spec = tmp_path / "spec.yaml"
    text = SPEC.format(questions=parameters["questions"], documents=parameters["documents"], parser=parser)
    spec.write_text(text, encoding="utf-8")
    whole, _ = prepare(tmp_path / "whole", spec)
    monkeypatch.setattr(pieces, "FILES", 4)
    cut, notes = prepare(tmp_path / "cut", spec, Elsewhere(tmp_path / "there"))
    assert any(what.startswith("pieces of ") for what in notes.measured)
    assert cut == whole


def test_names_that_are_to_be_replaced_do_not_lie_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = write_study(tmp_path, *WRITERS)
    monkeypatch.setattr(pieces, "FILES", 4)
    spec = tmp_path / "spec.yaml"
    text = SPEC.format(questions=parameters["questions"], documents=parameters["documents"], parser="")
    spec.write_text(
        text.replace("dataset:\n  table:", "dataset:\n  table:\n    redact: {emails: true}"), encoding="utf-8"
    )
    _, notes = prepare(tmp_path / "store", spec)
    assert set(notes.measured) == {"files"}


def test_a_file_that_was_missing_or_another_one_is_converted_here(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs", "notiz.txt", "obst.md")
    write(tmp_path, [folder / name for name in ("notiz.txt", "elsewhere.txt", "obst.md")])
    (folder / "elsewhere.txt").write_text("Only here.", encoding="utf-8")
    (folder / "notiz.txt").write_text("Other words than there.", encoding="utf-8")
    seen: list[str] = []

    def convert(path: Path) -> Conversion:
        seen.append(path.name)
        return FileConverter([]).convert(path)

    stored = stored_conversions([tmp_path], convert)
    texts = {path.name: stored(path).documents[0].text for path in sorted(folder.iterdir())}
    assert texts["notiz.txt"] == "Other words than there." and texts["elsewhere.txt"] == "Only here."
    assert seen == ["elsewhere.txt", "notiz.txt"]
