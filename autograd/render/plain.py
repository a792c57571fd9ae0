"""The style "plain": one text a card, for a Graphviz without HTML-like labels.

That Graphviz draws text in black on one ground. Afterwards, in the SVG, each line gets the colour of its
role, and the header and the gradient get their grounds, so that a card looks like one of the style "cards".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple
from unicodedata import east_asian_width
from xml.etree.ElementTree import Element

from autograd.notation.numbers import Shown
from autograd.render import palette
from autograd.render.diagram import Card, Diagram, Direction, Edge
from autograd.render.dot import document
from autograd.render.edges import Padding
from autograd.render.language import quote
from autograd.render.markup import title_rows
from autograd.render.metrics import text_width
from autograd.render.style import Style
from autograd.render.svg import groups

Role = Literal["verdict", "name", "shape", "muted", "value", "gradient"]
NABLA: Final = "∇ "
_GAP: Final = "    "  # between the entries of the legend
_BODY_MARGIN: Final = 16  # points, left and right of a label together
_INCH: Final = 72
_BOLD: Final = {"font-weight": "bold"}
_BLANK: Final = "\N{NO-BREAK SPACE}"  # pages drop other spaces in a row
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_NOT_FINITE: Final = re.compile(rf"([^{_BLANK}]*(?:NaN|∞)[^{_BLANK}]*)")
_COLOURS: Final = {
    "verdict": palette.INK,
    "name": palette.INK,
    "shape": palette.MUTED,
    "muted": palette.INK,
    "value": palette.VALUE,
    "gradient": palette.GRADIENT,
}
_RADIUS: Final = 12.0  # of Graphviz's rounded boxes
_ASCENT: Final = 0.79  # of the distance of two lines: how far a line's ground begins above its baseline


class Line(NamedTuple):
    """A line of a card."""

    text: str
    role: Role


def source(diagram: Diagram, direction: Direction) -> str:
    """The picture as DOT with plain labels."""
    legend = "\n".join(_GAP.join(map(_entry_text, row)) for row in palette.legend(diagram))
    return document(
        diagram,
        direction,
        fonts=palette.FONTS.partition(",")[0],  # the embedded renderer knows the widths of one font at a time
        node=_node,
        edge=_edge_label,
        cluster=lambda cluster: quote(cluster.title),
        legend=quote(legend),
        title=quote(diagram.longest_title or "\n".join(title_rows(diagram))) if diagram.title else "",
        ranksep=0.42,
    )


def _edge_label(edge: Edge, padding: Padding) -> str:
    parts = [padding(part) for part in (edge.forward, edge.backward) if part]
    return quote("\n".join(parts)) if parts else ""


def _node(card: Card) -> dict[str, str]:
    tint = palette.TINTS[card.kind]
    text = "\n".join(line.text for line in lines(card))
    border, thick = palette.border(card)
    return {
        "shape": "box",
        "style": quote("rounded,filled,dashed" if tint.dashed else "rounded,filled"),
        "fillcolor": quote(tint.header),
        "color": quote(border),
        "penwidth": f"{thick:g}",
        "fontcolor": quote(palette.INK),
        "width": f"{_least_width(card, text):.2f}",
        "height": "0.3",
        "label": quote(text),
    }


def _entry_text(entry: palette.Entry) -> str:
    """An entry of the legend as text; a square stands for a ground."""
    if entry.colour == palette.INK:
        return f"■ {entry.text}"
    return NABLA + entry.text if entry.text.startswith("gradient") else entry.text


def lines(card: Card) -> list[Line]:
    """A card's text, line by line."""
    written = [Line(card.badge, "verdict")] if card.verdict else []
    written.append(Line(card.title, "name"))
    written += [Line(text, "shape") for text in (card.path, card.shape) if text]
    written += [Line(f"{fact.label}  {fact.text}", fact.role) for fact in card.facts]
    if card.value is not None:
        written += [Line(text, "value") for text in _numbers(card.value)]
    if card.gradient is not None:
        if card.hand is not None:
            written += [Line(text, "gradient") for text in ("by hand", *_numbers(card.hand), "true")]
        first, *rest = _numbers(card.gradient)
        indent = " " * 4 if card.gradient.cells else ""
        written.append(Line(NABLA + (f"{card.total} " if card.total else "") + first, "gradient"))
        written += [Line(indent + text, "gradient") for text in rest]
        written += [Line(card.note, "gradient")] if card.note else []
    return written


def _numbers(shown: Shown) -> list[str]:
    """Rows of numbers, aligned right by spaces: a digit is as wide as two of them, a point as one."""
    if not shown.cells:
        return list(shown.lines) or ["…"]
    widths = [max(map(_spaces, column)) for column in zip(*shown.cells, strict=True)]
    rows = [
        "  ".join(" " * (width - _spaces(text)) + text for text, width in zip(row, widths, strict=True))
        for row in shown.cells
    ]
    return [*rows, *shown.lines]


def _spaces(text: str) -> int:
    return sum(1 if sign in ".⁻⁰¹²³⁴⁵⁶⁷⁸⁹" else 2 for sign in text)


def _least_width(card: Card, text: str) -> float:
    """The width in inches that a label needs where its letters are bold, or wider than the renderer believes."""
    widths = [[1.0 if east_asian_width(sign) in "WF" else 0.6 for sign in line] for line in text.split("\n")]
    wide = text_width(card.badge, palette.BODY, bold=True)
    if any(1.0 in line for line in widths):
        wide = max(wide, *(sum(line) * palette.BODY for line in widths))
    return max((wide + _BODY_MARGIN) / _INCH, 0.3)


def card_size(card: Card) -> tuple[float, float]:
    """About how wide and high a card is, in points."""
    texts = [line.text for line in lines(card)]
    return max(text_width(text, palette.BODY) for text in texts) + 18, 1.2 * palette.BODY * len(texts) + 8


# Colours in the SVG


def colour(root: Element, nodes: Mapping[str, Element], diagram: Diagram) -> None:
    """Colour the texts and grounds of an SVG that has one text a card."""
    for card in diagram.cards:
        _colour_card(nodes[card.id], card)
    edges = {f"e{place}": edge for place, edge in enumerate(diagram.edges)}
    for group in groups(root, "edge"):
        edge = edges[group.get("id", "")]
        backward = palette.CANVAS if edge.pending else palette.GRADIENT
        for text in group.findall("text"):
            fill = palette.INK if (text.text or "").strip(_BLANK) == edge.forward else backward
            text.attrib.update({"font-family": palette.FONTS, "font-size": f"{palette.EDGE}", "fill": fill})
    for group in groups(root, "cluster"):
        for text in group.findall("text"):
            text.attrib.update({**_BOLD, "font-family": palette.FONTS, "fill": palette.INK})
            if text.text == diagram.longest_title:
                text.text = diagram.title
    for text, row in zip(next(groups(root, "graph")).findall("text"), palette.legend(diagram), strict=False):
        text.attrib.update({"font-family": palette.FONTS, "font-size": f"{palette.LEGEND}"})
        _write(text, [run for entry in row for run in _entry_runs(entry, last=entry is row[-1])])


def _colour_card(group: Element, card: Card) -> None:
    texts, written = group.findall("text"), lines(card)
    shapes = [element for element in group if element.tag in ("path", "polygon")]
    if not shapes or len(texts) != len(written):  # lines that cannot be told apart stay black, and readable
        return
    outline = shapes[0]
    for text, line in zip(texts, written, strict=True):
        _colour_line(text, line, card)
        text.set("class", line.role)
    border = Element(outline.tag, {**outline.attrib, "fill": "none"})
    outline.attrib.update({"fill": palette.CANVAS, "stroke": "none"})
    position = list(group).index(outline) + 1
    group[position:position] = [*_grounds(outline, texts, written, card), border]


def _grounds(outline: Element, texts: Sequence[Element], written: Sequence[Line], card: Card) -> list[Element]:
    """The tinted header, and the gradient's ground under a rule, inside the outline's rounded corners."""
    points = [float(number) for number in _NUMBER.findall(outline.get("d") or outline.get("points") or "")]
    left, right, top, bottom = min(points[::2]), max(points[::2]), min(points[1::2]), max(points[1::2])
    baselines = [float(text.get("y", "0")) for text in texts]
    ascent = _ASCENT * (baselines[1] - baselines[0]) if len(baselines) > 1 else 0.0
    tops = {line.role: at - ascent for line, at in reversed(list(zip(written, baselines, strict=True)))}
    radius = min(_RADIUS, (bottom - top) / 2)
    tint = palette.TINTS[card.kind]
    header = palette.HIGHLIGHTS.get(card.highlight, tint.header)
    below = [tops[role] for role in ("muted", "value", "gradient") if role in tops]
    if not below:
        return [_rounded((left, right, top, bottom), radius, radius, header)]
    grounds = [_rounded((left, right, top, min(below)), radius, 0, header)]
    if "gradient" in tops:
        rule = f"{tops['gradient']:.2f}"
        ends = {"x1": f"{left:.2f}", "x2": f"{right:.2f}", "y1": rule, "y2": rule}
        grounds.append(_rounded((left, right, tops["gradient"], bottom), 0, radius, palette.GRADIENT_GROUND))
        grounds.append(Element("line", {**ends, "stroke": tint.border}))
    return grounds


def _rounded(box: tuple[float, float, float, float], up: float, down: float, fill: str) -> Element:
    """A rectangle with rounded corners: the radius of the upper ones, and of the lower ones."""
    left, right, top, bottom = box
    path = (
        f"M{left:.2f},{top + up:.2f} Q{left:.2f},{top:.2f} {left + up:.2f},{top:.2f} "
        f"H{right - up:.2f} Q{right:.2f},{top:.2f} {right:.2f},{top + up:.2f} "
        f"V{bottom - down:.2f} Q{right:.2f},{bottom:.2f} {right - down:.2f},{bottom:.2f} "
        f"H{left + down:.2f} Q{left:.2f},{bottom:.2f} {left:.2f},{bottom - down:.2f} Z"
    )
    return Element("path", {"d": path, "fill": fill, "stroke": "none"})


def _colour_line(text: Element, line: Line, card: Card) -> None:
    content = text.text or ""
    fill = palette.MUTED if card.kind == "fold" and line.role != "name" else _COLOURS[line.role]
    alarm = {**_BOLD, "fill": palette.ALARM}
    if line.role in card.hidden:
        fill = alarm["fill"] = palette.CANVAS if line.role == "value" else palette.GRADIENT_GROUND
    text.attrib.update({"font-family": palette.FONTS, "fill": fill})
    if line.role == "name":
        bold = len(card.name) if content.startswith(card.name) else 0
        _write(text, [(content[:bold], _BOLD), (content[bold:], {})])
    elif line.role == "verdict":
        text.attrib.update({**_BOLD, "fill": palette.ALARM if "wrong" in card.verdict else palette.INK})
    elif line.role == "shape":
        text.set("font-size", f"{palette.SHAPE}")
    else:
        parts = _NOT_FINITE.split(content.replace(" ", _BLANK))
        _write(text, [(part, alarm if position % 2 else {}) for position, part in enumerate(parts)])


def _entry_runs(entry: palette.Entry, *, last: bool) -> list[tuple[str, dict[str, str]]]:
    """An entry of the legend, its square in the colour of the border that it explains."""
    gap = "" if last else _GAP.replace(" ", _BLANK)
    content = _entry_text(entry)
    if not content.startswith("■"):
        return [(content + gap, {"fill": entry.colour})]
    return [("■", {"fill": palette.TINTS[entry.text].border}), (content[1:] + gap, {"fill": entry.colour})]


def _write(text: Element, runs: Sequence[tuple[str, dict[str, str]]]) -> None:
    """Fill a text with runs of text that have attributes of their own."""
    text.text = None
    for content, attributes in runs:
        if content:
            run = Element("tspan", attributes)
            run.text = content
            text.append(run)


PLAIN: Final = Style("plain", source, size=card_size, gap=7.0, finish=colour, moments=True, cards=True, rows=True)
