"""What passes between the parts: frozen dataclasses that hold columns, one row an item.

Layer 0: standard library only (numpy is named in annotations, never imported here).
"""

from ragtally.types.answers import Answers, Judged, Status, Vote
from ragtally.types.calls import Call, Limits, Message, Price, Prompt, Reply
from ragtally.types.choice import Choice
from ragtally.types.corpus import DatasetBatch, Documents, Evidence, Questions
from ragtally.types.reading import CONDITIONS, Examples, Reading
from ragtally.types.retrieval import Found, Hits, JudgedRanking, Passages, Queries, QuestionEvidence, Spans
from ragtally.types.scores import Score

__all__ = [
    "CONDITIONS",
    "Answers",
    "Call",
    "Choice",
    "DatasetBatch",
    "Documents",
    "Evidence",
    "Examples",
    "Found",
    "Hits",
    "Judged",
    "JudgedRanking",
    "Limits",
    "Message",
    "Passages",
    "Price",
    "Prompt",
    "Queries",
    "QuestionEvidence",
    "Questions",
    "Reading",
    "Reply",
    "Score",
    "Spans",
    "Status",
    "Vote",
]
