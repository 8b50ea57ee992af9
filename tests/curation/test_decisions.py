"""The log loses nothing, whoever writes, and decisions come to verdicts."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import DataError, ErrorList
from ragtally.curation.decisions import Decision, DecisionLog, ExampleText, decisions_per_hour, expert_verdicts
from ragtally.examples.example import Turn

TEXT = ExampleText((Turn("user", "Why?"), Turn("assistant", "Because.")))
EDIT = ExampleText((Turn("user", "Why?"), Turn("assistant", '=SUM(1)\n"so"')), label="yes")
AT = "2026-11-28T19:00:00.000Z"


def decision(choice: str = "accept", person: str = "ana", **others: object) -> Decision:
    values = {"example": "e1", "choice": choice, "person": person, "at": AT, "digest": TEXT.digest, **others}
    return Decision(**values)  # type: ignore[arg-type]


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=30)
@given(st.lists(st.tuples(words, words, words)))
def test_what_is_appended_is_read(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str, str]]
) -> None:
    log = DecisionLog(tmp_path_factory.mktemp("log") / "curation.csv")
    decisions = [
        decision(
            "edit",
            person=" ".join(person.split()) or "ana",
            text=ExampleText((Turn("user", words), Turn("assistant", person)), reason, words),
            reason=" ".join(reason.split()) or None,
            seconds=1.5,
            way="bulk",
        )
        for words, person, reason in texts
    ]
    for one in decisions:
        log.append([one])
    assert log.read() == decisions


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert DecisionLog(tmp_path / "none.csv").read() == []


@pytest.mark.parametrize("kept", [10, 60, -2])
def test_a_torn_line_is_no_decision_and_breaks_no_later_one(tmp_path: Path, kept: int) -> None:
    log = DecisionLog(tmp_path / "curation.csv")
    log.append([decision(), decision(person="bob", reason="so")])
    content = log.path.read_bytes()
    second = content.index(b"e1,accept,,,,so,bob")
    log.path.write_bytes(content[: second + kept] if kept > 0 else content[:kept])
    assert log.read() == [decision()]
    log.append([decision("reject", person="eve")])
    assert log.read() == [decision(), decision("reject", person="eve")]


def test_a_line_feed_that_an_editor_left_out_loses_no_decision(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "curation.csv")
    log.append([decision()])
    log.path.write_bytes(log.path.read_bytes().rstrip())
    assert log.read() == [decision()]
    log.append([decision(person="bob")])
    assert log.read() == [decision(), decision(person="bob")]


def test_all_errors_of_a_log_are_said_at_once_with_their_lines(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "curation.csv")
    log.append([decision(), decision()])
    lines = log.path.read_text().splitlines()
    log.path.write_text(
        "\n".join([lines[0], lines[1].replace("accept", "acept"), lines[2].replace("2026", "26")]) + "\n"
    )
    with pytest.raises(ErrorList) as errors:
        log.read()
    first, second = map(str, errors.value.errors)
    assert ":2: 'acept' is no decision: did you mean 'accept'?" in first
    assert ":3: " in second
    assert "is no time" in second


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "example;decision\n", "\xff\xfe"])
def test_another_file_is_no_log_and_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="no log of decisions"):
        DecisionLog(path).read()
    with pytest.raises(DataError, match="no log of decisions"):
        DecisionLog(path).append([decision()])
    assert path.read_bytes() == content.encode("latin-1")


def _append(path: Path, person: str, count: int) -> None:
    log = DecisionLog(path)
    for number in range(count):
        log.append([decision(person=person, example=f"e{number}", reason="x" * 200)])


def test_two_processes_append_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "curation.csv"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_append, args=(path, person, 25)) for person in ("ana", "bob")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    own = DecisionLog(path).read()
    assert sorted((one.person, one.example) for one in own) == sorted(
        (person, f"e{number}") for person in ("ana", "bob") for number in range(25)
    )


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "curation.csv"
    script = (
        "import sys; sys.path.insert(0, sys.argv[2])\nfrom pathlib import Path\n"
        "from test_decisions import DecisionLog, decision\nlog = DecisionLog(Path(sys.argv[1]))\n"
        "for number in range(10_000):\n log.append([decision(example=f'e{number}')]); print(number, flush=True)"
    )
    for _ in range(3):
        command = [sys.executable, "-c", script, str(path), str(Path(__file__).parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.2)
            process.send_signal(signal.SIGKILL)
            last = int(process.stdout.read().split()[-1])
        assert f"e{last}" in {one.example for one in DecisionLog(path).read()[-(last + 2) :]}


def test_the_last_decision_of_a_person_counts_and_a_withdrawn_one_does_not() -> None:
    verdicts = expert_verdicts([decision(), decision("reject")], {"e1": TEXT})
    assert verdicts.by_example["e1"].outcome == "rejected"
    assert expert_verdicts([decision(), decision("withdraw")], {"e1": TEXT}).by_example == {}


@pytest.mark.parametrize(
    ("second", "outcome", "text", "is_disputed"),
    [
        (decision(person="bob"), "unsure", None, True),
        (decision("edit", person="bob", text=EDIT), "accepted", EDIT, False),
        (decision(person="bob", digest=EDIT.digest), "accepted", EDIT, False),
        (decision("reject", person="bob"), "unsure", None, True),
        (decision("unsure", person="bob"), "unsure", None, True),
    ],
)
def test_people_who_disagree_are_unsure(
    second: Decision, outcome: str, text: ExampleText | None, is_disputed: bool
) -> None:
    verdict = expert_verdicts([decision("edit", text=EDIT), second], {"e1": TEXT}).by_example["e1"]
    assert (verdict.outcome, verdict.text, verdict.is_disputed) == (outcome, text, is_disputed)


def test_an_edit_back_to_the_original_is_an_acceptance() -> None:
    verdict = expert_verdicts(
        [decision("edit", text=TEXT, digest=EDIT.digest), decision("edit", text=EDIT)], {"e1": TEXT}
    )
    assert verdict.by_example["e1"].text == EDIT
    back = [decision("edit", text=EDIT), decision("edit", text=TEXT, digest=EDIT.digest)]
    assert expert_verdicts(back, {"e1": TEXT}).by_example["e1"].text is None


def test_decisions_on_what_the_study_does_not_have_are_counted_apart() -> None:
    other = decision(example="e2")
    older = decision(digest="0" * 16)
    verdicts = expert_verdicts([other, older], {"e1": TEXT})
    assert (verdicts.by_example, verdicts.foreign, verdicts.outdated) == ({}, (other,), (older,))


def test_decisions_per_hour() -> None:
    assert decisions_per_hour([decision(seconds=10), decision(seconds=20), decision()]) == 240
    assert decisions_per_hour([decision()]) is None
