"""LiteLLM's own verdict on parameters, for models whose rules only it knows."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from ragtally import ParameterFault
from ragtally_litellm.quiet import load_litellm
from ragtally_litellm.routes import Route


@functools.cache
def supported_by_library(route: Route) -> frozenset[str]:
    """Ask LiteLLM which parameters a model takes."""
    return frozenset(load_litellm().get_supported_openai_params(route.model, route.provider) or ())


def refused_by_library(route: Route, asked: Mapping[str, Any]) -> list[ParameterFault]:
    """Ask LiteLLM which parameters a model refuses."""
    return list(_verdict(route, json.dumps(asked, sort_keys=True))) if asked else []


@functools.cache
def dimensions_refused_by_library(route: Route, dimensions: int) -> list[ParameterFault]:
    """Ask LiteLLM whether a model makes vectors of a length that one chooses."""
    litellm = load_litellm()
    try:
        litellm.utils.get_optional_params_embeddings(
            model=route.model, custom_llm_provider=route.provider, dimensions=dimensions, drop_params=False
        )
    except (litellm.UnsupportedParamsError, litellm.BadRequestError):
        return [ParameterFault("dimensions", f"{route.full_name} takes no dimensions", "leave it out")]
    return []


@functools.cache
def _verdict(route: Route, asked: str) -> tuple[ParameterFault, ...]:
    given = json.loads(asked)
    hint = "leave it out, or pass it on unchecked under extra"
    unknown = [name for name in given if name not in supported_by_library(route)]
    if unknown:
        written = ["structured" if name == "response_format" else name for name in unknown]
        return tuple(ParameterFault(name, f"{route.full_name} takes no {name}", hint) for name in written)
    litellm = load_litellm()
    try:
        litellm.utils.get_optional_params(
            model=route.model, custom_llm_provider=route.provider, drop_params=False, **given
        )
    except (litellm.UnsupportedParamsError, litellm.BadRequestError) as error:
        said = " ".join(str(error).split()).removeprefix("litellm.UnsupportedParamsError: ")
        blamed = next((name for name in given if name in said), None)
        return (ParameterFault(blamed, f"{route.full_name}: {said.partition('To drop')[0].strip()[:200]}", hint),)
    return ()
