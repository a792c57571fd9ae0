"""HTML-like labels: their parts, and those of titles, frames, edges and the legend."""

from __future__ import annotations

import re
from html import escape
from textwrap import wrap
from typing import Final

from autograd.notation.numbers import is_finite
from autograd.render import palette
from autograd.render.diagram import Cluster, Diagram, Edge
from autograd.render.edges import Padding
from autograd.render.metrics import text_width

_TITLE_LETTER: Final = 8.0  # points, about the width of a letter of the title
_LEAST_TITLE: Final = 40  # letters
_LETTER: Final = 5.5  # points, about the width of a letter of the legend
_RAISED: Final = 2  # points between the label of an edge and its line
_COLOUR: Final = re.compile("#[0-9A-F]{6}")


def text(content: str, colour: str, size: int, *, bold: bool = False, italic: bool = False) -> str:
    """A run of text as it stands in an HTML-like label."""
    inside = escape(content).replace("\\", "\\\\")  # Graphviz would read \N as the name of the node
    inside = f"<B>{inside}</B>" if bold else inside
    inside = f"<I>{inside}</I>" if italic else inside
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{inside}</FONT>'


def table(rows: str, padding: int = 0, spacing: int = 0) -> str:
    """A table without borders."""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="{padding}">{rows}</TABLE>'


def cell(inside: str, align: str = "CENTER", more: str = "") -> str:
    return f'<TD ALIGN="{align}"{more}>{inside}</TD>'


def number(content: str, colour: str, align: str, kind: int = palette.BODY, more: str = "", bold: bool = False) -> str:
    """A cell with a number, marked where it is not finite."""
    if is_finite(content):
        return cell(text(content, colour, kind, bold=bold), align, more)
    ground = f'{more} BGCOLOR="{palette.ALARM_GROUND}"'
    return cell(text(content, palette.ALARM, kind, bold=True), align, ground)


def invisible(inside: str, ground: str) -> str:
    """The same in the colour of its ground, so that the picture keeps its geometry."""
    return _COLOUR.sub(ground, inside)


def between(inside: str, space: float) -> str:
    """Something in the middle of two cells that take the space, lest Graphviz draws its columns apart."""
    end = f'<TD WIDTH="{space:.0f}"></TD>'
    return table(f"<TR>{end}<TD>{inside}</TD>{end}</TR>") if space >= 1 else inside


# Around the cards


def title_label(diagram: Diagram) -> str:
    """The title as a DOT value, or ""; in a cell that has the same width throughout a series of pictures."""
    if not diagram.title:
        return ""
    lines = title_rows(diagram)
    title = text(lines[0], palette.INK, palette.TITLE, bold=True)
    if len(lines) > 1:
        rows = (text(line, palette.INK, palette.TITLE, bold=True) for line in lines)
        return f"<{table(''.join(f'<TR><TD>{row}</TD></TR>' for row in rows))}>"
    if diagram.longest_title:
        wide = 1.1 * text_width(diagram.longest_title, palette.TITLE, bold=True)  # more than any of the fonts needs
        title = table(f'<TR><TD WIDTH="{wide:.0f}">{title}</TD></TR>')
    return f"<{title}>"


def cluster_label(cluster: Cluster) -> str:
    """The title of a cluster as a DOT value."""
    return f"<{text(cluster.title, palette.MUTED, palette.BODY, bold=True)}>"


def edge_label(edge: Edge, padding: Padding) -> str:
    """The label of an edge as a DOT value, or "": what it carries forward above what comes back."""
    rows = [text(padding(edge.forward), palette.INK, palette.EDGE)] if edge.forward else []
    back = edge.backward.split("\n") if edge.backward else []
    rows += [text(padding(line), palette.GRADIENT, palette.EDGE, italic=True) for line in back]
    padded = padding.left or padding.right
    if not rows or (len(rows) < 2 and padded):
        return f"<{rows[0]}>" if rows else ""
    align = ' ALIGN="LEFT"' if padding.right else ""
    above = "" if padded else f'<TR><TD HEIGHT="{_RAISED}"></TD></TR>'  # the line that runs below
    return f"<{table(''.join(f'<TR><TD{align}>{row}</TD></TR>' for row in rows) + above, padding=1)}>"


def legend(rows: list[list[palette.Entry]]) -> str:
    """Rows of entries. Graphviz stretches the cells of a short row, so its ends get the space instead."""
    widths = [sum(_LETTER * len(entry.text) + 24 for entry in row) for row in rows]
    tables = []
    for row, wide in zip(rows, widths, strict=True):
        grounds = [f' BGCOLOR="{entry.ground}"' if entry.ground else "" for entry in row]
        texts = [text(f" {entry.text} ", entry.colour, palette.LEGEND) for entry in row]
        end = f'<TD WIDTH="{max((max(widths) - wide) / 2, 1):.0f}"></TD>'
        cells = [cell(inside, more=ground) for inside, ground in zip(texts, grounds, strict=True)]
        inside = end + '<TD WIDTH="8"></TD>'.join(cells) + end
        tables.append(f"<TR><TD>{table(f'<TR>{inside}</TR>', padding=3)}</TD></TR>")
    return table("".join(tables), padding=2)


def title_rows(diagram: Diagram) -> list[str]:
    """The title in lines that are not wider than the picture."""
    if diagram.longest_title or not diagram.width:
        return [diagram.title]
    return wrap(diagram.title, max(int(diagram.width / _TITLE_LETTER), _LEAST_TITLE)) or [""]
