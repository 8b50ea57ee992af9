"""The data card of a study's examples: what they are, who wrote, graded and decided, and what to bear in mind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.analysis.validators import ValidatorPrecision, validator_precisions
from ragtally.curation.doubt import with_doubts
from ragtally.results import columns as files
from ragtally.store import write_json, write_text

_FILES = ("card.json", "card.md")
_NOBODY = "nobody"


def write_card(folder: Path) -> None:
    """Write `card.json` and `card.md` beside the results of a study that writes examples."""
    has_examples = (folder / files.EXAMPLES.name).is_file()
    examples: pl.DataFrame = files.EXAMPLES.read(folder) if has_examples else files.EXAMPLES.empty()
    if not len(examples):
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
        return
    ballots = files.EXAMPLE_BALLOTS.read(folder)
    # Nobody is shown what only repeats another example.
    originals = examples.filter(~pl.col("status").is_in(["duplicate", "leaks_test_question"]))
    precisions = validator_precisions(with_doubts(originals, ballots), ballots)
    content = _content(examples, ballots, precisions, folder)
    write_json(folder / _FILES[0], content)
    write_text(folder / _FILES[1], _page(content, precisions))


def _content(
    examples: pl.DataFrame, ballots: pl.DataFrame, precisions: Sequence[ValidatorPrecision], folder: Path
) -> dict[str, Any]:
    summary, manifest = files.EXAMPLES_SUMMARY.read(folder), files.EXAMPLES_MANIFEST.read(folder)
    included = examples.filter("included")
    label = pl.coalesce("edited_label", "label")
    criteria = ballots.group_by("criterion").agg(
        votes=pl.len(), yes=pl.col("passed").sum(), unread=pl.col("passed").null_count()
    )
    return {
        **summary,
        "kinds": _counts(included["kind"]),
        "labels": _counts(included.select(label.alias("label"))["label"].drop_nulls()),
        "generators": _counts(included["generator"].fill_null(_NOBODY)),
        "origins": _counts(included["origin"]),
        "experts_say": _counts(examples["expert"].drop_nulls()),
        "votes": {row.pop("criterion"): row for row in criteria.sort("criterion").to_dicts()},
        "validators": [asdict(one) for one in precisions],
        "lines": manifest["counts"],
        "files": manifest["files"],
    }


def _counts(values: pl.Series) -> dict[str, int]:
    name = values.name
    table = values.to_frame().group_by(name).len().sort(name)
    return dict(zip(table[name].to_list(), table["len"].to_list(), strict=True))


def _page(card: dict[str, Any], precisions: Sequence[ValidatorPrecision]) -> str:
    documents, cost, expert = card["documents"], card["cost"], card["expert"]
    dollars = cost["dollars_per_included"]
    price = "at a price that is not known" if dollars is None else f"${dollars:,.4f} each, writing and grading"
    total = sum(card["status"].values())
    parts = [
        f"# Examples of {card['study']}",
        f"{card['included']:,} of {total:,} examples, from {documents['with_examples']:,} of {documents['all']:,} "
        f"documents; {price}. Licence of the documents: {card['licence'] or 'not stated'}.",
        "## What is in it",
        _table(("set", "examples", "tokens: median", "95 %", "longest", "over the window"), _sets(card)),
        _tokens_note(card),
        *(f"- {note}" for note in card["split"]["notes"]),
        _table(("kind", "examples"), card["kinds"].items()),
        *([_table(("label", "examples"), card["labels"].items())] if card["labels"] else []),
        _table(("written by", "examples"), card["generators"].items()),
        "## What became of all examples",
        _table(("status", "examples"), card["status"].items()),
        "## Validators",
        *_validators(card, precisions),
        "## Expert",
        *_expert(card, expert),
        "## Files",
        _table(("form", "set", "lines", "no place"), _lines(card)),
        "`manifest.json` has the SHA-256 of each file. What is not included lies in `rejected.jsonl`, with the "
        f"reasons. Address in the store: `{card['address']}`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sets(card: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    for name, count in card["split"]["examples"].items():
        own = card["tokens"].get(name)
        lengths = ("", "", "", "") if own is None else (own["median"], own["p95"], own["most"], own["over_window"])
        yield (name, count, *("not asked" if one is None else one for one in lengths))


def _tokens_note(card: dict[str, Any]) -> str:
    tokenizer, window = card["tokens"]["tokenizer"], card["tokens"]["window"]
    counting = (
        f"Tokens by `{tokenizer}`" if tokenizer else "Tokens are estimates: the spec names no `target.tokenizer`"
    )
    return f"{counting}; " + (f"the target reads {window:,}." if window else "the spec names no `target.window`.")


def _validators(card: dict[str, Any], precisions: Sequence[ValidatorPrecision]) -> Iterable[str]:
    if not precisions:
        yield "No model has graded these examples."
        return
    rows = [(name, own["votes"], own["yes"], own["unread"]) for name, own in card["votes"].items()]
    yield _table(("criterion", "votes", "yes", "not read"), rows)
    yield _table(
        ("validator", "accepts", "expert looked at", "right", "right after an edit", "precision"),
        [
            (one.validator or "all together", one.accepts, one.decisions, one.right, one.edits, _precision(one))
            for one in precisions
        ],
    )
    yield (
        "Precision: of what a validator accepts, the share that the expert accepts as it stands, with its 95 % "
        "interval. Doubtful examples are looked at first, so examples in doubt and others are estimated apart and "
        "weighted by how many there are; what was decided in bulk does not count."
    )


def _precision(one: ValidatorPrecision) -> str:
    own = one.precision
    if own.value is None or own.low is None or own.high is None:
        return f"not known: {own.reason}"
    return f"{100 * own.value:.1f} % ({100 * own.low:.1f} to {100 * own.high:.1f})"


def _expert(card: dict[str, Any], expert: dict[str, Any]) -> Iterable[str]:
    if not expert["decisions"]:
        yield f"Nobody has looked at these examples: `ragtally curate {card['study']}`."
        return
    speed = "" if expert["per_hour"] is None else f", {expert['per_hour']:,.0f} per hour"
    persons = ", ".join(f"{name} {count:,}" for name, count in expert["persons"].items())
    yield f"{expert['decisions']:,} decisions ({persons}){speed}, in `{card['curate']}`."
    yield _table(("decision", "examples"), card["experts_say"].items())
    if expert["disputed"]:
        yield f"On {len(expert['disputed'])} people disagree: they count as unsure, and are not included."
    if expert["outdated"] or expert["foreign"]:
        count = expert["outdated"] + expert["foreign"]
        yield f"{count:,} decisions are about texts that the study no longer has, and count for nothing."


def _lines(card: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    for form, sets in card["lines"].items():
        for name, own in sets.items():
            yield form, name, own["lines"], own["no_place"]


def _table(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [_row(heading), _row(["---"] * len(heading)), *(_row(row) for row in rows)]
    return "\n".join(lines) if len(lines) > 2 else ""


def _row(cells: Sequence[Any]) -> str:
    # Names and labels are data: none of them ends a cell.
    texts = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells]
    return (
        "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") for text in texts) + " |"
    )
