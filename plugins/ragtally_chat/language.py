"""The language of the user's own templates: Jinja's, without whatever could reach out, run on, or blow up.

On top of Jinja's sandbox, which guards attributes, a template may only hold what is listed here. There are no calls,
assignments, macros, imports, or operators that can make much of little (`*`, `%`, `**`), so what a template does is
bounded by its length, its input and its loops; the loops and all text that is made are metered
(`ragtally_chat.metering`). A list of what is allowed cannot be got around by something that nobody thought of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jinja2 import nodes

from ragtally import did_you_mean
from ragtally_chat.filters import FILTERS, TESTS
from ragtally_chat.metering import has_messages, is_message

MOST_DEPTH = 80
ATTRIBUTES = ("question", "passages", "answer")
LOOP_ATTRIBUTES = (
    "index",
    "index0",
    "revindex",
    "revindex0",
    "first",
    "last",
    "length",
    "previtem",
    "nextitem",
)
# fmt: off
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Name, nodes.Const, nodes.List,
    nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg, nodes.Keyword,
    nodes.Scope,
)
# fmt: on
_INSTEAD: tuple[tuple[tuple[type[nodes.Node], ...], str, str], ...] = (
    ((nodes.Call, nodes.CallBlock), "calls nothing", "use a filter, such as {{ question | upper }}"),
    ((nodes.Block, nodes.Extends), "has no blocks", 'use {% message role="system" %}...{% endmessage %}'),
    ((nodes.Include, nodes.Import, nodes.FromImport), "is one file", "put everything into this one"),
    ((nodes.Assign, nodes.AssignBlock, nodes.With), "sets nothing", "write the value where it is used"),
    ((nodes.Macro,), "has no macros", "write out what it would do"),
    ((nodes.FilterBlock,), "filters values only", "use {{ question | upper }}"),
    ((nodes.ScopedEvalContextModifier,), "escapes nothing", "leave `autoescape` out"),
    (
        (nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Pos),
        "does no arithmetic beyond + and -",
        "use a test such as `is even`, or ~ to join text",
    ),
)


class Fault(NamedTuple):
    """Something wrong in a template."""

    line: int | None  # The line, from 1; None for the template as a whole
    message: str  # What is wrong
    hint: str | None  # What to write instead


def faults_of(tree: nodes.Template, variables: Sequence[str]) -> Iterator[Fault]:
    """Find everything that a template may not hold."""
    external_resource = has_messages(tree)
    pending: list[tuple[nodes.Node, int, bool]] = [(tree, 0, False)]
    while pending:
        node, depth, in_message = pending.pop()
        if depth > MOST_DEPTH:
            yield Fault(node.lineno, "the template is nested too deeply", "make it simpler")
            return
        if is_message(node):
            if in_message:
                yield Fault(node.lineno, "a message stands inside another", "close the first with {% endmessage %}")
            inner: list[nodes.Node] = list(node.body)  # type: ignore[attr-defined]
            pending.extend((child, depth + 1, True) for child in reversed(inner))
            continue
        yield from _node_faults(node, variables)
        if not isinstance(node, _ALLOWED):
            continue
        if external_resource and not in_message and isinstance(node, nodes.Output):
            yield from _stray_text(node)
        pending.extend((child, depth + 1, in_message) for child in reversed(list(node.iter_child_nodes())))


def free_names(tree: nodes.Node, bound: frozenset[str] = frozenset()) -> dict[str, int]:
    """List the names that a template reads and does not define itself."""
    # Jinja's own `find_undeclared_variables` works constants out on the way, whatever that takes.
    found: dict[str, int] = {}
    parts: list[tuple[nodes.Node, frozenset[str]]] = [(child, bound) for child in tree.iter_child_nodes()]
    if isinstance(tree, nodes.Name):
        return {tree.name: tree.lineno} if tree.ctx == "load" and tree.name not in bound else {}
    if isinstance(tree, nodes.For):
        targets = [tree.target, *tree.target.find_all(nodes.Name)]
        inner = bound | {name.name for name in targets if isinstance(name, nodes.Name)}
        parts = [(tree.iter, bound), *([(tree.test, inner)] if tree.test else [])]
        parts += [(child, inner | {"loop"}) for child in tree.body] + [(child, bound) for child in tree.else_]
    for part, names in parts:
        for name, line in free_names(part, names).items():
            found.setdefault(name, line)
    return found


def _node_faults(node: nodes.Node, variables: Sequence[str]) -> Iterator[Fault]:
    if not isinstance(node, _ALLOWED):
        for kinds, message, hint in _INSTEAD:
            if isinstance(node, kinds):
                yield Fault(node.lineno, f"a prompt's template {message}", hint)
                return
        yield Fault(node.lineno, f"a prompt's template has no {type(node).__name__}", "write it in another way")
    elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
        yield Fault(node.lineno, f"there is no filter {node.name!r}", did_you_mean(node.name, sorted(FILTERS)))
    elif isinstance(node, nodes.Test) and node.name not in TESTS:
        yield Fault(node.lineno, f"there is no test {node.name!r}", did_you_mean(node.name, sorted(TESTS)))
    elif isinstance(node, nodes.Getattr):
        known = LOOP_ATTRIBUTES if isinstance(node.node, nodes.Name) and node.node.name == "loop" else ATTRIBUTES
        if node.attr not in known:
            yield Fault(node.lineno, f"nothing has an attribute {node.attr!r}", did_you_mean(node.attr, known))
    elif isinstance(node, nodes.Name) and node.ctx == "store" and node.name in (*variables, "loop"):
        hint = f"name the loop's variable otherwise, as in {{% for one in {node.name} %}}"
        yield Fault(node.lineno, f"{node.name!r} has a meaning already", hint)
    elif isinstance(node, nodes.For) and node.recursive:
        yield Fault(node.lineno, "a prompt's template has no recursive loops", "leave `recursive` out")


def _stray_text(node: nodes.Output) -> Iterator[Fault]:
    for child in node.nodes:
        text = child.data if isinstance(child, nodes.TemplateData) else "a value"
        if text.strip():
            line = child.lineno + text[: len(text) - len(text.lstrip())].count("\n")
            yield Fault(line, "text stands outside of the messages", "move it into one of them")
            return
