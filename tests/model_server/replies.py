"""Good answers in the form of each API."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from model_server.answers import Answer
from model_server.asks import Ask

_NANOSECONDS = 1_000_000_000
_TIERS = {"openai": ',"service_tier":"default"', "groq": ',"service_tier":"on_demand"'}
"""What LiteLLM reads of Groq's answers."""


def reply(ask: Ask, answer: Answer, usage: str, seconds: float) -> bytes:
    """Write an answer."""
    if ask.vendor == "ollama_api":
        return json.dumps(_ollama(ask, answer, usage, seconds)).encode()
    message = f'{{"role":"assistant","content":{quoted(answer.text)}{_reasoning(ask, answer)}'
    if ask.vendor == "openai":
        message += ',"refusal":null'
    ending = _usage(answer, usage) + _TIERS.get(ask.vendor, "")
    return (
        f'{{"id":"chatcmpl-{ask.key}","object":"chat.completion","created":{int(time.time())},'
        f'"model":{quoted(ask.model)},"choices":[{{"index":0,"message":{message}}},"logprobs":null,'
        f'"finish_reason":"{answer.finish_reason}"}}]{ending},"system_fingerprint":"fp_made_up"}}'
    ).encode()


def _reasoning(ask: Ask, answer: Answer) -> str:
    return f',"reasoning":{quoted(answer.reasoning)}' if ask.vendor == "groq" and answer.reasoning else ""


def _usage(answer: Answer, usage: str) -> str:
    if usage == "absent":
        return ""
    put_in, come_out = _tokens(answer, usage)
    total = 7 if usage == "wrong" else put_in + come_out
    details = f'"completion_tokens_details":{{"reasoning_tokens":{answer.reasoning_tokens}}}'
    if answer.cached_tokens is not None:
        details += f',"prompt_tokens_details":{{"cached_tokens":{answer.cached_tokens}}}'
    return f',"usage":{{"prompt_tokens":{put_in},"completion_tokens":{come_out},"total_tokens":{total},{details}}}'


def _tokens(answer: Answer, usage: str) -> tuple[int, int]:
    if usage == "wrong":
        return -1, 1_000_000_000
    return answer.prompt_tokens, answer.output_tokens


def _ollama(ask: Ask, answer: Answer, usage: str, seconds: float) -> dict[str, Any]:
    line: dict[str, Any] = {"model": ask.model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    thinking = {"thinking": answer.reasoning} if answer.reasoning and ask.effort is not False else {}
    if "prompt" in ask.parameters:
        line |= {"response": answer.text} | thinking
    else:
        line["message"] = {"role": "assistant", "content": answer.text} | thinking
    line["done"] = True
    line |= {
        "done_reason": answer.finish_reason,
        "total_duration": int(seconds * _NANOSECONDS),
        "load_duration": 1000,
    }
    if usage != "absent":
        line["prompt_eval_count"], line["eval_count"] = _tokens(answer, usage)
        line |= {"prompt_eval_duration": 1_000_000, "eval_duration": 1_000_000}
    return line
