"""The conformance suites pass what keeps the contract, and find out what breaks it."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

import pytest

from ragtally.testing.samples import passages
from testing.broken_components import GOOD, MUTANTS

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """Whether each check of each suite in `broken_suites.py` passed, by class and check."""
    folder = tmp_path_factory.mktemp("suites")
    report = folder / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:cov", "-o", "addopts=", "--import-mode=importlib"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *options,
            f"--junitxml={report}",
            f"--basetemp={folder / 'base'}",
            "broken_suites.py",
        ],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    candidates: dict[str, dict[str, bool]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):
        check = case.attrib["name"].partition("[")[0]
        passed = case.find("failure") is None and case.find("error") is None
        of_class = candidates[case.attrib["classname"].rpartition(".")[2]]
        of_class[check] = of_class.get(check, True) and passed
    return candidates


@pytest.mark.parametrize("number", range(len(GOOD)), ids=list(GOOD))
def test_a_component_that_keeps_the_contract_passes(outcomes: dict[str, dict[str, bool]], number: int) -> None:
    checks = outcomes[f"TestGood{number}"]
    assert len(checks) > 8
    assert not [check for check, passed in checks.items() if not passed]


@pytest.mark.parametrize(
    ("number", "check"),
    [(number, check) for number, (_, check, _) in enumerate(MUTANTS)],
    ids=[f"{of}-{number}" for number, (of, _, _) in enumerate(MUTANTS)],
)
def test_a_component_that_breaks_it_is_found_out(
    outcomes: dict[str, dict[str, bool]], number: int, check: str
) -> None:
    assert outcomes[f"TestBroken{number}"][check] is False


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("TestHeavy", "test_the_plugin_is_cheap_to_import"),
        ("TestNotOffered", "test_the_component_is_described"),
        ("TestParameterMissing", "test_what_is_built_keeps_the_contract"),
        ("TestParameterRefused", "test_the_parameters_under_test_are_allowed"),
        ("TestParameterUnknown", "test_what_is_built_keeps_the_contract"),
    ],
)
def test_a_suite_that_is_set_up_wrongly_fails(outcomes: dict[str, dict[str, bool]], name: str, check: str) -> None:
    assert outcomes[name][check] is False


def test_every_check_has_a_component_that_fails_it(outcomes: dict[str, dict[str, bool]]) -> None:
    checks = {check for of_class in outcomes.values() for check in of_class}
    failed = {check for of_class in outcomes.values() for check, passed in of_class.items() if not passed}
    assert failed == checks


def test_sample_passages_lie_where_their_spans_say() -> None:
    corpus = passages()
    for text, start, end in zip(corpus.text, corpus.spans.start, corpus.spans.end, strict=True):
        assert end - start == len(text)
