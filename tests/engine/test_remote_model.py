"""A model whose weights workers hold: asked call by call, each a job; failures come back as they are."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ragtally.engine.jobs
import ragtally.engine.remote_model
from ragtally import pipelines
from ragtally.api import (
    CallError,
    Choice,
    Component,
    ExecutorTraits,
    Job,
    JobFunction,
    Message,
    ModelTraits,
    Needs,
    RagtallyError,
)
from ragtally.engine.jobs import Delegation
from ragtally.engine.remote_model import RemoteModel
from ragtally.engine.run import run_study
from ragtally.registry import Registry, load_registry
from ragtally.workspace import Workspace
from toy_study import toy_registry
from workbench import Bench


class Mirror:
    """Says its last message backwards; fails where it is told to."""

    def __init__(self) -> None:
        self.room = 0

    async def run_async(self, messages: list[Any], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        text = messages[-1].text
        if text == "busy":
            raise CallError("too many", reason="rate limit", status=429, retry_after=1.5, hint="wait")
        if text == "no file":
            raise RagtallyError("the weights are gone", hint="fetch them")
        if text == "bug":
            raise KeyError("bug")
        if text == "nothing":
            return {"replies": []}
        meta = {"model": "mirror", "seed": (generation_kwargs or {}).get("seed"), "room": self.room}
        return {"replies": [pipelines.assistant_message(text[::-1], meta)]}

    def make_room(self, tokens: int) -> None:
        self.room = tokens

    async def close(self) -> None: ...


class Threads:
    """An executor that does each job in the thread that asks."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def run(self, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        self.threads.add(threading.get_ident())
        yield from enumerate(function(job.text) for job in jobs)

    def slots(self, needs: Needs) -> int:
        return 2

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        return []

    def close(self) -> None: ...


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> RemoteModel:
    component = Component("mirror", Mirror, "Mirrors.", traits=ModelTraits("here", "mirror", in_process=True))
    registry = toy_registry({"model": [component]})
    monkeypatch.setattr(ragtally.engine.remote_model, "load_registry", lambda: registry)
    ragtally.engine.remote_model._model.cache_clear()
    return RemoteModel(Choice("model", "mirror"), Threads(), Needs())


def ask(model: RemoteModel, *texts: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
    async def all_at_once() -> list[Any]:
        prompts = [pipelines.chat_messages((Message("system", "mirror"), Message("user", text))) for text in texts]
        calls = [model.run_async(prompt, dict(parameters or {})) for prompt in prompts]
        return [answer["replies"][0] for answer in await asyncio.gather(*calls)]

    return asyncio.run(all_at_once())


def test_a_reply_comes_back_with_what_the_model_says_of_it(model: RemoteModel) -> None:
    model.make_room(2_048)
    first, second = ask(model, "abc", "çé", parameters={"seed": 7})
    assert (first.text, second.text) == ("cba", "éç")
    assert first.meta == {"model": "mirror", "seed": 7, "room": 2_048}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("busy", ("too many", "rate limit", 429, 1.5, "wait")),
        ("no file", ("the weights are gone", "bad request", None, None, "fetch them")),
        ("bug", ("KeyError: 'bug'", "unexpected", None, None, None)),
        ("nothing", ("the model answered without a reply", "bad reply", None, None, None)),
    ],
)
def test_a_failure_comes_back_as_it_is(model: RemoteModel, text: str, expected: tuple[object, ...]) -> None:
    with pytest.raises(CallError) as info:
        ask(model, text)
    error = info.value
    assert (error.message, error.reason, error.status, error.retry_after, error.hint) == expected


def test_who_is_stopped_does_not_wait_for_a_call(model: RemoteModel, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def wait(self: Threads, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        go_on.wait(30)
        yield 0, json.dumps({"text": "late", "meta": {}})

    monkeypatch.setattr(Threads, "run", wait)

    async def stop() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(model.run_async([], {}), 0.05)

    asyncio.run(stop())
    assert not go_on.is_set()
    go_on.set()


def test_the_folder_is_that_of_the_run(model: RemoteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ask(model, "ab")[0].text == "ba"
    assert Path.cwd() == tmp_path


ASKED = """\
study: asked
seed: 7
dataset: {synthetic: {questions: 12, distractors: 0}}
models: {echo: echo}
readers: {guess: {chat: {model: echo}}}
controls: [gold_context]
grid: {reader: [guess]}
metrics: [accuracy]
"""


def test_a_study_has_the_workers_asked_and_keeps_their_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = load_registry()
    entries = {(entry.kind, entry.component.name): entry for entry in plain.all()}
    echo = entries["model", "echo"]
    own = replace(echo.component, traits=replace(echo.traits({"words": ["yes"]}), in_process=True))
    registry = Registry({**entries, ("model", "echo"): replace(echo, component=own)})
    for module in (ragtally.engine.jobs, ragtally.engine.remote_model):
        monkeypatch.setattr(module, "load_registry", lambda: registry)
    ragtally.engine.remote_model._model.cache_clear()
    executor = Threads()
    folders = []
    for name, components, delegate in (
        ("here", plain, None),
        ("there", registry, Delegation(executor, ExecutorTraits())),
    ):
        bench = Bench(tmp_path / name, components)
        bench.folder.mkdir()
        workspace = Workspace(bench.store, components, bench.notes, delegate=delegate)
        folders.append(run_study(bench.spec(ASKED), components, workspace, bench.folders))
    assert len(executor.threads) > 1
    for read, name in ((pl.read_csv, "cells.csv"), (pl.read_parquet, "answers.parquet")):
        here, there = (read(folder / name) for folder in folders)
        timed = [column for column in here.columns if "seconds" in column]
        assert here.drop(timed).equals(there.drop(timed)), name
