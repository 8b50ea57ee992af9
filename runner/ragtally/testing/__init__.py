"""Conformance suites for plugin authors: subclass the suite of a component's kind and run pytest.

    from ragtally.testing import VoteRuleSuite

    class TestFirstBallot(VoteRuleSuite):
        plugin = "my_plugin"
        name = "first_ballot"

Needs pytest, which ragtally itself does not.
"""

from ragtally.testing.answer_metric import AnswerMetricSuite
from ragtally.testing.chunker import ChunkerSuite
from ragtally.testing.component import ComponentSuite
from ragtally.testing.converter import ConverterSuite
from ragtally.testing.dataset import DatasetSuite
from ragtally.testing.embedder import EmbedderSuite
from ragtally.testing.executor import ExecutorSuite
from ragtally.testing.grader import GraderSuite, PromptingGraderSuite
from ragtally.testing.model import ModelSuite
from ragtally.testing.reader import ReaderSuite
from ragtally.testing.reranker import RerankerSuite
from ragtally.testing.retrieval_metric import RetrievalMetricSuite
from ragtally.testing.retriever import RetrieverSuite
from ragtally.testing.rule import VoteRuleSuite
from ragtally.testing.trainable_reader import TrainableReaderSuite

__all__ = [
    "AnswerMetricSuite",
    "ChunkerSuite",
    "ComponentSuite",
    "ConverterSuite",
    "DatasetSuite",
    "EmbedderSuite",
    "ExecutorSuite",
    "GraderSuite",
    "ModelSuite",
    "PromptingGraderSuite",
    "ReaderSuite",
    "RerankerSuite",
    "RetrievalMetricSuite",
    "RetrieverSuite",
    "TrainableReaderSuite",
    "VoteRuleSuite",
]
