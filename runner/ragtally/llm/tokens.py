"""Count tokens where the provider reports none: with a tokenizer on this machine, never a download."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from ragtally.api import Call, DataError, Location
from ragtally.support.environment import environment_with

# About how many characters of English a token has.
CHARACTERS_PER_TOKEN = 4
# For upper bounds: text full of numbers and made-up names has fewer characters a token.
FEWEST_CHARACTERS_PER_TOKEN = 2.5
_FRAME_TOKENS = 4
_SAMPLE = 200
_VOCABULARY = "cl100k_base"


def count_tokens(text: str) -> int:
    """Count a text's tokens, as an estimate for any model."""
    return _counter()(text)


def tokenizer_of(path: str | None) -> Callable[[str], int]:
    """Count a text's tokens by a `tokenizer.json`; as an estimate for any model without one."""
    if path is None:
        return count_tokens
    # Imported here, since few studies count by a model's own tokenizer.
    tokenizers = importlib.import_module("tokenizers")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(path)
    except Exception as error:  # The library raises its base class for whatever is wrong with a file.
        hint = "name the model's tokenizer.json, or leave target.tokenizer out for estimates"
        raise DataError(f"no tokenizer can be read: {error}", location=Location(path), hint=hint) from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def chat_tokens(texts: Sequence[str], count: Callable[[str], int]) -> int:
    """Count the tokens of a conversation, with a few for each message's frame."""
    return sum(count(text) + _FRAME_TOKENS for text in texts)


def input_tokens(call: Call) -> int:
    """Count the tokens of a call's prompt, with a few for each message's frame."""
    return sum(count_tokens(text) + _FRAME_TOKENS for text in _texts(call))


def quick_input_tokens(call: Call) -> int:
    """Estimate the tokens of a call's prompt from its length alone."""
    return sum(len(text) // CHARACTERS_PER_TOKEN + _FRAME_TOKENS for text in _texts(call))


def most_input_tokens(call: Call) -> int:
    """Bound the tokens of a call's prompt from its length alone."""
    texts = _texts(call)
    return int(sum(map(len, texts)) / FEWEST_CHARACTERS_PER_TOKEN) + _FRAME_TOKENS * len(texts)


def _texts(call: Call) -> list[str]:
    # Hosted models read the schema as a part of the prompt, and it is paid for.
    schema = [] if call.schema is None else [json.dumps(call.schema, ensure_ascii=False)]
    return [*(message.content for message in call.messages), *schema]


def total_input_tokens(calls: Sequence[Call]) -> int:
    """Estimate the tokens of many prompts: some are counted, the others are taken to be like them."""
    every = max(1, len(calls) // _SAMPLE)
    sample = calls[::every]
    lengths = sum(map(quick_input_tokens, sample))
    if not lengths:
        return 0
    # Votes and models have the same prompts and schemas, whose lengths are told once.
    prompts = {(id(call.messages), id(call.schema)): call for call in calls}
    quick_tokens = {prompt: quick_input_tokens(call) for prompt, call in prompts.items()}
    total = sum(quick_tokens[id(call.messages), id(call.schema)] for call in calls)
    return round(sum(map(input_tokens, sample)) * total / lengths)


@functools.cache
def _counter() -> Callable[[str], int]:
    spec = importlib.util.find_spec("litellm")
    folder = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers" if spec and spec.origin else None
    if folder is None or not folder.is_dir() or importlib.util.find_spec("tiktoken") is None:
        return lambda text: -(-len(text) // CHARACTERS_PER_TOKEN)
    with environment_with({"TIKTOKEN_CACHE_DIR": str(folder)}):
        encoding = importlib.import_module("tiktoken").get_encoding(_VOCABULARY)
    return lambda text: len(encoding.encode_ordinary(text))
