"""The user's own services: Compose entries with their references resolved, joined to what they use."""

from __future__ import annotations

import re
from typing import Any

from compiler.expressions.quoting import shell_word
from compiler.model import Path
from compiler.project.hand_written import iter_named
from compiler.project.long_form import bind_ports, lengthen, rebase
from compiler.project.references import AUTHORITY, build_names, first_port
from compiler.project.secrets import add_files, stack_keys
from compiler.project.uses import tell_lone_passwords, use_databases
from compiler.project.values import fallback, inside, plain
from compiler.project.waits import add_waits, name_waits
from compiler.project.workshop import Workshop, evaluated

_PROBE = {"interval": "10s", "timeout": "5s", "retries": 6, "start_period": "30s"}
# https://docs.docker.com/reference/compose-file/extension/#specifying-durations
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(rf"(\d{{1,15}}(?:\.\d*)?|\.\d+)({'|'.join(_UNITS)})")
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


def build_service(shop: Workshop, key: str) -> None:
    """Adds one service to the project."""
    at: Path = ("services", key)
    project, names = shop.project, build_names(shop.stack, shop.project)
    written = {name: value for name, value in (shop.stack.services[key] or {}).items() if name != "uses"}
    spec = lengthen("services", evaluated(shop, written, names, at), at, project.places)
    pools = use_databases(shop, key, spec, names["databases"])
    tell_lone_passwords(shop, key, spec.get("environment") or {})
    bind_ports(spec, at, project.places)
    _probe(shop, key, spec)
    used = names["databases"].asked
    project.uses[key] = {name: pools.get(name) for name in sorted(used)}
    servers = {one.server for one in project.databases.values()}
    named = {one.database for one in iter_named(spec, servers)}
    waits = {fallback(name) for name in spec.get("depends_on") or {}}
    reached = sorted(used | named | (servers & waits))
    add_waits(shop.project, shop.stack, spec, reached, sorted(names["services"].asked - {key}))
    name_waits(shop.project, at, spec, shop.report)
    project.named.update(reached)
    if reached:
        _join(shop, at, spec)
    project.kinds[key] = "service"
    project.services[key] = spec = rebase(spec, "services", shop.base)
    if any(project.databases[name].tls.enabled for name in reached):
        add_files(project, key, [AUTHORITY])


def build_section(shop: Workshop, kind: str) -> dict[str, Any]:
    """Returns a top-level section of the stack as it stands in the project."""
    stack, names, section = shop.stack, build_names(shop.stack, shop.project), {}
    own = ("generate", "bytes", "environment")
    kept = {
        name: {"environment": key}
        | {word: one for word, one in stack.secrets[name].items() if word not in own}
        for name, key in stack_keys(stack).items()
    }
    written = {**stack.secrets, **kept} if kind == "secrets" else stack.extra.get(kind) or {}
    for name, entry in written.items():
        at: Path = (kind, name)
        long = lengthen(kind, evaluated(shop, entry, names, at), at, shop.project.places)
        section[name] = rebase(long, kind, shop.base)
    return section


def build_include(shop: Workshop) -> Any:
    """Returns the Compose files that the stack includes, with their paths from the rendered ones."""
    names = build_names(shop.stack, shop.project)
    written = evaluated(shop, list(shop.stack.include), names, ("include",))
    return rebase(lengthen("include", written, ("include",), shop.project.places), "include", shop.base)


def _probe(shop: Workshop, key: str, spec: dict[str, Any]) -> None:
    """Makes a health check by HTTP a shell command."""
    health, places = inside(spec, "healthcheck"), shop.project.places
    if "http" not in health:
        return
    at: Path = ("services", key, "healthcheck", "http")
    asked = health["http"] if isinstance(health["http"], dict) else {"path": health["http"]}
    port = asked.get("port") or first_port(shop.stack.services[key])
    if port is None:
        help = "add `expose:` with the port, or write `http: {path: /health, port: 8080}`"
        shop.report.error("missing-port", f'service "{key}" says no port to probe', places.value(at), help)
        return
    rest = {name: value for name, value in health.items() if name != "http"}
    limit = _DURATION.findall(plain(rest.get("timeout")) or "") or [(5, "s")]
    seconds = int(sum(float(amount) * _UNITS[unit] for amount, unit in limit))
    script = build_probe(port, str(asked["path"]), max(1, seconds - 1))
    spec["healthcheck"] = {"test": ["CMD-SHELL", script], **_PROBE, **rest}
    places.default((*at[:-1], "test"), at)


def _join(shop: Workshop, at: Path, spec: dict[str, Any]) -> None:
    """Adds the network of the databases to a service that has networks."""
    if not spec.get("network_mode"):
        if not spec.get("networks"):
            shop.project.places.short[*at, "networks"] = list
            spec["networks"] = {"default": None}
        spec["networks"].setdefault(shop.project.network, None)


def build_probe(port: int, path: str, seconds: int = 4) -> str:
    """Returns a shell script that exits 0 where the path answers with a success or sends elsewhere."""
    url = shell_word(f"http://127.0.0.1:{port}{path}")
    return _SCRIPT.format(url=url, port=port, path=shell_word(path), seconds=seconds)
