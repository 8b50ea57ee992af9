"""Slices: what of a spec each stage depends on, in one form for all ways of writing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from ragtally.api import Choice
from ragtally.plan.approximation import build_count
from ragtally.plan.judging import judges_of, pools_votes, sheet_path
from ragtally.registry import Registry
from ragtally.spec.study import ReaderPick, Study
from ragtally.steps import (
    ASK,
    BASE,
    CHUNK,
    CONTEXT,
    CONTEXT_RELEVANCE,
    CONVERSE,
    CURATE,
    DEDUPLICATE,
    EMBED,
    EMBED_QUESTIONS,
    EVOLVE,
    EVOLVE_PROMPT,
    EXPORT,
    GENERATE,
    GENERATE_PROMPT,
    GRADE,
    INDEX,
    JUDGE,
    JUDGE_PROMPT,
    PARSE,
    POOL_PROMPT,
    PREPARE,
    PROMPT,
    READ,
    REFERENCE,
    RELEVANCE,
    REPAIR,
    REPAIR_PROMPT,
    RERANK,
    RERANK_PROMPT,
    RETRIEVE,
    SAMPLE,
    SCORE,
    SEED,
    SPLIT,
    TRAIN,
    TRAINING_SET,
    TUNE,
    VALIDATE,
    VALIDATE_PROMPT,
    VOTE,
)

# Raised whenever the same entries would give other result files.
RESULTS_VERSION = 7

# What the stage `label` depends on where answers are open.
_GRADING = ("grading", "panel", "pool")
# fmt: off
_STEPS = {
    "prepare": (PREPARE, SAMPLE),
    "examples": (
        CHUNK, SEED, CONVERSE, GENERATE_PROMPT, VALIDATE_PROMPT, REPAIR_PROMPT, EVOLVE_PROMPT, ASK, GENERATE,
        VALIDATE, REPAIR, EVOLVE, DEDUPLICATE, CURATE, SPLIT, EXPORT,
    ),
    "train": (CONTEXT, TRAIN),
    "label": (CONTEXT, PROMPT, ASK, READ, PARSE, VOTE, BASE, SCORE),
    "bench": (
        CHUNK, EMBED, EMBED_QUESTIONS, INDEX, RETRIEVE, RERANK_PROMPT, RERANK, RELEVANCE, CONTEXT, CONTEXT_RELEVANCE,
        PROMPT, ASK, READ, PARSE, VOTE, SCORE,
    ),
}
# fmt: on


def stage_slices(study: Study, registry: Registry) -> dict[str, dict[str, Any]]:
    """Cut a study into what each stage depends on."""
    # The content of data files is left out: DVC sees to that, and the slices can be made before there are any.

    def plain(choice: Choice) -> dict[str, Any]:
        return registry.identity(choice, fingerprint=False)

    def readers(names: Iterable[str], *, learning: bool = False) -> dict[str, Any]:
        picks = [study.readers[name] for name in names if study.readers[name].learns or not learning]
        return {pick.name: {"reader": plain(pick.choice), **_training(pick)} for pick in picks}

    label, base, grid = study.label, study.base, study.grid
    voters, excluding = label.voters if label else (), base.exclude_closed_book_right if base else ()
    slices: dict[str, dict[str, Any]] = {
        "prepare": {
            "dataset": plain(study.dataset.choice),
            "split": study.dataset.split,
            "answers": study.dataset.answers,
            "sample": asdict(study.sample),
        },
        "examples": _recipe(study, plain),
        "train": {
            "label": readers((*voters, *excluding), learning=True),
            "label_votes": label.votes if label else 0,
            "measure": readers(grid.reader, learning=True),
            "measure_votes": max(grid.votes, default=0),
        },
        "label": {
            "voters": readers(voters),
            "votes": label.votes if label else 0,
            "base": base
            and {
                "from": base.voters,
                "rule": plain(base.rule),
                "agree_with_gold": base.agree_with_gold,
                "exclude_closed_book_right": readers(excluding),
            },
        },
        "bench": {
            "chunker": [plain(choice) for choice in grid.chunker],
            "retriever": [plain(choice) for choice in grid.retriever],
            "builds": [build_count(choice, registry) for choice in grid.retriever],
            "top_k": grid.top_k,
            "context_words": grid.context_words,
            "reader": readers(grid.reader),
            "votes": grid.votes,
            "rule": [plain(choice) for choice in grid.rule],
            "grid_on": study.grid_on,
            "controls": study.controls,
            "metrics": [plain(choice) for choice in study.metrics],
            "compare": [
                {"metric": family.metric, "baseline": {axis: str(pick) for axis, pick in family.baseline.items()}}
                for family in study.compare
            ],
            "select_on": study.select_on,
        },
    }
    _add_what_is_used(slices, study, plain, registry)
    _add_judges(slices, study, registry)
    _add_training_sources(slices, study)
    for stage, steps in _STEPS.items():
        slices[stage]["seed"] = study.seed
        slices[stage]["versions"] = {"results": RESULTS_VERSION} | {step.name: step.version for step in steps}
    return slices


def _training(pick: ReaderPick) -> dict[str, Any]:
    # Where it learns from the gold labels nothing is said: the stages of other studies are what they were.
    source: dict[str, Any] = {} if pick.train_from == "gold" else {"train_from": pick.train_from}
    if pick.train_from == "examples":
        source |= {"curation": pick.curation, "test_documents": pick.test_documents}
    return {"train_split": pick.train_split, **source}


def _add_training_sources(slices: dict[str, dict[str, Any]], study: Study) -> None:
    """Add who labels where a reader learns from the base of its split, and what is learnt where from examples."""
    train, label = slices["train"], slices["label"]
    sources = {pick.get("train_from") for key in ("label", "measure") for pick in train[key].values()}
    if "base" in sources:
        train |= {name: label[name] for name in ("voters", "votes", "base", *_GRADING) if name in label}
        train["labelling"] = {step.name: step.version for step in _STEPS["label"]}
    if "examples" in sources and study.examples is not None:
        # Which examples there are is in the results of their stage, which DVC sees to.
        train["training_set"] = {
            "near_duplicates": study.examples.near_duplicates,
            "test_questions": slices["examples"]["test_questions"],
            "version": TRAINING_SET.version,
        }


def _add_what_is_used(
    slices: dict[str, dict[str, Any]], study: Study, plain: Callable[[Choice], Any], registry: Registry
) -> None:
    """Add what only some studies have, so that the stages of all others are what they were."""
    if any(registry.traits(pick.choice).tunes for pick in study.readers.values()):
        slices["train"]["tuning"] = {step.name: step.version for step in (PROMPT, TUNE)}
    if study.grid.parser:
        parsers = {"parser": list(map(plain, study.grid.parser)), "version": REFERENCE.version}
        slices.update({stage: {**content, "parsers": parsers} for stage, content in slices.items()})
    if study.on_overlong != "error":
        slices["bench"]["on_overlong"] = study.on_overlong
    if study.dataset.is_open:
        slices["prepare"]["open"] = True
        for stage in ("label", "bench"):
            slices[stage]["grading"] = {
                "graders": list(map(plain, study.grading)),
                "language": study.dataset.language,
                "version": GRADE.version,
            }


def _recipe(study: Study, plain: Callable[[Choice], dict[str, Any]]) -> dict[str, Any]:
    """What examples for training depend on."""
    recipe = study.examples
    if recipe is None:
        return {}
    validation, evolution = recipe.validation, recipe.evolution
    return {
        "models": {name: plain(study.models[name]) for name in recipe.models},
        "generators": recipe.generators,
        "kinds": [str(kind) for kind in recipe.kinds],
        "per_chunk": recipe.per_chunk,
        "chunker": recipe.chunker and plain(recipe.chunker),
        "labels": recipe.labels,
        "chats": recipe.chats and asdict(recipe.chats),
        "language": recipe.language,
        "templates": recipe.templates,
        "style": recipe.style,
        "seeds": recipe.seeds,
        "validation": validation
        and {
            "validators": validation.validators,
            "votes": validation.votes,
            "rule": plain(validation.rule),
            "criteria": validation.criteria,
        },
        "repair": recipe.repair,
        "evolution": evolution and {"rounds": evolution.rounds, "ways": evolution.ways},
        "near_duplicates": recipe.near_duplicates,
        "test_questions": [plain(choice) for choice in recipe.test_questions],
        "handover": asdict(recipe.handover),
    }


def _add_judges(slices: dict[str, dict[str, Any]], study: Study, registry: Registry) -> None:
    """Add who judges; where people's grades lie and whether passages are shown concerns the bench alone."""
    judges = judges_of(study, registry)
    if judges is None:
        return
    for stage in ("label", "bench"):
        slices[stage]["panel"] = {
            "from": [registry.identity(model, fingerprint=False) for model in judges.inner("model")],
            "votes": judges.parameters["votes"],
            "rule": registry.identity(judges.parameters["rule"], fingerprint=False),
            "versions": {step.name: step.version for step in (JUDGE_PROMPT, JUDGE)},
        }
        if pools_votes(judges, registry):
            slices[stage]["pool"] = POOL_PROMPT.version
    slices["bench"]["panel"] |= {
        "criteria": registry.traits(judges).criteria, "sheet": str(sheet_path(study, judges)),
    }  # fmt: skip
