"""Writes the table of specs/README.md that says what specialists come to, from the results of the studies there.

python docs/specialists.py data/results/specialists data/results/specialists-trained
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "specs" / "README.md"
BEGINNING, END = "<!-- Written by docs/specialists.py. -->\n", "<!-- The end of its table. -->\n"
USD_PER_HOUR = 0.10
# Shown on every context; the others on the gold one.
EVERYWHERE = ("chosen", "encoder_contrastive", "encoder_end_to_end", "lora")
CONTEXTS = {"words": "BM25, 1 chunk of 384 words"}


def interval(estimate: dict[str, Any]) -> str:
    """A share with its 95 % interval, in percent."""
    value, low, high = (100 * estimate[name] for name in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def rows(folder: Path, done: set[str]) -> Iterator[str]:
    """A study's readers; those of an earlier table are left out."""
    analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))["sets"]["all"]
    seconds = json.loads((folder / "timings.json").read_text(encoding="utf-8"))["read_seconds_by_cell"]
    of_study = set()
    for name, cell in sorted(analysis["cells"].items(), key=lambda item: _order(item[0].split("/")[-2])):
        context, reader = name.split("/")[0], name.split("/")[-2]
        has_gold = f"gold_context/{reader}/1 vote" in analysis["cells"]
        if reader in done or (has_gold and context != "gold_context" and reader not in EVERYWHERE):
            continue
        of_study.add(reader)
        if reader.startswith("annotators"):
            time = cost = "people"
        else:
            each = seconds.get(name, 0) / analysis["questions"]
            time, cost = f"{1000 * each:.1f}", f"{1000 * each / 3600 * USD_PER_HOUR:.5f}"
        accuracy, macro_f1 = (interval(cell["metrics"][metric]) for metric in ("accuracy", "macro_f1"))
        before = CONTEXTS.get(context, context.replace("_", " "))
        yield f"| `{reader}` | {before} | {accuracy} | {macro_f1} | {cost} | {time} |\n"
    done |= of_study


def _order(reader: str) -> int:
    """Those that are shown on every context stand last, and together."""
    return EVERYWHERE.index(reader) + 1 if reader in EVERYWHERE else 0


def table(folders: list[Path]) -> str:
    """All readers on all questions, with their gold context or what they saw."""
    done: set[str] = set()
    lines = [
        f"| reader | before it | accuracy, % | macro-F1, % | $ per 1,000 answers, at ${USD_PER_HOUR:.2f} an hour"
        " | ms per answer |\n",
        "|---|---|--:|--:|--:|--:|\n",
    ]
    return "".join([*lines, *(row for folder in folders for row in rows(folder, done))])


def main() -> None:
    """Put the table in its place."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGINNING)
    _, _, after = rest.partition(END)
    content = table([Path(folder) for folder in sys.argv[1:]])
    PAGE.write_text(f"{before}{BEGINNING}\n{content}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
