"""Write what the README shows of the quickstart study: `quickstart.md`, its tables, and `report.png`, its report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
HEAD = """# What `make repro` prints, and every table

Made-up studies in the manner of PubMedQA, and classifiers that need no server ([the
spec](../specs/quickstart.yaml)). With the gold context in front of it the reader is right on nearly all of the
base. Small chunks lose most of that, because the evidence is not among what was retrieved (`evidence`) although it
could have been (`ceiling`). BM25 loses less than LSA vectors. Without context, or with another question's, the
reader is no better than the floor.

"""


def page(screen: str, tables: str) -> str:
    """The page around what `ragtally show quickstart` prints, and with `--all`."""
    return f"{HEAD}{_block(screen)}\n## `ragtally show quickstart --all`\n\n{_block(tables)}"


def _block(text: str) -> str:
    return "".join(f"    {line.rstrip()}".rstrip() + "\n" for line in text.strip("\n").splitlines())


def main(report: Path) -> None:
    """Write both files from the study's results; the picture only where there is Chromium."""
    command = [sys.executable, "-m", "ragtally", "show", "quickstart"]
    environment = os.environ | {"COLUMNS": "80"}
    screen, tables = (
        subprocess.run([*command, *more], capture_output=True, text=True, check=True, env=environment).stdout
        for more in ((), ("--all",))
    )
    (FOLDER / "quickstart.md").write_text(page(screen, tables), encoding="utf-8")
    if browser := shutil.which("chromium"):
        # The answer and where the accuracy went; charts are drawn when they come into view, which takes time.
        options = [
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            "--window-size=1280,1235",
            "--virtual-time-budget=9000",
        ]
        picture = f"--screenshot={FOLDER / 'report.png'}"
        subprocess.run([browser, *options, picture, report.absolute().as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
