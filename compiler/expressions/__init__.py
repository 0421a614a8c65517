"""`${{ … }}`: finds and evaluates expressions in strings and trees; the only user of jinja2."""

from __future__ import annotations

from compiler.expressions.text import evaluate
from compiler.expressions.tree import evaluate_tree
from compiler.expressions.values import ExpressionError, Sink

__all__ = ["ExpressionError", "Sink", "evaluate", "evaluate_tree"]
