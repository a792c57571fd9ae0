"""The DOT text that the styles share: the digraph, its cards in their clusters, and its edges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from autograd.render import palette
from autograd.render.arrangement import Layout, arrange
from autograd.render.diagram import Card, Cluster, Diagram, Direction, Edge
from autograd.render.layout import spacing
from autograd.render.metrics import text_width

_ALONG: Final = 20  # weights: the straighter, the more
_BESIDE: Final = 3
_STRAIGHT: Final = 50
_BLANK: Final = "\N{NO-BREAK SPACE}"
_GUTTER: Final = 12  # points around a row, for the line that leads to the next
_HIDDEN: Final = '[style=invis class="wire"]'
_OFF_CENTRE: Final = 7  # points, twice the distance of a line and the middle of its label, less two gaps


class Padding:
    """Blanks that keep the label of an edge off its line, where that runs down the picture."""

    def __init__(self, direction: Direction, beside: bool) -> None:
        """Where the edge runs: to a card `beside` another, or in the picture's direction."""
        self.left, self.right = direction == "LR" and beside, direction == "TB" and not beside

    def __call__(self, text: str) -> str:
        """A line of the label with its blanks.

        Graphviz begins a label at the line of an edge that runs down, but centres that of an edge within a
        column a little to its left, however wide it is.
        """
        if self.left:
            wide = text_width(text, palette.EDGE) - _OFF_CENTRE
            return text + _BLANK * max(round(wide / text_width(_BLANK, palette.EDGE)), 1)
        return _BLANK * 2 * self.right + text + _BLANK * self.right


def document(
    diagram: Diagram,
    direction: Direction,
    *,
    fonts: str,
    node: Callable[[Card], Mapping[str, str]],
    edge: Callable[[Edge, Padding], str],
    cluster: Callable[[Cluster], str],
    legend: str,
    title: str = "",
    ranksep: float | None = None,
) -> str:
    """A DOT document with a node a card; all strings are values of DOT attributes.

    Args:
        diagram, direction: what is drawn, and whether "LR" or "TB".
        fonts: the font families, best first.
        node: the attributes of a card.
        edge: the label of an edge, or "".
        cluster: the label of a cluster.
        legend, title: what stands below and above the picture.
        ranksep: inches between ranks, where they are not those of cards.
    """
    layout = arrange(diagram)
    apart, between = spacing(diagram)
    # Graphviz keeps to this order around frames: what stands above a card, the cards, what stands below one.
    order = {card: 0 if above else 2 for card, (_, above) in layout.beside.items()}
    diagram = replace(diagram, cards=tuple(sorted(diagram.cards, key=lambda card: order.get(card.id, 1))))

    frames = {card.id: card.cluster for card in diagram.cards}
    crowd = Counter(layout.ranks[card] for card in layout.main)  # cards that others enter, by column

    def statement(card: Card) -> Iterator[str]:
        line = f"spine {layout.spine.get(card.id)} {layout.rows[card.id] or ''}".rstrip()
        group = {"group": quote(line)} if card.id in layout.spine else {}
        written = f"{card.id} {attributes({**card_attributes(card), **group, **node(card)})}"
        nodes = [written, *(stub.node for stub in stubs.get(card.id, []))]
        near = [one for one, (at, _) in layout.beside.items() if at == card.id and frames[one] == card.cluster]
        alone = crowd[layout.ranks[card.id]] == 1
        yield "; ".join(nodes) if diagram.breaks or alone or not nodes[1:] else _together(card.id, nodes + near)

    columns = [(layout.beside[card.id][0], card.id) for card in diagram.cards if card.id in layout.beside]
    same = [f"{{ rank=same; {first}; {second} }}" for first, second in (*columns, *diagram.same_rank)]
    lines = same if diagram.same_rank else [*columns_of(diagram, layout)]
    lines += rows_below(diagram, layout, layout.ranks.keys())
    lines += [
        _edge(place, one, layout, direction, diagram.gradients, edge)
        for place, one in enumerate(diagram.edges)
        if not layout.names(one)
    ]
    stubs = {one.head: [*_stubs(diagram, layout, edge, one.head)] for one in diagram.edges if layout.names(one)}
    lines += [line for one in stubs.values() for stub in one for line in stub.lines]
    for place, one in enumerate(diagram.edges):
        if _leads_down(one, layout):  # above the boxes with names too
            row, columns_crossed = layout.rows[one.head], _columns_between(one, layout)
            lines += [
                f"{stub.id} -> down{place}_{layout.column(head)} {_HIDDEN}"
                for head, boxes in stubs.items()
                if layout.rows[head] == row and layout.column(head) in columns_crossed
                for stub in boxes
            ]
    line = {"color": quote(palette.FORWARD), "penwidth": "1.5", "arrowsize": "0.75"}
    if any(edge.backward or edge.forward for edge in diagram.edges):
        font = {"fontname": quote(fonts), "fontsize": f"{palette.EDGE}", "fontcolor": quote(palette.GRADIENT)}
        line |= font
    return digraph(
        diagram,
        graph={
            **graph_attributes(direction, ranksep or apart, between),
            # The second search for fewer crossings, after the clusters, forgets which card is above another.
            **({} if diagram.clusters or not layout.stacked else {"remincross": "false"}),
            "fontname": quote(fonts),
            "label": legend,
        },
        node={"shape": "plain", "fontname": quote(fonts), "fontsize": f"{palette.BODY}"},
        edge=line,
        title=title,
        statement=statement,
        cluster=cluster,
        lines=lines,
        rows=layout.rows,
    )


def columns_of(diagram: Diagram, layout: Layout) -> Iterator[str]:
    """What puts each card into its column, and the upper one of two above the other."""
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for card in layout.ranks:
        columns[layout.column(card)].append(card)
    yield from (f"{{ rank=same; {'; '.join(columns[column])} }}" for column in sorted(columns) if columns[column][1:])
    same = [edge for edge in diagram.edges if layout.rows[edge.tail] == layout.rows[edge.head]]
    placed = [edge for edge in same if not layout.names(edge)]
    joined = {(layout.column(edge.tail), layout.column(edge.head)) for edge in placed}
    pairs = [(columns[a][0], columns[b][0]) for a, b in pairwise(sorted(columns)) if (a, b) not in joined]
    pairs += [(below, above) for above, below in layout.stacked]
    yield from (f"{a} -> {b} {_HIDDEN}" for a, b in pairs)


def rows_below(diagram: Diagram, layout: Layout, placed: Collection[str]) -> Iterator[str]:
    """What puts the cards of each row under those before, column by column, where no other edge joins them."""
    joined = {frozenset((edge.tail, edge.head)) for edge in diagram.edges}
    columns: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for card in placed:
        columns[layout.rows[card], layout.column(card)].append(card)
    for (row, column), cards in sorted(columns.items()):
        pairs = [(a, b) for b in cards for a in columns.get((row - 1, column), ()) if frozenset((a, b)) not in joined]
        if pairs:
            yield f"{{ rank=same; {pairs[0][0]}; {pairs[0][1]} }}"
        for above, below in pairs:
            yield f"{below} -> {above} {_HIDDEN}"


def _columns_between(edge: Edge, layout: Layout) -> range:
    """The columns that a line to the next row runs over."""
    first, last = sorted((layout.column(edge.head), layout.column(edge.tail)))
    return range(first, last + 1)


def _leads_down(edge: Edge, layout: Layout) -> bool:
    return not edge.again and layout.rows[edge.tail] != layout.rows[edge.head] and not layout.names(edge)


def _rows(diagram: Diagram) -> range:
    return range(len(diagram.breaks) + 1)


def digraph(
    diagram: Diagram,
    *,
    graph: Mapping[str, str],
    node: Mapping[str, str],
    edge: Mapping[str, str],
    title: str,
    statement: Callable[[Card], Iterator[str]],
    cluster: Callable[[Cluster], str],
    lines: Iterable[str],
    rows: Mapping[str, int],
) -> str:
    """A DOT document of default attributes, the statements of the cards in their clusters, and further lines."""
    ordered = _rows(diagram)[::-1] if diagram.turned else _rows(diagram)
    return "\n".join(
        [
            "digraph computation {",
            f"graph {attributes(graph)}",
            f"node {attributes(node)}",
            f"edge {attributes(edge)}",
            # A cluster without a frame, for the title; and edges within a rank point up only inside a cluster.
            "subgraph cluster_picture {",
            f"graph {attributes({'peripheries': '0', 'margin': '4', 'labelloc': 't', 'label': title or quote('')})}",
            *(line for row in ordered for line in _row(diagram, row, rows, statement, cluster)),
            *lines,
            "}",
            "}",
            "",
        ]
    )


def _row(
    diagram: Diagram,
    row: int,
    rows: Mapping[str, int],
    statement: Callable[[Card], Iterator[str]],
    title: Callable[[Cluster], str],
) -> Iterator[str]:
    """The statements of the cards of a row, where there are several in a cluster without a frame."""
    if not diagram.breaks:
        yield from _clustered(diagram.cards, diagram.clusters, statement, title)
        return
    suffix = f"_{row}" if row else ""
    clusters = [replace(one, id=one.id + suffix, parent=one.parent and one.parent + suffix) for one in diagram.clusters]
    cards = [card for card in diagram.cards if rows[card.id] == row]
    placed = [replace(card, cluster=card.cluster and card.cluster + suffix) for card in cards]
    yield f"subgraph cluster_row{row} {{"
    yield f"graph {attributes({'peripheries': '0', 'margin': f'{_GUTTER}', 'label': quote('')})}"
    yield from _clustered(placed, clusters, statement, title)
    yield "}"


def _clustered(
    cards: Sequence[Card],
    framed: Sequence[Cluster],
    statement: Callable[[Card], Iterator[str]],
    title: Callable[[Cluster], str],
) -> Iterator[str]:
    """The statements of the cards, each in its cluster; a cluster stands where its first card does."""
    inside: defaultdict[str, list[Card | Cluster]] = defaultdict(list)
    clusters = {cluster.id: cluster for cluster in framed}
    placed: set[str] = set()
    for card in cards:
        inside[card.cluster].append(card)
        around = card.cluster
        while around and around not in placed:
            placed.add(around)
            inside[clusters[around].parent].append(clusters[around])
            around = clusters[around].parent
    pending: list[Card | Cluster | str] = list(reversed(inside[""]))
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Card):
            yield from statement(part)
        else:
            yield f"subgraph cluster_{part.id} {{"
            yield f"graph {attributes(_cluster(part, title(part)))}"
            pending += ["}", *reversed(inside[part.id])]


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


def graph_attributes(direction: Direction, ranksep: float, nodesep: float) -> dict[str, str]:
    """The attributes of the whole graph."""
    return {
        "rankdir": direction,
        "newrank": "true",
        "nodesep": f"{nodesep}",
        "ranksep": f"{ranksep}",
        "pad": "0.08",
        "bgcolor": quote(palette.CANVAS),
        "labelloc": "b",
        "charset": quote("UTF-8"),
    }


def card_attributes(card: Card) -> dict[str, str]:
    """What names the node of a card in the SVG."""
    return {"id": quote(card.id), "class": quote(f"card {card.kind}")}


def edge_attributes(place: int, edge: Edge) -> dict[str, str]:
    """What names an edge in the SVG, by its place in the diagram."""
    return {"id": quote(f"e{place}"), "class": quote("use differentiable" if edge.differentiable else "use")}


def _edge(
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
    if _leads_down(edge, layout):
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


class _Stub(NamedTuple):
    """A box with names of what stands far away: its id and its node, and the lines that join it to the card."""

    id: str
    node: str
    lines: list[str]


def _stubs(diagram: Diagram, layout: Layout, label: Callable[[Edge, Padding], str], head: str) -> Iterator[_Stub]:
    """What a card uses that stands far away, by name: what gradients go back to in one box, above it or below."""
    names = {card.id: card.name for card in diagram.cards}
    uses: defaultdict[tuple[bool, str], list[tuple[int, Edge]]] = defaultdict(list)
    for place, edge in enumerate(diagram.edges):
        if edge.head == head and layout.names(edge):
            both = edge.differentiable and diagram.gradients
            uses[not both, f"{place}" if edge.rule else ""].append((place, edge))
    crowd = Counter(above for one, above in layout.beside.values() if one == head)
    crowd += Counter(
        one.head == head for one in diagram.edges if head in (one.tail, one.head) and _leads_down(one, layout)
    )
    for (alone, _), named in sorted(uses.items()):
        both = not alone
        before = min(crowd[True], crowd[False]) > 0 and layout.column(head) > 0  # there is room in the column before
        above = crowd[True] <= crowd[False] and not before
        crowd[above] += not before
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
        every = all(number for _, number in shown)
        told = ", ".join(number if every else f"{name}: {number}" for name, number in shown if number)
        if line := label(replace(one, gradient=told), Padding("LR", beside=True)):
            written["label"] = line
        ends = f"{head} -> {box}" if above else f"{box} -> {head}"
        written["class"] = quote(" ".join([written["class"].strip('"'), *(f"with-e{place}" for place, _ in others)]))
        same = [] if before else [f"{{ rank=same; {head}; {box} }}"]
        yield _Stub(box, f"{box} {attributes(look)}", [*same, f"{ends} {attributes(written)}"])


def _together(identity: str, nodes: Sequence[str]) -> str:
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
    row, columns = layout.rows[edge.head], _columns_between(edge, layout)
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
    lines = [f"subgraph cluster_row{row} {{ {' '.join(f'{one} {point};' for one in points)} }}"]
    lines += [f"{{ rank=same; {(under[one] or above[one])[0]}; {one} }}" for one in points]
    lines += [f"{card} -> {one} {_HIDDEN}" for one in points for card in under[one] if card != edge.head]
    straight = {"dir": "none", "weight": f"{_STRAIGHT}", "headclip": "false", "tailclip": "false"}
    pieces = [(edge.head, start, {"dir": "back"}), *((a, b, straight) for a, b in pairwise(points))]
    pieces.append((end, edge.tail, {"dir": "forward" if both else "none"}))
    for one, (a, b, look) in enumerate(pieces):
        whole = {**edge_attributes(place, edge), **line, **told} if one == len(pieces) // 2 else wire
        lines.append(f"{a} -> {b} {attributes({**whole, **look})}")
    return "\n".join(lines)


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
