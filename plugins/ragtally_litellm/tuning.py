"""Fine-tuning as OpenAI has it, and servers of its kind: a file of chats goes in, a job makes a model of one's own.

Sources: platform.openai.com/docs/guides/supervised-fine-tuning, and openai/types/fine_tuning of the package openai 2.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ragtally import CallError, LossPoint, TuningSettings, TuningState, TuningStatus
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.file_requests import FileRequests, text_of

# The metadata's key that holds our name of a job.
_NAME = "ragtally"
_PATH = "/fine_tuning/jobs"
# Any other status (validating_files, queued, running, paused) has not ended.
_ENDS: Mapping[str, TuningStatus] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
# What of our name stands in the new model's name, which is a short one at some servers.
_SUFFIX_DIGITS = 8
_NOT_OFFERED = (404, 405, 501)
_NOT_TUNABLE = re.compile(r"fine-?\s?tun", re.I)
_OTHER_CAUSE = re.compile(r"\b(?:model|file|job)\b", re.I)


class FileTuningJobs:
    """Talks to the files and fine-tuning jobs of one provider; see `ragtally.api.TuningJobs`."""

    def __init__(self, requests: FileRequests, model: str, errors: CallErrors, *, is_openai: bool) -> None:
        self._requests, self._model, self._errors, self._is_openai = requests, model, errors, is_openai

    async def upload(self, path: Path) -> str:
        return self._requests.id_of(await self._requests.upload(path, "fine-tune"), "file")

    async def submit(self, file_id: str, name: str, settings: TuningSettings) -> TuningState:
        numbers = {
            "n_epochs": settings.epochs,
            "batch_size": settings.batch,
            "learning_rate_multiplier": settings.rate_multiplier,
        }
        numbers = {key: value for key, value in numbers.items() if value is not None}
        content: dict[str, Any] = {
            "model": self._model,
            "training_file": file_id,
            "suffix": f"ragtally-{name[:_SUFFIX_DIGITS]}",
            "metadata": {_NAME: name},
        }
        if settings.seed is not None:
            content["seed"] = settings.seed
        if self._is_openai:
            content["method"] = {"type": "supervised", "supervised": {"hyperparameters": numbers}}
        else:
            # What OpenAI had before `method`, and servers of its kind have learnt of it.
            content["hyperparameters"] = numbers
        with self._explained():
            return self._state(await self._requests.ask("POST", _PATH, content))

    async def look(self, job_id: str) -> TuningState:
        return self._state(await self._requests.ask("GET", f"{_PATH}/{quote(job_id, safe='')}"))

    async def losses(self, job_id: str, epochs: int) -> tuple[Sequence[LossPoint], int]:
        points: dict[int, LossPoint] = {}
        steps = 0
        with self._explained():
            async for event in self._requests.rows(f"{_PATH}/{quote(job_id, safe='')}/events"):
                data = event.get("data")
                data = data if isinstance(data, dict) else {}
                step = _whole(data.get("step"))
                if step is None:
                    continue
                steps = max(steps, _whole(data.get("total_steps")) or 0)
                train, dev = (_number(data.get(name)) for name in ("train_loss", "valid_loss"))
                if train is not None or dev is not None:
                    points.setdefault(step, LossPoint(step, 0.0, train, dev))
        per_step = epochs / steps if steps else 0.0
        losses = [LossPoint(step, step * per_step, points[step].train, points[step].dev) for step in sorted(points)]
        return losses, steps

    async def listed(self) -> AsyncIterator[TuningState]:
        with self._explained():
            async for row in self._requests.rows(_PATH):
                yield self._state(row)

    async def cancel(self, job_id: str) -> TuningState:
        return self._state(await self._requests.ask("POST", f"{_PATH}/{quote(job_id, safe='')}/cancel", {}))

    async def close(self) -> None:
        """Nothing stays open between requests."""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what a refusal means here, and what to do about it."""
        try:
            yield
        except CallError as error:
            if error.status in _NOT_OFFERED and not _OTHER_CAUSE.search(error.message.partition(": ")[2]):
                raise CallError(
                    f"the server of {self._errors.route.full_name} has no fine-tuning jobs (it answered "
                    f"{error.status} to {_PATH})",
                    reason=error.reason,
                    status=error.status,
                    hint="check api_base; where nobody offers it, let a reader train here, such as lora or encoder",
                ) from None
            if error.reason == "daily quota":
                error.hint = "add credit, or a higher limit, at the provider; then run the same command"
            elif error.reason in ("not found", "bad request") and _NOT_TUNABLE.search(error.message):
                error.hint = "name another model, one that the provider fine-tunes: its whole name, with the date"
            raise

    def _state(self, content: Mapping[str, Any]) -> TuningState:
        metadata, error = content.get("metadata"), content.get("error")
        message = text_of(error.get("message")) if isinstance(error, dict) else None
        return TuningState(
            id=self._requests.id_of(content, "fine-tuning job"),
            status=_ENDS.get(str(content.get("status")), "running"),
            name=text_of(metadata.get(_NAME)) if isinstance(metadata, dict) else None,
            file_id=text_of(content.get("training_file")),
            model=text_of(content.get("fine_tuned_model")),
            # Before its end some say 0.
            trained_tokens=_whole(content.get("trained_tokens")),
            created_at=_number(content.get("created_at")),
            ends_at=_number(content.get("estimated_finish")),
            message=self._errors.clean(message) if message else _waiting(content.get("status")),
        )


def _waiting(status: Any) -> str | None:
    return status.replace("_", " ") if isinstance(status, str) and status not in _ENDS else None


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
