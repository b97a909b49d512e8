"""Jinja templates that run nothing but themselves, and neither for long nor into much memory."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
import jinja2.filters
import jinja2.meta
import jinja2.sandbox
import jinja2.visitor
from jinja2 import nodes
from jinja2.runtime import Context, LoopContext

LONGEST_SOURCE = 200_000
_LONGEST_VALUE = 1_000_000
_MOST_CHARACTERS = 4_000_000
_MOST_ROUNDS = 100_000
_SECONDS = 10.0
_BUDGET = " budget"  # no name that a template could write

_REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Include: "include",
    nodes.Extends: "extends",
}
_LETTERS = {"upper", "lower", "title", "capitalize", "casefold"}
_ENDS = {"strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "startswith", "endswith"}
_PARTS = {"split", "rsplit", "splitlines", "partition", "rpartition", "find", "rfind", "index", "count"}
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(_LETTERS | _ENDS | _PARTS),
    dict: frozenset({"items", "keys", "values", "get"}),
    LoopContext: frozenset({"cycle", "changed"}),
}
_SIZED = ("batch", "center", "indent", "slice", "tojson", "wordwrap")
_LARGEST_SIZE = 200


class _TooMuchError(jinja2.TemplateRuntimeError):
    """A template does more than a prompt may."""


@dataclass(slots=True)
class _Budget:
    """What one filling-in of a template may still cost."""

    characters: int = _MOST_CHARACTERS
    rounds: int = _MOST_ROUNDS
    ends: float = field(default_factory=lambda: time.monotonic() + _SECONDS)

    def spend(self, *, characters: int = 0, rounds: int = 0) -> None:
        self.characters -= characters
        self.rounds -= rounds
        if self.characters < 0:
            raise _TooMuchError(f"it makes more than {_MOST_CHARACTERS:,} characters")
        if self.rounds < 0:
            raise _TooMuchError(f"its loops go round more than {_MOST_ROUNDS:,} times")
        if time.monotonic() > self.ends:
            raise _TooMuchError(f"it takes more than {_SECONDS:g} s")


class BoundedTemplate:
    """A template in a sandbox of bounded time and memory.

    Macros, other files, powers and methods that multiply texts are refused; loops, outputs and every text
    that is put together are counted.

    Attributes:
        variables: Names that it reads and does not set.
        blocks: Names of its blocks.

    Raises:
        jinja2.TemplateSyntaxError: It is no template, or uses what is refused.
    """

    def __init__(self, source: str) -> None:
        environment = _Environment(
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
            finalize=_counted_output,
        )
        try:
            parsed = environment.parse(source)
            self.variables = jinja2.meta.find_undeclared_variables(parsed)
            bounded = _Bounds().visit(parsed)
            bounded.set_environment(environment)
            self._template = environment.from_string(bounded)
        except (RecursionError, SyntaxError, MemoryError, ValueError, ArithmeticError) as error:
            raise jinja2.TemplateSyntaxError(f"it is nested too deep, or no template ({error})", 1) from error
        self.blocks = frozenset(self._template.blocks)

    def fill_in(self, block: str, variables: Mapping[str, Any]) -> str:
        """A block with its variables filled in; jinja2 and Python raise what they find wrong."""
        budget = _Budget()
        pieces = []
        for piece in self._template.blocks[block](self._template.new_context({**variables, _BUDGET: budget})):
            budget.spend()
            pieces.append(piece)
        return "".join(pieces)


class _Environment(jinja2.sandbox.SandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals = {"range": _range}
        del self.filters["format"]
        self.filters |= {name: _sized(self.filters[name]) for name in _SIZED}
        self.filters |= {"join": _join, "replace": _replace, "counted": _counted, "together": _together}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        numbers = all(isinstance(value, int | float) for value in (left, right))
        if operator == "**" or (operator != "+" and not numbers):
            raise _TooMuchError(f"'{operator}' cannot be used here")
        if operator == "*" and max(abs(left), abs(right)) > _LONGEST_VALUE:
            raise _TooMuchError("a product is too large")
        return _bounded(context, super().call_binop(context, operator, left, right))

    def call(self, context: Context, target: Any, /, *arguments: Any, **named: Any) -> Any:
        owner, name = getattr(target, "__self__", None), getattr(target, "__name__", "")
        methods = (allowed for kind, allowed in _METHODS.items() if isinstance(owner, kind))
        if target is not _range and not any(name in allowed for allowed in methods):
            raise _TooMuchError(f"'{name or type(target).__name__}()' cannot be used here")
        return super().call(context, target, *arguments, **named)


class _Bounds(jinja2.visitor.NodeTransformer):
    """Puts counters around loops and around texts that are put together."""

    def generic_visit(self, node: nodes.Node, *arguments: Any, **named: Any) -> nodes.Node:
        if type(node) in _REFUSED:
            raise jinja2.TemplateSyntaxError(f"'{_REFUSED[type(node)]}' cannot be used here", node.lineno)
        return super().generic_visit(node, *arguments, **named)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - the name of the node
        if node.recursive:
            raise jinja2.TemplateSyntaxError("loops cannot be recursive here", node.lineno)
        constant = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "counted", constant)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        whole: nodes.Expr
        whole, *rest = node.nodes
        for expression in rest:
            whole = _filtered(whole, "together", expression)
        return whole


def _filtered(node: nodes.Node, name: str, argument: int | nodes.Expr) -> nodes.Filter:
    value = nodes.Const(argument, lineno=node.lineno) if isinstance(argument, int) else argument
    return nodes.Filter(node, name, [value], [], None, None, lineno=node.lineno)


@jinja2.pass_context
def _counted_output(context: Context, value: Any) -> str:
    written = str(value)
    context[_BUDGET].spend(characters=len(written))
    return written


@jinja2.pass_context
def _counted(context: Context, items: Iterable[Any], constant: int) -> Iterator[Any]:
    for item in items:
        context[_BUDGET].spend(characters=constant, rounds=1)
        yield item


@jinja2.pass_context
def _together(context: Context, left: Any, right: Any) -> Any:
    return _bounded(context, f"{left}{right}")


def _bounded(context: Context, value: Any) -> Any:
    context[_BUDGET].spend()
    if isinstance(value, str | list | tuple) and len(value) > _LONGEST_VALUE:
        raise _TooMuchError(f"it puts together more than {_LONGEST_VALUE:,} characters")
    return value


def _sized(apply: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(apply)
    def sized(*arguments: Any, **named: Any) -> Any:
        # The value comes first, or second behind the context that some filters take.
        settings = [*arguments[1 + hasattr(apply, "jinja_pass_arg") :], *named.values()]
        if any(_size(setting) > _LARGEST_SIZE for setting in settings):
            raise _TooMuchError(f"a width, a number or a filling above {_LARGEST_SIZE} cannot be used here")
        return apply(*arguments, **named)

    return sized


def _size(setting: Any) -> float:
    return len(setting) if isinstance(setting, str) else setting if isinstance(setting, int | float) else 0


def _range(*limits: int) -> range:
    numbers = range(*limits)
    if len(numbers) > _MOST_ROUNDS:
        raise _TooMuchError(f"range() gives more than {_MOST_ROUNDS:,} numbers")
    return numbers


@jinja2.pass_environment
def _join(
    environment: jinja2.Environment, items: Iterable[Any], between: str = "", attribute: str | None = None
) -> str:
    if attribute is not None:
        items = map(jinja2.filters.make_attrgetter(environment, attribute), items)
    pieces: list[str] = []
    length = 0
    for item in items:
        pieces.append(str(item))
        length += len(pieces[-1]) + len(str(between))
        if length > _LONGEST_VALUE:
            raise _TooMuchError(f"it puts together more than {_LONGEST_VALUE:,} characters")
    return str(between).join(pieces)


def _replace(text: Any, old: str, new: str, count: int = -1) -> str:
    whole = str(text)
    if len(whole) + whole.count(old) * len(new) > _LONGEST_VALUE:
        raise _TooMuchError(f"it puts together more than {_LONGEST_VALUE:,} characters")
    return whole.replace(old, new, -1 if count is None else count)
