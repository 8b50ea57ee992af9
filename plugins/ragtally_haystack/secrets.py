"""Keys: Haystack's own secrets that name environment variables, never a key written into a spec."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragtally.support.secrets import looks_secret, redact
from ragtally_haystack.definition import Definition, Fault, mappings

# The type of a secret that names environment variables.
ENVIRONMENT = "env_var"

_HINT = "name an environment variable: {type: env_var, env_vars: [MY_API_KEY]}"
_SECRET_NAME = re.compile(
    r"(^|_)(api_?key|access_?key|secret(_key)?|password|passwd|authorization|credentials?)$"
    r"|^(api_|access_|auth_|bearer_|hf_|client_)?token$|^x-api-key$",
    re.IGNORECASE,
)


def written_out(definition: Definition) -> Iterator[Fault]:
    """Find keys that stand in a spec; what was written is never repeated."""
    for mapping in mappings(definition.parameters):
        kind = mapping.get("type")
        if kind == "token":
            yield Fault("a token has no place in a spec: specs are shared, keys are not", _HINT)
        elif kind == ENVIRONMENT:
            yield from _variables(mapping)
        for name, value in mapping.items():
            if isinstance(value, str) and value and _SECRET_NAME.search(name):
                yield Fault(f"{name} has no place in a spec: specs are shared, keys are not", _HINT)
            elif any(looks_secret(text) for text in (name, *_texts(value))):
                message = f"{name} holds what looks like a key or a password: specs are shared, keys are not"
                yield Fault(redact(message), _HINT)


def complete(value: Mapping[str, Any]) -> dict[str, Any]:
    """Fill up a secret: Haystack reads none without `strict`."""
    return {"strict": True, **value}


def is_secret(value: Any) -> bool:
    """Say whether a value is a secret that names environment variables."""
    return isinstance(value, Mapping) and value.get("type") == ENVIRONMENT


def _variables(secret: Mapping[str, Any]) -> Iterator[Fault]:
    names = secret.get("env_vars")
    unknown = sorted(secret.keys() - {"type", "env_vars", "strict"})
    if unknown:
        yield Fault(f"a secret has no {unknown[0]!r}", _HINT)
    elif not isinstance(names, list) or not names:
        yield Fault("a secret names one or more environment variables", _HINT)
    elif not all(isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name) for name in names):
        yield Fault("a secret names environment variables, and one of these is no name", _HINT)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
