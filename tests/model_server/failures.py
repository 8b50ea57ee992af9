"""Error answers in each provider's own words, as found in reports of their users."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Literal

from model_server.connection import Response
from model_server.faults import STATUSES

Vendor = Literal["openai", "groq", "ollama", "vllm", "ollama_api"]
"""Who speaks: `ollama` is its OpenAI-compatible API, `ollama_api` its own."""

ORGANIZATION = "org_01kmadeupmadeupmadeupmade1"
SECONDS_TO_TOMORROW = 578
PAGE_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class _Words:
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None


_GROQ_LIMIT = f"in organization `{ORGANIZATION}` service tier `on_demand` on"
_GROQ_UPGRADE = "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
_OPENAI_LIMIT = f"in organization {ORGANIZATION.replace('_', '-')} on"
_OPENAI_VISIT = "Visit https://platform.openai.com/account/rate-limits to learn more."
_FILTERED = _Words(
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry.",
    None,
    "content_filter",
    "prompt",
)

_GROQ: dict[str, _Words] = {
    "429": _Words(
        f"Rate limit reached for model `{{model}}` {_GROQ_LIMIT} tokens per minute (TPM): Limit 8000, Used 7610, "
        f"Requested 1443. Please try again in {{wait}}s. {_GROQ_UPGRADE}",
        "tokens",
        "rate_limit_exceeded",
    ),
    "daily_tokens": _Words(
        f"Rate limit reached for model `{{model}}` {_GROQ_LIMIT} tokens per day (TPD): Limit 200000, Used 199050, "
        f"Requested 3619. Please try again in 9m38.016s. {_GROQ_UPGRADE}",
        "tokens",
        "rate_limit_exceeded",
    ),
    "daily_requests": _Words(
        f"Rate limit reached for model `{{model}}` {_GROQ_LIMIT} requests per day (RPD): Limit 1000, Used 1000, "
        f"Requested 1. Please try again in 1m26.4s. {_GROQ_UPGRADE}",
        "requests",
        "rate_limit_exceeded",
    ),
    "500": _Words("Internal Server Error", "internal_server_error"),
    "503": _Words("Service Unavailable", "internal_server_error"),
    "401": _Words("Invalid API Key", "invalid_request_error", "invalid_api_key"),
    "404": _Words(
        "The model `{model}` does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    "413": _Words(
        f"Request too large for model `{{model}}` {_GROQ_LIMIT} tokens per minute (TPM): Limit 8000, "
        f"Requested 32979, please reduce your message size and try again. {_GROQ_UPGRADE}",
        "tokens",
        "rate_limit_exceeded",
    ),
    "too_long": _Words(
        "Please reduce the length of the messages or completion.",
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
    ),
}

_OPENAI: dict[str, _Words] = {
    "429": _Words(
        f"Rate limit reached for {{model}} {_OPENAI_LIMIT} tokens per min (TPM): Limit 30000, Used 29567, "
        f"Requested 754. Please try again in {{wait}}s. {_OPENAI_VISIT}",
        "tokens",
        "rate_limit_exceeded",
    ),
    "daily_tokens": _Words(
        f"Rate limit reached for {{model}} {_OPENAI_LIMIT} tokens per day (TPD): Limit 200000, Used 199050, "
        f"Requested 3619. Please try again in 9m38.016s. {_OPENAI_VISIT}",
        "tokens",
        "rate_limit_exceeded",
    ),
    "daily_requests": _Words(
        f"Rate limit reached for {{model}} {_OPENAI_LIMIT} requests per day (RPD): Limit 10000, Used 10000, "
        f"Requested 1. Please try again in 8.64s. {_OPENAI_VISIT}",
        "requests",
        "rate_limit_exceeded",
    ),
    "no_credit": _Words(
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "500": _Words(
        "The server had an error while processing your request. Sorry about that! (Please include the request ID "
        "req_made_up in your email.)",
        "server_error",
    ),
    "503": _Words(
        "That model is currently overloaded with other requests. You can retry your request, or contact us through "
        "our help center at help.openai.com if the error persists.",
        "server_error",
    ),
    "400": _Words(
        "We could not parse the JSON body of your request.",
        "invalid_request_error",
    ),
    "unsupported_value": _Words(
        "Unsupported value: '{param}' does not support {value} with this model. Only the default (1) value "
        "is supported.",
        "invalid_request_error",
        "unsupported_value",
        "{param}",
    ),
    "unsupported_parameter": _Words(
        "Unsupported parameter: '{param}' is not supported with this model.",
        "invalid_request_error",
        "unsupported_parameter",
        "{param}",
    ),
    "401": _Words(
        "Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com/account/api-keys.",
        "invalid_request_error",
        "invalid_api_key",
    ),
    "403": _Words(
        "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"
    ),
    "404": _Words(
        "The model `{model}` does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    "413": _Words(
        f"Request too large for {{model}} {_OPENAI_LIMIT} tokens per min (TPM): Limit 30000, Requested 342389. The "
        f"input or output tokens must be reduced in order to run successfully. {_OPENAI_VISIT}",
        "tokens",
        "rate_limit_exceeded",
    ),
    "too_long": _Words(
        "This model's maximum context length is {limit} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
    ),
    "content_policy": _FILTERED,
}

_OLLAMA: dict[str, str] = {
    "429": "too many concurrent requests",
    "daily_tokens": "you have reached your daily usage limit, upgrade for higher limits: https://ollama.com/upgrade",
    "daily_requests": "you have reached your daily usage limit, upgrade for higher limits: https://ollama.com/upgrade",
    "no_credit": "you have reached your weekly usage limit, upgrade for higher limits: https://ollama.com/upgrade",
    "500": "llama runner process has terminated: exit status 2",
    "503": "server busy, please try again.  maximum pending requests exceeded",
    "400": "invalid character 'x' looking for beginning of value",
    "unsupported_value": "invalid value for '{param}'",
    "unsupported_parameter": '"{model}" does not support {param}',
    "401": "unauthorized",
    "403": "forbidden",
    "404": "model '{model}' not found",
    "413": "request entity too large",
    "too_long": "the input length exceeds the context length",
    "exceeds": '{{"error":{{"code":400,"message":"request ({tokens} tokens) exceeds the available context size '
    '({limit} tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":{tokens},'
    '"n_ctx":{limit}}}}}',
    "thinks_not": '"{model}" does not support thinking',
    "content_policy": "the request was refused",
}


def failure(name: str, vendor: Vendor, retry_after: float = 1, **values: Any) -> Response:
    """Write the answer to a fault with a status, `unsupported_value` or `unsupported_parameter`."""
    status = STATUSES.get(name, 400)
    if name == "502":
        return Response(status, PAGE_502.encode(), content_type="text/html")
    kind = "429" if name.startswith("429_") else name
    fields = {"model": "", "limit": 8192, "tokens": 9000, "key": "sk-****", "wait": retry_after} | values
    if vendor == "ollama_api":
        content: dict[str, Any] = {"error": _OLLAMA[kind].format_map(fields)}
    else:
        content = {"error": _openai_error(kind, vendor, status, fields)}
    return Response(status, json.dumps(content).encode(), _headers(name, retry_after))


def _openai_error(name: str, vendor: Vendor, status: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    if vendor == "ollama":
        kind = {400: "invalid_request_error", 404: "not_found_error"}.get(status, "api_error")
        return {"message": _OLLAMA[name].format_map(fields), "type": kind, "param": None, "code": None}
    words = _GROQ.get(name, _OPENAI[name]) if vendor == "groq" else _OPENAI[name]
    error: dict[str, Any] = {"message": words.message.format_map(fields), "type": words.type}
    if words.param:
        error["param"] = words.param.format_map(fields)
    if vendor == "groq":
        return error | ({"code": words.code} if words.code else {})
    if vendor == "vllm":
        kinds = {400: "BadRequestError", 404: "NotFoundError"}
        return {**error, "type": kinds.get(status, "InternalServerError"), "param": None, "code": status}
    return {"message": None, "type": None, "param": None} | error | {"code": words.code}


def _headers(name: str, retry_after: float) -> dict[str, str]:
    if name == "429_seconds":
        return {"Retry-After": f"{retry_after:g}"}
    if name == "429_date":
        return {"Retry-After": formatdate(math.ceil(time.time() + retry_after), usegmt=True)}
    if name in ("daily_tokens", "daily_requests"):
        return {"Retry-After": str(SECONDS_TO_TOMORROW)}
    return {}
