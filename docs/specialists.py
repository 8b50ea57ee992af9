"""Writes the table of specs/README.md that says what specialists come to, from the results of specs/specialists.yaml.

python docs/specialists.py data/results/specialists
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "specs" / "README.md"
BEGINNING, END = "<!-- Written by docs/specialists.py. -->\n", "<!-- The end of its table. -->\n"


def interval(estimate: dict[str, Any]) -> str:
    """A share with its 95 % interval, in percent."""
    value, low, high = (100 * estimate[name] for name in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def table(folder: Path) -> str:
    """All readers on all questions, with their gold context or what they saw."""
    analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    seconds = json.loads((folder / "timings.json").read_text(encoding="utf-8"))["read_seconds_by_cell"]
    lines = [
        "| reader | before it | accuracy, % | macro-F1, % | $ per answer | ms per answer |",
        "|---|---|--:|--:|--:|--:|",
    ]
    cells = analysis["sets"]["all"]["cells"]
    for name, cell in cells.items():
        context, reader, _ = name.split("/")
        if context == "closed_book" and f"gold_context/{reader}/1 vote" in cells and reader != "chosen":
            continue
        time, recorded = (
            1000 * seconds.get(name, 0) / analysis["sets"]["all"]["questions"],
            reader.startswith("annot"),
        )
        lines.append(
            f"| `{reader}` | {context.replace('_', ' ')} | {interval(cell['metrics']['accuracy'])}"
            f" | {interval(cell['metrics']['macro_f1'])} | {'people' if recorded else '0'}"
            f" | {'people' if recorded else f'{time:.1f}'} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Put the table in its place."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGINNING)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGINNING + "\n" + table(Path(sys.argv[1])) + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
