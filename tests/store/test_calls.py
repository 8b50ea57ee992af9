"""What is recorded is found, the first reply stays, failures never win, and nothing that was paid is refused."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ragtally.api import Call, CallError, Reply, StoreError
from ragtally.store.calls import FILE_NAME, CallAbout, CallStore, FailedCall
from ragtally.store.database import LOCK_NAME
from sample_calls import BIG, SMALL, sample_call, sample_calls, sample_reply

UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / FILE_NAME


@pytest.fixture
def store(path: Path) -> CallStore:
    with CallStore(path) as made:
        yield made


def column(path: Path, name: str) -> list[object]:
    """Read a column as another program would."""
    connection = sqlite3.connect(path)
    values = [value for (value,) in connection.execute(f"SELECT {name} FROM calls ORDER BY key")]
    connection.close()
    return values


def test_looking_into_a_store_that_is_not_there_makes_nothing(store: CallStore, path: Path) -> None:
    assert store.replies_to(["r1:0"]) == {}
    assert store.keys_without_reply(["r1:1", "r1:0", "r1:1"]) == ["r1:1", "r1:0"]
    assert store.failures(["r1:0"]) == {}
    assert store.spent() == ()
    assert store.failure_counts() == ()
    assert not path.parent.exists()


def test_a_store_that_another_process_makes_later_is_found(store: CallStore, path: Path) -> None:
    call = sample_call(1)
    assert store.replies_to([call.key]) == {}
    with CallStore(path) as other:
        other.record(call, sample_reply(), BIG, None)
    assert store.replies_to([call.key]) == {call.key: sample_reply()}


@pytest.mark.parametrize(
    "reply",
    [
        sample_reply(),
        sample_reply("", finish_reason="length"),
        sample_reply(finish_reason=None, input_tokens=None, output_tokens=None, served_by=None),
        sample_reply(tokens_estimated=True, seconds=1e-7),
        sample_reply("two\nlines\r\n\ttab, \x00 NUL, \x85 \u2028 breaks, \ufeff mark, \U0001f9ea tube, e\u0301"),
    ],
    ids=["whole", "empty", "unknown", "estimated", "odd characters"],
)
def test_a_reply_comes_back_as_it_was(store: CallStore, path: Path, reply: Reply) -> None:
    call = sample_call(1)
    assert store.record(call, reply, BIG, 0.25)
    assert store.replies_to([call.key]) == {call.key: reply}
    with CallStore(path) as later:
        assert later.replies_to([call.key]) == {call.key: reply}


def test_the_first_reply_stays(store: CallStore, path: Path) -> None:
    call = sample_call(1)
    assert store.record(call, sample_reply("yes"), BIG, 0.5) is True
    assert store.record(call, sample_reply("no"), BIG, 0.7) is False
    with CallStore(path) as other:
        assert other.record(call, sample_reply("maybe"), BIG, None) is False
    assert store.replies_to([call.key])[call.key].text == "yes"
    assert store.spent()[0].dollars == 0.5


def test_replies_are_looked_up_in_the_order_asked(store: CallStore) -> None:
    calls = sample_calls(1203)
    for number, call in enumerate(calls[:1200]):
        store.record(call, sample_reply(str(number)), BIG, None)
    asked = [call.key for call in reversed(calls)]
    found = store.replies_to([*asked, asked[5]])
    assert list(found) == asked[3:]
    assert [reply.text for reply in found.values()] == [str(number) for number in reversed(range(1200))]
    assert store.keys_without_reply([*asked, asked[0]]) == asked[:3]


def test_a_reply_is_on_disk_when_record_returns(store: CallStore, path: Path) -> None:
    for number, call in enumerate(sample_calls(3), start=1):
        store.record(call, sample_reply(), BIG, None)
        assert len(column(path, "key")) == number


@pytest.mark.parametrize(
    ("text", "saved"),
    [("half \ud83d pair", "half \ufffd pair"), ("\udc00", "\ufffd"), ("split \ud83e\uddea", "split \U0001f9ea")],
)
def test_half_a_character_costs_no_reply(store: CallStore, text: str, saved: str) -> None:
    call = sample_call(1)
    assert store.record(call, sample_reply(text, served_by=text), BIG, None)
    assert store.replies_to([call.key]) == {call.key: sample_reply(saved, served_by=saved)}


def test_absurd_numbers_cost_no_reply(store: CallStore) -> None:
    call = sample_call(1)
    assert store.record(call, sample_reply(input_tokens=2**70, output_tokens=-(2**70)), BIG, math.inf)
    assert store.replies_to([call.key]) == {call.key: sample_reply(input_tokens=None, output_tokens=None)}
    assert store.spent()[0].dollars is None


def test_a_row_that_cannot_be_saved_is_an_error_and_not_dropped(store: CallStore) -> None:
    with pytest.raises(StoreError, match="NOT NULL"):
        store.record(sample_call(1), sample_reply(seconds=None), BIG, None)


def test_parameters_that_have_no_canonical_form_are_refused_before_anything_is_paid() -> None:
    with pytest.raises(ValueError, match="nan"):
        CallAbout("groq", "big", {"temperature": math.nan})


def failed(reason: str, message: str = "it broke", status: int | None = None) -> CallError:
    return CallError(message, reason=reason, status=status)  # type: ignore[arg-type]


def test_what_an_answer_was_held_to_is_written_beside_it_in_its_order(store: CallStore, path: Path) -> None:
    schema = {"type": "object", "properties": {"explanation": {"type": "string"}, "answer": {"enum": ["yes"]}}}
    for number, held in ((1, None), (2, schema)):
        store.record(replace(sample_call(number), schema=held), sample_reply(), SMALL, 0.0)
    plain, constrained = (json.loads(text) for text in sorted(map(str, column(path, "parameters")), key=len))
    assert plain == SMALL.parameters
    written = json.loads(constrained.pop("schema"))
    assert written == schema and constrained == plain
    assert list(written["properties"]) == ["explanation", "answer"]


def test_failures_are_counted_and_the_last_one_told(store: CallStore) -> None:
    one, two, three = sample_calls(3)
    for number in range(2):
        store.record_attempt(one, failed("server", f"try {number}", 500 + number), 0.5)
    store.record_attempt(two, failed("timeout", "too slow"), 120.0)
    found = store.failures([two.key, three.key, one.key])
    assert list(found) == [two.key, one.key]
    assert found[one.key] == FailedCall(found[one.key].at, "server", 501, "try 1", 2)
    assert found[two.key] == FailedCall(found[two.key].at, "timeout", None, "too slow", 1)
    assert UTC_TIME.fullmatch(found[one.key].at)
    assert store.replies_to([one.key, two.key]) == {}
    assert store.keys_without_reply([one.key]) == [one.key]


@pytest.mark.parametrize("order", ["failure first", "reply first"])
def test_a_failure_never_wins(store: CallStore, order: str) -> None:
    call = sample_call(1)
    steps = [
        lambda: store.record_attempt(call, failed("rate limit", status=429), 0.1),
        lambda: store.record(call, sample_reply(), BIG, None),
    ]
    for step in steps if order == "failure first" else reversed(steps):
        step()
    assert store.replies_to([call.key]) == {call.key: sample_reply()}
    assert store.failures([call.key]) == {}


def test_failed_attempts_are_counted_by_reason(store: CallStore) -> None:
    one, two, three = sample_calls(3)
    for call in (one, one, two, three):
        store.record_attempt(call, failed("rate limit"), 0.1)
    store.record_attempt(one, failed("timeout"), 0.1)
    store.record(two, sample_reply(), BIG, None)
    rows = [(row.reason, row.attempts, row.calls, row.without_reply) for row in store.failure_counts()]
    assert rows == [("rate limit", 4, 3, 2), ("timeout", 1, 1, 1)]


def test_a_key_that_a_provider_repeats_is_blotted_out(store: CallStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADE_UP_API_KEY", "sk-made-up-0123456789")
    call = sample_call(1)
    store.record_attempt(call, failed("authentication", "wrong key: sk-made-up-0123456789", 401), 0.1)
    assert store.failures([call.key])[call.key].message == "wrong key: $MADE_UP_API_KEY"


def test_what_was_paid_is_summed_by_model_and_purpose(store: CallStore) -> None:
    def paid(call: Call, about: CallAbout, dollars: float | None, **changes: object) -> None:
        store.record(call, sample_reply(**changes), about, dollars)

    paid(sample_call(1, "label"), SMALL, None, input_tokens=None, output_tokens=None)
    paid(sample_call(1), BIG, 0.25, input_tokens=10, output_tokens=1)
    paid(sample_call(2), BIG, 0.5, input_tokens=20, output_tokens=None, tokens_estimated=True)
    paid(sample_call(3), BIG, None, input_tokens=30, output_tokens=3, seconds=1.5)
    big, small = store.spent()
    assert (big.provider, big.model, big.purpose, big.calls) == ("groq", "openai/gpt-oss-20b", "measure", 3)
    assert (big.input_tokens, big.calls_without_input_tokens) == (60, 0)
    assert (big.output_tokens, big.calls_without_output_tokens) == (4, 1)
    assert big.calls_with_estimated_tokens == 1
    assert (big.dollars, big.calls_without_price) == (0.75, 1)
    assert big.seconds == 2.0
    assert big.first_at <= big.last_at
    assert (small.provider, small.purpose, small.calls) == ("ollama_chat", "label", 1)
    assert (small.input_tokens, small.calls_without_input_tokens) == (None, 1)
    assert (small.dollars, small.calls_without_price) == (None, 1)


def test_a_store_that_was_closed_opens_again(store: CallStore) -> None:
    one, two = sample_calls(2)
    store.record(one, sample_reply(), BIG, None)
    store.close()
    store.close()
    store.record(two, sample_reply(), BIG, None)
    assert len(store.replies_to([one.key, two.key])) == 2


def test_the_log_is_tidied_away_when_the_last_one_closes(store: CallStore, path: Path) -> None:
    store.record(sample_call(1), sample_reply(), BIG, None)
    assert path.with_name(f"{FILE_NAME}-wal").exists()
    store.close()
    assert {file.name for file in path.parent.iterdir()} == {FILE_NAME, LOCK_NAME}


def test_a_store_belongs_to_one_thread(store: CallStore) -> None:
    store.record(sample_call(1), sample_reply(), BIG, None)
    errors = []

    def elsewhere() -> None:
        try:
            store.spent()
        except StoreError as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_a_store_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made") as caught:
        CallStore(tmp_path / "file" / FILE_NAME).record(sample_call(1), sample_reply(), BIG, None)
    assert caught.value.hint and "RAGTALLY_STORE" in caught.value.hint


def test_a_folder_in_the_place_of_the_file_is_an_error(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="unable to open") as caught:
        CallStore(path).replies_to(["r1:0"])
    assert caught.value.hint and "chmod" in caught.value.hint


def test_a_full_disk_is_for_the_user_to_mend(store: CallStore) -> None:
    calls = sample_calls(50)
    store.record(calls[0], sample_reply(), BIG, None)
    store.database.writing().execute("PRAGMA max_page_count = 1")  # SQLite takes the file's present length instead
    with pytest.raises(StoreError, match="full") as caught:
        for call in calls[1:]:
            store.record(call, sample_reply("long " * 1000), BIG, None)
    assert caught.value.hint and "free space" in caught.value.hint
    assert store.replies_to([calls[0].key]) == {calls[0].key: sample_reply()}
