"""Files that Compose reads in place of the rendered one, or merges into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from compiler.report import Report, Span

if TYPE_CHECKING:
    from compiler.targets.dotenv import Dotenv

# In the order in which Compose looks for them: the first that is there, and the first override on top of it.
FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = tuple(
    f"{name}.override.{end}" for name in ("compose", "docker-compose") for end in ("yml", "yaml")
)
RIVALS = (*FILES[: FILES.index("docker-compose.yml")], *OVERRIDES)
# https://docs.docker.com/compose/how-tos/environment-variables/envvars/
RIVAL_VARIABLES = ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME")


def tell_rivals(directory: Path, report: Report) -> None:
    """Warns of each file that `docker compose` reads in place of the rendered one, or merges into it.

    https://docs.docker.com/compose/intro/compose-application-model/
    """
    for name in RIVALS:
        if (directory / name).exists():
            verb = "merges into" if "override" in name else "reads in place of"
            told = f"is what Compose {verb} docker-compose.yml"
            help = "move what it says into the stack file, or run `docker compose -f docker-compose.yml`"
            report.warning(
                "other-compose-file", f"{directory / name} {told}", Span(str(directory / name)), help
            )


def tell_rival_variables(dotenv: Dotenv, report: Report) -> None:
    """Warns of each variable in `.env` by which Compose reads other files, or another project."""
    for key in dotenv.values.keys() & RIVAL_VARIABLES:
        told, place = f"{key} makes Compose read something else than what is rendered", dotenv.value(key)
        report.warning("compose-variable", told, place or Span(dotenv.path), f"remove {key} from .env")
