"""A study from the spec to its files: each piece of work once, nothing twice, the same bytes anywhere."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ragtally.analysis import analyze
from ragtally.api import (
    Answers,
    Component,
    DataError,
    Hits,
    PluginError,
    Queries,
    RagtallyError,
    Reading,
    StoppedError,
    StoreError,
    Vote,
)
from ragtally.engine.run import cells_matching, execute
from ragtally.plan import STAGES, in_order
from ragtally.results import load_results
from ragtally.steps import STEPS, Task, Work
from ragtally.support.ranking import no_hits
from toy_study import SPEC, TINY, Finder, ScriptedReader, SharedWords, toy_registry
from workbench import Bench

FILES = {
    "dataset.json", "train.json", "loss.csv", "voters.csv", "base.parquet", "base.json",
    "cells.csv", "metrics.json", "answers.parquet", "questions.parquet", "rankings.parquet", "passages.parquet",
    "prompts.parquet", "judgments.parquet", "comparisons.json", "timings.json",
    "examples.parquet", "example_ballots.parquet", "funnel.csv", "examples.json", "manifest.json",
}  # fmt: skip


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count every call of a step's function, by its task's address."""
    made: list[str] = []

    def counted(step: str, run: Callable[[Work], None]) -> Callable[[Work], None]:
        def call(work: Work) -> None:
            made.append(f"{step} {work.task.address}")
            run(work)

        return call

    for name, step in STEPS.items():
        monkeypatch.setitem(vars(step), "run", counted(name, step.run))
    return made


def content(folder: Path) -> dict[str, bytes]:
    """Every file that is promised to be the same, by name."""
    return {
        path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "timings.json"
    }


def tasks(bench: Bench, text: str) -> tuple[Task, ...]:
    plan = bench.plan(text)
    return in_order([goal for stage in STAGES for goal in plan.goals(stage)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_each_task_is_done_once_and_a_second_run_does_nothing(bench: Bench, calls: list[str]) -> None:
    folder = bench.run(SPEC)
    assert sorted(calls) == sorted(f"{task.step.name} {task.address}" for task in tasks(bench, SPEC))
    assert len(calls) == len(bench.notes.advanced)
    first = content(folder) | {"timings.json": (folder / "timings.json").read_bytes()}
    calls.clear()
    folder = bench.run(SPEC)
    assert calls == []
    assert content(folder) | {"timings.json": (folder / "timings.json").read_bytes()} == first
    assert {path.name for path in folder.rglob("*") if path.is_file()} == FILES
    assert bench.notes.warnings == []


def test_stage_by_stage_gives_the_same_files_and_does_nothing_twice(
    make_bench: Callable[..., Bench], calls: list[str]
) -> None:
    whole, staged = make_bench("whole"), make_bench("staged")
    expected = content(whole.run(TINY))
    calls.clear()
    for stage in STAGES:
        folder = staged.run(TINY, (stage,))
    folder = staged.folders.results / "tiny"
    assert content(folder) == expected
    assert len(calls) == len(set(calls)) == len(tasks(staged, TINY))


def test_the_bench_alone_is_enough_and_needs_no_voters_table(bench: Bench) -> None:
    folder = bench.run(TINY, ("bench",))
    assert {path.name for path in folder.iterdir()} == {
        "cells.csv",
        "metrics.json",
        "answers.parquet",
        "questions.parquet",
        "rankings.parquet",
        "passages.parquet",
        "prompts.parquet",
        "judgments.parquet",
        "comparisons.json",
        "timings.json",
    }
    assert json.loads((folder / "timings.json").read_text())["seconds_by_step"]["score"] > 0


def test_progress_is_told_what_was_there_before(bench: Bench) -> None:
    bench.run(TINY, ("prepare", "train"))
    bench.notes.started.clear()
    bench.run(TINY)
    started = {step: (total, done) for step, total, done in bench.notes.started[:2]}
    assert started == {"chunk": (1, 0), "embed": (1, 0)}
    assert {step for step, _, _ in bench.notes.started} & {"prepare", "train"} == set()


def test_an_edited_metric_redoes_the_scores_alone(bench: Bench, calls: list[str]) -> None:
    bench.run(TINY)
    calls.clear()
    bench.run(TINY.replace("recall@2", "recall@1"))
    assert {call.split()[0] for call in calls} == {"score"}


def test_removed_entries_of_finished_work_are_not_missed(bench: Bench, calls: list[str]) -> None:
    expected = content(bench.run(TINY))
    for task in tasks(bench, TINY):
        if task.step.name in ("chunk", "index", "retrieve", "train"):
            folder = bench.store.folder(task.step.stored_as, task.address)
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            folder.rmdir()
    calls.clear()
    assert content(bench.run(TINY, ("bench",))).items() <= expected.items()
    assert calls == []


def test_damaged_entries_are_done_again_with_a_note_each(bench: Bench, calls: list[str]) -> None:
    expected = content(bench.run(TINY))
    # One of every step; of the training split and of what is labelled nothing will be read again.
    damaged = {
        task.step.stored_as: task for task in tasks(bench, TINY) if "train" not in (task.step.name, task.label)
    }
    for step, task in damaged.items():
        folder = bench.store.folder(step, task.address)
        victim = min(path for path in folder.rglob("*.*") if path.name != "entry.json")
        victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    calls.clear()
    wider = TINY.replace("top_k: 1", "top_k: [1, 2]").replace("[finder]\nc", "[finder]\n  votes: [1, 2]\nc")
    bench.run(wider.replace("letter_counts}", "letter_counts, distance: [cosine, dot]}"))
    assert {f"{task.step.name} {task.address}" for task in damaged.values()} <= set(calls)
    assert len(calls) == len(set(calls))
    notes = [note.split(" of the step ")[1].split()[0] for note in bench.notes.warnings]
    assert sorted(notes) == sorted(damaged)
    assert all("doing it again" in note for note in bench.notes.warnings)
    assert len(list((bench.store.root / "damaged").iterdir())) == len(damaged)
    calls.clear()
    assert content(bench.run(TINY)) == expected
    assert calls == []


def test_a_failing_reader_keeps_what_was_done_and_the_next_run_goes_on(
    make_bench: Callable[..., Bench], calls: list[str]
) -> None:
    broken = [True]

    def say(reading: Reading, vote: Vote) -> Answers:
        if broken[0] and vote.purpose == "measure":
            raise DataError("the tape is torn")
        return Finder(0.2).read(reading, vote)

    fragile = Component("fragile", lambda: ScriptedReader(say), "Fails now and then.")
    bench = make_bench("fragile", toy_registry({"reader": [fragile]}))
    text = TINY.replace("  finder: finder", "  finder: fragile")
    with pytest.raises(DataError, match="the tape is torn") as caught:
        bench.run(text)
    assert caught.value.location is not None and caught.value.location.line == 5
    assert not list(bench.folders.results.rglob("*.*"))
    done = set(calls)
    calls.clear()
    broken[0] = False
    bench.run(text)
    failed = set(calls) & done
    assert len(failed) == 1 and next(iter(failed)).startswith("read ")
    assert Counter(calls).most_common(1)[0][1] == 1


def test_the_budget_of_hours_counts_where_no_model_is_called(bench: Bench) -> None:
    with pytest.raises(StoppedError, match="the budget of 1e-09 hours is used up"):
        bench.run(SPEC + "budget: {hours: 1e-9}\n")
    assert (bench.run() / "cells.csv").is_file()


def test_a_top_k_beyond_the_corpus_gives_all_of_it(bench: Bench) -> None:
    def accuracies(top_k: int) -> list[float | None]:
        folder = bench.run(SPEC.replace("top_k: [1, 2]", f"top_k: [{top_k}]"))
        return load_results(folder.name, folder.parent).cells["accuracy"].to_list()

    assert accuracies(2**31 - 1) == accuracies(24)


@pytest.mark.parametrize("where", ["results", "resolved"])
def test_folders_that_cannot_be_written_are_found_before_any_work(bench: Bench, calls: list[str], where: str) -> None:
    blocked = bench.folder / where
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot (be )?writ") as caught:
        bench.run(TINY)
    assert caught.value.hint and caught.value.location
    assert calls == [] and not bench.store.root.exists()
    assert blocked.read_text() == "in the way"


def test_errors_leave_earlier_results_as_they_are(bench: Bench, calls: list[str]) -> None:
    folder = bench.run(TINY)
    before = content(folder)
    calls.clear()
    for wrong in (TINY.replace("split: test", "split: tst"), TINY.replace("top_k: 1", "top_k: none")):
        with pytest.raises(RagtallyError):
            bench.run(wrong)
    assert content(folder) == before
    assert calls == []


def test_a_store_that_cannot_be_written_leaves_results_as_they_are(bench: Bench) -> None:
    folder = bench.run(TINY)
    before = content(folder)
    bench.store.root.rename(bench.folder / "aside")
    bench.store.root.write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        bench.run(TINY)
    assert content(folder) == before


def test_half_written_files_of_a_killed_run_are_cleared_away(bench: Bench) -> None:
    folder = bench.run(TINY)
    (folder / ".cells.csv.999999999.part").write_text("half")
    bench.run(TINY)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == FILES


def test_bytes_are_the_same_in_another_store_and_folder(make_bench: Callable[..., Bench]) -> None:
    one, other = make_bench("one"), make_bench("another place altogether")
    assert content(one.run(TINY)) == content(other.run(TINY))
    assert content(one.folders.resolved / "tiny") == content(other.folders.resolved / "tiny")


def test_what_another_process_did_meanwhile_is_not_done_again(
    make_bench: Callable[..., Bench], calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, late = make_bench("other"), make_bench("late")
    expected = content(other.run(TINY))
    prepare = STEPS["prepare"].run

    def prepare_slowly(work: Work) -> None:
        for step in ("chunk", "index", "read"):
            shutil.copytree(other.store.root / step, late.store.root / step)
        prepare(work)

    monkeypatch.setitem(vars(STEPS["prepare"]), "run", prepare_slowly)
    calls.clear()
    assert content(late.run(TINY)) == expected
    assert not {call.split()[0] for call in calls} & {"chunk", "index", "read"}


def test_some_cells_alone_do_only_their_work(bench: Bench, calls: list[str]) -> None:
    plan = cells_matching(bench.plan(SPEC), ["gold_context/finder/*"])
    execute(plan.goals("bench"), bench.location, plan.study)
    steps = Counter(call.split()[0] for call in calls)
    assert steps["score"] == 2 and "chunk" not in steps
    assert steps["read"] == 3 + 6  # three to measure, and the voters' for the base that they are scored on


def test_a_plugin_that_breaks_its_contract_is_placed_in_the_spec(make_bench: Callable[..., Bench]) -> None:
    bad = Component("bad", lambda: ScriptedReader(lambda reading, vote: Answers([], [], [])), "Says nothing.")
    bench = make_bench("bad", toy_registry({"reader": [bad]}))
    with pytest.raises(PluginError, match="the reader bad") as caught:
        bench.run(TINY.replace("  finder: finder", "  finder: bad"))
    assert caught.value.location is not None and caught.value.location.line == 5


class FindsNothing(SharedWords):
    """A retriever that sees nothing in common."""

    def search(self, queries: Queries, limit: int) -> Hits:
        return no_hits(len(queries), limit)


def test_a_ranking_without_any_hit_says_so(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench("none", toy_registry({"retriever": [Component("nothing", FindsNothing, "Finds nothing.")]}))
    folder = bench.run(SPEC.replace("shared_words", "nothing", 1))
    notes = {row["retriever"]: row["note"] for row in load_results(folder.name, folder.parent).cells.to_dicts()}
    assert notes["nothing"].startswith("no question found any chunk")
    assert not any("found any chunk" in (note or "") for name, note in notes.items() if name != "nothing")


def test_answers_tell_what_became_of_every_question(bench: Bench) -> None:
    text = TINY.replace("  reader: [finder]", "  reader: [finder, people]\n  votes: [1, 3]")
    folder = bench.run(text.replace("  learner: learner", "  learner: learner\n  people: taped"))
    answers = pl.read_parquet(folder / "answers.parquet")
    kept = pl.read_parquet(folder / "base.parquet")
    for row in rows(folder / "cells.csv"):
        if row["kind"] == "retrieval":
            continue
        mine = answers.filter(pl.col("cell") == row["cell"])
        if row["question_set"] == "base":
            mine = mine.filter("in_base")
            assert mine["question"].to_list() == kept["id"].to_list()
        assert len(mine) == int(row["questions"])
        assert set(mine["ballots"].list.len()) == set(mine["texts"].list.len()) == {int(row["votes"])}
        right = int((mine["status"] == "right").sum())
        assert float(row["accuracy"]) == pytest.approx(right / len(mine), abs=1e-9)
    people = answers.filter(pl.col("cell") == "conclusion/people/1 vote")
    assert set(people.filter(pl.col("question").is_in(["q1", "q3"]))["status"]) == {"call failed"}
    assert people["texts"].explode().null_count() == len(people)


def test_how_the_answers_of_voters_were_read_is_counted_with_the_base(bench: Bench) -> None:
    folder = bench.run(TINY.replace("votes: 3", "votes: 2"))
    counts = json.loads((folder / "base.json").read_text())["readings"]
    asked = {reader: sum(row["answers"] for row in counts if row["reader"] == reader) for reader in VOTERS}
    votes = len(pl.read_csv(folder / "voters.csv").filter(pl.col("decision").str.starts_with("vote"))) // len(VOTERS)
    assert asked == dict.fromkeys(VOTERS, 6 * votes)
    assert {row["context"] for row in counts} == {"gold_context, as a voter"}


VOTERS = ("finder", "learner")


def test_silver_labels_are_called_so_and_unlabelled_questions_have_no_status(bench: Bench) -> None:
    text = TINY.replace("questions: 12", "questions: 12, labelled: false").replace(
        "agree_with_gold: true", "agree_with_gold: false"
    )
    text = text.replace("  learner: learner\n", "").replace("voters: [finder, learner]", "voters: [finder]")
    folder = bench.run(text)
    assert set(pl.read_parquet(folder / "base.parquet")["label_kind"]) == {"silver"}
    assert json.loads((folder / "base.json").read_text())["funnel"]["labels"] == "silver"
    by_set = {(row["kind"], row["question_set"]): row for row in rows(folder / "cells.csv")}
    assert by_set["control", "all"]["accuracy"] == ""
    assert "no gold label" in by_set["control", "all"]["not_scored"]
    assert by_set["grid", "base"]["accuracy"] != ""
    answers = pl.read_parquet(folder / "answers.parquet")
    gold = answers.filter(pl.col("cell") == "gold_context/finder/1 vote")
    assert gold["status"].null_count() == gold["label"].null_count() == len(gold)


def test_without_a_base_all_questions_stay(bench: Bench) -> None:
    text = "\n".join(line for line in TINY.splitlines() if not line.startswith(("label:", "base:"))) + "\n"
    folder = bench.run(text)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == FILES
    kept = pl.read_parquet(folder / "base.parquet")
    assert len(kept) == 6 and set(kept["label_kind"]) == {"gold"}
    assert json.loads((folder / "base.json").read_text())["funnel"] is None
    assert (folder / "voters.csv").read_text().startswith("voter,decision,questions,not_scored")
    assert json.loads((folder / "train.json").read_text())["models"] == {}


def test_a_study_without_cells_has_a_table_of_cells_with_its_heading(bench: Bench) -> None:
    folder = bench.run("study: nothing\ndataset: {made_up: {questions: 6}}\n")
    cells = load_results(folder).cells
    assert len(cells) == 0
    assert {"cell", "question_set", "kind", "reader", "questions"} <= set(cells.columns)
    assert analyze(load_results(folder)).sets == {}
