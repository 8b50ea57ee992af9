"""Write the result files of each stage; what stands in them is declared in `columns`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import LossPoint, ModelTraits, QuestionEvidence, Score, Status
from ragtally.plan import Cell, StudyPlan, comparisons, in_order
from ragtally.plan.cells import flat_parameters
from ragtally.plan.descriptions import descriptions
from ragtally.plan.judging import panel
from ragtally.relevance import evidence_characters
from ragtally.results import columns as files
from ragtally.results.approximation import evidence_metrics, evidence_scores, evidence_shares
from ragtally.results.costs import Cost, cost_columns, cost_of, costs_by_question, index_costs
from ragtally.results.examples import write_examples
from ragtally.results.grades import count_grades
from ragtally.results.judgments import answer_columns, judges_json, write_judgments
from ragtally.results.metrics import MetricInfo, describe_metrics, metric_json, round_number, score_columns
from ragtally.results.parsers import lost_by_parser, parser_losses, parser_notes
from ragtally.results.questions import context_of, in_base, write_questions
from ragtally.results.readings import count_readings, count_readings_of_voters
from ragtally.steps import ASK, RERANK, TRAINING_SET, TUNE, Task
from ragtally.steps.ask import keys_of
from ragtally.steps.score import load_graded_answers
from ragtally.store import DamagedEntry, Store, read_json
from ragtally.tables import (
    SERVED_BY,
    load_answer_options,
    load_answers,
    load_ballots,
    load_base,
    load_corpus_rows,
    load_evidence,
    load_grades,
    load_losses,
    load_questions,
    load_relevance,
    load_reply_counts,
    load_scores,
    load_search_scores,
    load_training_report,
    load_verdicts,
)
from ragtally.workspace import Workspace

_LOSS_DIGITS = 6
# The store's entries have the names of version 0.1.
_FUNNEL_STAGES = {
    "asked": "sample",
    "voted": "ballots",
    "verdict": "verdict",
    "agreed": "agreement",
    "kept": "base",
}


def write_prepare(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write the corpus, and how its questions were narrowed down."""
    content = {
        "study": plan.study.name,
        "dataset": plan.study.dataset.choice.name,
        "split": plan.study.dataset.split,
        "corpus": read_json(workspace.entry(plan.dataset) / "dataset.json"),
        "questions": read_json(workspace.entry(plan.sample) / "funnel.json") | _language(plan),
        "addresses": {"prepare": plan.dataset.address, "sample": plan.sample.address},
    } | parser_losses(plan, workspace)
    files.DATASET.write(folder, content)


def _language(plan: StudyPlan) -> dict[str, Any]:
    language = plan.study.dataset.language
    return {} if language is None else {"language": language}


def write_train(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write which models were trained, on how many examples of which class."""
    models: dict[str, Any] = {}
    for task in plan.goals("train"):
        (examples,) = task.inputs["sample"]
        funnel = read_json(workspace.entry(examples) / "funnel.json")
        models[task.label] = {
            "readers": list(plan.learners[task]),
            # What a provider has fine-tuned casts every vote.
            "purpose": task.settings["vote"]["purpose"] if "vote" in task.settings else "every",
            "split": examples.settings.get("split", "train"),
            "examples": funnel["sampled"],
            "examples_by_class": funnel["sampled_by_class"],
            "address": task.address,
        }
        if report := load_training_report(workspace.entry(task)):
            models[task.label]["training"] = {**report, **_training_dollars(task, report, workspace)}
        if examples.step is TRAINING_SET:
            models[task.label] |= {
                "from": "examples",
                "curation": examples.settings["curation"],
                "written": funnel["written"],
                "left_out": funnel["left_out"],
            }
        if "base" in task.inputs:
            base = load_base(workspace.entry(task.inputs["base"][0]))
            models[task.label] |= {
                "from": "base",
                "examples": len(base),
                "examples_by_class": {name: int((base["label"] == name).sum()) for name in funnel["answers"]},
                "silver_labels": int((base["label_kind"] == "silver").sum()),
            }
    files.TRAIN.write(folder, {"study": plan.study.name, "models": models})
    write_losses(plan, folder, stored_losses(plan, workspace.store))


def _training_dollars(task: Task, report: Mapping[str, Any], workspace: Workspace) -> dict[str, float | None]:
    if task.step is not TUNE:
        return {}
    terms = workspace.registry.traits(task.choices["model"]).tuning
    return {"dollars": None if terms is None else round_number(terms.dollars(report["trained_tokens"]))}


def stored_losses(plan: StudyPlan, store: Store) -> dict[Task, Sequence[LossPoint]]:
    """The losses of the models that are trained."""
    losses: dict[Task, Sequence[LossPoint]] = {}
    for task in plan.goals("train"):
        # Nothing is trained again to draw a curve.
        with suppress(DamagedEntry):
            if store.complete(task.step.stored_as, task.address):
                losses[task] = load_losses(store.open(task.step.stored_as, task.address).folder)
    return losses


def write_losses(plan: StudyPlan, folder: Path, losses: Mapping[Task, Sequence[LossPoint]]) -> None:
    """Write the losses of models, of those too that are being trained."""
    rows: list[tuple[str, str, float, int, float]] = []
    for task in plan.goals("train"):
        points = losses.get(task, ())
        for part in ("train", "dev"):
            rows += [
                (task.label, part, round(point.epoch, _LOSS_DIGITS), point.step, round(loss, _LOSS_DIGITS))
                for point in points
                if (loss := getattr(point, part)) is not None
            ]
    # DVC takes the last column for the y-axis.
    columns = zip(*rows, strict=True) if rows else [()] * len(files.LOSSES.schema)
    files.LOSSES.write(folder, dict(zip(files.LOSSES.schema, map(list, columns), strict=True)))


def write_label(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write how the voters compare, and the base with the funnel that led to it."""
    scores: list[dict[str, Score]] = [load_scores(workspace.entry(row.score))["all"] for row in plan.voters]
    costs = [cost_of(row.score, "all", None, workspace) for row in plan.voters]
    rows = {"voter": [row.reader for row in plan.voters], "decision": [row.decision for row in plan.voters]}
    files.VOTERS.write(folder, rows | score_columns(scores) | cost_columns(costs))
    if plan.base is None:
        table = load_questions(workspace.entry(plan.sample)).select("id", "label", label_kind=pl.lit("gold"))
    else:
        table = load_base(workspace.entry(plan.base)).select("id", "label", "label_kind")
    files.BASE_TABLE.write(folder, table)
    content = {
        "study": plan.study.name,
        "funnel": _funnel(plan, workspace),
        "selection": _selection(plan, workspace),
        "readings": count_readings_of_voters(plan.voters, workspace),
        "address": (plan.base or plan.sample).address,
    }
    files.BASE.write(folder, content)


def _funnel(plan: StudyPlan, workspace: Workspace) -> dict[str, Any] | None:
    if plan.base is None:
        return None
    funnel = read_json(workspace.entry(plan.base) / "funnel.json")
    return {**funnel, "stages": {_FUNNEL_STAGES[stage]: counts for stage, counts in funnel["stages"].items()}}


def _selection(plan: StudyPlan, workspace: Workspace) -> dict[str, Any] | None:
    """Who selected the base and how, so that an export can say where its labels come from."""
    rules, label = plan.study.base, plan.study.label
    if rules is None or label is None:
        return None
    readers = {name: plan.study.readers[name].choice for name in rules.voters}
    return {
        "voters": {
            name: _component_text(workspace.registry.identity(choice, fingerprint=False))
            for name, choice in readers.items()
        },
        "votes": label.votes,
        "rule": str(rules.rule),
        "agree_with_gold": rules.agree_with_gold,
        "exclude_closed_book_right": list(rules.exclude_closed_book_right),
    }


def _component_text(identity: Mapping[str, Any]) -> str:
    """A component as a spec would name it, without what says where or how fast."""
    parameters = {name: value for name, value in identity["parameters"].items() if value not in (None, {}, [])}
    inner = ", ".join(
        f"{name}={_component_text(value) if isinstance(value, Mapping) and 'kind' in value else value}"
        for name, value in parameters.items()
    )
    return f"{identity['name']}({inner})" if inner else str(identity["name"])


def write_bench(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write cells, answers, single questions, comparisons and timings."""
    cells, metrics = cell_table(plan, workspace)
    files.CELLS.write(folder, cells)
    files.METRICS.write(folder, metrics)
    answers = _answers(plan, workspace)
    files.ANSWERS.write(folder, answers)
    about = {
        "metrics": [metric_json(info) for info in study_metrics(plan, workspace)],
        "readings": count_readings(plan.cells, answers),
        # Retrieval alone gives no answers to grade.
        **({"grades": count_grades(answers)} if plan.study.dataset.is_open and len(answers) else {}),
    }
    content = comparisons(plan, workspace.registry) | judges_json(plan, workspace) | about
    served = _served_by(plan, workspace)
    for model in content["models"]:
        model["served_by"] = served.get((model["provider"], model["model"]), {})
    files.COMPARISONS.write(folder, content)
    write_questions(plan, workspace, folder)
    write_judgments(plan, workspace, folder)
    files.TIMINGS.write(folder, _timings(plan, workspace))


def _served_by(plan: StudyPlan, workspace: Workspace) -> dict[tuple[str, str], dict[str, int]]:
    """Which models answered the study's calls, as their replies say, by provider and model asked."""
    names: dict[tuple[str, str], dict[str, str]] = {}
    others: dict[tuple[str, str], set[str]] = {}
    for task in in_order([task for stage in ("examples", "label", "bench") for task in plan.goals(stage)]):
        if task.step is ASK:
            traits: ModelTraits = workspace.registry.traits(task.choices["model"])
            own = keys_of(task, workspace.entry(task.inputs["prompt"][0]))
            answers, model = load_answers(workspace.entry(task)), (traits.provider, traits.model)
            of_model, rest = names.setdefault(model, {}), others.setdefault(model, set())
            if SERVED_BY in answers.columns:
                of_model |= {key: name for key, name in zip(own, answers[SERVED_BY], strict=True) if name is not None}
            else:
                # Of entries that say nothing, the calls may: those that an earlier version of this step has written.
                rest.update(own)
    counts = {
        model: Counter(of_model.values()) + workspace.calls.served_by(sorted(others[model] - of_model.keys()))
        for model, of_model in names.items()
    }
    return {model: dict(sorted(count.items())) for model, count in counts.items()}


WRITERS: Mapping[str, Callable[[StudyPlan, Workspace, Path], None]] = {
    "prepare": write_prepare,
    "examples": write_examples,
    "train": write_train,
    "label": write_label,
    "bench": write_bench,
}
"""The writer of each stage that has results."""


def study_metrics(plan: StudyPlan, workspace: Workspace) -> list[MetricInfo]:
    """Describe the spec's metrics, those of the voters' table, and what retrievers measured themselves."""
    of_voters = [metric for voter in plan.voters for metric in voter.score.choices.values()]
    names = [name for cell in plan.cells for name in _retriever_scores(cell, workspace)]
    answers = load_answer_options(workspace.entry(plan.sample))
    engines = evidence_metrics(plan, workspace.registry)
    return describe_metrics([*plan.study.metrics, *of_voters], workspace.registry, answers, engines, names)


def cell_table(plan: StudyPlan, workspace: Workspace) -> tuple[dict[str, list[Any]], dict[str, float | None]]:
    """The columns of `cells.csv`, and the flat scores of `metrics.json`."""
    picks: list[dict[str, Any]] = []
    scores: list[dict[str, Score]] = []
    costs: list[Cost] = []
    metrics: dict[str, float | None] = {}
    by_class = {name for info in study_metrics(plan, workspace) if not info.is_single for name in info.names}
    rows = {"base": np.flatnonzero(in_base(plan, workspace))}
    rows["all"] = np.arange(len(load_questions(workspace.entry(plan.sample))))
    description = descriptions(plan, workspace.registry)
    for cell in plan.cells:
        shares = evidence_shares(plan, cell, workspace)
        for question_set, own in load_scores(workspace.entry(cell.score)).items():
            own = own | _retriever_scores(cell, workspace) | evidence_scores(shares, rows[question_set])
            picks.append({**_picks(plan, cell, question_set, workspace), "description": description[cell.name]})
            scores.append(own)
            costs.append(cost_of(cell.score, question_set, plan.base, workspace))
            for name, number in own.items():
                if name != "questions" and name not in by_class:
                    metrics[f"{cell.name} ({question_set}) {name}"] = round_number(number.value)
    # Those that every table of cells has come first, so that one without rows has its heading.
    all_columns = [column.name for column in files.CELLS.columns if column.fixed]
    first_columns = all_columns[: all_columns.index("questions")]
    always = [name for name in first_columns if name in files.CELLS.schema]
    names = dict.fromkeys(name for row in (always, *picks) for name in row)
    pick_columns = sorted(names, key=lambda name: first_columns.index(name.partition(".")[0]))
    columns = {name: [row.get(name) for row in picks] for name in pick_columns}
    return columns | score_columns(scores) | cost_columns(costs) | index_costs(costs), metrics


def _picks(plan: StudyPlan, cell: Cell, question_set: str, workspace: Workspace) -> dict[str, Any]:
    picks, before, registry = cell.picks, context_of(cell), workspace.registry
    # Parameters that do not count for a component are no part of what it is.
    parser, chunker, retriever, rule = (
        None if choice is None else registry.relevant_parameters(choice)
        for choice in (picks.parser, picks.chunker, picks.retriever, picks.rule)
    )
    builds = {} if picks.build is None else {"setup": cell.setup, "build": picks.build}
    return {
        "cell": cell.name,
        "kind": picks.kind,
        "condition": picks.condition,
        "question_set": question_set,
        **flat_parameters("parser", parser),
        **flat_parameters("chunker", chunker),
        **flat_parameters("retriever", retriever),
        **builds,
        "top_k": picks.top_k,
        "context_words": picks.context_words,
        "reader": picks.reader,
        "votes": picks.votes,
        "distinct_votes": cell.distinct_votes,
        **flat_parameters("rule", rule),
        "ranking": cell.ranking,
        "context": before.label if before else None,
        "note": _note(plan, cell, workspace),
    }


def _retriever_scores(cell: Cell, workspace: Workspace) -> dict[str, Score]:
    """What the retriever itself measured of the ranking behind the cell, on all questions."""
    rankings = cell.score.inputs.get("relevance", ())
    return load_search_scores(workspace.entry(rankings[0])) if rankings else {}


def _note(plan: StudyPlan, cell: Cell, workspace: Workspace) -> str | None:
    """What one must know to read a cell's numbers, including what became known when the work was done."""
    notes = [cell.variation] if cell.variation else []
    judges = panel(plan.study, workspace.registry)
    if own := [judge.name for judge in judges if cell.picks.reader in judge.readers]:
        notes.append(f"judged by {', '.join(own)}, the model that answers")
    for task in in_order((cell.score,)):
        if task.step is RERANK and "ask" in task.inputs:
            counts = load_reply_counts(workspace.entry(task))
            if counts is not None and counts.unread:
                notes.append(f"{counts.unread} of {counts.replies} replies ranked nothing: their order stayed")
    for ranking in cell.score.inputs.get("relevance", ()):
        hit = load_relevance(workspace.entry(ranking)).hit
        if hit.size and not hit.any():
            notes.append("no question found any chunk: nothing in the one matched anything in the other")
    return "; ".join([*notes, *parser_notes(plan, cell, workspace)]) or None


def _answers(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    questions = load_questions(workspace.entry(plan.sample))
    inside = pl.Series(in_base(plan, workspace))
    frames = [files.ANSWERS.empty()]
    for cell in plan.cells:
        if cell.verdicts is not None:
            frames.append(_cell_answers(plan, workspace, cell, cell.verdicts, questions, inside))
    return pl.concat(frames, how="diagonal", rechunk=True)


def _cell_answers(
    plan: StudyPlan, workspace: Workspace, cell: Cell, verdicts: Task, questions: pl.DataFrame, inside: pl.Series
) -> pl.DataFrame:
    votes = verdicts.inputs["parse"]
    ballots = [load_ballots(workspace.entry(task)) for task in votes]
    answers = [load_answers(workspace.entry(task.inputs["read"][0])) for task in votes]
    rows = ballots[0]["question"].to_numpy()
    whole_sample = "all" in cell.question_sets
    folders = {"sample": workspace.entry(plan.sample), "vote": workspace.entry(verdicts)}
    if plan.base is not None:
        folders["base"] = workspace.entry(plan.base)
    language = plan.study.dataset.language
    verdict: list[str | None]
    label: list[str | None]
    status: list[Status] | list[None]
    of_open: dict[str, Any] = {}
    entries = [workspace.entry(task) for task in votes]
    if language is not None:
        folders["grade"] = workspace.entry(cell.score.inputs["grade"][0])
        grades = load_graded_answers(folders, entries, "all" if whole_sample else "base", language)
        verdict, label, status = list(grades.verdict), [None] * len(rows), list(grades.status)
        table = load_grades(folders["grade"])
        of_open = {"references": grades.references, "grader": table["grader"], "ballots_right": table["ballots"]}
        of_open |= answer_columns(plan, workspace, cell, ballots[0]["question"])
    elif whole_sample and questions["label"].null_count():
        verdict = load_verdicts(folders["vote"])["verdict"].to_list()
        label, status = questions["label"].to_list(), [None] * len(rows)
    else:
        grades = load_graded_answers(folders, entries, "all" if whole_sample else "base")
        verdict, label, status = list(grades.verdict), list(grades.gold), list(grades.status)
    columns = {
        "cell": [cell.name] * len(rows),
        "question": questions["id"].gather(rows),
        "in_base": inside.gather(rows),
        "label": label,
        **of_open,
        "verdict": verdict,
        "status": [None if value is None else str(value) for value in status],
        "ballots": _by_question([table["ballot"] for table in ballots]),
        "readings": _by_question([table["reason"] for table in ballots]),
        "texts": _by_question([table["text"] for table in answers]),
        "errors": _by_question([table["error"] for table in answers]),
        "covered_characters": _covered_characters(plan, cell, workspace, rows),
        **lost_by_parser(plan, cell, workspace, rows),
        **_exactly_covered(cell, workspace, rows),
        **costs_by_question(cell.score, ballots[0]["question"], workspace),
    }
    return files.ANSWERS.frame(columns)


def _by_question(votes: Sequence[pl.Series]) -> pl.Series:
    columns = pl.DataFrame([vote.alias(str(number)) for number, vote in enumerate(votes)])
    return columns.select(votes=pl.concat_list(pl.all()))["votes"]


def _covered_characters(
    plan: StudyPlan, cell: Cell, workspace: Workspace, rows: NDArray[np.int64]
) -> list[int | None]:
    """Characters of a question's evidence before the reader; None for a reader that gets nothing from us."""
    inputs = cell.score.inputs
    if cell.picks.kind == "control":
        sample = workspace.entry(inputs["sample"][0])
        spans = load_evidence(sample)
        if cell.picks.condition == "whole_corpus":
            inside = np.isin(spans.document, load_corpus_rows(workspace.entry(plan.dataset)))
            spans = QuestionEvidence(
                spans.question[inside], spans.document[inside], spans.start[inside], spans.end[inside]
            )
        evidence = evidence_characters(spans, len(load_questions(sample)))
        if cell.picks.condition in ("closed_book", "wrong_context"):
            evidence = np.zeros_like(evidence)
    elif "context_relevance" in inputs:
        by_rank = load_relevance(workspace.entry(inputs["context_relevance"][0])).covered
        evidence = _within(by_rank, cell.picks.top_k)
    else:
        return [None] * len(rows)
    return list(evidence[rows].tolist())


def _exactly_covered(cell: Cell, workspace: Workspace, rows: NDArray[np.integer]) -> dict[str, list[int]]:
    """Characters of evidence that an exact search would have put before the reader of an approximate one."""
    if cell.exact_context is None:
        return {}
    by_rank = load_relevance(workspace.entry(cell.exact_context)).covered
    return {"exactly_covered_characters": list(_within(by_rank, cell.picks.top_k)[rows].tolist())}


def _within(by_rank: NDArray[np.int64], top_k: int | None) -> NDArray[np.int64]:
    """What of a ranking's coverage reaches a reader."""
    # A ranking is never longer than the corpus.
    return by_rank[:, min(top_k or sys.maxsize, by_rank.shape[1]) - 1]


def _timings(plan: StudyPlan, workspace: Workspace) -> dict[str, Any]:
    def seconds(task: Task) -> float:
        # Work whose outcome nobody needed, or whose entry was removed since, has none.
        return workspace.store.seconds(task.step.stored_as, task.address) or 0.0

    by_step: dict[str, float] = {}
    for task in in_order([task for stage in WRITERS for task in plan.goals(stage)]):
        name = task.step.name
        by_step[name] = by_step.get(name, 0.0) + seconds(task)
    reads = {
        cell.name: [task.inputs["read"][0] for task in cell.verdicts.inputs["parse"]]
        for cell in plan.cells
        if cell.verdicts is not None
    }
    return {
        "about": "seconds of wall time when the work was done; shared work counts once per step",
        "seconds_by_step": {step: round(total, 3) for step, total in by_step.items()},
        "read_seconds_by_cell": {cell: round(sum(map(seconds, tasks)), 3) for cell, tasks in reads.items()},
    }
