"""Names that only add a date or a provider mean the same model."""

from __future__ import annotations

import pytest

from ragtally.support.model_names import is_same_model


@pytest.mark.parametrize(
    ("asked", "served", "same"),
    [
        ("m", "m", True),
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4", "gpt-4-0613", True),
        ("claude-sonnet-4", "anthropic/claude-sonnet-4-20250514", True),
        ("openai/gpt-oss-20b", "gpt-oss-20b", True),
        ("mistral-small-latest", "mistral-small-2409", True),
        ("meta-llama/llama-3:free", "meta-llama/Llama-3", True),
        ("llama3.1", "llama3.1:latest", True),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", False),
        ("gpt-4o", "gpt-4o-mini", False),
        ("llama3.1:8b", "llama3.1:70b", False),
        ("m", "tiny-fallback", False),
    ],
)
def test_a_date_or_a_provider_makes_no_other_model(asked: str, served: str, same: bool) -> None:
    assert is_same_model(asked, served) == same
    assert is_same_model(served, asked) == same
