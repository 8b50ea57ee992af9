"""A project of its own for tests with the real DVC: a git repository with a copy of the code and one small study."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPEC = """\
study: small
seed: 7
dataset: {synthetic: {questions: 24, split: test}}
readers: {counts: {specialist: {features: counts}}, floor: majority_class}
label: {voters: [counts], votes: 1}
base: {from: [counts], rule: majority, agree_with_gold: true}
grid:
  chunker: [{words: {size: [64], overlap: 0}}]
  retriever: [bm25]
  top_k: [1, 2]
  reader: [floor]
controls: [closed_book]
metrics: [accuracy, recall@5]
"""
PARAMS = """\
fetch: []
studies:
  small:
    spec: specs/small.yaml
    data: plugins/ragtally_synthetic
"""
_RUNNING = re.compile(r"^Running stage '([^']+)'", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code, and everything that it said."""

    code: int
    text: str

    @property
    def stages(self) -> list[str]:
        """The stages that DVC ran, in order; those that it left alone or took from its cache are not among them."""
        return _RUNNING.findall(self.text)


@dataclass(frozen=True)
class Project:
    """A git repository in which DVC runs the code that lies in it."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Project:
        """Make one as a clone of this repository is, with the small study instead of those in the box."""
        unwanted = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info", "tmp", "cache", "config.local")
        for name in ("runner", "plugins", ".dvc"):
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        for name in (".dvcignore", ".gitignore", "dvc.yaml"):
            shutil.copy2(ROOT / name, folder / name)
        project = cls(folder)
        project.write("specs/small.yaml", SPEC)
        project.write("specs/README.md", "No spec: [\n")
        project.write("params.yaml", PARAMS)
        project.git("init", "--quiet", "--initial-branch", "main")
        project.commit("A study")
        return project

    def copy(self, folder: Path) -> Project:
        """Copy everything, the store and DVC's cache with it."""
        shutil.copytree(self.folder, folder)
        return Project(folder)

    def clone(self, folder: Path) -> Project:
        """Clone what is committed."""
        self.git("clone", "--quiet", str(self.folder), str(folder))
        return Project(folder)

    def environment(self) -> dict[str, str]:
        """What commands see: this project's code, and nothing of the person's who runs the tests."""
        strange = ("COV", "DVC", "GIT", "RAGTALLY", "PYTEST")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
        own = self.folder.parent / "own"
        return kept | {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), kept["PATH"])),
            "PYTHONPATH": os.pathsep.join(str(self.folder / name) for name in ("runner", "plugins")),
            "PYTHONDONTWRITEBYTECODE": "",  # as on a machine of no settings
            "HOME": str(own),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(own / "cache"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "200",
        }

    def run(self, *command: str, code: int | None = 0, **variables: str) -> Outcome:
        """Run a command in the project and require its exit code, where one is given."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout
        return Outcome(done.returncode, done.stdout)

    def dvc(self, *arguments: str, code: int | None = 0, **variables: str) -> Outcome:
        """Run DVC."""
        return self.run(sys.executable, "-m", "dvc", *arguments, code=code, **variables)

    def git(self, *arguments: str) -> str:
        """Run git and give what it says."""
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        return self.run("git", *identity, *arguments).text

    def commit(self, message: str) -> None:
        """Commit everything that git does not ignore."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace what stands in a file exactly once."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def entries(self) -> dict[str, tuple[int, int]]:
        """The finished work in the store: each entry with what tells whether it was written anew."""
        store = self.folder / "data" / "store"
        found = {path: path.stat() for path in store.rglob("entry.json")}
        return {str(path.parent.relative_to(store)): (stat.st_ino, stat.st_mtime_ns) for path, stat in found.items()}

    def results(self, study: str = "small") -> dict[str, bytes]:
        """The result files but the measured seconds, which differ from run to run."""
        folder = self.folder / "data" / "results" / study
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        return {name: path.read_bytes() for name, path in files.items() if name != "timings.json"}


def steps(entries: dict[str, tuple[int, int]] | set[str]) -> set[str]:
    """The steps whose work is among entries."""
    return {name.partition("/")[0] for name in entries}
