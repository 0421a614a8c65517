"""RabbitMQ as rendered, on a running server: log-in, permissions, TLS, a new password and a restart."""

from __future__ import annotations

import json
import re
import ssl
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import HTTPBasicAuthHandler, HTTPPasswordMgrWithDefaultRealm, build_opener

import pika
import pytest
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker

from tests.engines.debian import image_of
from tests.engines.test_mysql import probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.conftest import Stack

pytestmark = pytest.mark.engine
HOSTILE = "it's \\ \"$HOME\" #%/@:?&+=;`\\'π🔑\\"


@pytest.fixture(scope="module")
def stack(boot: Callable[..., Stack]) -> Stack:
    image = image_of("rabbitmq")
    text = (
        "name: stackctest-rabbitmq\ndatabases:\n"
        f"  main: {{adapter: rabbitmq, image: {image}, port: 21050, management_port: 21052, database: /}}\n"
        f"  safe:\n    {{adapter: rabbitmq, image: {image}, port: 21051, memory: 512M, tls: verify-full, "
        "rights: [monitoring], settings: {channel_max: 99, disk_free_limit.absolute: 2MB}}\n"
    )
    return boot(text, env={"MAIN_PASSWORD": HOSTILE, "MAIN_ADMIN_PASSWORD": HOSTILE[::-1]})


def connect(stack: Stack, database: str = "main", **changes: str) -> pika.BlockingConnection:
    url = stack.env[f"{database.upper()}_HOST_URL"]
    parameters = pika.URLParameters(url)
    if changes:
        parameters.credentials = pika.PlainCredentials(changes["user"], changes["password"])
    if database == "safe":
        context = ssl.create_default_context(cafile=str(stack.folder / "tls" / "ca.crt"))
        parameters.ssl_options = pika.SSLOptions(context, "safe")
    return pika.BlockingConnection(parameters)


def ask(stack: Stack, path: str, password: str) -> Any:
    passwords = HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, "http://127.0.0.1:21052/", "admin", password)
    opener = build_opener(HTTPBasicAuthHandler(passwords))
    return json.load(opener.open(f"http://127.0.0.1:21052/api/{path}", timeout=5))


@pytest.mark.parametrize("database", ["main", "safe"])
def test_a_message_is_kept_over_a_restart(stack: Stack, database: str) -> None:
    with connect(stack, database) as connection:
        channel = connection.channel()
        channel.queue_declare("jobs", durable=True)
        channel.basic_publish("", "jobs", b"work", pika.BasicProperties(delivery_mode=2))
    assert stack.compose("restart", database).returncode == 0
    stack.wait_for(lambda: stack.health(database) == "healthy", 120)
    with connect(stack, database) as connection:
        assert connection.channel().basic_get("jobs", auto_ack=True)[2] == b"work"


def test_the_application_is_no_administrator_and_guest_is_nobody(stack: Stack) -> None:
    overview = ask(stack, "users", HOSTILE[::-1])
    assert sorted((one["name"], tuple(one["tags"])) for one in overview) == [
        ("admin", ("administrator",)),
        ("main", ()),
    ]
    for user, password in (("guest", "guest"), ("main", "wrong"), ("admin", HOSTILE)):
        with pytest.raises(AMQPConnectionError):
            connect(stack, user=user, password=password)
    with pytest.raises(HTTPError, match="401"):
        ask(stack, "users", "wrong")


def test_a_client_that_checks_the_certificate_refuses_another_authority(stack: Stack) -> None:
    parameters = pika.URLParameters(stack.env["SAFE_HOST_URL"])
    parameters.ssl_options = pika.SSLOptions(ssl.create_default_context(), "safe")
    with pytest.raises(ssl.SSLCertVerificationError):
        pika.BlockingConnection(parameters)


def test_probe_fails_on_a_wrong_password(stack: Stack) -> None:
    for database in ("main", "safe"):
        script = probe(stack, database)
        assert stack.sh(database, script).returncode == 0
        assert stack.sh(database, script.replace("admin-password", "password")).returncode != 0


def test_a_new_password_counts_after_the_next_start(stack: Stack) -> None:
    old = stack.env["SAFE_PASSWORD"]
    stack.set_env("SAFE_PASSWORD", "other-Password-1")
    stack.compile()
    stack.up()
    with connect(stack, "safe") as connection:
        connection.channel()
    with pytest.raises((AMQPConnectionError, ChannelClosedByBroker)):
        connect(stack, "safe", user="safe", password=old)


def test_settings_and_rights_hold(stack: Stack) -> None:
    with connect(stack, "safe") as connection:
        assert connection._impl.params.channel_max == 99
    shown = stack.sh("safe", "rabbitmqctl list_users; rabbitmqctl environment").stdout
    assert "safe\t[monitoring]" in shown
    assert re.search(r'\{disk_free_limit,\W*(absolute,)?"?(2MB|2000000)', shown), re.findall(
        ".*disk_free.*", shown
    )
