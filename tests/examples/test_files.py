"""Files of worked examples: several forms are read, and every row that is no example is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtally.api import RagtallyError
from ragtally.examples.files import read_example_file

LINES = {
    "question_answer": {"question": "Why?", "answer": "Because."},
    "instruction": {"instruction": "Sum up.", "input": "", "output": "Done."},
    "label": {"text": "It broke.", "label": "complaint"},
}
TURNS = [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Hi"}]


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_json_lines_of_every_kind(tmp_path: Path) -> None:
    openai = {"messages": [{"role": turn["role"], "content": turn["text"]} for turn in TURNS]}
    names = {"user": "human", "assistant": "gpt"}
    sharegpt = {"conversations": [{"from": names[turn["role"]], "value": turn["text"]} for turn in TURNS]}
    rows = [*LINES.values(), {"turns": TURNS}, openai, sharegpt]
    path = write(tmp_path, "style.jsonl", "\n\n".join(map(json.dumps, rows)))
    assert read_example_file(path) == [*LINES.items(), *[("chat", {"turns": TURNS})] * 3]


def test_a_table(tmp_path: Path) -> None:
    path = write(tmp_path, "style.csv", "Nr;Question;Answer\n1;Why?;Because.\n")
    assert read_example_file(path) == [("question_answer", LINES["question_answer"])]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"question": "a", "answer": "b"}\n{"question": ""}\n{', "a.jsonl:3: this is no JSON"),
        ("a.jsonl", '{"question": "a", "answer": ""}', "a.jsonl:1: no example: a field is missing or empty"),
        ("a.jsonl", '{"a": 1}\n{"b": 1}', "a.jsonl:2: no example: its columns are of no kind"),
        ("a.jsonl", '{"text": "a", "label": "zzz"}', "a.jsonl:1: no example: a label outside of the set"),
        ("a.jsonl", "\n", "the file has no example"),
        ("a.txt", "x", "examples are not read from files that end in .txt"),
        ("a.csv", "question;answer\nWhy?;\n", "a.csv:2: no example"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(RagtallyError) as error:
        read_example_file(write(tmp_path, name, text), ["complaint"])
    assert message in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RagtallyError, match="there is no such file"):
        read_example_file(str(tmp_path / "none.jsonl"))
