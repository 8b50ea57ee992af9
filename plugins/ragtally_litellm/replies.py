"""What comes back to the native transport: the bodies of good answers, read without trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ragtally import CallError
from ragtally_litellm.routes import Dialect

_CACHE = ("prompt_tokens_details", "prompt_cache_hit_tokens")


class Answer(NamedTuple):
    """What the body of an answer says."""

    text: str  # Empty where there is none
    finish_reason: str | None  # In OpenAI's words; None where it does not say
    model: str | None  # As the provider names it; None where it does not
    # `prompt_tokens` and `completion_tokens` as far as they are whole numbers from 0; of the cache what it says
    usage: dict[str, Any]
    reasoning: str = ""  # What the model thought, where the text is empty
    tool: str = ""  # The tool that it would call instead


def read_answer(body: Any, dialect: Dialect) -> Answer:
    """Read the body of a good answer, which may be a refusal or hold no text: the engine judges that."""
    if not isinstance(body, dict):
        raise bad_reply("the answer is no JSON object")
    return _ollama_answer(body) if dialect == "ollama" else _openai_answer(body)


def bad_reply(message: str) -> CallError:
    return CallError(message, reason="bad reply")


def _openai_answer(body: dict[str, Any]) -> Answer:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise bad_reply("the answer has no choices")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise bad_reply("the answer has no message")
    text, reason = _text(message.get("content")), _word(choice.get("finish_reason"))
    if not text and (refusal := _word(message.get("refusal"))):
        text, reason = refusal, "refusal"
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    counts: dict[str, Any] = _counts(usage.get("prompt_tokens"), usage.get("completion_tokens"))
    counts |= {name: usage[name] for name in _CACHE if name in usage}
    return Answer(text, reason, _word(body.get("model")), counts, *_instead(text, message))


def _ollama_answer(body: dict[str, Any]) -> Answer:
    message = body.get("message")
    if not isinstance(message, dict):
        raise bad_reply("the answer has no message")
    if body.get("done") is False:
        raise bad_reply("the answer breaks off")
    counts = _counts(body.get("prompt_eval_count"), body.get("eval_count"))
    text = _text(message.get("content"))
    return Answer(text, _word(body.get("done_reason")), _word(body.get("model")), counts, *_instead(text, message))


def _instead(text: str, message: Mapping[str, Any]) -> tuple[str, str]:
    """The reasoning and the tool's name of a message whose text is empty."""
    if text.strip():
        return "", ""
    thoughts = (message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
    reasoning = next((thought for thought in thoughts if isinstance(thought, str) and thought.strip()), "")
    calls = message.get("tool_calls") or [message.get("function_call")]
    first = calls[0] if isinstance(calls, list) and isinstance(calls[0], dict) else None
    if first is None:
        return reasoning, ""
    function = first.get("function")
    named = function if isinstance(function, dict) else first
    return reasoning, _word(named.get("name")) or "unnamed"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    # Parts without text are a reasoning model's thoughts.
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(part["text"] for part in content if isinstance(part.get("text"), str))
    raise bad_reply("the answer's content is no text")


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _counts(prompt: Any, completion: Any) -> dict[str, int]:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {name: count for name, count in counts.items() if type(count) is int and count >= 0}
