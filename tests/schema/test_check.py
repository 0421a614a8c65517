from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from compiler.registry.bundle import definition
from compiler.report import Diagnostic, Report, Span
from compiler.schema import check_schema
from compiler.schema.patterns import SlowPattern, is_match, timed_patterns, with_end
from tests.conftest import examples
from tests.stacks import load_schema

if TYPE_CHECKING:
    from compiler.model import Path

CODES = {
    "conflicting-options",
    "duplicate-item",
    "missing-option",
    "not-allowed-value",
    "out-of-range",
    "unknown-option",
    "wrong-format",
    "wrong-type",
}
COMPOSE = load_schema("compose-spec.json")
VECTOR: dict[str, Any] = {
    "type": "object",
    "required": ["dimensions"],
    "additionalProperties": False,
    "properties": {
        "dimensions": {
            "description": "Length of the vectors.",
            "type": "integer",
            "minimum": 1,
            "maximum": 16000,
        },
        "metric": {"enum": ["cosine", "l2", "ip"]},
    },
}
DATABASE: dict[str, Any] = {
    "type": "object",
    "required": ["adapter"],
    "additionalProperties": False,
    "properties": {
        "adapter": {"description": "Name of an adapter", "type": "string", "minLength": 1},
        "version": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "share": {"type": "number", "multipleOf": 0.1},
        "timeout": {"type": "string", "pattern": "^[0-9]+(ms|s)$", "x-help": "write a time such as 30s"},
        "password": {"type": "string", "minLength": 8, "pattern": "^[a-z]+$"},
        "token": {"enum": ["a", "b"]},
        "end": {"type": "string", "format": "date"},
        "kind": {"const": "fast"},
        "read_only": {"type": "boolean"},
        "level": {"enum": [1, 2]},
        "needs": {
            "type": "array",
            "items": {"type": "string"},
            "uniqueItems": True,
            "minItems": 1,
            "maxItems": 3,
        },
        "pair": {"prefixItems": [{"type": "integer"}], "items": False},
        "labels": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z]+$", "description": "Small letters"},
        },
        "extras": {"type": "object", "propertyNames": {"enum": ["postgis", "vector"]}},
        "limits": {"type": "object", "minProperties": 1, "maxProperties": 1},
        "vector": {"$ref": "#/$defs/vector", "description": "A vector index"},
        "tls": {
            "description": "Encryption of connections",
            "oneOf": [
                {"type": "string", "enum": ["off", "require"]},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["mode"],
                    "properties": {
                        "mode": {"enum": ["require"]},
                        "certificate": {"type": "string"},
                        "key": {"description": "File with the key", "type": "string"},
                    },
                    "dependentRequired": {"certificate": ["key"], "key": ["certificate"]},
                },
            ],
        },
        "secret": {"type": "object", "oneOf": [{"required": ["file"]}, {"required": ["generate"]}]},
        "source": {"type": "object", "not": {"required": ["host", "url"]}},
        "user": {"type": "string", "not": {"const": "root"}},
        "hosts": {"type": "array", "contains": {"const": "a", "description": "One of them is a"}},
    },
    "if": {"required": ["kind"]},
    "then": {"properties": {"port": False}},
    "$defs": {"vector": VECTOR},
}


class Places:
    """Writes where something stands into the path of the span."""

    def value(self, path: Path) -> Span:
        return Span(path="value " + "/".join(map(str, path)))

    def key(self, path: Path) -> Span:
        if not path or isinstance(path[-1], int):
            return self.value(path)
        return Span(path="key " + "/".join(map(str, path)))


def check(data: Any, schema: dict[str, Any] = DATABASE, **options: Any) -> list[Diagnostic]:
    report = Report()
    check_schema(data, schema, report, noun='database "vectors"', locate=Places(), **options)
    return list(report)


def check_service(data: Any) -> list[Diagnostic]:
    at = ("services", "api")
    report = Report()
    check_schema(data, definition("service"), report, noun='service "api"', locate=Places(), at=at)
    return list(report)


def only(diagnostics: list[Diagnostic]) -> Diagnostic:
    assert len(diagnostics) == 1, [diagnostic.message for diagnostic in diagnostics]
    return diagnostics[0]


WRONG: list[tuple[dict[str, Any], str, str, str, str | None]] = [
    ({"adaptr": "pg"}, "key adaptr", "unknown-option", 'D has no option "adaptr"', 'did you mean "adapter"?'),
    (
        {"vector": {"dimension": 3}},
        "key vector/dimension",
        "unknown-option",
        'the vector of D has no option "dimension"',
        'did you mean "dimensions"?',
    ),
    (
        {"dimensions": 3},
        "key dimensions",
        "unknown-option",
        'D has no option "dimensions"',
        "write it under `vector:`",
    ),
    (
        {"vector": {}},
        "key vector",
        "missing-option",
        'the vector of D needs the option "dimensions"',
        "add `dimensions:` (length of the vectors)",
    ),
    (
        {"vector": None},
        "value vector",
        "wrong-type",
        '"vector" of D is empty, expected a mapping',
        "give it a value, or leave it out",
    ),
    (
        {"vector": {"dimensions": []}},
        "value vector/dimensions",
        "wrong-type",
        '"vector.dimensions" of D is a list, expected an integer',
        "length of the vectors",
    ),
    (
        {"vector": "documents"},
        "value vector",
        "wrong-type",
        '"vector" of D is the string "documents", expected a mapping',
        "write its options below it, each as `name: value`",
    ),
    (
        {"port": "5432"},
        "value port",
        "wrong-type",
        '"port" of D is the string "5432", expected an integer',
        "write it without quotes",
    ),
    ({"port": True}, "value port", "wrong-type", '"port" of D is true, expected an integer', None),
    (
        {"version": 16},
        "value version",
        "wrong-type",
        '"version" of D is the number 16, expected a string',
        "write it in quotes",
    ),
    (
        {"version": 3.1},
        "value version",
        "wrong-type",
        '"version" of D is the number 3.1, expected a string',
        "write it in quotes",
    ),
    (
        {"timeout": 30},
        "value timeout",
        "wrong-type",
        '"timeout" of D is the number 30, expected a string',
        "write a time such as 30s",
    ),
    (
        {"read_only": "yes"},
        "value read_only",
        "wrong-type",
        '"read_only" of D is the string "yes", expected true or false',
        None,
    ),
    (
        {"needs": "vector"},
        "value needs",
        "wrong-type",
        '"needs" of D is the string "vector", expected a list',
        "write it as a list, in [ ]",
    ),
    (
        {"needs": ["a", 5]},
        "value needs/1",
        "wrong-type",
        'item 2 of "needs" of D is the number 5, expected a string',
        "write it in quotes",
    ),
    (
        {"tls": 5},
        "value tls",
        "wrong-type",
        '"tls" of D is the number 5, expected a string or a mapping',
        "one of: off, require",
    ),
    (
        {"tls": "requir"},
        "value tls",
        "not-allowed-value",
        '"tls" of D cannot be "requir"',
        'did you mean "require"?',
    ),
    ({"tls": "OFF"}, "value tls", "not-allowed-value", '"tls" of D cannot be "OFF"', 'did you mean "off"?'),
    (
        {"tls": {"mode": "x"}},
        "value tls/mode",
        "not-allowed-value",
        '"tls.mode" of D cannot be "x"',
        "one of: require",
    ),
    (
        {"level": "1"},
        "value level",
        "not-allowed-value",
        '"level" of D cannot be "1"',
        "write it without quotes",
    ),
    ({"kind": "slow"}, "value kind", "not-allowed-value", '"kind" of D cannot be "slow"', "one of: fast"),
    ({"port": 0}, "value port", "out-of-range", '"port" of D is 0, expected 1 to 65535', None),
    (
        {"ratio": 1},
        "value ratio",
        "out-of-range",
        '"ratio" of D is 1, expected less than 1',
        None,
    ),
    (
        {"share": 0.25},
        "value share",
        "out-of-range",
        '"share" of D is 0.25, expected a multiple of 0.1',
        None,
    ),
    (
        {"adapter": ""},
        "value adapter",
        "out-of-range",
        '"adapter" of D has 0, expected 1 or more characters',
        "name of an adapter",
    ),
    ({"needs": []}, "value needs", "out-of-range", '"needs" of D has 0, expected 1 or more items', None),
    (
        {"needs": ["a", "b", "c", "d"]},
        "value needs",
        "out-of-range",
        '"needs" of D has 4, expected 3 or fewer items',
        None,
    ),
    (
        {"limits": {"a": 1, "b": 2}},
        "value limits",
        "out-of-range",
        '"limits" of D has 2, expected 1 or fewer entries',
        None,
    ),
    (
        {"needs": ["a", "b", "a"]},
        "value needs/2",
        "duplicate-item",
        'item 3 of "needs" of D repeats "a"',
        "remove it",
    ),
    (
        {"timeout": "soon"},
        "value timeout",
        "wrong-format",
        '"timeout" of D has the wrong form: "soon"',
        "write a time such as 30s",
    ),
    (
        {"version": "x"},
        "value version",
        "wrong-format",
        '"version" of D has the wrong form: "x"',
        r"it has to match ^\d+(\.\d+)?$",
    ),
    (
        {"labels": {"A b": 1}},
        "key labels/A b",
        "wrong-format",
        '"A b" cannot be a name in the labels of D',
        "small letters",
    ),
    (
        {"extras": {"postgi": {}}},
        "key extras/postgi",
        "unknown-option",
        'the extras of D has no option "postgi"',
        'did you mean "postgis"?',
    ),
    (
        {"tls": {"mode": "require", "certificate": "a.pem"}},
        "key tls/certificate",
        "conflicting-options",
        'the tls of D has "certificate" but not "key"',
        "add `key:` (file with the key)",
    ),
    (
        {"secret": {"file": "a", "generate": "hex"}},
        "key secret/generate",
        "conflicting-options",
        'the secret of D cannot have "file" and "generate" together',
        "keep one of them",
    ),
    (
        {"secret": {}},
        "key secret",
        "missing-option",
        'the secret of D needs "file" or "generate"',
        "add one of them",
    ),
    (
        {"source": {"host": "a", "url": "b"}},
        "key source/url",
        "conflicting-options",
        'the source of D cannot have "host" and "url" together',
        "keep one of them",
    ),
    ({"user": "root"}, "value user", "wrong-format", '"user" of D has the wrong form: "root"', None),
]


@pytest.mark.parametrize(
    ("data", "place", "code", "message", "help"),
    WRONG,
    ids=[f"{place}-{code}" for _, place, code, *_ in WRONG],
)
def test_fault_is_told_in_stack_words(
    data: dict[str, Any], place: str, code: str, message: str, help: str | None
) -> None:
    found = only(check({"adapter": "pg", **data} if "adaptr" not in data else data))
    assert (found.span.path, found.id) == (place, code)
    assert found.message == message.replace("D", 'database "vectors"')
    assert found.help == help
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        ("^[a-z]+$", "a", "a\n"),
        ("^(a|b$)", "b", "b\n"),
        (r"^\$$", "$", "$\n"),
        ("^[$]$", "$", "$\n"),
        (r"^[\]$]$", "$", "$\n"),
        ("^a\n$", "a\n", "a\n\n"),
    ],
)
def test_the_end_in_a_pattern_is_the_end_alone(pattern: str, right: str, wrong: str) -> None:
    for text, expected in ((right, 0), (wrong, 1)):
        keys = {"type": "object", "patternProperties": {pattern: {}}, "additionalProperties": False}
        names = {"type": "object", "propertyNames": {"pattern": pattern}}
        assert len(check(text, {"type": "string", "pattern": pattern})) == expected
        assert [len(check({text: 1}, form)) for form in (keys, names)] == [expected, expected]


def test_wrong_type_of_the_whole_is_told_by_its_noun() -> None:
    found = only(check(["a"]))
    assert found.message == 'database "vectors" is a list, expected a mapping'
    assert found.span.path == "value "


def test_places_stand_below_the_given_one() -> None:
    found = only(check({}, at=("databases", "vectors")))
    assert found.span.path == "key databases/vectors"


def test_duplicate_item_points_at_the_first() -> None:
    found = only(check({"adapter": "pg", "needs": ["a", "a"]}))
    assert [(note.message, note.span.path) for note in found.notes] == [
        ("the first is here", "value needs/0")
    ]


def test_one_and_true_are_different_items() -> None:
    schema = {"uniqueItems": True}
    assert check([1, True, 0, False, "1", [1], [True], {"a": 1}, {"a": True}], schema) == []
    assert [found.span.path for found in check([1, 1.0, {"a": [1]}, {"a": [1]}], schema)] == [
        "value 1",
        "value 3",
    ]


def test_all_faults_are_found_at_once() -> None:
    found = check({"adaptr": "pg", "port": 0, "tls": "x", "needs": [1, 2], "vector": {"metric": "l3"}})
    assert sorted(diagnostic.span.path for diagnostic in found) == [
        "key adaptr",
        "key vector",
        "value needs/0",
        "value needs/1",
        "value port",
        "value tls",
        "value vector/metric",
    ]


def test_one_value_has_one_fault() -> None:
    schema = {
        "allOf": [{"type": "string"}, {"type": "string", "enum": ["a"]}],
        "pattern": "^a$",
        "minLength": 9,
    }
    assert only(check(5, schema)).id == "wrong-type"
    assert only(check("b", schema)).id == "not-allowed-value"


def test_a_misspelt_option_is_not_missing_too() -> None:
    schema = {
        "allOf": [{"required": ["target"]}],
        "properties": {"target": {}},
        "additionalProperties": False,
    }
    assert only(check({"targets": 1}, schema)).id == "unknown-option"
    assert len(check({"sizes": 1}, schema)) == 2


def test_a_misspelt_option_that_is_needed_is_named_where_any_key_is_allowed() -> None:
    for word in ("adpater", "adaptor"):
        found = only(
            check({word: "postgresql", "other": 1}, {"properties": {"adapter": {}}, "required": ["adapter"]})
        )
        assert (found.id, found.help) == ("unknown-option", 'did you mean "adapter"?')
    assert (
        only(check({"other": 1}, {"properties": {"adapter": {}}, "required": ["adapter"]})).id
        == "missing-option"
    )


def test_help_fits_the_value() -> None:
    assert only(check({"adapter": ["pg"]})).help == "name of an adapter"
    assert only(check({"read_only": "true", "adapter": "pg"})).help == "write it without quotes"


def test_unknown_compose_option_hides_no_other_fault() -> None:
    found = check_service({"images": "a", "image": 5, "healthcheck": {"tests": []}})
    places = sorted(diagnostic.span.path.removeprefix("value ").removeprefix("key ") for diagnostic in found)
    assert places == ["services/api/healthcheck/tests", "services/api/image", "services/api/images"]


@pytest.mark.parametrize(
    "data",
    [
        {"adapter": "pg", "password": "Hunter2"},
        {"adapter": "pg", "password": "HUNTER2-HUNTER2"},
        {"adapter": "pg", "token": "hunter2"},
        {"adapter": "pg", "needs": ["API_KEY=hunter2", "API_KEY=hunter2"]},
        {"adapter": "pg", "timeout": "postgresql://me:hunter2@db/x"},
    ],
)
def test_secret_value_is_never_shown(data: dict[str, Any]) -> None:
    found = only(check(data))
    assert "hunter2" not in f"{found.message} {found.help}".lower()


def test_long_value_is_cut_and_control_characters_are_escaped() -> None:
    message = only(check({"adapter": "pg", "timeout": "\x1b[31m\n\u202e" + "a" * 10_000})).message
    assert message.isprintable()
    assert r"\x1b[31m\n\u202e" in message
    assert len(message) < 130


def test_lone_surrogate_and_long_path_are_told() -> None:
    schema: dict[str, Any] = {
        "additionalProperties": {"$ref": "#"},
        "type": ["object", "string"],
        "maxLength": 0,
    }
    data: Any = "\ud800"
    for number in range(20):
        data = {f"\ud800{number}" * 50: data}
    message = only(check(data, schema)).message
    assert message.encode("utf-8").startswith(rb'"')
    assert len(message) < 700


def test_reference_may_lead_back_to_its_own_definition() -> None:
    tree = {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree", "description": "A branch"}}
    schema = {"$ref": "#/$defs/tree", "$defs": {"tree": tree}}
    assert check({"a": {"b": {}}}, schema) == []
    assert only(check({"a": {"b": {"c": 5}}}, schema)).message.startswith('"a.b.c" of database')


def test_large_data_is_checked_in_linear_time() -> None:
    schema = {
        "uniqueItems": True,
        "items": {"type": "object", "required": ["a"], "additionalProperties": False},
    }
    data = [{"b": index} for index in range(5_000)]
    assert [one.id for one in check(data, schema)].count("too-many-findings") == 1


# What the reader of YAML lets in: no number is longer, and all are finite.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)


def ended(schema: dict[str, Any]) -> dict[str, Any]:
    """Python's `$`, as jsonschema takes it, also matches before a last line break."""
    form = schema.get("pattern")
    return {**schema, "pattern": with_end(form, r"\Z")} if isinstance(form, str) else schema


SERVICE = Draft202012Validator(json.loads(json.dumps(definition("service")), object_hook=ended))


def names(schema: Any) -> set[str]:
    found = set(schema.get("properties", {})) if isinstance(schema, dict) else set()
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found.union(*(names(part) for part in inner))


KEYS = st.sampled_from(sorted(names(COMPOSE["$defs"]))) | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part, max_size=5), max_leaves=25
)
ENTRIES = JSON | st.dictionaries(KEYS, JSON, max_size=4).map(lambda entry: {"image": "a", **entry})


@given(ENTRIES)
@example({"image": "a", "container_name": "ab\n"})
@examples(400)
def test_any_data_ends_in_complete_findings(data: Any) -> None:
    found = check_service(data)
    assert bool(found) != SERVICE.is_valid(data)
    for one in found:
        assert one.message.isprintable()
        assert not one.message.endswith(".")
        assert one.help != ""
        assert re.match(r"(key|value) services/api", one.span.path)
    assert len({(one.span.path, one.message) for one in found}) == len(found)


# The words of a schema itself

WORDED = {
    "properties": {
        "size": {
            "type": "string",
            "allOf": [
                {
                    "not": {"pattern": "i$"},
                    "x-id": "half-unit",
                    "x-says": "{value} is half",
                    "x-help": "write {text}B",
                },
                {"pattern": "^[0-9]+[kM](iB)?$", "x-says": "{value} is not a size of {owner}"},
            ],
        },
        "mode": {
            "anyOf": [{"enum": ["on", "off"]}, {"pattern": "^x"}],
            "x-id": "no-mode",
            "x-says": "{name}: {value}",
        },
        "api_key": {"pattern": "^[a-z]+$", "x-says": "{value} is not a key", "x-help": "write {text}"},
        "inner": {"x-id": "inner", "properties": {"deep": {"type": "integer"}}},
        "names": {
            "propertyNames": {"pattern": "^[a-z]+$", "x-says": "{name} is no name", "x-help": "use letters"}
        },
        "owner": {"properties": {"a": {"not": {}, "x-says": "no {name} here"}}},
    }
}


@pytest.mark.parametrize(
    ("data", "place", "id", "message", "help"),
    [
        ({"size": "4Mi"}, "value size", "half-unit", '"4Mi" is half', "write 4MiB"),
        ({"size": "4"}, "value size", "wrong-format", '"4" is not a size of database "vectors"', None),
        ({"mode": "of"}, "value mode", "no-mode", 'mode: "of"', 'did you mean "off"?'),
        ({"api_key": "S3"}, "value api_key", "wrong-format", "the given value is not a key", None),
        (
            {"inner": {"deep": "x"}},
            "value inner/deep",
            "inner",
            '"inner.deep" of database "vectors" is the',
            None,
        ),
        ({"names": {"A": 1}}, "key names/A", "wrong-format", "A is no name", "use letters"),
        ({"owner": {"a": 1}}, "key owner/a", "wrong-format", "no a here", "leave it out"),
    ],
)
def test_a_schema_words_its_own_rules(
    data: dict[str, Any], place: str, id: str, message: str, help: str | None
) -> None:
    one = only(check(data, WORDED))
    assert (one.span.path, one.id) == (place, id)
    assert one.message.startswith(message)
    assert help is None or one.help == help
    assert "S3" not in str(one.help)


def test_a_value_of_the_wrong_type_is_told_in_the_usual_words() -> None:
    assert (
        only(check({"size": 4}, WORDED)).message
        == '"size" of database "vectors" is the number 4, expected a string'
    )


@pytest.mark.parametrize("value", ["1G\n", "1G\n\n", "\n1G"])
def test_a_line_break_is_no_part_of_a_value(value: str) -> None:
    for service in ({"mem_limit": value}, {"container_name": value}, {"stop_grace_period": value}):
        assert check_service({"image": "a", **service})


def test_secret_number_is_never_shown() -> None:
    (one,) = check_service({"image": "a", "environment": {"DB_PASSWORD": [31337]}})
    assert "31337" not in f"{one.message} {one.help}"
    assert "31337" not in str(check({"adapter": "pg", "password": 31337})[0])


def test_missing_option_of_an_item_is_placed_at_the_item() -> None:
    found = check_service(
        {"image": "a", "volumes": [{"type": "bind", "source": ".", "target": "/a"}, {"source": "a"}]}
    )
    assert {one.span.path for one in found} == {"value services/api/volumes/1"}


def test_what_a_pattern_took_is_counted_for_one_run_only() -> None:
    pattern, text = "^(a|aa)+$", "a" * 5000 + "!"
    for _ in range(2):
        with timed_patterns():
            for _ in range(2):
                with pytest.raises(SlowPattern):
                    is_match(pattern, text)
            with pytest.raises(SlowPattern):
                is_match(pattern, "a" * 90 + "!")
        assert is_match(pattern, "a" * 90)
