"""The reader `classifier`: a scikit-learn classifier over declared parts of question and context."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from threadpoolctl import threadpool_limits

from ragtally import Answers, DataError, Embedder, Examples, Location, Reading, Vote
from ragtally_specialist.classifiers import Boosting, Setting, from_arrays, to_arrays
from ragtally_specialist.parts import Columns, Part, PartContent, Scale, Vocabulary, content_of, parts_of
from ragtally_specialist.selection import Choice, LabelledContent, Model, Protocol, Quality, choose, estimate, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DECIMALS = 9


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
        answers = examples.reading.answers
        labels = _numbers(examples.label, answers)
        if self._embedder is not None:
            self._embedder.fit([text for part in self._with_vectors() for text in part.texts(examples.reading)])
        content = LabelledContent(self._contents(examples.reading), labels, answers)
        with threadpool_limits(1):
            choice = choose(content, self._parts, self._protocol, self._seed)
            quality = estimate(content, self._parts, self._protocol, self._seed)
            if self._bootstrap:
                # Settings are chosen on the examples themselves: copies of one would stand on both sides of a fold.
                rows = np.random.default_rng(vote.seed).integers(len(labels), size=len(labels))
                content = content.rows(rows)
            self._model = train(content, self._parts, choice)
        self._answers = answers
        self._report = _report(choice, answers, len(self._protocol.settings), quality)

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
        if self._embedder is not None:
            (folder / "embedder").mkdir()
            self._embedder.save(folder / "embedder")

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
        if self._embedder is not None:
            self._embedder.load(folder / "embedder")

    def _columns(
        self, name: str, vocabularies: Mapping[str, Sequence[str]], arrays: Mapping[str, NDArray[Any]]
    ) -> Columns:
        part = self._parts[name]
        if name in vocabularies:
            return Columns(part, Vocabulary(tuple(vocabularies[name]), arrays[f"{name}/weight"]))
        if part.features == "cues":
            return Columns(part, Scale(arrays[f"{name}/mean"], arrays[f"{name}/spread"]))
        return Columns(part, None)

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
