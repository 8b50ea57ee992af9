"""Where the data is looked for, and what is said where it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.api import DataError, Location
from sample_pubmedqa import (
    FILES,
    failure,
    fingerprint,
    read_all,
    record,
    write,
)


def test_the_path_comes_first_then_the_environment_then_the_usual_folder(
    folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, number in (("named", 1), ("given", 2)):
        write(workspace / name / "ori_pqal.json", {str(number): record(number)})
        write(workspace / name / "test_ground_truth.json", {str(number): "yes"})
    assert len(read_all().questions) == 6
    monkeypatch.setenv("RAGTALLY_PUBMEDQA", str(workspace / "named"))
    assert list(read_all().questions.id) == ["1"]
    assert list(read_all(path=workspace / "given").questions.id) == ["2"]
    assert list(read_all(path=workspace / "given" / "ori_pqal.json").questions.id) == ["2"]


def test_the_usual_folder_serves_what_the_named_one_does_not_have(
    folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / FILES["artificial"], {"7": record(7)})
    monkeypatch.setenv("RAGTALLY_PUBMEDQA", str(workspace))
    assert list(read_all("artificial").questions.id) == ["7"]


@pytest.mark.parametrize("subset", list(FILES))
def test_missing_data_says_what_to_type(subset: str) -> None:
    error = failure(subset)
    assert FILES[subset] in error.message
    assert error.location == Location(str(Path("data/raw/pubmedqa") / FILES[subset]))
    assert "`ragtally fetch pubmedqa`" in (error.hint or "")
    if subset == "labeled":
        assert "`ragtally fetch pubmedqa --from PATH`" in (error.hint or "")
    else:
        assert "labelled subset only" in (error.hint or "")
        assert f"pqa_{subset}" in (error.hint or "")
    with pytest.raises(DataError, match="missing"):
        fingerprint(subset)


def test_a_folder_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert "the parameter `path` names 'nowhere'" in failure(path="nowhere").message
    monkeypatch.setenv("RAGTALLY_PUBMEDQA", "elsewhere")
    assert "RAGTALLY_PUBMEDQA names 'elsewhere'" in failure().message


def test_the_test_questions_must_be_there(folder: Path) -> None:
    (folder / "test_ground_truth.json").unlink()
    error = failure()
    assert error.location == Location(str(folder / "test_ground_truth.json"))
    assert "beside ori_pqal.json" in error.message


@pytest.mark.parametrize(("subset", "name"), [("labeled", "a.parquet"), ("labeled", "a.txt"), ("unlabeled", "a.csv")])
def test_a_file_of_another_form(subset: str, name: str, workspace: Path) -> None:
    (workspace / name).write_text("{}")
    assert "is read from a file that ends in .json" in failure(subset, name).message


def test_a_file_that_cannot_be_read(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(workspace / FILES["artificial"], {"1": record(1)})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert failure("artificial", path).message == "cannot read the file: Permission denied"
    with pytest.raises(DataError, match="Permission denied"):
        fingerprint("artificial", path)


def test_the_fingerprint_is_of_the_content(folder: Path, workspace: Path) -> None:
    before = fingerprint()
    folder.rename(workspace / "moved")
    assert fingerprint(path=workspace / "moved") == before
    write(workspace / "moved" / "test_ground_truth.json", {"103": "yes"})
    other_truth = fingerprint(path=workspace / "moved")
    write(workspace / "moved" / "ori_pqal.json", {"103": record(3)})
    assert len({before, other_truth, fingerprint(path=workspace / "moved")}) == 3
