"""What a reply is worth: an answer, a refusal that is paid for like one, or nothing, so that the call has failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from ragtally.api import Call, CallError, CallFailure, Reply

Ending = Literal["length", "refused", "broken"]

# Why a model stopped, as OpenAI, Anthropic, Gemini, Bedrock, Cohere, Mistral, DeepSeek, Zhipu, OpenRouter, vLLM and
# SGLang put it, in lower case; whatever else they say (`stop`, `eos`, `tool_calls`) ends an answer in the usual way.
_ENDINGS: dict[str, Ending] = {
    **dict.fromkeys(("length", "max_tokens", "model_length", "max_output_tokens", "error_limit"), "length"),
    **dict.fromkeys(
        ("content_filter", "content_filtered", "refusal", "refused", "safety", "blocklist", "prohibited_content",
         "spii", "recitation", "guardrail_intervened", "sensitive", "error_toxic", "moderation"), "refused"
    ),
    **dict.fromkeys(
        ("error", "abort", "aborted", "cancel", "canceled", "cancelled", "user_cancel", "failed", "incomplete",
         "network_error", "insufficient_system_resource", "malformed_function_call", "load", "unload"), "broken"
    ),
}  # fmt: skip
# Scripts that are written without spaces: there a token has a few characters, elsewhere a word has a token or more.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
_CHARACTERS_PER_UNSPACED_TOKEN = 4
# No server reads less of a prompt: a smaller count leaves out what it had in its cache, or is made up.
_SMALLEST_CONTEXT = 128
# Bytes, or characters of a text: more than any model writes, and a server that never ends would fill memory and disk.
LONGEST_REPLY = 16_000_000
# More than any model takes: what is larger would use up a budget, or an hour's pace, with one reply.
_MOST_TOKENS = 100_000_000


def ending(finish_reason: str | None) -> Ending | None:
    """What a word of a provider's for why the model stopped says of the answer; None where it is whole."""
    word = (finish_reason or "").lower().rpartition(".")[2].removeprefix("finish_reason_")
    return _ENDINGS.get(word)


def unusable(reply: Reply) -> str | None:
    """Why a reply that is kept, since it was paid for and would come again, holds no answer to parse."""
    if ending(reply.finish_reason) == "refused":
        if reply.finish_reason == "refusal":
            return "the model refused to answer"
        return "the provider's content filter withheld the answer, or the rest of it"
    if not reply.text.strip() and ending(reply.finish_reason) == "length":
        return "the answer is empty: all tokens went into reasoning; raise max_tokens or lower reasoning_effort"
    return None


def require_answer(call: Call, reply: Reply, instead: str = "") -> Reply:
    """Raise what is wrong with a reply that is no answer, and that another try may answer.

    Args:
        call: What was asked.
        reply: What came back.
        instead: What came instead of a text, where that is known.

    Returns:
        The reply.

    Raises:
        CallError: With the tokens that may have been billed.
    """
    if not reply.tokens_estimated and reply.input_tokens is not None:
        fewest = _fewest_tokens(call)
        if _SMALLEST_CONTEXT <= reply.input_tokens < fewest:
            raise _failure(
                reply,
                "too long",
                f"the prompt was cut: the server read {reply.input_tokens:,} tokens of at least {fewest:,}",
                "a smaller top_k or context_words, or a larger context: have the server take "
                "longer prompts (num_ctx at Ollama)",
            )
    if len(reply.text) > LONGEST_REPLY:
        raise _failure(reply, "bad reply", too_large("answer", LONGEST_REPLY))
    if unusable(reply) is not None:
        return reply
    if ending(reply.finish_reason) == "broken":
        raise _failure(reply, "bad reply", f"the answer breaks off: the server says {reply.finish_reason!r}")
    if not reply.text.strip():
        raise _failure(reply, "bad reply", f"the reply holds {instead or 'no text'}")
    return reply


def too_large(what: str, longest: int) -> str:
    """Say that something was too large to be read.

    Args:
        what: What it was.
        longest: The most bytes or characters that are read.

    Returns:
        The message.
    """
    return f"the {what} is larger than {longest / 1_000_000:g} MB, and was given up"


def counted_tokens(call: Call, text: str, put_in: object, came_out: object) -> tuple[int | None, int | None]:
    """The tokens that a provider counted, as far as its counts can be true."""
    has_prompt = any(message.content.strip() for message in call.messages)
    return _count(put_in, is_nothing=not has_prompt), _count(came_out, is_nothing=not text)


def cached_tokens(usage: Mapping[str, Any]) -> int | None:
    """The tokens of the prompt that a provider had in its cache, as OpenAI, Groq and others say it, or DeepSeek."""
    details = usage.get("prompt_tokens_details")
    count = details.get("cached_tokens") if isinstance(details, Mapping) else usage.get("prompt_cache_hit_tokens")
    return _count(count, is_nothing=True)


def _count(value: object, *, is_nothing: bool) -> int | None:
    if type(value) is not int or not 0 <= value <= _MOST_TOKENS:
        return None
    return value if value or is_nothing else None


def _fewest_tokens(call: Call) -> int:
    text = "\n".join(message.content for message in call.messages)
    # Read for every call: most prompts are spared the search.
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    words = _UNSPACED.sub("", text).split() if unspaced else text.split()
    return len(words) + unspaced // _CHARACTERS_PER_UNSPACED_TOKEN


def _failure(reply: Reply, reason: CallFailure, message: str, hint: str | None = None) -> CallError:
    return CallError(message, reason=reason, hint=hint, tokens=(reply.input_tokens or 0, reply.output_tokens or 0))
