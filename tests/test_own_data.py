"""What docs/own-data.md shows works as it is shown, on fewer questions."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import project_in
from model_server.fixture import running_server

PAGE = (Path(__file__).parents[1] / "docs" / "own-data.md").read_text(encoding="utf-8")
ENDS = {"yes": "The customer signed for it.", "no": "Nobody opened the door, so it was sent back."}


@pytest.mark.slow
def test_a_table_becomes_an_answer(tmp_path: Path) -> None:
    project = project_in(tmp_path / "project")
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    header = re.search(r"^    (question,label,document)$", PAGE, re.MULTILINE)
    assert header is not None
    project.write("to_beir.py", script)
    labels = ["yes" if number % 3 else "no" for number in range(80)]
    rows = [f'Did order {n} arrive?,{label},"Order {n}. {ENDS[label]}"' for n, label in enumerate(labels)]
    project.write("orders.csv", "\n".join([header[1], *rows, ""]))
    lines = re.findall(r"^    (?:python|ragtally) .*$", PAGE, re.MULTILINE)
    commands = [shlex.split(line, comments=True) for line in lines]
    assert [command[1] for command in commands[:4]] == ["to_beir.py", "new", "check", "run"]
    subprocess.run([sys.executable, *commands[0][1:]], cwd=project.folder, check=True)
    for command in commands[1:4]:
        done = project.ragtally(*command[1:])
        assert done.code == 0, done.err
    assert "The answer" in done.out
    # Then with language models, of which one is served here.
    for words in (command[1:] for command in commands[4:] if command[1] == "new"):
        with running_server(listed=["tiny"]) as server:
            here = [word.replace("http://localhost:8080/v1", server.openai) for word in words]
            written = project.ragtally(*here)
        assert written.code == 0, written.err
        (project.folder / "specs/llm.yaml").unlink()
