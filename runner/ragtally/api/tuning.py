"""The contract of fine-tuning by a provider: a file of examples goes in, a model of one's own comes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from ragtally.api.reader import PromptingReader
from ragtally.api.training import LossPoint

TuningStatus = Literal["running", "succeeded", "failed", "cancelled"]
"""How a fine-tuning job stands; all but the first are ends."""

TUNED_PARAMETER: Mapping[str, Any] = {
    "type": "null",
    "default": None,
    "description": "Left out of a spec: a reader that has the model fine-tuned fills it in.",
    "x-ragtally-identity": "if set",
}
"""The schema of the parameter `tuned`, which every model declares that can be fine-tuned.

The engine gives it the address of the training, in the place of the name that the provider gives the new model: the
same examples make the same addresses and keys of calls, whoever trains. The traits then are those of the new model.
"""


@dataclass(frozen=True, slots=True)
class TuningTerms:
    """How a model is fine-tuned by its provider.

    Attributes:
        price: US dollars per million tokens that it is trained on, each as often as it is gone through; None where
            unknown.
        poll_seconds: Seconds between two looks at a running job.
        settle_seconds: Seconds after which a job whose acceptance was not heard of is listed by the provider, if it
            was accepted at all.
    """

    price: float | None = None
    poll_seconds: float = 30.0
    settle_seconds: float = 60.0

    def dollars(self, tokens: int) -> float | None:
        """What training on so many tokens costs; None where the price is unknown."""
        return None if self.price is None else self.price * tokens / 1_000_000


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """How a reader wants its model to be fine-tuned.

    Attributes:
        epochs: How often the examples are gone through.
        batch: After how many examples the weights change; None for the provider's choice.
        rate_multiplier: By how much the provider's learning rate is multiplied; None for its choice.
        seed: The seed for whatever is random.
    """

    epochs: int
    batch: int | None = None
    rate_multiplier: float | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class TuningState:
    """What the provider says of a fine-tuning job.

    Attributes:
        id: The provider's id of it.
        status: How it stands.
        name: The name that it was submitted under; None where the provider does not give it back.
        file_id: The id of its file of examples.
        model: The name of the new model; None before there is one.
        trained_tokens: How many tokens are paid for; None where unknown.
        created_at: When it was accepted, in seconds of the epoch; None where unknown.
        ends_at: When it is over, as the provider estimates; None where it does not say.
        message: Why it failed, or what it is waiting for; None for nothing.
    """

    id: str
    status: TuningStatus
    name: str | None = None
    file_id: str | None = None
    model: str | None = None
    trained_tokens: int | None = None
    created_at: float | None = None
    ends_at: float | None = None
    message: str | None = None


class TuningJobs(Protocol):
    """Talks to a provider of fine-tuning. Failures are raised as `CallError`; nothing is tried again here.

    `submit` must raise a `CallError` with a `status` below 500 only where the job was not accepted: the engine then
    ends. After any other failure it first looks among `listed` for a job with that name or file.
    """

    async def upload(self, path: Path) -> str:
        """Hand over a file of examples; it costs nothing before it is submitted.

        Args:
            path: JSON Lines, each `{"messages": [{"role": ..., "content": ...}, ...]}`, the answer last.

        Returns:
            The file's id.
        """
        ...

    async def submit(self, file_id: str, name: str, settings: TuningSettings) -> TuningState:
        """Have the model fine-tuned; this is what is paid for.

        Args:
            file_id: The file of examples.
            name: Is kept with the job, so that it can be found again.
            settings: How it is trained.
        """
        ...

    async def look(self, job_id: str) -> TuningState:
        """Ask how a job stands.

        Args:
            job_id: The job.
        """
        ...

    async def losses(self, job_id: str, epochs: int) -> tuple[Sequence[LossPoint], int]:
        """Read the losses of a job.

        Args:
            job_id: The job.
            epochs: How many epochs it has.

        Returns:
            The losses in the order of steps, and how many steps there are in all (0 where it is not known).
        """
        ...

    def listed(self) -> AsyncIterator[TuningState]:
        """List the jobs that the provider knows of, the latest first."""
        ...

    async def cancel(self, job_id: str) -> TuningState:
        """End a job early; what it was trained on by then may be paid.

        Args:
            job_id: The job.
        """
        ...

    async def close(self) -> None:
        """Close connections; another request opens new ones."""
        ...


@runtime_checkable
class TunableModel(Protocol):
    """A chat model that can be fine-tuned; its traits then hold `TuningTerms`, and it declares `TUNED_PARAMETER`."""

    def tuning_jobs(self) -> TuningJobs:
        """Make what talks to the provider of fine-tuning; no connection is made yet."""
        ...

    def answer_as(self, model: str) -> None:
        """Ask another model from now on; called before the first call of one that is fine-tuned.

        Args:
            model: The name that the provider has given it.
        """
        ...


@runtime_checkable
class TuningReader(PromptingReader, Protocol):
    """A prompting reader whose model is fine-tuned first, on the prompts that it writes and the right replies."""

    def replies(self, labels: Sequence[str], answers: tuple[str, ...]) -> Sequence[str]:
        """Write what the model is to learn to reply.

        Args:
            labels: Right answers, one per example; `ABSTENTION` where a question cannot be answered.
            answers: The declared answers; none where answers are open.

        Returns:
            One reply per label, in the form that the prompts ask for.
        """
        ...

    def tuning(self) -> TuningSettings:
        """Say how the model is to be fine-tuned."""
        ...
