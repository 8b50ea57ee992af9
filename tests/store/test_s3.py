"""The shared store on a real S3 server, with its faults, and processes that are killed in the middle."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import SMALL_SPEC, Project, commands, project_in
from ragtally.api import StoreError
from ragtally.api.address import address
from ragtally.store import SharedStore, Store, remote
from s3_server import BUCKET, ENVIRONMENT, S3Server, s3_server

pytestmark = pytest.mark.slow
STEP = "chunk"
ADDRESS = address({"what": "some work"})


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    running.fault = lambda method, path: None
    running.requests.clear()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "_PAUSES", (0.05, 0.05, 0.05, 0.05))
    return running


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"s3://{BUCKET}/{tmp_path.name}"


def machine(tmp_path: Path, name: str, url: str) -> Store:
    return Store(tmp_path / name, SharedStore(url))


def write(store: Store, content: str = "the work", at: str = ADDRESS) -> StoreError | None:
    with store.write(STEP, at) as draft:
        (draft.folder / "file.txt").write_text(content)
    assert store.tier is not None
    return store.tier.flush()


def read(store: Store, at: str = ADDRESS) -> str:
    return (store.open(STEP, at).folder / "file.txt").read_text()


def test_an_entry_is_one_request_to_look_up_and_one_to_write(server: S3Server, tmp_path: Path, url: str) -> None:
    first = machine(tmp_path, "first", url)
    assert not first.complete(STEP, ADDRESS)
    assert [method for method, _ in server.requests] == ["GET"]
    assert write(first) is None
    assert [method for method, _ in server.requests] == ["GET", "PUT", "GET"]
    assert read(machine(tmp_path, "second", url)) == "the work"


def test_the_first_of_two_writers_stays(server: S3Server, tmp_path: Path, url: str) -> None:
    first, second = machine(tmp_path, "first", url), machine(tmp_path, "second", url)
    assert not first.complete(STEP, ADDRESS) and not second.complete(STEP, ADDRESS)
    assert write(first, "first") is None and write(second, "second") is None
    assert read(machine(tmp_path, "third", url)) == "first"


def test_faults_that_pass_are_waited_out(server: S3Server, tmp_path: Path, url: str) -> None:
    faults = iter([500, 503, "cut", 0.3] * 3)
    server.fault = lambda method, path: next(faults, None)
    assert write(machine(tmp_path, "first", url)) is None
    faults = iter([500, 503, "cut", 0.3] * 3)
    assert read(machine(tmp_path, "second", url)) == "the work"


def test_who_may_only_read_works_on_and_is_told(server: S3Server, tmp_path: Path, url: str) -> None:
    assert write(machine(tmp_path, "first", url)) is None
    server.fault = lambda method, path: 403 if method in ("PUT", "POST") else None
    second = machine(tmp_path, "second", url)
    assert read(second) == "the work"
    error = write(second, at=address({"more": 1}))
    assert error is not None and "1 entry of this run is not shared" in error.message and "AccessDenied" in str(error)
    assert error.hint and "ragtally store push SPEC" in error.hint
    assert read(second, address({"more": 1})) == "the work"


@pytest.mark.parametrize("status", [403, 500])
def test_what_does_not_pass_is_an_error_without_a_key(
    server: S3Server, tmp_path: Path, url: str, status: int
) -> None:
    server.fault = lambda method, path: status
    with pytest.raises(StoreError, match="cannot read the shared store") as caught:
        machine(tmp_path, "first", url).complete(STEP, ADDRESS)
    assert ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in str(caught.value) and caught.value.hint


def test_a_bucket_that_is_not_there_and_a_server_that_is_not_there(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="bucket does not exist"):
        machine(tmp_path, "first", "s3://no-such-bucket/x").complete(STEP, ADDRESS)
    store = machine(tmp_path, "second", f"s3://{BUCKET}/y")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StoreError, match="Could not connect") as caught:
        store.complete(STEP, ADDRESS)
    s3fs.S3FileSystem.clear_instance_cache()
    assert caught.value.hint and "RAGTALLY_SHARED_STORE=none" in caught.value.hint


WRITER = """\
import sys
from pathlib import Path
from ragtally.api.address import address
from ragtally.store import SharedStore, Store
store = Store(Path(sys.argv[1]), SharedStore(sys.argv[2]))
for number in range(40):
    with store.write("chunk", address({"number": number})) as draft:
        (draft.folder / "file.txt").write_text(f"work {number}" * 1000)
print(store.tier.flush() or "", flush=True)
"""


def test_a_writer_killed_at_any_time_leaves_whole_entries_only(
    server: S3Server, tmp_path: Path, url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # The server is slow after it has read a request, so that some are in flight at every kill.
    server.fault = lambda method, path: 0.05 if method == "PUT" else None
    for kill in range(4):
        before = len(server.requests)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "first"), url], stdout=subprocess.DEVNULL
        )
        while len(server.requests) < before + 5 * (kill + 1) and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.2)
        for name, content in server.objects().items():
            if name.startswith(tmp_path.name):
                with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                    assert tar.getnames() == ["entry.json", "file.txt"]
        shutil.rmtree(tmp_path / "first" / STEP)
    subprocess.run([sys.executable, "-c", WRITER, str(tmp_path / "first"), url], check=True)
    second = machine(tmp_path, "second", url)
    assert [read(second, address({"number": number})) for number in range(40)] == [
        f"work {number}" * 1000 for number in range(40)
    ]


def project(folder: Path, server: S3Server, url: str) -> Project:
    made = project_in(folder)
    made.environment.update(server.environment)
    made.environment["RAGTALLY_SHARED_STORE"] = url
    made.write("spec.yaml", SMALL_SPEC)
    return made


def results(made: Project) -> dict[str, bytes]:
    unpromised = ("timings.json", "report.html", "analysis.json")
    return {name: content for name, content in made.results("small").items() if name not in unpromised}


def test_two_projects_one_killed_share_one_bucket(server: S3Server, tmp_path: Path, url: str) -> None:
    one, two = project(tmp_path / "one", server, url), project(tmp_path / "two", server, url)
    process = one.start("run", "spec.yaml", "--no-report")
    deadline = time.monotonic() + 100
    while sum(method == "PUT" for method, _ in server.requests) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    commands().kill(process)
    outcome = two.ragtally("run", "spec.yaml", "--no-report")
    assert outcome.code == 0, outcome.err
    # What was done before the kill, and not shared, is shared by a push.
    outcome = one.ragtally("store", "push", "spec.yaml")
    assert outcome.code == 0, outcome.err
    outcome = one.ragtally("run", "spec.yaml", "--no-report")
    assert outcome.code == 0 and results(one) == results(two), outcome.err
    three = project(tmp_path / "three", server, url)
    puts = [request for request in server.requests if request[0] == "PUT"]
    assert three.ragtally("run", "spec.yaml", "--no-report").code == 0
    assert results(three) == results(two)
    assert [request for request in server.requests if request[0] == "PUT"] == puts
    names = [name for name in server.objects() if name.startswith(tmp_path.name)]
    assert names and all(name.endswith(".tar") and "calls" not in name for name in names)
    outcome = three.ragtally("store", "pull", "spec.yaml")
    assert outcome.code == 0 and f"{len(names):,}" not in outcome.err, outcome.err
    assert len(list(three.folder.glob("store/*/r1/*/*/entry.json"))) == len(names)
    # Without it, everything is here.
    outcome = three.ragtally("plan", "spec.yaml", "--shared-store", "none", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert outcome.code == 0 and "shared store" not in outcome.out
