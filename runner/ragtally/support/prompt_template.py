"""A template of a prompt: one file of Jinja, the user's own or one of the engine's, that writes messages.

    {% message role="system" %}
    You are a careful reviewer. Judge by the passages alone.
    {% endmessage %}
    {% for example in examples %}
    {% message role="user" %}{{ example.question }}{% endmessage %}
    {% message role="assistant" %}{{ example.answer }}{% endmessage %}
    {% endfor %}
    {% message role="user" %}
    {% for passage in passages %}
    [{{ loop.index }}] {{ passage }}
    {% else %}
    No context is given.
    {% endfor %}

    {{ question }}
    Answer with one of: {{ answers | join(", ") }}.
    {% endmessage %}

It sees the names that it is compiled for and no others; here these are the chat reader's. The tag `message` is the
one of Haystack's ChatPromptBuilder. White space around a message, and a tag's own line, are left out. A template
without any message is one message of the user's.

A template may come from anywhere, so it runs in Jinja's sandbox, sees nothing but its input, and has a budget of work
and of characters, so that it always ends.
"""

from __future__ import annotations

import functools
import json
import math
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

from jinja2 import StrictUndefined, Template, Undefined, meta, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.visitor import NodeTransformer

from ragtally.api import DataError, Location, Message, Prompt, RagtallyError, did_you_mean, raise_all

ROLES = ("system", "user", "assistant")
MOST_BYTES = 100_000  # of a template
MOST_CHARACTERS = 5_000_000  # that are made for one prompt, what is thrown away included
MOST_WORK = 200_000  # nodes of the template that are run in loops for one prompt
_CALL_WORK = 100  # what a call of a macro counts as
_MOST_BITS = 1_000  # of whole numbers: their product may be twice as long, and so on

# These make much of little by a format, or are drawn at random.
_NO_FILTERS = ("format", "random", "urlize", "wordwrap", "xmlattr")
_NO_METHODS = frozenset(
    {"center", "expandtabs", "format", "format_map", "join", "ljust", "replace", "rjust", "translate", "zfill"}
)
# What these make may be as large as the product of what they get.
_MULTIPLYING = ("batch", "center", "indent", "round", "slice")
_JOIN, _LOOP = "join", " loop"
_SPECIMEN = '{% message role="user" %}...{% endmessage %}'
_SYNTAX = f"a tag is {{% if passages %}}...{{% endif %}}, a value {{{{ question }}}}, a message {_SPECIMEN}"


class _Budget:
    """Takes the messages of one prompt, and counts what they cost."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._characters = 0
        self._work = 0

    def spend(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MOST_CHARACTERS:
            raise TemplateRuntimeError(f"one prompt makes more than {MOST_CHARACTERS:,} characters")

    def work(self, count: int) -> None:
        self._work += count
        if self._work > MOST_WORK:
            raise TemplateRuntimeError("the loops go round too often for one prompt")


# One compiled template may be asked by several threads.
_BUDGET: ContextVar[_Budget] = ContextVar("budget")


class PromptTemplate:
    """A template, checked and compiled once; keeps nothing of what it has written."""

    def __init__(
        self, source: str, path: str, variables: Mapping[str, str | None], *, fields: str | None = None
    ) -> None:
        """Compile a template.

        Args:
            source: Its text.
            path: Its file, for errors.
            variables: The names that it may use; where one must be used, what to write for it.
            fields: What to say to whoever asks a value for something that it has not.

        Raises:
            DataError: If it is no template, or does not fit the names.
        """
        self._path = path
        self._variables = variables
        self._fields = fields
        try:
            self._template, self._has_messages = self._compile(source)
        except TemplateSyntaxError as error:
            message = error.message or "it is no template"
            raise self._fault(error.lineno, message, _filter_hint(message) or _SYNTAX) from error
        except (ValueError, SyntaxError, RecursionError, MemoryError, OverflowError) as error:
            raise self._fault(None, f"it is no template: {type(error).__name__}", "make it simpler") from error

    def write(self, **values: Any) -> Prompt:
        """Write the prompt.

        Args:
            values: A value for each of the names: text, numbers, and lists and tuples of these.

        Returns:
            The messages.

        Raises:
            DataError: If the template cannot be filled in, or leaves no message of the user's at the end.
        """
        budget = _Budget()
        token = _BUDGET.set(budget)
        try:
            rest = self._template.render({name: values[name] for name in self._variables})
        except UndefinedError as error:
            raise self._failure(error, self._fields) from error
        except SecurityError as error:
            raise self._failure(error, "only what is put before the reader can be used") from error
        except Exception as error:
            raise self._failure(error, None) from error
        finally:
            _BUDGET.reset(token)
        messages = budget.messages if self._has_messages else [Message("user", rest.strip())]
        if not messages or messages[-1].role != "user":
            raise self._fault(None, "the last message must be the user's", _SPECIMEN)
        for message in messages:
            if not message.content:
                raise self._fault(None, f"a message of the role {message.role} is empty", "put {% if %} around it")
        return tuple(messages)

    def _compile(self, source: str) -> tuple[Template, bool]:
        environment = _Sandbox()
        tree = environment.parse(source, self._path, self._path)
        has_messages = any(map(_is_message, tree.find_all(nodes.CallBlock)))
        faults = [*self._name_faults(tree), *(self._message_faults(tree) if has_messages else ())]
        raise_all(faults)
        code = environment.compile(_Metering().visit(tree), self._path, self._path)
        return Template.from_code(environment, code, environment.globals), has_messages

    def _name_faults(self, tree: nodes.Template) -> Iterator[DataError]:
        names = meta.find_undeclared_variables(tree) - {"range"}
        lines = {node.name: node.lineno for node in reversed(list(tree.find_all(nodes.Name))) if node.ctx == "load"}
        unknown = sorted(names.difference(self._variables), key=lambda name: lines.get(name, 0))
        for name in unknown:
            hint = did_you_mean(name, list(self._variables))
            yield self._fault(lines.get(name), f"there is no variable {name!r}", hint)
        for name, remedy in self._variables.items():
            if remedy is not None and not unknown and name not in names:
                yield self._fault(None, f"the template never uses {name!r}", remedy)

    def _message_faults(self, node: nodes.Node) -> Iterator[DataError]:
        """Find text outside of the messages, and messages inside of others."""
        for child in node.iter_child_nodes():
            if _is_message(child):
                for inner in child.find_all(nodes.CallBlock):
                    if inner is not child and _is_message(inner):
                        hint = "close the first with {% endmessage %}"
                        yield self._fault(inner.lineno, "a message is inside another", hint)
            elif isinstance(child, nodes.Output):
                for part in child.nodes:
                    text = part.data if isinstance(part, nodes.TemplateData) else "a value"
                    if text.strip():
                        line = part.lineno + text[: len(text) - len(text.lstrip())].count("\n")
                        yield self._fault(line, "there is text outside of the messages", "move it into one of them")
            else:
                yield from self._message_faults(child)

    def _failure(self, error: Exception, hint: str | None) -> RagtallyError:
        frames = traceback.walk_tb(error.__traceback__)
        lines = [line for frame, line in frames if frame.f_code.co_filename == self._path]
        message = getattr(error, "message", None) or str(error) or type(error).__name__
        return self._fault(lines[-1] if lines else None, message, hint or _filter_hint(message))

    def _fault(self, line: int | None, message: str, hint: str | None) -> DataError:
        return DataError(message, location=Location(self._path, line), hint=hint)


class _MessageTag(Extension):
    """The tag `{% message role="user" %}...{% endmessage %}`."""

    tags = {"message"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        parser.stream.expect("name:role")
        parser.stream.expect("assign")
        role = str(parser.stream.expect("string").value)
        if role not in ROLES:
            parser.fail(f"there is no role {role!r}; {did_you_mean(role, ROLES)}", line)
        body = parser.parse_statements(("name:endmessage",), drop_needle=True)
        collect = self.call_method("collect", [nodes.Const(role)])
        return nodes.CallBlock(collect, [], [], body).set_lineno(line)

    def collect(self, role: Any, caller: Callable[[], str]) -> str:
        _BUDGET.get().messages.append(Message(role, caller().strip()))
        return ""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, where whatever makes or repeats something is paid from the budget."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            extensions=[_MessageTag],
            undefined=StrictUndefined,
            finalize=_finalize,
            autoescape=False,
            # Nothing is worked out while it is compiled, where nobody counts.
            optimized=False,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=0,
        )
        self.globals = {"range": safe_range}
        self.policies["truncate.leeway"] = 0
        filters = {**self.filters, "tojson": lambda value: json.dumps(value, ensure_ascii=False)}
        self.filters = {name: _with_budget(name, make) for name, make in filters.items() if name not in _NO_FILTERS}
        self.filters[_LOOP] = _loop_items

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" or (operator != "+" and not numbers):
            raise TemplateRuntimeError(f"{operator} is not for this in a prompt's template; use ~ to join text")
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _MOST_BITS:
            raise TemplateRuntimeError("a number this large has no place in a prompt")
        value = super().call_binop(context, operator, left, right)
        _BUDGET.get().spend(_size(value))
        return value

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        _BUDGET.get().work(_CALL_WORK if isinstance(function, Macro) else 1)
        value = super().call(context, function, *args, **kwargs)
        _BUDGET.get().spend(_size(value))
        return value

    def is_safe_callable(self, function: Any) -> bool:
        owner = getattr(function, "__self__", None)
        if isinstance(owner, str):
            return function.__name__ not in _NO_METHODS
        return isinstance(function, Macro) or function is safe_range or isinstance(owner, _MessageTag | LoopContext)

    def wrap_str_format(self, value: Any) -> None:
        """Leave `format` as it is: a method that may not be called."""


class _Metering(NodeTransformer):
    """Has every loop counted, and text joined by a filter, which is paid for."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        body = [each for top in node.body for each in (top, *top.find_all(nodes.Node))]
        characters = sum(len(each.data) for each in body if isinstance(each, nodes.TemplateData))
        self.generic_visit(node)
        node.iter = _filter(node.iter, _LOOP, nodes.Const(len(body) + 1), nodes.Const(characters))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes).set_lineno(node.lineno), _JOIN)


def read_template(path: str) -> str:
    """Read a template's file.

    Args:
        path: Where it is.

    Returns:
        Its text.

    Raises:
        DataError: If it is too long, or no UTF-8 text.
        OSError: If it cannot be read.
    """
    with Path(path).open("rb") as handle:
        content = handle.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        hint = f"{MOST_BYTES:,} bytes at most"
        raise DataError("the template is too long", location=Location(path), hint=hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message, hint = "the template is no UTF-8 text", "save it as UTF-8"
        raise DataError(message, location=Location(path, line), hint=hint) from error


def _is_message(node: nodes.Node) -> bool:
    return isinstance(node, nodes.CallBlock) and isinstance(node.call.node, nodes.ExtensionAttribute)


def _filter_hint(message: str) -> str | None:
    match = re.match(r"No (filter|test) named '(\w+)'", message)
    if match is None:
        return None
    environment = _Sandbox()
    return did_you_mean(match[2], sorted(environment.filters if match[1] == "filter" else environment.tests))


def _filter(node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    call = nodes.Filter(cast(nodes.Expr, node), name, list(arguments), [], None, None)
    call.set_lineno(node.lineno, override=False)
    call.set_environment(node.environment)  # type: ignore[arg-type]
    return call


def _with_budget(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    # `wraps` keeps Jinja's mark of a filter that gets the environment or the context.
    @functools.wraps(make)
    def call(*args: Any, **kwargs: Any) -> Any:
        budget = _BUDGET.get()
        # Beforehand, since it would be too late afterwards.
        sizes = [_size(value) for value in (*args, *kwargs.values())]
        numbers = [abs(value) for value in (*args, *kwargs.values()) if isinstance(value, int)]
        most = sum(sizes)
        if name in _MULTIPLYING:
            most = math.prod(max(1, factor) for factor in (*sizes, *numbers))
        elif name in _SIZES:
            most += _SIZES[name](*args, **kwargs)
        if most > MOST_CHARACTERS:
            raise TemplateRuntimeError(f"{name} makes more than {MOST_CHARACTERS:,} characters")
        value = make(*args, **kwargs)
        if isinstance(value, Iterator):
            value = list(value)
        budget.spend(_size(value))
        return value

    return call


def _join_size(_: Any, value: Any, d: str = "", attribute: Any = None) -> int:
    return len(value) * len(d)


def _replace_size(_: Any, s: str, old: str, new: str, count: int | None = None) -> int:
    return s.count(old) * len(new)


# How much these filters add; the names of their parameters are Jinja's.
_SIZES: Mapping[str, Callable[..., int]] = {"join": _join_size, "replace": _replace_size}


def _size(value: Any) -> int:
    """Count the characters and items of a value, as far as anybody needs to know."""
    # A list may hold another one many times, and that one too: the count stops where it is too much.
    count, pending = 0, [value]
    while pending and count <= MOST_CHARACTERS:
        item = pending.pop()
        count += len(item) if isinstance(item, str) else 1
        if isinstance(item, list | tuple):
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend((*item.keys(), *item.values()))
    return count


@pass_context
def _finalize(context: Context, value: Any) -> str:
    # With the context, so that Jinja does not call it while it compiles.
    if isinstance(value, Undefined) or (isinstance(value, int | float) and not isinstance(value, bool)):
        value = str(value)
    if not isinstance(value, str):
        kind = "a list" if isinstance(value, tuple | list) else "no text"
        raise TemplateRuntimeError(f"the value to write is {kind}: use a loop, or the filter join")
    _BUDGET.get().spend(len(value))
    return value


def _loop_items(value: Any, work: int, characters: int) -> Sequence[Any]:
    if isinstance(value, str):
        raise TemplateRuntimeError("a loop goes over a list, not over the letters of a text")
    items = value if isinstance(value, tuple | list | range) else list(value)
    _BUDGET.get().work(len(items) * work)
    _BUDGET.get().spend(len(items) * characters)
    return items
