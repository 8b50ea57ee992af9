"""Answer metrics against scikit-learn, published figures and tables by hand."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

import ragtally_answer_metrics
from ragtally.api import ABSTENTION, GradedAnswers, Score, Status
from ragtally.metrics import metric_scores

ANSWERS = ("yes", "no", "maybe")
COMPONENTS = {component.name: component for component in ragtally_answer_metrics.register_metrics()}


def grade_answers(
    gold: Sequence[str],
    verdict: Sequence[str | None],
    answers: tuple[str, ...] = ANSWERS,
    unparsed: int = 0,
    failed: int = 0,
) -> GradedAnswers:

    def votes(count: int) -> list[int]:
        return [int(row < count) for row in range(len(gold))]

    status = [
        Status.NO_VERDICT if answer is None else Status.RIGHT if answer == label else Status.WRONG
        for label, answer in zip(gold, verdict, strict=True)
    ]
    return GradedAnswers(gold, verdict, status, answers, 1, *map(votes, (unparsed, failed)))


def score(name: str, *arguments: object, **keywords: object) -> Mapping[str, Score]:
    return metric_scores(COMPONENTS[name].build(), grade_answers(*arguments, **keywords))  # type: ignore[arg-type]


def value(name: str, *arguments: object, **keywords: object) -> float | None:
    (only,) = score(name, *arguments, **keywords).values()
    return only.value


ELECTIONS = st.lists(
    st.tuples(st.sampled_from(ANSWERS), st.sampled_from([*ANSWERS, None])), min_size=1, max_size=30
).map(lambda rows: tuple(map(list, zip(*rows, strict=True))))


def with_extra_label(verdict: Sequence[str | None]) -> list[str]:
    """What scikit-learn needs instead of None."""
    return ["(none)" if answer is None else answer for answer in verdict]


@settings(deadline=None)
@given(ELECTIONS)
def test_scikit_learn_agrees_on_averages(election: tuple[list[str], list[str | None]]) -> None:
    gold, verdict = election
    predicted = with_extra_label(verdict)
    labels = sorted(set(gold))
    keywords = {"labels": labels, "average": "macro", "zero_division": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "accuracy": oracle.accuracy_score(gold, predicted),
            "balanced_accuracy": oracle.balanced_accuracy_score(gold, predicted),
            "macro_precision": oracle.precision_score(gold, predicted, **keywords),
            "macro_recall": oracle.recall_score(gold, predicted, **keywords),
            "macro_f1": oracle.f1_score(gold, predicted, **keywords),
            "cohen_kappa": oracle.cohen_kappa_score(gold, predicted),
        }
    for name, number in expected.items():
        ours = value(name, gold, verdict)
        if math.isnan(number):
            assert name == "cohen_kappa"
            assert ours is None
        else:
            assert ours == pytest.approx(number, abs=1e-12), name


@settings(deadline=None)
@given(ELECTIONS)
def test_scikit_learn_agrees_on_classes_and_confusion(election: tuple[list[str], list[str | None]]) -> None:
    gold, verdict = election
    predicted = with_extra_label(verdict)
    keywords = {"labels": list(ANSWERS), "average": None, "zero_division": np.nan}
    for name, function in (
        ("precision", oracle.precision_score),
        ("recall", oracle.recall_score),
        ("f1", oracle.f1_score),
    ):
        scores = score(name, gold, verdict)
        assert list(scores) == [f"{name}[{answer}]" for answer in ANSWERS]
        for number, ours in zip(function(gold, predicted, **keywords), scores.values(), strict=True):
            assert ours.value == (None if math.isnan(number) else pytest.approx(number, abs=1e-12))
    matrix = oracle.confusion_matrix(gold, predicted, labels=[*ANSWERS, "(none)"])
    confusion = score("confusion", gold, verdict)
    assert [cell.value for cell in confusion.values()] == matrix[:3].ravel().tolist()


@given(ELECTIONS)
def test_shares_hang_together(election: tuple[list[str], list[str | None]]) -> None:
    gold, verdict = election
    coverage, of_covered = value("coverage", gold, verdict), value("accuracy_of_covered", gold, verdict)
    assert coverage == sum(answer is not None for answer in verdict) / len(gold)
    assert (of_covered is None) == (coverage == 0)
    assert value("accuracy", gold, verdict) == pytest.approx(coverage * (of_covered or 0.0))
    assert sum(cell.value or 0 for cell in score("confusion", gold, verdict).values()) == len(gold)


def test_a_table_by_hand() -> None:
    gold = ["yes", "yes", "yes", "no", "no", "maybe"]
    verdict = ["yes", "yes", "no", "no", None, None]
    assert value("accuracy", gold, verdict) == 3 / 6
    assert score("precision", gold, verdict)["precision[no]"] == Score(1 / 2, 2)
    assert score("recall", gold, verdict)["recall[yes]"] == Score(2 / 3, 3)
    assert score("f1", gold, verdict)["f1[no]"] == Score(2 / 4, 3)
    assert score("coverage", gold, verdict)["coverage"] == Score(4 / 6, 6)
    assert score("accuracy_of_covered", gold, verdict)["accuracy_of_covered"] == Score(3 / 4, 4)
    confusion = score("confusion", gold, verdict)
    assert confusion["confusion[yes,no]"].value == 1
    assert confusion["confusion[no,-]"].value == 1
    assert len(confusion) == 3 * 4


def test_the_published_majority_class_of_pubmedqa() -> None:
    # 276 yes, 169 no, 55 maybe: the 500 test questions of PubMedQA (Jin et al. 2019, table 5).
    gold = ["yes"] * 276 + ["no"] * 169 + ["maybe"] * 55
    assert round(100 * (value("accuracy", gold, ["yes"] * 500) or 0), 2) == 55.20
    assert round(100 * (value("macro_f1", gold, ["yes"] * 500) or 0), 2) == 23.71


def test_the_kappa_of_a_textbook() -> None:
    # 50 grant proposals, two readers: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no; kappa 0.4.
    gold = ["yes"] * 25 + ["no"] * 25
    verdict = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert value("cohen_kappa", gold, verdict, ("yes", "no")) == pytest.approx(0.4)


def test_a_class_that_no_question_has_is_no_part_of_an_average() -> None:
    gold, verdict = ["yes", "yes", "no", "no"], ["yes", "yes", "no", "maybe"]
    assert value("macro_f1", gold, verdict) == pytest.approx((1 + 2 / 3) / 2)
    assert score("recall", gold, verdict)["recall[maybe]"].value is None
    assert score("precision", gold, verdict)["precision[maybe]"] == Score(0.0, 1)


def test_votes_that_gave_no_ballot_are_shares_of_the_votes_asked() -> None:
    gold, verdict = ["yes"] * 4, ["yes", None, None, None]
    assert score("unparsed_share", gold, verdict, unparsed=2, failed=1) == {"unparsed_share": Score(0.5, 4)}
    assert score("call_failed_share", gold, verdict, unparsed=2, failed=1) == {"call_failed_share": Score(0.25, 4)}


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_of_no_questions_nothing_is_scored(name: str) -> None:
    scores = score(name, [], [])
    assert scores
    for single in scores.values():
        assert single.value is None
        assert single.denominator == 0
        assert single.reason


def test_less_is_better_only_where_it_is() -> None:
    direction = {name: component.traits.higher_is_better for name, component in COMPONENTS.items()}  # type: ignore[union-attr]
    assert Counter(direction.values()) == {True: 16, False: 2, None: 2}
    assert direction["unparsed_share"] is direction["call_failed_share"] is False
    assert direction["confusion"] is direction["abstained"] is None


def test_the_published_test_split_of_pubmedqa() -> None:
    folder = os.environ.get("RAGTALLY_PUBMEDQA")
    if not folder:
        pytest.skip("RAGTALLY_PUBMEDQA names no folder with PubMedQA")
    files = list(Path(folder).rglob("test_ground_truth.json"))
    if not files:
        pytest.skip("there is no test_ground_truth.json in RAGTALLY_PUBMEDQA")
    gold = list(json.loads(files[0].read_text(encoding="utf-8")).values())
    assert Counter(gold) == {"yes": 276, "no": 169, "maybe": 55}


def test_metrics_of_open_answers_compare_with_the_nearest_reference() -> None:
    references = [["Tarn"], ["river Tarn", "Ouse"], [], [], ["Lune"], ["Esk"]]
    verdicts = ["the Tarn.", "Tarn", ABSTENTION, "a monk", ABSTENTION, None]
    status = [Status.RIGHT, Status.WRONG, Status.RIGHT, Status.WRONG, Status.WRONG, Status.UNPARSED]
    graded = GradedAnswers((), verdicts, status, (), 1, [0, 0, 0, 0, 0, 1], [0] * 6, references)
    values = {
        name: metric_scores(COMPONENTS[name].build(), graded)[name].value
        for name in ("accuracy", "exact_match", "token_f1", "rouge_l", "abstained", "coverage", "accuracy_of_covered")
    }
    assert values == pytest.approx(
        {
            "accuracy": 2 / 6,
            "exact_match": 2 / 6,
            "token_f1": (1 + 2 / 3 + 1) / 6,
            # An article is a word for ROUGE: one of two words is common.
            "rouge_l": (2 / 3 + 2 / 3 + 1) / 6,
            "abstained": 2 / 6,
            "coverage": 5 / 6,
            "accuracy_of_covered": 2 / 5,
        }
    )
