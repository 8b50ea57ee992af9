"""What a spec says of batches, and where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ragtally import BatchTerms, ParameterFault
from ragtally_litellm.routes import Route

# The providers whose batch API is OpenAI's: files of JSON lines, answered by POST /batches.
BATCHING = ("groq", "openai")
# What both state (platform.openai.com/docs/guides/batch, console.groq.com/docs/batch); Groq stated 0.25 before.
_DISCOUNT = 0.5
_BYTES_PER_MEGABYTE = 1_000_000


def batch_terms(parameters: Mapping[str, Any]) -> BatchTerms | None:
    """Say how calls are put into batches."""
    if parameters["delivery"] == "live":
        return None
    given = {"discount": _DISCOUNT, **parameters["batch"]}
    if "megabytes" in given:
        given["bytes"] = round(given.pop("megabytes") * _BYTES_PER_MEGABYTE)
    return BatchTerms(then_live=parameters["delivery"] == "batch_then_live", **given)


def batch_faults(route: Route, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    """Find what is wrong with a wish for batches."""
    if parameters["delivery"] == "live":
        if parameters["batch"]:
            yield ParameterFault("batch", "calls are sent one by one, so this says nothing", "add delivery: batch")
        return
    if route.provider not in BATCHING:
        message = f"the batch API of {route.provider} is not known here"
        yield ParameterFault("delivery", message, f"delivery: live; batches are for {' and '.join(BATCHING)}")
    elif parameters["lane"] == "litellm":
        message = "batches are not sent through LiteLLM, which does not know Groq's"
        yield ParameterFault("lane", message, "leave lane out, or delivery: live")
    if isinstance(parameters["api_base"], list):
        yield ParameterFault("api_base", "a batch goes to one server, not to several", "name one URL")
    if parameters["usd_per_hour"] is not None:
        message = "a batch is paid by tokens, not by the hour"
        yield ParameterFault("usd_per_hour", message, "price: {input: ..., output: ...}, without the discount")
