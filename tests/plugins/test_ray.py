"""The executor ray where Ray is not, and what its parameters may say; tests/crash/test_ray.py has it on clusters."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys

import pytest

from ragtally.api import Choice, Job, RagtallyError
from ragtally.registry import load_registry
from ragtally_ray import RayExecutor
from ragtally_ray.executor import INSTALL


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find_spec(name))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("auto", ""),
        ("local", ""),
        ("head:6379", ""),
        ("[::1]:6379", ""),
        ("head", "'head' is no address"),
        ("head:port", "'head:port' is no address"),
        ("head:99999", "'head:99999' is no address"),
        ("ray://head:10001", "Ray's client protocol (ray://) is not supported"),
    ],
)
def test_an_address_is_checked_before_anything_is_started(address: str, message: str) -> None:
    component = load_registry().get(Choice("executor", "ray")).component
    assert component.check is not None
    faults = component.check({"address": address})
    assert [fault.message for fault in faults] == ([message] if message else [])


@pytest.mark.usefixtures("no_ray")
def test_without_ray_it_says_what_to_install() -> None:
    executor = RayExecutor("auto", None, 2, 60)
    with pytest.raises(RagtallyError, match="needs Ray, which is not installed") as info:
        list(executor.run(str.upper, [Job("a job", "text")]))
    assert info.value.hint == INSTALL
    executor.close()
    component = load_registry().get(Choice("executor", "ray")).component
    assert component.diagnose is not None
    (finding,) = component.diagnose({"address": "auto", "workers": None, "retries": 2, "wait": 60})
    assert (finding.ok, finding.remedy) == (False, INSTALL)


def test_nothing_of_ray_is_imported_with_the_plugin() -> None:
    script = "import sys, ragtally_ray; sys.exit(any(name.split('.')[0] == 'ray' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.slow  # A process of Ray's is started
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'")
def test_nobody_at_an_address_is_an_error_at_once() -> None:
    executor = RayExecutor("127.0.0.1:1", None, 2, 60)
    with pytest.raises(RagtallyError, match=r"no Ray cluster answers at 127\.0\.0\.1:1") as info:
        executor.start()
    assert info.value.hint == "start its head (ray start --head --port PORT)"
    executor.close()


@pytest.mark.slow  # Ray is imported
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'")
@pytest.mark.parametrize("workers", [None, 16])
def test_jobs_share_workers_only_where_as_many_fit(workers: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragtally_ray import driver

    machine = {"CPU": 4.0, "memory": 8e9}
    machines = [machine, machine]
    monkeypatch.setattr(driver, "_nodes", lambda: [{"Resources": each} for each in machines])
    cluster = driver.Cluster({"workers": workers, "retries": 2}, None, io.StringIO())  # type: ignore[arg-type]

    def pool(memory: float) -> driver.Pool:
        return cluster._pool({"cpus": 1, "gpus": 0, "memory": int(memory)})

    large, small = pool(5e9), pool(0)
    assert (large.size, small.size) == ((16, 16) if workers else (2, 8))
    assert large is not small
    assert pool(2e9) not in (large, small)
    # As many of those of 2 GB fit as of those that want none.
    other = driver.Cluster({"workers": workers, "retries": 2}, None, io.StringIO())  # type: ignore[arg-type]
    assert other._pool({"cpus": 1, "gpus": 0, "memory": int(2e9)}) is other._pool({"cpus": 1, "gpus": 0, "memory": 0})
    # An estimate that no machine has room for gets the largest machine.
    assert pool(9e9).needs.memory == int(8e9)
    # A machine that goes, or comes, does not take the jobs with it.
    machines.pop()
    assert pool(5e9) is large
    machines.clear()
    assert pool(0) is small
