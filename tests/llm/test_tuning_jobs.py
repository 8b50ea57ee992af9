"""Fine-tuning with a provider in this process, so that it can be cut off between any two of its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import ragtally_fine_tuning
from ragtally.api import (
    TUNED_PARAMETER,
    CallError,
    Component,
    LossPoint,
    ModelTraits,
    Price,
    RagtallyError,
    SpecError,
    StoppedError,
    TuningSettings,
    TuningState,
    TuningTerms,
)
from ragtally.engine.tuning_estimate import estimate_tuning
from ragtally.steps import TUNE
from ragtally.tables import load_losses, load_tuned_model
from toy_study import number, toy_registry
from workbench import Bench

SPEC = """\
study: tuned
seed: 7
dataset: {made_up: {questions: 24, split: test}}
models: {small: {taught: {heat: 1}}}
readers: {tuned: {fine_tuning: {model: small, epochs: 2}}}
grid: {reader: tuned}
controls: [gold_context]
metrics: [accuracy]
"""
# As in tests/plan/test_golden_addresses.py: another one has everybody's models fine-tuned, and paid, again.
ADDRESS = "r1:9d7360842e1c4f000ac400f929f3cf5aace19dc1"
_PRICE = Price(1, 2)
LOSSES = (LossPoint(1, 0.5, 0.9), LossPoint(2, 1.0, 0.3))


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Provider:
    """Accepts jobs, which succeed at the second look; `cut` ends the process before or after one request."""

    jobs: dict[str, tuple[str, str, TuningSettings]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    cut: tuple[int, str] = (-1, "")
    requests: int = 0
    looks: int = 0
    end: TuningState = field(
        default_factory=lambda: TuningState("", "succeeded", model="ft:m:random", trained_tokens=50)
    )

    def at(self, moment: str) -> None:
        if self.cut == (self.requests, moment):
            raise Killed
        self.requests += moment == "after"

    async def upload(self, path: Path) -> str:
        self.at("before")
        name = f"file-{len(self.files)}"
        self.files[name] = path.read_text(encoding="utf-8")
        self.at("after")
        return name

    async def submit(self, file_id: str, name: str, settings: TuningSettings) -> TuningState:
        self.at("before")
        self.jobs[f"job-{len(self.jobs)}"] = (file_id, name, settings)
        self.at("after")
        return self.state(f"job-{len(self.jobs) - 1}")

    def state(self, job_id: str) -> TuningState:
        file_id, name, _ = self.jobs[job_id]
        if self.looks < 2:
            return TuningState(job_id, "running", name, file_id)
        return replace(self.end, id=job_id, name=name, file_id=file_id)

    async def look(self, job_id: str) -> TuningState:
        self.at("before")
        self.looks += 1
        self.at("after")
        return self.state(job_id)

    async def losses(self, job_id: str, epochs: int) -> tuple[Sequence[LossPoint], int]:
        return LOSSES[: self.looks], 2

    async def listed(self) -> AsyncIterator[TuningState]:
        self.at("before")
        self.at("after")
        for job_id in reversed(self.jobs):
            yield self.state(job_id)

    async def cancel(self, job_id: str) -> TuningState:
        raise NotImplementedError

    async def close(self) -> None: ...


@dataclass
class Taught:
    """A model that is fine-tuned in this process, and never asked."""

    provider: Provider

    def tuning_jobs(self) -> Provider:
        return self.provider

    def answer_as(self, model: str) -> None: ...

    async def close(self) -> None: ...


Made = Callable[..., tuple[Bench, Provider]]


@pytest.fixture
def made(make_bench: Callable[..., Bench]) -> Made:
    def make(price: float | None = 3.0, asked: Price | None = _PRICE, name: str = "bench") -> tuple[Bench, Provider]:
        provider = Provider()

        def traits(parameters: Mapping[str, Any]) -> ModelTraits:
            tuned = parameters["tuned"] is not None
            terms = TuningTerms(price, poll_seconds=0.001, settle_seconds=0)
            return ModelTraits("here", "m", price=asked if tuned else _PRICE, tuning=terms)

        component = Component(
            "taught",
            lambda heat, tuned: Taught(provider),
            "Learns.",
            params={"heat": number(1), "tuned": TUNED_PARAMETER},
            traits=traits,
        )
        more = {"model": [component], "reader": ragtally_fine_tuning.register_readers()}
        return make_bench(name, toy_registry(more)), provider

    return make


def train(bench: Bench, text: str = SPEC) -> None:
    bench.run(text, ("train",))


def test_what_a_training_leaves(made: Made) -> None:
    bench, provider = made()
    plan = bench.plan(SPEC)
    (task,) = plan.goals("train")
    assert task.step is TUNE
    (planned,) = estimate_tuning(plan, bench.location)
    assert (planned.state, planned.exact, planned.examples, planned.epochs) == ("to submit", True, 12, 2)
    assert not provider.jobs and not provider.files
    train(bench)
    ((file_id, name, settings),) = provider.jobs.values()
    assert settings == TuningSettings(epochs=2, seed=7) and name.startswith(task.address[3:27])
    lines = [json.loads(line)["messages"] for line in provider.files[file_id].splitlines()]
    assert [messages[-1]["content"] for messages in lines].count("yes") == 4
    assert {tuple(message["role"] for message in messages) for messages in lines} == {("system", "user", "assistant")}
    entry = bench.do(task)
    assert load_tuned_model(entry) == "ft:m:random" and tuple(load_losses(entry)) == LOSSES
    (job,) = bench.location.tunings.all()
    assert (job.stage, job.billed_tokens, job.dollars) == ("done", 50, pytest.approx(150e-6))
    (row,) = json.loads((bench.folders.results / "tuned/train.json").read_text())["models"].values()
    assert row["training"]["dollars"] == pytest.approx(150e-6) and row["examples"] == 12
    assert estimate_tuning(plan, bench.location)[0].state == "done"
    # An entry that is gone is written again, and nothing is paid again.
    for path in entry.rglob("*"):
        path.unlink()
    entry.rmdir()
    train(bench)
    assert len(provider.jobs) == 1


def test_what_counts_for_a_training(made: Made) -> None:
    bench, _ = made()

    def address(*change: str) -> str:
        (task,) = bench.plan(SPEC.replace(*change) if change else SPEC).goals("train")
        return task.address

    assert address() == ADDRESS
    assert address("heat: 1", "heat: 2") == ADDRESS, "what is for asking is no other training"
    assert address("votes", "votes") == address("metrics: [accuracy]", "metrics: [macro_f1]") == ADDRESS
    changed = {
        address("epochs: 2", "epochs: 3"),
        address("seed: 7", "seed: 8"),
        address("epochs: 2", "epochs: 2, batch: 4"),
        address("epochs: 2", "epochs: 2, instructions: Be brief."),
        address("questions: 24", "questions: 22"),
    }
    assert len(changed) == 5 and ADDRESS not in changed


_REQUESTS = ("list", "upload", "submit", "look", "look again")


@pytest.mark.parametrize(
    ("request_", "moment"),
    [
        pytest.param(number, moment, marks=() if name == "submit" else pytest.mark.slow)
        for number, name in enumerate(_REQUESTS)
        for moment in ("before", "after")
    ],
)
def test_a_process_that_ends_anywhere_leaves_one_job(made: Made, request_: int, moment: str) -> None:
    bench, provider = made()
    provider.cut = (request_, moment)
    with pytest.raises(Killed):
        train(bench)
    provider.cut = (-1, "")
    train(bench)
    assert len(provider.jobs) == 1
    assert [job.stage for job in bench.location.tunings.all()] == ["done"]


def test_a_failure_has_its_cause_its_place_and_the_next_try(made: Made) -> None:
    bench, provider = made()
    provider.end = TuningState("", "failed", message="too few examples")
    with pytest.raises(RagtallyError, match="job-0 at here failed: too few examples") as caught:
        train(bench)
    assert caught.value.location is not None and caught.value.location.line == 5
    assert "as another job" in str(caught.value.hint)
    provider.end, provider.looks = Provider().end, 0
    train(bench)
    assert [job.stage for job in bench.location.tunings.all()] == ["failed", "done"]
    assert len({name for _, name, _ in provider.jobs.values()}) == 2


def test_a_job_of_another_store_is_taken_over(made: Made, make_bench: Callable[..., Bench]) -> None:
    bench, provider = made()
    train(bench)
    other = make_bench("other", bench.registry)
    train(other)
    assert len(provider.jobs) == 1 and [job.job_id for job in other.location.tunings.all()] == ["job-0"]
    assert any("was there already" in warning for warning in other.notes.warnings)


def test_a_budget_is_kept(made: Made) -> None:
    bench, provider = made()
    (planned,) = estimate_tuning(bench.plan(SPEC), bench.location)
    assert planned.dollars is not None and planned.most_dollars is not None
    assert planned.dollars <= planned.most_dollars
    with pytest.raises(StoppedError, match="fine-tuning tuned, at most"):
        train(bench, f"{SPEC}budget: {{usd: {planned.most_dollars * 0.9:.6f}}}\n")
    assert not provider.files and not bench.location.tunings.all()
    train(bench, f"{SPEC}budget: {{usd: {planned.most_dollars * 1.1:.6f}}}\n")
    for price, asked in ((None, _PRICE), (3.0, None)):
        unpriced, _ = made(price, asked, name=f"unpriced-{price}")
        with pytest.raises(SpecError, match="fine-tun"):
            unpriced.plan(f"{SPEC}budget: {{usd: 1}}\n")


def test_a_refused_job_is_none(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, provider = made()

    async def refuse(*_: object) -> TuningState:
        raise CallError("no such model", reason="not found", status=404)

    monkeypatch.setattr(provider, "submit", refuse)
    with pytest.raises(CallError, match="no such model"):
        train(bench)
    assert not bench.location.tunings.all()
    assert TUNE not in {task.step for task in bench.plan(SPEC).goals("prepare")}


def test_it_may_learn_from_the_base(made: Made) -> None:
    bench, provider = made()
    text = SPEC.replace("epochs: 2", "epochs: 2, train: {split: train, from: base}")
    text = text.replace("readers: {", "readers: {finder: {finder: {noise: 0.5}}, ")
    train(
        bench, f"{text}label: {{voters: [finder]}}\nbase: {{from: [finder], rule: majority, agree_with_gold: true}}\n"
    )
    (row,) = json.loads((bench.folders.results / "tuned/train.json").read_text())["models"].values()
    assert row["from"] == "base" and 0 < row["examples"] < 12
    assert [len(content.splitlines()) for content in provider.files.values()] == [row["examples"]]
    assert (row["readers"], row["purpose"]) == (["tuned"], "every")


@pytest.mark.parametrize("stage", ["done", "failed"])
def test_another_run_may_note_the_end_first(made: Made, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    bench, provider = made()
    look = provider.look

    async def look_late(job_id: str) -> TuningState:
        (job,) = bench.location.tunings.all()
        bench.location.tunings.change(job.name, stage=stage, tuned_model="ft:m:other", dollars=0.1)
        return await look(job_id)

    monkeypatch.setattr(provider, "look", look_late)
    if stage == "failed":
        with pytest.raises(RagtallyError, match="another run found that the fine-tuning job"):
            train(bench)
    else:
        train(bench)
        (task,) = bench.plan(SPEC).goals("train")
        assert load_tuned_model(bench.do(task)) == "ft:m:other"
    assert len(provider.jobs) == provider.looks == 1
