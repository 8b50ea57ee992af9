"""What the dataset yields, and that nothing which gives the answer away gets in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtally.api import Choice, DataError, Dataset, Fetchable
from ragtally.registry import Registry
from sample_pubmedqa import (
    FILES,
    SENTINEL,
    build,
    labeled_records,
    read_all,
    record,
    write,
    write_parquet,
)


def test_a_document_is_the_context_and_its_sections_are_the_evidence(folder: Path) -> None:
    batch = read_all()
    assert list(batch.documents.id) == list(batch.questions.id) == ["100", "101", "102", "103", "104", "105"]
    assert batch.documents.text[1] == "Background 1.\nMethods of 1 ü.\nResults."
    assert batch.questions.text[1] == "Does drug 1 help?"
    for row, text in enumerate(batch.documents.text):
        starts, ends = batch.documents.section_starts[row], batch.documents.section_ends[row]
        sections = labeled_records()[batch.documents.id[row]]["CONTEXTS"]
        assert [text[start:end] for start, end in zip(starts, ends, strict=True)] == sections
        of_question = [
            (batch.evidence.document[i], batch.evidence.start[i], batch.evidence.end[i])
            for i in range(len(batch.evidence))
            if batch.evidence.question[i] == batch.questions.id[row]
        ]
        assert of_question == [(batch.documents.id[row], s, e) for s, e in zip(starts, ends, strict=True)]


def test_splits_and_labels_are_as_published(folder: Path) -> None:
    batch = read_all()
    assert list(batch.questions.split) == ["train", "test", "train", "test", "train", "train"]
    assert list(batch.questions.label) == ["yes", "no", "maybe", "yes", "no", "maybe"]
    assert build().splits == ("train", "test")
    assert build().answers == ("yes", "no", "maybe")


def test_the_dataset_keeps_its_contracts(folder: Path, registry: Registry) -> None:
    choice = Choice("dataset", "pubmedqa", {"subset": "labeled", "path": None, "split": None, "answers": None})
    dataset = registry.build(choice)
    assert isinstance(dataset, Dataset)
    assert isinstance(dataset, Fetchable)
    assert dataset.folder_name == "pubmedqa"
    assert [remote.name for remote in dataset.remote_files] == ["ori_pqal.json", "test_ground_truth.json"]
    assert all(r.url.startswith("https://raw.githubusercontent.com/pubmedqa/") for r in dataset.remote_files)
    assert registry.identity(choice)["parameters"] == {"subset": "labeled"}


@pytest.mark.parametrize("subset", ["artificial", "unlabeled"])
def test_building_touches_no_file_and_the_big_subsets_are_not_fetched(subset: str) -> None:
    dataset = build(subset, "nowhere")
    assert isinstance(dataset, Fetchable)
    assert dataset.remote_files == ()


def test_artificial_has_two_answers_and_one_split(workspace: Path) -> None:
    path = write(workspace / FILES["artificial"], {"1": record(1), "2": record(2, "no")})
    batch = read_all("artificial", path)
    assert list(batch.questions.label) == ["yes", "no"]
    assert set(batch.questions.split) == {"train"}
    assert (build("artificial").answers, build("artificial").splits) == (("yes", "no"), ("train",))


def test_unlabeled_has_no_labels(workspace: Path) -> None:
    without = record(1)
    del without["final_decision"]
    path = write(workspace / FILES["unlabeled"], {"1": without, "2": record(2, "perhaps")})
    batch = read_all("unlabeled", path)
    assert list(batch.questions.label) == [None, None]
    assert build("unlabeled").splits == ("train",)
    assert [build(subset).labelled for subset in FILES] == [True, True, False]


@pytest.mark.parametrize(
    ("subset", "form"),
    [
        ("labeled", "json"),
        ("artificial", "json"),
        ("artificial", "parquet"),
        ("unlabeled", "json"),
        ("unlabeled", "parquet"),
    ],
)
def test_nothing_that_gives_the_answer_away_gets_in(subset: str, form: str, workspace: Path) -> None:
    records = {"1": record(1), "2": record(2, "no")}
    for planted in records.values():
        planted["reasoning_required_pred"] = planted["reasoning_free_pred"] = SENTINEL
    if form == "json":
        write(workspace / FILES[subset], records)
        write(workspace / "test_ground_truth.json", {"2": "no"})
    else:
        write_parquet(workspace / f"pqa_{subset}" / "train-00000-of-00001.parquet", records)
    batch = read_all(subset, workspace)
    assert len(batch.documents) == 2
    assert SENTINEL in json.dumps(records)
    assert SENTINEL not in repr(batch)


def test_an_empty_section_keeps_its_newline_but_has_no_span(workspace: Path) -> None:
    path = write(workspace / FILES["unlabeled"], {"1": {"QUESTION": "Q?", "CONTEXTS": ["", "One.", "", "Two."]}})
    batch = read_all("unlabeled", path)
    assert batch.documents.text[0] == "\nOne.\n\nTwo."
    spans = zip(batch.evidence.start, batch.evidence.end, strict=True)
    assert [batch.documents.text[0][start:end] for start, end in spans] == ["One.", "Two."]
    assert [list(s) for s in batch.documents.section_starts] == [list(batch.evidence.start)]


def test_batches_are_pieces_in_the_files_order_every_time(workspace: Path) -> None:
    path = write(workspace / FILES["artificial"], {str(n): record(n) for n in range(1, 5_001)})
    dataset = build("artificial", path)
    first, second = [list(dataset.batches()) for _ in range(2)]
    assert [i for batch in first for i in batch.questions.id] == [str(n) for n in range(1, 5_001)]
    assert first == second
    assert max(len(batch.questions) for batch in first) < 5_000


def test_a_big_file_is_streamed(workspace: Path) -> None:
    path = write(workspace / FILES["artificial"], {str(n): record(n) for n in range(1, 5_001)})
    path.write_bytes(path.read_bytes()[:-1_000])
    batches = build("artificial", path).batches()
    assert next(batches).questions.id[0] == "1"  # comes before the damaged end is seen
    with pytest.raises(DataError, match="cut off"):
        list(batches)
