"""Studies on a Ray cluster of two nodes: the bytes that come of them here, whatever dies; nothing is paid twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from model_server.fixture import running_server
from ray_cluster import RayCluster, ray_cluster

pytestmark = [
    pytest.mark.slow,  # Clusters are started, and whole studies run
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'"),
]
SPECS = Path(__file__).parents[2] / "specs"
DATA = {
    "quickstart": None,
    "curation": None,
    "retrieval": "RAGTALLY_PUBMEDQA",
    "pubmedqa": "RAGTALLY_PUBMEDQA",
    "xquad": "RAGTALLY_XQUAD",
}
"""The specs that need no server, and the variable that names the folder of their data."""
UNPROMISED = {"timings.json", "report.html"}
CONCURRENCY = 4
CALLS = 180
SPEC = """\
study: small
seed: 3
dataset: {{synthetic: {{questions: 300, split: test}}}}
sample: {{size: 60}}
models:
  small: {{litellm: {{model: openai/small, api_base: {url}, max_tokens: 20, concurrency: {concurrency},
           price: {{input: 0.05, output: 0.1}}}}}}
readers:
  small: {{chat: {{model: small}}}}
  words: {{specialist: {{features: tfidf}}}}
label: {{voters: [small], votes: 3}}
grid:
  chunker: [{{words: {{size: [20, 30, 40, 50, 60], overlap: 0}}}}]
  retriever: [bm25, {{dense: {{embedder: {{lsa: {{dim: [32, 64]}}}}, distance: [cosine, l2]}}}}]
  top_k: [1, 3]
  reader: [words]
metrics: [accuracy, recall@3]
"""
ON_RAY = ("--executor", "ray", "--ray-wait", "20")


class Study:
    """A folder with a spec, a store and results of its own."""

    def __init__(self, folder: Path, spec: str, **environment: str) -> None:
        folder.mkdir()
        (folder / "spec.yaml").write_text(spec, encoding="utf-8")
        (folder / "specs").symlink_to(SPECS)
        self.folder = folder
        self.environment = (
            os.environ | environment | {"RAGTALLY_STORE": str(folder / "store"), "RAGTALLY_SETTINGS": ""}
        )

    def start(self, *words: str, cluster: RayCluster | None = None) -> subprocess.Popen[str]:
        where = (*ON_RAY, "--ray-address", cluster.address) if cluster else ("--executor", "local")
        return subprocess.Popen(
            [sys.executable, "-m", "ragtally", "run", "spec.yaml", "--no-report", *where, *words],
            cwd=self.folder, env=self.environment | (cluster.tokens if cluster else {}), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, cluster: RayCluster | None = None) -> Mapping[str, bytes]:
        code, errors = end(self.start(cluster=cluster))
        assert code == 0, errors
        return self.results()

    def results(self) -> Mapping[str, bytes]:
        files = (self.folder / "data" / "results").rglob("*")
        return {path.name: path.read_bytes() for path in files if path.is_file() and path.name not in UNPROMISED}

    def entries(self) -> Mapping[str, int]:
        """When each complete entry of the store was written."""
        files = (self.folder / "store").glob("*/r1/*/*/entry.json")
        return {str(path.relative_to(self.folder)): path.stat().st_mtime_ns for path in files}


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=400)
    return process.returncode, errors


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 200
    while not condition():
        assert time.monotonic() < deadline
        if process is not None and process.poll() is not None:
            raise AssertionError(end(process))
        time.sleep(0.02)


def ray_processes_of(study: Study) -> list[psutil.Process]:
    """The processes in which Ray lives for a study."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "ragtally_ray.driver" in (process.info["cmdline"] or ())
        and (process.info["environ"] or {}).get("RAGTALLY_STORE") == str(study.folder / "store")
    ]


def kill_a_worker(cluster: RayCluster, process: subprocess.Popen[str]) -> None:
    wait_until(cluster.workers, process)
    with suppress(psutil.NoSuchProcess, IndexError):
        cluster.workers()[0].kill()


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("name", DATA)
def test_a_spec_gives_the_same_bytes_on_a_cluster(name: str, tmp_path: Path, cluster: RayCluster) -> None:
    variable = DATA[name]
    if variable and not os.environ.get(variable):
        pytest.skip(f"{variable} names no folder with the data set")
    spec = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    if name == "xquad":
        spec = re.sub("path: [^,]*/", f"path: {os.environ[str(variable)]}/", spec)
    here = Study(tmp_path / "here", spec).run()
    there = Study(tmp_path / "there", spec).run(cluster)
    assert here and here == there


def test_kills_cost_nothing_that_was_complete_and_nothing_paid_twice(tmp_path: Path) -> None:
    with running_server(any_model=True, latency=0.01) as server:
        spec = SPEC.format(url=server.openai, concurrency=CONCURRENCY)
        key = {"OPENAI_API_KEY": "none-that-is-used"}
        study = Study(tmp_path / "there", spec, **key)
        with ray_cluster() as cluster:
            # The one who planned the work.
            process = study.start(cluster=cluster)
            wait_until(lambda: len(study.entries()) > 10, process)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            wait_until(lambda: not ray_processes_of(study) and not cluster.workers())
            before = study.entries()
            # A worker, then the head.
            process = study.start(cluster=cluster)
            kill_a_worker(cluster, process)
            wait_until(lambda: len(study.entries()) > len(before) + 3, process)
            kill_a_worker(cluster, process)
            wait_until(lambda: len(study.entries()) > len(before) + 10, process)
            cluster.kill_head()
            code, errors = end(process)
            assert code == 3, errors
            assert "the same command" in errors
        between = study.entries()
        assert before.items() <= between.items()
        with ray_cluster() as cluster:
            results = study.run(cluster)
        assert between.items() <= study.entries().items()
        counts = server.counts()
        assert counts["distinct_keys"] == CALLS
        assert counts["successful"] <= CALLS + CONCURRENCY
        # The same answers, paid for already, come to the same here.
        here = Study(tmp_path / "here", spec, **key)
        (here.folder / "store").mkdir()
        shutil.copy(study.folder / "store" / "calls.sqlite", here.folder / "store")
        assert here.run() == results
        assert server.counts()["requests"] == counts["requests"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 3), (signal.SIGKILL, -9)])
def test_a_cluster_of_its_own_ends_with_the_command(tmp_path: Path, number: signal.Signals, code: int) -> None:
    study = Study(tmp_path / "study", (SPECS / "quickstart.yaml").read_text(encoding="utf-8"))
    process = study.start("--executor", "ray", "--ray-address", "local", "--ray-workers", "1")
    try:
        wait_until(lambda: ray_processes_of(study), process)
        folder = Path(json.loads(ray_processes_of(study)[0].environ()["RAGTALLY_RAY"])["folder"])
        wait_until(lambda: len(study.entries()) > 2, process)
    finally:
        process.send_signal(number)
        began = time.monotonic()
        assert end(process)[0] == code
    assert time.monotonic() - began < 30
    wait_until(lambda: not any(str(folder) in " ".join(words_of(each)) for each in psutil.process_iter()))
    wait_until(lambda: not ray_processes_of(study) and not folder.exists())


def words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
