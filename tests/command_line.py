"""The command line as users meet it: a real process in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SMALL_SPEC = """\
study: small
seed: 3
dataset: {synthetic: {questions: 60, distractors: 1, split: test}}
readers:
  words: {specialist: {features: tfidf}}
  floor: majority_class
label: {voters: [words], votes: 2}
base: {from: [words], rule: unanimous, agree_with_gold: true}
grid:
  chunker: [{words: {size: [40, 80], overlap: 0}}]
  retriever: [bm25, oracle]
  top_k: [1, 2]
  reader: [words, floor]
  votes: [1, 2]
controls: [closed_book, gold_context, wrong_context]
metrics: [accuracy, macro_f1, recall@3, mrr@3]
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A folder with a spec, a store and results of its own."""

    folder: Path
    environment: dict[str, str]

    def ragtally(self, *words: str, **environment: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "ragtally", *words],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def results(self, study: str = "small") -> dict[str, bytes]:
        folder = self.folder / "data" / "results" / study
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}


def project_in(folder: Path) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAGTALLY_")}
    return Project(folder, kept | {"RAGTALLY_STORE": str(folder / "store"), "COLUMNS": "100"})
