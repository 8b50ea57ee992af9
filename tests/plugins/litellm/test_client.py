"""Calls go to the host with the fewest in flight, and not to one that is down."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from plugins.litellm.chat_calls import ask, failure
from plugins.litellm.raw_server import body, raw_server
from ragtally_litellm.client import Hosts

Fill = Callable[..., dict[str, Any]]


def test_the_load_is_shared() -> None:
    hosts = Hosts(["a", "b", "c"])
    assert Counter(hosts.take() for _ in range(9)) == {"a": 3, "b": 3, "c": 3}
    hosts.give_back("b", alive=True)
    assert hosts.take() == "b"


def test_a_dead_host_rests_longer_and_longer() -> None:
    now = [100.0]
    hosts = Hosts(["dead", "alive"], clock=lambda: now[0])

    def fail() -> None:
        assert hosts.take() == "dead"
        hosts.give_back("dead", alive=False)
        assert [hosts.take() for _ in range(5)] == ["alive"] * 5
        for _ in range(5):
            hosts.give_back("alive", alive=True)

    for rest in (1, 2, 4, 8, 16, 32, 60, 60):
        fail()
        now[0] += rest - 0.01
        assert hosts.take() == "alive"
        hosts.give_back("alive", alive=True)
        now[0] += 0.02


def test_calls_that_fail_together_are_one_failure() -> None:
    now = [0.0]
    hosts = Hosts(["dead", "alive"], clock=lambda: now[0])
    urls = [hosts.take() for _ in range(64)]
    for _ in range(urls.count("dead")):
        hosts.give_back("dead", alive=False)
    now[0] = 1.01
    assert hosts.take() == "dead"


def test_where_all_rest_the_first_to_wake_is_asked() -> None:
    now = [0.0]
    hosts = Hosts(["a", "b"], clock=lambda: now[0])
    assert hosts.take() == "a"
    hosts.give_back("a", alive=False)
    now[0] = 0.5
    assert hosts.take() == "b"
    hosts.give_back("b", alive=False)
    assert hosts.take() == "a"


def test_a_single_host_is_always_asked() -> None:
    hosts = Hosts(["only"])
    hosts.take()
    hosts.give_back("only", alive=False)
    assert hosts.take() == "only"


def _flood(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(250_000_000))
    handler.end_headers()
    try:
        for _ in range(250):
            handler.wfile.write(b" " * 1_000_000)
    except OSError:
        pass  # what it was there for: nobody reads on


def test_an_answer_that_does_not_end_is_given_up(fill: Fill) -> None:
    with raw_server(_flood) as (url, _):
        tracemalloc.start()
        errors = ask(fill(model="openai/m", api_base=url, reply_megabytes=2), calls=8)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert [error.reason for error in errors] == ["bad reply"] * 8
    assert "larger than 2 MB" in errors[0].message
    assert most < 60_000_000


def test_of_a_long_error_the_status_counts(fill: Fill) -> None:
    with raw_server(body(b"x" * 3_000_000, 503)) as (url, _):
        assert failure(fill(model="openai/m", api_base=url)).reason == "server"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_deep_body_is_a_failure_like_any_other(fill: Fill, status: int) -> None:
    deep = b'{"error":' * 10_000 + b"1" + b"}" * 10_000
    with raw_server(body(deep, status)) as (url, _):
        reason = failure(fill(model="openai/m", api_base=url)).reason
    assert reason == {200: "bad reply", 400: "bad request", 500: "server"}[status]


def test_an_endless_number_of_tokens_costs_no_answer(fill: Fill) -> None:
    reply = json.dumps({"choices": [{"message": {"content": "yes"}}], "usage": {"prompt_tokens": 0}})
    with raw_server(body(reply.replace("0}", "9" * 4_301 + "}").encode())) as (url, _):
        (answer,) = ask(fill(model="openai/m", api_base=url))
    assert answer.text == "yes"
    assert answer.meta["usage"] == {}
