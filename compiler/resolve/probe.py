"""A health check by HTTP that works with whatever client an image has."""

from __future__ import annotations

_SCRIPT = """\
u=http://127.0.0.1:{port}{path}
if command -v curl >/dev/null 2>&1; then exec curl -fsS -o /dev/null -m 4 "$u"; fi
if command -v wget >/dev/null 2>&1; then exec wget -q -T 4 -O /dev/null "$u"; fi
if command -v bash >/dev/null 2>&1; then exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1
  printf "GET {path} HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n" >&3; read -r _ status _ <&3; case $status in 2*|3*) ;; *) echo "HTTP $status"; exit 1 ;; esac'; fi
echo 'stackc: the image has none of curl, wget and bash; write healthcheck.test for it' >&2; exit 1"""


def build_probe(port: int, path: str) -> str:
    """Returns a shell script that exits 0 where the path answers with a success."""
    return _SCRIPT.format(port=port, path=path.replace("%", "%%"))
