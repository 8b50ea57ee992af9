"""Paid answers travel: what is exported is imported whole, once, and never in the place of another answer."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import string
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import Call, DataError, Message, Reply, StoreError
from ragtally.store.calls import CALL_COLUMNS, FILE_NAME, CallAbout, CallStore
from ragtally.store.calls_salvage import all_calls
from ragtally.store.calls_transfer import ImportSummary, export_calls, import_calls
from sample_calls import BIG, sample_call, sample_calls, sample_reply

MakeStore = Callable[..., CallStore]


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """Make stores, each of its own folder, holding calls."""
    folders = itertools.count()
    made: list[CallStore] = []

    def make(calls: Sequence[Call] = (), text: str = "yes") -> CallStore:
        store = CallStore(tmp_path / f"store {next(folders)}" / FILE_NAME)
        for call in calls:
            store.record(call, sample_reply(text), BIG, 0.25)
        made.append(store)
        return store

    yield make
    for store in made:
        store.close()


def exported(store: CallStore, path: Path) -> bytes:
    export_calls(store, path)
    return path.read_bytes()


def counts(report: ImportSummary) -> tuple[int, int, int, int]:
    return report.new, report.duplicates, report.conflicting, report.wrong_lines


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
numbers = st.none() | st.integers(0, 2**63 - 1)
replies = st.builds(
    Reply,
    text=texts,
    finish_reason=st.none() | texts,
    input_tokens=numbers,
    output_tokens=numbers,
    tokens_estimated=st.booleans(),
    seconds=st.floats(0, 1e6),
    served_by=st.none() | texts,
)
prompts = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), texts), max_size=3).map(tuple)
calls = st.builds(
    Call,
    key=st.text("0123456789abcdef", min_size=40, max_size=40).map("r1:{}".format),
    messages=prompts,
    purpose=st.sampled_from(["label", "measure"]),
    vote=st.integers(0, 99),
    seed=st.none() | st.integers(0, 2**32),
)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
parameters = st.dictionaries(texts, values | st.dictionaries(texts, values, max_size=2), max_size=3)
abouts = st.builds(CallAbout, texts, texts, parameters)
paid = st.lists(
    st.tuples(calls, replies, abouts, st.none() | st.floats(0, 100)), max_size=5, unique_by=lambda each: each[0].key
)


@settings(max_examples=60, deadline=None)
@given(paid=paid, suffix=st.sampled_from(["jsonl", "jsonl.gz"]))
def test_an_export_holds_all_and_comes_back_whole(
    tmp_path_factory: pytest.TempPathFactory, paid: list[tuple[Call, Reply, CallAbout, float | None]], suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    with CallStore(folder / "a" / FILE_NAME) as one, CallStore(folder / "b" / FILE_NAME) as other:
        for call, reply, about, dollars in paid:
            one.record(call, reply, about, dollars)
        first = exported(one, folder / f"one.{suffix}")
        assert counts(import_calls(other, folder / f"one.{suffix}")) == (len(paid), 0, 0, 0)
        assert other.replies_to([call.key for call, *_ in paid]) == {call.key: reply for call, reply, *_ in paid}
        assert list(all_calls(other)) == list(all_calls(one))
        assert other.spent() == one.spent()
        assert exported(other, folder / f"other.{suffix}") == first
        plain = gzip.decompress(first) if suffix.endswith("gz") else first
        assert plain.count(b"\n") == len(paid)


def test_a_line_is_json_with_every_field(make_store: MakeStore, tmp_path: Path) -> None:
    call = sample_call(1, "label", 2)
    (line,) = exported(make_store([call]), tmp_path / "calls.jsonl").splitlines()
    told = json.loads(line)
    assert list(told) == [name for name in CALL_COLUMNS if name != "cached_tokens"], (
        "which is there where it is known"
    )
    finished_at = told.pop("finished_at")
    assert finished_at.endswith("Z")
    assert told == {
        "key": call.key,
        "provider": "groq",
        "model": "openai/gpt-oss-20b",
        "purpose": "label",
        "vote": 2,
        "seed": 1002,
        "text": "yes",
        "finish_reason": "stop",
        "input_tokens": 120,
        "output_tokens": 3,
        "tokens_estimated": False,
        "seconds": 0.25,
        "served_by": "gpt-oss-20b-0805",
        "dollars": 0.25,
        "parameters": {"name": "litellm", "parameters": {"max_tokens": 9, "temperature": 0.7}},
        "messages": [
            {"role": "system", "content": "Answer yes, no or maybe."},
            {"role": "user", "content": "Does drug 1 work?"},
        ],
    }


def test_an_export_is_sorted_and_compressing_it_twice_gives_the_same_bytes(
    make_store: MakeStore, tmp_path: Path
) -> None:
    store = make_store(sample_calls(1000))
    plain = exported(store, tmp_path / "calls.jsonl")
    keys = [json.loads(line)["key"] for line in plain.splitlines()]
    assert keys == sorted(keys)
    first, second = exported(store, tmp_path / "a.jsonl.gz"), exported(store, tmp_path / "b.jsonl.gz")
    assert first == second
    assert gzip.decompress(first) == plain


def test_an_empty_store_exports_an_empty_file_and_stays_away(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    assert exported(store, tmp_path / "calls.jsonl") == b""
    assert gzip.decompress(exported(store, tmp_path / "calls.jsonl.gz")) == b""
    assert counts(import_calls(store, tmp_path / "calls.jsonl.gz")) == (0, 0, 0, 0)
    assert not store.database.path.exists()


def test_importing_twice_changes_nothing(make_store: MakeStore, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl.gz"
    exported(make_store(sample_calls(900)), file)
    store = make_store()
    assert counts(import_calls(store, file)) == (900, 0, 0, 0)
    before = list(all_calls(store))
    assert counts(import_calls(store, file)) == (0, 900, 0, 0)
    assert list(all_calls(store)) == before


@pytest.mark.parametrize("seed", range(3))
def test_stores_that_agree_merge_in_either_order(make_store: MakeStore, tmp_path: Path, seed: int) -> None:
    everything, draw = sample_calls(60), random.Random(seed)
    source = tmp_path / "source.jsonl"
    lines = exported(make_store(everything), source).splitlines(keepends=True)
    files = []
    for name in "ab":
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_bytes(b"".join(draw.sample(lines, 40)))
    merged = []
    for order in (files, files[::-1]):
        store = make_store()
        reports = [import_calls(store, file) for file in order]
        assert sum(report.new for report in reports) == len(list(all_calls(store)))
        assert all(report.conflicting == 0 for report in reports)
        merged.append(exported(store, tmp_path / "merged.jsonl"))
    assert merged[0] == merged[1]


def test_the_answer_that_was_here_first_stays(make_store: MakeStore, tmp_path: Path) -> None:
    here, there = sample_calls(5), sample_calls(9)
    file = tmp_path / "calls.jsonl"
    export_calls(make_store(there, "no"), file)
    store = make_store(here, "yes")
    assert counts(import_calls(store, file)) == (4, 0, 5, 0)
    found = store.replies_to([call.key for call in there])
    assert [reply.text for reply in found.values()] == ["yes"] * 5 + ["no"] * 4


def test_the_same_answer_paid_twice_is_known_and_costs_what_it_cost_here(
    make_store: MakeStore, tmp_path: Path
) -> None:
    call, file = sample_call(1), tmp_path / "calls.jsonl"
    other = make_store()
    other.record(call, sample_reply(seconds=9.0, served_by="another"), BIG, 7.0)
    export_calls(other, file)
    store = make_store([call])
    assert counts(import_calls(store, file)) == (0, 1, 0, 0)
    assert store.spent()[0].dollars == 0.25


def test_a_call_that_is_twice_in_a_file_is_imported_once(make_store: MakeStore, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    content = exported(make_store(sample_calls(1), "yes"), file)
    file.write_bytes(content + content + content.replace(b'"text":"yes"', b'"text":"no"'))
    store = make_store()
    assert counts(import_calls(store, file)) == (1, 1, 1, 0)
    assert store.replies_to([sample_call(0).key])[sample_call(0).key].text == "yes"


def change(field: str, value: str) -> Callable[[dict[str, object]], bytes]:
    """Write a line with one field's value replaced by JSON."""

    def changed(told: dict[str, object]) -> bytes:
        return json.dumps(told | {field: "@"}).replace('"@"', value).encode()

    return changed


WRONG = {
    "half a line": (lambda told: json.dumps(told).encode()[:90], "not JSON"),
    "no JSON": (lambda told: b"key,text", "not JSON"),
    "no UTF-8": (lambda told: b'{"key": "\xff"}', "not UTF-8: invalid start byte at byte 10"),
    "a list": (lambda told: b"[]", "no JSON object"),
    "deep": (lambda told: b"[" * 100_000, "nested too deeply"),
    "a field less": (lambda told: b'{"key": "r1:0"}', "no field 'provider'"),
    "a field more": (lambda told: json.dumps(told | {"api_key": "x"}).encode(), "unknown field 'api_key'"),
    "another key": (change("key", '"0123"'), "key must be"),
    "a number as text": (change("text", "1"), "text must be text"),
    "an unknown purpose": (change("purpose", '"train"'), "purpose must be one of label, measure"),
    "a vote below 0": (change("vote", "-1"), "vote must be an index from 0"),
    "a yes for a vote": (change("vote", "true"), "vote must be"),
    "NaN seconds": (change("seconds", "NaN"), "NaN is no JSON number"),
    "endless seconds": (change("seconds", "1e999"), "seconds must be a number"),
    "endless parameters": (change("parameters", '{"a": 1e999}'), "no canonical form"),
    "huge tokens": (change("input_tokens", str(2**63)), "input_tokens must be an integer"),
    "dollars as text": (change("dollars", '"1"'), "dollars must be a number or null"),
    "a local time": (change("finished_at", '"2026-01-01 12:00"'), "finished_at must be a time"),
    "no such day": (change("finished_at", '"2026-02-30T12:00:00Z"'), "finished_at must be a time"),
    "an unknown role": (change("messages", '[{"role": "tool", "content": ""}]'), "messages must be"),
    "half a character": (change("text", r'"\ud83d"'), "half of a surrogate pair"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_line_is_named_and_the_others_are_imported(
    make_store: MakeStore, tmp_path: Path, line: Callable[[dict[str, object]], bytes], message: str
) -> None:
    file = tmp_path / "calls.jsonl"
    first, second, third = exported(make_store(sample_calls(3)), file).splitlines()
    file.write_bytes(b"\n".join([first, line(json.loads(second)), b"", third]))
    store = make_store()
    report = import_calls(store, file)
    assert counts(report) == (2, 0, 0, 1)
    (error,) = report.errors
    assert message in error.message
    assert str(error.location) == f"{file}:2"
    assert error.hint == "write the file again: ragtally store export FILE"


def test_a_key_that_stands_for_another_call_is_a_wrong_line(make_store: MakeStore, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    store = make_store(sample_calls(1))
    file.write_bytes(exported(store, file).replace(b"drug 0", b"drug 7"))
    report = import_calls(store, file)
    assert counts(report) == (0, 0, 0, 1)
    assert "stands for another call" in report.errors[0].message


def test_many_wrong_lines_are_counted_and_not_all_told(make_store: MakeStore, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text("what is this\n" * 1000)
    store = make_store()
    report = import_calls(store, file)
    assert report.wrong_lines == 1000
    assert len(report.errors) == 20
    assert not store.database.path.exists()


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    return bytes(byte ^ (index == len(content) // 2) for index, byte in enumerate(content))


def replace(content: bytes) -> bytes:
    return b"key,text\n" * 40


@pytest.mark.parametrize("damage", [cut, flip, replace])
def test_nothing_is_taken_from_a_damaged_compressed_file(
    make_store: MakeStore, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """Damaged bytes can unpack to sound lines with other answers; only the checksum at the end tells."""
    file, draw, other = tmp_path / "calls.jsonl.gz", random.Random(1), make_store()
    for call in sample_calls(900):
        other.record(call, sample_reply("".join(draw.choices(string.ascii_letters, k=400))), BIG, None)
    file.write_bytes(damage(exported(other, file)))
    store = make_store()
    with pytest.raises(DataError, match="cut off or damaged") as caught:
        import_calls(store, file)
    assert caught.value.hint and "nothing of it was imported" in caught.value.hint
    assert not store.database.path.exists()


def test_a_file_that_is_not_there_is_an_error(make_store: MakeStore, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        import_calls(make_store(), tmp_path / "missing.jsonl")


def test_an_export_that_fails_leaves_the_earlier_file(make_store: MakeStore, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text("an earlier one")
    store = make_store(sample_calls(3))
    store.database.writing().execute("UPDATE calls SET messages = 'no JSON' WHERE key = ?", (sample_call(1).key,))
    with pytest.raises(StoreError, match=sample_call(1).key) as caught:
        export_calls(store, file)
    assert caught.value.hint and "--salvage" in caught.value.hint
    assert file.read_text() == "an earlier one"
    assert {path.name for path in tmp_path.iterdir()} == {"calls.jsonl", "store 0"}


@pytest.mark.parametrize("name", [FILE_NAME, f"{FILE_NAME}-wal"])
def test_an_export_does_not_take_the_place_of_the_store(make_store: MakeStore, name: str) -> None:
    store = make_store(sample_calls(1))
    with pytest.raises(StoreError, match="the call store itself"):
        export_calls(store, store.database.path.with_name(name))
    assert store.replies_to([sample_call(0).key])


def test_an_export_into_a_file_is_an_error(make_store: MakeStore, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"):
        export_calls(make_store(sample_calls(1)), tmp_path / "file" / "calls.jsonl")


def test_progress_is_told(make_store: MakeStore, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl.gz"
    written: list[int] = []
    read: list[int] = []
    export_calls(make_store(sample_calls(1000)), file, written.append)
    import_calls(make_store(), file, read.append)
    assert sum(written) == 1000
    assert sum(read) == file.stat().st_size
