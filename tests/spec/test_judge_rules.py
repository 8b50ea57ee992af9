"""What a spec may not say of judges, told at once with its remedy."""

from __future__ import annotations

import pytest

from ragtally.api import RagtallyError
from sample_judges import judging_registry
from sample_squad import write_squad
from workbench import Bench

SPEC = """\
study: towns
dataset: {squad: {path: PATH}}
models:
  one: {scripted_judge: {name: one}}
  same: {scripted_judge: {name: one}}
  echo: {echo: {}}
  brief: {litellm: {model: openai/gpt-4.1-mini, max_tokens: 16}}
readers: {floor: best_sentence}
grading: {exact: {}, judges: {from: [one], votes: 2}}
grid: {reader: floor}
controls: [gold_context]
metrics: [accuracy, judged]
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("rules")
    write_squad(folder / "squad.json")
    return Bench(folder, judging_registry())


def study(bench: Bench, *change: str) -> object:
    return bench.study(SPEC.replace("PATH", str(bench.folder / "squad.json")).replace(*(change or ("", ""))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("from: [one]", "from: [one, same]"), ["spec.yaml:9", "is a judge already, under another name"]),
        (("from: [one]", "from: [one, one]"), ["one"]),
        (("from: [one]", "from: [none]"), ["there is no model 'none' under models"]),
        (("from: [one]", "from: []"), ["from"]),
        (("from: [one], ", ""), ["from"]),
        (("from: [one]", "from: [echo]"), ["2 ballots of echo/echo, which always answers the same, are one ballot"]),
        (("from: [one]", "from: [brief]"), ["may write 16 tokens", "max_tokens: 128"]),
        (("votes: 2", "votes: 2, rule: {quorum: {k: 3}}"), ["3 ballots of at most 2"]),
        (("votes: 2", "votes: 2, rule: most"), ["most"]),
        (("judged]", "grounded]"), ["grounded is what judges say, and no grader asks them that", "grounded: true"]),
        ((", judges: {from: [one], votes: 2}", ""), ["judged is what judges say"]),
        (("votes: 2", "pools_votes: true"), ["no question has several", "leave pools_votes out"]),
        (("votes: 2", "voices: 2"), ["voices", "did you mean"]),
    ],
)
def test_what_judges_cannot_be_is_an_error_with_its_remedy(
    bench: Bench, change: tuple[str, str], words: list[str]
) -> None:
    with pytest.raises(RagtallyError) as caught:
        study(bench, *change)
    message = "\n".join(map(str, getattr(caught.value, "errors", [caught.value])))
    assert all(word in message for word in words), message


def test_a_sound_spec_is_taken(bench: Bench) -> None:
    assert study(bench)
