"""The cards style: a card an operation, as an HTML-like label with its formula, numbers and gradients."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape

from autograd.notation.numbers import Shown, is_finite
from autograd.render import palette
from autograd.render.diagram import Card, Cluster, Diagram, Edge
from autograd.render.dot import Apart, Direction, Look, document
from autograd.render.extent import numbers_size, size
from autograd.render.legend import Entry, entries
from autograd.render.letters import width
from autograd.render.plain import verdict

_LETTER = 5.5  # points, about the width of a letter of the legend
_SQUARE = 11  # points, the side of a heat cell
_LIFT = 2  # points between the label of an edge and its line
_BORDER = 7  # points between the border of a card and what it says, with something for measures that differ
_COLOUR = re.compile("#[0-9A-F]{6}")


def source(diagram: Diagram, direction: Direction) -> str:
    """The picture as DOT with HTML-like labels, for a Graphviz that has them."""
    look = Look(
        fonts=palette.FONTS,
        node=lambda card: {"label": f"<{_card(card)}>"},
        edge=edge_label,
        cluster=cluster_label,
        legend=f"<{legend(entries(diagram))}>",
        title=f"<{heading(diagram)}>" if diagram.title else "",
    )
    return document(diagram, direction, look)


def heading(diagram: Diagram) -> str:
    """The title; in a cell that has the same width throughout a series of pictures."""
    told = text(diagram.title, palette.INK, palette.TITLE, bold=True)
    if not diagram.room:
        return told
    room = 1.1 * width(diagram.room, palette.TITLE, bold=True)  # more than any of the fonts needs
    return table(f'<TR><TD WIDTH="{room:.0f}">{told}</TD></TR>')


def edge_label(edge: Edge, apart: Apart) -> str:
    """What stands at an edge, as a DOT value: what it carries forward above what comes back."""
    rows = [text(apart(edge.carried), palette.INK, palette.EDGE)] if edge.carried else []
    rows += [text(apart(edge.back), palette.GRADIENT, palette.EDGE, italic=True)] if edge.back else []
    if not rows or (len(rows) < 2 and (apart.left or apart.right)):
        return f"<{rows[0]}>" if rows else ""
    align = ' ALIGN="LEFT"' if apart.right else ""
    above = "" if apart.left or apart.right else f'<TR><TD HEIGHT="{_LIFT}"></TD></TR>'  # the line that runs below
    return f"<{table(''.join(f'<TR><TD{align}>{row}</TD></TR>' for row in rows) + above, padding=1)}>"


def cluster_label(cluster: Cluster) -> str:
    """The title of a frame, as a DOT value."""
    return f"<{text(cluster.title, palette.MUTED, palette.BODY, bold=True)}>"


def _card(card: Card) -> str:
    tint = palette.TINTS[card.kind]
    rows = [_badge(card)] if card.verdict else []
    rows.append(_header(card))
    if card.facts:
        rows.append(f'<TR><TD CELLPADDING="3" BGCOLOR="{palette.CANVAS}">{_facts(card)}</TD></TR>')
    if card.value is not None:
        inside = _centred(card, card.value, palette.MUTED if card.kind == "fold" else palette.VALUE)
        inside = _hidden(inside, palette.CANVAS) if "value" in card.hidden else inside
        rows.append(f'<TR><TD CELLPADDING="3" BGCOLOR="{palette.CANVAS}">{inside}</TD></TR>')
    if card.gradient is not None:
        inside = _gradient(card)
        inside = _hidden(inside, palette.GRADIENT_GROUND) if "gradient" in card.hidden else inside
        rule = f'BORDER="1" SIDES="T" COLOR="{tint.border}"'
        rows.append(f'<TR><TD CELLPADDING="3" {rule} BGCOLOR="{palette.GRADIENT_GROUND}">{inside}</TD></TR>')
    style = "ROUNDED,DASHED" if tint.dashed else "ROUNDED"
    wrong = card.verdict in ("wrong", "first wrong")
    border, thick = (palette.ALARM, 3) if wrong else (tint.border, tint.width)
    return (
        f'<TABLE BORDER="{thick:g}" COLOR="{border}" CELLBORDER="0" CELLSPACING="0" '
        f'CELLPADDING="0" BGCOLOR="{palette.LIT.get(card.lit, tint.header)}" STYLE="{style}">{"".join(rows)}</TABLE>'
    )


def _badge(card: Card) -> str:
    """What a comparison says of a card, above its name."""
    colour, ground = palette.VERDICTS[card.verdict]
    told = verdict(card)
    return f'<TR><TD CELLPADDING="3" BGCOLOR="{ground}">{text(told, colour, palette.EDGE, bold=True)}</TD></TR>'


def _gradient(card: Card) -> str:
    """The gradient: how it was added up in front of it, what was summed back below, by hand beside it."""
    assert card.gradient is not None
    told = _centred(card, card.gradient, palette.GRADIENT)
    if card.total:
        total = _number(card.gradient.cells[0][0], palette.GRADIENT, "LEFT", bold=True)
        terms = _cell(text(card.total, palette.GRADIENT, palette.BODY), "RIGHT")
        told = table(f'<TR>{terms}<TD WIDTH="3"></TD>{total}</TR>', padding=2)
    if card.hand is not None:
        by_hand, true = (text(word, palette.MUTED, palette.SHAPE) for word in ("by hand", "true"))
        apart = f'BORDER="1" SIDES="L" COLOR="{palette.ALARM}" CELLPADDING="4"'
        heads = f'<TR><TD CELLPADDING="4">{by_hand}</TD><TD {apart}>{true}</TD></TR>'
        hand, told = _numbers(card.hand, palette.ALARM), _numbers(card.gradient, palette.GRADIENT)
        told = table(f'{heads}<TR><TD CELLPADDING="4">{hand}</TD><TD {apart}>{told}</TD></TR>')
    if card.note:
        told = table(f"<TR><TD>{told}</TD></TR><TR>{_cell(text(card.note, palette.GRADIENT, palette.SHAPE))}</TR>")
    return told


def _facts(card: Card) -> str:
    colours = {"value": palette.VALUE, "gradient": palette.GRADIENT, "muted": palette.INK}
    rows = []
    for fact in card.facts:
        number = _number(fact.text, colours[fact.role], "RIGHT", palette.LEGEND)
        number = _hidden(number, palette.CANVAS) if fact.role in card.hidden else number
        rows.append(f"<TR>{_cell(text(fact.about, palette.MUTED, palette.LEGEND), 'LEFT')}{number}</TR>")
    return table("".join(rows), padding=2)


def _hidden(inside: str, ground: str) -> str:
    """Numbers that are there and cannot be seen, so that the picture keeps its geometry."""
    return _COLOUR.sub(ground, inside)


def _header(card: Card) -> str:
    """Name and formula, each in a cell of its own, where they stand and their shape below."""
    # Graphviz measures text a little narrower than viewers draw it.
    room = f' WIDTH="{width(card.name, palette.TITLE, bold=True):.0f}"'
    title = text(card.name, palette.INK, palette.TITLE, bold=True)
    if card.expression:
        formula = _cell(text(f"= {card.expression}", palette.INK, palette.TITLE), "LEFT")
        title = table(f"<TR>{_cell(title, 'RIGHT', room)}{formula}</TR>", padding=2)
    else:
        title = table(f"<TR>{_cell(title, more=room)}</TR>")
    below = [text(line, palette.MUTED, palette.SHAPE) for line in (card.path, card.shape) if line]
    inside = table("".join(f"<TR><TD>{line}</TD></TR>" for line in (title, *below)))
    return f'<TR><TD CELLPADDING="4">{inside}</TD></TR>'


def _centred(card: Card, shown: Shown, colour: str) -> str:
    """Numbers in the middle of their card, in columns that its value and its gradient share.

    Graphviz would draw the columns apart until they fill the card.
    """
    shares = [one for one in (card.value, card.gradient) if one and one.cells]
    room, wide = size(card)[0] - 2 * _BORDER, numbers_size(shown)[0]
    columns: list[float] = []
    if shown.cells and shown.cells != ((shown.cells[0][0],),):
        texts = zip(*(row for one in shares for row in one.cells), strict=True)
        columns = [max(width(text, palette.BODY) for text in column) + 4 for column in texts]
        gap = (room - sum(columns)) / len(columns)
        columns = [column + min(gap, _LETTER) for column in columns] if gap > 0 else []
        wide = sum(columns) or wide
    told = _numbers(shown, colour, columns)
    if room - wide < 2 * _LETTER or not (columns or shown.heat):
        return told
    return _between(told, (room - wide) / 2)


def _between(told: str, spare: float) -> str:
    """What would be drawn apart, between cells that take the room."""
    end = f'<TD WIDTH="{spare:.0f}"></TD>'
    return table(f"<TR>{end}<TD>{told}</TD>{end}</TR>") if spare >= 1 else told


def _numbers(shown: Shown, colour: str, widths: Sequence[float] = ()) -> str:
    align = "CENTER" if len(shown.cells) == 1 == len(shown.cells[0]) else "RIGHT"
    least = [f' WIDTH="{width:.0f}"' for width in widths] or [""] * len((shown.cells or ((),))[0])
    rows = [
        "".join(_number(told, colour, align, more=more) for told, more in zip(row, least, strict=True))
        for row in shown.cells
    ]
    columns = len(shown.cells[0]) if shown.cells else 1
    if shown.heat:
        squares = "".join(f"<TR>{''.join(map(_square, row))}</TR>" for row in shown.heat)
        spare = (numbers_size(shown)[0] - (_SQUARE + 1) * len(shown.heat[0])) / 2 - _BORDER
        rows.append(f"<TD>{_between(table(squares, spacing=1), spare)}</TD>")
    kind = palette.SHAPE if shown.heat else palette.BODY
    span = f' COLSPAN="{columns}"' if columns > 1 else ""
    told = [line for line in shown.lines if not (shown.heat and line.startswith("mean"))]
    rows += [_number(line, colour, "CENTER", kind, span) for line in told]
    return table("".join(f"<TR>{row}</TR>" for row in rows), padding=2)


def _number(told: str, colour: str, align: str, kind: int = palette.BODY, more: str = "", bold: bool = False) -> str:
    if is_finite(told):
        return _cell(text(told, colour, kind, bold=bold), align, more)
    ground = f'{more} BGCOLOR="{palette.ALARM_GROUND}"'
    return _cell(text(told, palette.ALARM, kind, bold=True), align, ground)


def _square(share: float) -> str:
    side = f'FIXEDSIZE="TRUE" WIDTH="{_SQUARE}" HEIGHT="{_SQUARE}"'
    if math.isfinite(share):
        return f'<TD {side} BGCOLOR="{palette.heat(share)}"></TD>'
    mark = "N" if math.isnan(share) else "∞"
    return f'<TD {side} BGCOLOR="{palette.ALARM}">{text(mark, palette.CANVAS, 8, bold=True)}</TD>'


def legend(rows: list[list[Entry]]) -> str:
    """Rows of entries. Graphviz stretches the cells of a short row, so its ends get the room instead."""
    widths = [sum(_LETTER * len(entry.text) + 24 for entry in row) for row in rows]
    tables = []
    for row, wide in zip(rows, widths, strict=True):
        texts = [_cell(text(f" {entry.text} ", entry.colour, palette.LEGEND), more=_ground(entry)) for entry in row]
        end = f'<TD WIDTH="{max((max(widths) - wide) / 2, 1):.0f}"></TD>'
        cells = end + '<TD WIDTH="8"></TD>'.join(texts) + end
        tables.append(f"<TR><TD>{table(f'<TR>{cells}</TR>', padding=3)}</TD></TR>")
    return table("".join(tables), padding=2)


def _ground(entry: Entry) -> str:
    return f' BGCOLOR="{entry.ground}"' if entry.ground else ""


def table(rows: str, padding: int = 0, spacing: int = 0) -> str:
    """A table without borders."""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="{padding}">{rows}</TABLE>'


def _cell(inside: str, align: str = "CENTER", more: str = "") -> str:
    return f'<TD ALIGN="{align}"{more}>{inside}</TD>'


def text(told: str, colour: str, size: int, *, bold: bool = False, italic: bool = False) -> str:
    """A run of text as it stands in an HTML-like label."""
    inside = escape(told).replace("\\", "\\\\")  # Graphviz would read \N as the name of the node
    inside = f"<B>{inside}</B>" if bold else inside
    inside = f"<I>{inside}</I>" if italic else inside
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{inside}</FONT>'
