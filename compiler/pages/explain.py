"""The page of each finding, from schemas/findings.yaml: for `stackc explain` and for SARIF."""

from __future__ import annotations

from functools import cache
from textwrap import indent
from typing import NamedTuple

from compiler.source.shipped import SCHEMAS


class Page(NamedTuple):
    """What is wrong, why that matters, and a whole stack with and without it, where a stack alone can show it."""

    what: str
    why: str
    severity: str = "error"
    wrong: str = ""
    right: str = ""


@cache
def load_pages() -> dict[str, Page]:
    """Returns the page of each finding by its id."""
    import yaml

    # Not this project's own reader, which takes ten times as long to know every place.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(SCHEMAS.joinpath("findings.yaml").read_bytes(), loader)
    return {id: Page(**entry) for id, entry in data.items()}


def render_explanation(page: Page) -> str:
    """Returns why, and the two stacks, for a terminal."""
    stacks = {"wrong": page.wrong, "right": page.right}
    blocks = [f"{word}:\n\n{indent(text.rstrip(), '    ')}" for word, text in stacks.items() if text]
    return "\n\n".join([page.why, *blocks])
