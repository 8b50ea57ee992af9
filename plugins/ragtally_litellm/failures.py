"""The errors of one model's calls: what went wrong, in words without keys, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ragtally import CallError, CallFailure
from ragtally.support.http_failures import MEANINGS, error_message, failure_reason, retry_after
from ragtally.support.secrets import redact_line
from ragtally_litellm.routes import Route

# How servers name what constrains an answer, where they do not take it.
_SCHEMA = re.compile(
    r"response_?format|json_?schema|structured[ _]outputs?|guided|grammar|invalid format|required for format", re.I
)
_SCHEMA_HINT = (
    "where it is the reader's JSON schema that is not taken: structured: false in the reader, or another schema_as "
    "in the model (`ragtally doctor` tries them)"
)
_LESS = "a smaller top_k or context_words"
_ANSWER_ROOM = 512  # tokens


class CallErrors(NamedTuple):
    """Makes the errors of one model's calls."""

    route: Route
    secrets: Sequence[str]  # Keys that no message may hold, the longest first
    too_long: str | None = None  # What to do about a text that is too long; None for a prompt's remedy
    own_server: bool = False  # Whether it is the user's, who starts it with the context that is wanted

    def from_status(self, status: int, headers: Mapping[str, str], body: str) -> CallError:
        """Explain an answer with an error status."""
        message = error_message(body)
        reason = failure_reason(status, message)
        wait = retry_after(headers, message) if reason in ("rate limit", "server", "daily quota") else None
        detail = f": {self.clean(message)}" if message else ""
        return CallError(
            f"{self.route.full_name} answered {status}, {MEANINGS[reason]}{detail}",
            reason=reason,
            status=status,
            retry_after=wait,
            hint=self._hint_for(reason, status, message),
        )

    def _hint_for(self, reason: CallFailure, status: int, message: str) -> str | None:
        if reason == "bad request" and _SCHEMA.search(message):
            return _SCHEMA_HINT
        if reason == "too long" and self.too_long is None:
            return f"{_LESS}, or {self._larger_context(status, message)}"
        return self._hint(reason)

    def _larger_context(self, status: int, message: str) -> str:
        if status == 429:
            # The provider's limit a minute is met, not the model's context.
            return "a higher limit at the provider"
        # What the server counted, and room for an answer.
        counts = [int(count) for count in re.findall(r"\b(\d{1,9}) tokens", message)]
        tokens = str(-(-(max(counts) + _ANSWER_ROOM) // 1024) * 1024) if counts else "..."
        if self.route.is_ollama:
            return f"a larger context: num_ctx: {tokens}"
        if self.own_server:
            return (
                f"a larger context of its server: --ctx-size {tokens} at llama.cpp, --max-model-len {tokens} at vLLM"
            )
        return "a model with a larger context"

    def from_litellm(self, error: Exception, timeout: float) -> CallError:
        """Explain an exception of LiteLLM's."""
        name = type(error).__name__
        message = str(error).removeprefix(f"litellm.{name}: ")
        status = getattr(error, "status_code", None)
        if isinstance(error, TimeoutError) or name == "Timeout":
            return self.failure("timeout", message or f"no answer after {timeout:g} s")
        if name == "APIConnectionError" or not isinstance(status, int):
            return self.failure("connection" if "onnect" in name else "bad reply", f"{name}: {message}")
        if name == "ContextWindowExceededError":
            status = 413
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        return self.from_status(status, headers, message)

    def failure(self, reason: CallFailure, message: str) -> CallError:
        """Explain a call that failed without an error status."""
        return CallError(f"{self.route.full_name}: {self.clean(message)}", reason=reason, hint=self._hint(reason))

    def clean(self, text: str) -> str:
        """Shorten a message to one line without keys."""
        return redact_line(text, self.secrets)

    def _hint(self, reason: CallFailure) -> str | None:
        variable, ollama = self.route.key_variables[0], self.route.is_ollama
        if reason == "authentication":
            return f"put a key into the environment variable {variable}, or {variable}=... into a file .env"
        if reason == "not found":
            return f"ollama pull {self.route.model}" if ollama else "check the model's name and api_base"
        if reason == "connection" and ollama:
            return "ollama serve"
        if reason == "too long":
            return self.too_long or f"{_LESS}, or a larger context"
        return None
