"""A row's scores as columns, and the reason of each that is missing."""

from __future__ import annotations

from ragtally.api import Score
from ragtally.results.metrics import reason_of, score_columns


def test_each_metric_has_its_own_reason_for_having_no_score() -> None:
    scores = {
        "questions": Score(2.0, 2),
        "recall[yes]": Score(None, 0, "no label is yes; none at all"),
        "f1": Score(None, 0, "nothing is right"),
        "macro_f1": Score(None, 0, "nothing is right"),
        "accuracy": Score(0.0, 2),
    }
    (text,) = score_columns([scores])["not_scored"]
    assert reason_of(text, "recall[yes]") == "no label is yes; none at all"
    assert reason_of(text, "f1") == reason_of(text, "macro_f1") == "nothing is right"
    assert reason_of(text, "accuracy") is reason_of(None, "f1") is None
