"""What Graphviz's language has: strings, lists of attributes, and what names the parts of the SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from autograd.render.diagram import Card, Edge

HIDDEN: Final = '[style=invis class="wire"]'


def attributes(values: Mapping[str, str]) -> str:
    """A list of DOT attributes.

    >>> attributes({"shape": "box", "label": quote("a b")})
    '[shape=box label="a b"]'
    """
    return "[" + " ".join(f"{key}={value}" for key, value in values.items()) + "]"


def quote(text: str) -> str:
    r"""A DOT string of this very text.

    >>> print(quote('a "b" & c\\d'))
    "a \"b\" &amp; c\\d"
    """
    escaped = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def card_attributes(card: Card) -> dict[str, str]:
    """What names the node of a card in the SVG."""
    return {"id": quote(card.id), "class": quote(f"card {card.kind}")}


def edge_attributes(place: int, edge: Edge) -> dict[str, str]:
    """What names an edge in the SVG, by its place in the diagram."""
    return {"id": quote(f"e{place}"), "class": quote("use differentiable" if edge.differentiable else "use")}
