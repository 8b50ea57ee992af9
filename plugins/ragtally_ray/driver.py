"""The process that Ray lives in: reads orders, a line of JSON each, and answers in such lines.

It ends when its input does: with the ragtally that started it, however that ended.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TextIO

import ray
from ray.exceptions import AuthenticationError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ragtally_ray.pool import TICK, FailureError, Pool, WorkerNeeds, reason
from ragtally_ray.worker import Worker

_SECONDS_TO_END = 8.0
_SECONDS_BETWEEN_LOOKS = 5.0
_SAME = "install the same Python and packages on every machine: pip install -c constraints.txt 'ragtally[ray]'"


class Orders:
    """What ragtally wants, read by a thread of its own so that the end of the input is seen at any time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.has_ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._stream:
            self._orders.put(json.loads(line))
        self.has_ended = True
        self._orders.put(None)
        # Ray may wait for a head that is gone.
        time.sleep(_SECONDS_TO_END)
        os._exit(1)

    def next(self) -> dict[str, Any] | None:
        """Wait for one; None at the end."""
        return self._orders.get()

    def jobs(self) -> Iterator[tuple[int, str, str]]:
        """The jobs that have come by now."""
        while not self._orders.empty():
            if (order := self._orders.get()) is None:
                raise SystemExit
            yield tuple(order["job"])


class Cluster:
    """A cluster, and what ragtally is told of the work there."""

    def __init__(self, settings: Mapping[str, Any], orders: Orders, out: TextIO) -> None:
        self._settings, self._orders, self._out = settings, orders, out
        self._pool: Pool | None = None
        self._head = ""
        self._last_word = self._last_look = self._last_answer = time.monotonic()

    def say(self, kind: str, value: Any) -> None:
        """Tell ragtally something."""
        self._out.write(json.dumps({kind: value}) + "\n")
        self._out.flush()
        self._last_word = time.monotonic()

    def connect(self) -> None:
        """Connect to the cluster, or start one."""
        address = self._settings["address"]
        if address == "auto":
            address = os.environ.get("RAY_ADDRESS") or "auto"
        if address == "local":
            self._start()
        else:
            if address != "auto" and (why := _closed(address, self._settings["wait"])):
                raise FailureError(
                    "user",
                    f"no Ray cluster answers at {address}: {why}",
                    "start its head (ray start --head --port PORT)",
                )
            ray.init(address=address, log_to_driver=False, configure_logging=False, logging_level="ERROR")
            self._head = ray.get_runtime_context().gcs_address
        nodes = _nodes()
        total = ray.cluster_resources()
        cards = f", {total['GPU']:g} GPUs" if total.get("GPU") else ""
        count = f"{len(nodes)} machine{'s' if len(nodes) != 1 else ''}"
        self.say("ready", f"a Ray cluster of {count} with {total.get('CPU', 0):g} CPUs{cards}")

    def _start(self) -> None:
        ray.init(
            address="local",
            num_cpus=max(len(os.sched_getaffinity(0)), self._settings["workers"] or 0),
            object_store_memory=200 * 1024**2,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            logging_level="ERROR",
            _temp_dir=self._settings["folder"],
        )

    def run(self, order: Mapping[str, Any]) -> None:
        """Do jobs."""
        pool = self._pool_for(order["needs"])
        self.say("want", 2 * pool.size)
        for position, reply in pool.run(order["function"], order["count"], self._jobs):
            self.say("reply", [position, reply])
            self.say("want", 1)

    def _pool_for(self, needs: Mapping[str, Any]) -> Pool:
        nodes = [node["Resources"] for node in _nodes()]
        cards = needs["gpus"] if any(resources.get("GPU") for resources in nodes) else 0
        own = WorkerNeeds(needs["cpus"], cards, int(needs["memory"]))
        if self._pool is None or self._pool.needs != own:
            if self._pool is not None:
                self._pool.close()
            room = sum(own.fit(resources) for resources in nodes)
            # Workers beyond what there is are asked for all the same: a cluster that grows gets machines for them.
            if not (size := self._settings["workers"] or room):
                raise FailureError(
                    "user",
                    f"no machine of the cluster has {own}, which this work needs",
                    "add one (ray start --address HEAD:PORT), or run it with the executor local",
                )
            self._pool = Pool(own, size, self._settings["retries"], self._settings["wait"])
        return self._pool

    def _jobs(self) -> Iterator[tuple[int, str, str]]:
        """The jobs that have come; several times a second, so that what else is to be looked after is."""
        now = time.monotonic()
        if self._head and now - self._last_look > _SECONDS_BETWEEN_LOOKS:
            self._last_look = now
            why = _closed(self._head, _SECONDS_BETWEEN_LOOKS)
            self._last_answer = self._last_answer if why else now
            # Workers would go on without it for a minute, and then end, as this process would.
            if now - self._last_answer > min(30, self._settings["wait"]):
                raise FailureError(
                    "stopped",
                    f"the head of the Ray cluster at {self._head} does not answer any more: {why}",
                    "start the cluster again, then run the same command again: what is done stays",
                )
        if now - self._last_word > _SECONDS_BETWEEN_LOOKS:
            self.say("tick", None)
        return self._orders.jobs()

    def survey(self, order: Mapping[str, Any]) -> None:
        """Call a function on each machine that does work: a head without CPUs need not have anything installed."""
        nodes = [node for node in _nodes() if node["Resources"].get("CPU")]
        replies: dict[Any, tuple[str, Any]] = {}
        for node, name in zip(nodes, _names(nodes), strict=True):
            strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            worker = ray.remote(Worker).options(num_cpus=0, scheduling_strategy=strategy).remote(1)
            replies[worker.do.remote(order["function"], order["text"])] = name, worker
        machines = []
        waiting = list(replies)
        while waiting:
            list(self._jobs())
            ready, waiting = ray.wait(waiting, timeout=TICK)
            for ref in ready:
                name, worker = replies[ref]
                try:
                    outcome, text = ray.get(ref)
                except RayError as error:
                    raise FailureError("stopped", f"{name} does not answer: {reason(error)}", "ray status") from error
                ray.kill(worker)
                if outcome != "done":
                    raise FailureError("user", f"the worker on {name} cannot do anything: {text}", _SAME)
                machines.append((name, text))
        self.say("machines", sorted(machines))


def _nodes() -> list[Mapping[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _names(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names for people; several nodes can be on one machine."""
    hosts = [str(node["NodeManagerHostname"]) for node in nodes]
    names = [f"{host} ({node['NodeManagerAddress']})" for host, node in zip(hosts, nodes, strict=True)]
    return [
        name if names.count(name) == 1 else f"{name[:-1]}, node {node['NodeID'][:8]})"
        for name, node in zip(names, nodes, strict=True)
    ]


def _closed(address: str, timeout: float) -> str:
    """Why nobody answers at an address; empty where somebody does."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=timeout).close()
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return ""


def _failure(error: Exception) -> FailureError:
    """Put into words what Ray says where it cannot connect or start."""
    text = " ".join(str(error).split())
    if isinstance(error, FailureError):
        return error
    if isinstance(error, ConnectionError):
        hint = (
            "start one (ray start --head), name one (--ray-address HOST:PORT), or have one here: --ray-address local"
        )
        return FailureError("user", "this machine is part of no Ray cluster", hint)
    if isinstance(error, AuthenticationError):
        hint = "give it as the cluster has it: RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=FILE"
        return FailureError("user", "the Ray cluster wants a token", hint)
    if "ersion mismatch" in text:
        return FailureError("user", f"the Ray cluster has other software: {text[:400]}", _SAME)
    return FailureError("stopped", f"Ray failed: {type(error).__name__}: {text[:400]}", "look at it with: ray status")


def main() -> None:
    """Follow orders until there are none."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[Worker.__module__])
    # What Ray prints on standard output is no answer.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    orders = Orders(sys.stdin)
    settings = orders.next()
    if settings is None:
        return
    cluster = Cluster(settings, orders, out)
    try:
        cluster.connect()
        while (order := orders.next()) is not None:
            if "run" in order:
                cluster.run(order["run"])
            elif "survey" in order:
                cluster.survey(order["survey"])
    except Exception as error:
        failure = _failure(error)
        cluster.say("error", {"kind": failure.kind, "message": failure.message, "hint": failure.hint})
        while orders.next() is not None:
            pass
    finally:
        _end(orders, settings["folder"])


def _end(orders: Orders, folder: str) -> NoReturn:
    # A Ray that waits for a head that is gone is not waited for.
    timer = threading.Timer(_SECONDS_TO_END, os._exit, [1])
    timer.daemon = True
    timer.start()
    ray.shutdown()
    if orders.has_ended:
        # Who started this may have been killed, and then removes nothing.
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
