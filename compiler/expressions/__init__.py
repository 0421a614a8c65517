"""`${{ … }}`: finds and evaluates expressions in strings and trees; the only user of jinja2."""

from __future__ import annotations

from compiler.expressions.text import ExpressionError, Sink, evaluate
from compiler.expressions.tree import evaluate_tree

__all__ = ["ExpressionError", "Sink", "evaluate", "evaluate_tree"]
