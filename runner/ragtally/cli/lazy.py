"""The heavy modules that commands use, imported at their first use: `--help` and light commands do not wait for them.

A command imports this module and writes `lazy.analysis.analyze(...)`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

    from ragtally import analysis, pipelines, plan, results, store, workspace
    from ragtally.advice import choice, fit, machine, probe
    from ragtally.analysis import contributions
    from ragtally.analysis import pairwise as cell_pairs
    from ragtally.cli import executors
    from ragtally.curation import decisions, review
    from ragtally.curation import server as curation_server
    from ragtally.curation import sheet as decision_sheets
    from ragtally.engine import (
        duplicates,
        estimate,
        external,
        jobs,
        learning,
        outputs,
        scale,
        sharing,
        training_tokens,
        tuning_estimate,
    )
    from ragtally.engine import run as engine
    from ragtally.export import dataset as export_dataset
    from ragtally.export import model as export_model
    from ragtally.export import pipeline as export_pipeline
    from ragtally.export import training as export_training
    from ragtally.llm import batches as llm_batches
    from ragtally.llm import context_length, long_context, preflight
    from ragtally.llm import tuning as llm_tuning
    from ragtally.plan import answer_form
    from ragtally.present import advice as advice_tables
    from ragtally.present import choice as choice_tables
    from ragtally.present import components as component_tables
    from ragtally.present import duplicates as duplicate_tables
    from ragtally.present import learning as learning_tables
    from ragtally.present import page, pairwise, provenance, readings, show, table
    from ragtally.present import plan as plan_tables
    from ragtally.present import store as store_tables
    from ragtally.results import blind_sheets, columns, people
    from ragtally.results import write as result_files
    from ragtally.store import batches, calls, calls_salvage, calls_transfer, inventory, vectors
    from ragtally.store import tuning as tuning_store

__all__ = [
    "advice_tables", "analysis", "answer_form", "batches", "blind_sheets", "calls", "calls_salvage",
    "calls_transfer", "cell_pairs", "choice", "choice_tables", "columns", "component_tables", "context_length",
    "contributions", "curation_server", "decision_sheets", "decisions", "duplicate_tables", "duplicates", "engine",
    "estimate", "executors", "export_dataset", "export_model", "export_pipeline", "export_training", "external",
    "fit", "inventory", "jobs", "learning", "learning_tables", "llm_batches", "llm_tuning", "long_context", "machine",
    "outputs", "page", "pairwise", "people", "pipelines", "plan", "plan_tables", "polars", "preflight", "probe",
    "provenance", "readings", "result_files", "results", "review", "scale", "sharing", "show", "store",
    "store_tables", "table", "training_tokens", "tuning_estimate", "tuning_store", "vectors", "workspace",
]  # fmt: skip
_MODULES = {
    "advice_tables": "ragtally.present.advice",
    "jobs": "ragtally.engine.jobs",
    "learning": "ragtally.engine.learning",
    "learning_tables": "ragtally.present.learning",
    "training_tokens": "ragtally.engine.training_tokens",
    "tuning_estimate": "ragtally.engine.tuning_estimate",
    "tuning_store": "ragtally.store.tuning",
    "llm_tuning": "ragtally.llm.tuning",
    "choice": "ragtally.advice.choice",
    "choice_tables": "ragtally.present.choice",
    "fit": "ragtally.advice.fit",
    "machine": "ragtally.advice.machine",
    "probe": "ragtally.advice.probe",
    "polars": "polars",
    "answer_form": "ragtally.plan.answer_form",
    "curation_server": "ragtally.curation.server",
    "decision_sheets": "ragtally.curation.sheet",
    "decisions": "ragtally.curation.decisions",
    "review": "ragtally.curation.review",
    "cell_pairs": "ragtally.analysis.pairwise",
    "contributions": "ragtally.analysis.contributions",
    "duplicates": "ragtally.engine.duplicates",
    "estimate": "ragtally.engine.estimate",
    "external": "ragtally.engine.external",
    "engine": "ragtally.engine.run",
    "outputs": "ragtally.engine.outputs",
    "scale": "ragtally.engine.scale",
    "sharing": "ragtally.engine.sharing",
    "executors": "ragtally.cli.executors",
    "export_dataset": "ragtally.export.dataset",
    "export_model": "ragtally.export.model",
    "export_pipeline": "ragtally.export.pipeline",
    "export_training": "ragtally.export.training",
    "llm_batches": "ragtally.llm.batches",
    "context_length": "ragtally.llm.context_length",
    "long_context": "ragtally.llm.long_context",
    "preflight": "ragtally.llm.preflight",
    "component_tables": "ragtally.present.components",
    "duplicate_tables": "ragtally.present.duplicates",
    "plan_tables": "ragtally.present.plan",
    "store_tables": "ragtally.present.store",
    **{name: f"ragtally.present.{name}" for name in ("page", "pairwise", "provenance", "readings", "show", "table")},
    "result_files": "ragtally.results.write",
    **{name: f"ragtally.results.{name}" for name in ("blind_sheets", "columns", "people")},
    **{
        name: f"ragtally.store.{name}"
        for name in ("batches", "calls", "calls_salvage", "calls_transfer", "inventory", "vectors")
    },
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(_MODULES.get(name, f"ragtally.{name}"))
