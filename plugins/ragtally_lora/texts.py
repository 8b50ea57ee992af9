"""Prompts and answers as tokens, in the form of the model's own chats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ragtally import DataError, Prompt


class Exchange(NamedTuple):
    """A prompt and its answer, as tokens; the answer ends with what ends a turn."""

    prompt: list[int]
    answer: list[int]


def encode_prompt(tokenizer: Any, prompt: Prompt) -> list[int]:
    """The tokens after which a model's answer begins."""
    return _tokens(tokenizer, _prompt_text(tokenizer, prompt))


def encode_answer(tokenizer: Any, answer: str, end: int) -> list[int]:
    """An answer's tokens with the one that ends it."""
    # Tokenised apart from its prompt, whose tokens are then those that it has when an answer is to be written.
    return [*_tokens(tokenizer, answer), end]


def _prompt_text(tokenizer: Any, prompt: Prompt) -> str:
    messages = [{"role": message.role, "content": message.content} for message in prompt]
    if getattr(tokenizer, "chat_template", None) is None:
        # A model that only continues texts has no form of its own.
        return "\n\n".join(message["content"] for message in messages) + "\n"
    try:
        return _render(tokenizer, messages)
    except Exception as error:  # What a template raises where it knows no system message is its own affair
        if messages[0]["role"] != "system" or len(messages) < 2:
            raise DataError(f"the model's chat template does not take this prompt: {error}") from error
        first = {**messages[1], "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
        return _render(tokenizer, [first, *messages[2:]])


def _render(tokenizer: Any, messages: Sequence[dict[str, str]]) -> str:
    text: str = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    return text


def _tokens(tokenizer: Any, text: str) -> list[int]:
    # The template writes special tokens itself.
    tokens: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return tokens


def require_room(exchanges: Sequence[Exchange], window: int | None) -> None:
    """Refuse examples that do not fit: without its end, a prompt asks something else."""
    lengths = [len(exchange.prompt) + len(exchange.answer) for exchange in exchanges]
    too_long = sum(length > window for length in lengths) if window is not None else 0
    if too_long:
        raise DataError(
            f"{too_long} of {len(lengths)} examples are longer than {window:,} tokens (up to {max(lengths):,})",
            hint=f"max_tokens: {max(lengths)}, a base with a longer window, or a dataset with shorter contexts",
        )
