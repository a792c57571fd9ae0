"""About how large a picture will be, and in which rows its cards are to stand.

The size is known before Graphviz is asked, from the attributes that we give it, so that a picture whose text would be
too small for a slide can be collapsed. It is an estimate, a little on the large side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, combinations, product
from math import ceil, comb
from typing import Final, Literal

from autograd.render import palette
from autograd.render.arrangement import Layout, arrange
from autograd.render.diagram import Diagram, Edge
from autograd.render.metrics import LINE, text_width
from autograd.render.palette import legend
from autograd.render.style import Style

Rows = Literal["one", "tidy", "any"]
SMALLEST: Final = 12  # pixels, of any text on a slide
_INCH: Final = 72
_GAP: Final = 1.5  # between two ranks, beyond Graphviz's: to the frame of a card
_MARGIN: Final = 9.0
_FRAME_TITLE: Final = 22.0
_LEGEND: Final = 26.0
_TITLE_LETTER: Final = 8.0
_TRACK: Final = 24.0
MARGIN_OF_ERROR: Final = 1.045  # of what is estimated
_BETWEEN_ROWS: Final = 64.0  # with the line that leads from the end of one to the beginning of the next
LARGEST: Final = 2.0  # scale, so that a picture of two cards does not fill a wall
_GUTTERS: Final = 24.0  # or without it, where names stand for what is in other rows
_HIGHEST: Final = (6, 5, 4, 3, 2)  # cards in one column, before further ones go to another where they can
_MOST_ROWS: Final = 4
_MOST_IN_ROWS: Final = 80  # cards: more could not be read in any case
_WORTH: Final = 1.12  # how much larger text must get by one more row
_FILLED: Final = 0.72  # of the height, that one row should take at least: two thirds, as far as can be estimated
_LOW_WORTH: Final = 0.85  # of the size of text in a row that takes less
_AMPLE: Final = 1.6  # times the least size of text: no larger text is wanted
_SPLIT: Final = 0.4  # what it costs to cut a frame, of the size of text
_WIDOW: Final = 0.5  # of the columns of the longest row
_CROSSED: Final = 0.04  # and a use of what stands in another row
_UNEVEN: Final = 0.15  # and of rows, the shorter of which has no columns
_MOST_CROSSED: Final = 2  # such uses in rows that are tidy
_MOST_ARCS: Final = 2  # lines that span columns
_STUB: Final = 22.0  # points, the height of a box with names that stand for a card of another row
_MOST_TRIED: Final = 600  # ways to break a line


def spacing(diagram: Diagram) -> tuple[float, float]:
    """Inches between two ranks, and between two cards of a rank: less where cards are to be narrow."""
    return (0.26, 0.22) if any(card.narrow for card in diagram.cards) else (0.34, 0.36)


@dataclass(frozen=True)
class Viewport:
    """The pixels that a picture is to fit into; `down`: it is drawn from top to bottom; `least`: of any text."""

    width: int = 1280
    height: int = 720
    down: bool = False
    least: float = SMALLEST

    def scale(self, width: float, height: float) -> float:
        """Pixels a point."""
        return min(self.width / width, self.height / height)


def readable(width: float, height: float, viewport: Viewport) -> float:
    """How large the smallest text of a picture is in this viewport, compared to the least that can be read."""
    return palette.SHAPE * viewport.scale(width, height) / viewport.least


def estimated_size(diagram: Diagram, viewport: Viewport, style: Style) -> tuple[float, float]:
    """About how wide and high a picture is, in points."""
    layout = arrange(replace(diagram, breaks=()))
    return _Estimate(diagram, viewport, style, sizes_of(diagram, style), layout).size(diagram.breaks)


def sizes_of(diagram: Diagram, style: Style) -> dict[str, tuple[float, float]]:
    """About how wide and high each card is, in points."""
    return {card.id: style.size(card) for card in diagram.cards}


def broken(diagram: Diagram, viewport: Viewport, style: Style, rows: Rows = "any") -> Diagram:
    """The diagram in as many `rows` as make its text largest, and as wide as it will be."""
    least, best = MARGIN_OF_ERROR * viewport.least / palette.SHAPE, 0.0
    in_rows = bool(style.rows) and not viewport.down
    sizes, arranged = sizes_of(diagram, style), None
    diagram = replace(diagram, arcs=_MOST_ARCS if in_rows else None)
    for high in _HIGHEST:  # as much side by side as can be read
        layout = arrange(tall := replace(diagram, high=high, breaks=()))
        if layout == arranged:
            continue
        tried, arranged = _Estimate(tall, viewport, style, sizes, layout), layout
        scale = viewport.scale(*tried.size(()))
        if best < min(scale, least):
            best, estimate = scale, tried
    several = in_rows and rows != "one" and len(diagram.cards) <= _MOST_IN_ROWS
    breaks = _best_breaks(estimate, viewport, style, rows == "any") if several else ()
    size = estimate.size(breaks)
    return replace(estimate.diagram, breaks=breaks, width=size[0], size=size)


def _best_breaks(estimate: _Estimate, viewport: Viewport, style: Style, any_rows: bool) -> tuple[int, ...]:
    """The ranks at which further rows begin, if one row has text smaller than is enough for the style, or fills too
    little of the height; the fewest of about equal.

    Unless `any_rows` will do, few values are used in other rows, no frame is cut, and no row is much shorter.
    """
    smallest = viewport.least / palette.SHAPE
    width, height = estimate.size(())
    single = viewport.scale(width, height)
    low = height * single < _FILLED * viewport.height and single < _AMPLE * smallest
    if single >= style.rows * smallest and not low:
        return ()
    best: tuple[int, ...] = ()
    largest = single >= MARGIN_OF_ERROR * smallest, single * (_LOW_WORTH if low else 1.0)
    first = False, 0.0, 0.0
    for count in range(1, _MOST_ROWS):
        least = largest[0], largest[1] * (1.0 if low and count == 1 else _WORTH)
        for breaks in estimate.candidates(count):
            cut, crossing = estimate.cut(breaks), estimate.crossing(breaks)
            if not any_rows and (cut or crossing > _MOST_CROSSED or estimate.has_widow(breaks)):
                continue
            width, height = estimate.size(breaks)
            scale = viewport.scale(width, height)
            cost = 1 + _SPLIT * cut + _CROSSED * crossing
            worth = scale >= MARGIN_OF_ERROR * smallest, scale / cost
            # Of about equal ones the rows alike in length.
            order = worth[0], scale / (cost + _UNEVEN * estimate.unevenness(breaks)), -width
            if worth > least and order > first:
                best, largest, first = breaks, worth, order
    return best


class _Estimate:
    """How large a picture is, from the sizes of its cards and the space between its columns."""

    def __init__(
        self,
        diagram: Diagram,
        viewport: Viewport,
        style: Style,
        sizes: Mapping[str, tuple[float, float]],
        layout: Layout,
    ) -> None:
        self.diagram, self._down, self._gap = diagram, viewport.down, style.gap
        self._between_rows = _BETWEEN_ROWS if style.cards else _GUTTERS
        self._led = int(not style.cards)  # columns for the name of what leads from one row to the next
        along, across = (1, 0) if viewport.down else (0, 1)
        # Of each card: the rank that decides on its row, its column, its sides along and across the rows, and whether
        # it is above the line (1), on it (0) or below (-1), or wherever there is room (None).
        self._cards = []
        for card in diagram.cards:
            size, one = sizes[card.id], card.id
            side = 0 if one in layout.spine else (2 * layout.sides[one] - 1) if one in layout.sides else None
            self._cards.append((layout.anchors[one], layout.ranks[one], size[along], size[across], side))
        self._apart, self._between = (_INCH * inches for inches in spacing(diagram))
        self._apart += _GAP
        self._gaps = _gaps(diagram, layout, viewport)
        names = {card.id: card.name for card in diagram.cards}
        # Of each use the ranks that decide on the rows of both ends, the column of the head, the box and the width of a
        # name beside it, unless it is the line from one row to the next; whether it has that in any case, and a number.
        self._edges = [
            (
                layout.anchors[edge.tail],
                layout.anchors[edge.head],
                layout.ranks[edge.head],
                (edge.head, edge.differentiable),
                0.0 if layout.leads_on(edge) else text_width(f"{names[edge.tail]}, ", palette.BODY),
                edge in layout.far,
                bool(edge.backward),
            )
            for edge in diagram.edges
            if not edge.again
        ]
        self._tracks: Counter[int] = Counter()  # lines that pass a column, and those that lead back over it
        for edge in diagram.edges:
            if edge in layout.far:
                continue
            tail, head = sorted((layout.ranks[edge.tail], layout.ranks[edge.head]))
            self._tracks.update(range(tail, head + 1) if edge.again else range(tail + 1, head))
        self._chains = _chains(diagram)
        self._nesting = max((len(chain) for chain in self._chains.values()), default=0)
        self._ranks = sorted(set(layout.ranks.values()))
        self._spans: dict[str, tuple[int, int]] = {}
        for card in diagram.cards:
            rank = layout.ranks[card.id]
            for cluster in self._chains.get(card.cluster, ()):
                first, last = self._spans.get(cluster, (rank, rank))
                self._spans[cluster] = min(first, rank), max(last, rank)

    def size(self, breaks: Sequence[int]) -> tuple[float, float]:
        """Width and height in points, with further rows at these ranks."""
        rows: list[dict[int, tuple[float, float]]] = [{} for _ in range(len(breaks) + 1)]
        # Of each column the height on the line, above it and below.
        placed: list[defaultdict[int, list[float]]] = [defaultdict(lambda: [0.0, 0.0, 0.0]) for _ in rows]
        for anchor, rank, along, across, side in self._cards:
            row = rows[bisect_right(breaks, anchor)]
            widest, total = row.get(rank, (0.0, -self._between))
            crowded = total > 0  # cards around the line stand further apart
            row[rank] = max(widest, along), total + across + self._between * (1.5 if crowded else 1.0)
            if side is not None:
                placed[bisect_right(breaks, anchor)][rank][side] += across + self._between * (1.5 if side else 0.0)
        # Of each box its width, and the height of its numbers.
        boxes: defaultdict[tuple[int, int, tuple[str, bool]], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for tail, head, rank, box, wide, far, numbered in self._edges:
            place = bisect_right(breaks, head)
            across = bisect_right(breaks, tail) != place
            if wide and (far or across) and rank in rows[place]:
                boxes[place, rank, box][0] += wide
                boxes[place, rank, box][1] += numbered * palette.EDGE * LINE
            elif across and not wide:
                placed[place][rank][1] += 1  # that line comes from above
        for (place, rank, _), (wide, numbers) in boxes.items():
            widest, total = rows[place][rank]
            high = _STUB + self._between + numbers
            rows[place][rank] = max(widest, wide + _STUB), total + high
            around = placed[place][rank]
            around[1 if around[1] <= around[-1] else -1] += high + 0.5 * self._between
        columns: defaultdict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))  # those of all rows are alike
        for place, row in enumerate(rows):
            first = min(row, default=0) - self._led * bool(place)
            for rank, (widest, _) in row.items():
                wide, gap = columns[rank - first]
                columns[rank - first] = max(wide, widest), max(gap, self._gaps.get(rank, self._apart) + self._gap)
        length = sum(map(sum, columns.values())) - columns[0][1]
        breadth = 0.0
        for row, heights in zip(rows, placed, strict=True):
            high = max((total + _TRACK * self._tracks[rank] for rank, (_, total) in row.items()), default=0.0)
            # What stands above the line in one column and below it in another adds up.
            sides = [max((one[0] / 2 + one[side] for one in heights.values()), default=0.0) for side in (1, -1)]
            breadth += max(high, sum(sides))
        length += 2 * _MARGIN * self._nesting + 20
        breadth += (2 * _MARGIN + _FRAME_TITLE) * self._nesting * len(rows) + self._between_rows * len(breaks)
        diagram = self.diagram
        told = legend(replace(diagram, width=breadth if self._down else length))
        titles = ceil(len(diagram.title) * _TITLE_LETTER / max(breadth if self._down else length, 1.0))
        more = 6.0 + _LEGEND * len(told) + (12.0 + 17.0 * titles if diagram.title else 0.0)
        if self._down:
            return breadth, length + self._nesting * _FRAME_TITLE + more
        return length, breadth + more + 12

    def candidates(self, count: int) -> Iterator[tuple[int, ...]]:
        """So many breaks: all of them where there are few columns, else such that rows are about alike."""
        ranks = sorted({anchor for anchor, *_ in self._cards})[1:]  # where a row begins, a card does
        if comb(len(ranks), count) <= _MOST_TRIED:
            yield from combinations(ranks, count)
            return
        widths: defaultdict[int, float] = defaultdict(float)
        for _, rank, along, *_ in self._cards:
            widths[rank] = max(widths[rank], along + self._gaps.get(rank, self._apart) + self._gap)
        ends = [*accumulate(widths[rank] for rank in self._ranks)]
        alike = [bisect_right(ends, ends[-1] * row / (count + 1)) for row in range(1, count + 1)]
        for moved in product((-1, 0, 1), repeat=count):
            places = [place + by for place, by in zip(alike, moved, strict=True)]
            breaks = tuple(self._ranks[place] for place in places if 0 <= place < len(self._ranks))
            if len(breaks) == count and {*breaks} <= {*ranks} and [*breaks] == sorted({*breaks}):
                yield breaks

    def crossing(self, breaks: Sequence[int]) -> int:
        """How many uses there are of what stands in another row, besides the line at the end of each."""
        return sum(
            bool(wide) and not far and bisect_right(breaks, tail) != bisect_right(breaks, head)
            for tail, head, _, _, wide, far, _ in self._edges
        )

    def has_widow(self, breaks: Sequence[int]) -> bool:
        """Whether a row has far fewer columns than another one."""
        return self.unevenness(breaks) > 1 - _WIDOW

    def unevenness(self, breaks: Sequence[int]) -> float:
        """How many columns the shortest row has less than the longest, of the columns of that."""
        columns = Counter(bisect_right(breaks, rank) for rank in self._ranks)
        least = 0 if len(columns) <= len(breaks) else min(columns.values())
        return 1 - least / max(columns.values())

    def cut(self, breaks: Sequence[int]) -> int:
        """How many frames these breaks cut, but for one around more than a row would hold of all."""
        whole = len(self._ranks) / (len(breaks) + 1)
        spans = [(first, last) for first, last in self._spans.values() if last - first < whole]
        return sum(first < rank <= last for rank in breaks for first, last in spans)


def _gaps(diagram: Diagram, layout: Layout, viewport: Viewport) -> dict[int, float]:
    """The space before each rank: for arrows, the frames that end and begin there, and labels."""
    chains = _chains(diagram)
    around = {card.id: chains.get(card.cluster, set()) for card in diagram.cards}
    widest: defaultdict[int, float] = defaultdict(float)
    crossed: defaultdict[int, int] = defaultdict(int)
    for edge in diagram.edges:
        rank = layout.ranks[edge.head]
        if layout.ranks[edge.tail] != rank and not edge.again:
            crossed[rank] = max(crossed[rank], len(around[edge.tail] ^ around[edge.head]))
            middle = (layout.ranks[edge.tail] + rank + 1) // 2  # where Graphviz puts a label
            widest[middle] = max(widest[middle], _label_length(edge, viewport))
    ranks = {*crossed, *widest}
    apart = _INCH * spacing(diagram)[0] + _GAP
    return {rank: apart + (widest[rank] and widest[rank] + 8) + 3.0 * max(crossed[rank] - 1, 0) for rank in ranks}


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
