"""Files are written once from the same things, and again as soon as anything they came from may have changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally.engine.outputs import software, update_outputs
from ragtally.registry import load_registry
from ragtally.store import Store


class Writer:
    """Writes one file and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.times = folder, 0

    def __call__(self) -> None:
        self.times += 1
        self.folder.mkdir(exist_ok=True)
        (self.folder / "numbers.csv").write_text("1,2\n")


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    return Writer(tmp_path / "results")


@pytest.fixture
def update(tmp_path: Path, write: Writer) -> Callable[..., int]:
    """Update the outputs and return how often they have been written by then."""

    def run(origin: str = "a", store: Store | None = None) -> int:
        update_outputs(store or Store(tmp_path / "store"), write.folder, "bench", {"spec": origin}, write)
        return write.times

    return run


def test_the_same_origin_writes_once_and_another_again(update: Callable[..., int]) -> None:
    assert [update("a"), update("a"), update("b"), update("b"), update("a")] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("change", ["deleted", "edited", "touched"])
def test_files_that_are_no_longer_as_written_are_written_again(
    update: Callable[..., int], write: Writer, change: str
) -> None:
    update()
    path = write.folder / "numbers.csv"
    {"deleted": path.unlink, "edited": lambda: path.write_text("9,9\n"), "touched": lambda: os.utime(path, (1, 1))}[
        change
    ]()
    assert update() == 2
    assert path.read_text() == "1,2\n"


def test_files_of_others_in_the_folder_do_not_count(update: Callable[..., int], write: Writer) -> None:
    update()
    (write.folder / "notes.txt").write_text("mine")
    assert update() == 1


def test_who_is_stopped_while_writing_is_not_trusted(
    tmp_path: Path, update: Callable[..., int], write: Writer
) -> None:
    update()

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update_outputs(Store(tmp_path / "store"), write.folder, "bench", {"spec": "b"}, stop)
    assert update("a") == 2


def test_results_with_failures_in_them_are_written_again(tmp_path: Path, update: Callable[..., int]) -> None:
    store = Store(tmp_path / "store")
    with store.write("ask", "r1:" + "0" * 40) as draft:
        draft.provisional.append("a call failed")
    assert [update(store=store), update(store=store)] == [1, 2]


def test_a_damaged_record_only_costs_the_writing(tmp_path: Path, update: Callable[..., int]) -> None:
    update()
    (record,) = (tmp_path / "store/outputs").iterdir()
    record.write_text("[1")
    assert update() == 2


def test_software_follows_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = load_registry()
    before = software(registry)
    assert software(registry) == before
    real = os.stat

    def newer(path: Path, *args: object, **kwargs: object) -> os.stat_result:
        status = real(path, *args, **kwargs)  # type: ignore[arg-type]
        return status if Path(path).name != "ragtally_echo.py" else os.stat_result((*status[:6], 7, *status[7:]))

    monkeypatch.setattr(Path, "stat", lambda self, **kwargs: newer(self, **kwargs))
    assert software(registry) != before
