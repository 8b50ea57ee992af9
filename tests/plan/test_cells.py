"""What the cells are, what they are called, and what is said of those that need a word."""

from __future__ import annotations

import pytest

from ragtally.api import Choice, RagtallyError, SpecError
from ragtally.engine.run import cells_matching
from ragtally.plan import Cell
from ragtally.plan.cells import axis_labels, flat_parameters
from toy_study import SPEC
from workbench import Bench

FIXED = """\
study: fixed
dataset: {made_up: {split: test}}
readers: {steady: steady, people: taped_gold, finder: finder}
label: {voters: [people, finder], votes: 2}
base: {from: [people, finder], rule: majority, exclude_closed_book_right: [steady]}
grid:
  chunker: pieces
  retriever: shared_words
  top_k: 1
  reader: [steady, people, finder]
  votes: [1, 3]
controls: [closed_book, gold_context]
metrics: [accuracy]
"""


def cells(bench: Bench, text: str) -> dict[str, Cell]:
    return {cell.name: cell for cell in bench.plan(text).cells}


def test_cells_are_named_by_what_tells_them_apart(bench: Bench) -> None:
    names = list(cells(bench, SPEC))
    assert names[:3] == [
        "pieces(30)/shared_words",
        "pieces(30)/letters(cosine)",
        "pieces(30)/letters(dot)",
    ]
    assert "closed_book/finder/1 vote" in names
    assert "conclusion/people/3 votes" in names
    assert names[-1] == "pieces(60)/letters(dot)/top 2/learner/3 votes"


def test_rules_are_named_where_there_are_several(bench: Bench) -> None:
    text = SPEC.replace("votes: [1, 3]", "votes: 3\n  rule: [majority, {quorum: {k: [2, 3]}}]")
    names = [name for name in cells(bench, text) if name.startswith("gold_context/finder")]
    assert names == [f"gold_context/finder/3 votes {rule}" for rule in ("majority", "quorum(2)", "quorum(3)")]


def test_several_votes_of_a_fixed_reader_are_one_task_and_say_so(bench: Bench) -> None:
    result = cells(bench, FIXED)
    three = result["gold_context/steady/3 votes"]
    assert three.verdicts is not None
    assert len(three.verdicts.inputs["parse"]) == 3
    assert len(set(three.verdicts.inputs["parse"])) == 1
    assert three.repeats_one_vote
    assert result["gold_context/steady/1 vote"].repeats_one_vote is False
    assert not any(cell.repeats_one_vote for name, cell in result.items() if "steady" not in name)


def test_votes_of_a_recorded_reader_are_different_ones(bench: Bench) -> None:
    three = cells(bench, FIXED)["gold_context/people/3 votes"]
    assert three.verdicts is not None
    assert len(set(three.verdicts.inputs["parse"])) == 3
    assert not any(
        "context" in read.inputs for ballot in three.verdicts.inputs["parse"] for read in ballot.inputs["read"]
    )


def test_a_reader_of_its_own_condition_is_never_multiplied(bench: Bench) -> None:
    names = [name for name in cells(bench, FIXED) if "people" in name]
    assert names == ["gold_context/people/1 vote", "gold_context/people/3 votes"]


def test_a_voter_that_cannot_vote_anew_is_not_scored_on_the_base(bench: Bench) -> None:
    reasons = {name: cell.score.settings["not_scored"] for name, cell in cells(bench, FIXED).items()}
    assert reasons["gold_context/people/1 vote"] == {"base": "the reader selected the base and cannot vote again"}
    assert reasons["closed_book/steady/1 vote"] == {
        "base": "the reader's own right answers without context left the base"
    }
    assert reasons["gold_context/steady/1 vote"] == {}
    assert not any(reason for name, reason in reasons.items() if "finder" in name)


@pytest.mark.parametrize(
    ("line", "grid", "control"),
    [("", ("base",), ("all", "base")), ("grid_on: all\n", ("all", "base"), ("all", "base"))],
)
def test_question_sets(bench: Bench, line: str, grid: tuple[str, ...], control: tuple[str, ...]) -> None:
    result = cells(bench, SPEC + line)
    assert result["pieces(30)/shared_words/top 1/finder/1 vote"].question_sets == grid
    assert result["closed_book/finder/1 vote"].question_sets == control
    assert result["pieces(30)/shared_words"].question_sets == ("all", "base")


def test_without_a_base_everything_is_about_all_questions(bench: Bench) -> None:
    text = "\n".join(line for line in SPEC.splitlines() if not line.startswith(("label:", "base:")))
    plan = bench.plan(text)
    assert plan.base is None and plan.voters == ()
    assert {cell.question_sets for cell in plan.cells} == {("all",)}
    assert plan.goals("label") == ()


def test_the_voters_table_has_single_votes_and_two_rules(bench: Bench) -> None:
    plan = bench.plan()
    rows = [(row.reader, row.decision) for row in plan.voters]
    each = ["vote 1", "vote 2", "vote 3", "majority of 3", "unanimous of 3"]
    assert rows == [(name, decision) for name in ("finder", "learner") for decision in each]
    assert len({row.score.address for row in plan.voters}) == len(rows)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("closed_book/finder", 2), ("*/finder/3 votes", 12 + 3), ("pieces(30)/shared_words", 1 + 8),
        ("*/shared_words", 2), ("closed_book/finder/? vote", 1), ("[", None), ("Finder", None),
    ],
)  # fmt: skip
def test_a_plan_is_narrowed_by_a_pattern(bench: Bench, pattern: str, count: int | None) -> None:
    plan = bench.plan()
    if count is None:
        with pytest.raises(RagtallyError, match="no cell matches") as error:
            cells_matching(plan, ["*finder*", pattern])
        assert error.value.hint
    else:
        part = cells_matching(plan, [pattern])
        assert len(part.cells) == count
        assert part.voters == plan.voters


def test_several_patterns_keep_the_plans_order(bench: Bench) -> None:
    plan = bench.plan()
    part = cells_matching(plan, ["closed_book/learner", "closed_book"])
    assert [cell.name for cell in part.cells] == [
        f"closed_book/{name}/{votes}" for name in ("finder", "learner") for votes in ("1 vote", "3 votes")
    ]


def test_labels_name_the_parameters_where_several_differ() -> None:
    axis = tuple(
        Choice("chunker", "words", {"size": size, "overlap": overlap}) for size, overlap in ((64, 0), (32, 8))
    )
    assert axis_labels(axis) == ("words(size=64,overlap=0)", "words(size=32,overlap=8)")


def test_labels_leave_out_what_is_not_set_where_they_still_differ() -> None:
    def axis(*picks: dict[str, object]) -> tuple[Choice, ...]:
        return tuple(Choice("retriever", "found", dict(pick)) for pick in picks)

    some = axis({"mode": "words", "ef": None, "alpha": None}, {"mode": "both", "ef": None, "alpha": 0.5})
    assert axis_labels(some) == ("found(words)", "found(both,alpha=0.5)")
    assert axis_labels(axis({"ef": None}, {"ef": 5})) == ("found(None)", "found(5)")
    alike = axis({"a": "x", "b": None}, {"a": None, "b": "x"})
    assert axis_labels(alike) == ("found(x,b=None)", "found(a=None,x)")


def test_labels_leave_out_what_others_do_not_have_at_all() -> None:
    def axis(*picks: dict[str, object]) -> tuple[Choice, ...]:
        return tuple(Choice("retriever", "found", dict(pick)) for pick in picks)

    graphs = axis({"index": None, "width": 32}, {"index": "flat"}, {"index": None, "width": 64})
    assert axis_labels(graphs) == ("found(width=32)", "found(flat)", "found(width=64)")
    assert axis_labels(axis({"index": None, "width": 32}, {"index": "flat"})) == ("found(None)", "found(flat)")


@pytest.mark.parametrize(
    ("retrievers", "names"),
    [
        ("[{patchy: {mode: [patchy, whole]}}]", ["patchy(patchy)", "patchy(whole)"]),
        ("[{patchy: {width: [3, 9]}}, {patchy: {mode: whole}}]",
         ["patchy(patchy,width=3)", "patchy(patchy,width=9)", "patchy(whole)"]),
        ("[{patchy: {builds: 2, width: [3, 9]}}]",
         [f"patchy({width})/build {build}" for width in (3, 9) for build in (1, 2)]),
        ("[{patchy: {builds: [1, 2]}}]", ["patchy(1)", "patchy(2)/build 1", "patchy(2)/build 2"]),
        # Nothing but what does not count tells these apart.
        ("[{patchy: {mode: whole, width: [3, 9]}}]", ["patchy(3)", "patchy(9)"]),
    ],
)  # fmt: skip
def test_names_hold_what_differs_and_counts(bench: Bench, retrievers: str, names: list[str]) -> None:
    text = SPEC.replace("    - shared_words\n", "").replace(
        "    - letters: {embedder: letter_counts, distance: [cosine, dot]}\n", ""
    )
    text = text.replace("retriever:\n", f"retriever: {retrievers}\n").replace("size: [30, 60]", "size: 30")
    rankings = [name for name, cell in cells(bench, text).items() if cell.picks.is_ranking]
    assert rankings == [f"pieces/{name}" for name in names]


def test_labels_show_lists_and_components_inside() -> None:
    def dense(dim: int, marks: list[str]) -> Choice:
        return Choice("retriever", "dense", {"embedder": Choice("embedder", "lsa", {"dim": dim}), "marks": marks})

    axis = (dense(64, ["a"]), dense(128, ["a"]), Choice("retriever", "bm25", {"k1": 1.5}))
    assert axis_labels(axis) == ("dense(64)", "dense(128)", "bm25")
    assert flat_parameters("retriever", axis[0]) == {
        "retriever": "dense",
        "retriever.embedder": "lsa",
        "retriever.embedder.dim": 64,
        "retriever.marks": "['a']",
    }
    assert flat_parameters("retriever", None) == {}


def test_labels_tell_components_inside_apart_by_name_and_then_by_their_own_parameters() -> None:
    def dense(embedder: str, dim: int, distance: str) -> Choice:
        inner = Choice("embedder", embedder, {"dim": dim, f"of_{embedder}": 1})
        return Choice("retriever", "dense", {"embedder": inner, "distance": distance})

    assert axis_labels((dense("lsa", 64, "cosine"), dense("lsa", 64, "l1"), dense("hashing", 512, "l1"))) == (
        "dense(lsa,cosine)",
        "dense(lsa,l1)",
        "dense(hashing,l1)",
    )
    assert axis_labels((dense("lsa", 64, "l1"), dense("lsa", 128, "l1"), dense("hashing", 512, "l1"))) == (
        "dense(lsa,embedder.dim=64)",
        "dense(lsa,embedder.dim=128)",
        "dense(hashing)",
    )


def test_lists_of_components_are_flattened_by_number() -> None:
    both = (Choice("retriever", "bm25", {"k1": 1.5}), Choice("retriever", "dense", {"distance": "l1"}))
    merged = Choice("retriever", "hybrid", {"retrievers": both, "k": 60})
    assert flat_parameters("retriever", merged) == {
        "retriever": "hybrid",
        "retriever.retrievers": "bm25+dense",
        "retriever.retrievers.1.k1": 1.5,
        "retriever.retrievers.2.distance": "l1",
        "retriever.k": 60,
    }


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (("split: test", "split: tst"), "no split 'tst'", "did you mean 'test'?"),
        (("split: test", "split: test, answers: [yes, perhaps]"), "no answer 'perhaps'", "yes, no, maybe"),
        (("questions: 24", "questions: 24, labelled: false"), "agree with gold labels", "agree_with_gold: false"),
        (("  learner: learner", "  learner: {learner: {train: {split: trian}}}"), "no split 'trian'", "'train'"),
    ],
)
def test_what_the_dataset_does_not_have_is_an_error_with_its_place(
    bench: Bench, change: tuple[str, str], message: str, hint: str
) -> None:
    with pytest.raises(SpecError, match=message) as error:
        bench.plan(SPEC.replace(*change))
    assert error.value.hint and hint in error.value.hint
    assert error.value.location is not None and error.value.location.line


def test_an_unknown_stage_is_an_error(bench: Bench) -> None:
    with pytest.raises(RagtallyError, match="no stage 'bnch'") as error:
        bench.plan().goals("bnch")
    assert error.value.hint == "did you mean 'bench'?"
