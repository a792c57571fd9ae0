"""The DOT text that every style shares: the graph, the order of its cards, and its edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from autograd.render import palette
from autograd.render.layout import Layout, arrange
from autograd.render.model import Card, Diagram, Edge

Direction = Literal["LR", "TB"]
_ALONG: Final = 20  # weights: the straighter, the more
_BESIDE: Final = 3


def document(
    diagram: Diagram,
    direction: Direction,
    *,
    fonts: str,
    node: Callable[[Card], Mapping[str, str]],
    legend: str,
    title: str,
    ranksep: float = 0.34,
) -> str:
    """A whole DOT document.

    Args:
        diagram: what to draw.
        direction: "LR" or "TB".
        fonts: the font families, best first.
        node: the attributes of a card, as DOT values.
        legend: what stands below the picture, as a DOT value.
        title: what stands above it, as a DOT value, or empty.
        ranksep: the room for an edge, in inches.
    """
    layout = arrange(diagram)
    lines = [
        "digraph computation {",
        _defaults("graph", {**_graph(direction, ranksep), "fontname": quote(fonts), "label": legend}),
        _defaults("node", {"shape": "plain", "fontname": quote(fonts), "fontsize": f"{palette.BODY}"}),
        _defaults("edge", {"color": quote(palette.FORWARD), "penwidth": "1.5", "arrowsize": "0.75"}),
    ]
    # A cluster without a frame, for the title; and edges within a rank point up only inside a cluster.
    lines += ["subgraph cluster_picture {", _defaults("graph", _frame(title))]
    for card in diagram.cards:
        group = {"group": "spine"} if card.id in layout.spine else {}
        own = {"id": quote(card.id), "class": quote(f"card {card.kind}")}
        lines.append(f"{card.id} {_attributes({**own, **group, **node(card)})}")
    for card in diagram.cards:
        if card.id in layout.beside:
            lines.append(f"{{ rank=same; {layout.beside[card.id][0]}; {card.id} }}")
    lines += [_edge(f"e{place}", edge, layout, diagram.gradients) for place, edge in enumerate(diagram.edges)]
    return "\n".join([*lines, "}", "}", ""])


def _graph(direction: Direction, ranksep: float) -> dict[str, str]:
    return {
        "rankdir": direction,
        "newrank": "true",
        "nodesep": "0.36",
        "ranksep": f"{ranksep}",
        "pad": "0.08",
        "bgcolor": quote(palette.CANVAS),
        "labelloc": "b",
        "charset": quote("UTF-8"),
    }


def _frame(title: str) -> dict[str, str]:
    return {"peripheries": "0", "margin": "4", "labelloc": "t", "label": title or quote("")}


def _edge(name: str, edge: Edge, layout: Layout, gradients: bool) -> str:
    """An edge with its gradient's way back; from the operation where the card stands beside it."""
    head, above = layout.beside.get(edge.tail, ("", False))
    turned = head == edge.head and above  # the head of an edge within a rank is placed further up
    along = edge.tail in layout.spine and edge.head in layout.spine
    attributes = {"id": quote(name), "class": quote("use differentiable" if edge.differentiable else "use")}
    if edge.differentiable and gradients:
        first, second = palette.FORWARD, palette.UNSEEN if edge.pending else palette.BACKWARD
        colours = f"{second}:{first}" if turned else f"{first}:{second}"
        attributes |= {"dir": "both", "color": quote(colours)}
    else:
        attributes |= {"dir": "back"} if turned else {}
    if not edge.differentiable:
        attributes["style"] = "dashed"
    if along:
        attributes["weight"] = str(_ALONG)
    elif head == edge.head:
        attributes["weight"] = str(_BESIDE)
    ends = f"{edge.head} -> {edge.tail}" if turned else f"{edge.tail} -> {edge.head}"
    return f"{ends} {_attributes(attributes)}"


def _defaults(what: str, attributes: Mapping[str, str]) -> str:
    return f"{what} {_attributes(attributes)}"


def _attributes(attributes: Mapping[str, str]) -> str:
    return "[" + " ".join(f"{key}={value}" for key, value in attributes.items()) + "]"


def quote(text: str) -> str:
    r"""A DOT string of this very text.

    >>> print(quote('a "b" & c\\d'))
    "a \"b\" &amp; c\\d"
    """
    escaped = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
