"""Which sampling parameters a model takes, by LiteLLM's rules; for most models without importing LiteLLM.

The rules of the fast lane's providers are written here once more (after `get_supported_openai_params` and
`map_openai_params` of LiteLLM 1.91), since importing LiteLLM takes longer than `ragtally check` may. A test holds
them against LiteLLM's own verdicts. Models beyond them are left to LiteLLM.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ragtally import ParameterFault
from ragtally_litellm.routes import FAST, Route
from ragtally_litellm.table import entry, models

# The component's parameters that LiteLLM knows by the same name.
SAMPLING = (
    "temperature",
    "top_p",
    "max_tokens",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "reasoning_effort",
)
_EVERYWHERE = frozenset(SAMPLING) - {"reasoning_effort"} | {"response_format", "seed"}
_OLLAMA = frozenset(SAMPLING) - {"presence_penalty"} | {"response_format", "seed"}
_GPT5 = frozenset({"temperature", "max_tokens", "reasoning_effort", "response_format", "seed"})
_O_SERIES = frozenset({"temperature", "max_tokens", "stop", "reasoning_effort", "seed"})


def asked_for(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write a component's sampling parameters in OpenAI's words, as LiteLLM takes them."""
    asked = {name: parameters[name] for name in SAMPLING if parameters[name] is not None}
    structured = parameters["structured"]
    if isinstance(structured, Mapping):
        schema = {"name": "answer", "schema": dict(structured), "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif structured:
        asked["response_format"] = {"type": "json_object"}
    return asked


def refused(route: Route, asked: Mapping[str, Any]) -> list[ParameterFault] | None:
    """Say which parameters a model does not take."""
    taken = supported(route)
    if taken is None:
        return None
    faults = [_refusal(route, name) for name in asked if name not in taken]
    if route.provider == "openai" and _reasoning_family(route.model):
        faults += _bounds(route, asked)
    schema = asked.get("response_format", {}).get("type") == "json_schema"
    if schema and route.provider == "groq" and not entry("groq", route.model).get("supports_response_schema"):
        message = f"{route.full_name} has no structured output by a schema"
        faults.append(ParameterFault("structured", message, "structured: true, or another model"))
    return faults


def supported(route: Route) -> frozenset[str] | None:
    """Say which parameters a model takes."""
    if not natively_known(route):
        return None
    if route.provider == "ollama_chat":
        return _OLLAMA
    if route.provider == "openai":
        return _of_openai(route.model)
    found = _EVERYWHERE - ({"response_format"} if route.model in ("gpt-4", "gpt-3.5-turbo-16k") else set())
    reasons = route.provider == "hosted_vllm" or entry(route.provider, route.model).get("supports_reasoning")
    if route.provider == "openrouter" and not reasons:
        reasons = entry(*route.model.split("/", 1)).get("supports_reasoning") if "/" in route.model else None
    return found | {"reasoning_effort"} if reasons else found


def natively_known(route: Route) -> bool:
    """Say whether the rules here cover a model; models of other APIs than chat completions are LiteLLM's."""
    if route.provider not in FAST:
        return False
    if route.provider != "openai":
        return True
    odd = "gpt-5" in route.model and ("search" in route.model or "codex" in route.model)
    return not odd and "audio" not in route.model and entry("openai", route.model).get("mode", "chat") == "chat"


def lane_of(route: Route, parameters: Mapping[str, Any]) -> Literal["fast", "litellm"]:
    """Say which lane a model's calls take."""
    return "fast" if natively_known(route) and parameters["lane"] != "litellm" else "litellm"


def names_limit_by_completion(route: Route) -> bool:
    """Say whether the provider calls `max_tokens` `max_completion_tokens` for this model."""
    return route.provider == "openai" and _reasoning_family(route.model) is not None


def _of_openai(model: str) -> frozenset[str]:
    family = _reasoning_family(model)
    if family == "gpt-5":
        return _GPT5 | {"top_p"} if entry("openai", model).get("supports_none_reasoning_effort") else _GPT5
    if family == "o":
        schema = entry("openai", model).get("supports_response_schema")
        return _O_SERIES | {"response_format"} if schema else _O_SERIES
    return _EVERYWHERE - ({"response_format"} if model in ("gpt-4", "gpt-3.5-turbo-16k") else set())


def _reasoning_family(model: str) -> str | None:
    name = model.rpartition("/")[2]
    if "gpt-5" in model and not name.startswith("gpt-5-chat"):
        return "gpt-5"
    if name[:1] == "o" and name[1:2].isdigit() and models().get(name, {}).get("litellm_provider") == "openai":
        return "o"
    return None


def _bounds(route: Route, asked: Mapping[str, Any]) -> list[ParameterFault]:
    faults = []
    known = entry("openai", route.model)
    effort = asked.get("reasoning_effort")
    free = bool(known.get("supports_none_reasoning_effort")) and effort in (None, "none")
    free = free and _reasoning_family(route.model) == "gpt-5"
    if asked.get("temperature", 1) != 1 and not free:
        message = f"{route.full_name} takes no temperature but 1"
        faults.append(ParameterFault("temperature", message, "leave it out"))
    if "top_p" in asked and known.get("supports_none_reasoning_effort") and not free:
        message = f"{route.full_name} takes top_p only where it does not reason"
        faults.append(ParameterFault("top_p", message, "leave it out, or reasoning_effort: none"))
    level = known.get(f"supports_{effort}_reasoning_effort")
    if _reasoning_family(route.model) == "gpt-5" and (
        (effort == "xhigh" and not level) or (effort in ("minimal", "low") and level is False)
    ):
        message = f"{route.full_name} takes no reasoning_effort {effort}"
        faults.append(ParameterFault("reasoning_effort", message, "medium or high"))
    return faults


def _refusal(route: Route, name: str) -> ParameterFault:
    written = "structured" if name == "response_format" else name
    return ParameterFault(
        written,
        f"{route.full_name} takes no {written}",
        f"leave it out, or pass it on unchecked: extra: {{{name}: ...}}",
    )
