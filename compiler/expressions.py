"""`${{ … }}`: finds and evaluates expressions in strings and trees; the only user of jinja2.

A dotted name, which is nearly every expression, is looked up here, so that most runs never import jinja2.
Everything else runs in its immutable sandbox, without calls, attributes of Python objects or loops.
See https://jinja.palletsprojects.com/en/stable/sandbox/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from compiler.diagnostics import suggest
from compiler.model import Path, Reference, Text

if TYPE_CHECKING:
    import jinja2.sandbox

_EXPRESSION = re.compile(r"""\$\$\{\{|\$\{\{((?:[^}"']|"[^"]*"|'[^']*'|\}(?!\}))*)\}\}|\$\{\{""")
_SIMPLE = re.compile(r"\s*(not\s+)?([A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*)\s*(?:\|\s*(\w+)\s*)?\Z")
_MAX_LENGTH = 1000
_MAX_RESULT = 100_000
_FILTERS = (
    *("abs", "default", "first", "float", "int", "join", "last", "length", "lower", "max", "min", "replace"),
    *("round", "string", "trim", "upper"),
)


class ExpressionError(Exception):
    """An expression that has no value: a plain message, what to do, and the code of such findings in a stack."""

    def __init__(self, message: str, help: str | None = None, code: str = "expression") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.code = code


class Quoted(str):
    """Text that a filter has made safe for its sink: it is not quoted again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """How values enter a text of one language: `quote` for each value, `filters` for what else its author may say."""

    quote: Callable[[Any], str]
    filters: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)


def evaluate(
    text: str, scope: Mapping[str, Any], sink: Sink | None = None, literal: Callable[[str], str] = str
) -> Any:
    """Returns the value of a scalar: typed where it is one whole expression, else a string or a Text.

    With a `sink`, every value is quoted for it and the result is a string. `literal` marks the text around the
    expressions. Raises ExpressionError.
    """
    if "${{" not in text:
        return literal(text)
    parts: list[Any] = []
    end = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(literal(text[end : match.start()]))
        end = match.end()
        if match.group() == "$${{":
            parts.append("${{")
        elif match.group(1) is None:
            raise ExpressionError(
                "an expression is not closed", 'close it with "}}", or write "$${{" for the text itself'
            )
        else:
            value = _value(match.group(1), scope, sink)
            if sink is None and match.span() == (0, len(text)):
                return value
            parts.append(_quoted(value, sink) if sink else value)
    parts.append(literal(text[end:]))
    return _joined(parts)


def _quoted(value: Any, sink: Sink) -> str:
    return str(value) if isinstance(value, Quoted) else sink.quote(value)


def _joined(parts: list[Any]) -> str | Text:
    joined: list[str | Reference] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Text) else (part,):
            if isinstance(piece, Mapping | list):
                raise ExpressionError(
                    "a list or a map stands inside a text", "let the expression be the whole value"
                )
            text = piece if isinstance(piece, str | Reference) else _plain(piece)
            last = joined[-1] if joined else None
            if (
                isinstance(text, str)
                and isinstance(last, str)
                and (type(text) is type(last) or "$" not in text)
            ):
                joined[-1] = type(last)(last + text)
            elif text != "":
                joined.append(text)
    if not joined:
        return ""
    return joined[0] if len(joined) == 1 and isinstance(joined[0], str) else Text(tuple(joined))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(expression: str, scope: Mapping[str, Any], sink: Sink | None) -> Any:
    if len(expression) > _MAX_LENGTH:
        raise ExpressionError(
            f"an expression is longer than {_MAX_LENGTH} characters", "move the logic into the adapter"
        )
    simple = _SIMPLE.match(expression)
    if simple and (simple[3] is None or (sink and simple[3] in sink.filters)):
        value = _look_up(simple[2], scope)
        if simple[1]:
            return not value
        return Quoted(sink.filters[simple[3]](value)) if sink and simple[3] else value
    return _run(expression, scope, sink)


def _look_up(dotted: str, scope: Mapping[str, Any]) -> Any:
    if dotted in ("true", "false", "none"):
        return {"true": True, "false": False}.get(dotted)
    value: Any = scope
    seen: list[str] = []
    for name in dotted.split("."):
        if not isinstance(value, Mapping):
            raise ExpressionError(f'"{".".join(seen)}" is a single value and has no "{name}"')
        if name not in value:
            raise unknown(name, value, ".".join(seen))
        value = value[name]
        seen.append(name)
    return value


def unknown(name: str, known: Mapping[str, Any], owner: str) -> ExpressionError:
    """Returns the error for a name that its owner lacks, with the closest one that it has."""
    told = f'"{owner}" has no "{name}"' if owner else f'nothing is named "{name}"'
    return ExpressionError(told, suggest(name, known), "unknown-reference")


def _run(expression: str, scope: Mapping[str, Any], sink: Sink | None) -> Any:
    import jinja2.exceptions

    try:
        value = _compiled(expression.strip(), sink)(**scope)
    except ExpressionError:
        raise
    except jinja2.exceptions.TemplateSyntaxError as fault:
        raise ExpressionError(
            f'the expression "{_short(expression)}" cannot be read: {_lower(fault.message)}'
        ) from fault
    except jinja2.exceptions.SecurityError as fault:
        raise ExpressionError(
            f'the expression "{_short(expression)}" does what an expression may not do'
        ) from fault
    except jinja2.exceptions.UndefinedError as fault:
        raise ExpressionError(
            f'the expression "{_short(expression)}" names something that is not there'
        ) from fault
    except (TypeError, ValueError, ArithmeticError, RecursionError, LookupError) as fault:
        raise ExpressionError(
            f'the expression "{_short(expression)}" has no value: {_lower(str(fault))}'
        ) from fault
    if isinstance(value, str | list) and len(value) > _MAX_RESULT:
        raise ExpressionError(f'the expression "{_short(expression)}" makes a value that is too long')
    return value


def _short(expression: str) -> str:
    text = " ".join(expression.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _lower(text: str | None) -> str:
    line = (text or "").splitlines()[0].rstrip(".") if text else "it is not an expression"
    return line[:1].lower() + line[1:]


@lru_cache(maxsize=1024)
def _compiled(expression: str, sink: Sink | None) -> Callable[..., Any]:
    environment = _environment(sink)
    template: Callable[..., Any] = environment.compile_expression(expression, undefined_to_none=False)

    def run(**scope: Any) -> Any:
        value = template(**scope)
        if isinstance(value, environment.undefined):
            str(value)  # a strict undefined says its name when it is used
        return value

    return run


@lru_cache(maxsize=16)
def _environment(sink: Sink | None) -> jinja2.sandbox.SandboxedEnvironment:
    import jinja2
    import jinja2.exceptions
    import jinja2.sandbox

    class Missing(jinja2.StrictUndefined):
        def _fail_with_undefined_error(self, *_args: Any, **_kwargs: Any) -> Any:
            owner = self._undefined_obj
            known = owner if isinstance(owner, Mapping) else {}
            raise unknown(str(self._undefined_name), known, "" if not known else "this")

        __str__ = __iter__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = _fail_with_undefined_error
        __add__ = __radd__ = __lt__ = __le__ = __gt__ = __ge__ = __call__ = _fail_with_undefined_error

    class Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(("**", "*", "%"))

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            numbers = all(isinstance(side, int | float) for side in (left, right))
            if operator == "**" or not numbers:
                raise jinja2.exceptions.SecurityError(operator)
            return super().call_binop(context, operator, left, right)

        def call(self, *_args: Any, **_kwargs: Any) -> Any:
            raise jinja2.exceptions.SecurityError("call")

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, Mapping):
                return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
            raise jinja2.exceptions.SecurityError(attribute)

    environment = Sandbox(undefined=Missing, autoescape=False)
    environment.globals.clear()
    known = environment.filters
    environment.filters = {name: known[name] for name in _FILTERS}
    for name, function in (sink.filters if sink else {}).items():
        environment.filters[name] = lambda value, function=function: Quoted(function(value))
    return environment


_NOTHING: Any = object()


def evaluate_tree(
    tree: Any,
    scope: Mapping[str, Any],
    faults: list[tuple[Path, ExpressionError]],
    at: Path = (),
    sink: Sink | None = None,
) -> Any:
    """Returns the tree with its expressions evaluated and its guards taken.

    A guard is `{when, then, else}` or `{each, then}` (with `item`). Where it stands in a list and holds a list it is
    spliced; where its condition fails and it has no `else` it leaves nothing behind. Faults are appended with their
    place, and what has one becomes None.
    """
    if isinstance(tree, str):
        try:
            return evaluate(tree, scope, sink)
        except ExpressionError as fault:
            faults.append((at, fault))
            return None
    if isinstance(tree, dict):
        if "then" in tree and ("when" in tree or "each" in tree):
            return _guard(tree, scope, faults, at, sink)
        entries = (
            (key, evaluate_tree(value, scope, faults, (*at, key), sink)) for key, value in tree.items()
        )
        return {key: value for key, value in entries if value is not _NOTHING}
    if isinstance(tree, list):
        items: list[Any] = []
        for index, item in enumerate(tree):
            value = evaluate_tree(item, scope, faults, (*at, index), sink)
            if isinstance(item, dict) and "then" in item and isinstance(value, list):
                items.extend(value)
            elif value is not _NOTHING:
                items.append(value)
        return items
    return tree


def _guard(
    tree: dict[str, Any],
    scope: Mapping[str, Any],
    faults: list[tuple[Path, ExpressionError]],
    at: Path,
    sink: Sink | None,
) -> Any:
    if "each" in tree:
        found = evaluate_tree(tree["each"], scope, faults, (*at, "each"))
        scopes = ({**scope, "item": item} for item in found or ())
        return [evaluate_tree(tree["then"], inner, faults, (*at, "then"), sink) for inner in scopes]
    chosen = "then" if evaluate_tree(tree["when"], scope, faults, (*at, "when")) else "else"
    return evaluate_tree(tree[chosen], scope, faults, (*at, chosen), sink) if chosen in tree else _NOTHING
