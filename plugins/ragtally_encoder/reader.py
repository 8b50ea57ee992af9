"""The reader behind `encoder`: reads question and passages as one text, and classifies its vector."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentence_transformers
from numpy.typing import NDArray

from ragtally import Answers, DataError, Examples, Reading, TrainingSession, Vote
from ragtally.support.dev_split import split_dev
from ragtally.support.local_models import device_error, torch_state
from ragtally.support.model_sources import ModelSource
from ragtally_encoder.head import Head, class_weights, fit_head, read_head, write_head
from ragtally_encoder.training import Labelled, Settings, tune_body, tune_whole

LOG = logging.getLogger("ragtally.encoder")
_BODY = "body"
_FEWEST = 2


class EncoderReader:
    """A body that makes a vector of a text, and a head that makes an answer of a vector."""

    # On one machine with one number of threads, the same seed gives the same answers; elsewhere sums are rounded
    # otherwise, so that losses differ from about the fifth digit on.

    def __init__(
        self,
        source: ModelSource,
        *,
        method: str,
        max_tokens: int | None,
        keep: str | None,
        device: str | None,
        threads: int,
        regularisation: float,
        class_weight: str,
        dev: float,
        model: str,
        **settings: Any,
    ) -> None:
        self._source, self._method, self._name = source, method, model
        self._max_tokens, self._keeps_end = max_tokens, keep == "end"
        self._device, self._threads = device, threads
        self._regularisation, self._balanced, self._dev = regularisation, class_weight == "balanced", dev
        self._settings = Settings(**settings)
        self._body: Any = None
        self._head: Head | None = None

    def train(self, examples: Examples, vote: Vote) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.train_in(TrainingSession(Path(folder), lambda point, steps: None), examples, vote)

    def train_in(self, session: TrainingSession, examples: Examples, vote: Vote) -> None:
        # It takes minutes at most: after a kill it starts from the beginning.
        answers = examples.reading.answers
        unknown = sorted(set(examples.label) - set(answers))
        if unknown:
            raise DataError(
                f"an example is labelled {unknown[0]!r}, which is none of the answers {', '.join(answers)}",
                hint="add it to the dataset's `answers`, or leave those questions out",
            )
        share = 0.0 if self._method == "frozen" else self._dev
        learnt, aside = split_dev(examples.label, share, vote.seed, answers=answers, fewest=_FEWEST)
        labels = np.array([answers.index(label) for label in examples.label], dtype=np.int64)
        with torch_state(vote.seed, self._threads):
            body = self._load(self._source.folder(), str(self._source.name))
            texts = self._texts(body, examples.reading)
            train = Labelled([texts[row] for row in learnt], labels[learnt])
            dev = Labelled([texts[row] for row in aside], labels[aside])
            weights = class_weights(labels, len(answers), balanced=self._balanced)
            if self._method == "end_to_end":
                head = tune_whole(body, train, dev, answers, weights, self._settings, vote.seed, session)
            else:
                fit = self._fit(answers)
                if self._method == "contrastive":
                    tune_body(body, train, dev, weights, fit, self._settings, vote.seed, session)
                head = fit(_vectors(body, texts), labels)
        self._body, self._head = body, head

    def _fit(self, answers: tuple[str, ...]) -> Any:
        def fit(vectors: NDArray[Any], labels: NDArray[np.int64]) -> Head:
            return fit_head(vectors, labels, answers, self._regularisation, balanced=self._balanced)

        return fit

    def read(self, reading: Reading, vote: Vote) -> Answers:
        if self._head is None:
            raise DataError("the reader encoder was asked before it was trained", hint="train or load it first")
        if reading.answers != self._head.answers:
            raise DataError(
                f"the reader encoder was trained for the answers {', '.join(self._head.answers)},"
                f" but is asked for {', '.join(reading.answers)}",
                hint="train it on the same `answers`",
            )
        with torch_state(vote.seed, self._threads):
            texts = self._texts(self._body, reading)
            vectors = _vectors(self._body, texts)
        # Rounded, so that a tie does not depend on the last bit.
        rows = np.round(self._head.log_chances(vectors), 6).argmax(axis=1) if len(texts) else np.empty(0, np.int64)
        choice = [self._head.answers[row] for row in rows.tolist()]
        return Answers(text=[None] * len(choice), choice=choice, error=[None] * len(choice))

    def save(self, folder: Path) -> None:
        if self._head is None:
            raise DataError("the reader encoder has nothing to save", hint="train or load it first")
        about = {"method": self._method, "model": self._name, "max_tokens": self._max_tokens}
        write_head(folder, self._head, about)
        if self._method != "frozen":
            self._body.save_pretrained(str(folder / _BODY), create_model_card=False, safe_serialization=True)

    def load(self, folder: Path) -> None:
        self._head = read_head(folder)
        body = folder / _BODY
        is_own = self._method != "frozen"
        self._body = self._load(body if is_own else self._source.folder(), str(body if is_own else self._name))

    def _load(self, folder: Path, name: str) -> Any:
        try:
            body = sentence_transformers.SentenceTransformer(
                str(folder),
                device=self._device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # Three libraries read files that anybody may have written
            reason = " ".join(str(error).split())[:300]
            raise device_error(name, self._device, error) or DataError(
                f"{name} cannot be loaded: {type(error).__name__}: {reason}", hint="ragtally doctor SPEC"
            ) from error
        body = body.float().eval()
        self._set_window(body)
        return body

    def _set_window(self, body: Any) -> None:
        config = getattr(getattr(body[0], "auto_model", None), "config", None)
        most = getattr(config, "max_position_embeddings", None)
        if self._max_tokens is None:
            return
        if isinstance(most, int) and self._max_tokens > most:
            message = f"{self._name} takes {most} tokens, not {self._max_tokens}"
            raise DataError(message, hint=f"max_tokens: {most}, or less")
        body.max_seq_length = self._max_tokens

    def _texts(self, body: Any, reading: Reading) -> list[str]:
        limit = body.max_seq_length
        texts = [
            "\n".join([question, *passages])
            for question, passages in zip(reading.question, reading.passages, strict=True)
        ]
        if limit is None or not callable(body.tokenizer):
            return texts
        _require_room(body.tokenizer, reading, limit)
        # A token is a character at least.
        long = [row for row, text in enumerate(texts) if len(text) > limit]
        tokens = body.tokenizer([texts[row] for row in long], verbose=False)["input_ids"] if long else []
        excess = {row: len(own) - limit for row, own in zip(long, tokens, strict=True) if len(own) > limit}
        if excess:
            LOG.warning(
                "%s reads %d tokens of a text: %d of %d texts are longer (up to %d), and their %s is left out",
                self._name, limit, len(excess), len(texts), limit + max(excess.values()),
                "context's beginning" if self._keeps_end else "end",
            )  # fmt: skip
        if self._keeps_end:
            for row, count in excess.items():
                context = "\n".join(reading.passages[row])
                texts[row] = f"{reading.question[row]}\n{_without_first(body.tokenizer, context, count)}"
        return texts


def _without_first(tokenizer: Any, context: str, count: int) -> str:
    """A context without its first tokens."""
    offsets = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
        "offset_mapping"
    ]
    return context[offsets[count][0] :] if count < len(offsets) else ""


def _require_room(tokenizer: Any, reading: Reading, limit: int) -> None:
    """The question comes first in its text: where it fills the window, no passage is read at all."""
    long = [question for question in reading.question if len(question) >= limit]
    lengths = [len(tokens) for tokens in tokenizer(long, verbose=False)["input_ids"]] if long else []
    too_long = [length for length in lengths if length >= limit]
    if too_long and any(reading.passages):
        raise DataError(
            f"{len(too_long)} of {len(reading)} questions fill the window of {limit} tokens (up to {max(too_long)}):"
            " no passage would be read",
            hint="a larger max_tokens, or a model with a longer window",
        )


def _vectors(body: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    if not texts:
        return np.empty((0, 1), dtype=np.float32)
    vectors: NDArray[np.float32] = body.encode(
        list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
    )
    return vectors
