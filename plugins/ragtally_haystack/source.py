"""Finding classes in the source of installed packages, without importing or running any of it.

So `ragtally check` can say within milliseconds what is wrong with a type; where the source does not tell (a compiled
module, a class made by a function), building the component does.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ragtally import did_you_mean
from ragtally_haystack.definition import Fault

_INTEGRATIONS = "haystack_integrations"
# Through how many modules a class is followed that one imports from the next.
_MOST_HOPS = 8


@dataclass(frozen=True)
class Class:
    """A class as its source defines it."""

    module: str  # The dotted name of its module
    file: Path  # The module's file
    node: ast.ClassDef  # The definition


class _Module(NamedTuple):
    file: Path | None
    folders: tuple[Path, ...]


class _Names(NamedTuple):
    """What a module binds: classes of its own, imported names by where they come from, and whether there is more."""

    classes: dict[str, ast.ClassDef]
    imports: dict[str, str]
    open: bool


def find_class(path: str) -> Class | Fault | None:
    """Look a class up."""
    return _find(path, _MOST_HOPS)


def find_from(owner: Class, name: str) -> Class | None:
    """Look up a class that another one's source names, such as a base."""
    tree = _parse(owner.file)
    names = None if tree is None else _names(tree, owner.module, owner.file)
    if names is None or "." in name:
        return None
    if name in names.classes:
        return Class(owner.module, owner.file, names.classes[name])
    result = _find(names.imports[name], _MOST_HOPS) if name in names.imports else None
    return result if isinstance(result, Class) else None


def _find(path: str, hops: int) -> Class | Fault | None:
    module, _, name = path.rpartition(".")
    module_found = _find_module(module)
    if not isinstance(module_found, _Module):
        return module_found
    tree = None if module_found.file is None else _parse(module_found.file)
    if module_found.file is None or tree is None:
        return Fault(f"the package {module} holds no class {name!r}") if module_found.folders else None
    names = _names(tree, module, module_found.file)
    if name in names.classes:
        return Class(module, module_found.file, names.classes[name])
    if name in names.imports:
        further = _find(names.imports[name], hops - 1) if hops else None
        return further if isinstance(further, Class) else None
    if names.open:
        return None
    names_in_module = sorted(word for word in {*names.classes, *names.imports} if word[:1].isupper())
    return Fault(f"the module {module} has no class {name!r}", did_you_mean(name, names_in_module))


def _find_module(name: str) -> _Module | Fault | None:
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:
        return None
    if spec is None:
        return Fault(f"the package {top} is not installed", f"pip install the package that holds {top}")
    file = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    module = _Module(file, tuple(map(Path, spec.submodule_search_locations or ())))
    for depth, part in enumerate(rest, 1):
        inner = _inside(module, part)
        if inner is None:
            fault = _no_module(".".join([top, *rest[:depth]]), module)
            return _with_integration(fault, rest) if fault and top == _INTEGRATIONS else fault
        module = inner
    return module


def _with_integration(fault: Fault, names: list[str]) -> Fault:
    """Say how to install an integration: `components.embedders.fastembed`, `document_stores.qdrant`."""
    location = 2 if names[0] == "components" else 1
    if len(names) <= location:
        return fault
    install = f"pip install {names[location].replace('_', '-')}-haystack, if its integration is not installed"
    close = fault.hint if fault.hint and fault.hint.startswith("did you mean") else None
    return Fault(fault.message, f"{close} else {install}" if close else install)


def _inside(package: _Module, name: str) -> _Module | None:
    for folder in package.folders:
        if (folder / name / "__init__.py").is_file():
            return _Module(folder / name / "__init__.py", (folder / name,))
        if (folder / f"{name}.py").is_file():
            return _Module(folder / f"{name}.py", ())
    # A folder without `__init__.py` is a package that several distributions share.
    namespaces = tuple(folder / name for folder in package.folders if (folder / name).is_dir())
    return _Module(None, namespaces) if namespaces else None


def _no_module(name: str, package: _Module) -> Fault | None:
    missing = name.rpartition(".")[2]
    names_nearby: set[str] = set()
    for folder in package.folders:
        for path in folder.iterdir():
            if path.name.startswith(("_", ".")):
                continue
            if path.is_dir() or path.suffix == ".py":
                names_nearby.add(path.stem)
            elif missing == path.name.partition(".")[0]:
                # A compiled module has no source to read.
                return None
    return Fault(f"there is no module {name}", did_you_mean(missing, sorted(names_nearby)))


@functools.cache
def _parse(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def _names(tree: ast.Module, module: str, file: Path) -> _Names:
    names = _Names({}, {}, _is_open(tree))
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in _statements(tree.body):
        if isinstance(node, ast.ClassDef):
            names.classes[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            source = _imported_from(node, package)
            names.imports.update({word.asname or word.name: f"{source}.{word.name}" for word in node.names})
    return names


def _imported_from(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _is_open(tree: ast.Module) -> bool:
    """Whether a module binds names that its statements do not show."""
    for node in _statements(tree.body):
        if isinstance(node, ast.ImportFrom) and any(word.name == "*" for word in node.names):
            return True
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            return True
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper()
            for target in node.targets
        ):
            return True
    return False


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Walk what runs at import, `if TYPE_CHECKING` included: lazy packages name there what they hand out."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements(node.body)
            yield from _statements(node.orelse)
        elif isinstance(node, ast.Try):
            for part in (node.body, node.orelse, node.finalbody, *(handler.body for handler in node.handlers)):
                yield from _statements(part)
        elif isinstance(node, ast.With):
            yield from _statements(node.body)
