"""What the readers `chat` and `lora` share: the prompts, built in or by a template, so that both see the same text.

Offers no component of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import DataError, Location, SpecError, file_hash

if TYPE_CHECKING:
    from ragtally_prompts.reader import OwnPrompt

PROMPT_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "language": {
        "enum": ["en", "pt", "es", None],
        "default": None,
        "description": "The language of the built-in prompts; English where it is left out.",
        "x-ragtally-identity": "if set",
    },
    "template": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "A file with a prompt of your own in place of `prompt`: a Jinja template that sees question, "
        "passages, answers and examples; relative to the folder that the command runs in.",
        "x-ragtally-identity": False,
    },
    "instructions": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "A sentence or two that the system message adds, such as when to answer maybe.",
    },
    "words": {
        "type": ["object", "null"],
        "additionalProperties": {"type": "string", "minLength": 1},
        "minProperties": 1,
        "default": None,
        "description": "The word by which the model is asked to name each answer, as in {yes: ja, no: nein}; the "
        "answers' own words if omitted.",
    },
}
"""The parameters that say how a prompt is written, beside which of them it is."""


def template_fingerprint(parameters: Mapping[str, Any]) -> str | None:
    """The content of the template, where there is one."""
    path = parameters["template"]
    if path is None:
        return None
    try:
        return file_hash(Path(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def word_errors(words: Mapping[str, str]) -> Iterator[SpecError]:
    by_word: dict[str, str] = {}
    for answer, word in words.items():
        if word != word.strip() or not word.isprintable() or not word:
            yield SpecError(f"the word {word!r} for {answer!r} is no plain word", hint="leave white space out")
        same = by_word.setdefault(word.casefold(), answer)
        if same != answer:
            yield SpecError(
                f"`words` names {same!r} and {answer!r} by the same word {word!r}", hint="give each a word of its own"
            )


def own_prompt(path: str, examples: int) -> OwnPrompt:
    try:
        status = Path(path).stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return _compile(path, bool(examples), (status.st_mtime_ns, status.st_size, status.st_ino, str(Path.cwd())))


@lru_cache(maxsize=32)
def _compile(path: str, shows_examples: bool, state: tuple[int, int, int, str]) -> OwnPrompt:
    # Traits are asked for in every cell: an unchanged file is compiled once.
    from ragtally.support.prompt_template import read_template
    from ragtally_prompts.reader import OwnPrompt

    try:
        return OwnPrompt(read_template(path), path, shows_examples=shows_examples)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> DataError:
    return DataError(
        f"the template cannot be read: {error.strerror}",
        location=Location(path),
        hint=f"paths are relative to the folder the command runs in, now {Path.cwd()}",
    )
