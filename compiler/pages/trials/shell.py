"""A shell script as a tree, and what can make it fail; nothing of it is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


def named(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Their status is about what they are given: the answer of a log-in.
_JUDGES = named("[ awk cmp diff egrep expr fgrep grep jq test")
_SUCCEED = named(": echo export printf set sleep tee trap true unset wait")
_IDLE = _SUCCEED | named("cat cd exit false return sed shift tail tr")
_VALUE = r"""(?:'[^'\n]*'|"[^"\n]*"|[^\s'";&|()<>])*"""
_ASSIGNED = re.compile(rf"(?m)^[ \t]*\w+={_VALUE}(?:[ \t]+\w+={_VALUE})*[ \t]*$")
_SHELLS = named("ash bash busybox dash ksh sh zsh")
_WRAPPERS = named("env exec gosu nice nohup setsid stdbuf su-exec sudo time timeout xargs")
_ENDS = ("exit", "return")
_OUT = re.compile(r"(?:exit|return) 0|break")
_BODIES = ("program", "compound_statement", "subshell", "do_group", "else_clause", "elif_clause", "case_item")
_BRANCHES = ("if_statement", "case_statement", "while_statement", "for_statement")


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def arguments(command: Node) -> list[Node]:
    return command.children_by_field_name("argument")


def name_of(command: Node) -> str:
    """Returns the name of a command, that of the program behind `exec`; the empty text where it is none."""
    if command.type == "test_command":
        return "["
    name = command.child_by_field_name("name")
    words = [text_of(name)] if name else []
    words += map(text_of, arguments(command)) if words == ["exec"] else []
    return next((word for word in words if word != "exec"), "")


class Shell:
    """A script as a tree, with its functions by their names."""

    def __init__(self, text: str) -> None:
        # The grammar takes the next line for the command of assignments that have a line of their own.
        self.root = _parser().parse(_ASSIGNED.sub(r"\g<0>;", text).encode()).root_node
        self.functions = {text_of(one.children[0]): one for one in self.all("function_definition")}
        self.values = {
            text_of(name): one
            for one in self.all("variable_assignment")
            if (name := one.child_by_field_name("name"))
        }

    def all(self, *types: str, within: Node | None = None) -> Iterator[Node]:
        """Yields each node of these types, in the order of the text."""
        waiting = [within or self.root]
        while waiting:
            node = waiting.pop()
            if node.type in types:
                yield node
            waiting += reversed(node.children)

    def texts(self) -> Iterator[str]:
        """Yields each text that a program is given on every run: quoted arguments and here-documents."""
        for one in self.all("raw_string", "string", "heredoc_body"):
            if not self._is_asked_first(one):
                yield text_of(one).strip("'\"")

    def _is_asked_first(self, node: Node) -> bool:
        around: Node | None = node
        while around and around.parent:
            before, around = around, around.parent
            is_second = around.type == "list" and before.start_byte > around.start_byte
            if is_second or around.type in ("if_statement", "case_item", "while_statement"):
                return True
        return False

    # How it ends

    def deciding(self, node: Node | None = None) -> list[Node]:
        """Returns the commands whose failure makes a script, or a part of it, fail; `exit 1` among them."""
        node = node or self.root
        kind, parts = node.type, node.named_children
        if kind == "list":
            first, second = self.deciding(parts[0]), self.deciding(parts[-1])
            is_second_chance = "||" in [one.type for one in node.children]
            return [] if is_second_chance and not self._can_fail(first, second) else [*first, *second]
        if kind == "pipeline":
            judged = parts if name_of(_bare(parts[-1])) in _JUDGES else parts[-1:]
            return [one for part in judged for one in self.deciding(part)]
        if kind in _BRANCHES:
            return self._branches(node)
        if kind in _BODIES:
            return self._sequence(node)
        if kind in ("redirected_statement", "variable_assignment", "variable_assignments"):
            inner = parts if kind == "redirected_statement" else self.all("command_substitution", within=node)
            return [one for part in inner for one in self.deciding(part)]
        if kind == "command_substitution":
            return self._sequence(node)
        return self._command(node) if kind in ("command", "test_command") else []

    def _can_fail(self, first: list[Node], second: list[Node]) -> bool:
        """Says whether what is done in place of a failure fails too: it gives up, judges, or tries the same again."""
        same = {*map(name_of, first), *_ENDS, *_JUDGES, *self.functions, "false"}
        return any(name_of(one) in same for one in second)

    def _command(self, node: Node) -> list[Node]:
        name, given = name_of(node), [*map(text_of, arguments(node))]
        if name in _SUCCEED or (name in _ENDS and given == ["0"]):
            return []
        found = [node]
        if name in self.functions and name != "client":
            found += self.deciding(self.functions[name].children[-1])
        if name in _JUDGES:
            named = [self.values.get(text_of(one)) for one in self.all("variable_name", within=node)]
            found += [one for part in (node, *named) if part for one in self._substituted(part)]
        return found

    def _branches(self, node: Node) -> list[Node]:
        asked = [part for part in node.named_children if node.type != "for_statement"]
        bodies = [one for part in node.named_children if part.type in _BODIES for one in self._sequence(part)]
        if node.type == "if_statement":
            conditions = node.children_by_field_name("condition")
            rest = [one for one in node.named_children if one not in conditions and one.type not in _BODIES]
            bodies += self._of(rest)
            asked = conditions
        elif node.type == "case_statement":
            asked = node.children_by_field_name("value")
        asked = [one for part in asked for one in (part, *part.children) if part.type not in _BODIES]
        ends = any(name_of(one) in _ENDS for one in bodies)
        inner = [one.named_children[0] if one.type == "negated_command" else one for one in asked]
        found = [one for part in inner for one in [*self.deciding(part), *self._substituted(part)]]
        return [*bodies, *(found if ends else ())]

    def _substituted(self, node: Node) -> list[Node]:
        """Returns the commands whose output stands in a text."""
        asked = self.all("command_substitution", within=node)
        return [one for part in asked for one in self.all("command", within=part)]

    def _sequence(self, node: Node) -> list[Node]:
        skipped = {*node.children_by_field_name("value"), *node.children_by_field_name("condition")}
        return self._of([one for one in node.children if one not in skipped])

    def _of(self, nodes: Sequence[Node]) -> list[Node]:
        found: list[Node] = []
        last: list[Node] = []
        left: list[Node] = []
        ends_on_error = False
        for index, node in enumerate(nodes):
            if not node.is_named or node.type in ("comment", "function_definition"):
                continue
            name = name_of(_bare(node))
            words = [*map(text_of, arguments(_bare(node)))]
            if name == "trap" and re.search(r"exit 0|\btrue\b|:\s*['\"]?$", words[0] if words else ""):
                return []
            ends_on_error |= name == "set" and any(re.match(r"-[a-z]*e|errexit", word) for word in words)
            if name in _ENDS and words in ([], ["$?"], ['"$?"']):
                return [*found, *last]
            last = self.deciding(node)
            if index + 1 < len(nodes) and nodes[index + 1].type == "&":
                last = []
            if ends_on_error or any(name_of(one) in _ENDS for one in last):
                found += last
            if name in _ENDS:
                return [*found, *left]
            left += self._leaving(node)
        return [*found, *(one for one in last if one not in found)]

    def _leaving(self, node: Node) -> list[Node]:
        """Returns the commands behind whose success a script ends well: before `&& exit 0`, or in such a condition."""
        leaves = [one for one in self.all("command", within=node) if _OUT.fullmatch(text_of(one))]
        inside = self.all("command", within=node) if leaves else ()
        return [one for one in inside if one not in leaves]

    def asks(self, node: Node) -> bool:
        """Says whether a command asks something, as a program does and `echo` does not."""
        words = [*map(text_of, arguments(node))]
        if name_of(node) in _SHELLS and "-c" in words:
            inner = Shell(words[words.index("-c") + 1].strip("'\"")) if words[-1] != "-c" else None
            return inner is not None and any(map(inner.asks, inner.deciding()))
        # What is a function here no other program can start.
        is_named = "client" in words and name_of(node) in _WRAPPERS
        return not is_named and name_of(node) not in _IDLE | _JUDGES | self.functions.keys() - {"client"}

    def statement_of(self, node: Node) -> Node:
        """Returns the pipeline of a command, or the command with all that is redirected to it."""
        while node.parent and node.parent.type in ("redirected_statement", "pipeline"):
            node = node.parent
        return node


# A trial renders the same few scripts hundreds of times.
read_shell = lru_cache(maxsize=256)(Shell)


def _bare(node: Node) -> Node:
    """Returns the command of a statement whose descriptors lead elsewhere."""
    body = node.child_by_field_name("body") if node.type == "redirected_statement" else None
    return body or node
