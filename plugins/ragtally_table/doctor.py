"""What is missing to read one's own questions and documents, and the command that fixes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ragtally import Choice, Component, Finding, RagtallyError
from ragtally_converters import default_converters, register_converters
from ragtally_table.documents import find_files, is_table
from ragtally_table.questions import read_questions

_EXTRA = "pip install 'ragtally[documents]'"


def findings(params: Mapping[str, Any]) -> list[Finding]:
    """Look whether the questions can be read, and whether something reads each kind of document."""
    return [*_of_questions(params), *_of_documents(params)]


def _of_questions(params: Mapping[str, Any]) -> Iterator[Finding]:
    if params["questions"] is None:
        return
    path = Path(params["questions"]).expanduser()
    if not path.is_file():
        yield Finding(False, f"there is no table of questions {path}", "put it there, or name it as `questions`")
        return
    columns = dict(params["columns"])
    references = columns.pop("references", None) or []
    references = [references] if isinstance(references, str) else references
    try:
        table = read_questions(path, columns, references, params["sheet"], params["header"], params["encoding"])
    except RagtallyError as error:
        for one in getattr(error, "errors", [error]):
            yield Finding(False, f"{one.location}: {one.message}" if one.location else one.message, one.hint)
        return
    yield Finding(True, f"{len(table.questions):,} questions in {path}")


def _of_documents(params: Mapping[str, Any]) -> Iterator[Finding]:
    path = Path(params["documents"]).expanduser()
    if not path.exists():
        yield Finding(False, f"there are no documents {path}", "put the folder there, or name it as `documents`")
        return
    if is_table(path):
        yield Finding(True, f"the documents are the rows of {path}")
        return
    questions = params["questions"]
    names = find_files(path, None if questions is None else Path(questions).expanduser()).paths.values()
    suffixes = Counter(name.suffix.lower() for name in names)
    if not suffixes:
        yield Finding(False, f"there is no file in {path}", "put the documents there")
    converters = _converters(params["converters"], suffixes)
    for suffix, count in sorted(suffixes.items()):
        files = (
            f"{count:,} {'file' if count == 1 else 'files'} {f'named {suffix}' if suffix else 'without an ending'}"
        )
        component = converters.get(suffix)
        missing = [package for package in _packages(component) if not _is_installed(package)]
        if component is None and params["on_unreadable"] == "skip":
            yield Finding(True, f"{files}, which no converter reads, will be left out and counted")
        elif component is None:
            yield Finding(False, f"no converter reads {files}", "remove them, or allow it: on_unreadable: skip")
        elif missing:
            yield Finding(
                False, f"{files} {'needs' if count == 1 else 'need'} {', '.join(missing)}, not installed here", _EXTRA
            )
        else:
            yield Finding(True, f"{files}, read by {component.name}")


def _converters(choices: Sequence[Choice], suffixes: Mapping[str, int]) -> dict[str, Component]:
    """What reads each kind: those that the spec names first, of which only this package's own are known here."""
    own = {component.name: component for component in register_converters()}
    converters = default_converters()
    for choice in reversed(choices):
        component = own.get(choice.name)
        extensions = component.traits.extensions if component else choice.parameters.get("extensions", ())  # type: ignore[union-attr]
        stand_in = component or Component(choice.name, lambda: None, "")
        converters |= {extension: stand_in for extension in extensions if extension in suffixes}
    return converters


def _packages(component: Component | None) -> Sequence[str]:
    packages = component.packages if component else ()
    return () if callable(packages) else packages


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
