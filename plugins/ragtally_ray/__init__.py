"""The executor `ray`: the same work on the machines of a Ray cluster, or by Ray on this one.

Ray itself lives in a process of its own (`driver.py`), which the executor talks to in lines of JSON (`executor.py`);
that process hands the jobs to workers (`pool.py`), on whatever machines there are (`worker.py`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

from ragtally import Component, ExecutorTraits, Finding, ParameterFault, RagtallyError, hookimpl
from ragtally_ray.executor import INSTALL, RayExecutor

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "address": {
        "type": "string",
        "minLength": 1,
        "default": "auto",
        "description": "The cluster: `HOST:PORT` of its head; `auto` for the one that this machine is part of, or "
        "that RAY_ADDRESS names; `local` for one that is started on this machine and ends with the command.",
    },
    "workers": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "How many processes work at once; as many as the cluster has room for where it is left out.",
    },
    "retries": {
        "type": "integer",
        "minimum": 0,
        "maximum": 10,
        "default": 2,
        "description": "How often a piece of work is tried again after the process that did it died.",
    },
    "wait": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 60,
        "description": "For how many seconds the cluster may not answer, or have no room, before that is an error.",
    },
}


def _check(parameters: Mapping[str, Any]) -> Sequence[ParameterFault]:
    address = parameters["address"]
    if address.startswith("ray://"):
        hint = "run ragtally on a machine of the cluster, with `auto`"
        return [ParameterFault("address", "Ray's client protocol (ray://) is not supported", hint)]
    host, _, port = address.rpartition(":")
    if address not in ("auto", "local") and not (host and port.isdecimal() and 0 < int(port) < 65536):
        return [ParameterFault("address", f"{address!r} is no address", "write HOST:PORT, auto or local")]
    return []


def _diagnose(parameters: Mapping[str, Any]) -> Sequence[Finding]:
    if importlib.util.find_spec("ray") is None:
        return [Finding(False, "Ray is not installed", INSTALL)]
    if parameters["address"] == "local":
        return [Finding(True, "Ray is installed, and starts a cluster on this machine")]
    executor = RayExecutor(**parameters)
    try:
        return [Finding(True, executor.start())]
    except RagtallyError as error:
        return [Finding(False, error.message, error.hint)]
    finally:
        executor.close()


@hookimpl
def register_executors() -> list[Component]:
    """Offer `ray`."""
    return [
        Component(
            "ray",
            RayExecutor,
            "The processes of a Ray cluster, on one machine or many (extra `ray`).",
            params=_PARAMETERS,
            traits=ExecutorTraits(),
            check=_check,
            diagnose=_diagnose,
            packages=("ray",),
        )
    ]
