"""Colours for the plain style, whose text comes from Graphviz in black on one ground.

Each line of a card gets the colour of its role, and the header and the gradient their grounds, so that
a card without HTML-like labels looks like one with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from autograd.render import palette
from autograd.render.diagram import Card, Diagram
from autograd.render.legend import Entry, entries
from autograd.render.plain import GAP, Line, lines, said

_BOLD = {"font-weight": "bold"}
_BLANK = "\N{NO-BREAK SPACE}"  # pages drop other spaces in a row
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NOT_FINITE = re.compile(rf"([^{_BLANK}]*(?:NaN|∞)[^{_BLANK}]*)")
_COLOURS = {
    "verdict": palette.INK,
    "name": palette.INK,
    "shape": palette.MUTED,
    "muted": palette.INK,
    "value": palette.VALUE,
    "gradient": palette.GRADIENT,
}
_RADIUS: Final = 12.0  # of Graphviz's rounded boxes
_ASCENT: Final = 0.79  # of the distance of two lines: how far a line's ground begins above its baseline


def groups(root: Element, kind: str) -> Iterator[Element]:
    """The groups of an SVG by Graphviz that are of a class: "node", "edge", "cluster", "graph"."""
    return (group for group in root.iter("g") if kind in group.get("class", "").split())


def paint(root: Element, nodes: Mapping[str, Element], diagram: Diagram) -> None:
    """Colour an SVG whose cards are the groups `nodes`, by id."""
    for card in diagram.cards:
        _paint_card(nodes[card.id], card)
    edges = {f"e{place}": edge for place, edge in enumerate(diagram.edges)}
    for group in groups(root, "edge"):
        edge = edges[group.get("id", "")]
        back = palette.CANVAS if edge.pending else palette.GRADIENT
        for text in group.findall("text"):
            colour = palette.INK if (text.text or "").strip(_BLANK) == edge.carried else back
            text.attrib.update({"font-family": palette.FONTS, "font-size": f"{palette.EDGE}", "fill": colour})
    for group in groups(root, "cluster"):
        for text in group.findall("text"):
            text.attrib.update({**_BOLD, "font-family": palette.FONTS, "fill": palette.INK})
            if text.text == diagram.room:
                text.text = diagram.title
    for text, row in zip(next(groups(root, "graph")).findall("text"), entries(diagram), strict=False):
        text.attrib.update({"font-family": palette.FONTS, "font-size": f"{palette.LEGEND}"})
        _write(text, [run for entry in row for run in _entry(entry, last=entry is row[-1])])


def _paint_card(group: Element, card: Card) -> None:
    texts, told = group.findall("text"), lines(card)
    shapes = [element for element in group if element.tag in ("path", "polygon")]
    if not shapes or len(texts) != len(told):  # what cannot be told apart stays black, and readable
        return
    outline = shapes[0]
    for text, line in zip(texts, told, strict=True):
        _paint_line(text, line, card)
        text.set("class", line.role)
    border = Element(outline.tag, {**outline.attrib, "fill": "none"})
    outline.attrib.update({"fill": palette.CANVAS, "stroke": "none"})
    position = list(group).index(outline) + 1
    group[position:position] = [*_grounds(outline, texts, told, card), border]


def _grounds(outline: Element, texts: Sequence[Element], told: Sequence[Line], card: Card) -> list[Element]:
    """The tinted header, and the gradient's ground under a rule, inside the outline's rounded corners."""
    points = [float(number) for number in _NUMBER.findall(outline.get("d") or outline.get("points") or "")]
    left, right, top, bottom = min(points[::2]), max(points[::2]), min(points[1::2]), max(points[1::2])
    baselines = [float(text.get("y", "0")) for text in texts]
    ascent = _ASCENT * (baselines[1] - baselines[0]) if len(baselines) > 1 else 0.0
    tops = {line.role: at - ascent for line, at in reversed(list(zip(told, baselines, strict=True)))}
    radius = min(_RADIUS, (bottom - top) / 2)
    border = palette.TINTS[card.kind].border
    header = palette.LIT.get(card.lit, palette.TINTS[card.kind].header)
    below = [tops[role] for role in ("muted", "value", "gradient") if role in tops]
    if not below:
        return [_rounded((left, right, top, bottom), radius, radius, header)]
    header_end = min(below)
    grounds = [_rounded((left, right, top, header_end), radius, 0, header)]
    if "gradient" in tops:
        rule = f"{tops['gradient']:.2f}"
        ends = {"x1": f"{left:.2f}", "x2": f"{right:.2f}", "y1": rule, "y2": rule}
        ground = palette.GRADIENT_GROUND
        grounds.append(_rounded((left, right, tops["gradient"], bottom), 0, radius, ground))
        grounds.append(Element("line", {**ends, "stroke": border}))
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


def _paint_line(text: Element, line: Line, card: Card) -> None:
    content = text.text or ""
    folded = card.kind == "fold" and line.role != "name"
    colour = palette.MUTED if folded else _COLOURS[line.role]
    alarm = {**_BOLD, "fill": palette.ALARM}
    if line.role in card.hidden:
        colour = alarm["fill"] = palette.CANVAS if line.role == "value" else palette.GRADIENT_GROUND
    text.attrib.update({"font-family": palette.FONTS, "fill": colour})
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


def _entry(entry: Entry, *, last: bool) -> list[tuple[str, dict[str, str]]]:
    """An entry of the legend, its square in the colour of the border that it explains."""
    gap = "" if last else GAP.replace(" ", _BLANK)
    content = said(entry)
    if not content.startswith("■"):
        return [(content + gap, {"fill": entry.colour})]
    border = palette.TINTS[entry.text].border
    return [("■", {"fill": border}), (content[1:] + gap, {"fill": entry.colour})]


def _write(text: Element, runs: Sequence[tuple[str, dict[str, str]]]) -> None:
    """Fill a text with runs of text that have attributes of their own."""
    text.text = None
    for content, attributes in runs:
        if content:
            run = Element("tspan", attributes)
            run.text = content
            text.append(run)
