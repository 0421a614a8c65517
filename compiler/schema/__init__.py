"""Data against a JSON Schema, to findings in stack words."""

from compiler.schema.check import check_schema

__all__ = ["check_schema"]
