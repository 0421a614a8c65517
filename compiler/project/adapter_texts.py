"""An adapter's own expressions, evaluated for one database; a fault is placed in the adapter's file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from compiler.expressions import ExpressionError, Sink
from compiler.expressions.contexts import iter_misplaced
from compiler.expressions.quoting import (
    CONNECTION_FILTERS,
    json_text,
    shell_word,
    sql_identifier,
    sql_literal,
    xml_text,
)
from compiler.expressions.tree import Faults, answer, evaluate_tree
from compiler.model import Path, Reference
from compiler.project.kinds import check_kind
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

    @property
    def written_in(self) -> Document:
        """Returns the adapter with the features of the version, which knows the place of each value."""
        return self.database.adapter.document_at(self.database.version)

    def written(self, at: Path) -> Any:
        """Returns the section at this path as the adapter has it; None where there is none."""
        section: Any = self.database.spec
        for step in at:
            section = section[int(step)] if isinstance(section, list) else (section or {}).get(step)
        return section

    def origin(self, at: Path) -> Origin:
        """Returns where a section is written."""
        return Origin("adapter", self.written_in, at)

    def evaluate(self, at: Path, language: str = "") -> Any:
        """Returns the section at this path with its expressions evaluated; None where there is none.

        What enters a text in a language is quoted for it; values that are no text are left as they are.
        """
        written, sql = self.written(at), self.database.spec.get("sql", {})
        if written is None:
            return None
        to = sink(language, **sql) if language else None
        faults: Faults = {}
        value = evaluate_tree(written, self.scope, faults, at, to)
        self._tell(faults)
        for path, wrong in iter_misplaced(written, at, language, sql.get("literal", "standard")):
            place = self.written_in.within(path, wrong.source, wrong.before)
            self.report.error("quoted-expression", wrong.told, place, wrong.help)
        is_usual = bool(faults) or check_kind(value, at, self.written_in, at, self.report)
        return value if is_usual else None

    def _tell(self, faults: Faults) -> None:
        for path, fault in faults.items():
            place = self.written_in.within(path, fault.source)
            self.report.error("expression", fault.message, place, fault.help)

    def holds(self, at: Path, word: str = "when") -> bool:
        """Says whether the conditions of a section hold, of which the first that does not ends the question."""
        when, here = self.written(at).get(word, word == "when"), (*at, word)
        paths = [(*here, index) for index in range(len(when))] if isinstance(when, list) else [here]
        faults: Faults = {}
        if isinstance(when, bool):
            return when
        all_hold = all(answer(self.written(path), self.scope, faults, path) for path in paths)
        self._tell(faults)
        return all_hold

    def answers(self, at: Path) -> dict[str, Any]:
        """Returns the values of a section of expressions that stand there without `${{ }}`, by their names."""
        faults: Faults = {}
        asked = (self.written(at) or {}).items()
        values = {name: answer(one, self.scope, faults, (*at, name)) for name, one in asked}
        self._tell(faults)
        return values

    def mapping(self, at: Path) -> dict[str, Any]:
        """Returns a section that has to be a mapping, which is empty where there is none."""
        value = self.evaluate(at)
        if isinstance(value, dict):
            return value
        if value is not None:
            place = self.written_in.value(at)
            told = f'"{at[-1]}" has a value of another kind, expected a mapping'
            self.report.error("wrong-branch", told, place, "let every branch make a mapping")
        return {}

    def lines(self, at: Path, language: str) -> list[str]:
        """Returns the lines of a text in a language of its own, those made flat that guards and `each` nest."""
        return [str(line).rstrip("\n") for line in self.pieces(at, language)]

    def pieces(self, at: Path, language: str) -> list[Any]:
        """Returns the pieces of a text, made flat as well, some of which may hold a secret."""
        return list(flat(self.evaluate(at, language)))

    def check_rules(self) -> None:
        """Finds each rule that the adapter states about its own options and whose conditions hold.

        What a database has of the server that it is on is told there alone.
        """
        of_server = self.database.entry.keys() - self.document.data["databases"][self.database.key].keys()
        for index, rule in enumerate(self.database.spec.get("rules") or ()):
            at, option = ("rules", index), rule.get("at", ())
            if of_server.isdisjoint(option[:1]) and self.holds(at):
                place = self.document.value((*self.database.path, *option))
                message, help = (self.evaluate((*at, part), "text") for part in ("message", "help"))
                if message is None or (help is None and "help" in rule):
                    continue
                severity = rule.get("severity", "error")
                found = Diagnostic("adapter-rule", severity, str(message), place, help and str(help))
                self.report.add(found)


def flat(lines: Any) -> Iterator[str]:
    """Yields the texts in lists that guards and loops have nested."""
    if isinstance(lines, list):
        for line in lines:
            yield from flat(line)
    elif lines is not None:
        yield lines


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


def _connected(value: Any) -> str:
    if isinstance(value, Reference):
        told = f"the value of {value.key} enters this text as it is"
        names = ", ".join(f"| {name}" for name in CONNECTION_FILTERS)
        raise ExpressionError(told, f"say how its reader takes it, by one of {names}")
    return _scalar(value)


def filtered(name: str, value: Any) -> str | Reference:
    """Returns a value as a filter of connections writes it, or a secret that will be written so."""
    if isinstance(value, Reference):
        if value.filter:
            raise ExpressionError(f"{value.filter} and {name} write one secret", "leave one of them out")
        return Reference(value.key, name)
    return CONNECTION_FILTERS[name](_scalar(value))


@lru_cache(maxsize=32)
def sink(language: str, literal: str = "standard", identifier: str = '"') -> Sink:
    """Returns how values enter a text: `sql`, `shell`, `javascript`, `json`, `xml`, `connection` or plain `text`.

    `literal` and `identifier` are how an engine quotes in its SQL; `cypher` takes texts as JSON writes them.
    """
    if language == "connection":
        return Sink(_connected, {name: partial(filtered, name) for name in CONNECTION_FILTERS})
    if language in ("javascript", "json"):
        return Sink(lambda value: json_text(_public(value)), _FILTERS)
    if language == "cypher":
        named = {"identifier": lambda name: sql_identifier(_scalar(name), "`")}
        return Sink(lambda value: json_text(_public(value)), {**_FILTERS, **named})
    if language != "sql":
        quote = {"shell": shell_word, "xml": xml_text}.get(language, str)
        return Sink(lambda value: quote(_scalar(value)), _FILTERS)

    def quote_sql(value: Any) -> str:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if plain else sql_literal(_scalar(value), literal)

    return Sink(quote_sql, {**_FILTERS, "identifier": lambda name: sql_identifier(_scalar(name), identifier)})
