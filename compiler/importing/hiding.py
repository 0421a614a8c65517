"""What is secret in the services of a Compose file, moved into `.env` under names that stand in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from compiler.importing.reading import Compose
from compiler.importing.writing import quoted
from compiler.model import Path, Raw, env_key
from compiler.project.values import mapped
from compiler.report import Span
from compiler.source.masking import hides, masked_lines
from compiler.targets.dotenv import update_dotenv

_WORDS = ("true", "false", "yes", "no", "on", "off", "none", "null", "disabled", "enabled")
# https://www.rfc-editor.org/rfc/rfc3986#section-2.3
_IN_URL = re.compile(r"(?<=:)[\w.~-]+(?=@)")
_DEFAULT = re.compile(r"\$\{(?P<key>\w+):?-(?P<default>[^${}]+)\}")
_STARS = re.compile(r"\*+")


class Hiding:
    """The new lines of `.env`, and what stands in the files in the place of their values.

    `taken` are keys that stackc renders itself; `passwords` has the keys of the passwords of databases by their
    values, `edits` the new texts of values by their places.
    """

    def __init__(self, compose: Compose, taken: set[str], tell: Callable[[str, str], None]) -> None:
        self.compose, self.taken, self.tell = compose, taken, tell
        self.assigned = {
            key: (value, "From the .env of what is included") for key, value in compose.further.items()
        }
        self.passwords: dict[str, str] = {}
        self.edits: dict[Span, str] = {}
        # What several services take from one place has one name.
        self._names: dict[Span, str] = {}

    def env(self) -> str | None:
        """Returns the text of `.env` with its new lines; None where there are none."""
        new = [(key, value, comment) for key, (value, comment) in self.assigned.items()]
        return update_dotenv(self.compose.dotenv, new) if new else None

    def assign(self, key: str, value: str, owner: str) -> bool:
        """Gives a key of `.env` a value, and says whether it has that one; a line that is there is never changed."""
        if key in self.compose.dotenv.entries:
            return self.compose.values[key] == value
        # Nor is a value given to a variable that is something else where it is not set.
        others = self.compose.uses.get(key, set()) - {value}
        if others or key in self.taken or self.assigned.get(key, (value,))[0] != value:
            return False
        self.assigned.setdefault(key, (value, owner))
        return True

    def free_key(self, wanted: str, value: str, owner: str) -> str:
        """Returns the wanted key, or one like it, that now has this value."""
        key, count = wanted, 1
        while not self.assign(key, value, owner):
            count += 1
            key = f"{wanted}_{count}"
        return key

    def hide(self, name: str, service: dict[str, Any]) -> None:
        """Changes a service so that nothing secret stands in it."""
        for key, value in service.items():
            service[key] = mapped(value, self._text, ("services", name, key))
        for key, value in (service.get("environment") or {}).items():
            service["environment"][key] = self.variable(name, key, value)

    def variable(self, name: str, key: str, value: Any, *, is_told: bool = True) -> Any:
        """Returns the value of a variable; that of one that is secret is in `.env`."""
        at, text = ("services", name, "environment", key), self.compose.filled(value)
        if value is None or "$" in str(value).replace("$$", "") or not _is_secret(key, text):
            return value
        changed, told = self._linked(str(value)), f"{key} takes the password of the database from .env"
        if _is_secret(key, changed):
            own = self._key(name, key, text, at)
            changed, told = f"${{{own}}}", f"the value of {key} is in .env as {own}"
        self.edit(at, changed, key)
        if is_told:
            self.tell(name, told)
        return Raw(changed)

    def edit(self, at: Path, text: str, key: str = "") -> None:
        """Remembers the new text of a value; an item of a list of variables has its name before it."""
        origin = self.compose.project.places.origin(at)
        # A single text may be a list in long form.
        node = origin.file.spans.get(origin.path) or origin.file.spans.get(origin.path[:-1])
        if node and node.end[0] == node.place.line and not isinstance(node.value, dict | list):
            text = f"{key}={text}" if key and isinstance(origin.path[-1], int) else text
            self.edits[node.place._replace(end_column=node.end[1])] = quoted(text)

    def _key(self, name: str, key: str, text: str, at: Path) -> str:
        """Returns the key of `.env` for a variable of a service, or of several that share one text."""
        origin, own = self.compose.project.places.origin(at), env_key(name, key)
        place = origin.file.value(origin.path)
        if place.line < origin.file.key(("services",)).line or env_key(key).startswith(env_key(name, "")):
            own = env_key(key)
        wanted = key if self.compose.values.get(key) == text else self._names.get(place, own)
        self._names[place] = self.free_key(wanted, text, _owner(name))
        return self._names[place]

    def _linked(self, text: str) -> str:
        """Returns a text with the password of a database in it taken from `.env`; one that a URL escapes stays."""
        if key := self.passwords.get(text.replace("$$", "$")):
            return f"${{{key}}}"
        return _IN_URL.sub(lambda one: f"${{{key}}}" if (key := self.passwords.get(one[0])) else one[0], text)

    def _text(self, text: Any, at: Path) -> Any:
        """Returns a text in which no secret stands in for an unset variable or follows an option."""
        if not isinstance(text, str):
            return text
        owner = str(at[1])

        def bare(found: re.Match[str]) -> str:
            key, value = found["key"], self.compose.values.get(found["key"]) or found["default"]
            is_held = _is_secret(key, found["default"]) and self.assign(key, value, _owner(owner))
            return f"${{{key}}}" if is_held else found[0]

        changed = _DEFAULT.sub(bare, text)
        changed = changed if at[2] == "environment" else self._without_arguments(changed, owner)
        if changed != text:
            self.edit(at, changed, str(at[3]) if at[2] == "environment" else "")
        return Raw(changed)

    def _without_arguments(self, text: str, name: str) -> str:
        (shown,) = masked_lines([text.replace("\n", " ")])
        for start, end in reversed([one.span() for one in _STARS.finditer(shown)]):
            value = text[start:end]
            if "$" in value or value.startswith(("*", "/", ".")) or _is_short(value):
                continue
            own = self.passwords.get(value) or self.free_key(env_key(name, "secret"), value, _owner(name))
            text = f"{text[:start]}${{{own}}}{text[end:]}"
            self.tell(name, f"a secret in its text is in .env as {own}")
        return text


def _owner(name: str) -> str:
    return f'Service "{name}"'


def _is_secret(key: str, text: str) -> bool:
    """Says whether a value is one that no output of stackc would show, and more than a word such as `true`."""
    return not _is_short(text) and hides(f"{key}: {text}".replace("\n", " "))


def _is_short(text: str) -> bool:
    return len(text) < 4 or text.lower() in _WORDS or (text.isdigit() and len(text) < 8)
