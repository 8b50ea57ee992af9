"""Haystack's own components, where they do exactly what ragtally does."""

from __future__ import annotations

from typing import Any

from haystack.components.builders import ChatPromptBuilder

from ragtally.api import Message, Prompt
from ragtally.pipelines.ask import chat_messages


def prompt_builder(template: Prompt) -> Any:
    """Make the component that writes a prompt."""
    return ChatPromptBuilder(template=chat_messages(template), required_variables=["question"])


def built_prompt(builder: Any, question: str, documents: list[Any]) -> Prompt:
    """Let such a component write one prompt."""
    messages = builder.run(question=question, documents=documents)["prompt"]
    return tuple(Message(message.role.value, message.text or "") for message in messages)
