"""The style "circuit", for numbers: gates, and wires with their value above and their gradient below."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import prod
from typing import Final

from autograd.notation.numbers import is_finite
from autograd.render import palette
from autograd.render.arrangement import Layout, arrange
from autograd.render.diagram import Card, Diagram, Direction, Edge
from autograd.render.dot import digraph, graph_attributes, rows_below
from autograd.render.graph import Graph
from autograd.render.language import attributes, card_attributes, edge_attributes, quote
from autograd.render.layout import MARGIN_OF_ERROR
from autograd.render.markup import cluster_label, table, text, title_label
from autograd.render.metrics import text_width
from autograd.render.style import Style

WIRE: Final = 15  # type sizes: of the numbers, of names, of gates
_NAME, _GATE = 17, 18
_LEAST: Final = 64  # points, of a wire
_HALF: Final = 24  # points, what stands above or below a wire
_MADE_UP: Final = re.compile("v[₀-₉]*")  # the name of a value on the way, written only where a rule or a gate needs it
_ROUND: Final = 2  # letters that a round gate has space for


def source(diagram: Diagram, direction: Direction) -> str:
    """The picture as DOT: a node for each wire, and one for each gate in front of it; wires run to the right."""
    fonts = quote(palette.FONTS)
    nodesep = 0.4 if any(edge.backward for edge in diagram.edges) else 0.18
    gates = {card.id: _gate_id(card) for card in diagram.cards}
    layout = arrange(diagram)
    column = _columns(diagram, layout)
    used = {edge.tail for edge in diagram.edges}
    formulas = [edge.rule for edge in diagram.edges] + [card.expression for card in diagram.cards if not card.sign]
    formulas += [
        card.name
        for card in diagram.cards
        if any(e.tail == card.id and _leads_across(e, layout) for e in diagram.edges)
    ]
    mentioned = set(_MADE_UP.findall(" ".join(formulas)))

    joined = {"class": quote("wire"), "arrowhead": "none", "weight": "9"}

    def statements(card: Card) -> Iterator[str]:
        named = card.id not in used or not _MADE_UP.fullmatch(card.name) or card.name in mentioned
        yield f"{card.id} {attributes({**card_attributes(card), 'label': f'<{_wire(card, named)}>'})}"
        if gates[card.id] != card.id:
            yield f"{gates[card.id]} {attributes(_gate(card))}"
            yield f"{gates[card.id]} -> {card.id}:w {attributes(joined)}"

    graph = {**graph_attributes("LR", 0.25, nodesep), "fontname": fonts}
    line = {"color": quote(palette.INK), "penwidth": "1.2", "arrowsize": "0.7"}
    return digraph(
        diagram,
        graph={**graph, "label": f"<{_legend(diagram)}>"},
        node={"shape": "plain", "fontname": fonts, "fontsize": f"{WIRE}"},
        edge={**line, "fontname": fonts, "fontsize": f"{palette.BODY}"},
        title=title_label(diagram),
        statement=statements,
        cluster=cluster_label,
        lines=[
            *_in_columns(diagram, layout, column),
            *rows_below(diagram, layout, {card.id for card in diagram.cards if card.expression}, column.__getitem__),
            *(_joined(place, edge, gates[edge.head], diagram, layout) for place, edge in enumerate(diagram.edges)),
        ],
        rows=layout.rows,
    )


def _columns(diagram: Diagram, layout: Layout) -> dict[str, int]:
    """The column of each wire in its row: what enters stands right before the first gate that it enters."""
    computed = [card.id for card in diagram.cards if card.expression or card.kind == "fold"]
    first: dict[int, int] = {}
    for card in computed:
        first[layout.rows[card]] = min(layout.ranks[card], first.get(layout.rows[card], layout.ranks[card]))
    column = {card: layout.ranks[card] - first[layout.rows[card]] + 1 for card in computed}
    for edge in diagram.edges:
        if edge.tail not in computed and layout.rows[edge.tail] == layout.rows[edge.head]:
            column[edge.tail] = min(column[edge.head] - 1, column.get(edge.tail, column[edge.head]))
    return column


def _in_columns(diagram: Diagram, layout: Layout, column: Mapping[str, int]) -> Iterator[str]:
    """What has the wires of a column end together, and the names that stand for wires of other rows."""
    abreast: defaultdict[int, list[str]] = defaultdict(list)
    for card, place in column.items():
        abreast[place].append(card)
    for place, edge in enumerate(diagram.edges):
        if _leads_across(edge, layout):
            abreast[column[edge.head] - 1].append(f"name{place}")
    yield from (f"{{ rank=same; {'; '.join(cards)} }}" for cards in abreast.values() if cards[1:])


def _gate_id(card: Card) -> str:
    """The id of the gate that gives a card's value."""
    return f"{card.id}g" if card.expression or card.kind == "fold" else card.id


def _gate(card: Card) -> dict[str, str]:
    sign = card.name if card.kind == "fold" else card.sign or card.expression
    small = len(sign) <= _ROUND
    form = {"shape": "circle", "width": "0.55", "fixedsize": "true"} if small else {"shape": "box", "height": "0.5"}
    return {
        "id": quote(_gate_id(card)),
        "class": quote("gate"),
        **form,
        "style": quote("filled" if small else "rounded,filled"),
        "fillcolor": quote(palette.HIGHLIGHTS.get(card.highlight, palette.CANVAS)),
        "color": quote(palette.INK),
        "fontcolor": quote(palette.INK),
        "penwidth": "1.4",
        "margin": quote("0.1,0.04"),
        "fontsize": f"{_GATE if small else WIRE}",
        "label": quote(sign),
    }


def _wire(card: Card, named: bool) -> str:
    """A line with its value above and its gradient below; in front of it the name of what enters."""
    value = card.value.cells[0][0] if card.value is not None and card.value.cells else ""
    if card.expression and named:
        value = f"{card.name} = {value}" if value else card.name
    above = text(value, _colour(value, palette.VALUE, "value" in card.hidden), WIRE, bold=True) if value else ""
    wide = max(_LEAST, round(text_width(value, WIRE, bold=True)) + 8)
    rows = f'<TR><TD WIDTH="{wide}" HEIGHT="{_HALF}">{above}</TD></TR><HR/>'
    rows += f'<TR><TD HEIGHT="{_HALF}">{_below(card)}</TD></TR>'
    line = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{palette.INK}">{rows}</TABLE>'
    if _gate_id(card) != card.id:
        return line
    colour = palette.INK if card.highlight else palette.TINTS[card.kind].text
    name = text(card.name, colour, _NAME, bold=True)
    wide = round(text_width(card.name, _NAME, bold=True)) + 2
    ground = f' BGCOLOR="{palette.HIGHLIGHTS[card.highlight]}"' if card.highlight else ""
    return table(f'<TR><TD WIDTH="{wide}"{ground}>{name}</TD><TD WIDTH="6"></TD><TD>{line}</TD></TR>')


def _below(card: Card) -> str:
    """The gradient, with the terms that it is the sum of."""
    if card.gradient is None or not card.gradient.cells:
        return ""
    content = card.gradient.cells[0][0]
    colour = _colour(content, palette.GRADIENT, "gradient" in card.hidden)
    if not card.total:
        return text(content, colour, WIRE, italic=True)
    terms = text(card.total, palette.CANVAS if "gradient" in card.hidden else palette.GRADIENT, WIRE, italic=True)
    total = text(content, colour, WIRE, bold=True, italic=True)
    return table(f'<TR><TD>{terms}</TD><TD WIDTH="5"></TD><TD>{total}</TD></TR>')


def _colour(content: str, colour: str, hidden: bool) -> str:
    return palette.CANVAS if hidden else colour if is_finite(content) else palette.ALARM


def _joined(place: int, edge: Edge, gate: str, diagram: Diagram, layout: Layout) -> str:
    """The edge from a wire to a gate; where that stands in another row, from the name of the wire."""
    written = _edge(place, edge, diagram.gradients)
    if edge.again:
        return f"{edge.tail}:s -> {gate}:n {attributes({**written, 'constraint': 'false'})}"
    if _leads_across(edge, layout):
        name = next(card.name for card in diagram.cards if card.id == edge.tail)
        look = {"id": quote(f"name{place}"), "label": f"<{text(name, palette.VALUE, WIRE, bold=True)}>"}
        row = f"subgraph cluster_row{layout.rows[edge.head]} {{ name{place} {attributes(look)} }}"
        return f"{row}\nname{place} -> {gate} {attributes(written)}"
    return f"{edge.tail}:e -> {gate} {attributes(written)}"


def _leads_across(edge: Edge, layout: Layout) -> bool:
    return not edge.again and layout.rows[edge.tail] != layout.rows[edge.head]


def _edge(place: int, edge: Edge, gradients: bool) -> dict[str, str]:
    written = edge_attributes(place, edge)
    if not edge.differentiable:
        return {**written, "style": "dashed"}
    if edge.backward and gradients:  # where several are added up, each comes back visibly
        line, colour = (palette.UNSEEN, palette.CANVAS) if edge.pending else (palette.BACKWARD, palette.GRADIENT)
        written |= {"dir": "both", "color": quote(f"{palette.INK}:{line}")} if edge.gradient else {}
        written["label"] = f"<{text(edge.backward, colour, palette.BODY, italic=True)}>"
    return written


def _legend(diagram: Diagram) -> str:
    symbol = diagram.symbol
    cells = [text("0.73", palette.VALUE, 13, bold=True), text("value, above the wire", palette.MUTED, palette.BODY)]
    if diagram.gradients:
        cells.append("")
        cells.append(text("0.20", palette.GRADIENT, 13, italic=True))
        cells.append(text(f"gradient ∂{symbol}/∂(wire), below the wire", palette.MUTED, palette.BODY))
    if any(edge.rule for edge in diagram.edges):
        cells += ["", text("g", palette.GRADIENT, 13, italic=True)]
        cells.append(text("the gradient that comes back", palette.MUTED, palette.BODY))
    cells = cells if diagram.legend else [""]
    gap = '<TD WIDTH="24"></TD>'
    rows = f"<TR>{''.join(f'<TD>{cell}</TD>' if cell else gap for cell in cells)}</TR>"
    notes = "".join(f"<TR><TD>{text(note, palette.MUTED, palette.LEGEND)}</TD></TR>" for note in diagram.notes)
    return table(f"<TR><TD>{table(rows, padding=4)}</TD></TR>{notes}")


def check(graph: Graph) -> None:
    """Refuse arrays: a wire has space for one number."""
    for name, shape in graph.shapes():
        if prod(shape) != 1:
            raise ValueError(
                f"a circuit is drawn of numbers, and here is {name} of shape {shape}; use style='cards' for arrays"
            )


def wire_size(card: Card) -> tuple[float, float]:
    """About how wide and high a wire is, in points, with its name in front."""
    total = text_width(f"{card.total} 0.00", WIRE) if card.total else 0.0
    name = 0.0 if card.expression else text_width(card.name, _NAME)
    return max(70.0, total, text_width("000.00", WIRE)) + name + 10, 44.0  # they stand closer than cards


CIRCUIT: Final = Style(
    "circuit",
    source,
    html=True,
    size=wire_size,
    gap=66.0,  # a gate, and the wire out of it
    check=check,
    details=("numbers",),
    statements=False,
    rows=MARGIN_OF_ERROR,
    instead="cards",
    moments=True,
)
