"""What variables and arguments of an engine's image say; their meaning stands in its adapter, under `import`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from compiler.importing import Kind
from compiler.importing.reading import Compose, read_dotenv
from compiler.importing.recognising import Engine, Unusual
from compiler.importing.variables import values_of
from compiler.project.values import inside
from compiler.report import Report
from compiler.source import read_file
from compiler.stack.names import default_admin

_WHOLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?[-?][^{}]*)?\}|(?P<bare>\w+))")
# What images take for yes.
_TRUE = ("1", "on", "true", "y", "yes")


class Value(NamedTuple):
    """What a word of an entry is, and the variable of `.env` that holds it, if one does."""

    text: str
    source: str = ""


class Words:
    """The words of an entry, as far as they are read from the variables and the arguments of a service."""

    def __init__(self, compose: Compose, engine: Engine, tell: Callable[[Kind, str], None]) -> None:
        self.compose, self.engine, self.tell = compose, engine, tell
        self.words: dict[str, Value] = {}
        # Variables of which nothing here says what they are.
        self.unset: set[str] = set()

    def environment(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the variables that the image keeps; the others become words."""
        meaning, given, kept = self.engine.rules.get("variables", {}), dict[str, Value](), dict[str, Any]()
        for path in (self.compose.filled(one.get("path")) for one in spec.get("env_file") or ()):
            dotenv, own = read_dotenv(self.compose.file(path), Report()), PurePath(path) == PurePath(".env")
            values = values_of(dotenv) if dotenv else {}
            given |= {key: Value(values[key], key if own else "") for key in values.keys() & meaning.keys()}
            if left := len(values.keys() - meaning.keys()):
                told = f"{left} variables of {path} are passed on no more; what its image reads"
                self.tell("decide", f"{told} goes under `environment`")
        for key, value in (spec.get("environment") or {}).items():
            if key in meaning:
                given[key] = self.value(f"${{{key}}}" if value is None else value)
            elif key.removesuffix("_FILE") in meaning:
                given[key.removesuffix("_FILE")] = self.mounted(spec, key, self.compose.filled(value))
            else:
                kept[key] = f"${{{key}}}" if value is None else value
        # In the order of the adapter, of which the first is the strongest.
        for key in (key for key in meaning if key in given):
            self.take(key, meaning[key], given[key])
        return kept

    def value(self, written: Any) -> Value:
        match = _WHOLE.fullmatch(str(written))
        source = (match["braced"] or match["bare"]) if match else ""
        entry = self.compose.dotenv.entries.get(source)
        is_known = self.compose.values.get(source) and not (entry and entry.is_interpolated)
        text = self.compose.filled(written)
        self.unset |= {source} if source and not text else set()
        return Value(text, source if is_known else "")

    def mounted(self, spec: Mapping[str, Any], key: str, path: str) -> Value:
        """Returns what is in a secret that is mounted at a path."""
        for mount in spec.get("secrets") or ():
            rule = inside(self.compose.project.tree["secrets"], str(mount.get("source")))
            if path == f"/run/secrets/{mount.get('target', mount.get('source'))}":
                if "environment" in rule:
                    return self.value(f"${{{rule['environment']}}}")
                file = self.compose.file(self.compose.filled(rule.get("file")))
                if (content := read_file(file, str(file), Report())) is not None:
                    return Value(content.decode(errors="replace").rstrip("\n"))
        raise Unusual(f"it reads {key}, which is no secret of this folder")

    def take(self, key: str, meaning: Any, value: Value) -> None:
        """Takes what a variable or an argument says: words of the entry, or what stackc has itself."""
        if isinstance(meaning, str) and value.text != meaning:
            raise Unusual(f"{key} is {value.text}, and stackc has {meaning}")
        for word in meaning if value.text and isinstance(meaning, list) else ():
            first, is_pair, second = word.partition("/")
            text, sign, rest = value.text.partition("/")
            if is_pair and not sign:
                raise Unusual(f"{key} is not of the form {first}/{second.replace('_', ' ')}")
            self.words.setdefault(first, Value(text) if is_pair else value)
            if is_pair:
                self.words.setdefault(second, Value(rest))

    def settings(self, command: Any) -> dict[str, str]:
        """Returns the settings among the arguments of the server; the others become words."""
        rules, settings = self.engine.rules, dict[str, str]()
        try:
            words = shlex.split(command) if isinstance(command, str) else list(command or ())
        except ValueError:
            raise Unusual("its `command` has a quote that is never closed") from None
        texts, flags = [self.compose.filled(word) for word in words], tuple(rules.get("flags", ()))
        texts = texts[1:] if texts and texts[0] in rules.get("program", ()) else texts
        while texts:
            key, value, texts = _argument(texts, flags)
            meaning = rules.get("arguments", {}).get(key)
            if meaning is None:
                settings[key] = value
            else:
                known = [one for one in map(self.value, words) if one.text == value]
                self.take(key, meaning, known[0] if known else Value(value))
        return settings

    def secrets(self) -> dict[str, Value]:
        """Fills in the words that the image has a default for; returns the secrets.

        There are none where a server asked for no password and can be given one.
        """
        for word, text in self.engine.rules.get("otherwise", {}).items():
            other = self.words.get(text[1:]) if text.startswith("$") else Value(text)
            if other:
                self.words.setdefault(word, other)
        known = [secret for secret in self.engine.data["secrets"] if secret in self.words]
        if "password" not in known and "admin_password" in known:
            admin = default_admin(self.engine.data)
            told = f"its services log in as {admin} as before; `uses` gives them a user with fewer rights"
            self.tell("decide", told)
        elif "password" in self.engine.data["secrets"] and "password" not in known:
            if self.unset:
                told = f".env does not set {', '.join(sorted(self.unset))}, which its image takes"
                raise Unusual(f"{told}; write it there, and import again")
            if self.engine.rules.get("open"):
                return {}
            told = "it asks for no password: give it one by the variables of its image"
            raise Unusual(f"{told}, and in its data too where those hold users")
        is_one = "admin" in self.words and self.words.get("user") == self.words["admin"]
        return {secret: self.words[secret] for secret in known if not (is_one and secret == "admin_password")}

    def names(self) -> dict[str, Any]:
        """Returns the words that are no secrets, each as its option takes it."""
        data, words = self.engine.data, {word: value.text for word, value in self.words.items()}
        if words.get("admin") == default_admin(data):
            del words["admin"]
        options = data.get("options") or {}
        numbers = {word for word, one in options.items() if one.get("type") == "integer"}
        flags = {
            word for word, one in options.items() if True in (one.get("const"), one.get("type") == "boolean")
        }
        ordered = {word: words[word] for word in ("database", "admin", "user", *words) if word in words}
        is_number = {word: word in numbers and text.isdecimal() for word, text in ordered.items()}
        kept = {word: text for word, text in ordered.items() if word not in data["secrets"]}
        made = {word: int(text) if is_number[word] else text for word, text in kept.items()}
        return made | {word: str(made[word]).lower() in _TRUE for word in made.keys() & flags}


def _argument(texts: list[str], flags: tuple[str, ...]) -> tuple[str, str, list[str]]:
    """Returns name and value of the first argument, and the words that follow it."""
    flag = next((one for one in flags if texts[0].startswith(one)), "")
    words = texts[1:] if texts[0] == flag else [texts[0].removeprefix(flag), *texts[1:]]
    if not flag or not words:
        raise Unusual("its `command` holds more than settings")
    key, sign, value = words[0].partition("=")
    if sign:
        return key, value, words[1:]
    end = next((at for at, word in enumerate(words) if at and word.startswith(flags)), len(words))
    return key, " ".join(words[1:end]), words[end:]
