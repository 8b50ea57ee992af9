"""The reader lora: what it asks for, and with PyTorch how a tiny model learns, stops, goes on and answers."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragtally_chat
import ragtally_lora
from plugins.tiny_model import require_lora, write_tiny_model
from ragtally.api import (
    ABSTENTION,
    DataError,
    Examples,
    LossPoint,
    PluginError,
    Reading,
    ResumableReader,
    TrainingSession,
    TrainingStep,
    Vote,
)
from ragtally.support.dev_split import split_dev
from ragtally.testing import samples

(COMPONENT,) = ragtally_lora.register_readers()
VOTE = Vote("measure", 0, 5)


def given(**said: Any) -> dict[str, Any]:
    defaults = {name: schema["default"] for name, schema in COMPONENT.params.items() if "default" in schema}
    return defaults | {"base": "owner/model"} | said


def build(**said: Any) -> ResumableReader:
    reader: ResumableReader = COMPONENT.build(
        **{name: value for name, value in given(**said).items() if name != "train"}
    )
    return reader


def test_wrong_parameters_are_told_before_any_work(tmp_path: Path) -> None:
    assert COMPONENT.check is not None

    def faults(**said: Any) -> list[str | None]:
        return [fault.parameter for fault in COMPONENT.check(given(**said))]  # type: ignore[misc]

    assert faults() == []
    assert faults(base="model") == ["base"]
    assert faults(base="./models/a", revision="main") == ["revision"]
    assert faults(base="a.gguf", revision="main", quantise="4bit") == ["revision", "quantise"]
    assert faults(layers=4) == ["layers"] and faults(layers=4, targets=["q_proj"]) == []
    assert faults(template="own.jinja", instructions="Be brief.") == ["instructions"]
    with pytest.raises(DataError, match="no such model file"):
        COMPONENT.fingerprint(given(base=str(tmp_path / "a.gguf")))  # type: ignore[misc]
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DataError, match=r"it has no \*\.safetensors"):
        COMPONENT.fingerprint(given(base=str(tmp_path)))  # type: ignore[misc]


def test_what_is_missing_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "peft" else find(name))
    with pytest.raises(PluginError, match=r"peft.* not installed") as caught:
        build()
    assert caught.value.hint == 'pip install "ragtally[lora]"'
    (finding,) = COMPONENT.diagnose(given())  # type: ignore[misc]
    assert not finding.ok and finding.remedy == caught.value.hint


def test_examples_are_put_aside_by_label() -> None:
    labels = ["yes"] * 60 + ["no"] * 30 + ["maybe"] * 10
    train, dev = split_dev(labels, 0.2, 7, answers=("yes", "no", "maybe"), fewest=8)
    assert sorted([*train, *dev]) == list(range(100))
    assert [sum(labels[row] == name for row in dev) for name in ("yes", "no", "maybe")] == [12, 6, 2]
    assert split_dev(labels, 0.2, 7)[1].tolist() != split_dev(labels, 0.2, 8)[1].tolist()
    assert split_dev(["a", "b", "c"], 0.1, 1)[1].size == 1 and split_dev(["a"], 0, 1)[1].size == 0
    with pytest.raises(DataError, match=r"'maybe' has 10 of 100 .*, 2 of them put aside .*; it takes 9"):
        split_dev(labels, 0.2, 7, answers=("yes", "no", "maybe"), fewest=9)
    with pytest.raises(DataError, match="no example to learn from"):
        split_dev([], 0.2, 7)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    require_lora()
    return str(write_tiny_model(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def tiny(base: str) -> dict[str, Any]:
    return {
        "base": base, "device": "cpu", "threads": 1, "rate": 0.02, "epochs": 8, "patience": 8, "accumulation": 1,
        "max_new_tokens": 6, "checkpoint_every": 3,
    }  # fmt: skip


class Session:
    """A session that remembers its points, and is stopped at a step where a test says so."""

    def __init__(self, folder: Path, stop_at: int | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.points: list[LossPoint] = []
        self._stop_at = stop_at
        self.session = TrainingSession(folder, self._record)

    def _record(self, point: LossPoint, steps: int) -> None:
        assert point.step <= steps
        self.points.append(point)
        if point.step == self._stop_at:
            raise KeyboardInterrupt


def saved(reader: ResumableReader, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    reader.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_training_that_is_stopped_goes_on_to_the_same_adapter(tiny: dict[str, Any], tmp_path: Path) -> None:
    tiny |= {"dropout": 0.1}
    whole = Session(tmp_path / "whole")
    reader = build(**tiny)
    reader.train_in(whole.session, samples.examples(), VOTE)
    stopped, resumed = Session(tmp_path / "part", stop_at=20), Session(tmp_path / "part")
    with pytest.raises(KeyboardInterrupt):
        build(**tiny).train_in(stopped.session, samples.examples(), VOTE)
    other = build(**tiny)
    other.train_in(resumed.session, samples.examples(), VOTE)
    assert 15 < resumed.points[0].step <= 20
    joined = [*(each for each in stopped.points if each.step < resumed.points[0].step), *resumed.points]
    assert joined == whole.points
    assert whole.points[-1].train is not None and whole.points[0].train is not None
    assert whole.points[-1].train < whole.points[0].train / 2
    files = saved(reader, tmp_path / "one")
    assert files == saved(other, tmp_path / "two")
    assert set(files) == {"adapter_model.safetensors", "adapter_config.json", "README.md"}
    config = json.loads(files["adapter_config.json"])
    assert config["base_model_name_or_path"] == Path(tiny["base"]).name
    assert "lm_head" not in config["target_modules"] and "q_proj" in config["target_modules"]
    assert str(tmp_path.parent) not in files["README.md"].decode()


def test_a_session_hears_of_steps_and_ends_a_training(tiny: dict[str, Any], tmp_path: Path) -> None:
    steps: list[TrainingStep] = []
    session = Session(tmp_path / "short")

    def after_step(step: TrainingStep) -> bool:
        steps.append(step)
        return step.number < 5

    build(**tiny).train_in(replace(session.session, after_step=after_step), samples.examples(), VOTE)
    assert [step.number for step in steps] == [1, 2, 3, 4, 5] and {step.steps for step in steps} == {64}
    assert all(4 * 50 < step.tokens < 4 * 1024 for step in steps)
    # As at the end of an epoch, the loss on the examples put aside is measured.
    last = session.points[-1]
    assert (last.step, last.epoch) == (5, 5 / 8) and last.dev is not None


def test_a_loss_that_rises_is_told(
    tiny: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragtally_lora.training import Training

    # The loss of weights drawn at random is so high that no rate raises it.
    monkeypatch.setattr(Training, "_dev_loss", lambda self: 99.0)
    build(**tiny | {"rate": 30.0, "epochs": 1}).train(samples.examples(), VOTE)
    assert "nothing was learnt; try rate: 0.0002" in caplog.text


def test_it_learns_to_answer_and_only_answers_count(tiny: dict[str, Any], tmp_path: Path) -> None:
    reading = samples.examples().reading
    always = Examples(reading, ["maybe"] * len(reading))
    for answer in ("generate", "score"):
        reader = build(**tiny, answer=answer)
        reader.train(Examples(Reading(reading.id, reading.question, reading.passages, ()), always.label), VOTE)
        answers = reader.read(reading, VOTE)
        said = answers.text if answer == "generate" else answers.choice
        assert set(said) == {"maybe"}
        assert answers.input_tokens is not None and min(filter(None, answers.input_tokens)) > 50


def test_the_last_layers_alone_learn_where_a_spec_says_so(tiny: dict[str, Any], tmp_path: Path) -> None:
    own = tiny | {"epochs": 1, "targets": ["q_proj", "down_proj"], "layers": 1}
    reader: Any = build(**own)
    reader.train(samples.examples(), VOTE)
    assert reader._state and all(".layers.1." in name for name in reader._state)
    saved(reader, tmp_path / "model")
    other = build(**own)
    other.load(tmp_path / "model")
    reading = samples.examples().reading
    assert other.read(reading, VOTE) == reader.read(reading, VOTE)


def test_it_sees_the_very_prompt_of_the_reader_chat(tiny: dict[str, Any]) -> None:
    from ragtally_lora.base import load_base
    from ragtally_lora.source import BaseSource
    from ragtally_lora.texts import encode_prompt

    reader: Any = build(**tiny, instructions="Say maybe where in doubt.")
    (chat,) = ragtally_chat.register_readers()
    defaults = {name: schema["default"] for name, schema in chat.params.items() if "default" in schema}
    own = {"model": None, "structured": False, "instructions": "Say maybe where in doubt."}
    prompting = chat.build(**{name: value for name, value in (defaults | own).items() if name != "train"})
    reading = samples.examples().reading
    prompts = prompting.prompts(reading, None)
    assert reader._prompts.prompts(reading, None) == prompts
    loaded = load_base(BaseSource(tiny["base"], None), "auto", None, "cpu")
    text = loaded.tokenizer.decode(encode_prompt(loaded.tokenizer, prompts[0]))
    assert text.startswith("<system>") and text.endswith("<end><assistant>")
    assert reader._answer(ABSTENTION) == "I cannot answer"


def test_bad_input_is_told_with_its_remedy(tiny: dict[str, Any]) -> None:
    examples = samples.examples()
    with pytest.raises(DataError, match="36 of 36 examples are longer than 40 tokens") as caught:
        build(**tiny, max_tokens=40).train(examples, VOTE)
    assert caught.value.hint is not None and caught.value.hint.startswith("max_tokens: ")
    with pytest.raises(DataError, match="reads 1,024 tokens, not 2,000"):
        build(**tiny, max_tokens=2000).train(examples, VOTE)
    with pytest.raises(DataError, match="the loss is not a number any more at step") as caught:
        build(**tiny | {"rate": 1e30, "schedule": "constant"}).train(examples, VOTE)
    assert caught.value.hint == "rate: 0.0002"
    with pytest.raises(DataError, match="no layer of the base is named so"):
        build(**tiny, targets=["nothing"]).train(examples, VOTE)
    with pytest.raises(DataError, match="the base has 2 layers, not 3"):
        build(**tiny, targets=["q_proj"], layers=3).train(examples, VOTE)
    few = Examples(examples.reading, ["yes"] * len(examples))
    with pytest.raises(DataError, match="'no' has 0 of 36 examples"):
        build(**tiny).train(few, VOTE)
    reader = build(**tiny | {"epochs": 1}, max_tokens=500)
    reader.train(examples, VOTE)
    long = Reading(["q"], ["why " * 400], [[]], examples.reading.answers)
    (error,) = reader.read(long, VOTE).error
    assert error is not None and error.endswith("with 6 for the answer more than 500")
    with pytest.raises(DataError, match="cannot be loaded on the device cuda"):
        build(**tiny | {"device": "cuda:9"}).train(examples, VOTE)


def test_padding_changes_no_answer(tiny: dict[str, Any]) -> None:
    from ragtally_lora.base import load_base
    from ragtally_lora.source import BaseSource

    build(**tiny | {"epochs": 1}).train(samples.examples(), VOTE)
    loaded = load_base(BaseSource(tiny["base"], None), "auto", None, "cpu")
    rows = [[5, 6, 7, 8], list(range(5, 40)), [9] * 12]
    together = loaded.logits(rows, 3).detach().numpy()
    alone = np.concatenate([loaded.logits([row], 3).detach().numpy() for row in rows])
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    yield


def test_what_servers_need_is_written_and_what_they_do_not_take_is_told(tiny: dict[str, Any], tmp_path: Path) -> None:
    reader = build(**tiny | {"epochs": 1})
    reader.train(samples.examples(), VOTE)
    files = saved(reader, tmp_path / "model")

    def write(server: str, **said: Any) -> tuple[Path, str]:
        folder = tmp_path / server
        folder.mkdir()
        assert COMPONENT.hand_over is not None
        return folder, "\n".join(COMPONENT.hand_over(given(**tiny | said), tmp_path / "model", server, folder))

    folder, lines = write("ollama")
    assert {path.name for path in folder.iterdir()} == {"Modelfile", "README.md", "adapter.gguf"}
    modelfile = f"FROM {tiny['base']}\nADAPTER ./adapter.gguf\nPARAMETER temperature 0\n"
    assert (folder / "Modelfile").read_text() == modelfile
    assert "ollama create" in lines and "ollama_chat/" in lines
    adapter = (folder / "adapter.gguf").read_bytes()
    folder, lines = write("vllm")
    assert f"vllm serve {tiny['base']} --enable-lora --max-lora-rank 8 --lora-modules" in lines
    assert (folder / "adapter_model.safetensors").read_bytes() == files["adapter_model.safetensors"]
    folder, lines = write("llama.cpp")
    assert (folder / "adapter.gguf").read_bytes() == adapter
    assert f"convert_hf_to_gguf.py {tiny['base']} --outfile llama.cpp/base.gguf" in lines
    assert "llama-server -m llama.cpp/base.gguf --lora llama.cpp/adapter.gguf --jinja" in lines
    assert "{llama_cpp: {model: llama.cpp/base.gguf, adapter: llama.cpp/adapter.gguf, temperature: 0}}" in lines
    folder, lines = write("transformers")
    assert_merged(folder, reader, tiny)
    config = Path(tiny["base"]) / "config.json"
    text = config.read_text()
    try:
        config.write_text(text.replace('"llama"', '"mamba"'))
        (tmp_path / "ollama").rename(tmp_path / "before")
        with pytest.raises(DataError, match=r"an adapter is written as GGUF for llama, .* is mamba") as caught:
            write("ollama")
        assert caught.value.hint is not None and caught.value.hint.startswith("--for transformers")
    finally:
        config.write_text(text)
    (tmp_path / "vllm").rename(tmp_path / "earlier")
    with pytest.raises(DataError, match="is a GGUF file"):
        write("vllm", base="models/a.gguf")


def assert_merged(folder: Path, reader: ResumableReader, tiny: dict[str, Any]) -> None:
    """A model that needs no adapter gives the logits of base and adapter."""
    import torch
    from transformers import AutoModelForCausalLM

    from ragtally_lora.base import load_base
    from ragtally_lora.source import BaseSource

    reader.read(samples.examples().reading, VOTE)  # Attaches its adapter
    rows = [list(range(5, 40))]
    base = load_base(BaseSource(tiny["base"], None), "auto", None, "cpu")
    with torch.inference_mode():
        own = base.logits(rows, 3).numpy()
        merged = AutoModelForCausalLM.from_pretrained(folder)(torch.tensor(rows)).logits[:, -3:].numpy()
    np.testing.assert_allclose(merged, own, atol=1e-3)
