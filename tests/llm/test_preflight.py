"""What is missing to ask models is said before they are asked: all keys at once, a wrong name at one's own server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from command_line import Project, project_in
from model_server.fixture import RunningServer

from .conftest import KEY, SPEC, stored

Start = Callable[..., RunningServer]
Asked = Callable[..., Project]
RUN = ("run", "--no-report", "spec.yaml")
KEYS = ("OPENAI_API_KEY is not set (models.second, models.first)", "GROQ_API_KEY is not set (models.third)")
TWO_PROVIDERS = SPEC.replace("api_base: {url}, ", "").format().replace(
    "models:\n",
    "models:\n  unused: {litellm: {model: openrouter/x/y}}\n  second: {litellm: {model: openai/gpt-4.1-mini}}\n"
    "  third: {litellm: {model: groq/openai/gpt-oss-20b}}\n",
).replace("small:\n    litellm", "first:\n    litellm").replace(
    "readers:\n  small: {chat: {model: small}}\n",
    "readers:\n  small: {chat: {model: first}}\n  other: {chat: {model: second}}\n  last: {chat: {model: third}}\n",
).replace("voters: [small]", "voters: [small, other, last]")  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = project_in(tmp_path / "project")
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "OPENROUTER_API_KEY"):
        made.environment.pop(name, None)
    made.write("spec.yaml", TWO_PROVIDERS)
    return made


def test_all_missing_keys_are_said_at_once_before_any_work(project: Project) -> None:
    run = project.ragtally(*RUN)
    assert (run.code, "2 errors" in run.err) == (2, True)
    assert not list(project.folder.glob("store/prepare/*"))
    plan, doctor = project.ragtally("plan", "spec.yaml"), project.ragtally("doctor", "spec.yaml")
    for key in KEYS:
        assert key in run.err and key in plan.err
        assert f"{key.partition(' (')[0]}\n         export {key.partition(' ')[0]}=..." in doctor.out
    assert "spec.yaml:" in run.err and "OPENROUTER" not in run.err + plan.err, "nobody asks that model"
    assert plan.code == 0 and "Calls of models" in plan.out


def test_whoever_has_all_answers_needs_no_key(start: Start, asked: Asked) -> None:
    project = asked(start())
    assert project.ragtally(*RUN).code == 0
    project.write("spec.yaml", SPEC.replace("api_base: {url}, ", "").format())
    project.environment.pop("OPENAI_API_KEY")
    again = project.ragtally(*RUN)
    assert again.code == 0, again.err


@pytest.mark.parametrize("name", ["SmolLM2.gguf", "SmolLM2", "/models/SmolLM2.gguf"])
def test_a_server_that_answers_under_any_name_is_asked_for_its_models(name: str, start: Start, asked: Asked) -> None:
    # As llama.cpp's.
    server = start(listed=["/models/SmolLM2.gguf"], owner="llamacpp")
    project = asked(server)
    for command in (RUN, ("plan", "spec.yaml")):
        wrong = project.ragtally(*command)
        assert wrong.code == 2
        assert f"{server.openai} has no model small, but /models/SmolLM2.gguf (models.small)" in wrong.err
    assert server.counts()["requests"] == stored(project) == 0
    project.write("spec.yaml", SPEC.format(url=server.openai).replace("openai/small", f"openai/{name}"))
    assert project.ragtally(*RUN).code == 0
    assert KEY not in project.ragtally("plan", "spec.yaml").out


def test_a_model_that_a_server_no_longer_has_is_no_matter_once_all_is_answered(start: Start, asked: Asked) -> None:
    server = start()
    project = asked(server)
    assert project.ragtally(*RUN).code == 0
    server.change(listed=["another"])
    assert project.ragtally(*RUN).code == project.ragtally("plan", "spec.yaml").code == 0
    project.write("spec.yaml", SPEC.format(url=server.openai).replace("votes: 3", "votes: 4"))
    assert "has no model small, but another" in project.ragtally(*RUN).err
