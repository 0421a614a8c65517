"""What is built and installed is what was tested: the wheel, alone in a clean environment, has all it needs."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.conftest import OUTSIDE, ROOT

LEFT_OUT = (".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis")


def run(*words: str | Path, cwd: Path, env: dict[str, str]) -> str:
    """Returns what a program prints on stdout, when it succeeds."""
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _has_build_backend() -> bool:
    try:
        return int(version("setuptools").partition(".")[0]) >= 77
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and with the wheel that was built from it."""
    copy = tmp_path_factory.mktemp("source") / "stackc"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    isolation = ["--no-isolation"] if _has_build_backend() else []
    run(sys.executable, "-m", "build", *isolation, cwd=copy, env=OUTSIDE)
    return copy / "dist"


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def stackc(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the wheel, installed without anything else that this project has."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        home / "bin" / "python",
        "install",
        "-q",
        "--no-warn-script-location",
    ]
    run(*pip, wheel, cwd=home, env=OUTSIDE)
    return home / "bin" / "stackc"


def shipped(*patterns: str) -> set[str]:
    return {file.relative_to(ROOT).as_posix() for pattern in patterns for file in ROOT.glob(pattern)}


def test_wheel_holds_all_modules_and_data_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = shipped("compiler/**/*.py", "compiler/py.typed", "compiler/pages/*.j2")
    data = {
        f"compiler/{name}"
        for name in shipped(
            "adapters/*.yaml",
            "adapters/__init__.py",
            "adapters/README.md",
            "schemas/*.json",
            "schemas/*.yaml",
            "schemas/__init__.py",
        )
    }
    examples = shipped("fixtures/valid/*/stack.yaml", "fixtures/valid/__init__.py")
    expected = modules | data | {name.replace("fixtures/valid", "compiler/examples", 1) for name in examples}
    extra = names - expected
    assert (sorted(expected - names), sorted(extra)) == ([], [])


def test_wheel_needs_seven_packages_and_names_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        told = email.message_from_bytes(archive.read(name))
    needed = [line for line in told.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(line.partition(">")[0].lower() for line in needed) == [
        "click",
        "jinja2",
        "jsonschema",
        "pyyaml",
        "regex",
        "tree-sitter",
        "tree-sitter-bash",
    ]
    assert (told["License-Expression"], told["Requires-Python"]) == ("Apache-2.0", ">=3.11")


def test_lowest_set_is_that_of_the_lower_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    bounds = dict(
        re.findall(
            r"^([\w-]+)>=([\d.]+)",
            "\n".join([*project["dependencies"], *extras["tls"], *extras["test"]]),
            re.M,
        )
    )
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests" / "lowest.txt").read_text(), re.M))
    assert {line.partition(">")[0] for line in [*project["dependencies"], *extras["tls"]]} <= pins.keys()
    wrong = {
        name
        for name, pin in pins.items()
        if pin not in (f"{bounds[name]}{rest}" for rest in ("", ".0", ".0.0"))
    }
    assert wrong == set()


def test_sdist_holds_the_readme_and_the_licence(dist: Path) -> None:
    (found,) = dist.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "pyproject.toml", "compiler/__init__.py"} <= names


def test_installed_command_compiles_librechat(stackc: Path, tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    run(stackc, "init", "--from", "librechat", cwd=tmp_path, env=env)
    told = run(stackc, "compile", cwd=tmp_path, env=env)
    assert told.splitlines()[:3] == [
        "wrote docker-compose.yml",
        "wrote .env.example",
        "wrote .env, with new secrets",
    ]
    assert run(stackc, "check", cwd=tmp_path, env=env) == ""


def test_installed_command_lists_every_adapter(stackc: Path, tmp_path: Path) -> None:
    told = run(stackc, "adapters", "list", cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    names = {line.split()[0] for line in told.splitlines()[1:-1]}
    assert names == {file.stem for file in (ROOT / "adapters").glob("*.yaml")}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project as a clone has it: nothing is installed."""
    copy = tmp_path_factory.mktemp("checkout") / "stackc"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT, "tests"))
    return copy


def in_checkout(checkout: Path, code: str, *words: str) -> str:
    """Runs Python in the folder of a checkout, with the dependencies on the path and no package installed there."""
    paths = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    # -S: what an editable install has put into the folder of packages is not read.
    return run(sys.executable, "-S", "-c", code, *words, cwd=checkout, env={"PYTHONPATH": ":".join(paths)})


def test_python_of_the_readme_runs_in_a_plain_checkout(checkout: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    told = in_checkout(checkout, f"import compiler; print(compiler.__file__)\n{code}")
    assert told.splitlines()[0] == str(checkout / "compiler" / "__init__.py")
    assert "mongo:8.0" in told


def test_command_of_a_plain_checkout_has_its_data(checkout: Path, tmp_path: Path) -> None:
    code = "from compiler.cli import main; main()"
    stack = str(tmp_path / "stack.yaml")
    assert "librechat" in in_checkout(checkout, code, "init", "--list").split()
    in_checkout(checkout, code, "init", str(tmp_path))
    assert "up --wait" in in_checkout(checkout, code, "compile", stack)
    assert in_checkout(checkout, code, "explain", "unknown-option").startswith("unknown-option: ")


def test_installed_package_is_not_the_working_copy(stackc: Path, tmp_path: Path) -> None:
    told = run(
        stackc.with_name("python"), "-c", "import compiler; print(compiler.__file__)", cwd=tmp_path, env={}
    )
    assert Path(told.strip()).is_relative_to(stackc.parent.parent)
