"""Doubtful labels: whose disagreement counts, and whose does not."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from ragtally.analysis.label_doubt import label_doubt
from ragtally.results import Results
from synthetic_results import synthetic_results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two voters who err on every tenth question."""
    plain = synthetic_results(tmp_path_factory.mktemp("made"), 100, 4, 10, sizes=2, readers=2)
    labels = plain.questions["label"].to_list()
    other = {"yes": "no", "no": "yes", "maybe": "yes"}
    verdicts = [other[label] if row % 10 == 0 else label for row, label in enumerate(labels)]
    return with_voters(
        replace(plain, questions=plain.questions.with_columns(voters_verdict=pl.Series(verdicts))), "ab"
    )


def with_voters(results: Results, names: str) -> Results:
    return replace(results, voters=pl.DataFrame({"voter": list(names)}, schema={"voter": pl.String}))


def test_it_is_said_who_disagrees_with_which_labels(results: Results) -> None:
    doubt = label_doubt(results)
    assert doubt is not None
    assert doubt.doubters == ("the voters (a, b)",)
    assert doubt.questions == set(results.questions["id"].to_list()[::10])


def test_a_reader_is_no_witness_against_the_labels_that_it_misses(results: Results) -> None:
    assert label_doubt(with_voters(results, "a"), "a") is None
    assert label_doubt(with_voters(results, "a"), "b") is not None
    assert label_doubt(results, "a") is not None


def test_who_does_no_better_than_guessing_is_not_heard(results: Results) -> None:
    most = results.questions["label"].mode().to_list()[0]
    always = results.questions.with_columns(voters_verdict=pl.lit(most))
    assert label_doubt(replace(results, questions=always)) is None
    silent = results.questions.with_columns(voters_verdict=pl.lit(None, pl.String))
    assert label_doubt(replace(results, questions=silent)) is None
    assert label_doubt(with_voters(results, "")) is None
