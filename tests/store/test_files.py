"""Result files are whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.store import sweep_parts, write_bytes, write_json, write_text


def test_a_file_is_written_with_its_folders_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_text(path, "one\n")
    write_text(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    write_text(tmp_path / "real" / "file.txt", "earlier")
    (tmp_path / "link.txt").symlink_to("real/file.txt")
    write_text(tmp_path / "link.txt", "later")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "file.txt").read_text() == "later"


def test_a_pipe_and_a_device_are_written_to_and_stay(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        write_text(pipe, "through")
        assert reader.communicate()[0] == "through"
    write_text(Path(os.devnull), "gone")
    assert pipe.is_fifo() and Path(os.devnull).is_char_device()


def test_json_keeps_the_order_of_its_keys_and_has_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": 1, "a": "ü"})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n "b": 1,\n "a": "ü"\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"c": float("nan")})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"b": 1, "a": "ü"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_earlier_file_stays_where_a_new_one_fails(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "earlier")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        patch.setattr(Path, "replace", fail)
        with pytest.raises(StoreError, match="No space left") as caught:
            write_bytes(path, b"new")
    assert caught.value.hint is not None
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]
    assert path.read_text() == "earlier"


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        write_text(tmp_path / "file" / "x.txt", "new")


def test_half_written_files_of_dead_processes_are_swept(tmp_path: Path) -> None:
    died = subprocess.Popen([sys.executable, "-c", ""])
    died.wait()
    for name in (f".cells.csv.{died.pid}.part", f".cells.csv.{os.getpid()}.part", "cells.csv", ".hidden"):
        (tmp_path / name).write_text("x")
    sweep_parts(tmp_path)
    sweep_parts(tmp_path / "missing")
    assert {file.name for file in tmp_path.iterdir()} == {f".cells.csv.{os.getpid()}.part", "cells.csv", ".hidden"}
