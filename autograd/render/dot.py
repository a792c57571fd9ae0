"""The DOT text that every style shares: the graph, the order of its cards, their frames, and its edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from autograd.render import palette
from autograd.render.diagram import Card, Cluster, Diagram, Edge
from autograd.render.layout import Layout, arrange
from autograd.render.letters import width

Direction = Literal["LR", "TB"]
_ALONG: Final = 20  # weights: the straighter, the more
_BESIDE: Final = 3
_BLANK: Final = "\N{NO-BREAK SPACE}"
_OFF_CENTRE: Final = 7  # points, twice the distance of a line and the middle of its label, less two gaps


@dataclass(frozen=True)
class Look:
    """What a style decides: values of DOT attributes.

    Attributes:
        fonts: the font families, best first.
        node: the attributes of a card.
        edge: the label of an edge, or "", with what keeps its text apart from a line that runs down the picture.
        cluster: the label of a frame.
        legend: what stands below the picture.
        title: what stands above it, or "".
        ranksep: the room for an edge, in inches.
    """

    fonts: str
    node: Callable[[Card], Mapping[str, str]]
    edge: Callable[[Edge, Apart], str]
    cluster: Callable[[Cluster], str]
    legend: str
    title: str
    ranksep: float = 0.34


class Apart:
    """Blanks that keep the label of an edge apart from its line, where that runs down the picture."""

    def __init__(self, direction: Direction, beside: bool) -> None:
        """Where the edge runs: to a card `beside` another, or in the picture's direction."""
        self.left, self.right = direction == "LR" and beside, direction == "TB" and not beside

    def __call__(self, text: str) -> str:
        """A line of the label.

        Graphviz begins a label at the line of an edge that runs down, but centres that of an edge within a
        column a little to its left, however wide it is.
        """
        if self.left:
            return text + _BLANK * max(
                round((width(text, palette.EDGE) - _OFF_CENTRE) / width(_BLANK, palette.EDGE)), 1
            )
        return _BLANK * 2 * self.right + text + _BLANK * self.right


def document(diagram: Diagram, direction: Direction, look: Look) -> str:
    """A whole DOT document."""
    layout = arrange(diagram)
    lines = [
        "digraph computation {",
        _defaults("graph", {**graph(direction, look.ranksep), "fontname": quote(look.fonts), "label": look.legend}),
        _defaults("node", {"shape": "plain", "fontname": quote(look.fonts), "fontsize": f"{palette.BODY}"}),
        _defaults("edge", _edge_defaults(diagram, look)),
    ]
    # A cluster without a frame, for the title; and edges within a rank point up only inside a cluster.
    lines += ["subgraph cluster_picture {", _defaults("graph", frame(look.title))]

    def node(card: Card) -> Iterator[str]:
        group = {"group": quote(f"spine {layout.spine[card.id]}")} if card.id in layout.spine else {}
        own = {"id": quote(card.id), "class": quote(f"card {card.kind}")}
        yield f"{card.id} {attributes({**own, **group, **look.node(card)})}"

    lines += boxes(diagram, node, look.cluster)
    for card in diagram.cards:
        if card.id in layout.beside:
            lines.append(f"{{ rank=same; {layout.beside[card.id][0]}; {card.id} }}")
    lines += [f"{{ rank=same; {first}; {second} }}" for first, second in diagram.aligned]
    for place, edge in enumerate(diagram.edges):
        lines.append(_edge(f"e{place}", edge, layout, direction, diagram.gradients, look))
    return "\n".join([*lines, "}", "}", ""])


def boxes(diagram: Diagram, node: Callable[[Card], Iterator[str]], title: Callable[[Cluster], str]) -> Iterator[str]:
    """The statements of the cards, each in its frame; a frame stands where its first card does."""
    below: defaultdict[str, list[Card | Cluster]] = defaultdict(list)
    frames = {cluster.id: cluster for cluster in diagram.clusters}
    placed: set[str] = set()
    for card in diagram.cards:
        chain: list[Card | Cluster] = [card]
        home = card.home
        while home and home not in placed:
            placed.add(home)
            chain.append(frames[home])
            home = frames[home].home
        for box in reversed(chain):
            below[box.home].append(box)
    pending: list[Card | Cluster | str] = list(reversed(below[""]))
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Card):
            yield from node(part)
        else:
            yield f"subgraph cluster_{part.id} {{"
            yield _defaults("graph", _cluster(part, title(part)))
            pending += ["}", *reversed(below[part.id])]


def _cluster(cluster: Cluster, title: str) -> dict[str, str]:
    repeat = cluster.kind == "repeat"
    return {
        "id": quote(cluster.id),
        "label": title,
        "fontsize": f"{palette.BODY}",
        "labeljust": "l",
        "labelloc": "t",
        "peripheries": "1",
        "margin": "9",
        "style": quote("rounded,filled,dashed" if repeat else "rounded,filled"),
        "fillcolor": quote(palette.REPEAT_GROUND if repeat else palette.CLUSTER_GROUND),
        "color": quote(palette.REPEAT_BORDER if repeat else palette.CLUSTER_BORDER),
    }


def graph(direction: Direction, ranksep: float) -> dict[str, str]:
    """The attributes of a graph."""
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


def frame(title: str) -> dict[str, str]:
    """The attributes of the cluster that has the title."""
    return {"peripheries": "0", "margin": "4", "labelloc": "t", "label": title or quote("")}


def _edge_defaults(diagram: Diagram, look: Look) -> dict[str, str]:
    plain = {"color": quote(palette.FORWARD), "penwidth": "1.5", "arrowsize": "0.75"}
    if not any(edge.back or edge.carried for edge in diagram.edges):
        return plain
    return {**plain, "fontname": quote(look.fonts), "fontsize": f"{palette.EDGE}", "fontcolor": quote(palette.GRADIENT)}


def _edge(name: str, edge: Edge, layout: Layout, direction: Direction, gradients: bool, look: Look) -> str:
    """An edge with its gradient's way back; from the operation where the card stands beside it."""
    head, above = layout.beside.get(edge.tail, ("", False))
    turned = head == edge.head and above  # the head of an edge within a rank is placed further up
    along = edge.head in layout.spine and layout.main[edge.head] == edge.tail
    told = {"id": quote(name), "class": quote("use differentiable" if edge.differentiable else "use")}
    if edge.differentiable and gradients:
        way_back = palette.ALARM if edge.astray else palette.BACKWARD
        first, second = palette.FORWARD, palette.UNSEEN if edge.pending else way_back
        colours = f"{second}:{first}" if turned else f"{first}:{second}"
        told |= {"dir": "both", "color": quote(colours)} | ({"penwidth": "2.5"} if edge.astray else {})
    else:
        told |= {"dir": "back"} if turned else {}
    if not edge.differentiable:
        told["style"] = "dashed"
    if along:
        told["weight"] = str(_ALONG)
    elif head == edge.head:
        told["weight"] = str(_BESIDE)
    if label := look.edge(edge, Apart(direction, head == edge.head)):
        told["label"] = label
    ends = f"{edge.head} -> {edge.tail}" if turned else f"{edge.tail} -> {edge.head}"
    return f"{ends} {attributes(told)}"


def _defaults(what: str, told: Mapping[str, str]) -> str:
    return f"{what} {attributes(told)}"


def attributes(told: Mapping[str, str]) -> str:
    """A list of attributes."""
    return "[" + " ".join(f"{key}={value}" for key, value in told.items()) + "]"


def quote(text: str) -> str:
    r"""A DOT string of this very text.

    >>> print(quote('a "b" & c\\d'))
    "a \"b\" &amp; c\\d"
    """
    escaped = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
