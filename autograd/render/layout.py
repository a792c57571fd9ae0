"""Where cards stand, and about how large the picture will be.

The data's way through the program is a straight line, and what enters it stands beside it. The size is known
before Graphviz is asked, from the attributes that we give it, so that a picture whose text would be too small
for a slide can be collapsed. It is an estimate, a little on the large side.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from autograd.render import palette
from autograd.render.diagram import Diagram, Edge
from autograd.render.metrics import LINE, text_width
from autograd.render.style import Style

SMALLEST: Final = 12  # pixels, of any text on a slide
_INCH: Final = 72
_GAP: Final = 0.34 * _INCH + 1.5  # between two ranks, and between a card and its frame
_ROW_GAP: Final = 0.36 * _INCH
_MARGIN: Final = 9.0
_FRAME_TITLE: Final = 22.0
_LEGEND: Final = 32.0


@dataclass(frozen=True)
class Layout:
    """Where cards stand.

    Attributes:
        spine: the ids on a line, and the number of the line: one for each output.
        beside: for a card beside an operation, which and on which side.
        main: the main operand of each card that has operands.
        ranks: the column of each card, from 0; a card beside another has that one's.
    """

    spine: dict[str, int]
    beside: dict[str, tuple[str, bool]]
    main: dict[str, str]
    ranks: dict[str, int]


def arrange(diagram: Diagram) -> Layout:
    """Find the main path of data to each output, and an operation for every parameter and target.

    The main operand of an operation is the computed one with the longest history, else its data, else
    the first. A card that is nobody's main operand stands beside the first operation that uses it:
    the first such card on one side (true), the second on the other. More than two stand before it.
    """
    sources: dict[str, list[str]] = {card.id: [] for card in diagram.cards}
    for edge in diagram.edges:
        sources[edge.head].append(edge.tail)
    kinds = {card.id: card.kind for card in diagram.cards}
    depth: dict[str, int] = {}
    main: dict[str, str] = {}
    for card in diagram.cards:
        operands = sources[card.id]
        depth[card.id] = 1 + max((depth[operand] for operand in operands), default=-1)
        if operands:
            main[card.id] = max(operands, key=lambda operand: (depth[operand], kinds[operand] == "data"))
    spine: dict[str, int] = {}
    for line, output in enumerate(diagram.outputs):
        at: str | None = output.id
        while at is not None and at not in spine:
            spine[at] = line
            at = main.get(at)
    leading = set(main.values())
    beside: dict[str, tuple[str, bool]] = {}
    for head, operands in sources.items():
        entering = [o for o in dict.fromkeys(operands) if not (sources[o] or o in leading or o in beside)]
        if len(entering) <= 2:
            for operand, side in zip(entering, (True, False), strict=False):
                beside[operand] = head, side
    return Layout(spine, beside, main, _ranks(diagram, sources, beside))


def _ranks(diagram: Diagram, sources: dict[str, list[str]], beside: dict[str, tuple[str, bool]]) -> dict[str, int]:
    """The column of each card."""
    ranks: dict[str, int] = {}
    for card in diagram.cards:
        if card.id not in beside:
            before = [ranks[operand] for operand in sources[card.id] if operand in ranks]
            ranks[card.id] = max(before, default=-1) + 1
    users: dict[str, int] = {}
    for edge in diagram.edges:
        if edge.head in ranks:
            users[edge.tail] = min(users.get(edge.tail, ranks[edge.head]), ranks[edge.head])
    for card in diagram.cards:
        if card.id in beside:
            ranks[card.id] = ranks[beside[card.id][0]]
        elif not sources[card.id] and card.id in users:  # what enters stands right before its first user
            ranks[card.id] = max(users[card.id] - 1, 0)
    return ranks


@dataclass(frozen=True)
class Viewport:
    """The pixels that a picture is to fit into; `down`: it is drawn from top to bottom."""

    width: int = 1280
    height: int = 720
    down: bool = False

    def scale(self, width: float, height: float) -> float:
        """Pixels a point."""
        return min(self.width / width, self.height / height)


def fits(diagram: Diagram, viewport: Viewport, style: Style) -> bool:
    """Whether all text of a picture is readable where it is drawn into this viewport."""
    return palette.SHAPE * viewport.scale(*estimated_size(diagram, viewport, style)) >= SMALLEST


def estimated_size(diagram: Diagram, viewport: Viewport, style: Style) -> tuple[float, float]:
    """About how wide and high a picture is, in points."""
    layout = arrange(diagram)
    columns: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for card in diagram.cards:
        columns[layout.ranks[card.id]].append(style.size(card))
    along, across = (1, 0) if viewport.down else (0, 1)
    length = sum(max(size[along] for size in column) for column in columns.values())
    breadth = max(sum(size[across] for size in column) + _ROW_GAP * (len(column) - 1) for column in columns.values())
    gaps = _gaps(diagram, layout, viewport)
    length += sum(gaps.get(rank, _GAP) + style.gap for rank in sorted(columns)[1:])
    nesting = max((len(chain) for chain in _chains(diagram).values()), default=0)
    length += 2 * _MARGIN * nesting + 20
    breadth += (2 * _MARGIN + _FRAME_TITLE) * nesting
    around = _LEGEND * (1 + len(diagram.notes)) + (28.0 if diagram.title else 0.0)
    if viewport.down:
        return breadth, length + nesting * _FRAME_TITLE + around
    return length, breadth + around + 12


def _gaps(diagram: Diagram, layout: Layout, viewport: Viewport) -> dict[int, float]:
    """The space before each rank: for arrows, the frames that end and begin there, and labels."""
    chains = _chains(diagram)
    around = {card.id: chains.get(card.cluster, set()) for card in diagram.cards}
    widest: defaultdict[int, float] = defaultdict(float)
    crossed: defaultdict[int, int] = defaultdict(int)
    for edge in diagram.edges:
        rank = layout.ranks[edge.head]
        if layout.ranks[edge.tail] != rank:
            crossed[rank] = max(crossed[rank], len(around[edge.tail] ^ around[edge.head]))
            widest[rank] = max(widest[rank], _label_length(edge, viewport))
    return {rank: _GAP + (widest[rank] and widest[rank] + 8) + 3.0 * max(crossed[rank] - 1, 0) for rank in crossed}


def _chains(diagram: Diagram) -> dict[str, set[str]]:
    """Each cluster with all that it stands in."""
    chains: dict[str, set[str]] = {}
    for cluster in diagram.clusters:  # outer ones first
        chains[cluster.id] = {cluster.id} | chains.get(cluster.parent, set())
    return chains


def _label_length(edge: Edge, viewport: Viewport) -> float:
    if viewport.down:
        return palette.EDGE * LINE * bool(edge.backward or edge.forward)
    return max(text_width(edge.backward, palette.EDGE), text_width(edge.forward, palette.EDGE))
