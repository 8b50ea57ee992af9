"""The page: one file that asks nothing of any network, in which everything from the data is text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ragtally import __version__
from ragtally.analysis import Analysis
from ragtally.present.cells import cells_of
from ragtally.present.comparisons import comparisons_section, optimism_section
from ragtally.present.costs import front_section, votes_section
from ragtally.present.curves import chunk_size_section, retrieval_section
from ragtally.present.explorer import packed_explorer, sampled
from ragtally.present.funnel import funnel
from ragtally.present.grid import grid_section
from ragtally.present.methods import citation, methods
from ragtally.present.numbers import UNKNOWN
from ragtally.present.parts import Section
from ragtally.present.provenance import Provenance
from ragtally.present.readers import noise_section, readers_section
from ragtally.present.sentences import answer
from ragtally.present.vega import vega
from ragtally.present.waterfall import pickable, waterfall_section
from ragtally.results import Results


def report_page(results: Results, verdict: Analysis, provenance: Provenance) -> str:
    """Write the page of a study."""
    cells = cells_of(results, verdict)
    before = (
        funnel(results),
        waterfall_section(verdict),
        chunk_size_section(verdict, cells),
        retrieval_section(verdict, cells),
        readers_section(results, verdict, cells),
        front_section(verdict, cells),
        votes_section(verdict),
        grid_section(results, verdict, provenance.meanings),
        comparisons_section(verdict),
        optimism_section(verdict),
    )
    after = (noise_section(verdict),)
    scripts = [_asset("report.js"), _asset("explorer.js")]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("report.html")).render(
        study=results.study,
        version=__version__,
        answer=answer(results, verdict, cells),
        before=before,
        after=after,
        explorable=len(sampled(results)) if len(results.answers) or len(results.passages) else 0,
        asked=len(results.questions),
        facts=_facts(results, provenance),
        provenance=provenance,
        methods=methods(results, verdict, cells),
        citation=citation(results),
        style=Markup(_asset("report.css")),
        scripts=[Markup(script) for script in scripts],
        vega=Markup(vega()),
        policy=_policy([vega(), *scripts]),
        charts=_json(_charts((*before, *after))),
        pickable=_json(pickable(verdict)),
        explorer=packed_explorer(results, verdict),
    )


def _charts(sections: Sequence[Section]) -> dict[str, Any]:
    return {chart.name: chart.specification for section in sections for chart in section.charts}


def _facts(results: Results, provenance: Provenance) -> list[tuple[str, str]]:
    """What is known of where the numbers come from, as names and values."""
    dataset, answers = results.dataset, results.answers
    known = answers.filter(answers["input_tokens"].is_not_null())
    tokens = int(known["input_tokens"].sum()) + int(known["output_tokens"].fill_null(0).sum())
    votes = int(known["ballots"].list.len().sum())
    paid = known["dollars"]
    dollars = UNKNOWN if paid.null_count() else f"${float(paid.sum()):,.4g}"
    commit = provenance.commit or "no git repository"
    return [
        ("study", results.study),
        ("dataset", str(dataset["dataset"])),
        ("split", dataset["split"] or "all"),
        ("entry of the dataset (a hash of its content)", dataset["addresses"]["prepare"]),
        ("entry of the questions asked", dataset["addresses"]["sample"]),
        ("entry of the base", str(results.base["address"])),
        ("seed", str(results.comparisons["seed"])),
        *_models(results),
        ("git commit", commit + (", with changes that were not committed" if provenance.changed else "")),
        ("votes of language models", f"{votes:,} over all cells; votes that cells share are counted in each"),
        ("tokens of these", f"{tokens:,}" if votes else "none"),
        ("dollars of these", dollars if votes else "none"),
        ("Python", provenance.python or UNKNOWN),
    ]


def _models(results: Results) -> list[tuple[str, str]]:
    return [
        (
            f"model {told['name']}",
            f"{told['provider']}: {told['model']}, {told['fingerprint'] or 'no digest is told'}",
        )
        for told in results.comparisons.get("models", [])
    ]


def _asset(name: str) -> str:
    return (resources.files("ragtally.present") / "assets" / name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Allow the page's own scripts, by their hashes, and forbid everything that asks a network."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )


def _json(value: Any) -> Markup:
    """Write JSON that cannot end its script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
