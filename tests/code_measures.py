"""Measures of the code base: `python tests/code_measures.py [ROOT]` prints them as a table.

Standard library only, so that it also runs on an older checkout.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Past participles of irregular verbs that stand alone as names in no good code; `read` and `cut` are verbs and nouns.
# fmt: off
_IRREGULAR = frozenset({
    "found", "made", "told", "said", "given", "shown", "kept", "held", "drawn", "written", "built", "sent", "paid",
    "known", "taken", "done", "gone", "lost", "seen", "got", "spoken", "broken", "chosen", "grown", "hidden", "heard",
    "felt", "meant", "thought", "brought", "bought", "caught", "taught",
})
# fmt: on
# Words in -ed that are nouns or verbs of their own.
_NO_PARTICIPLES = frozenset({"embed", "feed", "need", "seed", "speed", "proceed", "exceed", "succeed", "indeed"})


@dataclass(frozen=True)
class Lines:
    """How the lines of some files divide."""

    code: int = 0
    docstring: int = 0
    comment: int = 0
    blank: int = 0

    @property
    def total(self) -> int:
        return self.code + self.docstring + self.comment + self.blank

    def __add__(self, other: Lines) -> Lines:
        return Lines(
            self.code + other.code,
            self.docstring + other.docstring,
            self.comment + other.comment,
            self.blank + other.blank,
        )


def is_bare_participle(name: str) -> bool:
    """Whether a name is one single past participle: `found`, `_Asked`, but not `asked_questions`."""
    word = name.strip("_").lower()
    return word in _IRREGULAR or (re.fullmatch(r"[a-z]+ed", word) is not None and word not in _NO_PARTICIPLES)


def names(tree: ast.Module) -> Iterator[str]:
    """The functions, classes, parameters and assigned names of a module, as often as they are bound."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def lines(text: str) -> Lines:
    """Count the lines of one file; a line with code and a comment counts as both kinds only for `comment`'s share."""
    tree = ast.parse(text)
    rows = text.splitlines()
    docstrings = set[int]()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ):
                docstrings.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and rows[token.start[0] - 1].lstrip().startswith("#")
    }
    blank = {number for number, row in enumerate(rows, 1) if not row.strip()} - docstrings
    return Lines(len(rows) - len(docstrings) - len(comments) - len(blank), len(docstrings), len(comments), len(blank))


def trailing_comments(text: str) -> int:
    """Comments that stand behind code."""
    rows = text.splitlines()
    return sum(
        token.type == tokenize.COMMENT and not rows[token.start[0] - 1].lstrip().startswith("#")
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
    )


def modules(root: Path) -> dict[str, Path]:
    """The modules of `runner/` and `plugins/` by their dotted names."""
    paths = {}
    for folder in ("runner", "plugins"):
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root / folder).with_suffix("").parts
            paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return paths


def imports(name: str, path: Path, others: Iterable[str]) -> set[str]:
    """The modules that a module imports when it runs, functions included, `TYPE_CHECKING` left out."""
    names_of_modules = set(others)
    result = set[str]()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            result.update(alias.name for alias in node.names if alias.name in names_of_modules)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            for alias in node.names:
                full = f"{base}.{alias.name}"
                result.update({full} if full in names_of_modules else {base} & names_of_modules)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return result - {name}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other in a circle (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def connect(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                connect(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            connect(node)
    return groups


def import_graph(root: Path) -> dict[str, set[str]]:
    """Which modules each module imports."""
    paths = modules(root)
    return {name: imports(name, path, paths) for name, path in paths.items()}


def participles(root: Path) -> tuple[Counter[str], int]:
    """The bare participles among the names of `runner/` and `plugins/`, and how many names there are."""
    counts, total = Counter[str](), 0
    for path in modules(root).values():
        for name in names(ast.parse(path.read_text(encoding="utf-8"))):
            total += 1
            counts[name] += is_bare_participle(name)
    return +counts, total


def main(root: Path) -> None:
    """Print the table."""
    groups: dict[str, Lines] = {}
    trailing = 0
    for folder in ("runner", "plugins", "tests", "benchmarks"):
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            parts = path.relative_to(root).parts
            group = "/".join(parts[2:3]).removesuffix(".py") if folder == "runner" else folder
            group = f"runner/ragtally/{group}" if folder == "runner" else group
            groups[group] = groups.get(group, Lines()) + lines(text)
            trailing += trailing_comments(text) if folder in ("runner", "plugins") else 0
    source = sum((count for group, count in groups.items() if group.startswith(("runner", "plugins"))), Lines())
    groups = {"runner + plugins": source, **groups}
    print(f"{'':32}{'lines':>8}{'code':>8}{'docstring':>11}{'comment':>9}{'blank':>8}{'doc %':>7}")
    for group, count in groups.items():
        share = 100 * count.docstring / max(count.total, 1)
        print(
            f"{group:32}{count.total:8}{count.code:8}{count.docstring:11}{count.comment:9}{count.blank:8}{share:7.1f}"
        )
    graph = import_graph(root)
    importers = Counter(other for targets in graph.values() for other in targets)
    counts, total = participles(root)
    tests = sum(
        len(re.findall(r"^\s*(?:async )?def test_", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in (root / "tests").rglob("*.py")
    )
    comments = source.comment + trailing
    print(f"\ncomments per 100 lines           {100 * comments / max(source.total, 1):.1f} ({trailing} behind code)")
    print(f"modules                          {len(graph)}")
    print(f"modules with one importer        {sum(importers[name] == 1 for name in graph)}")
    print(f"import circles                   {len(circles(graph))}")
    print(
        f"bare participles among names     {counts.total()} of {total} ({100 * counts.total() / max(total, 1):.1f} %)"
    )
    print(f"test functions                   {tests}")
    for circle in circles(graph):
        print("  circle:", ", ".join(circle))
    print("  participles:", ", ".join(f"{name} {count}" for name, count in counts.most_common(25)))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
