"""Calls go to the host with the fewest in flight, and not to one that is down."""

from __future__ import annotations

from collections import Counter

from ragtally_litellm.client import Hosts


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
