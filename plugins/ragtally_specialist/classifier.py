"""The reader `classifier`: a scikit-learn classifier over declared parts of question and context."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from threadpoolctl import threadpool_limits

from ragtally import Answers, DataError, Embedder, Examples, Location, Reading, TrainingPiece, Vote
from ragtally_specialist.classifiers import Boosting, Setting, from_arrays, to_arrays
from ragtally_specialist.parts import Columns, Part, PartContent, Scale, Vocabulary, content_of, parts_of
from ragtally_specialist.selection import (
    Choice,
    Fold,
    LabelledContent,
    Model,
    Protocol,
    Quality,
    choose,
    estimate,
    folds_of,
    held_out_scores,
    train,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DECIMALS = 9
# A piece of the folds: examples, each counted as often as a setting is fitted on it. It takes about eight seconds.
_PIECE = 25_000
_NUMBERS = "numbers.npz"
_SCORES = "scores.npz"


class ClassifierReader:
    """Turns parts of question and context into numbers and classifies these."""

    def __init__(self, embedder: Embedder | None, parts: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._embedder = embedder
        self._parts: dict[str, Part] = {part.name: part for part in parts_of(parts)}
        self._protocol = _protocol(tuple(self._parts), options)
        self._bootstrap: bool = options["bootstrap"]
        self._seed: int = options["seed"]
        self._answers: tuple[str, ...] = ()
        self._model: Model | None = None
        self._report: dict[str, Any] = {}

    def train(self, examples: Examples, vote: Vote) -> None:
        """Choose the settings by cross-validation on the examples, then fit them on all of these."""
        content = self._learn_content(examples)
        self._train(content, self._scores(content, folds_of(content, self._protocol, self._seed)), vote)

    def count_pieces(self, examples: Examples) -> int:
        """As many as there are folds, or fewer where these are done in no time."""
        folds = folds_of(_labelled(examples), self._protocol, self._seed)
        fits = len(self._protocol.settings) * sum(len(fold.inside) for fold in folds)
        return max(1, min(len(folds), fits // _PIECE))

    def prepare_pieces(self, folder: Path, examples: Examples) -> None:
        """Embed what is read as vectors."""
        content = self._learn_content(examples)
        numbers = {f"{name}/numbers": each.numbers for name, each in content.contents.items()}
        np.savez(folder / _NUMBERS, allow_pickle=False, **numbers)
        self._save_embedder(folder)

    def do_piece(self, piece: TrainingPiece, examples: Examples) -> None:
        """Score what some of the folds hold out."""
        content = self._content_from(piece.preparation, examples)
        folds = folds_of(content, self._protocol, self._seed)
        scores = self._scores(content, folds[piece.rows(len(folds))])
        np.savez(piece.folder / _SCORES, allow_pickle=False, **{f"{row:06}": each for row, each in enumerate(scores)})

    def train_from_pieces(self, preparation: Path, pieces: Sequence[Path], examples: Examples, vote: Vote) -> None:
        """As `train`, by the scores of the folds."""
        self._load_embedder(preparation)
        self._train(self._content_from(preparation, examples), _stored_scores(pieces), vote)

    def _train(self, content: LabelledContent, fold_scores: Iterator[NDArray[np.float64]], vote: Vote) -> None:
        labels, answers = content.labels, content.answers
        with threadpool_limits(1):
            choice = choose(content, self._protocol, self._seed, fold_scores)
            quality = estimate(content, self._parts, self._protocol, self._seed, fold_scores)
            if self._bootstrap:
                # Settings are chosen on the examples themselves: copies of one would stand on both sides of a fold.
                rows = np.random.default_rng(vote.seed).integers(len(labels), size=len(labels))
                content = content.rows(rows)
            self._model = train(content, self._parts, choice)
        self._answers = answers
        self._report = _report(choice, answers, len(self._protocol.settings), quality)

    def _scores(self, content: LabelledContent, folds: Sequence[Fold]) -> Iterator[NDArray[np.float64]]:
        for fold in folds:
            with threadpool_limits(1):
                yield held_out_scores(content, self._parts, self._protocol, fold)

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """Answer every question with the most likely answer."""
        if self._model is None:
            raise DataError("the reader classifier was asked before it was trained", hint="train or load it first")
        if reading.answers != self._answers:
            raise DataError(
                f"the reader classifier was trained for the answers {', '.join(self._answers)},"
                f" but is asked for {', '.join(reading.answers)}",
                hint="train it on the same `answers`",
            )
        if not len(reading):
            return Answers(text=[], choice=[], error=[])
        with threadpool_limits(1):
            scores = self._model.scores(self._contents(reading)).round(_DECIMALS)
        choice = [self._answers[number] for number in scores.argmax(axis=1).tolist()]
        return Answers(text=[None] * len(choice), choice=choice, error=[None] * len(choice))

    def report(self) -> Mapping[str, Any]:
        """What was chosen, and how good a model chosen in this way is."""
        return self._report

    def save(self, folder: Path) -> None:
        """Write the model as arrays and JSON; the same training gives the same bytes."""
        if self._model is None:
            raise DataError("the reader classifier has nothing to save", hint="train or load it first")
        model = self._model
        arrays = to_arrays(model.classifier) | {"offset": model.offset}
        vocabularies = {}
        for columns in model.columns:
            if isinstance(columns.state, Vocabulary):
                vocabularies[columns.part.name] = columns.state.gram
                arrays[f"{columns.part.name}/weight"] = columns.state.weight
            elif isinstance(columns.state, Scale):
                arrays[f"{columns.part.name}/mean"] = columns.state.mean
                arrays[f"{columns.part.name}/spread"] = columns.state.spread
        with (folder / "model.npz").open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        content = {
            "answers": self._answers,
            "parts": [columns.part.name for columns in model.columns],
            "vocabularies": vocabularies,
        }
        (folder / "model.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        self._save_embedder(folder)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        try:
            content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            with (folder / "model.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            columns = tuple(self._columns(name, content["vocabularies"], arrays) for name in content["parts"])
            self._model = Model(columns, from_arrays(arrays), arrays["offset"])
            self._answers = tuple(content["answers"])
        except (OSError, BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"no classifier's model can be read from here: {error}",
                location=Location(str(folder)),
                hint="remove the folder and train again: ragtally run SPEC --stage train",
            ) from error
        self._load_embedder(folder)

    def _columns(
        self, name: str, vocabularies: Mapping[str, Sequence[str]], arrays: Mapping[str, NDArray[Any]]
    ) -> Columns:
        part = self._parts[name]
        if name in vocabularies:
            return Columns(part, Vocabulary(tuple(vocabularies[name]), arrays[f"{name}/weight"]))
        if part.features == "cues":
            return Columns(part, Scale(arrays[f"{name}/mean"], arrays[f"{name}/spread"]))
        return Columns(part, None)

    def _learn_content(self, examples: Examples) -> LabelledContent:
        content = _labelled(examples)
        if self._embedder is not None:
            self._embedder.fit([text for part in self._with_vectors() for text in part.texts(examples.reading)])
        return replace(content, contents=self._contents(examples.reading))

    def _content_from(self, preparation: Path, examples: Examples) -> LabelledContent:
        with np.load(preparation / _NUMBERS, allow_pickle=False) as numbers:
            contents = {
                name: PartContent(part.texts(examples.reading), numbers[f"{name}/numbers"])
                for name, part in self._parts.items()
            }
        return replace(_labelled(examples), contents=contents)

    def _save_embedder(self, folder: Path) -> None:
        if self._embedder is not None:
            (folder / "embedder").mkdir()
            self._embedder.save(folder / "embedder")

    def _load_embedder(self, folder: Path) -> None:
        if self._embedder is not None:
            self._embedder.load(folder / "embedder")

    def _contents(self, reading: Reading) -> dict[str, PartContent]:
        return {name: content_of(part, reading, self._embedder) for name, part in self._parts.items()}

    def _with_vectors(self) -> list[Part]:
        return [part for part in self._parts.values() if part.features == "vectors"]


def _protocol(parts: tuple[str, ...], options: Mapping[str, Any]) -> Protocol:
    def values(name: str) -> Sequence[Any]:
        own: Sequence[Any] = options["grid"].get(name, [options[name]])
        return own

    settings = []
    for names, model in itertools.product(options["grid"].get("parts", [parts]), values("model")):
        boosts = model == "boosting"
        # What a model does not look at is no choice.
        strengths = values("regularisation")[: 1 if boosts else None]
        trees = [Boosting(*size, options["seed"]) for size in itertools.product(values("trees"), values("depth"))]
        settings += [
            Setting(tuple(names), model, float(strength), weight == "balanced", thresholds == "tuned", grown)
            for strength, weight, thresholds, grown in itertools.product(
                strengths, values("class_weight"), values("thresholds"), trees if boosts else [None]
            )
        ]
    folds = (options["folds"], options["repeats"], options["outer_folds"])
    return Protocol(tuple(settings), options["choose_by"], *folds)


def _stored_scores(pieces: Sequence[Path]) -> Iterator[NDArray[np.float64]]:
    for folder in pieces:
        with np.load(folder / _SCORES, allow_pickle=False) as scores:
            yield from (scores[name] for name in sorted(scores.files))


def _labelled(examples: Examples) -> LabelledContent:
    """The labels of examples whose content is not looked at yet."""
    answers = examples.reading.answers
    return LabelledContent({}, _numbers(examples.label, answers), answers)


def _numbers(labels: Sequence[str], answers: tuple[str, ...]) -> NDArray[np.int64]:
    if not labels:
        raise DataError(
            "the reader classifier has no example to learn from",
            hint="name a split that has questions with labels under `train`",
        )
    others = sorted(set(labels) - set(answers))
    if others:
        raise DataError(
            f"an example is labelled {others[0]!r}, which is none of the answers {', '.join(answers)}",
            hint="add it to the dataset's `answers`, or leave those questions out",
        )
    numbers = {answer: number for number, answer in enumerate(answers)}
    return np.array([numbers[label] for label in labels], dtype=np.int64)


def _report(choice: Choice, answers: tuple[str, ...], settings: int, quality: Quality | None) -> dict[str, Any]:
    setting = choice.setting
    report: dict[str, Any] = {
        "chosen": {
            "parts": list(setting.parts),
            "model": setting.model,
            "regularisation": setting.regularisation,
            "class_weight": "balanced" if setting.balanced else "none",
            **({"trees": setting.boosting.trees, "depth": setting.boosting.depth} if setting.boosting else {}),
            "offsets": dict(zip(answers, choice.offset.tolist(), strict=True)),
        }
    }
    if choice.scores:
        report["cross_validation"] = {"settings": settings, **choice.scores}
    if quality is not None:
        report["estimate"] = {
            metric: {"value": value, "low": low, "high": high}
            for metric, value, (low, high) in (
                ("accuracy", quality.accuracy, quality.accuracy_interval),
                ("macro_f1", quality.macro_f1, quality.macro_f1_interval),
            )
        }
    return report
