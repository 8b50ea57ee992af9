"""The reader `recorded`: answers made elsewhere, one JSON object a line.

    {"question": "q1", "vote": 0, "text": "Answer: yes", "seconds": 0.8}
    {"question": "q1", "vote": 1, "choice": "yes"}

Raw text goes through the answer parser, which `options` and `answer_key` tell how another tool's replies name the
answers: `{recorded: {path: replies.jsonl, condition: gold_context, options: {A: yes, B: no}, answer_key:
[answer_choice]}}`. A choice is taken as it is. Such answers were made under one condition,
whatever passages are put before the reader now, so the spec has to say which.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import CONDITIONS, PARSER_PARAMETERS, Component, ReaderTraits, file_hash, hookimpl

if TYPE_CHECKING:
    from ragtally_recorded.file import RecordedReader


def build(path: str, condition: str, options: object = None, answer_key: object = None) -> RecordedReader:
    """Build the reader; the file is read when the first question is asked."""
    from ragtally_recorded.file import RecordedReader

    return RecordedReader(path)


def traits(parameters: Mapping[str, Any]) -> ReaderTraits:
    """Describe the reader."""
    return ReaderTraits(
        draws="recorded",
        condition=parameters["condition"],
        options=tuple((parameters["options"] or {}).items()),
        answer_key=tuple(parameters["answer_key"] or ()),
        answers="both",
    )


def fingerprint(parameters: Mapping[str, Any]) -> str:
    """Hash the recorded file."""
    from ragtally_recorded.file import unreadable

    path = parameters["path"]
    try:
        return file_hash(Path(path))
    except OSError as error:
        raise unreadable(path, error) from error


@hookimpl
def register_readers() -> list[Component]:
    """Offer the reader."""
    return [
        Component(
            name="recorded",
            build=build,
            summary="Answers made elsewhere, read from a file of JSON lines.",
            params={
                "path": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The file of JSON lines, relative to the folder that the command runs in.",
                    "x-ragtally-identity": False,
                },
                "condition": {
                    "enum": list(CONDITIONS),
                    "description": "Under which condition the answers were made.",
                },
                **PARSER_PARAMETERS,
            },
            fingerprint=fingerprint,
            traits=traits,
        )
    ]
