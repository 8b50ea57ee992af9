"""What is checked of every component, whatever its kind."""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ragtally.api import KINDS, Component
from ragtally.registry import RegistryEntry
from ragtally.spec.component_schema import schema_fault, value_faults
from ragtally.testing.samples import StubEmbedder

SEED = 20
# fmt: off
HEAVY = frozenset({
    "bm25s", "bs4", "docx", "faiss", "grpc", "haystack", "jinja2", "joblib", "jsonschema", "litellm", "numpy",
    "openai", "pandas", "pdfminer", "polars", "pptx", "pyarrow", "pypdf", "python_calamine", "scipy",
    "sentence_transformers", "sklearn", "tokenizers", "torch", "transformers", "weaviate", "yaml",
})
# fmt: on
"""Packages that a plugin must not import before one of its components is built."""

KEYWORDS = frozenset(
    f"x-ragtally-{word}" for word in ("kind", "identity", "search", "engine", "when", "null", "language")
)
"""The keywords that a parameter's schema may have beside those of JSON Schema."""

_PICKLES = {".pickle", ".pkl", ".joblib", ".dill"}


class ComponentSuite:
    """The base of every suite; subclass the suite of a kind, not this one.

    Attributes:
        plugin: The name of the plugin's module.
        name: The component's name.
        kind: The component's kind, set by the suite.
        protocol: The contract that the built object keeps, set by the suite.
        parameters: Parameters to build the component with; defaults are filled in.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    kind: ClassVar[str]
    protocol: ClassVar[Any]
    parameters: ClassVar[Mapping[str, Any]] = {}

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        """Say which parameters to build with; override it where they name files.

        Args:
            folder: An empty folder to write such files into.

        Returns:
            Parameters by name.
        """
        return self.parameters

    @pytest.fixture
    def component(self) -> Component:
        """The component under test."""
        components = getattr(importlib.import_module(self.plugin), KINDS[self.kind].hook)()
        assert isinstance(components, list), f"{KINDS[self.kind].hook} must return a list of Component"
        matches = [component for component in components if component.name == self.name]
        assert len(matches) == 1, f"{self.plugin} offers {len(matches)} components named {self.name!r}"
        component = matches[0]
        assert isinstance(component, Component), "a plugin offers instances of ragtally.api.Component"
        return component

    @pytest.fixture
    def params(self, component: Component, tmp_path: Path) -> dict[str, Any]:
        """Every parameter with its value, as the engine fills them in; an embedder is a stub."""
        return self.fill(component, tmp_path)

    def fill(self, component: Component, tmp_path: Path) -> dict[str, Any]:
        """Fill in the parameters that the subclass leaves out."""
        folder = tmp_path / "parameters"
        folder.mkdir()
        folder_parameters = self.folder_parameters(folder)
        unknown = folder_parameters.keys() - component.params.keys()
        assert not unknown, f"the suite gives parameters that the component does not have: {sorted(unknown)}"
        params: dict[str, Any] = {}
        for key, schema in component.params.items():
            if key in folder_parameters:
                params[key] = folder_parameters[key]
            elif schema.get("x-ragtally-kind") == "embedder":
                params[key] = StubEmbedder()
            elif key == "seed":
                params[key] = SEED
            else:
                assert "default" in schema, f"{key!r} has no default: give it in `parameters`"
                params[key] = schema["default"]
        return params

    @pytest.fixture
    def build(self, component: Component, params: dict[str, Any]) -> Callable[[], Any]:
        """Build the component, again with each call."""
        engine = {key for key, schema in component.params.items() if schema.get("x-ragtally-engine")}
        return lambda: component.build(**{key: value for key, value in params.items() if key not in engine})

    @pytest.fixture
    def traits(self, component: Component, params: dict[str, Any]) -> Any:
        """The component's traits."""
        return RegistryEntry(component, self.kind, self.plugin, "under test").traits(params)

    def test_the_plugin_is_cheap_to_import(self) -> None:
        """Every command imports every plugin, so what is heavy is imported in `build`."""
        heavy = heavy_imports(self.plugin)
        assert not heavy, f"importing {self.plugin} imports {', '.join(heavy)}: move that into `build`"

    def test_the_component_is_described(self, component: Component) -> None:
        """The name can be typed, the summary is one sentence, the version counts from 1."""
        assert re.fullmatch(r"[a-z][a-z0-9_]*(@k)?", component.name), "a name is lower-case letters, digits and _"
        summary = component.summary
        assert summary == " ".join(summary.split()) and summary.endswith("."), "the summary is one sentence"
        assert type(component.version) is int and component.version >= 1, "versions are whole numbers from 1"

    def test_every_parameter_is_described_and_its_default_is_allowed(self, component: Component) -> None:
        """An editor can complete a spec from the parameters' schemas."""
        for key, schema in component.params.items():
            fault = schema_fault(schema)
            assert fault is None, f"the schema of {key!r} is no JSON Schema: {fault}"
            assert str(schema.get("description", "")).strip(), f"{key!r} has no description"
            own = {word for word in schema if word.startswith("x-ragtally-")}
            assert own <= KEYWORDS, f"{key!r} has unknown keywords: {sorted(own - KEYWORDS)}"
            conditions = schema.get("x-ragtally-when", {})
            unknown = sorted(conditions.keys() - component.params.keys())
            assert not unknown, f"{key!r} counts by {unknown}, which are no parameters"
            has_identity = schema.get("x-ragtally-identity") != "fingerprint" or component.fingerprint is not None
            assert has_identity, f"a fingerprint is to stand for {key!r}, but the component has none"
            if "x-ragtally-kind" in schema:
                assert schema["x-ragtally-kind"] in KINDS, f"{key!r} is of no kind that there is"
            elif "default" in schema:
                faults = value_faults(schema, schema["default"])
                assert not faults, f"the default of {key!r} is not allowed: {faults[0]}"

    def test_the_parameters_under_test_are_allowed(self, component: Component, params: dict[str, Any]) -> None:
        """The suite tests something that a spec may say."""
        for key, value in params.items():
            if "x-ragtally-kind" not in component.params[key]:
                faults = value_faults(component.params[key], value)
                assert not faults, f"{key!r} may not be {value!r}: {faults[0]}"

    def test_the_component_finds_nothing_wrong_with_the_parameters_under_test(
        self, component: Component, params: dict[str, Any]
    ) -> None:
        """Checked where the component checks its parameters: what it is tested with, a spec may say."""
        if component.check is not None:
            faults = component.check(params)
            assert not faults, f"the component's own check says: {faults[0].message}"

    def test_the_traits_are_those_of_the_kind(self, traits: Any) -> None:
        """A kind with traits has its own class of them."""
        default = KINDS[self.kind].default_traits
        assert isinstance(traits, type(default)), f"the traits of a {self.kind} are {type(default).__name__}"

    def test_the_fingerprint_is_stable(self, component: Component, params: dict[str, Any]) -> None:
        """A fingerprint is text, and the same for the same content."""
        if component.fingerprint is not None:
            first, second = component.fingerprint(params), component.fingerprint(params)
            assert first is None or isinstance(first, str), "a fingerprint is text or None"
            assert first == second, "the fingerprint changes from call to call"

    def test_what_is_built_keeps_the_contract(self, build: Callable[[], Any]) -> None:
        """Everything that the kind asks for is there."""
        name = getattr(self.protocol, "__name__", str(self.protocol))
        assert isinstance(build(), self.protocol), f"`build` must return a {name}"


@functools.cache
def heavy_imports(plugin: str) -> list[str]:
    """List the heavy packages that a plugin's module imports, in a fresh interpreter."""
    script = (
        "import importlib, json, sys; importlib.import_module(sys.argv[1]);"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, plugin],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, f"{plugin} cannot be imported:\n{process.stderr}"
    return sorted(HEAVY.intersection(json.loads(process.stdout)))


def save(original: Any, tmp_path: Path) -> Path:
    """Let a built component save itself into a new folder; a pickle there, which runs code when it is read, fails."""
    folder = tmp_path / "saved"
    folder.mkdir()
    original.save(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as handle:
                start = handle.read(2)
            is_pickle = path.suffix in _PICKLES or (
                start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05")
            )
            assert not is_pickle, f"{path.name} is a pickle, which runs code when it is read"
    return folder
