"""The suites over good and broken components; run by `test_suites.py`, which expects failures."""

import pytest

from ragtally import testing
from testing.broken_components import GOOD, MUTANTS

SUITES = {
    "rule": testing.VoteRuleSuite,
    "grader": testing.GraderSuite,
    "chunker": testing.ChunkerSuite,
    "embedder": testing.EmbedderSuite,
    "unlearning": testing.EmbedderSuite,
    "retriever": testing.RetrieverSuite,
    "parted": testing.RetrieverSuite,
    "varying": testing.RetrieverSuite,
    "refining": testing.RerankerSuite,
    "windowed": testing.RerankerSuite,
    "prompting": testing.RerankerSuite,
    "model": testing.ModelSuite,
    "reader": testing.ReaderSuite,
    "trainable": testing.TrainableReaderSuite,
    "piecewise": testing.TrainableReaderSuite,
    "dataset": testing.DatasetSuite,
    "metric": testing.AnswerMetricSuite,
    "mean metric": testing.AnswerMetricSuite,
    "sums metric": testing.AnswerMetricSuite,
    "metric@k": testing.RetrievalMetricSuite,
}


def suite(of, component, check=None):
    # Any module that is cheap to import will do as the plugin here.
    members = {"plugin": "ragtally_vote_rules", "name": component.name, "__module__": __name__}
    if of == "model":
        members["failing_parameters"] = lambda self, folder: {"host": "nowhere"}
    if check is not None:
        # The other checks of a component that is broken in one way say nothing, and take most of the time.
        members |= {name: None for name in dir(SUITES[of]) if name.startswith("test_") and name != check}
    return type("Suite", (SUITES[of],), {**members, "component": pytest.fixture(lambda self: component)})


for _number, (_of, _component) in enumerate(GOOD.items()):
    globals()[f"TestGood{_number}"] = suite(_of, _component)
for _number, (_of, _check, _component) in enumerate(MUTANTS):
    globals()[f"TestBroken{_number}"] = suite(_of, _component, _check)


class TestHeavy(testing.VoteRuleSuite):
    plugin = "testing.broken_components"
    name = "rule"

    @pytest.fixture
    def component(self):
        return GOOD["rule"]


class TestNotOffered(testing.VoteRuleSuite):
    plugin = "ragtally_vote_rules"
    name = "anarchy"


class TestParameterMissing(testing.VoteRuleSuite):
    plugin = "ragtally_vote_rules"
    name = "quorum"


class TestParameterRefused(testing.VoteRuleSuite):
    plugin = "ragtally_vote_rules"
    name = "quorum"
    parameters = {"k": 0}  # noqa: RUF012


class TestParameterUnknown(testing.VoteRuleSuite):
    plugin = "ragtally_vote_rules"
    name = "majority"
    parameters = {"k": 2}  # noqa: RUF012
