"""Work that two cells share has one address, and an edit moves only the addresses of what it changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally.api import Component, RetrieverTraits
from ragtally.plan import STAGES, StudyPlan, in_order
from ragtally.steps import (
    READ,
    STEPS,
    TRAIN,
    Task,
)
from ragtally.tables import load_base
from toy_study import ASKING, SPEC, TINY, SharedWords, toy_registry
from workbench import Bench


def tasks(plan: StudyPlan) -> tuple[Task, ...]:
    return in_order([goal for stage in STAGES for goal in plan.goals(stage)])


def addresses(plan: StudyPlan, *steps: str) -> dict[str, set[str]]:
    result: dict[str, set[str]] = {step: set() for step in steps or STEPS}
    for task in tasks(plan):
        result.setdefault(task.step.name, set()).add(task.address)
    return {step: result[step] for step in steps or STEPS}


def edited(*changes: tuple[str, str]) -> str:
    text = SPEC
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def moved(before: StudyPlan, after: StudyPlan) -> set[str]:
    old, new = addresses(before), addresses(after)
    return {step for step in STEPS if old[step] != new[step]}


def test_each_piece_of_work_is_there_once(bench: Bench) -> None:
    plan = bench.plan()
    counts = {step: len(result) for step, result in addresses(plan).items()}
    chunkers, searches, indexes, top_ks = 2, 3, 2, 2
    grid = chunkers * searches * top_ks
    reads = {"label": 2 * 3, "control": 3 * 2 * 3, "fixed": 3, "grid": grid * 2 * 3}
    assert counts == dict.fromkeys((*ASKING, "reference", "rerank", "context_relevance", "grade"), 0) | {
        "prepare": 1,
        "sample": 2,
        "chunk": chunkers,
        "embed": chunkers,
        "embed_questions": chunkers,
        "index": chunkers * indexes,
        "retrieve": chunkers * searches,
        "relevance": chunkers * searches,
        "context": grid + 3 + 1,
        "train": 3 + 3,
        "read": sum(reads.values()),
        "parse": sum(reads.values()),
        "vote": 2 * (3 + 2) + 1 + 2 * (3 * 2 + 1 + grid * 2),
        "base": 1,
        "score": 2 * (3 + 2) + 2 * (3 * 2 + 1 + grid * 2) + chunkers * searches,
    }
    assert len(tasks(plan)) == sum(counts.values())
    cells = [cell.name for cell in plan.cells]
    assert len(set(cells)) == len(cells) == chunkers * searches + 2 * (3 * 2 + 1 + grid * 2)


def test_cells_that_agree_on_a_prefix_share_it(bench: Bench) -> None:
    cells = {cell.name: set(in_order([cell.score])) for cell in bench.plan().cells}
    one = cells["pieces(30)/shared_words/top 1/finder/3 votes"]
    other = cells["pieces(30)/shared_words/top 2/finder/3 votes"]
    shared = {task.step.name for task in one & other}
    assert {"prepare", "sample", "chunk", "index", "retrieve", "relevance", "base"} <= shared
    assert "retrieve" not in {task.step.name for task in one ^ other}
    fewer = cells["pieces(30)/shared_words/top 1/finder/1 vote"]
    assert {task.step.name for task in fewer - one} == {"vote", "score"}
    assert {task.step.name for task in one - fewer} == {"read", "parse", "vote", "score"}


@pytest.mark.parametrize(
    ("metrics", "depth"), [("recall@3", 10), ("recall@10", 10), ("recall@3, mrr@11", 20), ("mrr@5000", 5000)]
)
def test_a_search_is_deep_enough_for_all_that_needs_it(bench: Bench, metrics: str, depth: int) -> None:
    plan = bench.plan(edited(("recall@3", metrics)))
    assert {task.settings["limit"] for task in tasks(plan) if task.step.name == "retrieve"} == {depth}


def test_a_retriever_whose_ranking_depends_on_the_depth_is_asked_for_what_is_read(
    make_bench: Callable[..., Bench],
) -> None:
    traits = RetrieverTraits(prefix_stable=False)
    unstable = Component("unstable", SharedWords, "Ranks as it likes.", traits=traits)
    bench = make_bench("unstable", toy_registry({"retriever": [unstable]}))
    result = tasks(bench.plan(TINY.replace("shared_words", "unstable").replace("top_k: 1", "top_k: [1, 2]")))
    limits = [
        (task.choices["retriever"].name, task.settings["limit"]) for task in result if task.step.name == "retrieve"
    ]
    assert sorted(limits) == [("letters", 10), ("unstable", 1), ("unstable", 2), ("unstable", 10)]


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ([("[accuracy, macro_f1", "[accuracy, cohen_kappa")], {"score"}),
        ([("[accuracy, macro_f1", "[accuracy, macro_f1, coverage")], {"score"}),
        ([("recall@3", "recall@3, ndcg@10")], {"score"}),
        ([("  people: taped", "  crowd: taped"), ("learner, people]", "learner, crowd]")], set()),
        ([("study: made-up", "study: another")], set()),
        (
            [
                ("  finder: finder\n", "  f: finder\n"), ("[finder, learner]", "[f, learner]"),
                ("[finder, learner, people]", "[f, learner, people]"),
            ],
            set(),
        ),
        ([("rule: plurality", "rule: majority")], {"vote", "base", "read", "parse", "score"}),
        (
            [("controls: [closed_book, gold_context", "controls: [gold_context")],
            {"read", "parse", "vote", "score", "context"},
        ),
        ([("size: [30, 60]", "size: [60, 30]")], set()),
        ([("top_k: [1, 2]", "top_k: [2, 1]")], set()),
    ],
    ids=["a metric changed", "a metric added", "another cut-off", "a recorded reader renamed", "the study renamed",
         "a voter renamed", "the base's rule", "a control less", "an axis the other way round", "top_k likewise"],
)  # fmt: skip
def test_an_edit_moves_only_what_it_changes(bench: Bench, changes: list[tuple[str, str]], steps: set[str]) -> None:
    assert moved(bench.plan(), bench.plan(edited(*changes))) == steps


def test_more_votes_add_only_the_new_ones(bench: Bench) -> None:
    before = bench.plan()
    after = bench.plan(edited(("votes: 3}", "votes: 5}"), ("votes: [1, 3]", "votes: [1, 3, 5]")))
    earlier = {task.address for task in tasks(before)}
    for step in ("train", "read"):
        new = [task for task in tasks(after) if task.step.name == step and task.address not in earlier]
        on_base = [task for task in new if "base" in task.inputs]
        # Another number of label votes is another verdict, so it may be another base for the grid's readers.
        assert {task.settings["vote"]["index"] for task in new if task not in on_base} == {3, 4}
    same = {
        task.address for task in tasks(before) if task.step.name in ("read", "train") and "base" not in task.inputs
    }
    assert same <= {task.address for task in tasks(after)}


def test_more_votes_in_the_grid_alone_add_only_the_new_ones(bench: Bench) -> None:
    before, after = bench.plan(), bench.plan(edited(("votes: [1, 3]", "votes: [1, 3, 5]")))
    old, new = addresses(before, "read", "parse"), addresses(after, "read", "parse")
    assert old["read"] < new["read"] and old["parse"] < new["parse"]
    added = [task for task in tasks(after) if task.step.name == "read" and task.address not in old["read"]]
    assert {task.settings["vote"]["index"] for task in added} == {3, 4}
    assert len(added) == 2 * (12 * 2 + 3 * 2 + 1)


def test_what_only_a_search_uses_shares_the_index(bench: Bench) -> None:
    result = [
        task
        for task in tasks(bench.plan())
        if task.step.name == "retrieve" and task.choices["retriever"].name == "letters"
    ]
    by_distance = {
        (task.choices["retriever"].parameters["distance"], task.inputs["index"][0].address) for task in result
    }
    assert len(result) == 4
    assert len({index for _, index in by_distance}) == 2  # one a chunk size


def test_labelling_and_measuring_never_share_a_draw(bench: Bench) -> None:
    drawn = [task for task in tasks(bench.plan()) if task.step.name in ("read", "train")]
    by_purpose = {
        purpose: {
            (t.step.name, t.settings["vote"]["seed"]) for t in drawn if t.settings["vote"]["purpose"] == purpose
        }
        for purpose in ("label", "measure")
    }
    assert by_purpose["label"] and by_purpose["measure"]
    assert not by_purpose["label"] & by_purpose["measure"]
    seeds = {
        (t.choices["reader"].name, t.settings["vote"]["purpose"], t.settings["vote"]["index"]): t.settings["vote"][
            "seed"
        ]
        for t in drawn
    }
    assert len(set(seeds.values())) == len(seeds)


def test_readers_of_one_make_under_two_names_are_one_reader(bench: Bench) -> None:
    text = edited(
        ("  finder: finder\n", "  finder: finder\n  twin: {finder: {noise: 0.2}}\n"),
        ("[finder, learner, people]", "[finder, twin]"),
    )
    names = {cell.name: cell.score.address for cell in bench.plan(text).cells}
    assert names["gold_context/finder/1 vote"] == names["gold_context/twin/1 vote"]


def test_a_changed_step_moves_what_is_below_it_and_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bench.plan()
    monkeypatch.setitem(vars(READ), "version", READ.version + 1)
    assert moved(before, bench.plan()) == {"read", "parse", "vote", "base", "score"}


def test_another_seed_moves_draws_but_not_the_index(bench: Bench) -> None:
    before, after = bench.plan(), bench.plan(edited(("seed: 7", "seed: 8")))
    assert moved(before, after) == {"context", "train", "read", "parse", "vote", "base", "score"}
    earlier = addresses(before, "context")["context"]
    assert {task.label for task in tasks(after) if task.step.name == "context" and task.address not in earlier} == {
        "wrong_context"
    }


def test_a_files_content_counts_and_its_path_does_not(bench: Bench, tmp_path: Path) -> None:
    def plan(name: str, content: str) -> StudyPlan:
        path = tmp_path / name
        path.write_text(content)
        return bench.plan(edited(("{questions: 24", f"{{path: {path}, questions: 24")))

    first = plan("a", "same")
    assert moved(first, plan("b", "same")) == set()
    assert moved(first, plan("b", "other")) == {task.step.name for task in tasks(first)}


def test_inputs_come_first_and_work_goes_step_by_step(bench: Bench) -> None:
    in_sequence = tasks(bench.plan())
    at = {task.address: location for location, task in enumerate(in_sequence)}
    assert len(at) == len(in_sequence)
    for task in in_sequence:
        for inputs in task.inputs.values():
            assert all(at[read.address] < at[task.address] for read in inputs)
    runs = [
        task.step.name
        for location, task in enumerate(in_sequence)
        if location == 0 or in_sequence[location - 1].step.name != task.step.name
    ]
    # Reading, parsing and voting come twice: for the base, and then for the grid on the base.
    assert runs == [
        "prepare", "sample", "chunk", "embed", "embed_questions", "index", "retrieve", "relevance", "context",
        "train", "read", "parse", "vote", "base", "score", "read", "parse", "vote", "score",
    ]  # fmt: skip


def test_tasks_of_one_address_are_equal_whatever_they_are_called(bench: Bench) -> None:
    in_sequence = tasks(bench.plan())
    again = tasks(bench.plan())
    assert set(in_sequence) == set(again)
    assert in_sequence[0] is not again[0] and in_sequence[0] == again[0]


def test_a_reader_may_learn_from_the_base_of_its_split(bench: Bench) -> None:
    """The voters vote on the split as well, and what they cannot answer is nothing to learn from."""
    from_base = TINY.replace("learner: learner", "learner: {learner: {train: {split: train, from: base}}}").replace(
        "reader: [finder]", "reader: [learner]"
    )
    plan = bench.plan(from_base)
    (train,) = [task for task in tasks(plan) if task.step is TRAIN and "measure" in task.label]
    (base,) = train.inputs["base"]
    assert base.inputs["sample"] == train.inputs["sample"]
    assert base.inputs["vote"][0].inputs["parse"][0].inputs["sample"] == train.inputs["sample"]
    gold = bench.plan(from_base.replace(", from: base", ""))
    explicit = bench.plan(from_base.replace("from: base", "from: gold"))
    assert addresses(gold) == addresses(explicit) != addresses(plan)
    assert {task.step.name for task in tasks(plan) if task not in tasks(gold)} <= {
        "context", "read", "parse", "vote", "base", "train", "score",
    }  # fmt: skip
    assert load_base(bench.do(base))["label_kind"].to_list() == ["gold"] * len(load_base(bench.do(base)))
    bench.do(train)
