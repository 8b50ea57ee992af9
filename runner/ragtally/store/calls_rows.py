"""What goes into the call store and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ragtally.api import canonical_json


@dataclass(frozen=True, slots=True)
class CallAbout:
    """Who is asked; the same for all calls of a model."""

    provider: str  # Who is paid, such as `groq`
    model: str  # The model's name there
    # The model's identity as the calls' keys hold it: every sampling parameter, the fingerprint.
    parameters: Mapping[str, Any]
    parameters_text: str = field(init=False, repr=False, compare=False)  # The parameters as JSON

    def __post_init__(self) -> None:
        # Written out once a model, not once a call.
        object.__setattr__(self, "parameters_text", canonical_json(self.parameters))


@dataclass(frozen=True, slots=True)
class FailedCall:
    """The last failure of a call that has no answer."""

    at: str  # When it failed: UTC, ISO 8601
    reason: str  # What kind of failure it was (`ragtally.CallFailure`)
    status: int | None  # The HTTP status, where there was one
    message: str  # What was wrong
    tried: int  # How often the call has failed


@dataclass(frozen=True, slots=True)
class Spending:
    """What was paid to one provider for one model and purpose."""

    provider: str  # Who was paid
    model: str
    purpose: str  # `label` or `measure`
    calls: int  # How many calls were answered
    input_tokens: int | None  # Tokens put in, over the calls that tell
    calls_without_input_tokens: int  # How many calls do not tell
    output_tokens: int | None  # Tokens that came out, over the calls that tell
    calls_without_output_tokens: int  # How many calls do not tell
    calls_with_estimated_tokens: int  # For how many calls the tokens were counted here
    dollars: float | None  # US dollars, over the calls with a price; None where no call has one
    calls_without_price: int  # How many calls have none
    seconds: float  # Seconds that the calls took, one after the other
    first_at: str  # When the first answer came: UTC, ISO 8601
    last_at: str  # When the last one came


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How often calls failed for one reason."""

    reason: str  # The kind of failure
    attempts: int  # How many attempts failed so
    calls: int  # How many different calls that were
    unanswered: int  # How many of these still have no answer
    last_at: str  # When it happened last: UTC, ISO 8601
