"""The tree keeps its layers; and the rules that say so can fail."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import architecture_rules as rules
import code_measures
from ragtally.registry import load_registry

ROOT = Path(__file__).parents[1]
HEAVY = {"bm25s", "haystack", "numpy", "pandas", "polars", "pyarrow", "scipy", "sklearn", "torch"}


def entry_points() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["entry-points"]["ragtally"].values())


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: rules.Rule) -> None:
    found = rules.violations(ROOT, rule)
    assert not found, "\n".join([str(rule.__doc__), *found])


def test_the_engine_names_no_component_and_no_plugin() -> None:
    names = {entry.component.name for entry in load_registry().all()}
    assert rules.violations(ROOT, functools.partial(rules.component_names, names=names)) == []


@pytest.mark.parametrize("text", ["retriever = 'bm25'", "import_module('ragtally_bm25.index')"])
def test_an_engine_that_names_a_component_is_found(tmp_path: Path, text: str) -> None:
    root = write(tmp_path, {f"{PACKAGE}/steps/a.py": text})
    assert len(rules.violations(root, functools.partial(rules.component_names, names={"bm25"}))) == 1


def test_no_module_imports_in_a_circle() -> None:
    assert code_measures.circles(code_measures.import_graph(ROOT)) == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    write(
        tmp_path, {f"{PACKAGE}/a.py": "from ragtally import b", f"{PACKAGE}/b.py": "def f():\n    import ragtally.a"}
    )
    assert code_measures.circles(code_measures.import_graph(tmp_path)) == [["ragtally.a", "ragtally.b"]]


def test_names_say_what_things_are() -> None:
    counts, total = code_measures.participles(ROOT)
    assert counts.total() < total / 100, f"bare participles: {dict(counts.most_common(20))}"


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("found", True),
        ("_Asked", True),
        ("KEPT", True),
        ("asked_questions", False),
        ("read", False),
        ("embed", False),
    ],
)
def test_a_bare_participle_is_told_from_a_noun(name: str, bare: bool) -> None:
    assert code_measures.is_bare_participle(name) is bare


def test_the_tree_is_where_the_rules_look() -> None:
    paths = {source.path for source in rules.sources(ROOT)}
    assert {"runner/ragtally/registry.py", "plugins/ragtally_vote_rules.py"} <= paths


def test_every_plugin_has_its_entry_point() -> None:
    files = {path.stem for path in (ROOT / "plugins").glob("ragtally_*") if path.suffix in ("", ".py")}
    assert entry_points() <= files
    assert rules.hook_modules(ROOT) == entry_points()


def run(script: str) -> list[str]:
    """Run a script in a fresh interpreter; returns the JSON list that it prints."""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(result.stdout)
    return loaded


def test_importing_ragtally_loads_little_more_than_the_standard_library() -> None:
    loaded = run(
        "import json, sys; old = set(sys.modules); import ragtally; print(json.dumps([*set(sys.modules) - old]))"
    )
    tops = {module.split(".")[0] for module in loaded}
    assert "ragtally" in tops
    assert tops - {"pluggy", "ragtally"} <= sys.stdlib_module_names


def test_importing_every_plugin_and_asking_it_loads_nothing_heavy() -> None:
    script = f"""
import importlib, json, sys
culprits = []
for name in {sorted(entry_points())!r}:
    plugin = importlib.import_module(name)
    for hook in [hook for hook in dir(plugin) if hook.startswith("register_")]:
        getattr(plugin, hook)()
    heavy = {sorted(HEAVY)!r}
    culprits += [f"{{name}} loads {{module}}" for module in heavy if module in sys.modules]
    for module in list(sys.modules):
        if module.split(".")[0] in heavy:
            del sys.modules[module]
print(json.dumps(culprits))
"""
    assert run(script) == []


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


PACKAGE = "runner/ragtally"


@pytest.mark.parametrize(
    ("rule", "path", "text", "message"),
    [
        (rules.layering, "api/a.py", "from ragtally.plan import Cell", "api is below plan"),
        (rules.layering, "registry.py", "from ragtally import store", "registry is below store"),
        (rules.layering, "parsing/a.py", "import ragtally.store", "parsing must not know store"),
        (rules.layering, "plan/a.py", "from ragtally.engine import go", "plan is below engine"),
        (rules.layering, "plan/a.py", "from ..llm import go", "plan is below llm"),
        (rules.layering, "present/a.py", "from ragtally.cli import main", "present is below cli"),
        (rules.layering, "spec/a.py", "def f():\n    import ragtally.cli", "spec is below cli"),
        (rules.layering, "extras/a.py", "", "'extras' is in no layer"),
        (rules.layering, "steps/a.py", "from ragtally.extras import a", "ragtally.extras, which is in no layer"),
        (rules.standard_library_only, "api/a.py", "import numpy as np", "imports numpy"),
        (rules.standard_library_only, "__init__.py", "def f():\n    import yaml", "imports yaml"),
        (rules.standard_library_only, "api/a.py", "if TYPE_CHECKING:\n    a = 1\nelse:\n    import numpy", "numpy"),
        (rules.one_place, "steps/a.py", "from haystack import Pipeline", "haystack belongs in pipelines"),
        (rules.one_place, "cli/a.py", "def f():\n    import sqlite3", "sqlite3 belongs in store"),
        (rules.one_place, "spec/a.py", "import rich.table", "rich belongs in cli and present"),
        (
            rules.imports_at_the_top,
            "plan/a.py",
            "class A:\n  def f(self):\n    from ragtally import spec",
            "ragtally.spec",
        ),
        (rules.imports_at_the_top, "cli/check.py", "def f():\n    import ragtally.spec", "inside a function"),
        (rules.safe, "store/a.py", "import pickle", "imports pickle"),
        (rules.safe, "store/a.py", "from joblib import load", "imports joblib"),
        (rules.safe, "spec/a.py", "yaml.load(text, Loader)", "calls yaml.load"),
        (rules.safe, "spec/a.py", "x = eval('1')", "calls eval"),
        (rules.safe, "store/a.py", "np.load(path, allow_pickle=True)", "allows pickle"),
        (rules.quiet, "steps/a.py", "print('done')", "prints"),
        (rules.short, "steps/a.py", "a = 1\n" * 601, "601 lines"),
        (rules.short, "steps/a.py", "def f():\n" + "    a = 1\n" * 61, "f has 61 lines"),
        (rules.telling_names, "steps/utils.py", "", "'utils' says nothing"),
        (rules.telling_names, "common/a.py", "", "'common' says nothing"),
    ],
)
def test_a_violation_is_found(tmp_path: Path, rule: rules.Rule, path: str, text: str, message: str) -> None:
    (found,) = rules.violations(write(tmp_path, {f"{PACKAGE}/{path}": text}), rule)
    assert found.startswith(f"{PACKAGE}/{path}:")
    assert message in found


@pytest.mark.parametrize("module", ["ragtally.spec", "ragtally.registry"])
def test_a_plugin_that_reaches_into_the_engine_is_found(tmp_path: Path, module: str) -> None:
    write(tmp_path, {"plugins/ragtally_a.py": f"def f():\n    import {module}"})
    (found,) = rules.violations(tmp_path, rules.plugins_stand_apart)
    assert found == f"plugins/ragtally_a.py:2: a plugin imports {module}"


def test_a_plugin_that_reaches_into_another_is_found(tmp_path: Path) -> None:
    write(tmp_path, {"plugins/ragtally_a.py": "from ragtally_b.inside import x\nfrom ragtally_b import y"})
    (found,) = rules.violations(tmp_path, rules.plugins_stand_apart)
    assert found == "plugins/ragtally_a.py:1: a plugin imports ragtally_b.inside, the inside of another"


def test_what_is_allowed_is_not_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            f"{PACKAGE}/__init__.py": "__version__ = '1'",
            f"{PACKAGE}/api/a.py": "if TYPE_CHECKING:\n    import numpy\nfrom ragtally.api.errors import Location",
            f"{PACKAGE}/registry.py": "import pluggy\nfrom ragtally import api\nimport ragtally.api",
            f"{PACKAGE}/engine/a.py": "import ragtally.plan\nfrom ragtally.steps import read\nfrom . import b",
            f"{PACKAGE}/cli/__init__.py": "def f():\n    import ragtally.spec\nprint(1)\nimport click, rich",
            f"{PACKAGE}/store/a.py": "import sqlite3\nnp.load(path, allow_pickle=False)\nconsole.print(1)",
            f"{PACKAGE}/spec/a.py": "import yaml\nyaml.compose(text)\nimport numpy\n" + "a = 1\n" * 597,
            "plugins/ragtally_a.py": "def f():\n    import numpy, ragtally_b\n    from ragtally.api.a import x",
        },
    )
    assert [found for rule in rules.RULES for found in rules.violations(tmp_path, rule)] == []


def test_modules_with_hooks_are_found(tmp_path: Path) -> None:
    hooked = "@hookimpl\ndef register_readers(): return []"
    write(tmp_path, {"plugins/ragtally_a.py": hooked, "plugins/ragtally_b.py": "def register_readers(): return []"})
    assert rules.hook_modules(tmp_path) == {"ragtally_a"}
