"""What `ragtally check --data` shows."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from ragtally.cli.console import TerminalProgress, print_all
from ragtally.cli.table_parts import of_total, plain_table
from ragtally.plan import plan_study
from ragtally.registry import Registry
from ragtally.run.duplicates import DataReport, Found, check_data
from ragtally.run.study import provide
from ragtally.run.workplace import Workplace
from ragtally.spec.study import Study
from ragtally.store import Store, find_store

_SHOWN = 34


def report(study: Study, registry: Registry, similarity: float) -> DataReport:
    """Look for near-duplicates in a study's data.

    Args:
        study: The study.
        registry: The components.
        similarity: From which Jaccard similarity on texts count.

    Returns:
        What was found.
    """
    place = Workplace(Store(find_store(Path.cwd())), registry, TerminalProgress())
    provide(study, place)
    try:
        return check_data(plan_study(study, registry), place, similarity)
    finally:
        place.progress.finish()


def print_report(found: DataReport) -> None:
    """Print what was found, as tables of at most 80 columns.

    Args:
        found: The report.
    """
    table = plain_table(
        f"Near-duplicates in the data of {found.study}, from a similarity of {found.similarity:g} on",
        ["what", "looked at", "exact", "near"],
    )
    table.columns[0].overflow = "fold"
    for one in found.findings:
        table.add_row(one.what, f"{one.texts:,}", of_total(one.exact, one.texts), of_total(one.near, one.texts))
    parts: list[Table | Text] = [table]
    for one in found.findings:
        if one.pairs:
            parts.extend((_pairs(one), Text(f"  -> {one.advice}")))
    print_all(parts)


def _pairs(found: Found) -> Table:
    table = plain_table(f"Some {found.what}", ["alike", "one", "the other"], left=3)
    for pair in found.pairs:
        one, other = (
            f"{name}: {' '.join(text.split())}"
            for name, text in ((pair.first, pair.first_text), (pair.second, pair.second_text))
        )
        table.add_row(f"{pair.similarity:.2f}", _cut(one), _cut(other))
    return table


def _cut(text: str) -> str:
    text = " ".join(text.split())
    printable = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return printable if len(printable) <= _SHOWN else printable[: _SHOWN - 1] + "…"
