"""Calls and replies for tests of the call store."""

from __future__ import annotations

from typing import Any, Literal

from ragtally.api import Call, Message, Reply
from ragtally.api.address import address
from ragtally.store.calls import CallAbout

BIG = CallAbout(
    "groq", "openai/gpt-oss-20b", {"name": "litellm", "parameters": {"temperature": 0.7, "max_tokens": 9}}
)
SMALL = CallAbout("ollama_chat", "llama3.1:8b", {"name": "litellm", "parameters": {}, "fingerprint": "sha256:0"})


def sample_call(number: int | str, purpose: Literal["label", "measure"] = "measure", vote: int = 0) -> Call:
    """Make a call; equal arguments make equal calls."""
    messages = (Message("system", "Answer yes, no or maybe."), Message("user", f"Does drug {number} work?"))
    key = address({"number": number, "purpose": purpose, "vote": vote})
    return Call(key, messages, purpose, vote, 1000 + vote)


def sample_calls(count: int) -> list[Call]:
    return [sample_call(number) for number in range(count)]


def sample_reply(text: str = "yes", **changes: Any) -> Reply:
    """Make a reply in which every field is set."""
    fields = {
        "finish_reason": "stop",
        "input_tokens": 120,
        "output_tokens": 3,
        "tokens_estimated": False,
        "seconds": 0.25,
        "served_by": "gpt-oss-20b-0805",
    }
    return Reply(text, **(fields | changes))
