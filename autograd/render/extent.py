"""How large a picture will be, before Graphviz is asked: whether its text will be readable on a slide.

What Graphviz adds between cards is known from the attributes that we give it. It is an estimate, a little on
the large side.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from autograd.notation.numbers import Shown
from autograd.render import palette
from autograd.render.diagram import Card, Cluster, Diagram, Edge
from autograd.render.layout import Layout, arrange
from autograd.render.letters import width
from autograd.render.plain import lines

SMALLEST: Final = 12  # pixels, of any text on a slide
_LINE: Final = 1.17  # height of a line, of its type size
_INCH: Final = 72
_GAP: Final = 0.34 * _INCH + 1.5  # between two ranks, and between a card and its frame
_ROW_GAP: Final = 0.36 * _INCH
_MARGIN: Final = 9.0
_FRAME_TITLE: Final = 22.0
_LEGEND: Final = 32.0


@dataclass(frozen=True)
class Room:
    """The pixels that a picture is to fit into."""

    width: int = 1280
    height: int = 720
    down: bool = False  # drawn from top to bottom

    def scale(self, width: float, height: float) -> float:
        """Pixels a point."""
        return min(self.width / width, self.height / height)


def fits(diagram: Diagram, room: Room, style: str = "cards") -> bool:
    """Whether all text of a picture is readable where it is drawn into this room.

    A picture of very few cards cannot be told with fewer.
    """
    return palette.SHAPE * room.scale(*extent(diagram, room, style)) >= SMALLEST


def extent(diagram: Diagram, room: Room, style: str = "cards") -> tuple[float, float]:
    """About how wide and high a picture is, in points."""
    layout = arrange(diagram)
    across: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for card in diagram.cards:
        across[layout.ranks[card.id]].append(_sizes(card, style))
    along, over = (1, 0) if room.down else (0, 1)
    lengths = [max(box[along] for box in across[rank]) for rank in sorted(across)]
    widths = [sum(box[over] for box in boxes) + _ROW_GAP * (len(boxes) - 1) for boxes in across.values()]
    gaps = [_gap(diagram, layout, rank, room, style) for rank in sorted(across)[1:]]
    frames = _frames(diagram)
    length = sum(lengths) + sum(gaps) + 2 * _MARGIN * frames + 20
    breadth = max(widths) + (2 * _MARGIN + _FRAME_TITLE) * frames
    title = 28.0 if diagram.title else 0.0
    legend = _LEGEND * (1 + len(diagram.notes))
    if room.down:
        return breadth, length + frames * _FRAME_TITLE + legend + title
    return length, breadth + legend + title + 12


def _sizes(card: Card, style: str) -> tuple[float, float]:
    if style == "circuit":
        return _gate(card)
    if style == "plain":
        told = [line.text for line in lines(card)]
        return max(width(text, palette.BODY) for text in told) + 18, 1.2 * palette.BODY * len(told) + 8
    return size(card)


def _frames(diagram: Diagram) -> int:
    """How many frames stand within each other."""
    depth: dict[str, int] = {"": 0}
    for cluster in diagram.clusters:
        depth[cluster.id] = depth.get(cluster.home, 0) + 1
    return max(depth.values())


def _gap(diagram: Diagram, layout: Layout, rank: int, room: Room, style: str) -> float:
    """The room before a rank: for arrows, the frames that end and begin there, and labels."""
    homes = {card.id: card.home for card in diagram.cards}
    widest = crossed = 0.0
    parents = {cluster.id: cluster for cluster in diagram.clusters}
    for edge in diagram.edges:
        if layout.ranks[edge.head] != rank or layout.ranks[edge.tail] == rank:
            continue
        crossed = max(crossed, len(_chain(homes[edge.tail], parents) ^ _chain(homes[edge.head], parents)))
        widest = max(widest, _edge_label(edge, room))
    sign = 40.0 + _GAP if style == "circuit" else 7.0 if style == "plain" else 0.0
    return _GAP + (widest + 8 if widest else 0.0) + 3.0 * max(crossed - 1, 0) + sign


def _chain(home: str, parents: dict[str, Cluster]) -> set[str]:
    found = set()
    while home:
        found.add(home)
        home = parents[home].home
    return found


def _edge_label(edge: Edge, room: Room) -> float:
    if room.down:
        return palette.EDGE * _LINE * bool(edge.back or edge.carried)
    return max(width(edge.back, palette.EDGE), width(edge.carried, palette.EDGE))


def _gate(card: Card) -> tuple[float, float]:
    """A wire of a circuit, with its name in front."""
    total = width(f"{card.total} 0.00", 15) if card.total else 0.0
    return max(70.0, total, width("000.00", 15)) + width(card.name, 17) * (not card.expression) + 10, 56.0


def size(card: Card) -> tuple[float, float]:
    """About how wide and high a card is, in points."""
    title = width(card.name, palette.TITLE, bold=True)
    title += width(f" = {card.expression}", palette.TITLE) if card.expression else 0.0
    wide = [title, width(card.path, palette.SHAPE), width(card.shape, palette.SHAPE)]
    high = palette.TITLE * _LINE + 10 + sum(palette.SHAPE * _LINE for line in (card.path, card.shape) if line)
    if card.facts:
        columns = [(width(fact.about, palette.LEGEND), width(fact.text, palette.LEGEND)) for fact in card.facts]
        wide.append(sum(map(max, zip(*columns, strict=True))) + 14)
        high += len(card.facts) * (palette.LEGEND * _LINE + 4) + 6
    for shown, more in ((card.value, ""), (card.gradient, card.total)):
        if shown is not None:
            box = numbers_size(shown)
            wide.append(box[0] + (width(more, palette.BODY) + 8 if more else 0.0))
            high += box[1]
    if card.note:
        wide.append(width(card.note, palette.SHAPE))
        high += palette.SHAPE * _LINE + 2
    if card.hand is not None and card.gradient is not None:
        wide.append(numbers_size(card.hand)[0] + numbers_size(card.gradient)[0] + 10)
        high += palette.SHAPE * _LINE + 4
    if card.verdict:
        wide.append(width(f"✗ {card.verdict}: {card.remark}", palette.EDGE) + 6)
        high += palette.EDGE * _LINE + 6
    return max(wide) + 11, high + 4


def numbers_size(shown: Shown) -> tuple[float, float]:
    """About how wide and high the numbers of a card are, in points."""
    wide, high = 0.0, 6.0
    if shown.cells:
        columns: list[Any] = list(zip(*shown.cells, strict=True))
        wide = sum(max(width(text, palette.BODY) for text in column) + 4 for column in columns)
        high += len(shown.cells) * (palette.BODY * _LINE + 4)
    if shown.heat:
        wide, high = 12.0 * len(shown.heat[0]) + 6, high + 12.0 * len(shown.heat) + 6
    lines = [line for line in shown.lines if not (shown.heat and line.startswith("mean"))]
    kind = palette.SHAPE if shown.heat else palette.BODY
    return max([wide, *(width(line, kind) + 4 for line in lines)]) + 6, high + len(lines) * (kind * _LINE + 4)
