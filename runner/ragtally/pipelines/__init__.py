"""Haystack components: the same ones carry a benchmark's questions in columns, and one question in an export.

Three pipelines are made of them: *index* (split, embed, write), *search* (embed, retrieve, rerank) and *answer*
(prompt, generate, parse, vote). A step runs its stretch of one of them on everything at once, by calling the
component: a stretch is one component long, since what lies between two is stored, and Haystack's own runner copies
every input deeply. An exported cell is one connected Haystack pipeline.

The only package that imports Haystack: with the first component, for that takes half a second, and most commands need
none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragtally.pipelines.answer import DecideOpenVerdict, DecideVerdict, ParseReplies, WritePrompt
    from ragtally.pipelines.chat import assistant_message, chat_messages, sender
    from ragtally.pipelines.index import EmbedPassages, SplitDocuments, WritePassages
    from ragtally.pipelines.pipeline import is_plain
    from ragtally.pipelines.search import EmbedQuestions, Rerank, Retrieve

_MODULES = {
    **dict.fromkeys(("DecideOpenVerdict", "DecideVerdict", "ParseReplies", "WritePrompt"), "answer"),
    **dict.fromkeys(("assistant_message", "chat_messages", "sender"), "chat"),
    **dict.fromkeys(("EmbedPassages", "SplitDocuments", "WritePassages"), "index"),
    "is_plain": "pipeline",
    **dict.fromkeys(("EmbedQuestions", "Rerank", "Retrieve"), "search"),
}
__all__ = [
    "DecideOpenVerdict", "DecideVerdict", "EmbedPassages", "EmbedQuestions", "ParseReplies", "Rerank", "Retrieve",
    "SplitDocuments", "WritePassages", "WritePrompt", "assistant_message", "chat_messages", "is_plain", "sender",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
