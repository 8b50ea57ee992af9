"""What plugins and notebooks see: each kind's contract, the records that pass between parts, and the errors.

Standard library and pluggy only (numpy is named in annotations, never imported here).
"""

from ragtally.api.address import canonical_json, derive_seed, file_hash
from ragtally.api.answers import Answers, GradedAnswers, Status, Vote
from ragtally.api.batch import Batches, BatchModel, BatchRow, BatchState, BatchStatus, BatchTerms
from ragtally.api.calls import Call, Limits, Message, Price, Prompt, Reply, call_parameters, sampling_seed
from ragtally.api.choice import Choice
from ragtally.api.chunker import Chunker
from ragtally.api.component import KINDS, Component, ExternalResource, Finding, ParameterFault, Progress, Starter
from ragtally.api.corpus import DatasetBatch, Documents, Evidence, Questions
from ragtally.api.dataset import DATASET_PARAMETERS, Dataset, LocatingDataset
from ragtally.api.embedder import Embedder, EmbedderTraits
from ragtally.api.errors import (
    CallError,
    CallFailure,
    DataError,
    ErrorList,
    Location,
    PluginError,
    RagtallyError,
    SpecError,
    StoppedError,
    StoreError,
    did_you_mean,
    raise_all,
)
from ragtally.api.fetchable import Fetchable, RemoteFile
from ragtally.api.hookspecs import hookimpl
from ragtally.api.metric import (
    AnswerMetric,
    MeanMetric,
    MetricTraits,
    QuestionValues,
    RetrievalMetric,
    Score,
    ScoreMetric,
    SumsMetric,
    SumValues,
)
from ragtally.api.model import ChatModel, ModelTraits, PlainChatModel
from ragtally.api.reader import (
    PARSER_PARAMETERS,
    STRUCTURED_PARAMETER,
    TRAIN_PARAMETER,
    ConstrainedReader,
    PromptingReader,
    Reader,
    ReaderTraits,
    Structured,
    TemplatedReader,
    TrainableReader,
)
from ragtally.api.reading import CONDITIONS, Examples, Reading
from ragtally.api.retrieval import Candidates, Hits, Passages, Queries, QuestionEvidence, RankingRelevance, Spans
from ragtally.api.retriever import (
    MeasuredRetriever,
    PlainRetriever,
    PromptingReranker,
    ReportingRetriever,
    Reranker,
    Retriever,
    RetrieverTraits,
)
from ragtally.api.rule import VoteRule

__all__ = [
    "CONDITIONS",
    "DATASET_PARAMETERS",
    "KINDS",
    "PARSER_PARAMETERS",
    "STRUCTURED_PARAMETER",
    "TRAIN_PARAMETER",
    "AnswerMetric",
    "Answers",
    "BatchModel",
    "BatchRow",
    "BatchState",
    "BatchStatus",
    "BatchTerms",
    "Batches",
    "Call",
    "CallError",
    "CallFailure",
    "Candidates",
    "ChatModel",
    "Choice",
    "Chunker",
    "Component",
    "ConstrainedReader",
    "DataError",
    "Dataset",
    "DatasetBatch",
    "Documents",
    "Embedder",
    "EmbedderTraits",
    "ErrorList",
    "Evidence",
    "Examples",
    "ExternalResource",
    "Fetchable",
    "Finding",
    "GradedAnswers",
    "Hits",
    "Limits",
    "LocatingDataset",
    "Location",
    "MeanMetric",
    "MeasuredRetriever",
    "Message",
    "MetricTraits",
    "ModelTraits",
    "ParameterFault",
    "Passages",
    "PlainChatModel",
    "PlainRetriever",
    "PluginError",
    "Price",
    "Progress",
    "Prompt",
    "PromptingReader",
    "PromptingReranker",
    "Queries",
    "QuestionEvidence",
    "QuestionValues",
    "Questions",
    "RagtallyError",
    "RankingRelevance",
    "Reader",
    "ReaderTraits",
    "Reading",
    "RemoteFile",
    "Reply",
    "ReportingRetriever",
    "Reranker",
    "RetrievalMetric",
    "Retriever",
    "RetrieverTraits",
    "Score",
    "ScoreMetric",
    "Spans",
    "SpecError",
    "Starter",
    "Status",
    "StoppedError",
    "StoreError",
    "Structured",
    "SumValues",
    "SumsMetric",
    "TemplatedReader",
    "TrainableReader",
    "Vote",
    "VoteRule",
    "call_parameters",
    "canonical_json",
    "derive_seed",
    "did_you_mean",
    "file_hash",
    "hookimpl",
    "raise_all",
    "sampling_seed",
]
