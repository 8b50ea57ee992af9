"""The rules of the tree: what may import what, and what no file may hold. Read by `test_architecture.py`."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

LAYERS = (
    ("api",),
    ("support", "registry"),
    ("parsing", "voting", "metrics", "redaction", "relevance", "store", "duplicates"),
    ("examples",),
    ("spec",),
    ("tables",),
    ("curation",),
    ("pipelines",),
    ("steps",),
    ("plan",),
    ("workspace",),
    ("llm",),
    ("results",),
    ("analysis",),
    ("engine", "advice"),
    ("export",),
    ("present",),
    ("testing", "cli"),
    ("__main__",),
)
"""The parts of `ragtally`, lowest layer first; parts of one layer do not know each other."""
MAY_KNOW = {
    ("registry", "support"),
}
"""Imports against the layers, each with its reason."""

PLACES = {
    "altair": {"present"},
    "click": {"cli"},
    "fsspec": {"store"},
    "haystack": {"pipelines"},
    "jsonschema": {"spec"},
    "pluggy": {"api", "registry"},
    "pydantic": {"analysis"},
    "rich": {"cli", "present"},
    "scipy": {"analysis", "duplicates"},
    "sqlite3": {"store"},
    "vl_convert": {"present"},
    "yaml": {"spec"},
}
"""Which parts of `runner/ragtally` may import a package that has its one place."""

FOR_PLUGINS = {"api", "support"}
"""The parts of `ragtally` that a plugin may import, beside what `ragtally` itself offers."""
ENGINE_PARTS = {part for layer in LAYERS for part in layer} - FOR_PLUGINS
# What bm25 and sets share, and what chat and lora do; they offer no component.
SHARED_PLUGINS = {"ragtally_lexical", "ragtally_prompts"}
LAZY_LOADERS = {
    "__init__.py",
    "cli/lazy.py",
    *(f"{part}/__init__.py" for part in ("cli", "examples", "pipelines")),
}
"""The files in `runner/ragtally` that may import their own package inside a function."""
UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
VAGUE_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}
# Where a string of the engine is a component's name, the defaults apart, it is another thing of that name.
HOMONYMS = {
    "advice/probe.py": {"tokens"},  # What a step learns from
    "advice/probe_process.py": {"tokens"},  # Likewise
    "api/reader.py": {"recorded"},  # How a reader draws
    "present/data_card.py": {"precision", "tokens"},  # Of validators; lengths
    "cli/export.py": {"recorded"},  # A command
    "cli/lazy.py": {"table"},  # A module
    "curation/label_studio.py": {"email"},  # Who annotated, as Label Studio says it
    "examples/example.py": {"chat", "parent"},  # Where an example is from; which one another is a version of
    "examples/wording.py": {"chat", "grounded"},  # A kind of example, and a criterion
    "results/columns.py": {"parent"},  # Likewise
    "plan/examples.py": {"chat"},  # The round of examples from chats
    "steps/generate.py": {"parent"},  # The example that another is a version of
    "export/pipeline.py": {"recorded", "words"},  # How a reader draws; the words for the answers
    "engine/remote_model.py": {"tokens"},  # What a call took
    "engine/duplicates.py": {"dense", "words"},  # How polars ranks; what is counted
    "llm/queue.py": {"tokens"},  # What an attempt may cost
    "llm/tokens.py": {"litellm"},  # The package that holds a vocabulary
    "pipelines/__init__.py": {"chat"},  # A module
    "plan/answer_form.py": {"words"},  # The words for the answers
    "spec/examples.py": {"chat"},  # A form
    "present/cells.py": {"words"},  # How long a context is
    "results/examples.py": {"tokens"},  # Lengths
    "steps/export.py": {"chat"},  # A form
    "support/training_forms.py": {"chat"},  # A form
    "steps/parse.py": {"words"},  # The words for the answers
    "steps/rerank.py": {"rerank"},  # The step
    "results/blind_sheets.py": {"email"},  # How Label Studio names a person
    "present/duplicates.py": {"exact"},  # How near duplicates are
    "support/prompt_template.py": {"random"},  # A filter of Jinja
    "support/http_failures.py": {"tokens"},  # What a server counts
    "support/local_models.py": {"sentence_transformers"},  # The package
    # Packages
    "testing/component.py": {
        "docx",
        "haystack",
        "litellm",
        "pdfminer",
        "pptx",
        "pypdf",
        "sentence_transformers",
        "weaviate",
    },
    "testing/reader.py": {"recorded"},  # How a reader draws
}
MOST_LINES = 600
MOST_LINES_OF_A_FUNCTION = 60


@dataclass(frozen=True)
class Source:
    """One parsed file.

    Attributes:
        path: Its path below the repository's root, with forward slashes.
        text: What it says.
        tree: What it says, parsed.
    """

    path: str
    text: str
    tree: ast.Module

    @property
    def in_package(self) -> str | None:
        """The path below `runner/ragtally`; None for a plugin."""
        return self.path.removeprefix("runner/ragtally/") if self.path.startswith("runner/ragtally/") else None

    @property
    def part(self) -> str | None:
        """The part of `ragtally` that it belongs to; None for a plugin and for the package's own `__init__`."""
        first = (self.in_package or "__init__.py").split("/")[0].removesuffix(".py")
        return None if first == "__init__" else first

    def at(self, node: ast.AST, message: str) -> str:
        """Write a violation with its place."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {message}"


@dataclass(frozen=True)
class Import:
    """One imported module.

    Attributes:
        module: Its absolute dotted name.
        node: Where it is imported.
        in_function: Whether a function imports it when it runs.
        for_typing: Whether it stands under `if TYPE_CHECKING`.
    """

    module: str
    node: ast.AST
    in_function: bool
    for_typing: bool

    @property
    def top(self) -> str:
        """The name before the first dot."""
        return self.module.split(".")[0]

    @property
    def part(self) -> str | None:
        """The part of `ragtally` that it is or lies in; None for anything else and for `ragtally` itself."""
        names = self.module.split(".")
        return names[1] if names[0] == "ragtally" and len(names) > 1 else None


@functools.cache
def parsed(path: str, text: str) -> ast.Module:
    """Parse a text, once for all rules."""
    return ast.parse(text, path)


def sources(root: Path) -> list[Source]:
    """Parse every Python file of `runner/` and `plugins/`."""
    paths = sorted([*(root / "runner").rglob("*.py"), *(root / "plugins").rglob("*.py")])
    texts = [(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
    return [Source(path, text, parsed(path, text)) for path, text in texts]


def imports(source: Source) -> list[Import]:
    """List every import of a file, at any depth."""
    found: list[Import] = []

    def visit(node: ast.AST, in_function: bool, for_typing: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(name.name, node, in_function, for_typing) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.extend(Import(module, node, in_function, for_typing) for module in _modules(node, source.path))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.body:
                visit(child, in_function, True)
            for child in node.orelse:
                visit(child, in_function, for_typing)
        else:
            inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                visit(child, inside, for_typing)

    visit(source.tree, False, False)
    return found


def _modules(node: ast.ImportFrom, path: str) -> list[str]:
    if node.level:
        package = path.removeprefix("runner/").removeprefix("plugins/").split("/")[: -node.level]
        base = ".".join([*package, *([node.module] if node.module else [])])
    else:
        base = node.module or ""
    # `from ragtally import errors` imports a part, `from ragtally.api.errors import Location` names one already.
    return [f"{base}.{name.name}" for name in node.names] if base == "ragtally" else [base]


def layering(source: Source) -> Iterator[str]:
    """Imports between the parts of `ragtally` go down only."""
    if source.part is None:
        return
    level = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    own = source.part
    if own not in level:
        yield source.at(source.tree, f"the part {own!r} is in no layer")
        return
    for found in imports(source):
        other = found.part
        if other is None or other == own or other == "__version__":
            continue
        if other not in level:
            yield source.at(found.node, f"imports ragtally.{other}, which is in no layer")
        elif level[other] > level[own] and (own, other) not in MAY_KNOW:
            yield source.at(found.node, f"{own} is below {other}")
        elif level[other] == level[own] and (own, other) not in MAY_KNOW:
            yield source.at(found.node, f"{own} must not know {other}")


def standard_library_only(source: Source) -> Iterator[str]:
    """The lowest layer, and the package itself, import nothing but the standard library and pluggy when they run."""
    if source.in_package is None or (source.part is not None and source.part not in LAYERS[0]):
        return
    for found in imports(source):
        if not found.for_typing and found.top not in {*sys.stdlib_module_names, "pluggy", "ragtally"}:
            yield source.at(found.node, f"the lowest layer imports {found.module}")


def one_place(source: Source) -> Iterator[str]:
    """Each of these packages is imported in one part only."""
    if source.in_package is None:
        return
    for found in imports(source):
        allowed = PLACES.get(found.top)
        if allowed is not None and source.part not in allowed:
            yield source.at(found.node, f"{found.top} belongs in {' and '.join(sorted(allowed))}")


def imports_at_the_top(source: Source) -> Iterator[str]:
    """Nobody imports its own package inside a function."""
    if source.in_package is None or source.in_package in LAZY_LOADERS:
        return
    for found in imports(source):
        if found.in_function and found.top == "ragtally":
            yield source.at(found.node, f"imports {found.module} inside a function")


def plugins_stand_apart(source: Source) -> Iterator[str]:
    """Plugins import of `ragtally` what a third party's may, and of each other at most a package's own names."""
    if source.in_package is not None:
        return
    for found in imports(source):
        if found.part in ENGINE_PARTS:
            yield source.at(found.node, f"a plugin imports {found.module}")
        own = source.path.split("/")[1].removesuffix(".py")
        inside = found.top.startswith("ragtally_") and found.top not in {own, *SHARED_PLUGINS} and "." in found.module
        if inside and not found.for_typing:
            yield source.at(found.node, f"a plugin imports {found.module}, the inside of another")


def safe(source: Source) -> Iterator[str]:
    """Nothing runs code that it read from a file."""
    for found in imports(source):
        if found.top in UNSAFE_MODULES:
            yield source.at(found.node, f"imports {found.module}")
    for call in _calls(source):
        name = ast.unparse(call.func)
        if name in UNSAFE_CALLS:
            yield source.at(call, f"calls {name}")
        if any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in call.keywords):
            yield source.at(call, "allows pickle")


def quiet(source: Source) -> Iterator[str]:
    """Only the command line prints."""
    if source.part == "cli":
        return
    for call in _calls(source):
        if ast.unparse(call.func) == "print":
            yield source.at(call, "prints")


def short(source: Source) -> Iterator[str]:
    """Files and functions stay short enough to be read at once."""
    lines = source.text.count("\n")
    if lines > MOST_LINES:
        yield source.at(source.tree, f"has {lines} lines, more than {MOST_LINES}")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            length = (node.end_lineno or 0) - first.lineno + 1
            if length > MOST_LINES_OF_A_FUNCTION:
                yield source.at(node, f"{node.name} has {length} lines, more than {MOST_LINES_OF_A_FUNCTION}")


def telling_names(source: Source) -> Iterator[str]:
    """No file or folder is named after nothing in particular."""
    for word in source.path.removesuffix(".py").split("/"):
        if word.strip("_") in VAGUE_NAMES:
            yield source.at(source.tree, f"the name {word!r} says nothing")


def component_names(source: Source, names: Set[str]) -> Iterator[str]:
    """The engine names components in the defaults of a spec alone."""
    if source.in_package is None or source.in_package == "spec/defaults.py":
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        plugin = re.search(r"\bragtally_\w+", node.value)
        if plugin or node.value in names - HOMONYMS.get(source.in_package, set()):
            yield source.at(node, f"the engine names {plugin[0] if plugin else node.value!r}")


def _calls(source: Source) -> Iterator[ast.Call]:
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


Rule = Callable[[Source], Iterator[str]]

RULES: tuple[Rule, ...] = (
    layering,
    standard_library_only,
    one_place,
    imports_at_the_top,
    plugins_stand_apart,
    safe,
    quiet,
    short,
    telling_names,
)
"""Every rule that looks at one file at a time."""


def violations(root: Path, rule: Rule) -> list[str]:
    """List every violation of a rule in `runner/` and `plugins/` below a root."""
    return [found for source in sources(root) for found in rule(source)]


def hook_modules(root: Path) -> set[str]:
    """List the plugin modules that implement a hook."""
    return {
        source.path.removeprefix("plugins/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for source in sources(root)
        if source.in_package is None
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
        and any("hookimpl" in ast.unparse(decorator) for decorator in node.decorator_list)
    }
