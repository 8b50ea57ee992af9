"""Calls of language models: what is sent, what comes back, within which limits, at which price."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt.

    Attributes:
        role: Who speaks.
        content: The words.
    """

    role: Literal["system", "user", "assistant"]
    content: str


Prompt = tuple[Message, ...]
"""The exact messages of one call."""


CallPurpose = Literal["label", "measure", "judge", "pool", "generate", "validate", "repair", "evolve"]
"""What a call is for; equal prompts that are asked for two purposes are two calls."""


@dataclass(frozen=True, slots=True)
class Call:
    """One question put to a model once.

    Attributes:
        key: What the call is: a hash of the model's identity (provider, resolved model, every sampling
            parameter, fingerprint), the exact messages, the purpose, the vote's index, and the schema where there is
            one. Equal calls have equal keys in every study, and are paid for once.
        messages: The prompt.
        purpose: What it is for.
        vote: The vote's index from 0.
        seed: The sampling seed to send (see `sampling_seed`); None for a model that takes none.
        schema: The JSON schema that the answer is to keep to; None where any text will do.
    """

    key: str
    messages: Prompt
    purpose: CallPurpose
    vote: int
    seed: int | None
    schema: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """What of a request differs from call to call, in OpenAI's words."""
        return call_parameters(self.seed, self.schema)


def call_parameters(seed: int | None, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write the parameters of one call, as `ChatModel.run_async` takes them.

    Args:
        seed: The sampling seed; None for none.
        schema: The JSON schema of the answer; None for none.

    Returns:
        `seed` and `response_format` as far as there are any, in OpenAI's words.
    """
    parameters: dict[str, Any] = {} if seed is None else {"seed": seed}
    if schema is not None:
        form = {"name": "answer", "schema": dict(schema), "strict": True}
        parameters["response_format"] = {"type": "json_schema", "json_schema": form}
    return parameters


def sampling_seed(messages: Prompt, purpose: str, vote: int) -> int:
    """Derive the seed of one call's sampling.

    One seed for all prompts of a vote would couple their noise: where it makes the model ramble, it does so on many
    questions at once, while votes, intervals and tests take questions as independent.

    Args:
        messages: The prompt.
        purpose: What the call is for, as in `Call`.
        vote: The vote's index from 0.

    Returns:
        A number of 31 bits, which every provider takes.
    """
    # Hashed as it is, since this is done for every call of a study: writing it as JSON takes five times as long.
    digest = hashlib.blake2b(f"{purpose} {vote}".encode(), digest_size=4)
    for message in messages:
        content = message.content.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big") + content)
    return int.from_bytes(digest.digest(), "big") >> 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered to one call.

    Attributes:
        text: The answer's words; may be empty.
        finish_reason: Why the model stopped: `stop`, `length` (cut off at the largest number of tokens),
            `content_filter`, or another word of the provider's; None where it does not say.
        input_tokens: Tokens put in; None where unknown.
        output_tokens: Tokens that came out, reasoning included; None where unknown.
        tokens_estimated: Whether the tokens were counted by a tokenizer here, since the provider told none.
        seconds: For how long it kept the model busy: from sending the request to having the whole answer; where calls
            are in flight side by side, or in a batch, its share of that time, so that the seconds of all calls add up
            to the time that they took.
        served_by: The model's name as the provider told it; None where it does not.
        cached_tokens: How many of the tokens put in the provider had in its cache, which may cost less; None where it
            does not say.
    """

    text: str
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    tokens_estimated: bool
    seconds: float
    served_by: str | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a model may be asked.

    Attributes:
        concurrency: The most calls in flight at once, over all hosts; None for as many as the server answers faster
            for.
        requests_per_minute: At most so many calls a minute; None for no stated limit.
        tokens_per_minute: At most so many tokens (in and out) a minute; None for no stated limit.
        requests_per_day: The provider's daily quota, for the plan's estimate; None for none stated.
        timeout: Seconds within which a call is to be answered. What a call waits in the server's queue behind others
            of the same run is no fault of its own: it is sent again.
        retries: How often a call that failed for a reason that may pass is tried again.
        in_flight_at_first: Calls in flight at first, 1 for one's own server; None for `concurrency`, or 8 where that
            is not stated either.
    """

    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    timeout: float = 120.0
    retries: int = 6
    in_flight_at_first: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs; either by tokens or by the hour.

    Attributes:
        input: US dollars per million tokens put in.
        output: US dollars per million tokens that come out.
        usd_per_hour: US dollars per hour of one's own machine.
        cached_input: US dollars per million tokens put in that the provider had in its cache; None for `input`.
    """

    input: float | None = None
    output: float | None = None
    usd_per_hour: float | None = None
    cached_input: float | None = None

    def with_discount(self, discount: float) -> Price:
        """Take a discount off.

        Args:
            discount: The share that is saved, from 0 to 1.

        Returns:
            The lower price.
        """
        costs = (self.input, self.output, self.usd_per_hour, self.cached_input)
        return Price(*(None if cost is None else cost * (1 - discount) for cost in costs))

    def dollars(
        self, input_tokens: int | None, output_tokens: int | None, seconds: float, cached_tokens: int | None = None
    ) -> float | None:
        """Price one call.

        Args:
            input_tokens: Tokens put in, those in the provider's cache included.
            output_tokens: Tokens that came out.
            seconds: How long the call kept the machine busy.
            cached_tokens: How many of the tokens put in were in the provider's cache; None for none.

        Returns:
            US dollars; None where a token count or a price is unknown.
        """
        if self.usd_per_hour is not None:
            return self.usd_per_hour * seconds / 3600
        if self.input is None or self.output is None or input_tokens is None or output_tokens is None:
            return None
        cached = 0 if self.cached_input is None else min(cached_tokens or 0, input_tokens)
        full = self.input * (input_tokens - cached) + self.output * output_tokens
        return (full + (self.cached_input or 0.0) * cached) / 1_000_000
