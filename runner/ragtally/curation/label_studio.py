"""Label Studio's JSON: tasks with a labelling configuration out, annotated tasks in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from ragtally.api import DataError, Location
from ragtally.curation.decisions import CHOICES, parse_seconds
from ragtally.curation.entry import Entry

_EXPORT = "export from Label Studio as JSON (not JSON-MIN or CSV)"


def tasks_and_config(rows: Sequence[Mapping[str, Mapping[str, str]]], labels: Sequence[str]) -> tuple[bytes, bytes]:
    """Tasks to import, and the configuration of the project that they are imported into."""
    tasks = [
        {"data": {**row["about"], **{_control(name): words for name, words in row["texts"].items()}}} for row in rows
    ]
    fields = dict.fromkeys(name for row in rows for name in row["texts"])
    controls = [line for name in fields for line in _field(name, labels)]
    lines = [
        "<View>",
        '  <Header value="$kind"/>',
        *controls,
        '  <Choices name="decision" toName="passage" choice="single" required="true">',
        *(f"    <Choice value={quoteattr(choice)}/>" for choice in CHOICES if choice != "withdraw"),
        "  </Choices>",
        '  <TextArea name="reason" toName="passage" placeholder="reason" maxSubmissions="1"/>',
        '  <Header value="Source: $document $location"/>',
        '  <Text name="passage" value="$passage"/>',
        "</View>",
    ]
    content = json.dumps(tasks, ensure_ascii=False, indent=1)
    return f"{content}\n".encode(), ("\n".join(lines) + "\n").encode()


def _field(name: str, labels: Sequence[str]) -> Iterator[str]:
    control = _control(name)
    yield f"  <Header value={quoteattr(name)}/>"
    # What is shown and what is edited are two controls, so that an unchanged text needs no answer.
    yield f'  <Text name="{control}_shown" value="${control}"/>'
    if name == "label":
        yield f'  <Choices name="{control}" toName="{control}_shown" choice="single">'
        yield from (f"    <Choice value={quoteattr(label)}/>" for label in labels)
        yield "  </Choices>"
    else:
        yield (
            f'  <TextArea name="{control}" toName="{control}_shown" value="${control}" editable="true" '
            f'maxSubmissions="1" placeholder="only for the decision edit"/>'
        )


def read_tasks(path: Path) -> Iterator[Entry]:
    """Read annotated tasks; each annotation is an entry, a task without one is an entry without a decision."""
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"the file cannot be read: {error}", location=Location(str(path)), hint=_EXPORT) from error
    if not isinstance(tasks, list):
        raise DataError("this is no list of tasks", location=Location(str(path)), hint=_EXPORT)
    for number, task in enumerate(tasks, start=1):
        try:
            data = {str(name): "" if value is None else str(value) for name, value in task["data"].items()}
            annotations = [one for one in task.get("annotations", ()) if not one.get("was_cancelled")]
            for annotation in annotations or [{"result": []}]:
                yield _entry(path, number, data, annotation)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            message = f"task {number} cannot be read: {type(error).__name__}: {error}"
            raise DataError(message, location=Location(str(path)), hint=_EXPORT) from error


def _entry(path: Path, number: int, data: Mapping[str, str], annotation: Mapping[str, Any]) -> Entry:
    values = {one["from_name"]: _value(one["value"]) for one in annotation["result"]}
    texts = {name.replace("_", " "): words for name, words in data.items() if _is_text(name)}
    word = values.get("decision", "")
    if word.strip().lower() == "edit":
        # Text areas come filled in, so that they say something only where the decision is to edit.
        texts |= {name.replace("_", " "): words for name, words in values.items() if _is_text(name)}
    by = annotation.get("completed_by")
    person = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
    lead_time = annotation.get("lead_time")
    return Entry(
        Location(f"{path} (task {number})"),
        data["example"],
        word,
        data["digest"],
        texts,
        values.get("reason", ""),
        "" if person is None else str(person) if isinstance(person, str) else f"Label Studio user {person}",
        str(annotation.get("updated_at") or annotation.get("created_at") or ""),
        None if lead_time is None else parse_seconds(str(lead_time)),
    )


def _value(value: Mapping[str, Any]) -> str:
    texts = value.get("choices") or value.get("text") or [""]
    return str(texts if isinstance(texts, str) else texts[-1])


def _control(name: str) -> str:
    return name.replace(" ", "_")


def _is_text(name: str) -> bool:
    role = name.partition("_")[0]
    return role in ("system", "user", "assistant", "input", "label") and not name.endswith("_shown")
