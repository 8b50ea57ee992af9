"""The README's table of steps is that of the code."""

from __future__ import annotations

import re
from pathlib import Path

from ragtally.steps import STEPS
from toy_study import toy_registry
from workbench import Bench

README = Path(__file__).parents[2] / "runner" / "README.md"
TABLE = README.read_text(encoding="utf-8").split("| step | reads | writes |", 1)[1].split("\n\n", 1)[0]


def test_every_step_is_in_the_table_in_the_order_of_the_work() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \|", TABLE, re.MULTILINE) == list(STEPS)


def test_the_files_of_a_steps_row_are_those_that_it_writes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, toy_registry())
    plan = bench.plan()
    for task in (plan.dataset, plan.sample):
        folder = bench.do(task)
        (row,) = re.findall(rf"^\| `{task.step.name}` \|.*$", TABLE, re.MULTILINE)
        assert set(re.findall(r"`([a-z]+\.[a-z]+)`", row)) == {path.name for path in folder.iterdir()} - {
            "entry.json"
        }
