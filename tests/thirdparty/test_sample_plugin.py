"""A third party's plugin is installed by pip, seen beside those in the box, and kept to the same contracts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = """
import json
from ragtally.registry import load_registry
from ragtally.api import Choice

registry = load_registry()
own = [found for found in registry.all() if found.plugin == "ragtally_sample"]
rule = registry.build(Choice("rule", "first_ballot"))
print(json.dumps({
    "own": [[found.kind, found.component.name, found.distribution] for found in own],
    "others": len(registry.all()) - len(own),
    "verdict": rule.verdict([None, "no", "yes"]),
}))
"""

SUITES = """
from ragtally.testing import AnswerMetricSuite, ReaderSuite, VoteRuleSuite


class TestNegationWords(ReaderSuite):
    plugin = "ragtally_sample"
    name = "negation_words"


class TestNegationWordsOfAnotherLanguage(TestNegationWords):
    parameters = {"words": ["nicht", "kein"]}


class TestFirstBallot(VoteRuleSuite):
    plugin = "ragtally_sample"
    name = "first_ballot"
    symmetric = False


class TestYesRate(AnswerMetricSuite):
    plugin = "ragtally_sample"
    name = "yes_rate"


class TestBalancedF1(AnswerMetricSuite):
    plugin = "ragtally_sample"
    name = "balanced_f1"
"""


def python(path: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_registry_offers_what_the_plugin_brings(sample_plugin_path: Path) -> None:
    done = python(sample_plugin_path, "-c", SHOW)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["own"] == [
        ["reader", "negation_words", "ragtally-sample-plugin 1.2.0"],
        ["rule", "first_ballot", "ragtally-sample-plugin 1.2.0"],
        ["metric", "balanced_f1", "ragtally-sample-plugin 1.2.0"],
        ["metric", "yes_rate", "ragtally-sample-plugin 1.2.0"],
    ]
    assert shown["others"] > 0
    assert shown["verdict"] == "no"


def test_it_is_gone_where_it_is_not_installed() -> None:
    done = python(Path("nowhere"), "-c", SHOW)
    assert "no installed plugin offers the rule 'first_ballot'" in done.stderr


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    (tmp_path / "test_conformance.py").write_text(SUITES)
    return tmp_path


def test_the_authors_own_tests_pass(sample_plugin_path: Path, suites: Path) -> None:
    done = python(
        sample_plugin_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_conformance.py", cwd=suites
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
