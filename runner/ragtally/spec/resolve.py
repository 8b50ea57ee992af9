"""Turn what a spec names into choices: defaults filled in, numbers of one type, axes expanded."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ragtally.api import (
    Choice,
    Component,
    MeanMetric,
    PluginError,
    RagtallyError,
    SumsMetric,
    canonical_json,
    did_you_mean,
)
from ragtally.api.choice import plain
from ragtally.registry import Registry
from ragtally.spec.component_schema import MODEL, is_required, takes_list
from ragtally.spec.document import PathOf
from ragtally.spec.validation import Faults, axis_values, component_name, show, subject

# Into how many choices one component under `grid` may expand.
MAX_EXPANSION = 10_000


class _NotResolvedError(Exception):
    """A part of a component could not be resolved; the error is noted already."""


class ComponentSource(NamedTuple):
    """A component as written, with what the registry knows of it."""

    component: Component
    parameters: Mapping[str, Any]  # The parameters as written
    path: PathOf


class Resolver:
    """Resolves the components of one spec; of one that did not pass validation it looks at what is right in it."""

    def __init__(self, registry: Registry, seed: int, faults: Faults) -> None:
        self._registry = registry
        self._seed = seed
        self.language: str | None = None  # The dataset's
        self._faults = faults
        self._models: Mapping[str, Choice] = {}
        self._declared_models: Sequence[str] = ()

    def name_models(self, models: Mapping[str, Choice], names: Sequence[str]) -> None:
        """Take the models that parameters of the kind `model` name."""
        self._models = models
        self._declared_models = names

    def one(self, kind: str, value: Any, path: PathOf) -> Choice | None:
        """Resolve one component; None where something is wrong with it."""
        name = component_name(value)
        # Below one key there may be several components, as under grading.
        if self._faults.touch(path if name is None or name.bare else (*path, name.name)):
            self._inspect(kind, value, path, grid=False)
            return None
        choices = self._choices(kind, value, path, grid=False)
        return choices[0] if choices else None

    def many(self, kind: str, values: list[Any], path: PathOf) -> tuple[Choice, ...]:
        """Resolve a list of components; the same one twice is noted as an error."""
        places = [(*path, index) for index in range(len(values))]
        choices = [(self.one(kind, item, where), where) for item, where in zip(values, places, strict=True)]
        return tuple(self._distinct([(choice, where) for choice, where in choices if choice is not None]))

    def axis(self, schema: Mapping[str, Any], value: Any, path: PathOf) -> tuple[Any, ...]:
        """Expand an axis of the grid, axes inside it included: in the order written, the last axis fastest."""
        if self._faults.touch(path):
            self._inspect_values(schema, value, path, grid=True)
            return ()
        return tuple(self._values(schema, value, path, grid=True))

    def traits(self, choice: Choice, path: PathOf) -> Any:
        """Ask for a choice's traits; an error of the component's is noted and None returned."""
        try:
            return self._registry.traits(choice)
        except RagtallyError as error:
            self._faults.add_error(path, error)
            return None

    def is_paired(self, metric: Choice, path: PathOf) -> bool:
        """Whether a metric can be compared question by question; an error of its own is noted."""
        try:
            traits = self._registry.traits(metric)
            # Only the metric itself shows which of the contracts it meets.
            built = None if traits.unit == "count" else self._registry.build(metric)
        except RagtallyError as error:
            self._faults.add_error(path, error)
            return True
        return isinstance(built, MeanMetric | SumsMetric)

    def _inspect(self, kind: str, value: Any, path: PathOf, *, grid: bool) -> None:
        """Note what is wrong with those parameters of a component that passed validation."""
        name = component_name(value)
        if kind == MODEL or name is None or self._registry.find(kind, name.name) is None:
            return
        source = self._source(kind, value, path)
        for parameter, item in source.parameters.items():
            if parameter in source.component.params:
                place = (*source.path, parameter)
                self._inspect_values(source.component.params[parameter], item, place, grid=grid)

    def _inspect_values(self, schema: Mapping[str, Any], value: Any, path: PathOf, *, grid: bool) -> None:
        if not self._faults.touch(path):
            with suppress(_NotResolvedError):
                self._values(schema, value, path, grid=grid)
            return
        kind = schema.get("x-ragtally-kind") or schema.get("items", {}).get("x-ragtally-kind")
        values, steps = axis_values(value, lists=True) or ([], ())
        items = [(item, (*path, *steps, index)) for index, item in enumerate(values)] or [(value, path)]
        for item, place in items if kind is not None else ():
            if place != path and not self._faults.touch(place):
                self._inspect_values({"x-ragtally-kind": kind}, item, place, grid=grid)
            else:
                self._inspect(kind, item, place, grid=grid)

    def _values(self, schema: Mapping[str, Any], value: Any, path: PathOf, *, grid: bool) -> list[Any]:
        axis_of_value = axis_values(value, lists=not takes_list(schema)) if grid else None
        items = [(value, path)]
        if axis_of_value is not None:
            values, steps = axis_of_value
            items = [(item, (*path, *steps, index)) for index, item in enumerate(values)]
        kind = schema.get("x-ragtally-kind")
        item_kind = schema.get("items", {}).get("x-ragtally-kind")
        options: list[tuple[Any, PathOf]] = []
        for item, where in items:
            if item_kind is not None and isinstance(item, list):
                options.extend((combination, where) for combination in self._lists(item_kind, item, where, grid=grid))
            elif kind is None or item is None:
                options.append((normalise(item, schema), where))
            else:
                options.extend((choice, where) for choice in self._component(kind, item, where, grid=grid))
        return self._distinct(options)

    def _lists(self, kind: str, items: list[Any], path: PathOf, *, grid: bool) -> list[tuple[Choice, ...]]:
        """Resolve a list of components; axes inside them make several lists."""
        choices = [self._component(kind, item, (*path, index), grid=grid) for index, item in enumerate(items)]
        if not all(choices):
            raise _NotResolvedError
        count = math.prod(map(len, choices))
        if count > MAX_EXPANSION:
            hint = f"{MAX_EXPANSION:,} at most: leave values out"
            self._faults.add(path, f"the axes of {subject(path)} make {count:,} combinations", hint)
            raise _NotResolvedError
        return list(itertools.product(*choices))

    def _component(self, kind: str, value: Any, path: PathOf, *, grid: bool) -> list[Choice]:
        return self._model(value, path) if kind == MODEL else self._choices(kind, value, path, grid=grid)

    def _model(self, name: str, path: PathOf) -> list[Choice]:
        if name in self._models:
            return [self._models[name]]
        if name not in self._declared_models:
            names = list(self._declared_models)
            hint = did_you_mean(name, names) if names else f"name it under models: {{{name}: ...}}"
            self._faults.add(path, f"there is no model {name!r} under models", hint)
        raise _NotResolvedError

    def _distinct(self, items: list[tuple[Any, PathOf]]) -> list[Any]:
        values_so_far: set[str] = set()
        distinct = []
        for value, path in items:
            key = canonical_json(plain(value))
            if key in values_so_far:
                text = show(value) if isinstance(value, (str, int, float, list, dict, type(None))) else str(value)
                self._faults.add(path, f"{subject(path)} holds {text} twice", "remove one")
            else:
                values_so_far.add(key)
                distinct.append(value)
        return distinct

    def _choices(self, kind: str, value: Any, path: PathOf, *, grid: bool) -> list[Choice]:
        try:
            source = self._source(kind, value, path)
            axes = {
                name: self._values(source.component.params[name], item, (*source.path, name), grid=grid)
                for name, item in source.parameters.items()
            }
            count = math.prod(len(values) for values in axes.values())
            if count > MAX_EXPANSION:
                hint = f"{MAX_EXPANSION:,} at most: leave values out"
                self._faults.add(path, f"the axes of {source.component.name} make {count:,} combinations", hint)
                return []
            parameters_of = [
                self._parameters_of(source, dict(zip(axes, combination, strict=True)))
                for combination in itertools.product(*axes.values())
            ]
            self._check(source, parameters_of)
            return [Choice(kind, source.component.name, parameters) for parameters in parameters_of]
        except _NotResolvedError:
            return []
        except RagtallyError as error:
            self._faults.add_error(path, error)
            return []

    def _check(self, source: ComponentSource, parameters_of: list[dict[str, Any]]) -> None:
        if source.component.check is None:
            return
        for parameters in parameters_of:
            for fault in source.component.check(parameters):
                steps = (fault.parameter or "").split(".")
                path = (*source.path, *(steps if steps[0] in source.parameters else ()))
                self._faults.add(path, fault.message, fault.hint)

    def _source(self, kind: str, value: Any, path: PathOf) -> ComponentSource:
        choice = component_name(value)
        if choice is None:
            raise PluginError(f"the default {show(value)} of {subject(path)} is no {kind}")
        name, parameters = choice.name, dict(choice.parameters or {})
        stem, _, cut_off = name.partition("@")
        if kind == "metric" and cut_off.isdigit() and self._registry.find(kind, f"{stem}@k"):
            name, parameters = f"{stem}@k", {"k": int(cut_off), **parameters}
        component = self._registry.get(Choice(kind, name)).component
        return ComponentSource(component, parameters, path if choice.bare else (*path, choice.name))

    def _parameters_of(self, source: ComponentSource, parameters: Mapping[str, Any]) -> dict[str, Any]:
        parameters_of: dict[str, Any] = {}
        for name, schema in source.component.params.items():
            if name == "seed" and parameters.get(name) is None:
                parameters_of[name] = self._seed
            elif name in parameters:
                parameters_of[name] = parameters[name]
            elif schema.get("x-ragtally-language") and self.language in schema["enum"] and self.language:
                parameters_of[name] = self.language
            elif schema.get("x-ragtally-identity") == "if given":
                # Not even a null, so that the slices of studies from before there was the parameter stay.
                continue
            elif is_required(name, schema):
                raise PluginError(f"{source.component.name} needs the parameter {name!r}")
            else:
                # A default has no axes, whatever it looks like.
                parameters_of[name] = self._default(schema, (*source.path, name))
        return parameters_of

    def _default(self, schema: Mapping[str, Any], path: PathOf) -> Any:
        values = self._values(schema, copy.deepcopy(schema["default"]), path, grid=False)
        return values[0] if values else None


def normalise(value: Any, schema: Mapping[str, Any]) -> Any:
    """Give numbers the type that their schema wants, so that `1`, `1.0` and `1e0` make one address."""
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if "number" in types and "integer" not in types:
            return float(value)
        if "integer" in types and "number" not in types and float(value).is_integer():
            return int(value)
        return value
    if isinstance(value, list):
        return [normalise(item, schema.get("items", {})) for item in value]
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        return {key: normalise(item, inner.get(key, {})) for key, item in value.items()}
    return value
