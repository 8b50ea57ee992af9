"""Runs the user's own templates: takes the messages that they write, and counts what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import TemplateRuntimeError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from ragtally import Message, did_you_mean
from ragtally_chat.filters import FILTERS, MOST_CHARACTERS, TESTS, joined

# The name of the meter in a template's context: no template can spell it.
METER = " meter"
# How many nodes of a template may be run in loops for one prompt.
MOST_WORK = 200_000
ROLES = ("system", "user", "assistant")
_CHECK, _JOIN, _LOOP = " check", " join", " loop"


class Meter:
    """Counts what one prompt costs, and takes its messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._characters = 0
        self._work = 0

    def write(self, count: int) -> None:
        """Count characters that are made."""
        self._characters += count
        if self._characters > MOST_CHARACTERS:
            raise TemplateRuntimeError(f"one prompt makes more than {MOST_CHARACTERS:,} characters")

    def work(self, count: int) -> None:
        """Count work in loops."""
        self._work += count
        if self._work > MOST_WORK:
            raise TemplateRuntimeError("the loops go round too often for one prompt")


class MessageTag(Extension):
    """The tag `{% message role="user" %}...{% endmessage %}`."""

    tags = {"message"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """Read the tag and what it holds."""
        line = next(parser.stream).lineno
        parser.stream.expect("name:role")
        parser.stream.expect("assign")
        role = str(parser.stream.expect("string").value)
        if role not in ROLES:
            parser.fail(f"there is no role {role!r}; {did_you_mean(role, ROLES)}", line)
        body = parser.parse_statements(("name:endmessage",), drop_needle=True)
        collect = self.call_method("collect", [nodes.ContextReference(), nodes.Const(role)])
        return nodes.CallBlock(collect, [], [], body).set_lineno(line)

    def collect(self, context: Context, role: Any, caller: Any) -> str:
        """Take a message that has been written."""
        _meter(context).messages.append(Message(role, caller().strip()))
        return ""


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with the filters and tests of prompts, no globals, and everything metered."""

    def __init__(self) -> None:
        super().__init__(
            extensions=[MessageTag],
            undefined=StrictUndefined,
            finalize=_printed,
            autoescape=False,
            optimized=False,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=0,
        )
        self.globals = {}
        self.filters = {**FILTERS, _CHECK: _checked, _JOIN: joined, _LOOP: _looped}
        self.tests = dict(TESTS)
        self.intercepted_binops = frozenset({"+", "-"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Add or subtract whole numbers; text is joined with `~`."""
        if type(left) is not int or type(right) is not int:
            raise TemplateRuntimeError(f"{operator} is for whole numbers; use ~ to join text")
        return super().call_binop(context, operator, left, right)


def has_messages(tree: nodes.Template) -> bool:
    """Say whether a template holds the tag `message`."""
    return any(map(is_message, tree.find_all(nodes.CallBlock)))


def is_message(node: nodes.Node) -> bool:
    """Say whether a node is the tag `message`."""
    return isinstance(node, nodes.CallBlock) and isinstance(node.call.node, nodes.ExtensionAttribute)


def metered(tree: nodes.Template) -> nodes.Template:
    """Put meters into a template."""
    changed: nodes.Template = _Metering().visit(tree)
    return changed


class _Metering(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        body = [each for top in node.body for each in (top, *top.find_all(nodes.Node))]
        text = sum(len(each.data) for each in body if isinstance(each, nodes.TemplateData))
        self.generic_visit(node)
        node.iter = _filter(node.iter, _LOOP, [nodes.Const(len(body) + 1), nodes.Const(text)])
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filter(node, _CHECK)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        parts = nodes.List(node.nodes).set_lineno(node.lineno)
        return _filter(_filter(parts, _JOIN), _CHECK)


def _filter(node: nodes.Node, name: str, arguments: list[nodes.Expr] | None = None) -> nodes.Filter:
    made = nodes.Filter(cast(nodes.Expr, node), name, arguments or [], [], None, None)
    made.set_lineno(node.lineno, override=False)
    made.set_environment(node.environment)  # type: ignore[arg-type]
    return made


def _meter(context: Context) -> Meter:
    meter: Meter = context.parent[METER]
    return meter


@pass_context
def _printed(context: Context, value: Any) -> str:
    if isinstance(value, Undefined) or type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        kind = "a list" if isinstance(value, (tuple, list)) else "no text"
        raise TemplateRuntimeError(f"what is to be written is {kind}: use a loop, or the filter join")
    _meter(context).write(len(value))
    return value


@pass_context
def _checked(context: Context, value: Any) -> Any:
    if isinstance(value, str):
        _meter(context).write(len(value))
    return value


@pass_context
def _looped(context: Context, value: Any, body: int, text: int) -> Sequence[Any]:
    if isinstance(value, str):
        raise TemplateRuntimeError("a loop goes over passages, answers or examples, not over the letters of a text")
    items = value if isinstance(value, (tuple, list)) else list(value)
    _meter(context).work(len(items) * body)
    _meter(context).write(len(items) * text)
    return items
