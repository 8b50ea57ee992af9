"""What several machines share: entries appear whole or not at all, and no fault there breaks or loses work here."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faulty_files import URL, FaultyFiles, faulty_files
from ragtally.api import RagtallyError, StoreError
from ragtally.api.address import address
from ragtally.store import DamagedEntry, SharedStore, Store, remote
from ragtally.store.uploads import Upload

STEP = "chunk"
ADDRESS = address({"what": "some work"})
OTHER = address({"what": "other work"})


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PAUSES", (0.0, 0.0, 0.0, 0.0))


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


@pytest.fixture
def place() -> Iterator[type[FaultyFiles]]:
    with faulty_files() as files:
        yield files


def machine(tmp_path: Path, name: str, url: object) -> Store:
    return Store(tmp_path / name, SharedStore(str(url)))


def tier(store: Store) -> SharedStore:
    assert store.tier is not None
    return store.tier


def write(store: Store, at: str = ADDRESS, content: str = "the work", step: str = STEP) -> None:
    with store.write(step, at) as draft:
        (draft.folder / "file.txt").write_text(content)
        (draft.folder / "inner").mkdir()
        (draft.folder / "inner" / "deep.txt").write_text("below")
        (draft.folder / "empty").mkdir()


def write_and_share(store: Store, at: str = ADDRESS, content: str = "the work") -> None:
    write(store, at, content)
    assert tier(store).flush() is None


def read(store: Store, at: str = ADDRESS, step: str = STEP) -> str:
    return (store.open(step, at).folder / "file.txt").read_text()


def archives(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.tar"))


def test_what_one_machine_has_done_another_one_has(tmp_path: Path, share: Path) -> None:
    first, second = machine(tmp_path, "first", share), machine(tmp_path, "second", f"file://{share}")
    assert not first.complete(STEP, ADDRESS)
    write_and_share(first)
    assert second.complete(STEP, ADDRESS) and not second.is_here(STEP, ADDRESS)
    assert second.seconds(STEP, ADDRESS) == first.seconds(STEP, ADDRESS)
    entry = second.open(STEP, ADDRESS)
    assert second.is_here(STEP, ADDRESS) and entry.folder == second.folder(STEP, ADDRESS)
    files = {
        store: {
            path.relative_to(store.root).as_posix(): path.read_bytes() if path.is_file() else None
            for path in store.folder(STEP, ADDRESS).rglob("*")
        }
        for store in (first, second)
    }
    assert files[first] == files[second] and len(files[first]) == 5
    assert {path.stat().st_mode & 0o077 for path in entry.folder.rglob("*")} == {0}
    assert not list((second.root / "tmp").iterdir()) and not list((share / "tmp").iterdir())
    # The same entry is the same archive, whoever writes it.
    before = archives(share)[0].read_bytes()
    archives(share)[0].unlink()
    with_second = machine(tmp_path, "second", share)
    folder = with_second.folder(STEP, ADDRESS)
    assert tier(with_second).share(Upload(STEP, ADDRESS, folder, with_second.scratch))
    assert tier(with_second).flush() is None
    assert archives(share)[0].read_bytes() == before


def test_an_entry_with_failures_stays_here_and_gives_way_to_a_shared_one(tmp_path: Path, share: Path) -> None:
    first, second = machine(tmp_path, "first", share), machine(tmp_path, "second", share)
    with first.write(STEP, ADDRESS) as draft:
        (draft.folder / "file.txt").write_text("half of it")
        draft.provisional.append("a call failed")
    assert tier(first).flush() is None
    assert archives(share) == [] and read(first) == "half of it"
    write_and_share(second)
    assert read(first) == "half of it"
    assert read(machine(tmp_path, "first", share)) == "the work"


def flip(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[content.index(b"the work")] ^= 1
    archive.write_bytes(content)


def other_archive(*members: tuple[str, bytes, bytes]) -> Callable[[Path], None]:
    def damage(archive: Path) -> None:
        with tarfile.open(archive) as tar:
            record = tar.extractfile("entry.json").read()  # type: ignore[union-attr]
        files = {name: {"bytes": len(content), "hash": "x"} for name, content, _ in members}
        record = json.dumps(json.loads(record) | {"files": files}).encode()
        with tarfile.open(archive, "w") as tar:
            for name, content, kind in (("entry.json", record, tarfile.REGTYPE), *members):
                member = tarfile.TarInfo(name)
                member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
                tar.addfile(member, io.BytesIO(content))

    return damage


DAMAGE: dict[str, Callable[[Path], None]] = {
    "truncated behind its record": lambda archive: archive.write_bytes(archive.read_bytes()[:-9000]),
    "a flipped bit": flip,
    "gone after it was seen": Path.unlink,
    "a file outside": other_archive(("../../outside.txt", b"!", tarfile.REGTYPE)),
    "a file at a place of its own": other_archive(("/tmp/outside.txt", b"!", tarfile.REGTYPE)),
    "a link": other_archive(("link", b"", tarfile.SYMTYPE)),
    "a file that the record lacks": other_archive(("file.txt", b"other", tarfile.REGTYPE)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_archive_is_never_taken_and_is_replaced(
    tmp_path: Path, share: Path, damage: Callable[[Path], None]
) -> None:
    write_and_share(machine(tmp_path, "first", share))
    second = machine(tmp_path, "second", share)
    assert second.complete(STEP, ADDRESS)
    damage(archives(share)[0])
    with pytest.raises(DamagedEntry, match="damaged in the shared store, or is gone") as caught:
        second.open(STEP, ADDRESS)
    assert str(share) in str(caught.value.location)
    assert not second.complete(STEP, ADDRESS) and not list(tmp_path.rglob("outside.txt"))
    write_and_share(second, content="made again")
    assert read(machine(tmp_path, "third", share)) == "made again"


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x00" * 10240])
def test_what_is_no_archive_is_no_entry_and_is_replaced(tmp_path: Path, share: Path, content: bytes) -> None:
    write_and_share(machine(tmp_path, "first", share))
    archives(share)[0].write_bytes(content)
    messages: list[str] = []
    second = Store(tmp_path / "second", SharedStore(str(share), lambda what, so_far, total: messages.append(what)))
    assert not second.complete(STEP, ADDRESS)
    assert len(messages) == 1 and "is no entry of the step chunk" in messages[0]
    write_and_share(second, content="made again")
    assert read(machine(tmp_path, "third", share)) == "made again"


def test_a_record_of_many_files_is_read_whole(tmp_path: Path, share: Path) -> None:
    first, second = machine(tmp_path, "first", share), machine(tmp_path, "second", share)
    with first.write(STEP, ADDRESS) as draft:
        for number in range(80):
            (draft.folder / f"{number}-{'x' * 150}.txt").write_text(str(number))
    assert tier(first).flush() is None
    assert len(list(second.open(STEP, ADDRESS).folder.iterdir())) == 81


def test_the_first_of_two_writers_stays_and_the_other_one_learns_of_it(
    tmp_path: Path, place: type[FaultyFiles]
) -> None:
    first, second = machine(tmp_path, "first", URL), machine(tmp_path, "second", URL)
    assert not first.complete(STEP, ADDRESS) and not second.complete(STEP, ADDRESS)
    write_and_share(first, content="first")
    write_and_share(second, content="second")
    assert read(second) == "second" and read(machine(tmp_path, "third", URL)) == "first"
    assert tier(second).differs(STEP, ADDRESS, second.folder(STEP, ADDRESS))
    assert not tier(first).differs(STEP, ADDRESS, first.folder(STEP, ADDRESS))


def test_many_are_looked_up_at_once_and_not_again_at_once(tmp_path: Path, place: type[FaultyFiles]) -> None:
    write_and_share(machine(tmp_path, "first", URL))
    place.requests.clear()
    second = machine(tmp_path, "second", URL)
    keys = [(STEP, ADDRESS), *((STEP, address({"number": number})) for number in range(200))]
    tier(second).look_up(keys)
    assert [second.complete(*key) for key in keys] == [True] + [False] * 200
    tier(second).look_up(keys)
    assert len(place.requests) == 201
    tier(second).look_up(keys, after=0)
    assert len(place.requests) == 401  # What is there stays there


def test_what_passes_is_tried_again(tmp_path: Path, place: type[FaultyFiles]) -> None:
    left = {"read": 3, "get": 3, "put": 3}

    def fault(what: str, path: str) -> BaseException | None:
        left[what] -= 1
        return OSError("Internal Error") if left[what] >= 0 else None

    place.fault = staticmethod(fault)
    write_and_share(machine(tmp_path, "first", URL))
    left.update(read=3)
    assert read(machine(tmp_path, "second", URL)) == "the work"


def test_a_cut_body_is_fetched_again_and_never_taken_for_an_entry(tmp_path: Path, place: type[FaultyFiles]) -> None:
    write_and_share(machine(tmp_path, "first", URL))
    second = machine(tmp_path, "second", URL)
    assert second.complete(STEP, ADDRESS)
    place.cut = 3000
    with pytest.raises(DamagedEntry):
        second.open(STEP, ADDRESS)
    place.cut = None
    assert read(machine(tmp_path, "second", URL)) == "the work"


def test_where_it_cannot_be_read_nothing_is_done_again(tmp_path: Path, place: type[FaultyFiles]) -> None:
    place.fault = staticmethod(lambda what, path: ConnectionRefusedError("Connection refused"))
    with pytest.raises(StoreError, match="cannot read the shared store: Connection refused") as caught:
        machine(tmp_path, "first", URL).complete(STEP, ADDRESS)
    assert caught.value.hint and "RAGTALLY_SHARED_STORE=none" in caught.value.hint
    assert len(place.requests) == 5


def test_who_may_not_read_is_told_so_at_once(tmp_path: Path, place: type[FaultyFiles]) -> None:
    place.fault = staticmethod(lambda what, path: PermissionError("Access Denied"))
    with pytest.raises(StoreError, match="Access Denied") as caught:
        machine(tmp_path, "first", URL).complete(STEP, ADDRESS)
    assert caught.value.hint and "AWS_ACCESS_KEY_ID" in caught.value.hint
    assert len(place.requests) == 1


def test_where_it_cannot_be_written_the_work_goes_on_and_what_is_left_is_counted(
    tmp_path: Path, place: type[FaultyFiles]
) -> None:
    place.fault = staticmethod(lambda what, path: PermissionError("Access Denied") if what == "put" else None)
    messages: list[str] = []
    store = Store(tmp_path / "first", SharedStore(URL, lambda what, so_far, total: messages.append(what)))
    for number in range(12):
        write(store, address({"number": number}))
        tier(store).wait()
    error = tier(store).flush()
    assert error is not None and "12 entries of this run are not shared: cannot write" in error.message
    assert error.hint and "ragtally store push SPEC" in error.hint
    assert len(messages) == 1 and "Access Denied" in messages[0] and "the work goes on" in messages[0]
    assert all(store.is_here(STEP, address({"number": number})) for number in range(12))
    # It is reported once.
    assert tier(store).flush() is None


def test_what_could_not_be_shared_is_shared_once_that_is_possible(tmp_path: Path, place: type[FaultyFiles]) -> None:
    place.fault = staticmethod(lambda what, path: OSError("down") if what == "put" else None)
    store = machine(tmp_path, "first", URL)
    write(store)
    tier(store).wait()
    place.fault = staticmethod(lambda what, path: None)
    write(store, OTHER)
    assert tier(store).flush() is None
    second = machine(tmp_path, "second", URL)
    assert read(second) == read(second, OTHER) == "the work"


def test_nothing_is_shared_without_what_it_rests_on(tmp_path: Path, place: type[FaultyFiles]) -> None:
    store = machine(tmp_path, "first", URL)
    first = tier(store).location("ask", ADDRESS).file.rpartition("/")[2]
    place.fault = staticmethod(
        lambda what, path: PermissionError("no") if what == "put" and first[:-4] in path else None
    )
    write(store, step="ask")
    tier(store).next_step()
    write(store, OTHER, step="parse")
    error = tier(store).flush()
    assert error is not None and error.message.startswith("2 entries")
    second = machine(tmp_path, "second", URL)
    assert not second.complete("ask", ADDRESS) and not second.complete("parse", OTHER)


def test_pieces_go_through_it_only_where_they_are_done_elsewhere(tmp_path: Path, share: Path) -> None:
    first, second = machine(tmp_path, "first", share), machine(tmp_path, "second", share)
    assert first.pieces(STEP, ADDRESS).tier is None
    write_and_share(first.pieces(STEP, ADDRESS, elsewhere=True), OTHER)
    pieces = second.pieces(STEP, ADDRESS, elsewhere=True)
    assert read(pieces, OTHER) == "the work"
    assert pieces.open(STEP, OTHER).folder.is_relative_to(second.checkpoints(STEP, ADDRESS))
    tier(pieces).remove()
    tier(pieces).remove()
    assert archives(share) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://AKIAX:sec/ret@bucket/x", "holds no keys"),
        ("sftp://me:hunter22@host/x", "holds no keys"),
        ("simplecache::s3://bucket", "is one place"),
        ("https://host/x?token=hunter22hunter22", "is one place"),
        ("nosuch://bucket", "is no shared store"),
        ("/nowhere/at/all", "is no folder"),
    ],
)
def test_a_wrong_url_is_an_error_that_holds_no_key(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(RagtallyError, match=message) as caught:
        machine(tmp_path, "first", url).complete(STEP, ADDRESS)
    assert "ret@" not in str(caught.value) and "hunter22" not in str(caught.value)
    assert caught.value.hint


FAULTS = st.lists(st.sampled_from([None, None, OSError("503"), PermissionError("403"), "cut"]), max_size=40)
DEEDS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.sampled_from(["write", "read"])), max_size=8)


@settings(max_examples=12)
@given(FAULTS, DEEDS)
def test_whatever_fails_every_entry_is_whole_or_not_there(
    tmp_path_factory: pytest.TempPathFactory, faults: list[object], deeds: list[tuple[str, int, str]]
) -> None:
    tmp_path = tmp_path_factory.mktemp("machines")
    with faulty_files() as place:
        left = list(faults)

        def fault(what: str, path: str) -> BaseException | None:
            fault = left.pop() if left else None
            place.cut = 2000 if fault == "cut" else None
            return fault if isinstance(fault, BaseException) else None

        place.fault = staticmethod(fault)
        stores = {name: machine(tmp_path, name, URL) for name in "ab"}
        for name, number, deed in deeds:
            store, at = stores[name], address({"number": number})
            try:
                if store.complete(STEP, at):
                    assert read(store, at) == f"work {number}"
                elif deed == "write":
                    write(store, at, f"work {number}")
                    tier(store).wait()
            except StoreError:
                # The next process knows nothing of it.
                stores[name] = machine(tmp_path, name, URL)
        for store in stores.values():
            tier(store).give_up()
        place.fault, place.cut = staticmethod(lambda what, path: None), None
        third = machine(tmp_path, "c", URL)
        for number in range(4):
            if third.complete(STEP, address({"number": number})):
                assert read(third, address({"number": number})) == f"work {number}"
