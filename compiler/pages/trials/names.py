"""The names in an adapter's expressions, in branches too that no trial takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from compiler.expressions import EXPRESSION, IN_BRACES, UNCLOSED, ExpressionError, Sink
from compiler.expressions.static import ANY, SINGLE, Shape, faults, joined, shape_of
from compiler.model import Path
from compiler.project.adapter_texts import sink
from compiler.project.references import build_scope
from compiler.registry.adapter import Adapter
from compiler.report import Report
from compiler.stack.database import Database

Names = Mapping[str, Shape]

# What a trial leaves empty.
_LISTS = {"settings": [{"name": SINGLE, "value": SINGLE}], "scripts": [{"name": SINGLE, "path": SINGLE}]}
# The language of a container's section, and of one outside of containers.
_LANGUAGES = {
    **dict.fromkeys(("client", "healthcheck", "start", "run", "shell"), "shell"),
    **dict.fromkeys(("read_only", "code", "message", "help"), "text"),
    "text": "connection",
}
_CONDITIONS = ("when", "outbound", "reads")


def check_names(adapter: Adapter, databases: Iterable[Database], report: Report) -> None:
    """Reports what expressions of an adapter name that no database of it has: `databases` are of all its versions."""
    known: dict[str, Any] = joined([shape_of(build_scope(one)) for one in databases])
    options = [adapter.at(version).get("options") or {} for version in adapter.versions]
    known |= {
        **_LISTS,
        "options": joined([{name: _form(one) for name, one in own.items()} for own in options]),
    }
    methods = [
        adapter.at(line)["vector"]["methods"] for line in adapter.versions if "vector" in adapter.at(line)
    ]
    forms = [{name: _form(one) for name, one in own.items()} for each in methods for own in each.values()]
    if forms:
        known["vector"] |= {"parameters": joined(forms)}
    for version in adapter.versions:
        document = adapter.document_at(version)
        for path, source, fault in _Walk(adapter.at(version), known).sections():
            report.error("expression", fault.message, document.within(path, source), fault.help)


def _form(option: Mapping[str, Any]) -> Shape:
    """Returns the shape of what an option can be."""
    match option.get("type"):
        case "object" if option.get("additionalProperties") is False:
            return {name: _form(one) for name, one in option.get("properties", {}).items()}
        case "array":
            return [_form(option["items"]) if "items" in option else ANY]
        case "string" | "integer" | "number" | "boolean":
            return SINGLE
    return ANY


_Fault = tuple[Path, str, ExpressionError]


class _Walk(NamedTuple):
    """The sections of an adapter in one version whose texts are expressions, and the names that these can use."""

    spec: Mapping[str, Any]
    names: Names

    def sections(self) -> Iterator[_Fault]:
        language = self.spec["containers"].get("init", {}).get("language", "json")
        yield from self.tree(self.spec.get("client"), ("client",), "shell")
        for name, container in self.spec["containers"].items():
            for key, section in container.items():
                own = language if key == "statements" else _LANGUAGES.get(key, "")
                if key != "files":
                    yield from self.tree(section, ("containers", name, key), own)
            for file, rule in container.get("files", {}).items():
                at, own = ("containers", name, "files", file), rule.get("language", "text")
                yield from self.tree(rule.get("when", True), (*at, "when"))
                yield from self.tree(rule["lines"], (*at, "lines"), own)
        for key in ("statements", "query"):
            yield from self.tree(self.spec.get("vector", {}).get(key), ("vector", key), language)
        for index, rule in enumerate(self.spec.get("rules", ())):
            for key in ("when", "message", "help"):
                yield from self.tree(rule.get(key), ("rules", index, key), _LANGUAGES.get(key, ""))
        limits = self._replace(names={"options": self.names["options"]})
        yield from limits.tree(self.spec.get("pool", {}).get("limit"), ("pool", "limit"))
        yield from self.connections()

    def connections(self) -> Iterator[_Fault]:
        walk = self._replace(names={**self.names, "address": SINGLE, "ca": SINGLE})
        for name, term in self.spec.get("terms", {}).items():
            yield from walk.tree(term, ("terms", name))
            walk = walk._replace(names={**walk.names, name: ANY})
        for driver, rule in self.spec["connections"].items():
            for key in ("text", "parts", "reads", "query", "code"):
                yield from walk.tree(rule.get(key), ("connections", driver, key), _LANGUAGES.get(key, ""))

    def tree(self, tree: Any, at: Path, language: str = "") -> Iterator[_Fault]:
        """Yields the faults of a section: of texts with their language, of conditions, and inside of all guards."""
        to = sink(language, **self.spec.get("sql", {})) if language else None
        if at[-1] in _CONDITIONS:
            yield from self.conditions(tree, at)
        else:
            yield from self.texts(tree, at, to)

    def conditions(self, asked: Any, at: Path) -> Iterator[_Fault]:
        if isinstance(asked, str):
            is_condition = at[-1] != "each" and "reads" not in at
            found = faults(asked, self.names, is_condition=is_condition)[1]
            wrong = [ExpressionError(*IN_BRACES)] if "${{" in asked else found
            yield from ((at, "", fault) for fault in wrong)
        elif isinstance(asked, list | dict):
            entries = enumerate(asked) if isinstance(asked, list) else asked.items()
            for key, one in entries:
                yield from self.conditions(one, (*at, key))

    def texts(self, tree: Any, at: Path, to: Sink | None) -> Iterator[_Fault]:
        if isinstance(tree, str):
            for match in EXPRESSION.finditer(tree):
                yield from ((at, match[0], fault) for fault in self.faults(match, to))
        elif isinstance(tree, list):
            for index, one in enumerate(tree):
                yield from self.texts(one, (*at, index), to)
        elif isinstance(tree, dict):
            asked = [word for word in ("when", "each") if "then" in tree and word in tree]
            for word in asked:
                yield from self.conditions(tree[word], (*at, word))
            inner = self.repeated(tree["each"]) if "each" in asked else self
            for key, one in tree.items():
                if key not in asked and not (key == "by" and isinstance(one, str)):
                    yield from inner.texts(one, (*at, key), to)

    def faults(self, match: re.Match[str], to: Sink | None) -> list[ExpressionError]:
        if match[1] is None:
            return [] if match[0] == "$${{" else [ExpressionError(*UNCLOSED)]
        return faults(match[1], self.names, to)[1]

    def repeated(self, each: Any) -> _Walk:
        """Returns what walks through the texts that `each` repeats, in which `item` is what it is at."""
        shape = faults(each, self.names)[0] if isinstance(each, str) else ANY
        return self._replace(names={**self.names, "item": shape[0] if isinstance(shape, list) else ANY})
