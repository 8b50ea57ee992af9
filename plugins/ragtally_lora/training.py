"""The training of adapters: loss on the answers' tokens alone, early stopping, and checkpoints to go on from."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from ragtally import DataError, LossPoint, TrainingSession, TrainingStep
from ragtally.support.local_models import memory_error
from ragtally_lora.base import Base, State
from ragtally_lora.texts import Exchange

LOG = logging.getLogger("ragtally.lora")
_LARGEST_NORM = 1.0
_USUAL_RATE = 2e-4
# How many points of a loss curve are enough.
_POINTS = 200
_CHECKPOINT, _DRAFT = "checkpoint", "checkpoint.part"
_PROGRESS = "progress.json"


@dataclass(frozen=True)
class Settings:
    """What a spec says of the training."""

    epochs: int
    rate: float
    schedule: str
    warmup: float
    batch: int
    accumulation: int
    patience: int
    checkpoint_every: int

    @property
    def per_step(self) -> int:
        """How many examples a step of the optimiser learns from."""
        return self.batch * self.accumulation


@dataclass
class _Progress:
    """How far a training is."""

    step: int = 0
    first: float | None = None  # The loss before anything was learnt
    best: float | None = None  # The lowest loss on the examples put aside
    since_best: int = 0  # Epochs since then
    loss_sum: float = 0.0  # Since the last point of the curve
    losses: int = 0
    best_state: State = field(default_factory=dict)


@dataclass
class Training:
    """One training of a base's adapters."""

    base: Base
    train: Sequence[Exchange]
    dev: Sequence[Exchange]
    settings: Settings
    seed: int
    session: TrainingSession

    def run(self) -> State:
        """Train to the end, or to where the loss on the examples put aside no longer falls."""
        try:
            return self._run()
        except RuntimeError as error:
            raise memory_error("the base", self.settings.batch, "examples", error) or error from error

    def _run(self) -> State:
        parameters = [each for each in self.base.model.parameters() if each.requires_grad]
        optimiser = torch.optim.AdamW(parameters, lr=self.settings.rate, weight_decay=0.0)
        progress = self._resume(optimiser, parameters)
        per_epoch = math.ceil(len(self.train) / self.settings.per_step)
        total = per_epoch * self.settings.epochs
        every = max(1, total // _POINTS)
        while progress.step < total and progress.since_best < self.settings.patience:
            for group in optimiser.param_groups:
                group["lr"] = self.settings.rate * share_of_rate(progress.step, total, self.settings)
            group = self._group(progress.step, per_epoch)
            loss = self._step(progress.step, group, optimiser, parameters)
            progress.step += 1
            if not math.isfinite(loss):
                raise DataError(
                    f"the loss is not a number any more at step {progress.step} of {total}",
                    hint=self._remedy(),
                )
            if progress.first is None:
                progress.first = loss
            progress.loss_sum, progress.losses = progress.loss_sum + loss, progress.losses + 1
            tokens = sum(len(exchange.prompt) + len(exchange.answer) for exchange in group)
            goes_on = self.session.after_step(TrainingStep(progress.step, total, tokens))
            ends_epoch = progress.step % per_epoch == 0 or not goes_on
            dev = self._dev_loss() if ends_epoch and self.dev else None
            if dev is not None:
                self._compare(progress, dev)
            if dev is not None or ends_epoch or progress.step % every == 0:
                mean = progress.loss_sum / progress.losses
                self.session.record(LossPoint(progress.step, progress.step / per_epoch, mean, dev), total)
                progress.loss_sum, progress.losses = 0.0, 0
            if not goes_on:
                break
            if ends_epoch or progress.step % self.settings.checkpoint_every == 0:
                self._write_checkpoint(progress, optimiser, parameters)
        if progress.best is not None and progress.first is not None and progress.best > progress.first:
            LOG.warning(
                "the loss rose, from %.4g to %.4g on the examples put aside: nothing was learnt; try %s",
                progress.first, progress.best, self._remedy(),
            )  # fmt: skip
        return progress.best_state or self.base.state()

    def _remedy(self) -> str:
        slower = f"rate: {min(self.settings.rate / 10, _USUAL_RATE):g}"
        is_half = self.base.model.dtype != torch.float32
        return f"{slower}, or precision: float32" if is_half else slower

    def _compare(self, progress: _Progress, dev: float) -> None:
        if progress.best is None or dev < progress.best:
            progress.best, progress.since_best, progress.best_state = dev, 0, self.base.state()
        else:
            progress.since_best += 1

    def _group(self, step: int, per_epoch: int) -> list[Exchange]:
        """The examples that a step learns from."""
        epoch, inside = divmod(step, per_epoch)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.train))
        rows = order[inside * self.settings.per_step : (inside + 1) * self.settings.per_step].tolist()
        return [self.train[row] for row in rows]

    def _step(
        self, step: int, group: Sequence[Exchange], optimiser: Any, parameters: Sequence[torch.Tensor]
    ) -> float:
        tokens = sum(len(exchange.answer) for exchange in group)
        # Drawn by the step, so that a training that goes on after a kill leaves out the same inputs.
        torch.manual_seed(int(np.random.SeedSequence([self.seed, step]).generate_state(1, np.uint64)[0] >> 1))
        self.base.model.train()
        optimiser.zero_grad()
        loss = 0.0
        for start in range(0, len(group), self.settings.batch):
            # Each token of the step counts the same, whichever batch it is in.
            part = self._loss(group[start : start + self.settings.batch]) / tokens
            part.backward()
            loss += float(part.item())
        torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_NORM)
        if math.isfinite(loss):
            optimiser.step()
        self.base.model.eval()
        return loss

    def _loss(self, exchanges: Sequence[Exchange]) -> torch.Tensor:
        """The cross-entropy of the answers' tokens, summed."""
        longest = max(len(exchange.answer) for exchange in exchanges)
        rows = [[*exchange.prompt, *exchange.answer] for exchange in exchanges]
        logits = self.base.logits(rows, longest + 1)[:, :-1].float()
        ignored = -100
        targets = [[ignored] * (longest - len(exchange.answer)) + exchange.answer for exchange in exchanges]
        return functional.cross_entropy(
            logits.flatten(0, 1),
            torch.tensor(targets, device=logits.device).flatten(),
            ignore_index=ignored,
            reduction="sum",
        )

    def _dev_loss(self) -> float:
        tokens = sum(len(exchange.answer) for exchange in self.dev)
        batch = self.settings.batch
        with torch.no_grad():
            sums = [self._loss(self.dev[start : start + batch]).item() for start in range(0, len(self.dev), batch)]
        return float(sum(sums)) / tokens

    def _write_checkpoint(self, progress: _Progress, optimiser: Any, parameters: Sequence[torch.Tensor]) -> None:
        folder, draft = self.session.checkpoints / _CHECKPOINT, self.session.checkpoints / _DRAFT
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        save_file(self.base.state(), draft / "adapter.safetensors")
        moments = {
            f"{number}.{name}": optimiser.state[parameter][name].detach().cpu().contiguous()
            for number, parameter in enumerate(parameters)
            for name in ("exp_avg", "exp_avg_sq", "step")
        }
        save_file(moments, draft / "optimiser.safetensors")
        if progress.best_state:
            save_file(progress.best_state, draft / "best.safetensors")
        names = [each.name for each in fields(progress) if each.name != "best_state"]
        numbers = {name: getattr(progress, name) for name in names}
        (draft / _PROGRESS).write_text(json.dumps(numbers), encoding="utf-8")
        # A kill between these two loses one checkpoint's steps, and leaves none that is half.
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)

    def _resume(self, optimiser: Any, parameters: Sequence[torch.Tensor]) -> _Progress:
        folder: Path = self.session.checkpoints / _CHECKPOINT
        if not (folder / _PROGRESS).is_file():
            folder = self.session.checkpoints / _DRAFT
        try:
            numbers = json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))
            moments = load_file(folder / "optimiser.safetensors")
            adapter = load_file(folder / "adapter.safetensors")
            best = folder / "best.safetensors"
            progress = _Progress(**numbers, best_state=load_file(best) if best.is_file() else {})
        except (
            Exception
        ):  # No checkpoint, or one that a full disk or a kill left half: there is nothing to go on from
            return _Progress()
        self.base.restore(adapter)
        for number, parameter in enumerate(parameters):
            optimiser.state[parameter] = {
                name: moments[f"{number}.{name}"].to(parameter.device if name != "step" else "cpu")
                for name in ("exp_avg", "exp_avg_sq", "step")
            }
        return progress


def share_of_rate(step: int, total: int, settings: Settings) -> float:
    """Which share of the highest learning rate a step has."""
    rise = math.ceil(settings.warmup * total)
    if step < rise:
        return (step + 1) / rise
    if settings.schedule == "constant":
        return 1.0
    left = (total - step) / max(1, total - rise)
    return left if settings.schedule == "linear" else (1 - math.cos(math.pi * left)) / 2
