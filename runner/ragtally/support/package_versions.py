"""Which versions of which packages are installed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata


def versions_with_requirements(packages: Iterable[str]) -> dict[str, str]:
    """The versions of packages and of what they need in any case, by name; what is not installed is left out."""
    names = set(packages)
    names |= {name for package in names for name in _requirements(package)}
    return {name: version for name in sorted(names) if (version := installed_version(name)) is not None}


def installed_version(package: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _requirements(package: str) -> list[str]:
    try:
        requirements = metadata.requires(package) or ()
    except metadata.PackageNotFoundError:
        return []
    return [re.split(r"[^\w.-]", each)[0] for each in requirements if "extra ==" not in each]
