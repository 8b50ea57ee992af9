"""The page: one file that asks nothing of any network, in which everything from the data is text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from ragtally import __version__
from ragtally.analysis import Analysis, summarize, write_analysis
from ragtally.present.answer import answer
from ragtally.present.attribution import other_models
from ragtally.present.base import base_section
from ragtally.present.breakdown import breakdown_section, pickable
from ragtally.present.cells import Cells, cells_of, sets_of
from ragtally.present.charts import specification, vega
from ragtally.present.comparisons import best_section, comparisons_section, votes_section
from ragtally.present.costs import costs_section
from ragtally.present.data_card import write_card
from ragtally.present.examples import examples_section
from ragtally.present.explorer import packed_explorer, sample_questions
from ragtally.present.grading import grading_section
from ragtally.present.grid import chunk_size_section, grid_section
from ragtally.present.judges import judge_warnings, judges_section
from ragtally.present.long_context import long_context_section
from ragtally.present.losses import losses_section
from ragtally.present.numbers import UNKNOWN
from ragtally.present.numbers import dollars as dollars_text
from ragtally.present.parsers import parsers_section
from ragtally.present.plots import plot_tables
from ragtally.present.provenance import Provenance, citation, methods
from ragtally.present.readers import missing_answers, noise_section, readers_section, voters_section
from ragtally.present.readings import reading_warnings, readings_section
from ragtally.present.retrieval import retrieval_section
from ragtally.present.table import Section
from ragtally.present.training import training_table
from ragtally.results import Results
from ragtally.results import columns as files
from ragtally.store import write_csv, write_text

_SPACE = "\N{NO-BREAK SPACE}"
# Fields up to so many characters are not broken.
_SHORT = 17


def write_report(results: Results, analysis: Analysis, folder: Path, provenance: Provenance) -> Path:
    """Write a study's report: `analysis.json`, `summary.json`, the tables of `plots/`, and `report.html`."""
    # The same results give the same bytes of all but the page, which holds its provenance besides.
    cells = cells_of(results.cells, results.metrics, analysis.question_set, analysis)
    page = report_page(results, analysis, cells, provenance)
    write_analysis(analysis, results, folder)
    files.SUMMARY.write(folder, summarize(results, analysis))
    for name, columns in plot_tables(results, analysis, cells).items():
        write_csv(folder / "plots" / name, columns)
    write_card(folder)
    write_text(folder / "report.html", page)
    return folder / "report.html"


def sections(results: Results, analysis: Analysis, cells: Cells) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    """The sections before the single questions, and those below."""
    sets = sets_of(results.cells, results.metrics, analysis)
    voters = voters_section(results)
    before = (
        examples_section(results),
        breakdown_section(analysis),
        parsers_section(results, analysis),
        readers_section(sets, analysis, missing_answers(results), training_table(results, sets)),
        # Where nothing is chosen the voters are what a study is about, otherwise they are how its base came to be.
        *(() if analysis.chosen_cell else (voters,)),
        readings_section(results),
        grading_section(results),
        judges_section(results, analysis),
        votes_section(analysis),
        chunk_size_section(cells, analysis),
        retrieval_section(sets, analysis),
        long_context_section(cells, analysis),
        costs_section(analysis, cells),
        grid_section(sets, analysis),
        comparisons_section(analysis),
        best_section(analysis),
    )
    after = (
        losses_section(results),
        base_section(results),
        *((voters,) if analysis.chosen_cell else ()),
        noise_section(analysis),
    )
    return before, after


def report_page(results: Results, analysis: Analysis, cells: Cells, provenance: Provenance) -> str:
    """The page of a study."""
    # What there is nothing to say about is left out.
    before, after = ([part for part in parts if not part.empty] for parts in sections(results, analysis, cells))
    scripts = [_asset("report.js"), _asset("explorer.js")]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"breakable": _breakable, "breakable_number": _breakable_number}
    return environment.from_string(_asset("report.html")).render(
        study=results.study,
        version=__version__,
        answer=answer(results, analysis, cells),
        warnings=[*other_models(results), *reading_warnings(results), *judge_warnings(results)],
        before=before,
        after=after,
        explorable=len(sample_questions(results)) if len(results.answers) or len(results.passages) else 0,
        asked=len(results.questions),
        facts=_facts(results, provenance),
        provenance=provenance,
        methods=methods(results, analysis, cells),
        citation=citation(results, provenance),
        style=Markup(_asset("report.css")),
        scripts=[Markup(script) for script in scripts],
        vega=Markup(vega()),
        policy=_policy([vega(), *scripts]),
        charts=_json(_charts((*before, *after))),
        pickable=_json(pickable(analysis)),
        explorer=packed_explorer(results, analysis),
    )


def _breakable(text: str) -> Markup:
    """A text as a field of a table shows it: short ones stay whole, names of cells break at their joints."""
    if len(text) <= _SHORT:
        return escape(text.replace(" ", _SPACE))
    return Markup(re.sub(r"(?<=[/,_=])(?=.)", "<wbr>", str(escape(text))))


def _breakable_number(text: str) -> str:
    """A number, which breaks before its brackets alone."""
    return re.sub(r" (?![\[(])", _SPACE, text)


def _charts(sections: Sequence[Section]) -> dict[str, Any]:
    return {chart.name: specification(chart) for section in sections for chart in section.charts}


def _facts(results: Results, provenance: Provenance) -> list[tuple[str, str]]:
    """Where the numbers come from, as names and values."""
    dataset, answers = results.dataset, results.answers
    by_models = answers.filter(answers["input_tokens"].is_not_null())
    tokens = int(by_models["input_tokens"].sum()) + int(by_models["output_tokens"].fill_null(0).sum())
    votes = int(by_models["ballots"].list.len().sum())
    costs = by_models["dollars"]
    dollars = UNKNOWN if costs.null_count() else f"${float(costs.sum()):,.4g}"
    sources = (provenance.sources or "no git repository") + (
        ", with changes that were not committed" if provenance.changed else ""
    )
    return [
        ("study", results.study),
        ("dataset", str(dataset["dataset"])),
        ("split", dataset["split"] or "all"),
        ("entry of the dataset (a hash of its content)", dataset["addresses"]["prepare"]),
        ("entry of the questions asked", dataset["addresses"]["sample"]),
        ("entry of the base", str(results.base["address"])),
        ("seed", str(results.comparisons["seed"])),
        *_models(results),
        (
            "files in git (a hash of their names and content)",
            sources,
        ),
        ("votes of language models", f"{votes:,} over all cells; votes that cells share are counted in each"),
        ("tokens of these", f"{tokens:,}" if votes else "none"),
        ("dollars of these", dollars if votes else "none"),
        *_trainings(results),
        ("Python", provenance.python or UNKNOWN),
    ]


def _models(results: Results) -> list[tuple[str, str]]:
    return [
        (
            f"model {model['name']}",
            f"{model['provider']}: {model['model']}, {model['fingerprint'] or 'no digest known'}"
            + "".join(f"; {calls:,} calls answered by {name}" for name, calls in model.get("served_by", {}).items()),
        )
        for model in results.comparisons.get("models", [])
    ]


def _trainings(results: Results) -> list[tuple[str, str]]:
    """The models that their providers fine-tuned, with what that cost once."""
    facts = []
    for model in results.training.get("models", {}).values():
        training = model.get("training", {})
        if "dollars" not in training:
            continue
        cost = UNKNOWN if training["dollars"] is None else dollars_text(training["dollars"])
        text = f"{training['model']} on {model['examples']:,} examples, {training['epochs']} epochs; {cost} once"
        facts.append((f"fine-tuned for {', '.join(model['readers'])}", f"{text}; {model['address']}"))
    return facts


def _asset(name: str) -> str:
    return (resources.files("ragtally.present") / "assets" / name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Allow the page's own scripts, by their hashes, and forbid everything that asks a network."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    sources = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )


def _json(value: Any) -> Markup:
    """Write JSON that cannot end its script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
