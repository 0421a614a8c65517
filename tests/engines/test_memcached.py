"""Memcached as rendered, on a running server, with and without TLS."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.engines.debian import image_of
from tests.engines.test_mysql import probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.conftest import Stack

pytestmark = pytest.mark.engine
PORTS = {"plain": 21040, "safe": 21041}


@pytest.fixture(scope="module")
def stack(boot: Callable[..., Stack]) -> Stack:
    image = image_of("memcached")
    return boot(
        "name: stackctest-memcached\ndatabases:\n"
        f"  plain: {{adapter: memcached, image: {image}, port: 21040, memory: 64M, read_only: true}}\n"
        f"  safe: {{adapter: memcached, image: {image}, port: 21041, tls: verify-full}}\n"
    )


def talk(connection: socket.socket, words: str) -> str:
    with connection:
        connection.sendall(words.encode())
        answer = b""
        while not answer.endswith((b"END\r\n", b"STORED\r\n")):
            answer += connection.recv(1000)
    return answer.decode()


def test_a_value_is_kept_in_the_memory_that_the_stack_gives(stack: Stack) -> None:
    def open_plain() -> socket.socket:
        return socket.create_connection(("127.0.0.1", PORTS["plain"]), 5)

    assert talk(open_plain(), "set key 0 0 5\r\nvalue\r\n") == "STORED\r\n"
    assert talk(open_plain(), "get key\r\n") == "VALUE key 0 5\r\nvalue\r\nEND\r\n"
    settings = talk(open_plain(), "stats settings\r\n")
    assert f"STAT maxbytes {48 << 20}\r\n" in settings
    assert "STAT udpport 0\r\n" in settings


def test_tls_is_verified_and_nothing_else_is_answered(stack: Stack) -> None:
    context = ssl.create_default_context(cafile=str(stack.folder / "tls" / "ca.crt"))
    plain = socket.create_connection(("127.0.0.1", PORTS["safe"]), 5)
    assert talk(context.wrap_socket(plain, server_hostname="safe"), "get key\r\n") == "END\r\n"
    with socket.create_connection(("127.0.0.1", PORTS["safe"]), 5) as unsafe, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(unsafe, server_hostname="safe")
    with socket.create_connection(("127.0.0.1", PORTS["safe"]), 5) as bare:
        bare.sendall(b"version\r\n")
        assert b"VERSION" not in bare.recv(100)


def test_probe_fails_where_the_server_does_not_answer(stack: Stack) -> None:
    script = probe(stack, "safe")
    assert stack.sh("safe", script).returncode == 0
    assert stack.sh("safe", script.replace("11212", "11213")).returncode != 0
