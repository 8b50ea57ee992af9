"""The test server fails in the ways that it is told to, and as often."""

from __future__ import annotations

import asyncio
import email.utils
import http.client
import json
import time
from collections import Counter

import pytest

from model_server.caller import (
    CHAT,
    GROQ,
    OLLAMA,
    ask,
    patient_for,
)
from model_server.faults import PASSING, STATUSES, VECTORS
from model_server.fixture import RunningServer


@pytest.mark.parametrize("path", [CHAT, GROQ, OLLAMA])
def test_an_error_status_is_sent_once(server: RunningServer, path: str) -> None:
    server.change(script=list(STATUSES))
    assert [ask(server, path=path).status for _ in STATUSES] == list(STATUSES.values())
    assert ask(server, path=path).status == 200
    counts = server.counts()
    assert counts["by_fault"] == dict.fromkeys(STATUSES, 1)
    assert counts["by_status"] == {str(status): count for status, count in Counter([*STATUSES.values(), 200]).items()}
    assert counts["successful"] == counts["complete"] == 1


def test_retry_after_is_seconds_or_a_date_or_nothing(server: RunningServer) -> None:
    server.change(script=["429_seconds", "429_date", "429_bare", "daily_tokens"], retry_after=2)
    told = [ask(server).headers["Retry-After"] for _ in range(4)]
    assert told[0] == "2"
    assert 1 <= email.utils.parsedate_to_datetime(told[1]).timestamp() - time.time() <= 3
    assert told[2] is None
    assert int(told[3]) > 300


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset", ConnectionResetError),
        ("disconnect", http.client.RemoteDisconnected),
        ("half_body", http.client.IncompleteRead),
        ("hang", TimeoutError),
    ],
)
def test_a_connection_can_fail(server: RunningServer, fault: str, error: type[Exception]) -> None:
    server.change(script=[fault])
    with pytest.raises(error) as raised:
        ask(server, timeout=0.3)
    assert type(raised.value) is error
    assert ask(server).status == 200
    counts = server.counts()
    assert counts["by_fault"] == {fault: 1}
    assert counts["successful"] == counts["complete"] == 1


def test_half_a_body_is_half_of_it(server: RunningServer) -> None:
    server.change(script=["half_body"])
    with pytest.raises(http.client.IncompleteRead) as raised:
        ask(server)
    whole = ask(server)
    assert raised.value.partial
    assert abs(len(raised.value.partial) - len(whole.body) / 2) < 5
    assert raised.value.expected is not None
    assert abs(raised.value.expected - len(whole.body) / 2) < 5


def test_a_body_can_drip(server: RunningServer) -> None:
    server.change(script=["drip", "drip"], hold_seconds=5)
    with pytest.raises(TimeoutError):
        asyncio.run(patient_for(0.3, server))
    server.change(hold_seconds=0.3)
    started = time.monotonic()
    assert json.loads(asyncio.run(patient_for(5, server)))["choices"]
    assert time.monotonic() - started >= 0.3
    time.sleep(0.1)
    counts = server.counts()
    assert (counts["by_fault"], counts["successful"], counts["abandoned"]) == ({"drip": 2}, 1, 1)


def test_a_hanging_call_is_closed_in_the_end(server: RunningServer) -> None:
    server.change(script=["hang"], hold_seconds=0.2)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server)


@pytest.mark.parametrize("path", [CHAT, OLLAMA])
def test_a_whole_body_can_be_wrong(server: RunningServer, path: str) -> None:
    server.change(script=["invalid_json", "empty_choices", "wrong_usage"])
    invalid, empty, wrong = [ask(server, path=path) for _ in range(3)]
    assert invalid.status == empty.status == wrong.status == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(invalid.body)
    assert empty.content.get("choices", "none") == ([] if path == CHAT else "none")
    assert "message" not in empty.content
    assert wrong.text
    counts = server.counts()
    assert (counts["requests"], counts["complete"], counts["successful"]) == (3, 1, 1)


def test_the_script_is_played_in_the_order_of_the_requests(server: RunningServer) -> None:
    server.change(script=["500", None, "413", "401"])
    assert [ask(server).status for _ in range(5)] == [500, 200, 413, 401, 200]
    server.change(skill=0.5)
    assert ask(server).status == 200
    server.change(script=["503"])
    assert [ask(server).status for _ in range(2)] == [503, 200]


def test_after_so_many_successes_a_quota_is_used_up(server: RunningServer) -> None:
    server.change(after={"daily_tokens": 3}, script=[None, "500"])
    assert [ask(server, path=GROQ).status for _ in range(6)] == [200, 500, 200, 200, 429, 429]
    server.change(after={})
    assert ask(server, path=GROQ).status == 200


def statuses(server: RunningServer, seeds: range, times: int = 1) -> list[list[int]]:
    return [[ask(server, seed=seed).status for _ in range(times)] for seed in seeds]


def test_a_retried_call_meets_another_fate_and_a_sticky_fault_the_same(server: RunningServer) -> None:
    server.change(faults={"503": 0.5})
    fleeting = statuses(server, range(30), 5)
    server.reset()
    assert statuses(server, range(30), 5) == fleeting
    assert sum(len(set(tries)) == 2 for tries in fleeting) > 20
    server.change(faults={"413": 0.5})
    sticky = statuses(server, range(30), 3)
    assert all(len(set(tries)) == 1 for tries in sticky)
    assert 5 < sum(tries[0] == 413 for tries in sticky) < 25


def test_faults_do_not_depend_on_the_order_of_the_calls(server: RunningServer) -> None:
    server.change(faults={"429_bare": 0.2, "500": 0.2, "503": 0.1})
    forward = statuses(server, range(60))
    server.reset()
    backward = [[ask(server, seed=seed).status] for seed in reversed(range(60))]
    assert backward[::-1] == forward
    server.change(seed=5)
    server.reset()
    assert statuses(server, range(60)) != forward


def test_the_mix_holds_all_passing_faults_in_its_share(server: RunningServer) -> None:
    server.change(mix=0.3, hold_seconds=0)
    for seed in range(600):
        try:
            ask(server, seed=seed)
        except (OSError, http.client.HTTPException):
            continue
    counts = server.counts()
    of_texts = set(PASSING) - set(VECTORS)
    assert set(counts["by_fault"]) == of_texts
    share = 0.3 * len(of_texts) / len(PASSING)
    assert 0.75 < sum(counts["by_fault"].values()) / (600 * share) < 1.25
    answered = counts["by_fault"]["wrong_usage"] + counts["by_fault"]["drip"]
    assert counts["successful"] == 600 - sum(counts["by_fault"].values()) + answered


@pytest.mark.parametrize("fault", VECTORS)
def test_what_is_wrong_with_vectors_alone_leaves_a_text_alone(server: RunningServer, fault: str) -> None:
    server.change(script=[fault])
    assert ask(server).status == 200
    counts = server.counts()
    assert counts["successful"] == 1
    assert counts["by_fault"] == {}
