"""The cards style: a card an operation, as an HTML-like label with its formula, numbers and gradients."""

from __future__ import annotations

import math
import re
from html import escape
from unicodedata import east_asian_width

from autograd.render import palette
from autograd.render.dot import Direction, document
from autograd.render.legend import Entry, entries
from autograd.render.model import Card, Diagram
from autograd.render.numbers import Shown, is_finite

_LETTER = 5.5  # points, about the width of a letter of the legend
_SQUARE = 11  # points, the side of a heat cell
_WIDEST = 0.64  # of the type size, about the width of a letter that is wide
_COLOUR = re.compile("#[0-9A-F]{6}")


def source(diagram: Diagram, direction: Direction) -> str:
    """The picture as DOT with HTML-like labels, for a Graphviz that has them."""
    return document(
        diagram,
        direction,
        fonts=palette.FONTS,
        node=lambda card: {"label": f"<{_card(card)}>"},
        legend=f"<{_legend(entries(diagram))}>",
        title=f"<{_title(diagram)}>" if diagram.title else "",
    )


def _title(diagram: Diagram) -> str:
    """The title; in a cell that has the same width throughout a series of pictures."""
    text = _text(diagram.title, palette.INK, palette.TITLE, bold=True)
    if not diagram.room:
        return text
    width = sum(2 if east_asian_width(sign) in "WF" else 1 for sign in diagram.room) * palette.TITLE * _WIDEST
    return _table(f'<TR><TD WIDTH="{width:.0f}">{text}</TD></TR>')


def _card(card: Card) -> str:
    tint = palette.TINTS[card.kind]
    rows = [_header(card, tint)]
    if card.value is not None:
        inside = _numbers(card.value, palette.MUTED if card.kind == "fold" else palette.VALUE)
        inside = _hidden(inside, palette.CANVAS) if "value" in card.hidden else inside
        rows.append(f'<TR><TD CELLPADDING="3" BGCOLOR="{palette.CANVAS}">{inside}</TD></TR>')
    if card.gradient is not None:
        inside = _numbers(card.gradient, palette.GRADIENT)
        inside = _hidden(inside, palette.GRADIENT_GROUND) if "gradient" in card.hidden else inside
        rule = f'BORDER="1" SIDES="T" COLOR="{tint.border}"'
        rows.append(f'<TR><TD CELLPADDING="3" {rule} BGCOLOR="{palette.GRADIENT_GROUND}">{inside}</TD></TR>')
    style = "ROUNDED,DASHED" if tint.dashed else "ROUNDED"
    return (
        f'<TABLE BORDER="{tint.width:g}" COLOR="{tint.border}" CELLBORDER="0" CELLSPACING="0" '
        f'CELLPADDING="0" BGCOLOR="{palette.LIT.get(card.lit, tint.header)}" STYLE="{style}">{"".join(rows)}</TABLE>'
    )


def _hidden(inside: str, ground: str) -> str:
    """Numbers that are there and cannot be seen, so that the picture keeps its geometry."""
    return _COLOUR.sub(ground, inside)


def _header(card: Card, tint: palette.Tint) -> str:
    """Name and formula, where they stand and their shape below."""
    title = _text(card.name, palette.INK, palette.TITLE, bold=True)
    if card.expression:  # a no-break space, since viewers drop others at the start of a text
        title += _text(f"\N{NO-BREAK SPACE}= {card.expression}", palette.INK, palette.TITLE)
    lines = [title, *(_text(line, palette.MUTED, palette.SHAPE) for line in (card.path, card.shape) if line)]
    return f'<TR><TD CELLPADDING="5">{"<BR/>".join(lines)}</TD></TR>'


def _numbers(shown: Shown, colour: str) -> str:
    align = "CENTER" if len(shown.cells) == 1 == len(shown.cells[0]) else "RIGHT"
    rows = ["".join(_number(text, colour, align) for text in row) for row in shown.cells]
    if shown.heat:
        squares = "".join(f"<TR>{''.join(map(_square, row))}</TR>" for row in shown.heat)
        rows.append(f"<TD>{_table(squares, spacing=1)}</TD>")
    size = palette.SHAPE if shown.heat else palette.BODY
    told = [line for line in shown.lines if not (shown.heat and line.startswith("mean"))]
    rows += [_number(line, colour, "CENTER", size) for line in told]
    return _table("".join(f"<TR>{row}</TR>" for row in rows), padding=2)


def _number(text: str, colour: str, align: str, size: int = palette.BODY) -> str:
    if is_finite(text):
        return _cell(_text(text, colour, size), align)
    ground = f' BGCOLOR="{palette.ALARM_GROUND}"'
    return _cell(_text(text, palette.ALARM, size, bold=True), align, ground)


def _square(share: float) -> str:
    side = f'FIXEDSIZE="TRUE" WIDTH="{_SQUARE}" HEIGHT="{_SQUARE}"'
    if math.isfinite(share):
        return f'<TD {side} BGCOLOR="{palette.heat(share)}"></TD>'
    mark = "N" if math.isnan(share) else "∞"
    return f'<TD {side} BGCOLOR="{palette.ALARM}">{_text(mark, palette.CANVAS, 8, bold=True)}</TD>'


def _legend(rows: list[list[Entry]]) -> str:
    """Rows of entries. Graphviz stretches the cells of a short row, so its ends get the room instead."""
    widths = [sum(_LETTER * len(entry.text) + 24 for entry in row) for row in rows]
    tables = []
    for row, width in zip(rows, widths, strict=True):
        texts = [_cell(_text(f" {entry.text} ", entry.colour, palette.LEGEND), more=_ground(entry)) for entry in row]
        end = f'<TD WIDTH="{max((max(widths) - width) / 2, 1):.0f}"></TD>'
        cells = end + '<TD WIDTH="8"></TD>'.join(texts) + end
        tables.append(f"<TR><TD>{_table(f'<TR>{cells}</TR>', padding=3)}</TD></TR>")
    return _table("".join(tables), padding=2)


def _ground(entry: Entry) -> str:
    return f' BGCOLOR="{entry.ground}"' if entry.ground else ""


def _table(rows: str, padding: int = 0, spacing: int = 0) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="{padding}">{rows}</TABLE>'


def _cell(inside: str, align: str = "CENTER", more: str = "") -> str:
    return f'<TD ALIGN="{align}"{more}>{inside}</TD>'


def _text(text: str, colour: str, size: int, *, bold: bool = False) -> str:
    inside = escape(text).replace("\\", "\\\\")  # Graphviz would read \N as the name of the node
    inside = f"<B>{inside}</B>" if bold else inside
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{inside}</FONT>'
