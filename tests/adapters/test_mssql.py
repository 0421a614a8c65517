"""SQL Server's scripts against a program that reads T-SQL's literals; no server runs here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.adapters.standins import Standin

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'it\'s \\ "$HOME" #%/@;`x`$(y)\\'
ADMIN = 'Aa1-it\'s \\ "$HOME"'
SQLCMD = r"""
logins = json.loads((here / 'logins').read_text())
user = sys.argv[sys.argv.index('-U') + 1]
if logins.get(user) != os.environ['SQLCMDPASSWORD']:
    sys.exit('Login failed for user.')
assert {'-x', '-b', '-I'} <= set(sys.argv)
if '-Q' in sys.argv:
    sys.exit()
text = pathlib.Path(sys.argv[sys.argv.index('-i') + 1]).read_text() if '-i' in sys.argv else sys.stdin.read()
with (here / 'said').open('a') as said:
    said.write(text)
for name, word in re.findall(r"LOGIN \[(\w+)\] WITH PASSWORD = N'((?:[^']|'')*)'", text):
    logins[name] = word.replace("''", "'")
(here / 'logins').write_text(json.dumps(logins))
"""


@pytest.fixture
def server(tmp_path: Path) -> Standin:
    secrets = {"db-password": HOSTILE, "db-admin-password": ADMIN}
    made = Standin(tmp_path, "adapter: mssql, accept_eula: true, tls: require, database: shop", secrets)
    made.program("sqlcmd", SQLCMD)
    (tmp_path / "logins").write_text(json.dumps({"sa": ADMIN}))
    return made


def test_the_job_makes_login_database_and_user(server: Standin) -> None:
    for _ in range(2):
        done = server.run("db-init")
        assert done.returncode == 0, done.stderr
    assert json.loads((server.folder / "logins").read_text()) == {"sa": ADMIN, "db": HOSTILE}
    said = (server.folder / "said").read_text()
    assert "IF DB_ID('shop') IS NULL CREATE DATABASE \"shop\";" in said
    assert said.index("CREATE LOGIN [db]") < said.index('CREATE USER "db" FOR LOGIN "db"')


def test_a_new_password_counts(server: Standin) -> None:
    assert server.run("db-init").returncode == 0
    (server.folder / "db-password").write_text("another-Password")
    assert server.run("db-init").returncode == 0
    assert json.loads((server.folder / "logins").read_text())["db"] == "another-Password"


def test_a_wrong_password_of_the_administrator_fails(server: Standin) -> None:
    assert server.run("db", probe=True).returncode == 0
    (server.folder / "db-admin-password").write_text("wrong-Password-1")
    assert server.run("db-init").returncode != 0
    assert server.run("db", probe=True).returncode != 0


def test_its_key_is_one_of_rsa(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from tests.conftest import read_env, stackc

    (tmp_path / "stack.yaml").write_text(
        "name: a\ndatabases: {db: {adapter: mssql, accept_eula: true, tls: require}, pg: {adapter: pg, tls: require}}\n"
    )
    for _ in range(2):
        assert stackc("compile", tmp_path / "stack.yaml").exit_code == 0
    values = read_env((tmp_path / ".env").read_text()).values
    keys = [load_pem_private_key(values[f"{name}_TLS_KEY"].encode(), None) for name in ("DB", "PG")]
    assert [isinstance(key, RSAPrivateKey) for key in keys] == [True, False]
    assert stackc("check", tmp_path / "stack.yaml").exit_code == 0
