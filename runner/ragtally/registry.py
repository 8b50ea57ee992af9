"""The registry: every component that installed plugins offer, with who offers it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pluggy

from ragtally.api import (
    DATASET_PARAMETERS,
    KINDS,
    Choice,
    Component,
    PluginError,
    ReaderTraits,
    did_you_mean,
    hookspecs,
)
from ragtally.api.component import Kind, Traits


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A component with its origin."""

    component: Component  # What the plugin handed over
    kind: str
    plugin: str  # The plugin's module
    distribution: str  # The installed package that the plugin is part of, with its version

    def traits(self, parameters: Mapping[str, Any]) -> Any:
        """Tell the component's traits."""
        traits: Traits | Any | None = self.component.traits
        if traits is None:
            return KINDS[self.kind].default_traits
        return traits(parameters) if callable(traits) else traits

    def packages(self, parameters: Mapping[str, Any]) -> Iterator[str]:
        """Name the packages whose versions decide what the component does."""
        yield self.distribution.split()[0]
        packages = self.component.packages
        yield from packages(parameters) if callable(packages) else packages


class Registry:
    """Every component by kind and name."""

    def __init__(self, components: Mapping[tuple[str, str], RegistryEntry]) -> None:
        self._components = dict(components)

    def names(self, kind: str) -> tuple[str, ...]:
        """List a kind's names."""
        return tuple(sorted(name for of_kind, name in self._components if of_kind == kind))

    def all(self) -> tuple[RegistryEntry, ...]:
        """List everything, ordered by kind (in the order of the work) and name."""
        order = list(KINDS)
        return tuple(
            self._components[key] for key in sorted(self._components, key=lambda key: (order.index(key[0]), key[1]))
        )

    def find(self, kind: str, name: str) -> RegistryEntry | None:
        """Look a component up."""
        return self._components.get((kind, name))

    def get(self, choice: Choice) -> RegistryEntry:
        """Look up what a choice picks."""
        entry = self.find(choice.kind, choice.name)
        if entry is None:
            raise PluginError(
                f"no installed plugin offers the {choice.kind} {choice.name!r}",
                hint=did_you_mean(choice.name, self.names(choice.kind)),
            )
        return entry

    def traits(self, choice: Choice) -> Any:
        """Tell the traits of what a choice picks (see `RegistryEntry.traits`)."""
        # A reader that asks a deterministic model always answers the same, whatever its own traits say.
        traits = self.get(choice).traits(choice.parameters)
        if (
            isinstance(traits, ReaderTraits)
            and traits.prompts
            and self.traits(choice.parameters["model"]).deterministic
        ):
            return replace(traits, draws="fixed")
        return traits

    def packages(self, choice: Choice) -> set[str]:
        """Name the packages behind what a choice picks, components among its parameters included."""
        return {name for each in _with_inner(choice) for name in self.get(each).packages(each.parameters)}

    def entries(self, choice: Choice) -> list[RegistryEntry]:
        """Look up what a choice picks, and the components among its parameters."""
        return [self.get(each) for each in _with_inner(choice)]

    def complete(self, choice: Choice) -> Choice:
        """Fill in the defaults of parameters that a choice leaves out."""
        params = self.get(choice).component.params
        defaults = {key: schema["default"] for key, schema in params.items() if "default" in schema}
        missing = sorted(params.keys() - defaults.keys() - choice.parameters.keys())
        if missing:
            raise PluginError(f"a plugin picks the {choice.kind} {choice.name!r} without {missing[0]!r}")
        return replace(choice, parameters={key: {**defaults, **choice.parameters}[key] for key in params})

    def relevant_parameters(self, choice: Choice, *, identity: bool = False) -> Choice:
        """Leave out the parameters that say nothing of what a choice does: those that its others rule out, and where
        the identity is wanted also those that are no part of it. A null becomes the word for what it stands for.
        """
        params, own = self.get(choice).component.params, choice.parameters

        def relevant(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(relevant, value))
            return self.relevant_parameters(value, identity=identity) if isinstance(value, Choice) else value

        def counts(schema: Mapping[str, Any]) -> bool:
            if schema.get("x-ragtally-engine") or (identity and schema.get("x-ragtally-identity") is False):
                return False
            return all(own[other] in values for other, values in schema.get("x-ragtally-when", {}).items())

        words = {key: params[key].get("x-ragtally-null") if value is None else value for key, value in own.items()}
        return replace(choice, parameters={key: relevant(words[key]) for key in own if counts(params[key])})

    def phrase(self, choice: Choice) -> str:
        """What a sentence calls a choice: its component's phrase, else its name."""

        def words(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(words, value))
            return self.phrase(value) if isinstance(value, Choice) else value

        phrase = self.get(choice).component.phrase
        if callable(phrase):
            parameters = self.relevant_parameters(choice).parameters
            phrase = phrase({key: words(value) for key, value in parameters.items()})
        return phrase or choice.name

    def build(self, choice: Choice) -> Any:
        """Build what a choice picks, components among its parameters first."""
        # A model is not built, nor is what a retriever names: the engine itself asks and searches them.
        component = self.get(choice).component
        parameters = {
            key: self._inner(choice.kind, value) if isinstance(value, (Choice, tuple)) else value
            for key, value in choice.parameters.items()
            if not component.params[key].get("x-ragtally-engine")
        }
        return component.build(**parameters)

    def _inner(self, parent: str, value: Choice | tuple[Choice, ...]) -> Any:
        if isinstance(value, tuple):
            components = [self._inner(parent, item) for item in value]
            return None if None in components else components
        return None if value.kind == "model" or parent == "retriever" else self.build(value)

    def identity(self, choice: Choice, *, search: bool = True, fingerprint: bool = True) -> dict[str, Any]:
        """Say what a choice is, for an address: name, version, parameters and fingerprint."""
        component = self.get(choice).component
        left_out = (False, "fingerprint") if fingerprint else (False,)
        parameters = {}
        for key, value in choice.parameters.items():
            schema = component.params[key]
            if schema.get("x-ragtally-engine") or schema.get("x-ragtally-identity", True) in left_out:
                continue
            if not search and schema.get("x-ragtally-search"):
                continue
            if value is None and schema.get("x-ragtally-identity") in ("if set", "if given"):
                continue
            parameters[key] = self._identity_of(value, fingerprint=fingerprint)
        points_to = component.fingerprint(choice.parameters) if fingerprint and component.fingerprint else None
        return {
            "kind": choice.kind,
            "name": choice.name,
            "version": component.version,
            "parameters": parameters,
            "fingerprint": points_to,
        }

    def _identity_of(self, value: Any, *, fingerprint: bool) -> Any:
        if isinstance(value, tuple):
            return [self._identity_of(item, fingerprint=fingerprint) for item in value]
        return self.identity(value, fingerprint=fingerprint) if isinstance(value, Choice) else value


def _with_inner(choice: Choice) -> Iterator[Choice]:
    yield choice
    for value in choice.parameters.values():
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, Choice):
                yield from _with_inner(inner)


def load_registry() -> Registry:
    """Load every plugin that an entry point in the group `ragtally` names."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    origins: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        entries = [entry for entry in distribution.entry_points if entry.group == hookspecs.GROUP]
        if not entries:
            continue
        # Read once: each look parses the whole file of metadata.
        package = f"{distribution.metadata['Name']} {distribution.version}"
        for entry in entries:
            # A package can be found twice on the path; the first one is the one that is imported.
            owner = origins.get(entry.value)
            if owner is None:
                origins[entry.value] = package
                _register(manager, entry, package)
            elif owner.split()[0] != package.split()[0]:
                raise PluginError(
                    f"two packages name the plugin {entry.value}: {owner} and {package}", hint="uninstall one of them"
                )
    return registry_of(manager, origins)


def registry_of(manager: pluggy.PluginManager, origins: Mapping[str, str]) -> Registry:
    """Ask registered plugins for their components."""
    _check_hooks(manager, origins)
    components: dict[tuple[str, str], RegistryEntry] = {}
    for kind in KINDS.values():
        for caller in getattr(manager.hook, kind.hook).get_hookimpls():
            plugin, package = caller.plugin_name, origins.get(caller.plugin_name, "?")
            for component in _components_of(caller.function, kind.hook, plugin, package):
                new = RegistryEntry(
                    _with_own_parameters(component, kind, plugin, package), kind.name, plugin, package
                )
                old = components.setdefault((kind.name, component.name), new)
                if old is not new:
                    raise PluginError(
                        f"two plugins offer the {kind.name} {component.name!r}: {old.plugin} of {old.distribution} "
                        f"and {plugin} of {package}",
                        hint="uninstall one of them, or rename the component in one of them",
                    )
    return Registry(components)


def _register(manager: pluggy.PluginManager, entry: importlib.metadata.EntryPoint, package: str) -> None:
    hint = f"fix or uninstall it: pip uninstall {package.split()[0]}"
    try:
        plugin = entry.load()
    except Exception as error:
        raise PluginError(
            f"the plugin {entry.value} of {package} cannot be imported: {type(error).__name__}: {error}", hint=hint
        ) from error
    try:
        manager.register(plugin, name=entry.value)
    except (ValueError, pluggy.PluginValidationError) as error:
        raise PluginError(f"the plugin {entry.value} of {package} cannot be used: {error}", hint=hint) from error


def _check_hooks(manager: pluggy.PluginManager, origins: Mapping[str, str]) -> None:
    hint = f"the hooks are: {', '.join(kind.hook for kind in KINDS.values())}"
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        name = manager.get_name(error.plugin) or "?"
        raise PluginError(
            f"the plugin {name} of {origins.get(name, '?')} implements a hook that does not exist: {error}", hint=hint
        ) from error
    for name, plugin in manager.list_name_plugin():
        if not manager.get_hookcallers(plugin):
            raise PluginError(
                f"the plugin {name} of {origins.get(name, '?')} implements no hook",
                hint=f"decorate its functions with ragtally.api.hookspecs.hookimpl; {hint}",
            )


def _with_own_parameters(component: Component, kind: Kind, plugin: str, package: str) -> Component:
    if kind.name != "dataset":
        return component
    clashes = sorted(component.params.keys() & DATASET_PARAMETERS.keys())
    if clashes:
        raise PluginError(
            f"the dataset {component.name!r} of the plugin {plugin} of {package} declares {clashes[0]!r}, "
            "which the engine takes care of",
            hint="leave it out: every dataset has it",
        )
    return replace(component, params={**component.params, **DATASET_PARAMETERS})


def _components_of(function: Any, hook: str, plugin: str, package: str) -> list[Component]:
    location = f"the plugin {plugin} of {package}"
    try:
        components = function()
    except Exception as error:
        raise PluginError(f"{location} fails in {hook}: {type(error).__name__}: {error}") from error
    if not isinstance(components, list) or not all(isinstance(item, Component) for item in components):
        raise PluginError(f"{location} must return a list of Component from {hook}", hint="see plugins/README.md")
    return components
