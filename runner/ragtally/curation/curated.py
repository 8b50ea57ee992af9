"""Examples after people have looked at them: what is included, in which words, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from ragtally.curation.decisions import Decision, ExpertVerdict, ExpertVerdicts, expert_verdicts, text_of
from ragtally.examples.example import OUTCOMES, Example, Outcome, example_of

# What the step curate adds. The text that was generated stays, since decisions are about it.
CURATED: Mapping[str, Any] = {
    **OUTCOMES,
    "expert": pl.String(),  # accepted, edited, rejected, unsure or disputed; None where nobody decided
    "experts": pl.List(pl.String),  # Who decided
    "expert_reasons": pl.List(pl.String),  # As `PERSON: why`
    # Whether somebody looked at this very one: of what is decided in bulk, nothing follows about the validators.
    "one_by_one": pl.Boolean(),
    "edited_turns": OUTCOMES["turns"],  # What an edit makes of it; None where it stays as it is
    "edited_input": pl.String(),
    "edited_label": pl.String(),
    "included": pl.Boolean(),  # Whether it is exported
}


def curate(
    table: pl.DataFrame, decisions: Sequence[Decision], *, require_expert: bool
) -> tuple[pl.DataFrame, ExpertVerdicts]:
    """Add what people decided to the examples of the step deduplicate."""
    rows = table.to_dicts()
    verdicts = expert_verdicts(decisions, {row["example"]: text_of(example_of(row)) for row in rows})
    first: dict[tuple[Any, ...], str] = {}
    for row in rows:
        verdict = verdicts.by_example.get(row["example"])
        row |= _columns(row, verdict, require_expert=require_expert)
        if row["included"]:
            # An edit may make two examples the same.
            example = final_example(row)
            same = first.setdefault((example.turns, example.input), row["example"])
            if same != row["example"]:
                reasons = [*row["reasons"], "after an edit it is the same as another"]
                row |= {"included": False, "duplicate_of": same, "reasons": reasons}
    return pl.DataFrame(rows, schema=CURATED), verdicts


def final_example(row: Mapping[str, Any]) -> Example:
    """An example with what an edit has made of it, from a row of `CURATED`."""
    example = example_of(row)
    if row["edited_turns"] is None:
        return example
    edit = example_of({**row, "turns": row["edited_turns"]})
    return replace(edit, input=row["edited_input"], label=row["edited_label"])


def expert_word(verdict: ExpertVerdict | None) -> str | None:
    """What people make of an example in one word; None where nobody decided."""
    if verdict is None:
        return None
    if verdict.is_disputed:
        return "disputed"
    return "edited" if verdict.text is not None else verdict.outcome


def _columns(row: Mapping[str, Any], verdict: ExpertVerdict | None, *, require_expert: bool) -> dict[str, Any]:
    text = verdict.text if verdict else None
    decisions = verdict.decisions if verdict else ()
    is_included = (
        Outcome(row["status"]).is_usable and not require_expert if verdict is None else verdict.outcome == "accepted"
    )
    return {
        "expert": expert_word(verdict),
        "experts": [one.person for one in decisions],
        "expert_reasons": [f"{one.person}: {one.reason}" for one in decisions if one.reason],
        "one_by_one": any(one.way != "bulk" for one in decisions) if decisions else None,
        "edited_turns": None if text is None else [turn._asdict() for turn in text.turns],
        "edited_input": None if text is None else text.input,
        "edited_label": None if text is None else text.label,
        "included": is_included,
    }
