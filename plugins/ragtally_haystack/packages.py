"""Which packages a spec may name classes of: the user says so in the environment, a spec never can."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ragtally import PluginError
from ragtally_haystack.definition import Definition, Fault, classes, mappings

# The environment variable that allows more packages: import names, separated by commas.
VARIABLE = "RAGTALLY_HAYSTACK_PACKAGES"
# The packages that are allowed anyway.
ALWAYS = ("haystack", "haystack_integrations")

# The package as which transformers imports code that it downloaded with a model.
_REMOTE_CODE = "transformers_modules"


def allowed_packages() -> tuple[str, ...]:
    """Read which packages are allowed."""
    more = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    for name in more:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            raise PluginError(
                f"the environment variable {VARIABLE} holds {name!r}, which is no import name of a package",
                hint=f"{VARIABLE}=my_package,another_one",
            )
    return tuple(dict.fromkeys((*ALWAYS, *more)))


def refusals(definition: Definition) -> Iterator[Fault]:
    """Say which of the named classes may not even be imported."""
    packages = allowed_packages()
    for name in classes(definition):
        if not _lies_in(name, packages):
            package = name.partition(".")[0]
            yield Fault(
                f"{name} is outside of the packages that a spec may use: {', '.join(packages)}",
                f"if you trust the package, allow it in the environment: {VARIABLE}={package}",
            )
        elif name.startswith(tuple(f"{package}.tools." for package in ALWAYS)):
            yield Fault(f"{name} is a tool, and nothing in a benchmark calls tools", "remove it")
    if _REMOTE_CODE not in packages and any(
        mapping.get("trust_remote_code") for mapping in mappings(definition.parameters)
    ):
        yield Fault(
            "trust_remote_code would run code that comes with a model",
            f"remove it; if you trust the model, allow it in the environment: {VARIABLE}={_REMOTE_CODE}",
        )


def _lies_in(name: str, packages: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{package}.") for package in packages)
