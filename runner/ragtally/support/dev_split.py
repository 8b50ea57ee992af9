"""Put training examples aside that tell when to stop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ragtally.api import DataError


def split_dev(
    labels: Sequence[str], share: float, seed: int, *, answers: Sequence[str] = (), fewest: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split examples into those to learn from and those put aside, each label by the same share.

    Args:
        labels: One per example.
        share: The share to put aside, from 0 to 1; 0 puts none aside. Otherwise at least one is.
        seed: Decides which.
        answers: The answers that must have examples; none where answers are open.
        fewest: How many examples each answer must leave to learn from.

    Returns:
        The rows to learn from and the rows put aside, each in ascending order.

    Raises:
        DataError: If an answer has too few examples, or nothing is left to learn from.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    # One after the other by label, each label in random order: every n-th of these is a stratified sample.
    names = {name: number for number, name in enumerate(dict.fromkeys([*answers, *sorted(labels)]))}
    of_label = np.array([names[label] for label in labels], dtype=np.int64)
    if not answers:
        of_label[:] = 0
    ranked = order[np.argsort(of_label[order], kind="stable")]
    count = min(len(labels) - 1, max(1, round(share * len(labels)))) if share and len(labels) else 0
    picks = ((np.arange(count) + 0.5) * len(labels) / count).astype(np.int64) if count else np.empty(0, np.int64)
    dev = np.sort(ranked[picks])
    train = np.setdiff1d(np.arange(len(labels)), dev)
    for answer in answers:
        own = int((of_label[train] == names[answer]).sum())
        if own < fewest:
            total = int((of_label == names[answer]).sum())
            aside = f", {total - own} of them put aside to tell when to stop" if total > own else ""
            raise DataError(
                f"{answer!r} has {total} of {len(labels)} examples to learn from{aside}; it takes {fewest}",
                hint="train on a split with more of them, put fewer aside (dev: 0), or leave it out of `answers`",
            )
    if not len(train):
        raise DataError(
            "there is no example to learn from", hint="name a split with labels under train: {split: ...}"
        )
    return train, dev
