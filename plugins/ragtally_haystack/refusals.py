"""What a spec may not say: classes of packages that the user has not allowed, code of a model's own, and keys."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragtally import PluginError
from ragtally.support.secrets import looks_secret, redact
from ragtally_haystack.definition import Definition, Fault, class_names, mappings

# The environment variable that allows more packages: import names, separated by commas.
VARIABLE = "RAGTALLY_HAYSTACK_PACKAGES"
# The packages that are allowed anyway.
ALWAYS = ("haystack", "haystack_integrations")

# The package as which transformers imports code that it downloaded with a model.
_REMOTE_CODE = "transformers_modules"
# The type of a secret that names environment variables.
ENVIRONMENT = "env_var"

_HINT = "name an environment variable: {type: env_var, env_vars: [MY_API_KEY]}"
_SECRET_NAME = re.compile(
    r"(^|_)(api_?key|access_?key|secret(_key)?|password|passwd|authorization|credentials?)$"
    r"|^(api_|access_|auth_|bearer_|hf_|client_)?token$|^x-api-key$",
    re.IGNORECASE,
)


def allowed_packages() -> tuple[str, ...]:
    """Read which packages are allowed."""
    more = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    for name in more:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            raise PluginError(
                f"the environment variable {VARIABLE} holds {name!r}, which is not an import name of a package",
                hint=f"{VARIABLE}=my_package,another_one",
            )
    return tuple(dict.fromkeys((*ALWAYS, *more)))


def refusals(definition: Definition) -> Iterator[Fault]:
    """List what is refused before anything that a definition names is imported."""
    for name in class_names(definition):
        fault = class_refusal(name)
        if fault is not None:
            yield fault
    if _REMOTE_CODE not in allowed_packages() and any(
        mapping.get("trust_remote_code") for mapping in mappings(definition.parameters)
    ):
        yield Fault(
            "trust_remote_code would run code that comes with a model",
            f"remove it; if you trust the model, allow it in the environment: {VARIABLE}={_REMOTE_CODE}",
        )
    yield from _keys(definition)


def class_refusal(name: str) -> Fault | None:
    """Return why a class must not even be imported; None where it may be."""
    packages = allowed_packages()
    if not any(name.startswith(f"{package}.") for package in packages):
        return Fault(
            f"{name} is outside of the packages that a spec may use: {', '.join(packages)}",
            f"if you trust the package, allow it in the environment: {VARIABLE}={name.partition('.')[0]}",
        )
    if name.startswith(tuple(f"{package}.tools." for package in ALWAYS)):
        return Fault(f"{name} is a tool, and nothing in a benchmark calls tools", "remove it")
    return None


def _keys(definition: Definition) -> Iterator[Fault]:
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
    """Whether a value is a secret that names environment variables."""
    return isinstance(value, Mapping) and value.get("type") == ENVIRONMENT


def _variables(secret: Mapping[str, Any]) -> Iterator[Fault]:
    names = secret.get("env_vars")
    unknown = sorted(secret.keys() - {"type", "env_vars", "strict"})
    if unknown:
        yield Fault(f"a secret has no {unknown[0]!r}", _HINT)
    elif not isinstance(names, list) or not names:
        yield Fault("a secret names one or more environment variables", _HINT)
    elif not all(isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name) for name in names):
        yield Fault("a secret names environment variables, and one of these is not a name", _HINT)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
