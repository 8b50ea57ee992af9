"""Two cells side by side: pairs, partly common questions, different questions; against values worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from ragtally.analysis.comparisons import Tally
from ragtally.analysis.pairwise import (
    CellRef,
    PairwiseComparison,
    common_set,
    compare_pairwise,
    matching_cells,
    matching_rankings,
)
from ragtally.analysis.significance import Significance
from ragtally.api import DataError, RagtallyError
from ragtally.results import Results
from sample_results import RECALL, and_metric, of_base_only, results_of

# Of 20 questions the first cell alone has 9 right, the second alone 2, both 5, neither 4.
FIRST = "yyyyyyyyy" + "nn" + "yyyyy" + "nnn-"
SECOND = "nnnnnnnn-" + "yy" + "yyyyy" + "nnnn"


def compare(
    first: CellRef, second: CellRef, metric: str = "accuracy", question_set: str = "all"
) -> PairwiseComparison:
    (result,) = compare_pairwise([(first, second)], metric, question_set)
    return result


def significance(pair: PairwiseComparison) -> Significance:
    assert pair.comparison.significance is not None
    return pair.comparison.significance


def test_pairs_have_the_counts_and_the_exact_p_worked_out_by_hand() -> None:
    results = results_of({"a": FIRST, "b": SECOND})
    result = compare(CellRef(results, "a"), CellRef(results, "b"))
    assert result.comparison.tally == Tally(9, 9, 2)
    # 2 (C(11,0) + C(11,1) + C(11,2)) / 2^11
    assert significance(result).p_value == pytest.approx(2 * (1 + 11 + 55) / 2048)
    assert significance(result).p_value == pytest.approx(mcnemar([[5, 9], [2, 4]], exact=True).pvalue)
    assert significance(result).test == "exact McNemar"
    assert result.comparison.difference.value == pytest.approx(7 / 20)
    assert (result.first_value.value, result.second_value.value) == (14 / 20, 7 / 20)
    assert (result.pairing, result.common, result.first_only, result.second_only) == ("paired", 20, 0, 0)
    assert result.notes == ()
    assert not result.comparison.distinguishable
    # Both right on 5, both wrong in the same way on 3: who has no verdict gives no answer.
    assert result.agreement is not None and (result.agreement.value, result.agreement.denominator) == (8 / 20, 20)
    assert result.agreement.low == pytest.approx(0.2188, abs=1e-3)


def test_the_questions_that_changed_sides_are_listed_with_both_verdicts() -> None:
    results = results_of({"a": FIRST, "b": SECOND})
    changes = compare(CellRef(results, "a"), CellRef(results, "b")).changes
    assert [change.question for change in changes] == [f"q{number}" for number in range(11)]
    assert [change.won for change in changes] == [True] * 9 + [False] * 2
    assert (changes[0].label, changes[0].first, changes[0].second) == ("yes", "yes", "no")
    assert changes[8].second == "no verdict"
    assert changes[0].text == "Does q0 help?"


def test_the_other_way_round_is_the_same_with_its_sign_changed() -> None:
    results = results_of({"a": FIRST, "b": SECOND})
    one, other = (
        compare(CellRef(results, *pair), CellRef(results, rest)) for pair, rest in ((["a"], "b"), (["b"], "a"))
    )
    assert (one.comparison.tally, other.comparison.tally) == (Tally(9, 9, 2), Tally(2, 9, 9))
    assert significance(one) == significance(other)
    assert one.comparison.difference.low == pytest.approx(-(other.comparison.difference.high or 0))


def test_several_pairs_are_one_family() -> None:
    results = results_of({"a": FIRST, "b": SECOND, "c": "n" * 20, "d": FIRST[::-1]})
    sides = {name: CellRef(results, name) for name in "abcd"}
    result = compare_pairwise([(sides["a"], sides[other]) for other in "bcd"], "accuracy", "all")
    p_values = [significance(one).p_value for one in result]
    assert [one.comparison.adjusted_p_value for one in result] == pytest.approx(
        multipletests(p_values, method="holm")[1]
    )
    assert [one.comparison.distinguishable for one in result] == [
        (one.comparison.adjusted_p_value or 0) <= 0.05 for one in result
    ]


def test_partly_common_questions_are_paired_on_those_and_it_says_so() -> None:
    first = results_of({"a": "yynn"}, ids=["p", "q", "r", "s"])
    second = results_of({"a": "nyyyy"}, ids=["q", "r", "s", "t", "u"], study="later")
    result = compare(CellRef(first, "a"), CellRef(second, "a"))
    assert result.pairing == "paired on the common questions"
    assert (result.common, result.first_only, result.second_only) == (3, 1, 2)
    assert result.comparison.tally == Tally(1, 0, 2)
    assert result.notes == (
        "compared on the 3 common questions; left out: 1 that only the first was asked"
        " and 2 that only the second was",
    )
    assert result.first_value.value == pytest.approx(1 / 3)


def test_different_questions_are_compared_unpaired() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, example (a), method 10: 56/70 - 48/80.
    first = results_of({"a": "y" * 56 + "n" * 14}, ids=[f"one{n}" for n in range(70)])
    second = results_of({"a": "y" * 48 + "n" * 32}, ids=[f"two{n}" for n in range(80)], study="other")
    result = compare(CellRef(first, "a"), CellRef(second, "a"))
    assert result.pairing == "unpaired"
    assert result.comparison.difference.value == pytest.approx(0.2)
    assert (result.comparison.difference.low, result.comparison.difference.high) == pytest.approx(
        (0.0524, 0.3339), abs=5e-5
    )
    assert result.comparison.difference.method == "Newcombe"
    assert result.comparison.distinguishable
    assert result.comparison.significance is result.comparison.tally is None
    assert "two independent sets" in result.notes[0]
    assert "macro_f1 cannot be compared" in str(refusal(CellRef(first, "a"), CellRef(second, "a"), "macro_f1"))


def test_different_questions_that_share_documents_are_compared_by_documents() -> None:
    groups = [number // 2 for number in range(40)]
    first = results_of({"a": "yyyn" * 10}, ids=[f"one{n}" for n in range(40)], groups=groups)
    second = results_of({"a": "ynnn" * 10}, ids=[f"two{n}" for n in range(40)], study="other", groups=groups)
    result = compare(CellRef(first, "a"), CellRef(second, "a"))
    assert result.comparison.difference.value == pytest.approx(0.5)
    assert result.comparison.difference.method == "jackknife" and result.first_value.method == "jackknife"
    assert result.comparison.distinguishable
    assert "Welch's interval over documents" in result.notes[0]


def test_several_unpaired_pairs_are_told_apart_at_a_level_for_them_all() -> None:
    cells = dict.fromkeys("abcdefgh", "y" * 56 + "n" * 14)
    first = results_of(cells, ids=[f"one{n}" for n in range(70)])
    # Alone, 56 of 70 and 50 of 80 differ; among eight such pairs one is to be expected now and then.
    second = results_of(dict.fromkeys(cells, "y" * 50 + "n" * 30), ids=[f"two{n}" for n in range(80)])
    pairs = [(CellRef(first, name), CellRef(second, name)) for name in cells]
    (alone,) = compare_pairwise(pairs[:1], "accuracy", "all")
    together = compare_pairwise(pairs, "accuracy", "all")
    assert alone.comparison.distinguishable is True
    assert [one.comparison.distinguishable for one in together] == [False] * 8
    assert {(one.comparison.difference.low, one.comparison.difference.high) for one in together} == {
        (alone.comparison.difference.low, alone.comparison.difference.high)
    }


def test_the_same_ids_with_other_words_are_different_questions() -> None:
    first = results_of({"a": FIRST})
    second = results_of({"a": FIRST}, study="other", text="Is {} harmful?")
    result = compare(CellRef(first, "a"), CellRef(second, "a"))
    assert result.pairing == "unpaired"
    assert result.notes[-1] == "20 ids stand for other words in the two studies: different questions"


def test_relabelled_questions_are_counted_and_each_side_keeps_its_labels() -> None:
    first = results_of({"a": "yyyy"}, labels="yyyy")
    second = results_of({"a": "yyyy"}, labels="ynny", study="relabelled")
    result = compare(CellRef(first, "a"), CellRef(second, "a"))
    assert result.comparison.tally == Tally(2, 2, 0)
    assert result.notes == ("2 common questions have another label in the second study; each side keeps its own",)
    assert "differ in the answers or in the labels" in str(
        refusal(CellRef(first, "a"), CellRef(second, "a"), "macro_f1")
    )


def test_another_metric_is_tested_by_randomisation() -> None:
    results = results_of({"a": FIRST, "b": SECOND}, labels="yn" * 10)
    result = compare(CellRef(results, "a"), CellRef(results, "b"), "macro_f1")
    assert "randomisation" in significance(result).test
    assert significance(result).p_value is not None
    values = result.first_value, result.second_value
    assert result.comparison.difference.value == pytest.approx((values[0].value or 0) - (values[1].value or 0))
    assert all((value.low or 0) < (value.value or 0) < (value.high or 0) for value in values)


def test_questions_of_one_document_are_drawn_together() -> None:
    results = results_of({"a": FIRST, "b": SECOND}, groups=[number // 2 for number in range(20)])
    assert "randomisation" in significance(compare(CellRef(results, "a"), CellRef(results, "b"))).test


def test_the_base_alone_is_compared_where_it_is_wanted_or_the_only_common_set() -> None:
    results = results_of({"a": FIRST, "b": SECOND}, base="+" * 11 + "." * 9)
    pair = (CellRef(results, "a"), CellRef(results, "b"))
    assert common_set([pair], None) == "base"
    assert common_set([pair], "all") == "all"
    result = compare(*pair, question_set="base")
    assert (result.common, result.comparison.tally) == (11, Tally(9, 0, 2))
    assert significance(result).p_value == pytest.approx(binomtest(2, 11).pvalue)
    narrow = of_base_only(results)
    with pytest.raises(RagtallyError, match="made:a was not scored on all"):
        common_set([(CellRef(narrow, "a"), CellRef(narrow, "b"))], "all")


def test_questions_without_a_label_are_refused() -> None:
    results = results_of({"a": "yy", "b": "yn"}, labels="y-")
    with pytest.raises(DataError, match="1 of the 2 questions have no label"):
        compare(CellRef(results, "a"), CellRef(results, "b"))


def ranking_results(study: str, **values: Sequence[float | None]) -> Results:
    """Results of rankings with one metric; no value where it does not apply."""
    rows = [(name, f"q{location}", value) for name, of in values.items() for location, value in enumerate(of)]
    schema = {"ranking": pl.String, "question": pl.String, "recall@5": pl.Float64}
    length = len(next(iter(values.values())))
    base = results_of({"a": "y" * length}, study=study)
    read = base.cells.with_columns(ranking=pl.lit("one"))
    result = replace(base, rankings=pl.DataFrame(rows, schema=schema, orient="row"), cells=read)
    return and_metric(result, RECALL)


def test_rankings_are_compared_on_the_questions_that_the_metric_applies_to() -> None:
    first = ranking_results("first", one=[1.0, 0.5, 0.25, None, 0.0], two=[0.0] * 5)
    second = ranking_results("second", one=[0.5, 0.5, 0.5, 1.0])
    result = compare(CellRef(first, "one"), CellRef(second, "one"), "recall@5")
    assert (result.pairing, result.common, result.second_only) == ("paired on the common questions", 3, 1)
    assert (result.first_value.value, result.second_value.value) == pytest.approx((1.75 / 3, 0.5))
    assert result.comparison.difference.value == pytest.approx(0.25 / 3)
    assert result.comparison.tally == Tally(1, 1, 1)
    assert [(change.question, change.first, change.second, change.won) for change in result.changes] == [
        ("q0", "1.000", "0.500", True),
        ("q2", "0.250", "0.500", False),
    ]


def test_rankings_that_find_all_or_nothing_have_the_exact_test() -> None:
    values = {name: [float(letter == "y") for letter in letters] for name, letters in (("a", FIRST), ("b", SECOND))}
    results = ranking_results("study", one=values["a"], two=values["b"])
    result = compare(CellRef(results, "one"), CellRef(results, "two"), "recall@5")
    assert significance(result).p_value == pytest.approx(2 * (1 + 11 + 55) / 2048)
    assert significance(result).test == "exact McNemar"


def test_a_ranking_is_found_by_its_name_and_by_a_cell_that_reads_it() -> None:
    results = ranking_results("study", one=[1.0], two=[0.0])
    assert matching_rankings(results, "a") == ["one"]
    assert matching_rankings(results, "t") == ["two"]
    with pytest.raises(RagtallyError, match="no ranking of study matches 'three'"):
        matching_rankings(results, "three")
    with pytest.raises(RagtallyError, match="no metric of retrieval"):
        matching_rankings(results_of({"a": "y"}), "a")


def test_a_metric_that_the_study_does_not_have_is_refused() -> None:
    results = ranking_results("study", one=[1.0], two=[0.0])
    assert "no metric 'mrr@5'" in str(refusal(CellRef(results, "one"), CellRef(results, "two"), "mrr@5"))
    assert "question by question" in str(refusal(CellRef(results, "a"), CellRef(results, "a"), "confusion[yes,no]"))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("x/1 vote", ["x/1 vote"]), ("x/1", ["x/1 vote", "x/1 votes"]), ("*votes", ["x/1 votes"]), ("[1]", ["y[1]"])],
)
def test_cells_are_found_by_name_pattern_or_part(pattern: str, names: list[str]) -> None:
    results = results_of({"x/1 vote": "y", "x/1 votes": "y", "y[1]": "y"})
    assert matching_cells(results, pattern) == names


def test_an_unknown_cell_gets_the_nearest_name() -> None:
    with pytest.raises(RagtallyError) as caught:
        matching_cells(results_of({"reader/1 vote": "y"}), "raeder/1 vote")
    assert "did you mean 'reader/1 vote'?" in str(caught.value)


def test_it_is_the_same_every_time_and_goes_into_json() -> None:
    results = results_of({"a": FIRST, "b": SECOND}, labels="yn" * 10)
    pair = (CellRef(results, "a"), CellRef(results, "b"))
    one, other = (json.dumps(compare(*pair, "macro_f1").as_json(), allow_nan=False) for _ in range(2))
    assert one == other
    assert len(json.loads(one)["changes"]) == 12


def refusal(first: CellRef, second: CellRef, metric: str) -> RagtallyError:
    with pytest.raises(RagtallyError) as caught:
        compare(first, second, metric)
    return caught.value
