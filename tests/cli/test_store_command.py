"""`ragtally store`: what was paid, is it sound, how it travels, and what can go."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line import SMALL_SPEC, Outcome, Project, in_process
from ragtally.api import CallError
from ragtally.store import Store
from ragtally.store.calls import FILE_NAME, CallStore
from sample_calls import BIG, SMALL, sample_call, sample_calls, sample_reply

SECRET = "sk-made-up-0123456789abcdef"
Ragtally = Callable[..., Outcome]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def ragtally(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Ragtally:
    """Run the command line in this process, with a store and a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAGTALLY_STORE", str(root))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("MADE_UP_API_KEY", SECRET)
    return lambda *words: in_process(tmp_path, "store", *words)


@pytest.fixture
def calls(ragtally: Ragtally, root: Path) -> CallStore:
    """A store with calls of two models, of which one has no price, and failures, of which one repeats a key."""
    with CallStore(root / FILE_NAME) as store:
        for call in sample_calls(3):
            store.record(call, sample_reply(), BIG, 0.5)
        store.record(sample_call("unpriced"), sample_reply(tokens_estimated=True), BIG, None)
        store.record(sample_call("local", "label"), sample_reply(input_tokens=None, output_tokens=None), SMALL, None)
        for message in ("slow down", f"bad key {SECRET}"):
            store.record_attempt(sample_call("failed"), CallError(message, reason="rate limit", status=429), 0.1)
        store.record_attempt(sample_call(0), CallError("too slow", reason="timeout"), 9.0)
        yield store


def row(table: str, word: str) -> str:
    """Take the first line that starts with a word, without its gaps."""
    return next(" ".join(line.split()) for line in table.splitlines() if line.strip().startswith(word))


@pytest.mark.parametrize("words", [(), ("paid",), ("--json",), ("paid", "--json")])
def test_nothing_was_paid_yet(ragtally: Ragtally, root: Path, words: tuple[str, ...]) -> None:
    outcome = ragtally(*words)
    assert outcome.code == 0
    if "--json" in words:
        assert json.loads(outcome.out) == {
                "paid": [], "billed_failures": [], "failed": [], "embedded": [], "open_batches": [], "tunings": []
            }  # fmt: skip
    else:
        assert "no model has been paid yet" in outcome.out
    assert not root.exists()


@pytest.mark.usefixtures("calls")
def test_it_shows_what_was_paid_to_whom_and_what_failed(ragtally: Ragtally) -> None:
    table = ragtally().out
    assert table == ragtally("paid").out
    assert row(table, "groq/").startswith("groq/openai/gpt-oss-20b measure 4 ~480 ~12 $1.50 + unknown 1 1 s 20")
    local = "ollama_chat/llama3.1:8b label 1 unknown unknown unknown 1 0.25 s 20"
    assert row(table, "ollama_chat/").startswith(local)
    assert row(table, "all").startswith("all 5 ~480 + unknown ~12 + unknown $1.50 + unknown 2 1.25 s 20")
    assert "~ includes tokens that were counted here" in table
    assert row(table, "rate limit").startswith("rate limit 2 1 1 20")
    assert row(table, "timeout").startswith("timeout 1 1 0 20")


@pytest.mark.usefixtures("calls")
def test_as_json_it_gives_every_number_and_null_for_unknown(ragtally: Ragtally) -> None:
    outcome = ragtally("--json")
    told = json.loads(outcome.out)
    big, small = told["paid"]
    assert (big["provider"], big["model"], big["purpose"]) == ("groq", "openai/gpt-oss-20b", "measure")
    assert (big["calls"], big["dollars"], big["calls_without_price"]) == (4, 1.5, 1)
    assert (big["input_tokens"], big["calls_with_estimated_tokens"]) == (480, 1)
    assert (small["dollars"], small["input_tokens"], small["calls_without_input_tokens"]) == (None, None, 1)
    assert [each["reason"] for each in told["failed"]] == ["rate limit", "timeout"]


def test_known_prices_are_not_called_unknown(ragtally: Ragtally, root: Path) -> None:
    with CallStore(root / FILE_NAME) as store:
        store.record(sample_call(1), sample_reply(), BIG, 0.0)
    table = ragtally().out
    assert "unknown" not in table
    assert "~" not in table
    assert row(table, "groq/").startswith("groq/openai/gpt-oss-20b measure 1 120 3 $0 0 0.25 s 20")


@pytest.mark.usefixtures("calls")
def test_the_tables_fit_80_columns_and_break_no_number(ragtally: Ragtally, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = ragtally().out
    monkeypatch.setenv("COLUMNS", "80")
    narrow = ragtally().out
    assert max(map(len, narrow.splitlines())) <= 80
    numbers = re.compile(r"[\d.,]*\d\.\d+\b|\d{4}-\d\d-\d\d|~\d+")
    # Columns that do not fit go below, with the models' names again.
    assert set(numbers.findall(narrow)) == set(numbers.findall(wide))


def test_verify_finds_all_sound(ragtally: Ragtally, calls: CallStore, root: Path) -> None:
    with Store(root).write("chunk", sample_call(1).key) as draft:
        (draft.folder / "file.txt").write_text("the work")
    outcome = ragtally("verify")
    assert outcome.code == 0, outcome.err
    assert outcome.out == "calls: 5 sound\nentries: 1 sound of 1\n"


def test_verify_names_damage_sets_entries_aside_and_keeps_calls(
    ragtally: Ragtally, calls: CallStore, root: Path
) -> None:
    store = Store(root)
    for number in (1, 2):
        with store.write("chunk", sample_call(number).key) as draft:
            (draft.folder / "file.txt").write_text("the work")
    (store.folder("chunk", sample_call(2).key) / "file.txt").write_text("changed")
    calls.database.writing().execute("UPDATE calls SET messages = '[' WHERE key = ?", (sample_call(1).key,))
    outcome = ragtally("verify")
    assert outcome.code == 2
    assert outcome.out == "calls: 4 sound\nentries: 1 sound of 2\n"
    assert f"the call '{sample_call(1).key}'" in outcome.err
    assert "export --salvage" in outcome.err
    assert "an entry of the step chunk was damaged; it now lies aside" in outcome.err
    assert not store.complete("chunk", sample_call(2).key)
    assert len(calls.replies_to([sample_call(1).key])) == 1
    again = ragtally("verify")
    assert "entries: 1 sound of 1" in again.out


def test_verify_checks_the_entries_even_where_the_call_store_cannot_be_read(ragtally: Ragtally, root: Path) -> None:
    with Store(root).write("chunk", sample_call(1).key) as draft:
        (draft.folder / "file.txt").write_text("the work")
    (root / FILE_NAME).write_text("no database" * 1000)
    outcome = ragtally("verify")
    assert outcome.code == 2
    assert "entries: 1 sound of 1" in outcome.out
    assert "not a database" in outcome.err
    assert (root / FILE_NAME).read_text() == "no database" * 1000


@pytest.mark.usefixtures("calls")
def test_paid_answers_travel(ragtally: Ragtally, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outcome = ragtally("export", "data/calls.jsonl.gz")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("data/calls.jsonl.gz: 5 calls, ")
    monkeypatch.setenv("RAGTALLY_STORE", str(tmp_path / "another"))
    assert ragtally("import", "data/calls.jsonl.gz").out == "5 new, 0 known, 0 conflicting\n"
    assert ragtally("import", "data/calls.jsonl.gz").out == "0 new, 5 known, 0 conflicting\n"
    there = json.loads(ragtally("--json").out)["paid"]
    monkeypatch.setenv("RAGTALLY_STORE", str(root))
    assert there == json.loads(ragtally("--json").out)["paid"]


@pytest.mark.usefixtures("calls")
def test_a_conflicting_answer_is_counted_and_ours_stays(ragtally: Ragtally, root: Path, tmp_path: Path) -> None:
    ragtally("export", "calls.jsonl")
    file = tmp_path / "calls.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"text":"yes"', b'"text":"no"'))
    outcome = ragtally("import", "calls.jsonl")
    assert outcome.code == 0
    assert outcome.out == "0 new, 0 known, 5 conflicting\n"
    assert "the one that was here first stays" in outcome.err
    with CallStore(root / FILE_NAME) as store:
        assert store.replies_to([sample_call(0).key])[sample_call(0).key].text == "yes"


def test_wrong_lines_are_told_with_their_place(ragtally: Ragtally, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text("what?\n" * 25)
    outcome = ragtally("import", "calls.jsonl")
    assert outcome.code == 2
    assert "error: calls.jsonl:20: this is not JSON" in outcome.err
    assert "calls.jsonl:21" not in outcome.err
    assert "5 more lines are wrong" in outcome.err
    assert ragtally("import", "missing.jsonl").code == 2


@pytest.mark.usefixtures("calls")
def test_a_damaged_call_store_is_exported_only_as_salvage(ragtally: Ragtally, calls: CallStore) -> None:
    calls.database.writing().execute("UPDATE calls SET messages = '[' WHERE key = ?", (sample_call(1).key,))
    outcome = ragtally("export", "calls.jsonl")
    assert outcome.code == 2
    assert "export --salvage calls.jsonl" in outcome.err
    assert not Path("calls.jsonl").exists()
    salvaged = ragtally("export", "--salvage", "calls.jsonl")
    assert salvaged.code == 2
    assert salvaged.out.startswith("calls.jsonl: 4 calls")
    assert "1 places could not be read" in salvaged.err


@pytest.mark.usefixtures("calls")
def test_a_key_of_the_environment_is_in_no_file_and_no_output(ragtally: Ragtally, tmp_path: Path) -> None:
    runs = [("paid",), ("--json",), ("verify",), ("export", "a.jsonl"), ("export", "b.jsonl.gz"), ("gc",)]
    for outcome in (ragtally(*words) for words in runs):
        assert outcome.code == 0, outcome.err
        assert SECRET not in outcome.out + outcome.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {FILE_NAME, f"{FILE_NAME}-wal", "a.jsonl", "b.jsonl.gz"}
    for path in files:
        content = path.read_bytes()
        assert SECRET.encode() not in (gzip.decompress(content) if path.suffix == ".gz" else content)


def test_path_is_the_stores_folder(ragtally: Ragtally, root: Path) -> None:
    assert ragtally("path").out == f"{root}\n"


def test_there_is_no_garbage_at_first(ragtally: Ragtally) -> None:
    assert ragtally("gc").out == "there is no garbage\n"


@pytest.fixture
def finished_store(finished: Project, root: Path, tmp_path: Path) -> Store:
    """A copy of the store of a study that has run."""
    shutil.copytree(finished.folder / "store", root)
    with CallStore(root / FILE_NAME) as calls:
        calls.record(sample_call(1), sample_reply(), BIG, 0.5)
    (tmp_path / "small.yaml").write_text(SMALL_SPEC)
    return Store(root)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_gc_keeps_all_that_a_spec_needs(ragtally: Ragtally, finished_store: Store) -> None:
    before = files(finished_store.root)
    assert ragtally("gc").out == "there is no garbage\n"
    assert ragtally("gc", "--keep", "small.yaml", "--yes").out == "there is no garbage\n"
    assert files(finished_store.root) == before


def test_gc_lists_what_no_spec_needs_and_removes_it_only_when_told(
    ragtally: Ragtally, finished_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "smaller.yaml").write_text(SMALL_SPEC.replace("size: [40, 80]", "size: 40"))
    before = files(finished_store.root)
    listed = ragtally("gc", "--keep", "smaller.yaml")
    assert listed.code == 0, listed.err
    assert "chunk: no spec given needs it" in listed.out
    assert "nothing was removed; --yes removes" in listed.out
    assert files(finished_store.root) == before
    assert ragtally("gc", "--keep", "smaller.yaml", "--keep", "small.yaml").out == "there is no garbage\n"
    removed = ragtally("gc", "--keep", "smaller.yaml", "--yes")
    assert removed.out.splitlines()[:-1] == listed.out.splitlines()[:-1]
    assert removed.out.splitlines()[-1].startswith("removed ")
    after = files(finished_store.root)
    assert after.items() < before.items()
    assert FILE_NAME in after
    size = int(removed.out.split(", ")[-1].split()[0].replace(",", ""))
    assert size == sum(len(before[name]) for name in before.keys() - after.keys())
    assert ragtally("gc", "--keep", "smaller.yaml").out == "there is no garbage\n"


def test_gc_with_a_spec_that_is_wrong_removes_nothing(
    ragtally: Ragtally, finished_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "wrong.yaml").write_text(SMALL_SPEC.replace("bm25", "bm52"))
    before = files(finished_store.root)
    outcome = ragtally("gc", "--keep", "small.yaml", "--keep", "wrong.yaml", "--yes")
    assert outcome.code == 2
    assert "did you mean 'bm25'?" in outcome.err
    assert files(finished_store.root) == before


def test_finished_work_goes_to_a_shared_store_and_comes_from_it(
    ragtally: Ragtally, finished_store: Store, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    entries = len(list(finished_store.root.glob("*/r1/*/*/entry.json")))
    assert ragtally("push", "small.yaml", "--shared-store", str(share)).out == f"{share}: {entries} entries added\n"
    assert ragtally("push", "small.yaml", "--shared-store", str(share)).out == f"{share}: 0 entries added\n"
    before = files(finished_store.root)
    for step in ("chunk", "score"):
        shutil.rmtree(finished_store.root / step)
    outcome = ragtally("pull", "small.yaml", "--shared-store", str(share))
    assert outcome.code == 0 and outcome.out.startswith(f"{finished_store.root}: "), outcome.err
    assert files(finished_store.root) == before


def test_a_shared_store_that_nobody_names_or_that_holds_a_password_is_an_error(ragtally: Ragtally) -> None:
    outcome = ragtally("push", "small.yaml", "--shared-store", "none")
    assert outcome.code == 2 and "no shared store is named" in outcome.err and "RAGTALLY_SHARED_STORE" in outcome.err
    outcome = ragtally("pull", "small.yaml", "--shared-store", "s3://me:hunter22hunter22@bucket")
    assert outcome.code == 2 and "holds no keys" in outcome.err and "hunter22" not in outcome.err
