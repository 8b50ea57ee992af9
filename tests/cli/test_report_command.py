"""`ragtally report`, and the report at the end of `ragtally run`."""

from __future__ import annotations

import json

from command_line import Project


def test_run_ends_with_the_report_and_report_writes_it_again(finished: Project) -> None:
    folder = finished.folder / "data" / "results" / "small"
    before = {name: (folder / name).read_bytes() for name in ("analysis.json", "plots/chunk_size.csv", "report.html")}
    outcome = finished.ragtally("report", "small", "--spec", "specs/small.yaml")
    assert outcome.code == 0, outcome.err
    assert outcome.out == "data/results/small/report.html\n"
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert json.loads(before["analysis.json"])["study"] == "small"
    assert b"study: small" in before["report.html"]


def test_show_prints_the_same_with_and_without_the_verdict_that_was_written(finished: Project) -> None:
    written = finished.folder / "data" / "results" / "small" / "analysis.json"
    with_it = finished.ragtally("show", "small", "--all")
    before = written.read_bytes()
    written.unlink()
    without = finished.ragtally("show", "small", "--all")
    written.write_bytes(before)
    assert with_it.code == 0, with_it.err
    assert without.out == with_it.out
    assert "Best cells" in without.out


def test_a_class_that_the_base_lost_is_told_where_macro_averages_stand(finished: Project) -> None:
    path = finished.folder / "data" / "results" / "small" / "base.json"
    before = path.read_bytes()
    told = json.loads(before)
    said = []
    for left in (1, 0):
        told["funnel"]["stages"]["base"]["by_class"] = {"yes": 5, "no": 5, "maybe": left}
        path.write_text(json.dumps(told), encoding="utf-8")
        said.append(" ".join(finished.ragtally("show", "small", "--all").out.split()))
    path.write_bytes(before)
    assert "is left" not in said[0]
    assert "no maybe is left: on the base, macro averages run over 2 classes" in said[1]


def test_the_folder_of_the_results_names_a_study_too(finished: Project) -> None:
    assert finished.ragtally("report", "data/results/small").code == 0


def test_a_study_that_has_not_run_names_the_missing_file(project: Project) -> None:
    project.write("data/results/half/dataset.json", '{"study": "half"}')
    outcome = project.ragtally("report", "half")
    assert outcome.code == 2
    assert "cells.csv" in outcome.err
    assert "ragtally run" in outcome.err
