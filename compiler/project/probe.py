"""A health check by HTTP that works with whatever client an image has."""

from __future__ import annotations

from compiler.expressions.quoting import shell_word

# A proxy for the application's own requests must not take those of the probe. Bash reads /dev/tcp itself:
# https://www.gnu.org/software/bash/manual/html_node/Redirections.html
_SCRIPT = """\
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
u={url}
if command -v curl >/dev/null 2>&1; then exec curl -fsS -o /dev/null -m {seconds} "$u"; fi
if command -v wget >/dev/null 2>&1; then exec wget -q -T {seconds} -O /dev/null "$u"; fi
if command -v bash >/dev/null 2>&1; then exec bash -c '
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  printf "GET %s HTTP/1.0\\r\\nHost: 127.0.0.1:%s\\r\\n\\r\\n" "$2" "$1" >&3
  read -t {seconds} -r version status rest <&3
  case $status in 2*|3*) ;; *) echo "HTTP $status"; exit 1 ;; esac
' probe {port} {path}; fi
echo "the image has none of curl, wget and bash: write healthcheck.test instead of healthcheck.http" >&2
exit 1"""


def build_probe(port: int, path: str, seconds: int = 4) -> str:
    """Returns a shell script that exits 0 where the path answers with a success or sends elsewhere."""
    url = shell_word(f"http://127.0.0.1:{port}{path}")
    return _SCRIPT.format(url=url, port=port, path=shell_word(path), seconds=seconds)
