"""What happens to an SVG after Graphviz: it is checked, sized for a slide, made readable and coloured.

Graphviz's own titles are identifiers, its ids repeat from picture to picture on one page, and the
plain style comes without colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from zlib import crc32

from autograd.render import palette
from autograd.render.backends import DrawingError
from autograd.render.legend import Entry, entries
from autograd.render.model import Card, Diagram
from autograd.render.plain import GAP, Line, lines, said

SLIDE: Final = (1280, 720)
LARGEST: Final = 2.0  # scale, so that a picture of two cards does not fill a wall
_BOLD = {"font-weight": "bold"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_BLANK = "\N{NO-BREAK SPACE}"


def finish(raw: bytes, diagram: Diagram, source: str, *, plain: bool) -> str:
    """The SVG as it is shown and saved.

    Args:
        raw: what Graphviz made.
        diagram: what it should have made.
        source: the DOT document.
        plain: whether that has plain labels, which are coloured here.

    Raises:
        DrawingError: `raw` is no SVG of this diagram.
    """
    root = _parse(raw)
    nodes = _check(root, diagram)
    if plain:
        for card in diagram.cards:
            _colour_card(nodes[card.id], card)
        _colour_texts(root, diagram)
    _retitle(root, nodes, diagram)
    for text in root.iter("text"):
        if (text.text or "").strip(" ") != (text.text or ""):  # kept by files, and by pages through the style
            text.attrib.update({_SPACE: "preserve", "style": "white-space:pre"})
    prefix = f"c{crc32(source.encode()):08x}"
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{prefix}-{element.get('id')}")
    width, height = size(root)
    scale = fit(width, height)
    root.attrib.update(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": f"{width * scale:.0f}",
            "height": f"{height * scale:.0f}",
            "role": "img",
            "aria-label": diagram.title or f"computation of {diagram.output.name}",
        }
    )
    written: str = ElementTree.tostring(root, encoding="unicode")
    return written + "\n"


def size(root: Element) -> tuple[float, float]:
    """Width and height of a picture in points."""
    _, _, width, height = map(float, (root.get("viewBox") or "0 0 1 1").split())
    return width, height


def fit(width: float, height: float) -> float:
    """The scale that fills a slide; at least 1, so that text of 12 points has 12 pixels.

    >>> fit(2560, 100), fit(800, 100), fit(10, 10)
    (1.0, 1.6, 2.0)
    """
    return min(max(min(SLIDE[0] / width, SLIDE[1] / height), 1.0), LARGEST)


def _parse(raw: bytes) -> Element:
    try:
        root = ElementTree.fromstring(raw)
    except ElementTree.ParseError as error:
        raise DrawingError(f"what it gave is no SVG: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "svg":
        raise DrawingError(f"what it gave is no SVG, but <{root.tag}>")
    return root


def _groups(root: Element, kind: str) -> Iterator[Element]:
    return (group for group in root.iter("g") if kind in group.get("class", "").split())


def _title(group: Element) -> str:
    return group.findtext("title", "")


def _check(root: Element, diagram: Diagram) -> dict[str, Element]:
    """The groups of the cards; a label that a renderer could not read is drawn as the node's name."""
    nodes = {_title(group): group for group in _groups(root, "node")}
    if nodes.keys() != {card.id for card in diagram.cards}:
        raise DrawingError(f"it drew {len(nodes)} of {len(diagram.cards)} cards")
    edges = sum(1 for _ in _groups(root, "edge"))
    if edges != len(diagram.edges):
        raise DrawingError(f"it drew {edges} of {len(diagram.edges)} edges")
    for card in diagram.cards:
        expected = card.name + (f"={card.expression}" if card.expression else "") + card.path + card.shape
        found = "".join("".join(text.itertext()) for text in nodes[card.id].iter("text"))
        if not _solid(found).startswith(_solid(expected)):
            raise DrawingError(f"it drew the card of {card.name} without its text")
    return nodes


def _solid(text: str) -> str:
    return "".join(text.split())


def _retitle(root: Element, nodes: dict[str, Element], diagram: Diagram) -> None:
    """Titles are what a pointer shows and a screen reader says: sentences, and none that says nothing."""
    names = {card.id: card.name for card in diagram.cards}
    for card in diagram.cards:
        nodes[card.id][0].text = card.sentence
    for edge in _groups(root, "edge"):
        tail, _, head = _title(edge).partition("->")
        edge[0].text = f"{names.get(tail, tail)} — {names.get(head, head)}"
    for group in (*_groups(root, "graph"), *_groups(root, "cluster")):
        for title in group.findall("title"):
            group.remove(title)


# The plain style


def _colour_card(group: Element, card: Card) -> None:
    """Give the box of one text the look of a card: grounds, a rule, and colours by role."""
    outline = group.find("path")
    if outline is None:
        outline = group.find("polygon")
    texts = group.findall("text")
    roles = lines(card)
    if outline is None or len(texts) != len(roles):
        return
    tint = palette.TINTS[card.kind]
    for text, line in zip(texts, roles, strict=True):
        _colour_line(text, line, card)
    outline.set("fill", palette.CANVAS)
    group.insert(list(group).index(outline) + 1, _copy_outline(outline))
    group[list(group).index(outline)].set("stroke", "none")
    grounds = _grounds(outline, texts, roles, tint)
    for position, ground in enumerate(grounds, list(group).index(outline) + 1):
        group.insert(position, ground)


def _copy_outline(outline: Element) -> Element:
    return Element(outline.tag, {**outline.attrib, "fill": "none"})


def _grounds(outline: Element, texts: Sequence[Element], roles: Sequence[Line], tint: palette.Tint) -> list[Element]:
    """The tinted header, and the gradient's ground under a rule, inside the outline's rounded corners."""
    points = [float(number) for number in _NUMBER.findall(outline.get("d") or outline.get("points") or "")]
    left, right, top, bottom = min(points[::2]), max(points[::2]), min(points[1::2]), max(points[1::2])
    baselines = [float(text.get("y", "0")) for text in texts]
    step = baselines[1] - baselines[0] if len(baselines) > 1 else 0.0
    first = {line.role: at for line, at in reversed(list(zip(roles, baselines, strict=True)))}
    radius = min(12.0, (bottom - top) / 2)
    above = first.get("value", first.get("gradient"))
    if above is None:
        return [_rounded((left, right, top, bottom), radius, radius, tint.header)]
    grounds = [_rounded((left, right, top, above - 0.8 * step), radius, 0, tint.header)]
    if "gradient" in first:
        rule = first["gradient"] - 0.8 * step
        grounds.append(_rounded((left, right, rule, bottom), 0, radius, palette.GRADIENT_GROUND))
        line = {"x1": left, "x2": right, "y1": rule, "y2": rule}
        grounds.append(Element("line", {**{key: f"{at:.2f}" for key, at in line.items()}, "stroke": tint.border}))
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
    text.set("font-family", palette.FONTS)
    content = text.text or ""
    if line.role == "name":
        if content.startswith(card.name):
            _runs(text, [(card.name, _BOLD), (content[len(card.name) :], {})])
        return
    colours = {"shape": palette.MUTED, "value": palette.VALUE, "gradient": palette.GRADIENT}
    colour = palette.MUTED if card.kind == "fold" else colours[line.role]
    text.set("fill", colour)
    if line.role == "shape":
        text.set("font-size", f"{palette.SHAPE}")
        return
    text.text = content.replace(" ", _BLANK)  # pages drop spaces in a row
    parts = re.split(rf"([^{_BLANK}]*(?:NaN|∞)[^{_BLANK}]*)", text.text)
    if len(parts) > 1:
        alarm = {**_BOLD, "fill": palette.ALARM}
        _runs(text, [(part, alarm if position % 2 else {}) for position, part in enumerate(parts)])


def _runs(text: Element, runs: Sequence[tuple[str, dict[str, str]]]) -> None:
    text.text = None
    for content, attributes in runs:
        if content:
            run = Element("tspan", attributes)
            run.text = content
            text.append(run)


def _colour_texts(root: Element, diagram: Diagram) -> None:
    """The title, and the legend with a square in the colour of each kind of card."""
    for group in _groups(root, "cluster"):
        for text in group.findall("text"):
            text.attrib.update({**_BOLD, "font-family": palette.FONTS, "fill": palette.INK})
    graph = next(_groups(root, "graph"))
    for text, row in zip(graph.findall("text"), entries(diagram), strict=False):
        text.set("font-family", palette.FONTS)
        text.set("font-size", f"{palette.LEGEND}")
        _runs(text, [run for entry in row for run in _entry_runs(entry, last=entry is row[-1])])


def _entry_runs(entry: Entry, *, last: bool) -> list[tuple[str, dict[str, str]]]:
    gap = "" if last else GAP.replace(" ", _BLANK)
    content = said(entry)
    if content[0] == "■":
        border = palette.TINTS[entry.text].border
        return [("■", {"fill": border}), (content[1:] + gap, {"fill": entry.colour})]
    return [(content + gap, {"fill": entry.colour})]
