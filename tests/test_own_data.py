"""What docs/own-data.md shows works as it is shown."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest

from command_line import project_in
from model_server.fixture import running_server

PAGE = (Path(__file__).parents[1] / "docs" / "own-data.md").read_text(encoding="utf-8")
PLACES = ("Braga", "Evora", "Faro", "Porto", "Lisbon", "Coimbra", "Aveiro", "Beja")
COURIERS = ("Sol", "Mar", "Lua", "Rio", "Vento")


def write_orders(folder: Path) -> None:
    """Write forty questions and ten documents, of which the page shows the first four questions."""
    rows, weeks = [], dict[str, list[str]]()
    for number in range(40):
        order, place, courier, days = 1000 + number, PLACES[number % 8], COURIERS[number % 5], 1 + number % 4
        text = f"Order {order} left {place} with the courier {courier}. It came after {days} days, all in one box."
        file = f"week-{number // 4}.txt"
        weeks.setdefault(file, []).append(text)
        asks, answer, evidence = (
            (f"Who carried order {order}?", courier, f"with the courier {courier}"),
            (f"From where did order {order} leave?", place, f"left {place}"),
            (f"After how many days did order {order} come?", f"{days} days", f"after {days} days"),
            (f"What did order {order} cost?", "", ""),
        )[3 if number == 3 else number % 3]
        rows.append((number + 1, asks, answer, evidence, file if answer else ""))
    (folder / "docs").mkdir()
    for file, texts in weeks.items():
        (folder / "docs" / file).write_text("\n\n".join(texts), encoding="utf-8")
    with (folder / "orders.csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows([("id", "question", "answer", "evidence", "document"), *rows])


def test_the_table_that_is_shown_is_the_one_that_is_run(tmp_path: Path) -> None:
    write_orders(tmp_path)
    shown = re.findall(r"^    ((?:id|\d),.*)$", PAGE, re.MULTILINE)
    assert (tmp_path / "orders.csv").read_text(encoding="utf-8").splitlines()[:5] == shown


@pytest.mark.slow
def test_a_table_and_a_folder_become_an_answer(tmp_path: Path) -> None:
    project = project_in(tmp_path / "project")
    write_orders(project.folder)
    lines = re.findall(r"^    ragtally .*$", PAGE, re.MULTILINE)
    commands = [shlex.split(line, comments=True)[1:] for line in lines]
    with_models = [words for words in commands if words[1] == "orders-llm"]
    own = [words for words in commands if not any("orders-llm" in word for word in words)]
    assert [words[0] for words in own] == ["new", "run", "check", "plan", "export", "export"]
    for words in own:
        done = project.ragtally(*words)
        assert done.code == 0, done.err
        if words[0] == "run":
            said = " ".join(done.out.partition("The answer")[2].split())
            # The page prints what is said here.
            (answer,) = re.findall(r"are the answer:\n\n((?:    .*\n)+)", PAGE)
            assert said.startswith(" ".join(answer.split()))
    # Then with language models, of which one is served here.
    assert len(with_models) == 3
    for words in with_models:
        with running_server(listed=["tiny"]) as server:
            here = [word.replace("http://localhost:8080/v1", server.openai) for word in words]
            written = project.ragtally(*here)
        assert written.code == 0, written.err
        (project.folder / "specs/orders-llm.yaml").unlink()
