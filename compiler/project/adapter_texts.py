"""An adapter's own expressions, evaluated for one database; a fault is placed in the adapter's file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from compiler.expressions import ExpressionError, Faults, Sink, evaluate_tree
from compiler.expressions.quoting import json_text, shell_word, sql_identifier, sql_literal, xml_text
from compiler.model import Path, Reference
from compiler.project.project import Origin
from compiler.project.values import as_text
from compiler.report import Diagnostic, Report
from compiler.source import Document
from compiler.stack.database import Database


class AdapterTexts(NamedTuple):
    """The sections of an adapter for one database of a stack, with the names that their expressions can use."""

    database: Database
    document: Document
    scope: Mapping[str, Any]
    report: Report

    def within(self, names: Mapping[str, Any]) -> AdapterTexts:
        """Returns the same sections for expressions that can use these names as well."""
        return self._replace(scope={**self.scope, **names})

    def written(self, at: Path) -> Any:
        """Returns the section at this path as the adapter has it; None where there is none."""
        section: Any = self.database.spec
        for step in at:
            section = section[int(step)] if isinstance(section, list) else (section or {}).get(step)
        return section

    def origin(self, at: Path) -> Origin:
        """Returns where a section is written: in the patch of the version, or in the adapter itself."""
        document, patched = self.database.adapter.document, ("versions", self.database.version, "patch", *at)
        return Origin("adapter", document, patched if patched in document.spans else at)

    def evaluate(self, at: Path, language: str = "") -> Any:
        """Returns the section at this path with its expressions evaluated; None where there is none.

        What enters a text in a language is quoted for it; values that are no text are left as they are.
        """
        to = sink(language, **self.database.spec.get("sql", {})) if language else None
        faults: Faults = {}
        value = evaluate_tree(self.written(at), self.scope, faults, at, to)
        for path, fault in faults.items():
            place = self.database.adapter.document.within(self.origin(path).path, fault.source)
            self.report.error("expression", fault.message, place, fault.help)
        return value

    def holds(self, at: Path) -> bool:
        """Says whether the conditions of a section hold, of which the first that does not ends the question."""
        when = self.written(at).get("when", True)
        if isinstance(when, list):
            return all(self.evaluate((*at, "when", index)) for index in range(len(when)))
        return when is True or bool(self.evaluate((*at, "when")))

    def mapping(self, at: Path) -> dict[str, Any]:
        """Returns a section that has to be a mapping, which is empty where there is none."""
        value = self.evaluate(at)
        if isinstance(value, dict):
            return value
        if value is not None:
            place = self.database.adapter.document.value(self.origin(at).path)
            told = f'"{at[-1]}" has a value of another kind, expected a mapping'
            self.report.error("wrong-branch", told, place, "let every branch make a mapping")
        return {}

    def lines(self, at: Path, language: str) -> list[str]:
        """Returns the lines of a text in a language of its own, those made flat that guards and `each` nest."""
        return list(_flat(self.evaluate(at, language)))

    def check_rules(self) -> None:
        """Finds each rule that the adapter states about its own options and whose conditions hold."""
        for index, rule in enumerate(self.database.spec.get("rules") or ()):
            at: Path = ("rules", index)
            if self.holds(at):
                place = self.document.value((*self.database.path, *rule.get("at", ())))
                message, help = (self.evaluate((*at, part), "text") for part in ("message", "help"))
                if message is None or (help is None and "help" in rule):
                    continue
                severity = rule.get("severity", "error")
                found = Diagnostic("adapter-rule", severity, str(message), place, help and str(help))
                self.report.add(found)


def _flat(lines: Any) -> Iterator[str]:
    if isinstance(lines, list):
        for line in lines:
            yield from _flat(line)
    elif lines is not None:
        yield str(lines).rstrip("\n")


def _only(pattern: str, expected: str, value: Any) -> str:
    """Returns a value that needs no quotes, as it can have no other form than this one."""
    text = str(value)
    if not re.fullmatch(pattern, text):
        raise ExpressionError(f'"{text}" is not {expected}')
    return text


_word = partial(_only, r"[A-Za-z0-9_.-]+", "a single word")
_FILTERS: Mapping[str, Callable[[Any], str]] = {
    "word": _word,
    "symbol": partial(_only, r"[-<=>#+*/|&!~@^%]+", "an operator"),
    "settings": lambda value: ", ".join(f"{_word(key)} = {_word(item)}" for key, item in value.items()),
}


def _public(value: Any) -> Any:
    if isinstance(value, Reference):
        told = f"the value of {value.key} is secret and cannot stand in this text"
        raise ExpressionError(told, "name its file, as in `${{ secrets.password }}`")
    return value


def _scalar(value: Any) -> str:
    if isinstance(_public(value), dict | list):
        raise ExpressionError("only a single value can stand in this text", "name one of its parts")
    return "" if value is None else str(as_text(value))


@lru_cache(maxsize=32)
def sink(language: str, literal: str = "standard", identifier: str = '"') -> Sink:
    """Returns how values enter a text of one language: `sql`, `shell`, `javascript`, `json`, `xml` or `text`.

    `literal` and `identifier` are how an engine quotes in its SQL.
    """
    if language in ("javascript", "json"):
        return Sink(lambda value: json_text(_public(value)), _FILTERS)
    if language != "sql":
        quote = {"shell": shell_word, "xml": xml_text}.get(language, str)
        return Sink(lambda value: quote(_scalar(value)), _FILTERS)

    def quote_sql(value: Any) -> str:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if plain else sql_literal(_scalar(value), literal)

    return Sink(quote_sql, {**_FILTERS, "identifier": lambda name: sql_identifier(_scalar(name), identifier)})
