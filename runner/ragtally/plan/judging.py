"""The judges of a study: who they are, how their replies are written, and whose answers they judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ragtally.api import JUDGE_ANSWERS, Choice, ModelTraits, ReaderTraits
from ragtally.plan.answer_form import AnswerForm, answer_form
from ragtally.registry import Registry
from ragtally.spec.study import Study


class Judge(NamedTuple):
    """One model that judges."""

    name: str  # As the spec names it
    provider: str
    model: str
    readers: tuple[str, ...]  # The readers that ask the same model, so that it judges answers of its own


def judges_of(study: Study, registry: Registry) -> Choice | None:
    """The grader that asks language models; None where none does."""
    return next((grader for grader in study.grading if registry.traits(grader).criteria), None)


def pools_votes(judges: Choice, registry: Registry) -> bool:
    """Whether the judges are asked which answers of several votes say the same."""
    return "same" in registry.traits(judges).criteria


def graders_before(grading: Sequence[Choice], judges: Choice) -> Sequence[Choice]:
    """The graders whose decisions the judges are not asked about."""
    return grading[: list(grading).index(judges)]


def judge_form(judges: Choice, model: ModelTraits) -> AnswerForm:
    """How a judge's replies are written."""
    return answer_form(ReaderTraits(structured=judges.parameters["structured"]), model, JUDGE_ANSWERS)


def panel(study: Study, registry: Registry) -> list[Judge]:
    """The judges of a study, in the spec's order; none where no grader asks any."""
    judges = judges_of(study, registry)
    if judges is None:
        return []
    readers = {
        name: [registry.traits(model) for model in reader.choice.inner("model")]
        for name, reader in study.readers.items()
    }
    rows = []
    for choice in judges.inner("model"):
        traits: ModelTraits = registry.traits(choice)
        # Another temperature does not make another model.
        own = [
            name
            for name, models in readers.items()
            if any((each.provider, each.model) == (traits.provider, traits.model) for each in models)
        ]
        name = next((name for name, model in study.models.items() if model == choice), str(choice))
        rows.append(Judge(name, traits.provider, traits.model, tuple(own)))
    return rows


def sheet_path(study: Study, judges: Choice) -> Path:
    """Where the grades of people are."""
    return Path(judges.parameters["sheet"] or f"data/raw/{study.name}/graded.csv")
