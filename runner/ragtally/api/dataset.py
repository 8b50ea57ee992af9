"""The contract of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from ragtally.api.converter import Conversion, Converter
from ragtally.api.corpus import DatasetBatch
from ragtally.api.errors import Location

AnswerKinds = Literal["labels", "open", "both"]
"""What a component can do with: labels of declared answers, open answers, which are texts, or both."""

OPEN = "open"
"""The value of a dataset's parameter `answers` that asks for open answers."""

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt", "ja", "th", "zh")
"""The languages whose articles and words are known."""

DATASET_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "split": {
        "type": ["string", "null"],
        "default": None,
        "description": "The split whose questions are asked; all of them where it is left out.",
        "x-ragtally-engine": True,
    },
    "answers": {
        "type": ["array", "string", "null"],
        "items": {"type": "string"},
        "minItems": 2,
        "uniqueItems": True,
        "pattern": f"^{OPEN}$",
        "default": None,
        "description": "The answers (classes) to keep questions of; all that the dataset has where it is left out. "
        "open: answers are texts, compared with the dataset's reference texts as `grading` says; what a dataset that "
        "has references alone does where it is left out.",
        "x-ragtally-engine": True,
    },
    "language": {
        "enum": [*LANGUAGES, None],
        "default": None,
        "description": "The language of questions and documents: components that know it take it from here (ja, th "
        "and zh have no spaces between words). Of open answers also whose articles do not count where texts are "
        "compared; English where it is left out.",
        "x-ragtally-engine": True,
    },
    "redact": {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "names": {
                "type": ["string", "null"],
                "minLength": 1,
                "default": None,
                "description": "A text file with the name of one person on each line, several spellings with "
                "semicolons between them. Case and accents make no difference. Names that are not declared are not "
                "found.",
            },
            "senders": {
                "type": "boolean",
                "default": True,
                "description": "Whether names count that the files say to be people's: senders of messages, and "
                "columns named as `person` or `people`.",
            },
            "first_names": {
                "type": "boolean",
                "default": False,
                "description": "Whether the first word of a name counts alone; what several people are called "
                "becomes [person].",
            },
            "phones": {
                "type": ["string", "null"],
                "pattern": "^(international|[A-Z]{2})$",
                "default": "international",
                "description": "The country whose telephone numbers need no prefix, such as BR; international: those "
                "with + alone; null for none. Needs the package phonenumbers (extra documents).",
            },
            "emails": {"type": "boolean", "default": True, "description": "Whether e-mail addresses count."},
        },
        "default": None,
        "description": "Replaces names of people, telephone numbers and e-mail addresses by placeholders "
        "([person_1], [phone_2], [e-mail_3]; the same in all documents, questions and references) before anything "
        "else is done with them. Evidence is found before. What was replaced is counted.",
        "x-ragtally-engine": True,
        "x-ragtally-identity": "if given",
    },
}
"""The parameters that every dataset has in a spec, on top of its own."""


@dataclass(frozen=True, slots=True)
class DatasetTraits:
    """What the engine knows of a dataset before it builds it.

    Attributes:
        answers: Whether its questions have labels, reference texts for open answers, or both.
        parses: Whether it reads files by converters, so that these can be compared: it is a `ParsingDataset`.
    """

    answers: AnswerKinds = "labels"
    parses: bool = False


@runtime_checkable
class Dataset(Protocol):
    """Questions with labels and splits, the documents that answer them, and where the answers stand.

    The engine checks what comes out (unique ids, labels among the answers, spans inside their documents) and
    takes care of the keys `split` and `answers`, which every dataset has in a spec: a dataset yields all of
    its splits and classes, since the corpus stays whole.

    Attributes:
        answers: The answers (classes) that questions may have, in the order in which reports name them; empty where
            there are no labels and no answers are known: then the spec names them, or retrieval alone is measured.
        splits: The names of its splits.
        labelled: Whether its questions have gold labels; where not, the voters' verdicts are silver labels.
    """

    answers: tuple[str, ...]
    splits: tuple[str, ...]
    labelled: bool

    def batches(self) -> Iterator[DatasetBatch]:
        """Yield the dataset in pieces, in the same order every time.

        Yields:
            Documents, questions and evidence; a piece need not be complete in itself. What the files hold and the
            dataset leaves out on purpose is counted in `left_out`.

        Raises:
            DataError: If a file is missing, damaged or not in the expected form, with its place.
        """
        ...


@runtime_checkable
class ParsingDataset(Dataset, Protocol):
    """A dataset of files, which several processes can convert, and whose converters `grid.parser` compares."""

    def files(self) -> Sequence[Path]:
        """List the files that converters read.

        Returns:
            Their paths, in the same order every time; none where the documents are no files.

        Raises:
            DataError: If the folder is not there.
        """
        ...

    def convert(self, path: Path) -> Conversion:
        """Read one of the files with its converter.

        Args:
            path: The file.

        Returns:
            What comes of it.

        Raises:
            ConversionError: If it cannot be read.
        """
        ...

    def converted_by(self, convert: Callable[[Path], Conversion]) -> Dataset:
        """The same dataset, with its files read by a function.

        Args:
            convert: Does what `convert` does; it may know what another process made of a file.

        Returns:
            The dataset.
        """
        ...

    def parsed_by(self, converter: Converter) -> ParsingDataset:
        """The same questions over what a converter makes of the files.

        Args:
            converter: What reads the files of its extensions, before all others.

        Returns:
            The dataset. Its batches say in `quotes` how each quote was found; one that the converter's text has not
            is a row of these, and no error.

        Raises:
            DataError: If the converter reads none of the files.
        """
        ...


@runtime_checkable
class LocatingDataset(Dataset, Protocol):
    """A dataset that can say where an answer stands, for the errors about it."""

    def answer_location(self, answer: str) -> Location | None:
        """Find the first place of an answer in the dataset's files.

        Args:
            answer: One of the dataset's answers.

        Returns:
            The file and the line; None where the answer is not there.
        """
        ...
