"""`ragtally export model`: the model that a reader trained, handed over to whoever serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ragtally.api import MODEL_SERVERS, TRAIN_PARAMETER, Component, DataError, RagtallyError, ReaderTraits
from ragtally.export.model import export_model
from toy_study import COMPONENTS, TINY, toy_registry
from workbench import Bench

(LEARNER,) = (component for component in COMPONENTS["reader"] if component.name == "learner")
SPEC = TINY.replace("learner: learner", "pupil: pupil\n  learner: learner").replace(
    "voters: [finder, learner]", "voters: [finder, pupil, learner]"
)


def hand_over(parameters: Mapping[str, Any], model: Path, server: str, folder: Path) -> Sequence[str]:
    if server == "ollama":
        raise DataError("it takes no such model", hint="--for vllm")
    (folder / "model").write_bytes(b"".join(path.read_bytes() for path in sorted(model.glob("*.json"))))
    return [f"serve {folder.name}"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    pupil = Component(
        "pupil", LEARNER.build, "Learns.", params={"train": TRAIN_PARAMETER}, traits=ReaderTraits(trains=True),
        hand_over=hand_over,
    )  # fmt: skip
    return Bench(tmp_path, toy_registry({"reader": [pupil]}))


def test_a_model_is_written_whole_or_not_at_all(bench: Bench) -> None:
    plan, folder = bench.plan(SPEC), bench.folder / "out"
    assert MODEL_SERVERS == ("llama.cpp", "ollama", "transformers", "vllm")

    def export(reader: str = "pupil", vote: int = 1, server: str = "vllm") -> Sequence[str]:
        return export_model(plan, reader, vote, server, bench.location, folder)

    with pytest.raises(RagtallyError, match="pupil has not been trained"):
        export()
    bench.run(SPEC, ("train",))
    for arguments, message in {
        ("pupl",): "no reader 'pupl'",
        ("finder",): "finder is not trained in this study",
        ("learner",): "learner trains no model that others serve",
        ("pupil", 3): "pupil has 2 models, no vote 3",
        ("pupil", 1, "ollama"): "it takes no such model",
    }.items():
        with pytest.raises(RagtallyError, match=message):
            export(*arguments)  # type: ignore[arg-type]
        assert not folder.exists() and not list(bench.folder.glob(".out*"))
    assert export(vote=2) == ["serve out"]
    assert (folder / "model").stat().st_size > 0
    with pytest.raises(RagtallyError, match="there is something already"):
        export()
