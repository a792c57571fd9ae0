"""The plain style: one text a card, for a Graphviz without HTML-like labels.

The text's lines know their roles; `autograd.render.svg` gives each its colour and its ground afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from unicodedata import east_asian_width

from autograd.notation.numbers import Shown
from autograd.render import palette
from autograd.render.diagram import Card, Diagram, Edge
from autograd.render.dot import Apart, Direction, Look, document, quote
from autograd.render.legend import Entry, entries

Role = Literal["verdict", "name", "shape", "muted", "value", "gradient"]
NABLA = "∇ "
GAP = "    "  # between the entries of the legend
_BODY_MARGIN = 16  # points, left and right of a label together
_INCH = 72


@dataclass(frozen=True)
class Line:
    """A line of a card."""

    text: str
    role: Role


def source(diagram: Diagram, direction: Direction) -> str:
    """The picture as DOT with plain labels."""
    legend = "\n".join(GAP.join(said(entry) for entry in row) for row in entries(diagram))
    look = Look(
        fonts=palette.FONTS.partition(",")[0],  # the embedded renderer knows the widths of one font at a time
        node=_node,
        edge=_edge,
        cluster=lambda cluster: quote(cluster.title),
        legend=quote(legend),
        title=quote(diagram.room or diagram.title) if diagram.title else "",
        ranksep=0.42,
    )
    return document(diagram, direction, look)


def _edge(edge: Edge, apart: Apart) -> str:
    told = [apart(part) for part in (edge.carried, edge.back) if part]
    return quote("\n".join(told)) if told else ""


def _node(card: Card) -> dict[str, str]:
    tint = palette.TINTS[card.kind]
    text = "\n".join(line.text for line in lines(card))
    style = "rounded,filled,dashed" if tint.dashed else "rounded,filled"
    return {
        "shape": "box",
        "style": quote(style),
        "fillcolor": quote(tint.header),
        "color": quote(tint.border),
        "penwidth": f"{tint.width:g}",
        "fontcolor": quote(palette.INK),
        "width": f"{_least_width(text):.2f}",
        "height": "0.3",
        "label": quote(text),
    }


def said(entry: Entry) -> str:
    """An entry of the legend as text; a square stands for a ground."""
    if entry.colour == palette.INK:
        return f"■ {entry.text}"
    return NABLA + entry.text if entry.text.startswith("gradient") else entry.text


def lines(card: Card) -> list[Line]:
    """A card's text, line by line."""
    name = f"{card.name} = {card.expression}" if card.expression else card.name
    found = [Line(verdict(card), "verdict")] if card.verdict else []
    found.append(Line(name, "name"))
    found += [Line(text, "shape") for text in (card.path, card.shape) if text]
    found += [Line(f"{fact.about}  {fact.text}", fact.role) for fact in card.facts]
    if card.value is not None:
        found += [Line(text, "value") for text in _numbers(card.value)]
    if card.gradient is not None:
        if card.hand is not None:
            found += [Line(text, "gradient") for text in ("by hand", *_numbers(card.hand), "true")]
        first, *rest = _numbers(card.gradient)
        mark = NABLA if card.gradient.cells else ""
        found.append(Line(NABLA + (f"{card.total} " if card.total else "") + first, "gradient"))
        found += [Line(" " * 4 * bool(mark) + text, "gradient") for text in rest]
        found += [Line(card.note, "gradient")] if card.note else []
    return found


def verdict(card: Card) -> str:
    """What a comparison says of a card."""
    told = f"{palette.SIGNS[card.verdict]} {card.verdict}{' link' if card.verdict == 'first wrong' else ''}"
    return f"{told}: {card.remark}" if card.remark else told


def _numbers(shown: Shown) -> list[str]:
    """Rows of numbers, aligned right by spaces: a digit is as wide as two of them, a point as one."""
    if not shown.cells:
        return list(shown.lines) or ["…"]
    factors = list(shown.lines)
    columns = list(zip(*shown.cells, strict=True))
    widths = [max(map(_spaces, column)) for column in columns]
    return [
        "  ".join(" " * (width - _spaces(text)) + text for text, width in zip(row, widths, strict=True))
        for row in shown.cells
    ] + factors


def _spaces(text: str) -> int:
    return sum(1 if sign in ".⁻⁰¹²³⁴⁵⁶⁷⁸⁹" else 2 for sign in text)


def _least_width(text: str) -> float:
    """The width in inches that a label needs where it has letters wider than the renderer believes."""
    widths = [[1.0 if east_asian_width(sign) in "WF" else 0.6 for sign in line] for line in text.split("\n")]
    if not any(1.0 in line for line in widths):
        return 0.3
    return (max(map(sum, widths)) * palette.BODY + _BODY_MARGIN) / _INCH
