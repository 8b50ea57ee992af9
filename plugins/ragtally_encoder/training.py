"""How the body of an encoder is trained: contrastively, or together with the head."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ragtally import DataError, LossPoint, TrainingSession, TrainingStep
from ragtally_encoder.head import Head

_WARM_UP = 0.1
_DECAY = 0.01
_LARGEST_NORM = 1.0
_USUAL_RATE, _USUAL_HEAD_RATE = 2e-5, 1e-2


@dataclass(frozen=True)
class Settings:
    """What a spec says of the training."""

    epochs: int
    rate: float
    head_rate: float
    batch: int
    patience: int


@dataclass(frozen=True)
class Labelled:
    """Texts with the numbers of their answers."""

    texts: Sequence[str]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.texts)


class _BatchLoss(NamedTuple):
    loss: torch.Tensor
    tokens: int  # Of the batch, without those that fill up shorter texts


@dataclass(frozen=True)
class _Losses:
    train: float
    dev: float | None


def tune_body(
    body: Any,
    train: Labelled,
    dev: Labelled,
    weights: NDArray[np.float64],
    fit: Callable[[NDArray[Any], NDArray[np.int64]], Head],
    settings: Settings,
    seed: int,
    session: TrainingSession,
) -> None:
    """Bring texts of one answer together, and those of different answers apart."""

    def batch_loss(rows: NDArray[np.int64]) -> _BatchLoss:
        output, tokens = _forward(body, [train.texts[row] for row in rows])
        vectors = functional.normalize(output, dim=1)
        labels = torch.as_tensor(train.labels[rows], device=vectors.device)
        return _BatchLoss(_pair_loss(vectors @ vectors.T, labels[:, None] == labels[None, :]), tokens)

    def losses(_: float) -> _Losses:
        # The loss that is trained says little of answers: what is told is that of a head on the vectors.
        vectors = _encode(body, train.texts)
        head = fit(vectors, train.labels)
        of_dev = head.loss(_encode(body, dev.texts), dev.labels, weights) if len(dev) else None
        return _Losses(head.loss(vectors, train.labels, weights), of_dev)

    optimiser = torch.optim.AdamW(body.parameters(), lr=settings.rate, weight_decay=_DECAY)
    _Run(body, optimiser, train, settings, seed, session).go(batch_loss, losses)


def _pair_loss(likeness: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """The squared error of cosines, 1 for pairs of one answer and 0 for others; both kinds count the same."""
    pairs = torch.triu(torch.ones_like(same), diagonal=1)
    kinds = ((likeness[pairs & same] - 1).square(), likeness[pairs & ~same].square())
    means = [errors.mean() for errors in kinds if errors.numel()]
    return torch.stack(means).mean() if means else likeness.sum() * 0


def tune_whole(
    body: Any,
    train: Labelled,
    dev: Labelled,
    answers: tuple[str, ...],
    weights: NDArray[np.float64],
    settings: Settings,
    seed: int,
    session: TrainingSession,
) -> Head:
    """Train body and head by the cross-entropy of the answers."""
    layer = torch.nn.Linear(_encode(body, [""]).shape[1], len(answers)).to(body.device)
    class_weight = torch.as_tensor(weights, dtype=torch.float32, device=body.device)

    def batch_loss(rows: NDArray[np.int64]) -> _BatchLoss:
        output, tokens = _forward(body, [train.texts[row] for row in rows])
        vectors = functional.normalize(output, dim=1)
        labels = torch.as_tensor(train.labels[rows], device=vectors.device)
        return _BatchLoss(functional.cross_entropy(layer(vectors), labels, weight=class_weight), tokens)

    def head() -> Head:
        weight, bias = (part.detach().cpu().numpy().astype(np.float64) for part in (layer.weight, layer.bias))
        return Head(answers, weight, bias)

    def losses(train_loss: float) -> _Losses:
        vectors = _encode(body, dev.texts) if len(dev) else None
        return _Losses(train_loss, None if vectors is None else head().loss(vectors, dev.labels, weights))

    groups = [
        {"params": list(body.parameters()), "lr": settings.rate},
        {"params": list(layer.parameters()), "lr": settings.head_rate},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=_DECAY)
    _Run(torch.nn.ModuleList([body, layer]), optimiser, train, settings, seed, session).go(batch_loss, losses)
    return head()


@dataclass
class _Run:
    """One training, whatever its loss; in the end the module is what it was after its best epoch."""

    module: Any
    optimiser: Any
    train: Labelled
    settings: Settings
    seed: int
    session: TrainingSession

    def go(self, batch_loss: Callable[[NDArray[np.int64]], _BatchLoss], losses: Callable[[float], _Losses]) -> None:
        per_epoch = math.ceil(len(self.train) / self.settings.batch)
        total = per_epoch * self.settings.epochs
        schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, lambda step: _share_of_rate(step, total))
        best, best_state, since_best = math.inf, None, 0
        for epoch in range(self.settings.epochs):
            sums, step, goes_on = 0.0, epoch * per_epoch, True
            self.module.train()
            for rows in self._batches(epoch):
                loss, tokens = batch_loss(rows)
                step += 1
                if not torch.isfinite(loss):
                    raise DataError(
                        f"the loss is not a number any more at step {step} of {total}",
                        hint=self._remedy(),
                    )
                self.optimiser.zero_grad()
                loss.backward()
                parameters = [each for group in self.optimiser.param_groups for each in group["params"]]
                torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_NORM)
                self.optimiser.step()
                schedule.step()
                sums += loss.item()
                goes_on = self.session.after_step(TrainingStep(step, total, tokens))
                if not goes_on:
                    break
            self.module.eval()
            now = losses(sums / (step - epoch * per_epoch))
            self.session.record(LossPoint(step, step / per_epoch, now.train, now.dev), total)
            if not goes_on:
                break
            if now.dev is None:
                continue
            since_best += 1
            if now.dev < best:
                best, since_best = now.dev, 0
                best_state = {name: value.detach().clone() for name, value in self.module.state_dict().items()}
            if since_best >= self.settings.patience:
                break
        if best_state is not None:
            self.module.load_state_dict(best_state)
        self.module.eval()

    def _remedy(self) -> str:
        slower = f"rate: {min(self.settings.rate / 10, _USUAL_RATE):g}"
        return slower + (f", head_rate: {_USUAL_HEAD_RATE:g}" if self.settings.head_rate > _USUAL_HEAD_RATE else "")

    def _batches(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.train))
        for start in range(0, len(order), self.settings.batch):
            yield order[start : start + self.settings.batch]


def _share_of_rate(step: int, total: int) -> float:
    rise = max(1, math.ceil(_WARM_UP * total))
    return (step + 1) / rise if step < rise else max(0.0, (total - step) / max(1, total - rise))


def _forward(body: Any, texts: Sequence[str]) -> tuple[torch.Tensor, int]:
    """The vectors of texts, and how many tokens these have."""
    features = body.preprocess(list(texts)) if hasattr(body, "preprocess") else body.tokenize(list(texts))
    moved = {name: value.to(body.device) if hasattr(value, "to") else value for name, value in features.items()}
    tokens = int(features["attention_mask"].sum())
    vectors: torch.Tensor = body(moved)["sentence_embedding"]
    return vectors, tokens


def _encode(body: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    body.eval()
    vectors: NDArray[np.float32] = body.encode(
        list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
    )
    return vectors
