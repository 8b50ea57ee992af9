"""Plugins are found, attributed and checked; components are built and described."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pluggy
import pytest

from ragtally.api import (
    Choice,
    Component,
    EmbedderTraits,
    PluginError,
    ReaderTraits,
    RetrieverTraits,
    hookimpl,
    hookspecs,
)
from ragtally.registry import Registry, did_you_mean, load_registry, registry_of

RULE = """
from ragtally.api.hookspecs import hookimpl
from ragtally.api import Component

@hookimpl
def register_vote_rules():
    return [Component({name!r}, object, "A rule.")]
"""

MINE = RULE.format(name="mine")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a plugin module as a distribution of its own, by hand."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(package: str, module: str, source: str, folder: Path = tmp_path) -> None:
        (folder / f"{module}.py").write_text(source)
        information = folder / f"{package.replace('-', '_')}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[ragtally]\nplugin = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        importlib.invalidate_caches()

    return install


def test_an_installed_plugin_is_offered_with_its_origin(install: Callable[..., None]) -> None:
    install("some-package", "some_plugin", MINE)
    found = load_registry().find("rule", "mine")
    assert found is not None
    assert (found.plugin, found.distribution, found.kind) == ("some_plugin", "some-package 1.0", "rule")


def test_two_plugins_of_one_name_are_an_error_that_names_both(install: Callable[..., None]) -> None:
    install("one-package", "one_plugin", RULE.format(name="same"))
    install("other-package", "other_plugin", RULE.format(name="same"))
    with pytest.raises(PluginError, match="two plugins offer the rule 'same'") as caught:
        load_registry()
    for word in ("one_plugin of one-package 1.0", "other_plugin of other-package 1.0", "rename"):
        assert word in str(caught.value)


def test_a_plugin_may_not_take_a_name_from_the_box(install: Callable[..., None]) -> None:
    install("some-package", "some_plugin", RULE.format(name="majority"))
    with pytest.raises(PluginError, match=r"ragtally_vote_rules of ragtally \d") as caught:
        load_registry()
    assert "some_plugin of some-package 1.0" in str(caught.value)


def test_two_packages_of_one_module_are_an_error(install: Callable[..., None]) -> None:
    install("one-package", "some_plugin", MINE)
    install("other-package", "some_plugin", MINE)
    with pytest.raises(PluginError, match="two packages name the plugin some_plugin"):
        load_registry()


def test_a_package_that_is_on_the_path_twice_counts_once(
    install: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("some-package", "some_plugin", MINE)
    second = tmp_path / "second"
    second.mkdir()
    install("some-package", "some_plugin", MINE, second)
    monkeypatch.syspath_prepend(second)
    assert load_registry().find("rule", "mine") is not None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('no such card')", ["cannot be imported", "RuntimeError: no such card", "pip uninstall"]),
        ("import a_module_that_is_not_there", ["cannot be imported", "a_module_that_is_not_there"]),
        ("def broken(:", ["cannot be imported", "SyntaxError"]),
        (
            MINE.replace("vote_rules", "vote_rule"),
            ["hook that does not exist", "register_vote_rule'", "register_readers"],
        ),
        (MINE.replace("@hookimpl", ""), ["implements no hook", "hookimpl", "register_vote_rules"]),
        ("", ["implements no hook"]),
        (MINE.replace("register_vote_rules()", "register_vote_rules(registry)"), ["cannot be used", "registry"]),
        (MINE.replace("return [", "return 1 / 0 + ["), ["fails in register_vote_rules", "ZeroDivisionError"]),
        (MINE.replace("return [", "return 5, ["), ["must return a list of Component", "register_vote_rules"]),
        (MINE.replace("return [", "return ['majority'] + ["), ["must return a list of Component"]),
        (MINE.replace("return [", "return None and ["), ["must return a list of Component"]),
    ],
)
def test_a_broken_plugin_is_named_with_its_package(
    install: Callable[..., None], source: str, words: list[str]
) -> None:
    install("some-package", "some_plugin", source)
    with pytest.raises(PluginError) as caught:
        load_registry()
    for word in ["some_plugin of some-package 1.0", *words]:
        assert word in str(caught.value)


def registry(**hooks: list[Component]) -> Registry:
    """A registry of one plugin, named `here`, that offers components through hooks."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)

    class Plugin:
        pass

    for hook, offered in hooks.items():
        setattr(Plugin, hook, staticmethod(hookimpl(lambda offered=offered: offered)))
    for hook in hooks:
        getattr(Plugin, hook).__name__ = hook
    manager.register(Plugin, name="here")
    return registry_of(manager, {"here": "here-package 2.0"})


def described(**schema: Any) -> dict[str, Any]:
    return {"description": "A parameter.", **schema}


EMBEDDER = Component("small", lambda **given: ("embedder", given), "E.", 3, {"dim": described(), "seed": described()})
RETRIEVER = Component(
    "near",
    lambda **given: ("retriever", given),
    "R.",
    params={
        "embedder": described(**{"x-ragtally-kind": "embedder"}),
        "host": described(**{"x-ragtally-identity": False}),
        "distance": described(**{"x-ragtally-search": True}),
        "train": described(**{"x-ragtally-engine": True}),
        "weights": described(**{"x-ragtally-identity": "fingerprint"}),
    },
    fingerprint=lambda parameters: f"content of {parameters['host']}",
    traits=lambda parameters: RetrieverTraits(prefix_stable=parameters["distance"] == "l2"),
)
INNER = Choice("embedder", "small", {"dim": 8, "seed": 5})
OUTER = Choice(
    "retriever",
    "near",
    {"embedder": INNER, "host": "h", "distance": "l2", "train": {"split": "train"}, "weights": "owner/model"},
)


@pytest.fixture
def own() -> Registry:
    return registry(register_embedders=[EMBEDDER], register_retrievers=[RETRIEVER])


def test_components_among_the_parameters_are_built_first() -> None:
    chunker = Component(
        "by_meaning", lambda **given: given, "C.", params={"embedder": described(), "others": described()}
    )
    both = registry(register_embedders=[EMBEDDER], register_chunkers=[chunker])
    built = ("embedder", {"dim": 8, "seed": 5})
    given = both.build(Choice("chunker", "by_meaning", {"embedder": INNER, "others": (INNER, INNER)}))
    assert given == {"embedder": built, "others": [built, built]}


def test_what_a_retriever_names_is_left_to_the_engine(own: Registry) -> None:
    kind, given = own.build(OUTER)
    assert kind == "retriever"
    assert given == {"embedder": None, "host": "h", "distance": "l2", "weights": "owner/model"}


def test_an_identity_says_what_and_not_where(own: Registry) -> None:
    assert own.identity(OUTER) == {
        "kind": "retriever",
        "name": "near",
        "version": 1,
        "parameters": {
            "embedder": {
                "kind": "embedder",
                "name": "small",
                "version": 3,
                "parameters": {"dim": 8, "seed": 5},
                "fingerprint": None,
            },
            "distance": "l2",
        },
        "fingerprint": "content of h",
    }


def test_an_index_is_the_same_whatever_the_search(own: Registry) -> None:
    other = Choice("retriever", "near", {**OUTER.parameters, "distance": "dot"})
    assert own.identity(OUTER, search=False) == own.identity(other, search=False)
    assert own.identity(OUTER) != own.identity(other)


def test_a_fingerprint_can_be_left_out(own: Registry) -> None:
    identity = own.identity(OUTER, fingerprint=False)
    assert identity["fingerprint"] is None
    assert identity["parameters"]["weights"] == "owner/model", "what the fingerprint stood for counts in its place"
    assert "host" not in identity["parameters"]


CHOOSY = Component(
    "choosy",
    object,
    "C.",
    params={
        "mode": described(default="words"),
        "index": described(default=None, **{"x-ragtally-when": {"mode": ["vectors"]}, "x-ragtally-null": "graph"}),
        "width": described(default=4, **{"x-ragtally-when": {"mode": ["vectors"], "index": [None, "graph"]}}),
        "builds": described(default=1, **{"x-ragtally-engine": True}),
        "inner": described(default=None, **{"x-ragtally-kind": "retriever"}),
        "name": described(),
        "host": described(default="h", **{"x-ragtally-identity": False}),
    },
)


@pytest.mark.parametrize(
    ("parameters", "relevant"),
    [
        ({}, {"mode", "inner", "name", "host"}),
        ({"mode": "vectors"}, {"mode", "index", "width", "inner", "name", "host"}),
        ({"mode": "vectors", "index": "flat"}, {"mode", "index", "inner", "name", "host"}),
        ({"index": "graph"}, {"mode", "inner", "name", "host"}),
    ],
)
def test_parameters_that_others_rule_out_tell_nothing(parameters: dict[str, Any], relevant: set[str]) -> None:
    choosy = registry(register_retrievers=[CHOOSY])
    choice = choosy.complete(Choice("retriever", "choosy", {"name": "n", **parameters}))
    assert set(choice.parameters) == set(CHOOSY.params)
    assert set(choosy.relevant_parameters(choice).parameters) == relevant
    assert set(choosy.relevant_parameters(choice, identity=True).parameters) == relevant - {"host"}
    outer = Choice("retriever", "choosy", {**choice.parameters, "inner": (choice, choice)})
    inside = choosy.relevant_parameters(outer).parameters["inner"]
    assert [set(one.parameters) for one in inside] == [relevant, relevant]


def test_a_null_is_called_what_it_stands_for() -> None:
    choosy = registry(register_retrievers=[CHOOSY])
    for index, word in ((None, "graph"), ("flat", "flat")):
        choice = choosy.complete(Choice("retriever", "choosy", {"name": "n", "mode": "vectors", "index": index}))
        parameters = choosy.relevant_parameters(choice).parameters
        assert parameters["index"] == word and parameters["inner"] is None


def test_a_plugin_cannot_leave_out_what_has_no_default() -> None:
    with pytest.raises(PluginError, match="picks the retriever 'choosy' without 'name'"):
        registry(register_retrievers=[CHOOSY]).complete(Choice("retriever", "choosy"))


def test_another_seed_is_another_identity(own: Registry) -> None:
    other = Choice("embedder", "small", {"dim": 8, "seed": 6})
    assert own.identity(INNER) != own.identity(other)


def test_traits_come_from_the_parameters_or_the_kind(own: Registry) -> None:
    assert own.traits(OUTER) == RetrieverTraits(prefix_stable=True)
    assert own.traits(INNER) == EmbedderTraits()
    plain = registry(register_readers=[Component("plain", object, "P.")])
    assert plain.traits(Choice("reader", "plain")) == ReaderTraits()


def test_components_are_listed_in_the_order_of_the_work() -> None:
    rules = [Component(name, object, "R.") for name in ("z", "a")]
    listed = registry(register_vote_rules=rules, register_embedders=[EMBEDDER])
    assert [(found.kind, found.component.name) for found in listed.all()] == [
        ("embedder", "small"),
        ("rule", "a"),
        ("rule", "z"),
    ]
    assert listed.names("rule") == ("a", "z")
    assert listed.find("rule", "b") is None


def test_a_component_that_nobody_offers_is_an_error_with_a_hint(own: Registry) -> None:
    with pytest.raises(PluginError, match="no installed plugin offers the embedder 'smal'") as caught:
        own.build(Choice("embedder", "smal"))
    assert "did you mean 'small'?" in str(caught.value)


def test_a_name_offered_twice_by_one_plugin_is_an_error() -> None:
    with pytest.raises(PluginError, match=r"here of here-package 2\.0 and here of here-package 2\.0"):
        registry(register_embedders=[EMBEDDER, EMBEDDER])


def test_every_dataset_has_split_and_answers_and_may_not_declare_them() -> None:
    offered = Component("set", object, "D.", params={"size": described(default=1)})
    found = registry(register_datasets=[offered]).find("dataset", "set")
    assert found is not None
    assert list(found.component.params) == ["size", "split", "answers", "language", "redact"]
    with pytest.raises(PluginError, match=r"'set' of the plugin here of here-package 2\.0 declares 'split'"):
        registry(register_datasets=[Component("set", object, "D.", params={"split": described()})])


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("majorty", ("majority", "quorum"), "did you mean 'majority'?"),
        ("xyz", ("majority", "quorum"), "there is: majority, quorum"),
        ("xyz", (), "there is none"),
    ],
)
def test_a_misspelt_word_gets_a_hint(word: str, known: tuple[str, ...], hint: str) -> None:
    assert did_you_mean(word, known) == hint
