"""One's own server as `ragtally new` writes it into a spec: whose API it speaks, what its models are called."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import requests

from ragtally import DataError, Starter
from ragtally.support.environment import environment, first_value
from ragtally_litellm.needs import TIMEOUT, fault_of, model_entries
from ragtally_litellm.own_api import is_ollama
from ragtally_litellm.routes import NATIVE, Route, authorization

LOG = logging.getLogger("ragtally.servers")
# By what servers say of who owns their models: the others are asked as OpenAI's like.
_PROVIDERS = {"vllm": "hosted_vllm"}
_PREFIXES = ("openai", "hosted_vllm")


def at_server(model: str | None, url: str) -> Starter:
    """Write a model at a server; where it is not named, the server's only one."""
    base = _base(url)
    root = base.removesuffix("/v1")
    base, entries = _listing([base] if base != root else [base, f"{base}/v1"])
    names = [str(entry["id"]) for entry in entries]
    if is_ollama(root):
        # Ollama would cut a prompt at 4,096 tokens.
        name = _pick(model, root, names)
        return Starter({"model": f"ollama_chat/{name}", "api_base": root, "usd_per_hour": 0, "num_ctx": 8192})
    name = _pick(model, base, names)
    owners = {str(entry.get("owned_by")) for entry in entries}
    provider = next((provider for owner, provider in _PROVIDERS.items() if owner in owners), "openai")
    # llama.cpp lists the path of its file, and answers under any name.
    short = PurePath(name).name if name.endswith(".gguf") else name
    # One's own machine sends no bill.
    free = {"usd_per_hour": 0} if base.startswith("http://") else {}
    return Starter({"model": f"{provider}/{short}", "api_base": base, **free})


def _base(url: str) -> str:
    base = url.rstrip("/").removesuffix("/chat/completions").removesuffix("/models")
    return base if "://" in base else f"http://{base}"


def _listing(bases: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """Find out under which URL a server lists its models."""
    key = first_value(NATIVE["openai"].key_variables, environment())
    failure = ""
    for base in bases:
        try:
            response = requests.get(
                f"{base}/models", headers=authorization(key), timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            failure = type(error).__name__
            continue
        if response.status_code == 200 and (entries := model_entries(response)):
            return base, entries
        failure = f"its list of models answers {response.status_code}"
    LOG.warning("%s does not say which models it has (%s): the spec takes your word for it", bases[-1], failure)
    return bases[-1], []


def _pick(model: str | None, base: str, names: Sequence[str]) -> str:
    text = ", ".join(names)
    if model is None:
        if len(names) == 1:
            return names[0]
        message = f"{base} has several models: {text}" if names else f"it is not known which models {base} has"
        raise DataError(message, hint="name one: --model NAME")
    prefix, _, rest = model.partition("/")
    if prefix in _PREFIXES and model not in names:
        model = rest
    if (fault := fault_of(Route("openai", model), base, names)) is not None:
        raise DataError(fault.what, hint="name one of those: --model NAME")
    return model
