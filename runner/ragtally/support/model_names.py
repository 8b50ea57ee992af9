"""Whether two names mean one model: providers answer with a date, a provider or a tag added to what was asked for."""

from __future__ import annotations

import re

# gpt-4o-2024-08-06, claude-sonnet-4-20250514, gpt-4-0613, mistral-small-2409, gemini-2.5-pro-preview-05-06, @20240620
_DATE = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6}|\d\d-\d\d|\d{4})$")
_TAG = re.compile(r"(?::(?:latest|free|nitro|floor)|-latest)$")


def is_same_model(asked: str, served: str) -> bool:
    """Whether a reply's name of its model is the one asked for.

    Args:
        asked: The model's name at the provider, as the spec has it.
        served: What the reply says.

    Returns:
        Whether they differ by case, provider, a tag such as `latest`, or a date that only one of them has.
    """
    one, other = _bare(asked), _bare(served)
    return one == other or _DATE.sub("", one) == other or one == _DATE.sub("", other)


def _bare(name: str) -> str:
    return _TAG.sub("", name.strip().lower().rpartition("/")[2])
