"""curate: what people decided about examples, by the log of their decisions."""

from __future__ import annotations

from collections import Counter

from ragtally.curation.curated import curate
from ragtally.curation.decisions import decision_of_cells, decisions_per_hour
from ragtally.steps.step import Step, Work
from ragtally.store import write_json, write_table
from ragtally.tables import load_examples


def run(work: Work) -> None:
    """Write `examples.parquet` (the columns `CURATED`) and `curation.json`."""
    # The decisions themselves are a setting, so that the log counts by what it says and not by where it lies.
    decisions = [decision_of_cells(cells) for cells in work.task.settings["decisions"]]
    examples = load_examples(work.input("deduplicate"))
    table, verdicts = curate(examples, decisions, require_expert=work.task.settings["require_expert"])
    write_table(work.folder / "examples.parquet", table)
    persons = Counter(one.person for one in decisions if one.choice != "withdraw")
    content = {
        "decisions": sum(persons.values()),
        "persons": dict(sorted(persons.items())),
        "per_hour": decisions_per_hour(decisions),
        "outdated": len(verdicts.outdated),
        "foreign": len(verdicts.foreign),
        "disputed": sorted(example for example, own in verdicts.by_example.items() if own.is_disputed),
    }
    write_json(work.folder / "curation.json", content)


CURATE = Step("curate", 1, run, inputs=("deduplicate",))
