"""The DOT text that the styles share: the digraph, its cards in their clusters, and its edges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from autograd.render import palette
from autograd.render.arrangement import Layout, arrange
from autograd.render.diagram import Card, Cluster, Diagram, Direction, Edge
from autograd.render.edges import Padding, columns_between, edge_line, leads_down, stubs_of, together
from autograd.render.language import HIDDEN, attributes, card_attributes, quote
from autograd.render.layout import spacing

_GUTTER: Final = 12  # points around a row, for the line that leads to the next


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
    diagram = replace(diagram, clusters=tuple(_entered(diagram, layout)))
    crowd = Counter(layout.ranks[card] for card in layout.main)  # cards that others enter, by column

    def statement(card: Card) -> Iterator[str]:
        line = f"spine {layout.spine.get(card.id)} {layout.rows[card.id] or ''}".rstrip()
        group = {"group": quote(line)} if card.id in layout.spine else {}
        written = f"{card.id} {attributes({**card_attributes(card), **group, **node(card)})}"
        nodes = [written, *(stub.node for stub in stubs.get(card.id, []))]
        near = [one for one, (at, _) in layout.beside.items() if at == card.id and frames[one] == card.cluster]
        alone = crowd[layout.ranks[card.id]] == 1
        yield "; ".join(nodes) if diagram.breaks or alone or not nodes[1:] else together(card.id, nodes + near)

    columns = [(layout.beside[card.id][0], card.id) for card in diagram.cards if card.id in layout.beside]
    same = [f"{{ rank=same; {first}; {second} }}" for first, second in (*columns, *diagram.same_rank)]
    lines = same if diagram.same_rank else [*columns_of(diagram, layout)]
    lines += rows_below(diagram, layout, layout.ranks.keys())
    lines += [
        edge_line(place, one, layout, direction, diagram.gradients, edge)
        for place, one in enumerate(diagram.edges)
        if not layout.names(one)
    ]
    stubs = {one.head: [*stubs_of(diagram, layout, edge, one.head)] for one in diagram.edges if layout.names(one)}
    lines += [line for one in stubs.values() for stub in one for line in stub.lines]
    for place, one in enumerate(diagram.edges):
        if leads_down(one, layout):  # above the boxes with names too
            row, columns_crossed = layout.rows[one.head], columns_between(one, layout)
            lines += [
                f"{stub.id} -> down{place}_{layout.column(head)} {HIDDEN}"
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


def _entered(diagram: Diagram, layout: Layout) -> Iterator[Cluster]:
    """The frames, with which of them a line from the row above enters."""
    frames = {card.id: card.cluster for card in diagram.cards}
    entered = {frames[edge.head] for edge in diagram.edges if leads_down(edge, layout)}
    for frame in diagram.clusters[::-1]:  # inner ones first
        entered |= {frame.parent} if frame.id in entered else set()
    yield from (replace(frame, entered=frame.id in entered) for frame in diagram.clusters)


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
    yield from (f"{a} -> {b} {HIDDEN}" for a, b in pairs)


def rows_below(
    diagram: Diagram, layout: Layout, placed: Collection[str], column_of: Callable[[str], int] | None = None
) -> Iterator[str]:
    """What puts the cards of each row under those before, column by column, where no other edge joins them."""
    column_of = column_of or layout.column
    joined = {frozenset((edge.tail, edge.head)) for edge in diagram.edges}
    columns: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for card in placed:
        columns[layout.rows[card], column_of(card)].append(card)
    for (row, column), cards in sorted(columns.items()):
        pairs = [(a, b) for b in cards for a in columns.get((row - 1, column), ()) if frozenset((a, b)) not in joined]
        if pairs:
            yield f"{{ rank=same; {pairs[0][0]}; {pairs[0][1]} }}"
        for above, below in pairs:
            yield f"{below} -> {above} {HIDDEN}"


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
        "labeljust": "r" if cluster.entered else "l",
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
