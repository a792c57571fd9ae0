"""The circuit style, for numbers: gates, and wires with their value above and their gradient below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from autograd.notation.numbers import is_finite
from autograd.render import palette
from autograd.render.cards import cluster_label, heading, table, text
from autograd.render.diagram import Card, Diagram, Edge
from autograd.render.dot import Direction, attributes, boxes, frame, graph, quote
from autograd.render.letters import width

WIRE: Final = 15  # type sizes: of the numbers, of names, of gates
_NAME, _GATE = 17, 18
_LEAST = 64  # points, of a wire
_HALF = 24  # points, what stands above or below a wire
_MADE_UP = re.compile("v[₀-₉]*")  # the name of a value on the way, told only where a rule or a gate needs it
_ROUND = 2  # letters that a round gate has room for


def source(diagram: Diagram, direction: Direction) -> str:
    """The picture as DOT: a node for each wire, and one for each gate in front of it; wires run to the right."""
    fonts = quote(palette.FONTS)
    room = (0.45, "0.4") if any(edge.back for edge in diagram.edges) else (0.28, "0.18")  # labels need more
    around = {**graph("LR", room[0]), "nodesep": room[1], "fontname": fonts, "label": f"<{_legend(diagram)}>"}
    title = f"<{heading(diagram)}>" if diagram.title else ""
    line = {"color": quote(palette.INK), "penwidth": "1.2", "arrowsize": "0.7"}
    lines = [
        "digraph computation {",
        f"graph {attributes(around)}",
        f"node {attributes({'shape': 'plain', 'fontname': fonts, 'fontsize': f'{WIRE}'})}",
        f"edge {attributes({**line, 'fontname': fonts, 'fontsize': f'{palette.BODY}'})}",
        "subgraph cluster_picture {",
        f"graph {attributes(frame(title))}",
    ]
    gates = {card.id: gate(card) for card in diagram.cards}
    used = {edge.tail for edge in diagram.edges}
    formulas = [edge.rule for edge in diagram.edges] + [card.expression for card in diagram.cards if not card.sign]
    said = set(_MADE_UP.findall(" ".join(formulas)))

    def statements(card: Card) -> Iterator[str]:
        own = {"id": quote(card.id), "class": quote(f"card {card.kind}")}
        named = card.id not in used or not _MADE_UP.fullmatch(card.name) or card.name in said
        yield f"{card.id} {attributes({**own, 'label': f'<{_wire(card, named)}>'})}"
        if gates[card.id] != card.id:
            yield f"{gates[card.id]} {attributes(_gate(card))}"
            yield f"{gates[card.id]} -> {card.id}:w {attributes({'class': quote('wire'), 'arrowhead': 'none'})}"

    lines += boxes(diagram, statements, cluster_label)
    for place, edge in enumerate(diagram.edges):
        lines.append(f"{edge.tail}:e -> {gates[edge.head]} {attributes(_use(f'e{place}', edge, diagram.gradients))}")
    return "\n".join([*lines, "}", "}", ""])


def gate(card: Card) -> str:
    """The id of the gate that gives a card's value."""
    return f"{card.id}g" if card.expression or card.kind == "fold" else card.id


def _gate(card: Card) -> dict[str, str]:
    sign = card.name if card.kind == "fold" else card.sign or card.expression
    small = len(sign) <= _ROUND
    form = {"shape": "circle", "width": "0.55", "fixedsize": "true"} if small else {"shape": "box", "height": "0.5"}
    return {
        "id": quote(gate(card)),
        "class": quote("gate"),
        **form,
        "style": quote("filled" if small else "rounded,filled"),
        "fillcolor": quote(palette.LIT.get(card.lit, palette.CANVAS)),
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
    room = max(_LEAST, round(width(value, WIRE, bold=True)) + 8)
    rows = f'<TR><TD WIDTH="{room}" HEIGHT="{_HALF}">{above}</TD></TR><HR/>'
    rows += f'<TR><TD HEIGHT="{_HALF}">{_below(card)}</TD></TR>'
    line = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{palette.INK}">{rows}</TABLE>'
    if gate(card) != card.id:
        return line
    colour = palette.INK if card.lit else palette.TINTS[card.kind].text
    name = text(card.name, colour, _NAME, bold=True)
    room = round(width(card.name, _NAME, bold=True)) + 2
    lit = f' BGCOLOR="{palette.LIT[card.lit]}"' if card.lit else ""
    return table(f'<TR><TD WIDTH="{room}"{lit}>{name}</TD><TD WIDTH="6"></TD><TD>{line}</TD></TR>')


def _below(card: Card) -> str:
    if card.gradient is None or not card.gradient.cells:
        return ""
    told = card.gradient.cells[0][0]
    colour = _colour(told, palette.GRADIENT, "gradient" in card.hidden)
    if not card.total:
        return text(told, colour, WIRE, italic=True)
    terms = text(card.total, palette.CANVAS if "gradient" in card.hidden else palette.GRADIENT, WIRE, italic=True)
    total = text(told, colour, WIRE, bold=True, italic=True)
    return table(f'<TR><TD>{terms}</TD><TD WIDTH="5"></TD><TD>{total}</TD></TR>')


def _colour(told: str, colour: str, hidden: bool) -> str:
    return palette.CANVAS if hidden else colour if is_finite(told) else palette.ALARM


def _use(name: str, edge: Edge, gradients: bool) -> dict[str, str]:
    told = {"id": quote(name), "class": quote("use differentiable" if edge.differentiable else "use")}
    if not edge.differentiable:
        return {**told, "style": "dashed"}
    if edge.back and gradients:  # where several are added up, each comes back visibly
        back, colour = palette.BACKWARD, palette.GRADIENT
        if edge.pending:
            back, colour = palette.UNSEEN, palette.CANVAS
        told |= {"dir": "both", "color": quote(f"{palette.INK}:{back}")} if edge.sent else {}
        told["label"] = f"<{text(edge.back, colour, palette.BODY, italic=True)}>"
    return told


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
    gap = '<TD WIDTH="24"></TD>'
    rows = f"<TR>{''.join(f'<TD>{cell}</TD>' if cell else gap for cell in cells)}</TR>"
    notes = "".join(f"<TR><TD>{text(note, palette.MUTED, palette.LEGEND)}</TD></TR>" for note in diagram.notes)
    return table(f"<TR><TD>{table(rows, padding=4)}</TD></TR>{notes}")
