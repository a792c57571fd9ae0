"""The lines of a picture as DOT: to a neighbour, to the next row, to a box with the name of what stands far away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from autograd.render import palette
from autograd.render.arrangement import Layout
from autograd.render.diagram import Diagram, Direction, Edge
from autograd.render.language import HIDDEN, attributes, edge_attributes, quote
from autograd.render.metrics import text_width

_ALONG: Final = 20  # weights: the straighter, the more
_BESIDE: Final = 3
_STRAIGHT: Final = 50
_BLANK: Final = "\N{NO-BREAK SPACE}"
_OFF_CENTRE: Final = 7  # points, twice the distance of a line and the middle of its label, less two gaps


class Padding:
    """Blanks that keep the label of an edge off its line, where that runs down the picture."""

    def __init__(self, direction: Direction, beside: bool, mirrored: bool = False) -> None:
        """Where the edge runs: to a card `beside` another, or in the picture's direction; and on which side of it."""
        self.left, self.right = direction == "LR" and beside, direction == "TB" and not beside
        self._mirrored = mirrored

    def __call__(self, text: str) -> str:
        """A line of the label with its blanks.

        Graphviz begins a label at the line of an edge that runs down, but centres that of an edge within a
        column a little to its left, however wide it is.
        """
        if self.left:
            wide = text_width(text, palette.EDGE) + (6 * _OFF_CENTRE if self._mirrored else -_OFF_CENTRE)
            blanks = _BLANK * max(round(wide / text_width(_BLANK, palette.EDGE)), 1)
            return blanks + text if self._mirrored else text + blanks
        return _BLANK * 2 * self.right + text + _BLANK * self.right


def edge_line(
    place: int,
    edge: Edge,
    layout: Layout,
    direction: Direction,
    gradients: bool,
    label: Callable[[Edge, Padding], str],
) -> str:
    """An edge with its gradient's way back; from the operation where the card stands beside it."""
    operation, upper = layout.beside.get(edge.tail, ("", False))
    beside = operation == edge.head
    if leads_down(edge, layout):
        return _below(place, edge, edge.head, layout, gradients, label)
    turned = beside and upper  # the head of an edge within a rank is placed further up
    written = edge_attributes(place, edge)
    if edge.differentiable and gradients:
        written |= {"dir": "both", **_both_ways(edge, turned)}
    else:
        written |= {"dir": "back"} if turned else {}
    if not edge.differentiable:
        written["style"] = "dashed"
    back = layout.ranks[edge.head] <= layout.ranks[edge.tail] and not beside
    if edge.again or back:  # lines that lead back place nothing
        written["constraint"] = "false"
    elif edge.head in layout.spine and layout.main[edge.head] == edge.tail:
        written["weight"] = str(_ALONG)
    elif beside:
        written["weight"] = str(_BESIDE)
    if text := label(edge, Padding(direction, beside)):
        written["label"] = text
    ends = f"{edge.head} -> {edge.tail}" if turned else f"{edge.tail} -> {edge.head}"
    return f"{ends} {attributes(written)}"


def _both_ways(edge: Edge, turned: bool) -> dict[str, str]:
    """The colours of a line with its gradient's way back, in the direction of the edge or `turned`."""
    backward = palette.UNSEEN if edge.pending else palette.ALARM if edge.wrong else palette.BACKWARD
    colours = (backward, palette.FORWARD) if turned else (palette.FORWARD, backward)
    return {"color": quote(":".join(colours)), **({"penwidth": "2.5"} if edge.wrong else {})}


def columns_between(edge: Edge, layout: Layout) -> range:
    """The columns that a line to the next row runs over."""
    first, last = sorted((layout.column(edge.head), layout.column(edge.tail)))
    return range(first, last + 1)


def leads_down(edge: Edge, layout: Layout) -> bool:
    return not edge.again and layout.rows[edge.tail] != layout.rows[edge.head] and not layout.names(edge)


class Stub(NamedTuple):
    """A box with names of what stands far away: its id and its node, and the lines that join it to the card."""

    id: str
    node: str
    lines: list[str]


def stubs_of(diagram: Diagram, layout: Layout, label: Callable[[Edge, Padding], str], head: str) -> Iterator[Stub]:
    """What a card uses that stands far away, by name: what gradients go back to in one box, above it or below."""
    names = {card.id: card.name for card in diagram.cards}
    uses: defaultdict[tuple[bool, str], list[tuple[int, Edge]]] = defaultdict(list)
    for place, edge in enumerate(diagram.edges):
        if edge.head == head and layout.names(edge):
            both = edge.differentiable and diagram.gradients
            uses[not both, f"{place}" if edge.rule else ""].append((place, edge))
    crowd = Counter(above for one, above in layout.beside.values() if one == head)
    crowd += Counter(
        one.head == head for one in diagram.edges if head in (one.tail, one.head) and leads_down(one, layout)
    )
    crowd[True] += sum(one.again and head in (one.tail, one.head) for one in diagram.edges)  # lines back run above
    placed = []
    for (alone, _), named in sorted(uses.items()):
        before = min(crowd[True], crowd[False]) > 0 and layout.column(head) > 0  # there is room in the column before
        above = crowd[True] <= crowd[False] and not before
        crowd[above] += not before
        placed.append((not alone, named, before, above))
    crossed = any(before for _, _, before, _ in placed)  # by a line from the left
    for both, named, before, above in placed:
        (first, one), *others = named
        box = f"stub{first}"
        shown = dict.fromkeys((names[edge.tail], edge.gradient) for _, edge in named)
        text = ", ".join(name for name, _ in shown)
        look = {"shape": "box", "style": quote("rounded,dashed"), "color": quote(palette.MUTED), "label": quote(text)}
        look |= {"fontcolor": quote(palette.INK), "height": "0.3", "width": "0.3", "margin": quote("0.08,0.02")}
        written = edge_attributes(first, one)
        if both:
            written |= {"dir": "both", **_both_ways(one, above)}
        else:
            written |= {"dir": "back"} if above else {}
        written |= {} if one.differentiable else {"style": "dashed"}
        told = "\n".join(number if not others else f"{name}: {number}" for name, number in shown if number)
        if line := label(replace(one, gradient=told), Padding("LR", beside=True, mirrored=crossed)):
            written["label"] = line
        ends = f"{head} -> {box}" if above else f"{box} -> {head}"
        written["class"] = quote(" ".join([written["class"].strip('"'), *(f"with-e{place}" for place, _ in others)]))
        same = [] if before else [f"{{ rank=same; {head}; {box} }}"]
        yield Stub(box, f"{box} {attributes(look)}", [*same, f"{ends} {attributes(written)}"])


def together(identity: str, nodes: Sequence[str]) -> str:
    """Nodes that nothing else stands between."""
    return f'subgraph cluster_with_{identity} {{ graph [peripheries=0 margin=0 label=""]; {"; ".join(nodes)} }}'


def _below(
    place: int, edge: Edge, head: str, layout: Layout, gradients: bool, label: Callable[[Edge, Padding], str]
) -> str:
    """An edge to the next row: down from its tail, along between the rows, and down to its head.

    It has a point in each column, which stands above what is there, lest Graphviz forgets the order of the cards.
    """
    both = edge.differentiable and gradients
    line = _both_ways(edge, turned=True) if both else {}
    line |= {} if edge.differentiable else {"style": "dashed"}
    row, columns = layout.rows[edge.head], columns_between(edge, layout)
    # Of each column a point, and what is under it and above it.
    under = {f"down{place}_{column}": layout.at(row, column) for column in columns}
    above = {f"down{place}_{column}": layout.at(row - 1, column) for column in columns}
    points = [one for one in under if under[one] or above[one]]
    look = {"shape": "point", "width": "0.01", "height": "0.01", "style": "invis", "label": quote("")}
    point = attributes({**look, "group": f"down{place}"})
    told = {"label": text} if (text := label(edge, Padding("LR", beside=False))) else {}
    wire = {"class": quote(f"wire of-e{place}"), **line}
    start, end = points[0], points[-1]
    if layout.column(edge.tail) < layout.column(edge.head):
        start, end = end, start
    lines = [f"subgraph cluster_row{row - 1} {{ {' '.join(f'{one} {point};' for one in points)} }}"]
    lines += [f"{{ rank=same; {(under[one] or above[one])[0]}; {one} }}" for one in points]
    lines += [f"{card} -> {one} {HIDDEN}" for one in points for card in under[one] if card != edge.head]
    straight = {"dir": "none", "weight": f"{_STRAIGHT}", "headclip": "false", "tailclip": "false"}
    pieces = [(edge.head, start, {"dir": "back"}), *((a, b, straight) for a, b in pairwise(points))]
    pieces.append((end, edge.tail, {"dir": "forward" if both else "none"}))
    for one, (a, b, look) in enumerate(pieces):
        whole = {**edge_attributes(place, edge), **line, **told} if one == len(pieces) // 2 else wire
        lines.append(f"{a} -> {b} {attributes({**whole, **look})}")
    return "\n".join(lines)
