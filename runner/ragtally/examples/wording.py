"""The words of the trade: what examples may teach, by what they are graded, how they are made harder."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What an example teaches."""

    QUESTION_ANSWER = "question_answer"
    INSTRUCTION = "instruction"  # Perhaps with an input that the instruction is about
    CHAT = "chat"  # Several turns
    LABEL = "label"  # One of a closed set


# What validators are asked of each example, by the criterion's name in a spec.
NEEDS_PASSAGE = "grounded"
CRITERIA: Mapping[str, str] = {
    NEEDS_PASSAGE: "Is everything that the assistant says supported by the passage?",
    "correct": "Is what the assistant says right and complete as an answer to the user?",
    "clear": "Can the user's words be understood by somebody who does not see the passage?",
    "not_trivial": "Does answering take knowledge or thought, more than repeating words of the question?",
}
# What a model is told to do with an accepted example, by the name of the way in a spec.
WAYS: Mapping[str, str] = {
    "rephrase": "Ask for the same in other words, as another user would, and keep the answer's content.",
    "harder": "Make what is asked harder: let it take one more step of reasoning, or combine two facts.",
    "concrete": "Make what is asked more concrete: replace general words by a specific case.",
}
# The prompts that a spec may replace by templates of its own.
PROMPTS = ("generate", "expand", "validate", "repair", "evolve")
