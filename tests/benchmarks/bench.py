"""Measures stackc against Compose on the same machine in the same minute: python tests/benchmarks/bench.py

Times depend on the machine, so what counts are ratios to `docker-compose config -q` of the same stack. Runs are
interleaved, and medians are taken. The last column is what stackc promises.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parent.parent.parent
STACK = ROOT / "fixtures" / "valid" / "librechat"
SCRIPTS = Path(sysconfig.get_path("scripts"))
COMPOSE = SCRIPTS / "docker-compose"
WARNED = 'services:\n  idle: {image: "nginx:1.29-alpine", labels: [idle]}\n'

# Runs in a process of its own: compiles as many stacks as asked for, each in its own folder.
MANY = """
import sys, time, pathlib
from compiler.run.workspace import Project
folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
text = pathlib.Path(sys.argv[3]).read_text()
times = []
for number in range(count):
    place = folder / str(number)
    place.mkdir()
    (place / "stack.yaml").write_text(text.replace("name: ", f"name: n{number}-", 1))
    start = time.perf_counter()
    outcome = Project(place / "stack.yaml", place, today="2026-01-01").compile()
    times.append(time.perf_counter() - start)
    assert outcome.compiled, outcome.diagnostics
print(times[0] * 1000, sum(times[1:]) / (count - 1) * 1000, max(times[1:]) * 1000)
"""
MEMORY = """
import re, sys
from compiler.cli import cli
try:
    cli(sys.argv[1:])
except SystemExit as done:
    assert done.code == 0
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


def run(
    *words: str | Path, cwd: Path | None = None, cache: Path | None = None
) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd or Path.cwd()), "XDG_CACHE_HOME": str(cache or cwd)}
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=True)


def measure(rounds: int, runs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Returns the median time of each run in seconds; all of them take turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, action in runs.items():
            start = perf_counter()
            action()
            if turn:  # the first round only fills the caches of the file system
                times[name].append(perf_counter() - start)
    return {name: median(taken) for name, taken in times.items()}


def show(name: str, seconds: float, unit: float, goal: str = "") -> None:
    print(f"{name:42} {seconds * 1000:8.1f} ms {seconds / unit:7.2f} x  {goal}".rstrip())


def show_lines() -> None:
    files = (ROOT / "compiler").rglob("*.py")
    print(
        f"{'lines of compiler/**/*.py':42} {sum(file.read_text().count(chr(10)) for file in files):8}  at most 7600"
    )


def bench_cold_start(folder: Path, rounds: int, python: Path) -> float:
    """A process for each run, as a person and a hook use it; returns the time that Compose takes."""
    command, cache = python.with_name("stackc"), folder / "cache"
    for name in ("stack", "warned"):
        shutil.copytree(STACK, folder / name)
    stack, warned = folder / "stack" / "stack.yaml", folder / "warned" / "stack.yaml"
    # A warning on every run: a label without a value.
    warned.write_text(warned.read_text().replace("services:\n", WARNED, 1))
    for file in (stack, warned):
        done = run(command, "compile", file, cwd=folder, cache=cache)
        assert ("warning" in done.stderr) == (file == warned), done.stderr
    fresh = iter(range(10**6))

    def first() -> None:
        number = next(fresh)
        output, empty = folder / f"output{number}", folder / f"cache{number}"
        run(command, "compile", stack, "-o", output, cwd=folder, cache=empty)

    def later(*words: str | Path) -> Callable[[], object]:
        return lambda: run(command, *words, cwd=folder, cache=cache)

    runs: dict[str, tuple[Callable[[], object], str]] = {
        "docker-compose config -q": (lambda: run(COMPOSE, "config", "-q", cwd=stack.parent), ""),
        "compile, again": (later("compile", stack), "at most 2.5"),
        "compile, nothing remembered": (
            lambda: run(command, "compile", stack, cwd=folder, cache=folder / f"cold{next(fresh)}"),
            "",
        ),
        "compile, first": (first, "at most 4.0"),
        "check, unchanged": (later("check", stack), "at most 1.2"),
        "check, unchanged, with a warning": (later("check", warned), "at most 1.2"),
        "check, nothing remembered": (
            lambda: run(command, "check", stack, cwd=folder, cache=folder / f"cold{next(fresh)}"),
            "",
        ),
        "stackc --version": (later("--version"), ""),
        "python -c pass": (lambda: run(python, "-c", "pass", cwd=folder), ""),
    }
    taken = measure(rounds, {name: action for name, (action, _) in runs.items()})
    unit = taken["docker-compose config -q"]
    for name, seconds in taken.items():
        show(name, seconds, unit, runs[name][1])
    return unit


def bench_one_process(folder: Path, count: int, python: Path, unit: float) -> None:
    """Many stacks in one process: what the second costs."""
    words = (python, "-c", MANY, folder, str(count), STACK / "stack.yaml")
    first, mean, worst = (float(word) / 1000 for word in run(*words, cwd=folder).stdout.split())
    show("in one process, the first stack", first, unit)
    show(f"in one process, each of {count - 1} more", mean, unit, "at most 10 ms")
    show("in one process, the slowest of these", worst, unit)


def large_stack(services: int, databases: int) -> str:
    lines = ["name: large", "services:"]
    for number in range(services):
        lines += [
            f"  s{number}:",
            "    image: nginx:1.29-alpine",
            f'    ports: ["{20000 + number}:80"]',
            f"    uses: [d{number % databases}]",
            f"    environment: {{NEXT: '${{{{ services.s{max(number - 1, 0)}.url }}}}', A: \"b\"}}",
            "    healthcheck: {http: /}",
        ]
    adapters = ("postgresql", "mysql", "redis", "mongodb")
    lines += [
        "databases:",
        *(
            f"  d{number}: {{adapter: {adapters[number % 4]}, pool: {{size: 1}}}}"
            for number in range(databases)
        ),
    ]
    return "\n".join(lines) + "\n"


def bench_growth(folder: Path, rounds: int, python: Path, unit: float) -> None:
    """Twice the stack takes twice the time."""
    runs: dict[str, Callable[[], object]] = {}
    fresh = iter(range(10**6))
    for services, databases in ((250, 25), (500, 50)):
        place = folder / str(services)
        place.mkdir()
        (place / "stack.yaml").write_text(large_stack(services, databases))
        words = (python.with_name("stackc"), "compile", place / "stack.yaml")
        runs[f"{services} services, {databases} databases"] = lambda words=words: run(
            *words, cwd=folder, cache=folder / f"c{next(fresh)}"
        )
    taken = measure(rounds, runs)
    half, whole = taken.values()
    for name, seconds in taken.items():
        show(name, seconds, unit, "under 1000 ms" if seconds == whole else "")
    print(f"{'growth for twice the stack':42} {whole / half:19.2f} x")
    for name in ("250", "500"):
        words = (python, "-c", MEMORY, "compile", folder / name / "stack.yaml")
        peak = int(run(*words, cwd=folder).stderr.split()[-1]) / 1024
        print(f"{f'peak memory with {name} services':42} {peak:8.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument(
        "--python",
        type=Path,
        default=sys.executable,
        help="where stackc is installed; an editable install starts slower",
    )
    given = parser.parse_args()
    show_lines()
    with tempfile.TemporaryDirectory() as folder:
        unit = bench_cold_start(Path(folder), given.rounds, given.python)
    with tempfile.TemporaryDirectory() as folder:
        bench_one_process(Path(folder), given.count, given.python, unit)
    with tempfile.TemporaryDirectory() as folder:
        bench_growth(Path(folder), 3, given.python, unit)


if __name__ == "__main__":
    main()
