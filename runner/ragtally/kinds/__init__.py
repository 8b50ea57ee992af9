"""The kinds of component that plugins offer: one file a kind, holding its contract."""

from ragtally.kinds.batch import Batches, BatchModel, BatchRow, BatchState, BatchStatus, BatchTerms
from ragtally.kinds.chunker import Chunker
from ragtally.kinds.component import KINDS, Component, Finding, Kind, Outside, ParameterFault, Progress
from ragtally.kinds.dataset import Dataset
from ragtally.kinds.embedder import Embedder, EmbedderTraits
from ragtally.kinds.metric import AnswerMetric, MetricTraits, RetrievalMetric
from ragtally.kinds.model import ChatModel, ModelTraits, PlainChatModel
from ragtally.kinds.reader import PromptingReader, Reader, ReaderTraits, TemplatedReader, TrainableReader
from ragtally.kinds.retriever import (
    MeasuredRetriever,
    PlainRetriever,
    PromptingRetriever,
    RefiningRetriever,
    ReportingRetriever,
    Retriever,
    RetrieverTraits,
)
from ragtally.kinds.rule import VoteRule

__all__ = [
    "KINDS",
    "AnswerMetric",
    "BatchModel",
    "BatchRow",
    "BatchState",
    "BatchStatus",
    "BatchTerms",
    "Batches",
    "ChatModel",
    "Chunker",
    "Component",
    "Dataset",
    "Embedder",
    "EmbedderTraits",
    "Finding",
    "Kind",
    "MeasuredRetriever",
    "MetricTraits",
    "ModelTraits",
    "Outside",
    "ParameterFault",
    "PlainChatModel",
    "PlainRetriever",
    "Progress",
    "PromptingReader",
    "PromptingRetriever",
    "Reader",
    "ReaderTraits",
    "RefiningRetriever",
    "ReportingRetriever",
    "RetrievalMetric",
    "Retriever",
    "RetrieverTraits",
    "TemplatedReader",
    "TrainableReader",
    "VoteRule",
]
