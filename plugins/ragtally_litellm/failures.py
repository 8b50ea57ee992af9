"""What went wrong with a call: from a provider's status, headers and message to a `CallError`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ragtally import CallError, CallFailure
from ragtally_litellm.keys import without_secrets
from ragtally_litellm.routes import Route
from ragtally_litellm.waits import retry_after

_LONGEST_MESSAGE = 300

_DAILY = re.compile(
    r"insufficient[_ ]quota|exceeded your current quota|per[- ]day|\b(?:TPD|RPD)\b|daily|weekly|credit balance"
    r"|insufficient (?:credits|balance)|billing[_ ]hard[_ ]limit",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|window)|exceed_context_size|available context size|maximum context"
    r"|(?:prompt|input|request|message)s? (?:is |are )?too (?:long|large)|reduce (?:the|your) (?:length|message)"
    r"|input length|string_above_max_length|too many tokens|tokens per request",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"content[_ ](?:filter|policy|management)|flagged|moderation|safety system|was refused", re.IGNORECASE
)
_KEY = re.compile(r"api[_ ]key|unauthori[sz]ed|authentication", re.IGNORECASE)
_HOPELESS = re.compile(
    r"requires more system memory|model .{0,80}does not support|unable to load model", re.IGNORECASE
)
# The wordings of OpenAI, Groq, OpenRouter, vLLM, Ollama and llama.cpp.
_UNKNOWN_MODEL = re.compile(
    r"model[_ ]not[_ ]found|model .{0,100}(?:not found|does not exist|decommissioned)|try pulling", re.IGNORECASE
)


class Reporter(NamedTuple):
    """Makes the errors of one model's calls."""

    route: Route  # The model
    secrets: Sequence[str]  # Keys that no message may hold, the longest first

    def of_status(self, status: int, headers: Mapping[str, str], body: str) -> CallError:
        """Say what an answer with an error status means."""
        said = message_of(body)
        reason = reason_of(status, said)
        wait = retry_after(headers, said) if reason in ("rate limit", "server", "daily quota") else None
        shown = f": {self.clean(said)}" if said else ""
        return CallError(
            f"{self.route.full_name} answered {status}, {_MEANING[reason]}{shown}",
            reason=reason,
            status=status,
            retry_after=wait,
            hint=self.hint(reason),
        )

    def of_failure(self, reason: CallFailure, message: str) -> CallError:
        """Say what a call without a status came to."""
        return CallError(f"{self.route.full_name}: {self.clean(message)}", reason=reason, hint=self.hint(reason))

    def clean(self, text: str) -> str:
        """Shorten a message to one line that holds no key."""
        line = " ".join(without_secrets(text, self.secrets).split())
        return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "..."

    def hint(self, reason: CallFailure) -> str | None:
        """Say what to do about a failure, where that is known."""
        variable = self.route.key_variables[0]
        if reason == "authentication":
            return f"put a key into the environment variable {variable}, or {variable}=... into a file .env"
        if reason == "not found":
            return f"ollama pull {self.route.model}" if self.route.local else "check the model's name and api_base"
        if reason == "connection" and self.route.local:
            return "ollama serve"
        if reason == "too long":
            more = "; or num_ctx: a larger one" if self.route.local else ""
            return f"put fewer or smaller chunks before the reader{more}"
        return None


def library_failure(reporter: Reporter, error: Exception, timeout: float) -> CallError:
    """Say what an exception of LiteLLM's came to."""
    name = type(error).__name__
    said = str(error).removeprefix(f"litellm.{name}: ")
    status = getattr(error, "status_code", None)
    if isinstance(error, TimeoutError) or name == "Timeout":
        return reporter.of_failure("timeout", said or f"no answer after {timeout:g} s")
    if name == "APIConnectionError" or not isinstance(status, int):
        return reporter.of_failure("connection" if "onnect" in name else "bad reply", f"{name}: {said}")
    if name == "ContextWindowExceededError":
        status = 413
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return reporter.of_status(status, headers, said)


_MEANING: Mapping[CallFailure, str] = {
    "rate limit": "too many requests",
    "timeout": "a timeout",
    "connection": "no connection",
    "server": "an error of the server's",
    "bad reply": "an unreadable answer",
    "daily quota": "a quota that waiting a little does not renew",
    "authentication": "no access",
    "not found": "not found",
    "bad request": "a request that it does not take",
    "too long": "a prompt that is too long",
    "refused": "a prompt that it refuses",
    "cancelled": "a cancelled call",
}


def reason_of(status: int, said: str) -> CallFailure:
    """Tell the kind of a failure from status and message."""
    if status in (429, 498):
        return "daily quota" if _DAILY.search(said) else "rate limit"
    if status == 413:
        return "too long"
    if status in (408, 504):
        return "timeout"
    if status >= 500:
        return _of_server_error(said)
    if status == 402:
        return "daily quota"
    if status in (401, 403):
        return "refused" if status == 403 and _REFUSED.search(said) else "authentication"
    if status in (409, 425):
        return "server"
    if status in (404, 405) or 300 <= status < 400:
        return "not found"
    return _of_bad_request(said)


def message_of(body: str) -> str:
    """Find the message in an error's body."""
    try:
        said = json.loads(body)
    except ValueError:
        return re.sub(r"<[^>]*>", " ", body).strip()
    return _message_in(said) or body.strip()


def _message_in(said: Any) -> str:
    if isinstance(said, str):
        # Ollama passes on the JSON of the engine below it as text.
        return message_of(said) if said.lstrip().startswith("{") else said
    if isinstance(said, list):
        return "; ".join(filter(None, (_message_in(item) for item in said)))
    if not isinstance(said, dict):
        return ""
    inner = said.get("error") or said.get("detail")
    if isinstance(inner, dict | list) or (isinstance(inner, str) and "message" not in said):
        return _message_in(inner)
    metadata = said.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    words = [said.get("message") or said.get("msg"), raw, said.get("code"), said.get("type")]
    told = dict.fromkeys(word for word in words if isinstance(word, str) and word)
    first, *rest = [*told, ""]
    return f"{first} ({', '.join(filter(None, rest))})" if any(rest) else first


def _of_server_error(said: str) -> CallFailure:
    if _HOPELESS.search(said):
        return "bad request"
    return "too long" if re.search(r"exceed_context_size|available context size", said) else "server"


def _of_bad_request(said: str) -> CallFailure:
    if _TOO_LONG.search(said):
        return "too long"
    if _REFUSED.search(said):
        return "refused"
    if _UNKNOWN_MODEL.search(said):
        return "not found"
    return "authentication" if _KEY.search(said) else "bad request"
