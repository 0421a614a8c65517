from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.model import Raw
from compiler.project.long_form import short_port
from compiler.project.values import Binding, binding_of, long_port, port_fault
from tests.stacks import compile_text, entry, findings, only, spec_of, stack

SHORT = [
    ("8080:80", "127.0.0.1:8080:80"),
    ("80", "127.0.0.1::80"),
    (80, "127.0.0.1::80"),
    ("53:53/udp", "127.0.0.1:53:53/udp"),
    ("8000-8005:80", "127.0.0.1:8000-8005:80"),
    ("3000-3005", "127.0.0.1::3000-3005"),
    ("0.0.0.0:80:80", "0.0.0.0:80:80"),
    ("127.0.0.1::80", "127.0.0.1::80"),
    ("[::1]:80:80", "[::1]:80:80"),
    ("[::]:80:80/tcp", "[::]:80:80/tcp"),
    ("${PORT}:80", "127.0.0.1:${PORT}:80"),
    ("${PORT:-8080}:80", "127.0.0.1:${PORT:-8080}:80"),
    ("${A:-${B:-8080}}:${C}/udp", "127.0.0.1:${A:-${B:-8080}}:${C}/udp"),
    ("${BIND:-0.0.0.0}:${PORT:-80}:80", "${BIND:-0.0.0.0}:${PORT:-80}:80"),
    ("${BIND:-127.0.0.1:8080}:80", "${BIND:-127.0.0.1:8080}:80"),
    ("$PORT:80", "127.0.0.1:$PORT:80"),
]


@pytest.mark.parametrize(("written", "rendered"), SHORT)
def test_a_port_without_an_address_is_bound_to_loopback(written: Any, rendered: str) -> None:
    (port,) = spec_of(entry(f"ports: [{written!r}]"))["ports"]
    assert (port, type(port)) == (rendered, Raw)


def test_the_long_form_keeps_its_keys() -> None:
    written = {"target": 80, "published": "8080", "mode": "host", "name": "web"}
    (port,) = spec_of(entry(f"ports: [{written}]"))["ports"]
    assert port == {**written, "host_ip": "127.0.0.1"}
    assert binding_of(port) == Binding("127.0.0.1", range(8080, 8081), range(80, 81), "tcp")


def test_a_written_address_stays() -> None:
    assert spec_of(entry("ports: [{target: 80, host_ip: 0.0.0.0}]"))["ports"][0]["host_ip"] == "0.0.0.0"


@pytest.mark.parametrize(
    "written", ["http", "80:", "a:80", "1:2:3:4", "80:80:80:80", "", ":", "80 80", "-80", "8.0", True]
)
def test_what_has_not_the_form_of_a_port_is_refused(written: Any) -> None:
    assert port_fault(long_port(written)) is not None


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("70000:80", "above 65535"),
        ("80-70:80", "ends before it starts"),
        ("8000-8001:80-85", "differ in length"),
        ("80/icmp", 'protocol "icmp"'),
        ("300.1.1.1:80:80", "not an IP address"),
        ("8080:80:90", "not an IP address"),
        ({"target": "web"}, "not a number"),
        ({"target": 80, "host_ip": "home"}, "not an IP address"),
    ],
)
def test_a_port_that_cannot_be_published_says_why(written: Any, fault: str) -> None:
    port = written if isinstance(written, dict) else long_port(written)
    assert fault in (port_fault(port) or "")


NUMBERS = st.one_of(st.none(), st.integers(1, 65535))
ADDRESSES = st.sampled_from(["127.0.0.1", "0.0.0.0", "[::1]", "10.0.0.1"])


@given(
    address=ADDRESSES, host=NUMBERS, container=st.integers(1, 65535), protocol=st.sampled_from(["", "/udp"])
)
def test_a_short_port_is_read_in_parts(address: str, host: int | None, container: int, protocol: str) -> None:
    text = f"{address}:{host or ''}:{container}{protocol}"
    port = long_port(text)
    assert short_port(port) == text
    expected = None if host is None else range(host, host + 1)
    assert binding_of(port) == Binding(
        address.strip("[]"), expected, range(container, container + 1), protocol[1:] or "tcp"
    )


@given(st.text("0123456789:.-[]${}/abPORTudp ", max_size=24))
def test_any_text_that_is_a_port_keeps_its_form(text: str) -> None:
    port = long_port(text)
    assert port_fault(port) is not None or long_port(short_port(port)) == port


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [
        ("8080:80", "8080:81", 8080),
        ("8080:80", "8080:80/udp", None),
        ("127.0.0.1:80:80", "10.0.0.1:80:80", None),
        ("0.0.0.0:80:80", "10.0.0.1:80:80", 80),
        ("[::]:80:80", "80:80", 80),
        ("8000-8005:8000-8005", "8003:80", 8003),
        ("8000-8005:80", "8003:80", None),
        ("80", "80", None),
        ("0:80", "0:80", None),
        ("${A}:80", "${A}:80", None),
    ],
)
def test_ports_clash_where_both_need_the_same(one: str, other: str, number: int | None) -> None:
    told = [] if number is None else [f"the host port {number} is published twice"]
    for first, second in ((one, other), (other, one)):
        found = compile_text(
            stack(f"a: {{image: a, ports: ['{first}']}}\nb: {{image: b, ports: ['{second}']}}")
        )[1]
        assert [finding.message for finding in found] == told


def test_a_range_that_clashes_with_two_ports_is_told_twice() -> None:
    assert (
        findings(entry("ports: ['80:80', '81:80', '80-82:80-82']"))
        == [("duplicate-port", "'80-82:80-82'")] * 2
    )


def test_a_host_port_used_twice_points_at_both_places() -> None:
    text = stack("a: {image: a, ports: ['8080:80']}\nb: {image: b, ports: ['90:90', '8080:81']}")
    one = only(text)
    assert (one.id, one.span.line, one.notes[0].span.line) == ("duplicate-port", 4, 3)
    assert one.message == "the host port 8080 is published twice"


def test_the_port_of_a_database_counts() -> None:
    databases = "databases: {main: {adapter: postgresql, port: 5432}}"
    assert findings(entry("ports: ['5432:80']", databases)) == [("duplicate-port", "'5432:80'")]


def test_many_ranges_are_compared_quickly() -> None:
    ranges = ", ".join(f"'{start}-{start + 9}:{start}-{start + 9}'" for start in range(10000, 30000, 10))
    assert findings(entry(f"ports: [{ranges}]")) == []


def test_rendered_ports_keep_their_order() -> None:
    assert spec_of(entry("ports: [80, '8080:81', {target: 82}]"))["ports"] == [
        "127.0.0.1::80",
        "127.0.0.1:8080:81",
        {"target": 82, "host_ip": "127.0.0.1"},
    ]
