"""Whatever a file holds, the command ends in findings or success: a traceback is a bug."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.registry.bundle import bundle
from tests.conftest import CASES, ROOT, VALID, examples, stackc
from tests.stacks import compile_text, load_document

if TYPE_CHECKING:
    from pathlib import Path

STACKS = sorted({case.name for case in CASES})
ADAPTERS = sorted((ROOT / "adapters").glob("*.yaml"))
FORMATS = st.sampled_from(["text", "json", "github", "sarif"])
TOKENS = st.sampled_from(
    [
        *("${{", "}}", "${{ databases.main.url }}", "${{ secrets }}", "${{ 9 ** 9 ** 9 }}", "$", "${A", "$$"),
        *(
            "{",
            "}",
            "[",
            "]",
            "- ",
            ": ",
            "? ",
            "*a",
            "&a ",
            "<<: ",
            "!!int ",
            "| ",
            ">",
            "#",
            "---\n",
            "...",
            "%",
        ),
        *(
            "\t",
            "\n",
            "\r",
            "\0",
            "\ufeff",
            "\x85",
            "\u2028",
            "'",
            '"',
            "\\",
            " ",
            "~",
            "🔑",
            "\x7f",
            "0x",
            "1e999",
        ),
    ]
)
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 80, 65536, 10**30, 1.5, 1e308, "", " ", "a", "A B", "0", "80", "null"),
    *(
        "${{ databases.main.url }}",
        "${{ secrets.nope }}",
        "${{ 1 / 0 }}",
        "${{ x",
        "$",
        "${X:?}",
        "${X",
        "$$",
    ),
    *(
        "a" * 300,
        "🔑",
        "é",
        "\u2028",
        "\n",
        "a\nb",
        "../..",
        "/",
        "127.0.0.1:80:80",
        "80-90:80-90",
        "1:2:3:4:5",
    ),
    *("postgresql", "auto", "-1s", "30s", "1G", "0", "[::1]:80:80", "/health", "CMD", "no", "9" * 5000),
    *(
        [],
        {},
        [None],
        [[]],
        {"": None},
        {"a": {"b": []}},
        [{}],
        ["a", "a"],
        ["${{ password }}"],
        "${{ password }}",
        "^(a|aa)+$",
        {"when": True, "then": 1},
        {"each": 5, "then": "x"},
    ),
]
MISSPELLED = [
    "",
    " ",
    "imge",
    "x-mine",
    "databses",
    "0",
    "$",
    "${{ x }}",
    "🔑",
    "a.b",
    "uses",
    "then",
    "when",
    "a" * 70,
]


@cache
def data_of(file: Path) -> Any:
    return load_document(file).data


def paths(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [at, *(path for key, value in items for path in paths(value, (*at, key)))]


@st.composite
def mutated_bytes(draw: st.DrawFn, file: Path) -> bytes:
    content = file.read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        new = draw(st.one_of(TOKENS.map(str.encode), st.binary(max_size=3), st.just(content[start:end] * 2)))
        content = content[:start] + new + content[end:]
    return content


@st.composite
def mutated_data(draw: st.DrawFn, file: Path) -> bytes:
    tree = deepcopy(data_of(file))
    for _ in range(draw(st.integers(1, 3))):
        places = paths(tree)[1:]
        if places:
            mutate(draw, tree, draw(st.sampled_from(places)))
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "replace")


def mutate(draw: st.DrawFn, tree: Any, path: tuple[Any, ...]) -> None:
    """Deletes, renames, replaces, nests or copies what is at the path."""
    holder = tree
    for step in path[:-1]:
        holder = holder[step]
    key, kind = path[-1], draw(st.sampled_from(["delete", "rename", "replace", "replace", "nest", "copy"]))
    if kind == "delete":
        del holder[key]
    elif kind == "rename" and isinstance(holder, dict):
        holder[draw(st.sampled_from([*MISSPELLED, *holder]))] = holder.pop(key)
    elif kind == "nest":
        holder[key] = draw(st.sampled_from([[holder[key]], {"a": holder[key]}, [holder[key]] * 2]))
    elif kind == "copy":
        source = draw(st.sampled_from(paths(tree)))
        value = tree
        for step in source:
            value = value[step]
        holder[key] = deepcopy(value)
    else:
        holder[key] = deepcopy(draw(st.sampled_from(VALUES)))


def ends_well(*words: str | Path) -> None:
    result = stackc(*words)
    assert result.exit_code in (0, 1), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 0 or result.output


def compile_files(files: dict[str, bytes], form: str = "text", command: str = "compile") -> None:
    # Not in a folder of pytest's, which looks at all of them for each new one.
    with TemporaryDirectory() as place:
        for name, content in files.items():
            Path(place, name).parent.mkdir(exist_ok=True)
            Path(place, name).write_bytes(content)
        ends_well(command, Path(place, "stack.yaml"), "--format", form)


SECRET = "${{ databases.main.url }}"
# A secret in each place of a value, whatever the key that has it.
SHAPES: list[Any] = [
    *(
        SECRET,
        f"{SECRET}:80",
        [SECRET],
        [f"a{SECRET}"],
        {"a": SECRET},
        {SECRET: "a"},
        [[SECRET]],
        {"a": [SECRET]},
    ),
    *(
        {"a": {"b": SECRET}},
        {"test": SECRET},
        {"test": ["CMD", SECRET]},
        {"context": SECRET},
        {"service": SECRET},
    ),
    *(
        {"soft": SECRET, "hard": SECRET},
        {"nofile": {"soft": SECRET, "hard": SECRET}},
        {"x": {"condition": SECRET}},
    ),
    *({"replicas": SECRET}, {"driver": SECRET}, {"file": SECRET}, {"name": SECRET}, {"content": SECRET}),
    *({"resources": {"limits": {"memory": SECRET, "cpus": SECRET}}}, {"default": {"aliases": [SECRET]}}),
    *([{"source": SECRET}], [{"source": "a", "target": SECRET}], [{"target": SECRET}], [{"path": SECRET}]),
    *([{"type": "bind", "source": SECRET, "target": SECRET}], [{"main": {"as": SECRET}}], {"http": SECRET}),
    [{"published": SECRET, "target": SECRET, "host_ip": SECRET, "protocol": SECRET}],
]


@pytest.mark.parametrize("section", ["services", "volumes", "networks", "configs", "secrets"])
def test_a_secret_in_any_place_is_rendered_or_refused(section: str) -> None:
    keys = bundle()["$defs"]["service"]["properties"] if section == "services" else [None]
    for key, shape in product(keys, SHAPES):
        app = {"image": "nginx:1.29", **({key: shape} if key else {})}
        variables = {"A": "http://localhost:80", "B": "${{ services.app.port }}"}
        services = {"app": app, "b": {"image": "nginx:1.29", "environment": variables}}
        stack = {"name": "a", "services": services, "databases": {"main": {"adapter": "postgresql"}}}
        compile_text(json.dumps(stack if key else {**stack, section: {"z": shape}}))


@pytest.mark.parametrize(
    "change",
    [
        "connections: {url: {parts: {scheme: null, host: null, path: null}}}",
        "connections: {url: {text: ['a', {when: tls.enabled, then: [b, [c]]}]}}",
        "connections: {url: {form: pairs}}",
        "connections: {url: {via: nope}}",
        'containers: {server: {port: "${{ user }}"}}',
        "credentials: {user: {pattern: '^[z-a]$'}}",
        "secrets: {password: {pattern: '^[z-a]$'}}",
    ],
)
def test_adapter_that_lacks_or_breaks_a_part(change: str) -> None:
    adapter = f"adapter: mine\nextends: postgresql\n{change}\n"
    stack = b"name: a\ndatabases: {main: {adapter: mine}}\n"
    compile_files({"stack.yaml": stack, "adapters/mine.yaml": adapter.encode()})


stacks = st.sampled_from(STACKS).map(lambda name: VALID / name / "stack.yaml")


@examples(150)
@given(stacks.flatmap(mutated_bytes), FORMATS)
def test_stack_with_other_bytes(content: bytes, form: str) -> None:
    compile_files({"stack.yaml": content}, form)


@examples(250)
@given(stacks.flatmap(mutated_data), FORMATS)
def test_stack_with_other_values(content: bytes, form: str) -> None:
    compile_files({"stack.yaml": content}, form)


_KEYS = st.sampled_from(
    [
        *(
            "name",
            "services",
            "databases",
            "secrets",
            "environments",
            "volumes",
            "networks",
            "configs",
            "a",
            "main",
        ),
        *(
            "image",
            "environment",
            "ports",
            "uses",
            "as",
            "healthcheck",
            "http",
            "depends_on",
            "deploy",
            "replicas",
        ),
        *(
            "adapter",
            "version",
            "vector",
            "dimensions",
            "tls",
            "pool",
            "size",
            "memory",
            "local",
            "url",
            "file",
        ),
    ]
)
_SCALARS = st.one_of(
    st.sampled_from([value for value in VALUES if not isinstance(value, dict | list)]), st.text(max_size=5)
)
TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=12,
)


@examples(150)
@given(st.dictionaries(_KEYS, TREES, max_size=6))
def test_random_stack(tree: dict[str, Any]) -> None:
    content = json.dumps({"name": "demo", **tree}, ensure_ascii=False).encode("utf-8", "replace")
    compile_files({"stack.yaml": content}, command="check")


_EXPRESSION = st.lists(
    st.sampled_from(
        [
            *(
                "databases",
                "main",
                "url",
                "secrets",
                "token",
                "services",
                "app",
                ".",
                "[",
                "]",
                "(",
                ")",
                "|",
                "~",
                "+",
            ),
            *(
                "*",
                "**",
                "//",
                "%",
                "-",
                "if",
                "else",
                "not",
                "in",
                "is",
                "defined",
                "1",
                "99999999999",
                "'a'",
                '"',
                "{",
            ),
            *(
                "}",
                "upper",
                "join",
                "replace",
                "default",
                "length",
                "__class__",
                "range",
                "self",
                "loop",
                ",",
                ":",
                "''",
            ),
        ]
    ),
    max_size=9,
).map(" ".join)


@examples(150)
@given(st.lists(_EXPRESSION, min_size=1, max_size=4), st.booleans())
def test_random_expressions(texts: list[str], whole: bool) -> None:
    form = "${{ %s }}" if whole else "a ${{ %s }} $b"
    environment = {f"V{index}": form % text for index, text in enumerate(texts)}
    stack = {
        "name": "demo",
        "services": {"app": {"image": "a", "environment": environment}},
        "databases": {"main": {"adapter": "postgresql"}},
        "secrets": {"token": {"generate": "hex"}},
    }
    compile_files({"stack.yaml": json.dumps(stack).encode()})


# Python warns of regular expressions that a later version may read in another way.
@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@examples(120)
@given(
    st.sampled_from(ADAPTERS).flatmap(
        lambda file: st.tuples(st.just(file.stem), st.one_of(mutated_data(file), mutated_bytes(file)))
    )
)
def test_mutated_adapter(adapter: tuple[str, bytes]) -> None:
    name, content = adapter
    entry = {"adapter": name, "port": 5000, "memory": "1G"}
    stack = {
        "name": "demo",
        "services": {"app": {"image": "a", "uses": ["main"]}},
        "databases": {"main": entry},
    }
    files = {"stack.yaml": json.dumps(stack).encode(), f"adapters/{name}.yaml": content}
    compile_files(files)


@examples(60)
@given(
    st.lists(
        st.one_of(TOKENS, st.sampled_from(["MAIN_PASSWORD", "=", "export ", "MAIN_URL='", "a"])), max_size=12
    ).map("".join)
)
def test_random_env_file(text: str) -> None:
    stack = (VALID / "minimal" / "stack.yaml").read_bytes()
    compile_files({"stack.yaml": stack, ".env": text.encode()})


@examples(30)
@given(st.one_of(st.binary(max_size=60), mutated_bytes(VALID / "minimal" / "stack.yaml")))
def test_random_rendered_file(content: bytes) -> None:
    stack = (VALID / "minimal" / "stack.yaml").read_bytes()
    compile_files({"stack.yaml": stack, "docker-compose.yml": content})
