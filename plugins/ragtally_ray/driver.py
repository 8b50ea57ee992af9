"""The process that Ray lives in: reads orders, a line of JSON each, and answers in such lines.

It ends when its input does: with the ragtally that started it, however that ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TextIO

import ray
from ray.exceptions import AuthenticationError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ragtally_ray.pool import Pool, PoolJob, WorkerNeeds, reason
from ragtally_ray.worker import Worker

_TICK = 0.5
# While a worker is idle, a job for it that just came does not wait for the replies of the others.
_SHORT_TICK = 0.02
_SECONDS_TO_END = 8.0
_SECONDS_BETWEEN_LOOKS = 5.0
_LONGEST_ABSENCE = 20.0
_SAME = "install the same Python and packages on every machine: pip install -c constraints.txt 'ragtally[ray]'"
_AGAIN = "then run the same command again: what is done stays"


class FailureError(Exception):
    """What goes to ragtally as an error."""

    def __init__(self, kind: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.told = {"kind": kind, "message": message, "hint": hint}


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

    def take(self, timeout: float | None = None) -> Iterator[tuple[str, Any]]:
        """The orders that are there; waits for the first one where a time is given."""
        with contextlib.suppress(queue.Empty):
            while True:
                order = self._orders.get(timeout=timeout) if timeout else self._orders.get_nowait()
                if order is None:
                    raise EOFError
                yield from order.items()
                timeout = None


@dataclass(frozen=True)
class Run:
    """Jobs that one caller waits for."""

    function: str
    pool: Pool


class Cluster:
    """A cluster, and who works there."""

    def __init__(self, settings: Mapping[str, Any], orders: Orders, out: TextIO) -> None:
        self._settings, self._orders, self._out = settings, orders, out
        self._runs: dict[int, Run] = {}
        self._pools: dict[WorkerNeeds, Pool] = {}
        self._saying = threading.Lock()
        self._last_word = self._last_worker = time.monotonic()

    def say(self, kind: str, *values: Any) -> None:
        """Tell ragtally something."""
        with self._saying:
            self._out.write(json.dumps([kind, *values]) + "\n")
            self._out.flush()
        self._last_word = time.monotonic()

    def connect(self) -> None:
        """Connect to the cluster, or start one."""
        address = self._settings["address"]
        if address == "auto":
            address = os.environ.get("RAY_ADDRESS") or "auto"
        quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": "ERROR"}
        if address == "local":
            cpus = max(len(os.sched_getaffinity(0)), self._settings["workers"] or 0)
            ray.init(
                address="local",
                num_cpus=cpus,
                object_store_memory=200 * 1024**2,
                include_dashboard=False,
                _temp_dir=self._settings["folder"],
                **quiet,
            )
        else:
            # Ray itself would try for two minutes.
            if address != "auto" and (why := _closed(address, self._settings["wait"])):
                hint = "start its head (ray start --head --port PORT)"
                raise FailureError("user", f"no Ray cluster answers at {address}: {why}", hint)
            ray.init(address=address, **quiet)
            head = ray.get_runtime_context().gcs_address
            threading.Thread(target=self._watch_head, args=(head,), daemon=True).start()
        total = ray.cluster_resources()
        cards = f" and {total['GPU']:g} GPUs" if total.get("GPU") else ""
        count = len(_nodes())
        machines = f"{count} machine{'s' if count != 1 else ''}"
        self.say("answer", 0, f"a Ray cluster of {machines} with {total.get('CPU', 0):g} CPUs{cards}")

    def work(self) -> None:
        """Follow orders until there are no more."""
        while True:
            refs = {ref: pool for pool in self._pools.values() for ref in pool.refs}
            for kind, value in self._orders.take(None if refs else _TICK):
                self._follow(kind, value)
            for pool in self._pools.values():
                pool.hand_out()
            # A worker keeps what it asked for; without a job it shall not stand in the way of those with other needs.
            if any(pool.lacks_room for pool in self._pools.values()):
                for pool in self._pools.values():
                    if not pool.is_working:
                        pool.release()
            refs = {ref: pool for pool in self._pools.values() for ref in pool.refs}
            is_ready = any(pool.is_ready for pool in self._pools.values())
            if refs:
                for ref in ray.wait(list(refs), num_returns=1, timeout=_SHORT_TICK if is_ready else _TICK)[0]:
                    self._settle(refs[ref], ref)
            self._look_around()

    def _follow(self, kind: str, value: Any) -> None:
        try:
            if kind == "run":
                self._runs[value["id"]] = Run(value["function"], self._pool(value["needs"]))
            elif kind == "job":
                number, position, text = value
                # A run that failed gets no more of its jobs.
                if (run := self._runs.get(number)) is not None:
                    run.pool.waiting.append(PoolJob(number, position, run.function, text))
            elif kind == "end":
                if (run := self._runs.pop(value, None)) is not None:
                    run.pool.drop(value)
            elif kind == "slots":
                self.say("answer", value["id"], self._pool(value["needs"]).size)
            elif kind == "survey":
                self.say("answer", value["id"], self._survey(value["function"], value["text"]))
        except FailureError as failure:
            self.say("failure", value["id"], failure.told)

    def _pool(self, needs: Mapping[str, Any]) -> Pool:
        nodes = [node["Resources"] for node in _nodes()]
        cards = needs["gpus"] if any(resources.get("GPU") for resources in nodes) else 0
        # How much memory is an estimate: where no machine has that, the largest one has to do.
        largest = max((int(resources.get("memory", 0)) for resources in nodes), default=0)
        own = WorkerNeeds(needs["cpus"], cards, min(needs["memory"], largest))
        room = sum(map(own.fit, nodes))
        # Workers beyond what there is are asked for all the same: a cluster that grows gets machines for them.
        size = self._settings["workers"] or room
        if (pool := self._pools.get(own)) is not None:
            # Machines may have come or gone, and its jobs go on.
            pool.size = size or pool.size
            return pool
        for pool in self._pools.values():
            # Workers that have more to themselves do as well, where as many of them fit.
            if pool.needs.cover(own) and sum(map(pool.needs.fit, nodes)) >= room:
                return pool
        if not size:
            hint = "add one (ray start --address HEAD:PORT), or use the executor local"
            raise FailureError("user", f"no machine of the cluster has {own}, which this work needs", hint)
        self._pools[own] = Pool(own, size, self._settings["retries"])
        return self._pools[own]

    def _settle(self, pool: Pool, ref: Any) -> None:
        outcome = pool.settle(ref)
        if outcome is None or outcome.job.run not in self._runs:
            return
        kind, number = outcome.kind, outcome.job.run
        if kind in ("done", "lost"):
            self.say("reply" if kind == "done" else "lost", number, outcome.job.position, outcome.text)
            return
        message, hint = f"a worker cannot import {outcome.text}", _SAME
        if kind == "bug":
            message, hint = f"it failed on a worker:\n{outcome.text}", ""
        self.say("failure", number, {"kind": "bug" if kind == "bug" else "user", "message": message, "hint": hint})

    def _look_around(self) -> None:
        now = time.monotonic()
        pools = [pool for pool in self._pools.values() if pool.is_working]
        if not pools or any(pool.has_workers for pool in pools):
            self._last_worker = now
        elif now - self._last_worker > self._settings["wait"]:
            why = f" ({pools[0].last_death})" if pools[0].last_death else ""
            room = f"room for a process with {pools[0].needs}"
            raise FailureError(
                "stopped",
                f"the cluster has had no {room} for {self._settings['wait']:g} seconds{why}",
                f"look what else runs there (ray status), or wait for longer (--ray-wait); {_AGAIN}",
            )
        if now - self._last_word > _SECONDS_BETWEEN_LOOKS:
            self.say("tick")

    def _watch_head(self, address: str) -> None:
        # In a thread of its own: without a head every question to Ray takes a minute, and then ends this process.
        last_answer = time.monotonic()
        while True:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            if not (why := _closed(address, _SECONDS_BETWEEN_LOOKS)):
                last_answer = time.monotonic()
            elif time.monotonic() - last_answer > min(_LONGEST_ABSENCE, self._settings["wait"]):
                message = f"the head of the Ray cluster at {address} does not answer any more: {why}"
                self.say("error", FailureError("stopped", message, f"start the cluster again, {_AGAIN}").told)
                os._exit(1)

    def _survey(self, function: str, text: str) -> list[tuple[str, str]]:
        """Call a function on each machine that does work: a head without CPUs need not have anything installed."""
        nodes = [node for node in _nodes() if node["Resources"].get("CPU")]
        missing = {name: node["NodeID"] for name, node in zip(_names(nodes), nodes, strict=True)}
        machines: list[tuple[str, str]] = []
        for attempt in range(self._settings["retries"] + 1):
            for name, reply, error in self._ask_nodes(dict(missing), function, text):
                if error is None:
                    machines.append((name, reply))
                    del missing[name]
                elif attempt == self._settings["retries"]:
                    hint = f"look at it (ray status), {_AGAIN}"
                    raise FailureError("stopped", f"{name} does not answer: {reason(error)}", hint) from error
        return sorted(machines)

    def _ask_nodes(
        self, nodes: Mapping[str, str], function: str, text: str
    ) -> Iterator[tuple[str, str, RayError | None]]:
        replies: dict[Any, tuple[str, Any]] = {}
        for name, node in nodes.items():
            strategy = NodeAffinitySchedulingStrategy(node, soft=False)
            worker = ray.remote(Worker).options(num_cpus=0, scheduling_strategy=strategy).remote(1)
            replies[worker.do.remote(function, text)] = name, worker
        waiting = list(replies)
        while waiting:
            ready, waiting = ray.wait(waiting, timeout=_TICK)
            self._look_around()
            for ref in ready:
                name, worker = replies[ref]
                try:
                    kind, reply = ray.get(ref)
                except RayError as error:
                    yield name, "", error
                    continue
                finally:
                    ray.kill(worker)
                if kind != "done":
                    raise FailureError("user", f"the worker on {name} cannot do anything: {reply}", _SAME)
                yield name, reply, None


def _nodes() -> list[Mapping[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _names(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names for people; several nodes can be on one machine."""
    names = [f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})" for node in nodes]
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
        hint = "start one (ray start --head), or say where one is (--ray-address HOST:PORT, or local for one here)"
        # Of a cluster that wants a token, and gets none, Ray says no more than of none at all.
        token = "; where it wants a token: RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=FILE"
        return FailureError("user", "no Ray cluster was found that this machine is part of", hint + token)
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
    settings = json.loads(os.environ["RAGTALLY_RAY"])
    cluster = Cluster(settings, orders, out)
    try:
        cluster.connect()
        cluster.work()
    except EOFError:
        pass
    except Exception as error:
        cluster.say("error", _failure(error).told)
    _end(orders, settings["folder"])


def _end(orders: Orders, folder: str) -> NoReturn:
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
