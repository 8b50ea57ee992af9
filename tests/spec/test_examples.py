"""The key `examples`: what it resolves to, and every mistake with its place and what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.api import ErrorList, RagtallyError
from ragtally.examples.wording import CRITERIA
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.spec.study import Study

SPEC = """\
study: faq
dataset: {synthetic: {questions: 8}}
models:
  big: {litellm: {model: groq/openai/gpt-oss-20b}}
  small: {litellm: {model: ollama_chat/llama3.1:8b, num_ctx: 4096, max_tokens: 1000}}
  same: {litellm: {model: groq/openai/gpt-oss-20b, temperature: 0.3}}
examples:
  kinds: [question_answer]
  generators: [big]
  validate: {from: [big, small]}
"""
OWN = "Passage: {{ passage }} Write {{ count }}. {{ format }}"


def study(folder: Path, text: str = SPEC) -> Study:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(path, load_registry())


def test_what_is_left_out_has_defaults(tmp_path: Path) -> None:
    recipe = study(tmp_path).examples
    assert recipe is not None and recipe.validation is not None
    assert (recipe.per_chunk, recipe.repair, recipe.evolution, recipe.near_duplicates) == (3, 0, None, 0.8)
    assert recipe.validation.criteria == CRITERIA
    assert recipe.validation.rule.name == "majority"
    assert recipe.models == ("big", "small")


def test_passages_fit_into_the_smallest_window(tmp_path: Path) -> None:
    def size(text: str) -> int:
        recipe = study(tmp_path, text).examples
        assert recipe is not None and recipe.chunker is not None
        return int(recipe.chunker.parameters["size"])

    assert size(SPEC) == (4096 - 600 - 1000) // 2
    assert size(SPEC.replace("4096", "1200")) == 50
    assert size(SPEC.replace("4096", "100000")) == 1500
    assert size(SPEC.replace("  kinds", "  chunker: {words: {size: 77}}\n  kinds")) == 77


def test_signs_of_a_language_without_spaces_count_as_words(tmp_path: Path) -> None:
    def language(text: str) -> str | None:
        recipe = study(tmp_path, text).examples
        assert recipe is not None and recipe.chunker is not None
        return recipe.chunker.parameters.get("language")

    assert language(SPEC) is None
    assert language(SPEC.replace("questions: 8", "questions: 8, language: zh")) == "zh"
    # Who says only what to write in has documents in it, too.
    assert language(SPEC + "  language: ja\n") == "ja"
    assert language(SPEC.replace("questions: 8", "questions: 8, language: zh") + "  language: ja\n") == "zh"
    assert language(SPEC + "  language: de\n") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[big]", "[bgi]", "spec.yaml:9:16: there is no model 'bgi' under models\n  hint: did you mean 'big'?"),
        ("[big, small]", "[big, smal]", "spec.yaml:10:26: there is no model 'smal'"),
        ("[big, small]", "[same]", "spec.yaml:10:20: big would be the only one to grade what it wrote itself"),
        ("[question_answer]", "[label]", "spec.yaml:8:3: the kind label needs a closed set"),
        ("[question_answer]", "[question]", "spec.yaml:8:11: examples.kinds cannot be 'question'"),
        ("  kinds", "  labels: [a, b]\n  kinds", "spec.yaml:8:3: labels are of the kind label"),
        ("  validate: {from: [big, small]}", "  repair: 1", "nothing is rejected where nobody validates"),
        ("small]}", "small], criteria: [grounded, grounded]}", "grounded comes twice"),
        ("small]}", "small], criteria: [groundd]}", "cannot be 'groundd'"),
        ("  kinds", "  evolve: {ways: [harder, {harder: more}]}\n  kinds", "harder comes twice"),
        ("  kinds", "  expand: set.jsonl\n  kinds", "grounded asks about a passage"),
        ("  kinds", "  style: none.jsonl\n  kinds", "none.jsonl: there is no such file"),
        ("  kinds", "  prompts: {generate: own.jinja}\n  kinds", "own.jinja:2: there is no variable 'passge'"),
        ("  kinds", "  prompts: {expand: own.jinja}\n  kinds", "there is no variable 'passage'"),
        ("  kinds", "  prompts: {validate: none.jinja}\n  kinds", "none.jinja: the template cannot be read"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set.jsonl").write_text('{"question": "a", "answer": "b"}')
    (tmp_path / "own.jinja").write_text(OWN + "\n{{ passge }}" if "generate" in new else OWN)
    assert old in SPEC
    with pytest.raises(RagtallyError) as error:
        study(tmp_path, SPEC.replace(old, new, 1))
    assert message in str(error.value)


def test_names_and_shares_are_checked_beside_wrong_keys(tmp_path: Path) -> None:
    text = SPEC.replace("[big]", "[big, 3, bgi]")
    text = text.replace("small]}", "smal], votes: 0, criteria: [clear, clear, no]}")
    text += (
        "  per_chunk: 0\n  split: {train: 0.9}\n  repair: x\n  evolve: {rounds: 0, ways: [harder, harder]}\n"
        "  style: none.jsonl\n  chunker: {words: {size: 0, overlap: x}}\n  test_questions: [synthetc, synthetic]\n"
        "  target: {tokenizer: none.json, window: 0}\n"
        "  chats: {}\n"
    )
    with pytest.raises(ErrorList) as raised:
        study(tmp_path, text)
    messages = [error.message for error in raised.value.errors]
    wanted = (
        "examples.generators must be text, not 3", "no model 'bgi'", "no model 'smal'",
        "examples.validate.votes must",
        "clear comes twice", "cannot be 'no'", "per_chunk must be at least 1", "the shares are not 1 together",
        "examples.repair must be", "evolve.rounds must be", "harder comes twice", "there is no such file",
        "size must be at least", "overlap must be", "no dataset 'synthetc'", "there is no file none.json",
        "window must be", "needs the key 'assistant'",
    )  # fmt: skip
    missing = [text for text in wanted if not any(text in message for message in messages)]
    assert missing == [] and len(messages) == len(wanted), "\n".join(messages)


def test_own_prompts_criteria_and_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.jinja").write_text(OWN)
    text = SPEC.replace("small]}", "small], criteria: [clear, {polite: 'Is it polite?'}]}") + (
        "  evolve: {ways: [harder, {shorter: Make it shorter.}]}\n  prompts: {generate: own.jinja}\n"
    )
    recipe = study(tmp_path, text).examples
    assert recipe is not None and recipe.validation is not None and recipe.evolution is not None
    assert recipe.validation.criteria == {"clear": CRITERIA["clear"], "polite": "Is it polite?"}
    assert list(recipe.evolution.ways) == ["harder", "shorter"]
    assert recipe.templates["generate"] == OWN
