"""Where PubMedQA's files are, where they come from, and what to type when they are missing."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragtally import DataError, Location, RemoteFile, file_hash
from ragtally.api.address import address

FOLDER_NAME = "pubmedqa"
FOLDER_VARIABLE = "RAGTALLY_PUBMEDQA"
DEFAULT_FOLDER = Path("data/raw") / FOLDER_NAME
RECORDS_FILE = {"labeled": "ori_pqal.json", "artificial": "ori_pqaa.json", "unlabeled": "ori_pqau.json"}
TRUTH_FILE = "test_ground_truth.json"

_HOME = "https://raw.githubusercontent.com/pubmedqa/pubmedqa/master/data"
# The labelled subset, MIT licence, Jin et al. (2019).
REMOTE_FILES = (
    RemoteFile(
        name=RECORDS_FILE["labeled"],
        url=f"{_HOME}/{RECORDS_FILE['labeled']}",
        sha256="8b3276be8942ebbd77f3ddcda12c1749bf0e490045a736fd8438ee40cf37a41d",
        size=2_584_787,
    ),
    RemoteFile(
        name=TRUTH_FILE,
        url=f"{_HOME}/{TRUTH_FILE}",
        sha256="939fe566f09017d13b1ca64d2ddfee0bc2374b366048152997669cccedc44d51",
        size=11_414,
    ),
)

_FETCH = "`ragtally fetch pubmedqa`, or `ragtally fetch pubmedqa --from PATH` for a copy that you have"


@dataclass(frozen=True, slots=True)
class SubsetFiles:
    """The files of one subset."""

    subset: str
    records: tuple[Path, ...]  # The files that hold the records, in order; several only for Parquet
    # The file that names the test questions; None where the subset has none or it is not needed.
    truth: Path | None = None

    @property
    def is_parquet(self) -> bool:
        """Whether the records are in the Parquet form."""
        return self.records[0].suffix == ".parquet"


def remedy(subset: str) -> str:
    """Explain how to get a subset's files."""
    if subset == "labeled":
        return f"run {_FETCH}"
    return (
        f"`ragtally fetch pubmedqa` gets the labelled subset only: take {RECORDS_FILE[subset]} from the links in "
        f"https://github.com/pubmedqa/pubmedqa, or the folder pqa_{subset} (Parquet) from "
        f"https://huggingface.co/datasets/qiaojin/PubMedQA, and put it into {DEFAULT_FOLDER.as_posix()}/ "
        "or name its place with `path`"
    )


def find_files(subset: str, path: str | None, *, with_truth: bool = True) -> SubsetFiles:
    """Find a subset's files: at `path`; else in the folder that the environment names, then in the default one."""
    # In a folder the JSON form comes before the Parquet form.
    folders: list[Path] = []
    if path is not None:
        target = Path(path).expanduser()
        if target.is_file():
            return _with_truth(subset, _records_in_file(subset, target), with_truth)
        folders.append(_require_folder(subset, target, "the parameter `path` names"))
    else:
        if variable := os.environ.get(FOLDER_VARIABLE):
            folders.append(_require_folder(subset, Path(variable).expanduser(), f"{FOLDER_VARIABLE} names"))
        folders.append(DEFAULT_FOLDER)
    for folder in folders:
        if records := _in_folder(subset, folder):
            return _with_truth(subset, records, with_truth)
    missing = RECORDS_FILE[subset] + ("" if subset == "labeled" else f" (or pqa_{subset}/*.parquet)")
    places = " and ".join(str(folder) for folder in folders)
    raise DataError(
        f"the {subset} subset of PubMedQA is missing: there is no {missing} in {places}",
        location=Location(str(folders[-1] / RECORDS_FILE[subset])),
        hint=remedy(subset),
    )


def fingerprint(files: SubsetFiles) -> str:
    """Hash the content of files; their names and places do not count."""
    try:
        records = [file_hash(path) for path in files.records]
        truth = file_hash(files.truth) if files.truth else None
    except OSError as error:
        raise DataError(
            f"cannot read the file: {error.strerror or error}",
            location=Location(str(error.filename or files.records[0])),
            hint=remedy(files.subset),
        ) from error
    return address({"records": records, "truth": truth})


def _require_folder(subset: str, folder: Path, source: str) -> Path:
    if not folder.is_dir():
        raise DataError(
            f"{source} {str(folder)!r}, which does not exist", location=Location(str(folder)), hint=remedy(subset)
        )
    return folder


def _records_in_file(subset: str, path: Path) -> tuple[Path, ...]:
    forms = (".json",) if subset == "labeled" else (".json", ".parquet")
    if path.suffix not in forms:
        raise DataError(
            f"the {subset} subset is read from a file that ends in {' or '.join(forms)}",
            location=Location(str(path)),
            hint="the Parquet form does not say which labelled questions are the test set: use ori_pqal.json"
            if path.suffix == ".parquet"
            else remedy(subset),
        )
    return _require_all_parts(subset, (path,)) if path.suffix == ".parquet" else (path,)


def _in_folder(subset: str, folder: Path) -> tuple[Path, ...]:
    json_file = folder / RECORDS_FILE[subset]
    if json_file.is_file():
        return (json_file,)
    if subset == "labeled":
        return ()
    name = f"pqa_{subset}"
    parts = sorted((folder if folder.name == name else folder / name).glob("*.parquet"))
    return _require_all_parts(subset, tuple(parts))


def _require_all_parts(subset: str, paths: Sequence[Path]) -> tuple[Path, ...]:
    """Check names such as `train-00000-of-00002.parquet` for parts that are not there."""
    part_numbers = [(path, re.search(r"-(\d{5})-of-(\d{5})\.parquet$", path.name)) for path in paths]
    present = {int(match[1]) for _, match in part_numbers if match}
    for path, match in part_numbers:
        if match and len(present) != int(match[2]):
            raise DataError(
                f"there are {len(present)} of the {int(match[2])} parts of the {subset} subset",
                location=Location(str(path)),
                hint=f"put all parts into one folder named pqa_{subset} and give that folder",
            )
    return tuple(paths)


def _with_truth(subset: str, records: tuple[Path, ...], needs_truth: bool) -> SubsetFiles:
    if subset != "labeled" or not needs_truth:
        return SubsetFiles(subset, records)
    truth = records[0].with_name(TRUTH_FILE)
    if not truth.is_file():
        raise DataError(
            f"{TRUTH_FILE}, which names the test questions, is missing beside {records[0].name}",
            location=Location(str(truth)),
            hint=remedy(subset),
        )
    return SubsetFiles(subset, records, truth)
