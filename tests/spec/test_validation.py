"""ragtally's own check and plain JSON Schema agree; ragtally's says more."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ragtally.api import ErrorList, RagtallyError
from ragtally.registry import Registry
from ragtally.spec.document import parse_document
from ragtally.spec.load import study_of
from ragtally.spec.schema import published_schema
from ragtally.spec.validation import Faults, validate

Errors = Callable[[str], list[RagtallyError]]


@pytest.fixture(scope="module")
def schema(registry: Registry) -> dict[str, Any]:
    return published_schema(registry)


def accepts(schema: dict[str, Any], data: dict[str, Any]) -> bool:
    faults = Faults(parse_document(json.dumps(data), "a.yaml"))
    validate(schema, faults)
    try:
        faults.raise_all()
    except RagtallyError:
        return False
    return True


def test_the_schema_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    component_name = set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(schema)))
    assert component_name <= set(schema["$defs"])
    assert {"grid.retriever.dense", "metric.recall@k", "dataset.toy"} <= component_name


def test_every_key_is_described(schema: dict[str, Any]) -> None:
    def undescribed(part: dict[str, Any], prefix: str) -> list[str]:
        lacking = [prefix + name for name, inner in part["properties"].items() if not inner.get("description")]
        for name, inner in part["properties"].items():
            if "properties" in inner:
                lacking += undescribed(inner, f"{prefix}{name}.")
        return lacking

    assert undescribed(schema, "") == []


def test_editors_can_complete_component_names(schema: dict[str, Any]) -> None:
    branches = schema["$defs"]["rule"]["anyOf"]
    assert [branch["const"] for branch in branches[:-1]] == ["majority", "unanimous"]
    assert list(branches[-1]["properties"]) == ["majority", "quorum", "unanimous"]


GOOD: list[dict[str, Any]] = [
    {"metrics": ["accuracy", "recall@5", {"recall@10": None}, {"accuracy": {}}]},
    {"readers": {"a-1.b": {"chat": {"model": "m"}}, "b": "learner", "c": {"learner": None}}},
    {"grid": {"chunker": "words"}},
    {"grid": {"chunker": ["words", {"words": {"size": [1, 2], "overlap": {"axis": [0, 0.5]}}}]}},
    {"grid": {"chunker": {"axis": ["words"]}}},
    {"grid": {"chunker": {"marks": {"at": ["x", "y"]}}}},
    {"grid": {"chunker": {"marks": {"at": {"axis": [["x"], []]}, "keep": [True, False]}}}},
    {"grid": {"retriever": {"dense": {"embedder": [{"lsa": {"dim": [1, 2]}}, "hash"], "second": None}}}},
    {"grid": {"retriever": {"dense": {"second": [None, "hash"]}}}},
    {"grid": {"retriever": {"bm25": {"stemmer": [None, "english"]}}, "top_k": 3, "votes": {"axis": [1]}}},
    {"grid": {"rule": [{"quorum": {"k": [1, 2]}}]}},
    {"seed": 3.0, "sample": {}, "controls": []},
    {"dataset": {"toy": {"split": None, "seed": None}}},
    {"compare": [], "grid": {"context_words": [3]}},
]
BAD: list[dict[str, Any]] = [
    {"metrics": ["recall"]},
    {"metrics": ["recall@0"]},
    {"metrics": ["recall@k"]},
    {"metrics": [{"recall@5": {"k": 5}}]},
    {"metrics": []},
    {"metrics": "accuracy"},
    {"readers": {"a": "chat"}},
    {"readers": {"a": {"chat": None}}},
    {"readers": {"a b": "learner"}},
    {"readers": {"a": {"chat": {"model": ["m", "n"]}}}},
    {"readers": {"a": {"chat": {"model": {"axis": ["m"]}}}}},
    {"grid": {"chunker": []}},
    {"grid": {"chunker": [["words"]]}},
    {"grid": {"chunker": {"axis": []}}},
    {"grid": {"chunker": {"words": {"size": [1, [2]]}}}},
    {"grid": {"chunker": {"words": {"size": []}}}},
    {"grid": {"chunker": {"words": {}, "whole": {}}}},
    {"grid": {"chunker": {}}},
    {"grid": {"chunker": {"marks": {"at": "x"}}}},
    {"grid": {"chunker": {"marks": {"at": {"axis": ["x"]}}}}},
    {"grid": {"retriever": {"dense": {"embedder": "lsaa"}}}},
    {"grid": {"retriever": {"dense": {"embedder": None}}}},
    {"grid": {"retriever": {"dense": {"second": 3}}}},
    {"grid": {"top_k": [0]}},
    {"grid": {"rule": "quorum"}},
    {"dataset": ["toy"]},
    {"dataset": {"axis": ["toy"]}},
    {"dataset": 3},
    {"study": "A b"},
    {"study": "a\n"},
    {"seed": True},
    {"seed": -1},
    {"seed": 2**32},
    {"models": {"m": "nothing"}},
    {"weights": []},
    {"compare": [{"metric": "accuracy", "baseline": {}}]},
    {"budget": {"euro": 3}},
    {"budget": {"usd": 0}},
    {"max_failed": 2},
    {"grid": {"context_words": [0]}},
    {"controls": ["retrieved"]},
    {"controls": ["closed_book", "closed_book"]},
    {"label": {}},
    {"label": {"voters": []}},
    {"base": {"from": ["a"]}},
    {"grid_on": "none"},
]


@pytest.mark.parametrize(("data", "good"), [(data, True) for data in GOOD] + [(data, False) for data in BAD])
def test_plain_validators_and_ragtally_agree(schema: dict[str, Any], data: dict[str, Any], good: bool) -> None:
    spec = {"study": "demo", "dataset": "toy", **data}
    assert Draft202012Validator(schema).is_valid(spec) is good
    assert accepts(schema, spec) is good


WORDS = st.sampled_from(
    [None, True, 0, 1, 2.5, "x", "words", "bm25", "dense", "lsa", "recall@5", "accuracy", "majority", [], {}, ["a"]]
)
KEYS = st.sampled_from(["axis", "words", "size", "embedder", "lsa", "k", "bogus"])
VALUES = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2), max_leaves=4
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_they_agree_on_any_change_of_a_spec(schema: dict[str, Any], full: str, data: st.DataObject) -> None:
    spec = copy.deepcopy(parse_document(full, "a.yaml").root.plain())
    location: Any = spec
    while True:
        steps = list(location) if isinstance(location, dict) else list(range(len(location)))
        step = data.draw(st.sampled_from(steps))
        if not isinstance(location[step], (dict, list)) or not location[step] or data.draw(st.integers(0, 2)) == 0:
            break
        location = location[step]
    location[step] = data.draw(VALUES)
    assert Draft202012Validator(schema).is_valid(spec) is accepts(schema, spec)


@pytest.mark.parametrize(
    ("extra", "location", "message", "hint"),
    [
        ("sed: 3", "3:1", "the spec has no key 'sed'", "did you mean 'seed'?"),
        ("seed: x", "3:7", "seed must be a whole number, not 'x'", None),
        ("seed: 1_000", "3:7", "seed must be a whole number, not '1_000'", "decimal digits"),
        ("seed: -1", "3:7", "seed must be at least 0, not -1", None),
        ("seed: 4294967296", "3:7", "seed must be at most 4294967295", None),
        ("sample: {size: 2147483648}", "3:16", "sample.size must be at most 2147483647, not 2147483648", None),
        ("grid: {chunker: {words: {size: [1, 2147483648]}}}", "3:36", "must be at most 2147483647", None),
        ("seed:", "3:6", "seed must be a whole number, not nothing", None),
        ("seed: [1, 2]", "3:7", "seed must be a whole number, not the list", "under grid"),
        ("sample: {balance: yes}", "3:19", "sample.balance must be true or false, not 'yes'", "write true"),
        ("grid: {chunker: wrods}", "3:17", "there is no chunker 'wrods'", "did you mean 'words'?"),
        ("grid: {chunker: [whole, {wrods: {}}]}", "3:26", "there is no chunker 'wrods'", "did you mean 'words'?"),
        ("grid: {chunker: {words: {sise: 3}}}", "3:26", "words has no parameter 'sise'", "did you mean 'size'?"),
        ("grid: {chunker: {whole: {size: 3}}}", "3:26", "whole takes no parameters", "remove it"),
        ("grid: {chunker: {words: {size: [1, x]}}}", "3:36", "grid.chunker.words.size must be a whole number", None),
        ("grid: {chunker: {words: {size: [1, [2]]}}}", "3:36", "must be a whole number", "one flat list"),
        ("grid: {chunker: {words: {}, whole: {}}}", "3:17", "a chunker is a name, or one name with its", "hyphen"),
        ("grid: {chunker: 3}", "3:17", "a chunker is a name, or one name with its parameters, not 3", "there is:"),
        (
            "grid: {chunker: {words: {length: 3}}}",
            "3:26",
            "words has no parameter 'length' any more",
            "it is now size",
        ),
        ("grid: {retriever: [{dense: {embedder: {lsa: {dmi: 3}}}}]}", "3:46", "lsa has no parameter 'dmi'", "'dim'"),
        ("grid: {top_k: []}", "3:15", "grid.top_k needs at least 1", None),
        ("grid: {retriever: {bm25: {stemmer: englsh}}}", "3:36", "cannot be 'englsh'", "did you mean 'english'?"),
        ("grid: {retriever: {dense: {second: 3}}}", "3:36", "an embedder is a name", "there is: hash, lsa"),
        ("readers: {a: chat}", "3:11", "chat needs the parameter 'model'", "chat: {model: ...}"),
        ("readers: {a: {chat: {model: 4}}}", "3:29", "readers.a.chat.model must be text, not 4", "quotes: '4'"),
        ("readers: {a: {chat: {model: [x, y]}}}", "3:29", "must be text, not the list", "only the keys under grid"),
        ("readers: {a: [learner]}", "3:14", "here one reader is wanted", "only the keys under grid"),
        ("readers: {a: {axis: [learner]}}", "3:15", "there is no reader 'axis'", "only the keys under grid"),
        ("readers: {a b: learner}", "3:11", "'a b' cannot be a name under readers", "letters, digits"),
        ("metrics: [recall]", "3:11", "there is no metric 'recall'", "with a cut-off: recall@5"),
        (
            "metrics: [recall@0]",
            "3:11",
            "there is no metric 'recall@0'",
            "with a cut-off, a whole number from 1: recall@5",
        ),
        ("metrics: [recal@5]", "3:11", "there is no metric 'recal@5'", "did you mean 'recall@5'?"),
        ("metrics: accuracy", "3:10", "metrics must be a list, not 'accuracy'", "in brackets: [accuracy]"),
        ("label: {votes: 3}", "3:1", "label needs the key 'voters'", "voters: ..."),
        ("controls: [closed_bok]", "3:12", "controls cannot be 'closed_bok'", "did you mean 'closed_book'?"),
        ("controls: [closed_book, closed_book]", "3:25", "controls holds 'closed_book' twice", "remove one"),
        ("grid_on: [base]", "3:10", "grid_on cannot be the list", "only the keys under grid"),
        ("weights: []", "3:1", "the spec has no key 'weights'", None),
    ],
)
def test_an_error_says_what_where_and_what_instead(
    errors: Errors, head: str, extra: str, location: str, message: str, hint: str | None
) -> None:
    (error,) = errors(f"{head}{extra}\n")
    assert str(error.location).rpartition("spec.yaml:")[2] == location
    assert message in error.message
    assert hint is None or hint in str(error.hint)


def test_a_key_that_is_missing_at_the_top_is_told_at_the_top(errors: Errors) -> None:
    first, second = errors("seed: 1\n")
    assert {first.message, second.message} == {"the spec needs the key 'dataset'", "the spec needs the key 'study'"}
    assert str(first.location).endswith(":1:1")


def test_a_study_name_is_explained(errors: Errors) -> None:
    (error,) = errors("study: My Study\ndataset: bare\n")
    assert "lower-case letters, digits and hyphens" in str(error.hint)


def test_deep_nesting_is_one_error(errors: Errors, head: str) -> None:
    deep = "".join("{dense: {embedder: " for _ in range(20)) + "lsa" + "}}" * 20
    assert errors(f"{head}grid: {{retriever: {deep}}}\n")
    assert "levels" in errors(f"{head}grid: {{retriever: {'{dense: ' * 60}")[0].message


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_error_has_a_place_inside_the_file(registry: Registry, full: str, data: st.DataObject) -> None:
    spec = parse_document(full, "a.yaml").root.plain()
    for key in data.draw(st.lists(st.sampled_from(sorted(spec)), min_size=1, max_size=3)):
        spec[key] = data.draw(VALUES)
    text = yaml.safe_dump(spec, sort_keys=False)
    try:
        study_of(parse_document(text, "a.yaml"), registry)
    except RagtallyError as error:
        found = list(error.errors) if isinstance(error, ErrorList) else [error]
    else:
        found = []
    lines = text.splitlines()
    places = [one.location for one in found]
    for location in places:
        assert location is not None and location.line is not None and location.column is not None
        assert 1 <= location.column <= len(lines[location.line - 1]) + 1
    assert places == sorted(places, key=lambda location: (location.line, location.column))


@pytest.mark.parametrize(
    ("extra", "location", "key"),
    [
        ("readers: {r: {chat: {model: http://me:pass-word@host/v1}}}", "3:29", "pass-word"),
        ("models: {m: {litellm: {api_base: 'http://h/v1?api_key=hidden', model: a/b}}}", "3:34", "hidden"),
        ("grid: {chunker: [sk-abcdefghijklmnop1234]}", "3:18", "abcdef"),
        ("readers: {gsk_abcdefghijklmnop1234: learner}", "3:11", "abcdef"),
    ],
)
def test_a_key_anywhere_in_a_spec_is_refused_and_not_repeated(
    errors: Errors, head: str, extra: str, location: str, key: str
) -> None:
    raised = errors(f"{head}{extra}\n")
    refusals = [error for error in raised if "looks like a key or a password" in error.message]
    assert [f"{error.location.line}:{error.location.column}" for error in refusals if error.location] == [location]
    assert all(key not in str(error) for error in raised)
    assert all(".env" in str(error.hint) for error in refusals)
