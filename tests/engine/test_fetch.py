"""`fetch` against a real server on this machine that can cut, ignore, refuse and lie."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from download_server import CONTENT, PIECE, Behaviour, Handler
from ragtally.api import DataError, ErrorList, RemoteFile
from ragtally.engine.fetch import FetchReport, fetch

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def url(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "*")
    handler = type("BoundHandler", (Handler,), {"behaviour": behaviour})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/data.json"
        server.shutdown()
        thread.join()


@pytest.fixture
def remote(url: str) -> RemoteFile:
    return RemoteFile("data.json", url, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "set"


def local_file(name: str = "data.json", content: bytes = CONTENT) -> RemoteFile:
    """A file whose home does not exist, to be copied only."""
    return RemoteFile(name, "http://127.0.0.1:1/none", hashlib.sha256(content).hexdigest(), len(content))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def quick(remote: RemoteFile, folder: Path, **options: object) -> FetchReport:
    return fetch([remote], folder, pause=0.0, **options)  # type: ignore[arg-type]


def assert_whole(report: FetchReport, folder: Path, outcome: str) -> None:
    assert [(file.path, file.outcome, file.size) for file in report.files] == [
        (folder / "data.json", outcome, len(CONTENT))
    ]
    assert (folder / "data.json").read_bytes() == CONTENT
    assert names(folder) == ["data.json"]


def test_downloads_into_a_new_folder_and_tells_progress(remote: RemoteFile, folder: Path) -> None:
    news: list[tuple[str, int, int]] = []
    report = quick(remote, folder, progress=lambda *told: news.append(told))
    assert_whole(report, folder, "downloaded")
    assert report.folder == folder
    done = [bytes_done for _, bytes_done, _ in news]
    assert done == sorted(done)
    assert news[0] == ("data.json", 0, len(CONTENT))
    assert news[-1] == ("data.json", len(CONTENT), len(CONTENT))
    assert len(news) > 3


def test_what_is_there_and_right_is_not_asked_for_again(
    remote: RemoteFile, folder: Path, behaviour: Behaviour
) -> None:
    quick(remote, folder)
    before = (folder / "data.json").stat().st_mtime_ns
    assert_whole(quick(remote, folder), folder, "present")
    assert (folder / "data.json").stat().st_mtime_ns == before
    assert behaviour.ranges == [None]


@pytest.mark.parametrize("there", [b"", b"short", CONTENT[:-1] + b"!"])
def test_what_is_there_and_wrong_is_replaced(remote: RemoteFile, folder: Path, there: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "data.json").write_bytes(there)
    assert_whole(quick(remote, folder), folder, "downloaded")


def test_a_cut_connection_is_gone_on_with_in_the_same_run(
    remote: RemoteFile, folder: Path, behaviour: Behaviour
) -> None:
    behaviour.cuts = [3 * PIECE, 2 * PIECE]
    assert_whole(quick(remote, folder), folder, "resumed")
    assert behaviour.ranges == [None, "bytes=196608-", "bytes=327680-"]


def test_a_cut_connection_is_gone_on_with_in_the_next_run(
    remote: RemoteFile, folder: Path, behaviour: Behaviour
) -> None:
    behaviour.cuts = [3 * PIECE]
    with pytest.raises(DataError, match=r"connection was cut.*; 196608 of 512000 bytes are here") as caught:
        quick(remote, folder, attempts=1)
    assert "again" in (caught.value.hint or "")
    assert not (folder / "data.json").exists()
    assert_whole(quick(remote, folder), folder, "resumed")
    assert behaviour.ranges == [None, "bytes=196608-"]


def test_a_server_that_ignores_the_range_is_started_anew(
    remote: RemoteFile, folder: Path, behaviour: Behaviour
) -> None:
    behaviour.cuts = [3 * PIECE]
    behaviour.honours_range = False
    assert_whole(quick(remote, folder), folder, "downloaded")
    assert behaviour.ranges == [None, "bytes=196608-"]


def test_a_server_that_sends_another_range_is_started_anew(
    remote: RemoteFile, folder: Path, behaviour: Behaviour
) -> None:
    behaviour.cuts = [3 * PIECE]
    behaviour.shifts_range = True
    assert_whole(quick(remote, folder), folder, "downloaded")
    assert behaviour.ranges == [None, "bytes=196608-", None]


@pytest.mark.parametrize("part", [b"another version " * 100, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)])
def test_a_part_of_something_else_is_thrown_away(remote: RemoteFile, folder: Path, part: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "data.json.part").write_bytes(part)
    assert_whole(quick(remote, folder), folder, "downloaded")


def test_a_part_that_is_whole_is_put_in_place_without_asking(
    remote: RemoteFile, folder: Path, behaviour: Behaviour
) -> None:
    folder.mkdir(parents=True)
    (folder / "data.json.part").write_bytes(CONTENT)
    assert_whole(quick(remote, folder), folder, "resumed")
    assert behaviour.ranges == []


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"!", CONTENT + b"more", CONTENT[:300_000], b""])
def test_a_wrong_file_is_refused_and_the_earlier_one_kept(
    remote: RemoteFile, folder: Path, behaviour: Behaviour, content: bytes
) -> None:
    folder.mkdir(parents=True)
    (folder / "data.json").write_bytes(b"earlier")
    behaviour.content = content or b"\0"
    with pytest.raises(DataError, match=r"is not the expected file: its SHA-256 is [0-9a-f]{64}") as caught:
        quick(remote, folder)
    assert remote.sha256 in caught.value.message
    assert remote.url in caught.value.message
    assert names(folder) == ["data.json"]
    assert (folder / "data.json").read_bytes() == b"earlier"


def test_a_part_longer_than_the_servers_file_is_started_anew(
    remote: RemoteFile, folder: Path, behaviour: Behaviour
) -> None:
    folder.mkdir(parents=True)
    (folder / "data.json.part").write_bytes(CONTENT[:400_000])
    behaviour.content = CONTENT[:300_000]
    with pytest.raises(DataError, match="not the expected file"):
        quick(remote, folder)
    assert behaviour.ranges == ["bytes=400000-", None]


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_is_final(remote: RemoteFile, folder: Path, behaviour: Behaviour, status: int) -> None:
    behaviour.statuses = [status]
    with pytest.raises(DataError, match=f"cannot get {remote.url}: the server answered {status}") as caught:
        quick(remote, folder)
    assert "--from PATH" in (caught.value.hint or "")
    assert len(behaviour.ranges) == 1
    assert names(folder) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again(remote: RemoteFile, folder: Path, behaviour: Behaviour, status: int) -> None:
    behaviour.statuses = [status, status]
    assert_whole(quick(remote, folder), folder, "downloaded")
    assert len(behaviour.ranges) == 3


def test_a_lasting_fault_ends_after_the_attempts(remote: RemoteFile, folder: Path, behaviour: Behaviour) -> None:
    behaviour.statuses = [500] * 9
    with pytest.raises(DataError, match=r"the server answered 500.*0 of 512000 bytes are here after 3 tries"):
        quick(remote, folder)
    assert len(behaviour.ranges) == 3


@pytest.mark.parametrize(("address", "reason"), [("http://127.0.0.1:1/x", "refused"), ("htp://127.0.0.1/x", "htp")])
def test_no_connection(folder: Path, address: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    remote = RemoteFile("data.json", address, "0" * 64, 3)
    with pytest.raises(DataError, match=f"cannot reach {address}: .*{reason}") as caught:
        quick(remote, folder)
    assert "--from PATH" in (caught.value.hint or "")


def test_copies_from_a_folder(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "data.json").write_bytes(CONTENT)
    news: list[tuple[str, int, int]] = []
    report = quick(local_file(), folder, source=tmp_path, progress=lambda *told: news.append(told))
    assert_whole(report, folder, "copied")
    assert news[-1] == ("data.json", len(CONTENT), len(CONTENT))
    assert_whole(quick(local_file(), folder, source=tmp_path), folder, "present")


def test_copies_one_file_under_any_name(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "copy.txt").write_bytes(CONTENT)
    assert_whole(quick(local_file(), folder, source=tmp_path / "copy.txt"), folder, "copied")


def test_copies_the_files_that_lie_beside_a_file(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"a")
    (tmp_path / "b.json").write_bytes(b"b")
    report = fetch([local_file("a.json", b"a"), local_file("b.json", b"b")], folder, source=tmp_path / "b.json")
    assert [file.path.read_bytes() for file in report.files] == [b"a", b"b"]


def test_a_copy_that_is_wrong_is_refused(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "data.json").write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match="not the expected file") as caught:
        quick(local_file(), folder, source=tmp_path)
    assert str(tmp_path / "data.json") in caught.value.message
    assert names(folder) == []


@pytest.mark.parametrize("there", [False, True])
def test_a_copy_that_is_missing_is_named(tmp_path: Path, folder: Path, there: bool) -> None:
    source = tmp_path if there else tmp_path / "nowhere"
    with pytest.raises(DataError, match="no such file") as caught:
        quick(local_file(), folder, source=source)
    assert caught.value.location is not None
    assert caught.value.location.file == str(source / "data.json" if there else source)
    assert not folder.exists()


def test_all_missing_copies_are_named_at_once(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ErrorList, match=r"(?s)a\.json.*b\.json"):
        fetch([local_file("a.json"), local_file("b.json")], folder, source=tmp_path)


def test_a_file_that_is_none_of_them(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "c.json").write_bytes(b"c")
    with pytest.raises(DataError, match=r"c\.json is none of the files") as caught:
        fetch([local_file("a.json"), local_file("b.json")], folder, source=tmp_path / "c.json")
    assert caught.value.hint == "give a folder that holds a.json and b.json"


def test_a_file_stands_where_the_folder_must_be(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot read or write it: (Not a directory|File exists)") as caught:
        quick(local_file(), tmp_path / "raw")
    assert str(tmp_path / "raw") in str(caught.value.location)


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EROFS, "Read-only file system"), (errno.EACCES, "Permission denied")]
)
def test_a_folder_that_may_not_be_written(
    number: int, said: str, remote: RemoteFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(DataError, match=said):
        quick(remote, folder)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk(remote: RemoteFile, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "data.json.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match="the disk is full") as caught:
        quick(remote, folder)
    assert "free some space" in (caught.value.hint or "")
    assert not (folder / "data.json").exists()
