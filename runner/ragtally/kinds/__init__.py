"""The kinds of component that plugins offer: one file a kind, holding its contract."""

from ragtally.kinds.chunker import Chunker
from ragtally.kinds.component import KINDS, Component, Finding, Kind, ParameterFault, Progress
from ragtally.kinds.dataset import Dataset
from ragtally.kinds.embedder import Embedder, EmbedderTraits
from ragtally.kinds.metric import AnswerMetric, MetricTraits, RetrievalMetric
from ragtally.kinds.model import ChatModel, ModelTraits
from ragtally.kinds.reader import PromptingReader, Reader, ReaderTraits, TrainableReader
from ragtally.kinds.retriever import PromptingRetriever, RefiningRetriever, Retriever, RetrieverTraits
from ragtally.kinds.rule import VoteRule

__all__ = [
    "KINDS",
    "AnswerMetric",
    "ChatModel",
    "Chunker",
    "Component",
    "Dataset",
    "Embedder",
    "EmbedderTraits",
    "Finding",
    "Kind",
    "MetricTraits",
    "ModelTraits",
    "ParameterFault",
    "Progress",
    "PromptingReader",
    "PromptingRetriever",
    "Reader",
    "ReaderTraits",
    "RefiningRetriever",
    "RetrievalMetric",
    "Retriever",
    "RetrieverTraits",
    "TrainableReader",
    "VoteRule",
]
