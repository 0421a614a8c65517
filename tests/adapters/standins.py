"""Runs the rendered scripts of an adapter in a real shell, with programs that stand in for those of its image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from compiler.report import Report
from compiler.run.workspace import Project
from tests.adapters.plans import Plan
from tests.conftest import TODAY

if TYPE_CHECKING:
    from pathlib import Path


class Standin:
    """A database `db` in a folder: its secrets and files lie there, and so does what its programs say."""

    def __init__(self, folder: Path, entry: str, secrets: dict[str, str]) -> None:
        self.folder, self.secrets = folder, secrets
        (folder / "stack.yaml").write_text(f"name: trial\ndatabases:\n  db: {{{entry}}}\n")
        report = Report()
        made = Project(folder / "stack.yaml", folder, today=TODAY).compiled(report)
        assert made, [*report]
        self.plan = Plan(made.project)
        self.moved = {
            "/run/secrets/": f"{folder}/",
            "/etc/stackc/": f"{folder}/",
            "/run/stackc/": f"{folder}/run/",
        }
        self.moved |= {"/tmp/": f"{folder}/", "/opt/kafka/bin/": f"{folder}/bin/"}
        self.moved |= {"/opt/mssql-tools18/bin/": f"{folder}/bin/", "/var/lib/kafka/": f"{folder}/"}
        (folder / "run").mkdir()
        for name, value in secrets.items():
            (folder / name).write_text(value)
        for container in self.plan.containers:
            for file in container.files:
                if file.content is not None:
                    (folder / file.target.rpartition("/")[2]).write_text(file.content)

    def program(self, name: str, code: str) -> None:
        """Puts a program in the way; what it gets is checked to hold no secret among its arguments."""
        place = self.folder / "bin" / name
        place.parent.mkdir(exist_ok=True)
        python = shutil.which("python3")
        values = list(self.secrets.values())
        head = [
            f"#!{python}",
            "import json, os, pathlib, re, sys",
            f"here = pathlib.Path({str(self.folder)!r})",
        ]
        guard = f"assert not any(one in ' '.join(sys.argv) for one in {values!r}), 'a secret is an argument'"
        place.write_text("\n".join([*head, guard, code, ""]))
        place.chmod(0o755)

    def script(self, container: str, *, probe: bool = False) -> str:
        spec = next(one for one in self.plan.containers if one.name == container).spec
        return str(spec["healthcheck"]["test"][1] if probe else spec["entrypoint"][2])

    def run(self, container: str, *words: str, probe: bool = False) -> subprocess.CompletedProcess[str]:
        spec = next(one for one in self.plan.containers if one.name == container).spec
        environment = {key: str(value) for key, value in (spec.get("environment") or {}).items()}
        pattern = "|".join(map(re.escape, self.moved))
        script = re.sub(pattern, lambda found: self.moved[found[0]], self.script(container, probe=probe))
        return subprocess.run(
            ["/bin/sh", "-ec", script, "--", *words],
            cwd=self.folder,
            env={**environment, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
        )
