"""From the log of decisions to files that training programs read, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ragtally.curation.curated import final_example
from ragtally.curation.decisions import Decision, ExampleText, decision_cells, text_of
from ragtally.examples.example import OUTCOMES, Example, Turn, row_of
from ragtally.steps import CURATE, EXPORT, SPLIT, Step, Task
from ragtally.store import read_json, write_table
from ragtally.support.training_forms import FORMS, TrainingExample, read_line
from ragtally.tables import load_examples, load_splits
from sample_examples import example
from toy_study import toy_registry
from workbench import Bench

SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
EXAMPLES = [example(number, documents=20) for number in range(60)]
STATUS = ["accepted_by_validators"] * 50 + ["rejected"] * 5 + ["undecided"] * 3 + ["duplicate", "leaks_test_question"]
DOCUMENTS = {"id": [f"d{number}.md" for number in range(20)], "text": [f"w{number} " * 60 for number in range(20)]}


def decide(number: int, choice: str, **others: Any) -> Decision:
    one = EXAMPLES[number]
    values = {"at": "2026-11-28T19:00:00Z", "digest": text_of(one).digest, "person": "ana", "seconds": 6.0, **others}
    return Decision(one.id, choice, **values)  # type: ignore[arg-type]


def edit(number: int, words: str) -> Decision:
    text = text_of(EXAMPLES[number])
    return decide(number, "edit", text=text._replace(turns=(*text.turns[:-1], Turn("assistant", words))))


DECISIONS = [
    decide(0, "reject", reason="wrong"),
    edit(1, "Better."),
    decide(2, "unsure"),
    decide(3, "accept"),
    decide(3, "reject", person="bob"),
    decide(50, "accept", way="bulk", seconds=None),
    decide(58, "accept"),
    decide(4, "accept", digest="0" * 16),
]


class Work:
    """The three steps on examples written by hand."""

    def __init__(self, bench: Bench, examples: Sequence[Example] = EXAMPLES, status: Sequence[str] = STATUS) -> None:
        self.bench = bench
        rows = [
            row_of(one, generator=number % 2, origin="generate")
            | {"status": own, "reasons": [], "duplicate_of": None}
            for number, (one, own) in enumerate(zip(examples, status, strict=True))
        ]
        table = pl.DataFrame(rows, schema=OUTCOMES)
        first = Step("made_examples", 1, lambda work: write_table(work.folder / "examples.parquet", table))
        texts = Step("made_texts", 1, lambda work: write_table(work.folder / "documents.parquet", DOCUMENTS))
        self.examples = bench.factory.task(first, settings={"ids": [one.id for one in examples]})
        self.documents = bench.factory.task(texts)

    def curate(self, decisions: Sequence[Decision] = (), require_expert: bool = False) -> Task:
        cells = [decision_cells(one) for one in decisions]
        settings = {"decisions": cells, "require_expert": require_expert}
        return self.bench.factory.task(CURATE, settings=settings, inputs={"deduplicate": self.examples})

    def split(self, curated: Task, shares: dict[str, float] = SHARES) -> Task:
        settings = {"shares": shares, "near_duplicates": 0.8, "seed": 1}
        inputs = {"curate": curated, "prepare": self.documents}
        return self.bench.factory.task(SPLIT, settings=settings, inputs=inputs)

    def export(self, curated: Task, forms: Sequence[str] = tuple(FORMS)) -> Path:
        settings = {"forms": list(forms), "splits": list(SHARES), "seed": 1, "generators": ["big", "small"]}
        inputs = {"curate": curated, "split": self.split(curated), "prepare": self.documents}
        return self.bench.do(self.bench.factory.task(EXPORT, settings=settings, inputs=inputs)) / "examples"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return Work(Bench(tmp_path_factory.mktemp("export"), toy_registry()))


@pytest.fixture(scope="module")
def curated(work: Work) -> Task:
    return work.curate(DECISIONS)


@pytest.fixture(scope="module")
def folder(work: Work, curated: Task) -> Path:
    return work.export(curated)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_person_decides_over_validators(work: Work, curated: Task) -> None:
    table = load_examples(work.bench.do(curated))
    experts = dict(zip(table["example"], table["expert"], strict=True))
    included = set(table.filter("included")["example"])
    words = ["rejected", "edited", "unsure", "disputed", None, "accepted"]
    for number, word in zip((0, 1, 2, 3, 4, 50), words, strict=True):
        assert experts[EXAMPLES[number].id] == word
        assert (EXAMPLES[number].id in included) == (word in ("edited", "accepted", None))
    assert len(included) == 50 - 3 + 2
    assert final_example(table.row(1, named=True)).turns[-1].text == "Better."
    assert table.row(0, named=True)["expert_reasons"] == ["ana: wrong"]
    content = read_json(work.bench.do(curated) / "curation.json")
    assert content["persons"] == {"ana": 7, "bob": 1}
    assert (content["per_hour"], content["outdated"], content["foreign"]) == (600, 1, 0)
    assert content["disputed"] == [EXAMPLES[3].id]
    assert table.filter(pl.col("one_by_one").not_())["example"].to_list() == [EXAMPLES[50].id]


def test_only_what_a_person_accepted_where_that_is_required(work: Work) -> None:
    table = load_examples(work.bench.do(work.curate(DECISIONS, require_expert=True)))
    assert set(table.filter("included")["example"]) == {EXAMPLES[number].id for number in (1, 50, 58)}


def test_edits_that_make_two_examples_the_same_leave_one(make_bench: Callable[..., Bench]) -> None:
    one = Example(EXAMPLES[0].kind, (Turn("user", "Why?"), Turn("assistant", "So.")))
    other = Example(EXAMPLES[0].kind, (Turn("user", "Why so?"), Turn("assistant", "So.")))
    work = Work(make_bench("same"), [one, other], ["accepted_by_validators"] * 2)
    text = ExampleText(one.turns)
    decision = Decision(other.id, "edit", "ana", "2026-11-28T19:00:00Z", text_of(other).digest, text)
    table = load_examples(work.bench.do(work.curate([decision])))
    assert table["included"].to_list() == [True, False]
    assert table["duplicate_of"].to_list() == [None, one.id]


def test_splits_share_no_document(work: Work, curated: Task) -> None:
    entry = work.bench.do(work.split(curated))
    table = load_splits(entry).join(load_examples(work.bench.do(curated)), on="example")
    assert table.group_by("document").agg(pl.col("split").n_unique())["split"].max() == 1
    assert read_json(entry / "splits.json")["examples"] == dict(table["split"].value_counts().iter_rows())


def test_splits_share_no_near_duplicate(make_bench: Callable[..., Bench]) -> None:
    examples = []
    for number in range(40):
        # Two of ten words each that differ in an eleventh.
        words = [f"w{number // 2}n{word}" for word in range(10)] + [f"x{number}"]
        examples.append(Example(EXAMPLES[0].kind, (Turn("user", " ".join(words)), Turn("assistant", "So."))))
    work = Work(make_bench("near"), examples, ["accepted_by_validators"] * 40)
    table = load_splits(work.bench.do(work.split(work.curate())))
    assert table.group_by("group").agg(pl.col("split").n_unique(), pl.len())["split"].max() == 1
    assert table["group"].n_unique() == 20


@pytest.mark.parametrize("form", FORMS)
def test_an_export_gives_the_same_set_again(work: Work, curated: Task, folder: Path, form: str) -> None:
    table = load_examples(work.bench.do(curated)).join(load_splits(work.bench.do(work.split(curated))), on="example")
    expected = {}
    for row in table.to_dicts():
        one = final_example(row)
        if form != "alpaca" or len([turn for turn in one.turns if turn.role == "user"]) == 1:
            own = (one.input, one.label, *one.source[:1], one.source.start, one.source.end, one.source.location)
            generator = ["big", "small"][row["generator"]]
            expected[row["example"]] = (
                row["split"],
                TrainingExample(row["example"], str(one.kind), one.turns, *own, generator),
            )
    result = {}
    for split in SHARES:
        path = folder / form / f"{split}.jsonl"
        if path.exists():
            sources = path.with_suffix(".sources.jsonl")
            beside = lines(sources) if sources.exists() else [None] * len(lines(path))
            assert pl.read_parquet(path.with_suffix(".parquet")).to_dicts() == lines(path)
            for line, source in zip(lines(path), beside, strict=True):
                one = read_line(line, source)
                result[one.id] = split, one
    assert result == expected
    counts = read_json(folder / "manifest.json")["counts"][form]
    assert sum(own["lines"] for own in counts.values()) == len(expected)
    assert sum(own["no_place"] for own in counts.values()) == len(table) - len(expected)


def test_the_manifest_has_the_hash_of_every_file(folder: Path) -> None:
    manifest = read_json(folder / "manifest.json")
    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert paths == manifest["files"].keys() | {"manifest.json"}
    for name, about in manifest["files"].items():
        assert about["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_what_is_not_included_is_there_with_its_reason(folder: Path) -> None:
    rejected = {line["id"]: line for line in lines(folder / "rejected.jsonl")}
    assert len(rejected) == 60 - 49
    assert rejected[EXAMPLES[0].id]["expert_reasons"] == ["ana: wrong"]
    assert rejected[EXAMPLES[59].id]["status"] == "leaks_test_question"


def test_configurations_name_files_that_are_there(folder: Path) -> None:
    info = read_json(folder / "dataset_info.json")
    assert set(info) == {f"{form}_{split}" for form in FORMS for split in SHARES if FORMS[form].columns}
    for about in info.values():
        first = lines(folder / about["file_name"])[0]
        assert set(about["columns"].values()) <= set(first)
    text = (folder / "axolotl.yaml").read_text().splitlines()
    entries = [json.loads(line.removeprefix("  - ")) for line in text if line.startswith("  - ")]
    assert all((folder / entry["path"]).is_file() for entry in entries)


def test_the_same_decisions_give_the_same_bytes(work: Work, folder: Path, make_bench: Callable[..., Bench]) -> None:
    other = Work(make_bench("again"))
    again = other.export(other.curate(DECISIONS))
    assert (again / "manifest.json").read_bytes() == (folder / "manifest.json").read_bytes()


def test_the_files_load_in_datasets_and_are_trls_formats(folder: Path, tmp_path: Path) -> None:
    reason = "is not installed: pip install datasets trl"
    datasets = pytest.importorskip("datasets", reason=f"datasets {reason}")
    trl = pytest.importorskip("trl.data_utils", reason=f"trl {reason}")
    for form in FORMS:
        for kind, ending in (("json", "jsonl"), ("parquet", "parquet")):
            files = {path.stem: str(path) for path in (folder / form).glob(f"*.{ending}") if "." not in path.stem}
            loaded = datasets.load_dataset(kind, data_files=files, cache_dir=str(tmp_path / form / kind))
            assert {split: len(own) for split, own in loaded.items()} == {
                split: len(lines(folder / form / f"{split}.jsonl")) for split in files
            }
            assert trl.is_conversational(loaded["train"][0]) == (form not in ("alpaca", "sharegpt"))
