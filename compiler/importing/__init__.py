"""What people already have moves in: what Compose reads in a folder as a stack that deploys the same."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["moved", "improved", "stayed", "decide"]


class Line(NamedTuple):
    """A line of what is told: of what kind it is, which service it is about, and what there is to say."""

    kind: Kind
    name: str
    text: str
