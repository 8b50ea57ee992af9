"""What many tests share: a store and a study of a test's own, in the made-up world."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from chromium import PROGRAM, Chromium
from ragtally.registry import Registry
from toy_study import toy_registry
from workbench import Bench

# The same examples every time, and few, so that the whole suite stays under four minutes; for a longer look:
# pytest --hypothesis-profile=thorough
settings.register_profile("suite", max_examples=25, derandomize=True, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def folders_of_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep caches in a folder of this run, and let the settings of whoever runs the tests not count."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(root / "settings"))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave property tests out of the coverage: many examples run the same lines, and measuring them takes long."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("no_cover")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a run could not prove."""
    passed = terminalreporter.stats.get("passed", [])
    if not os.environ.get("WEAVIATE_URL") and any("tests/plugins/weaviate/" in each.nodeid for each in passed):
        terminalreporter.write_line(
            "Weaviate: not proved against a server, a stand-in answered; set WEAVIATE_URL to test against one"
        )


@pytest.fixture
def make_bench(tmp_path: Path) -> Callable[..., Bench]:
    """Make places to do work in, each of its own name."""

    def make(name: str = "bench", registry: Registry | None = None) -> Bench:
        folder = tmp_path / name
        folder.mkdir()
        return Bench(folder, registry or toy_registry())

    return make


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if PROGRAM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    opened = Chromium(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
