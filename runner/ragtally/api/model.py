"""The contract of a language model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ragtally.api.batch import BatchTerms
from ragtally.api.calls import Limits, Price
from ragtally.api.tuning import TuningTerms


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What the engine knows of a model before it builds it.

    Attributes:
        provider: Who is paid and asked, such as `groq` or `ollama_chat`.
        model: The model's name there.
        deterministic: Whether the same messages give the same answer (temperature 0), so that several votes
            would be one.
        takes_seed: Whether a sampling seed can be sent.
        takes_schema: Whether the provider holds an answer to a JSON schema: True where that is known, None where
            it is not known but a schema can be sent, False where none can. It counts in addresses, so it is decided
            from the parameters, without a look at any server.
        limits: How fast it may be asked.
        price: What it costs when it is asked call by call; None where unknown.
        context_tokens: How many tokens a prompt and its answer may have; None where unknown.
        context_grows: Whether a server's context is as long as it is asked to be, up to `context_tokens`. The model
            that is built then is a `RoomyChatModel` too. Like `context_tokens` it is no part of what a call is.
        context_parameter: The component's parameter by which a spec gives the model a larger context; None where it
            has none.
        output_tokens: The most tokens that an answer may have (for bounds on the price); None where unknown.
        batch: How its calls are put into batches; None where they are sent one by one. The model that is built then
            is a `BatchModel` too.
        tuning: How its provider fine-tunes it; None where that is not known of it. The model that is built then is a
            `TunableModel` too.
        in_process: Whether this process computes its answers: a call that is under way when the run is stopped is
            then cut off, since nobody has been paid for it, instead of waited for.
    """

    provider: str
    model: str
    deterministic: bool = False
    takes_seed: bool = True
    takes_schema: bool | None = False
    limits: Limits = field(default_factory=Limits)
    price: Price | None = None
    context_tokens: int | None = None
    context_grows: bool = False
    context_parameter: str | None = None
    output_tokens: int | None = None
    batch: BatchTerms | None = None
    tuning: TuningTerms | None = None
    in_process: bool = False

    @property
    def effective_price(self) -> Price | None:
        """What it costs in the way in which it is asked: the batches' discount is taken off; None where unknown."""
        if self.price is None or self.batch is None:
            return self.price
        return self.price.with_discount(self.batch.discount)


@runtime_checkable
class ChatModel(Protocol):
    """A Haystack ChatGenerator that can be asked asynchronously.

    Failures are raised as `ragtally.CallError` with the fitting `reason`, so that the engine knows what
    to try again; any other exception counts as a failure that does not pass.
    """

    async def run_async(self, messages: list[Any], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once.

        Args:
            messages: Haystack `ChatMessage`s.
            generation_kwargs: Parameters of this call alone, in OpenAI's words: `seed`, and `response_format` with
                a JSON schema unless the traits' `takes_schema` is False.

        Returns:
            `{"replies": [ChatMessage]}`; the reply's `meta` has `model`, `finish_reason` and
            `usage: {"prompt_tokens": n, "completion_tokens": n}` where the provider reports them.
        """
        ...

    async def close(self) -> None:
        """Close connections; the model is not asked again afterwards."""
        ...


@runtime_checkable
class SlottedChatModel(ChatModel, Protocol):
    """A model whose server says how many calls it does at once, so that this need not be found by trying."""

    async def slots(self) -> int | None:
        """Ask the server.

        Returns:
            How many calls it does at once, over all hosts; None where it does not say.
        """
        ...


@runtime_checkable
class RoomyChatModel(ChatModel, Protocol):
    """A model whose server loads it with as much context as it is told to, and again where that changes."""

    def make_room(self, tokens: int) -> None:
        """Say before the first call how much is needed at most.

        Args:
            tokens: Of the longest prompt and its answer, over all calls of the study; at least.
        """
        ...


@runtime_checkable
class PlainChatModel(ChatModel, Protocol):
    """A model that is a third party's Haystack chat generator, for `ragtally export pipeline`."""

    def plain(self) -> Any:
        """Give the generator itself; asked for where no seed is sent, which differs from prompt to prompt.

        Returns:
            A new Haystack component with the same parameters.
        """
        ...
