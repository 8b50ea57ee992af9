"""The commands, on a study that has run."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time

import pytest

from command_line import SMALL_SPEC, Project, commands, in_process
from ragtally.cli import _COMMANDS, lazy, run


def test_help_names_every_command_and_the_exit_codes(project: Project) -> None:
    outcome = project.ragtally("--help")
    assert outcome.code == 0
    for name in _COMMANDS:
        assert f"\n  {name} " in outcome.out
    assert "Exit codes" in outcome.out


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], ["yaml", "jsonschema", "numpy", "polars", "haystack", "sklearn", "rich"]),
        # To know its splits, check builds the dataset, which may compute with numpy.
        (["check", "specs/small.yaml"], ["polars", "haystack", "sklearn", "scipy", "fsspec"]),
        *(([name, "--help"], ["numpy", "polars", "haystack", "altair", "fsspec"]) for name in _COMMANDS),
    ],
)
def test_light_commands_import_nothing_heavy(project: Project, words: list[str], heavy: list[str]) -> None:
    """What makes `--help` and `check` fast; timings are in the benchmark."""
    code = (
        "import sys\nfrom ragtally.cli import main\n"
        f"sys.argv = ['ragtally', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.folder, env=project.environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "loaded: []", done.stdout + done.stderr
    assert ("Usage:" in done.stdout) is ("--help" in words)


def test_what_is_loaded_lazily_exists() -> None:
    assert all(getattr(lazy, name).__name__ for name in lazy.__all__)
    assert run.STAGES == lazy.plan.STAGES


def test_an_unknown_command_ends_with_2(project: Project) -> None:
    outcome = project.ragtally("rnu")
    assert outcome.code == 2
    assert "rnu" in outcome.err


def test_run_prints_the_tables_and_a_second_run_does_nothing(finished: Project) -> None:
    before = finished.results()
    outcome = finished.ragtally("run", "specs/small.yaml")
    assert outcome.code == 0, outcome.err
    assert "to do" not in outcome.err
    assert "Cells of the grid" in outcome.out
    assert finished.results() == before


def test_run_ends_with_the_answer_and_show_begins_with_it(finished: Project) -> None:
    tables, _, answer = finished.ragtally("run", "specs/small.yaml").out.partition("\nThe answer\n")
    assert answer and finished.ragtally("show", "small").out == f"The answer\n{answer}\n{tables}"


def test_show_fits_one_screen(finished: Project) -> None:
    lines = finished.ragtally("show", "small", COLUMNS="80").out.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80


def test_show_all_prints_how_sure_the_answer_is(finished: Project) -> None:
    everything = finished.ragtally("show", "small", "--all").out
    answer = finished.ragtally("show", "small").out.partition("\n\n")[0]
    assert everything.startswith(answer)
    titles = (
        "Voters", "Readers", "Cells of the grid", "Best cells by accuracy", "Where the answers went",
        "From the gold context", "Vote noise",
    )  # fmt: skip
    for title in titles:
        assert title in everything
    assert "$ per" not in everything, "nothing costs anything here"
    set_analysis = json.loads(finished.ragtally("show", "small", "--json").out)
    where = set_analysis["sets"][set_analysis["question_set"]]["error_breakdowns"][set_analysis["chosen_cell"]]
    for bucket, count in where["buckets"].items():
        assert bool(re.search(rf"^{re.escape(bucket)} +{count} ", everything, re.M)) == bool(count)


def test_show_of_an_unknown_study_says_which_there_are(finished: Project) -> None:
    outcome = finished.ragtally("show", "smal")
    assert outcome.code == 2
    assert "did you mean 'small'?" in outcome.err


def test_advise_sets_a_finished_study_s_approaches_side_by_side(finished: Project) -> None:
    store = finished.environment["RAGTALLY_STORE"]
    words = ("advise", "specs/small.yaml", "--usd-labelling", "9")
    outcome = in_process(finished.folder, *words, RAGTALLY_STORE=store, COLUMNS="80")
    assert outcome.code == 0, outcome.err
    assert "small: the approaches on" in outcome.out
    # The floor has nothing to learn from labels that somebody pays for.
    assert "It saves nothing per answer, so it never pays for itself." in " ".join(outcome.out.split())
    choice = json.loads(in_process(finished.folder, *words, "--json", RAGTALLY_STORE=store).out)["choice"]
    assert [each["reader"] for each in choice["options"]] == ["floor", "words"]
    assert choice["highest"] in {each["cell"] for each in choice["options"]}


def test_tables_fit_80_columns_and_lose_no_number(finished: Project) -> None:
    narrow = finished.ragtally("show", "small", "--all", COLUMNS="80").out
    wide = finished.ragtally("show", "small", "--all", COLUMNS="200").out
    assert max(map(len, narrow.splitlines())) <= 80
    numbers = re.compile(r"\b\d+\.\d+\b")
    assert sorted(numbers.findall(narrow)) == sorted(numbers.findall(wide))


def test_plan_counts_cells_and_shared_work(finished: Project) -> None:
    plan = json.loads(finished.ragtally("plan", "specs/small.yaml", "--json").out)
    cells = [row["cell"] for row in plan["cells"]]
    assert len(cells) == len(set(cells))
    # 2 chunk sizes x 2 retrievers alone; controls 3 x 2 vote settings and the floor's 2; grid 2 x 2 x 2 x 1 x 2
    assert len(cells) == 4 + 6 + 2 + 16
    assert all(row["done"] for row in plan["cells"])
    steps = {row["step"]: row for row in plan["steps"]}
    assert steps["prepare"]["tasks"] == 1
    assert steps["chunk"]["tasks"] == 2
    assert steps["index"]["tasks"] == 4
    assert all(row["tasks"] == row["done"] <= row["uses"] for row in steps.values())
    text = finished.ragtally("plan", "specs/small.yaml").out
    assert "after sharing" in text
    assert "28 of 28 cells are done" in text


def test_plan_runs_nothing(project: Project) -> None:
    outcome = project.ragtally("plan", "specs/small.yaml")
    assert outcome.code == 0
    assert "0 of 28 cells are done" in outcome.out
    assert not (project.folder / "store").exists()


def test_run_of_some_cells_writes_no_results(project: Project) -> None:
    outcome = project.ragtally("run", "specs/small.yaml", "--cell", "closed_book/floor")
    assert outcome.code == 0, outcome.err
    assert "floor" in outcome.out
    assert not (project.folder / "data").exists()
    none = project.ragtally("run", "specs/small.yaml", "--cell", "closed_book/flor")
    assert none.code == 2
    assert "ragtally plan" in none.err


def test_plugins_names_component_and_package(finished: Project) -> None:
    listed = json.loads(finished.ragtally("plugins", "--json").out)
    bm25 = next(row for row in listed if (row["kind"], row["name"]) == ("retriever", "bm25"))
    assert bm25["plugin"] == "ragtally_bm25"
    assert bm25["distribution"].startswith("ragtally ")
    assert "k1" in bm25["parameters"]
    assert "bm25" in finished.ragtally("plugins").out
    of_one_kind = finished.ragtally("plugins", "executor").out
    assert "bm25" not in of_one_kind
    assert "RAY_ADDRESS" in of_one_kind


def test_schema_is_json_schema_and_the_reference_is_markdown(project: Project) -> None:
    schema = json.loads(project.ragtally("schema").out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert project.ragtally("schema", "--output", "spec.schema.json").code == 0
    assert json.loads((project.folder / "spec.schema.json").read_text()) == schema
    assert "# " in project.ragtally("schema", "--reference").out


def test_fetch_copies_and_refuses_what_is_not_as_published(project: Project) -> None:
    project.write("copy/ori_pqal.json", "{}")
    project.write("copy/test_ground_truth.json", "{}")
    outcome = project.ragtally("fetch", "pubmedqa", "--from", "copy")
    assert outcome.code == 2
    assert "SHA-256" in outcome.err
    assert not list((project.folder / "data").rglob("*.json"))
    assert "did you mean 'pubmedqa'?" in project.ragtally("fetch", "pubmedq").err
    assert project.ragtally("fetch", "synthetic").code == 2


def test_gold_context_beats_retrieved_beats_closed_book(finished: Project) -> None:
    """On few questions; `specs/quickstart.yaml` shows the same on many."""
    rows = list(csv.DictReader((finished.folder / "data/results/small/cells.csv").read_text().splitlines()))
    accuracy = {(row["cell"], row["question_set"]): row["accuracy"] for row in rows if row["reader"]}
    gold = float(accuracy["gold_context/words/2 votes", "base"])
    retrieved = float(accuracy["words(40)/bm25/top 1/words/2 votes", "base"])
    assert gold > retrieved
    majority = float(accuracy["closed_book/floor/1 vote", "all"])
    assert float(accuracy["closed_book/words/1 vote", "all"]) == majority
    assert SMALL_SPEC.count("majority_class") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_says_that_finished_work_is_saved_and_how_to_continue(
    project: Project, number: signal.Signals
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("what is started under nohup ignores this signal, as its caller does")
    project.write("long.yaml", SMALL_SPEC.replace("questions: 60", "questions: 20000"))
    process = project.start("run", "--no-report", "long.yaml")
    deadline = time.monotonic() + 60
    while not any((project.folder / "store").glob("tmp/*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stopped = commands().kill(process, number)
    assert stopped.code == 3, stopped.err
    assert "stopped: interrupted\nfinished work is saved\nthe same command continues: " in stopped.err
    assert "ragtally run --no-report long.yaml" in stopped.err
