"""What happens to an SVG after Graphviz: it is checked, sized for a slide, and made fit for a page.

Graphviz's own titles are identifiers, and its ids repeat from picture to picture on one page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from zlib import crc32

from autograd.render.backends import DrawingError
from autograd.render.diagram import Diagram
from autograd.render.extent import Room
from autograd.render.letters import width
from autograd.render.paint import groups, paint
from autograd.render.plain import verdict

LARGEST: Final = 2.0  # scale, so that a picture of two cards does not fill a wall
UNFOLD: Final = "collapse='none' draws everything"
_GAP: Final = 0.28  # of the type size, between words
_BLANKS = " \N{NO-BREAK SPACE}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def finish(
    raw: bytes, diagram: Diagram, source: str, *, plain: bool, room: Room | None = None, circuit: bool = False
) -> str:
    """The SVG as it is shown and saved.

    Args:
        raw: what Graphviz made.
        diagram: what it should have made.
        source: the DOT document.
        plain: whether that has plain labels, which are coloured here.
        circuit: whether it is drawn as one, with gates that are no cards.
        room: the pixels that it is to fit into, where its text stays readable.

    Raises:
        DrawingError: `raw` is no SVG of this diagram.
    """
    root = _parse(raw)
    nodes = _check(root, diagram, circuit)
    if plain:
        paint(root, nodes, diagram)
    elif not circuit:
        _straighten(nodes, diagram)
    _retitle(root, nodes, diagram)
    _raise_titles(root)
    for text in root.iter("text"):
        if any(run != run.strip(_BLANKS) for run in text.itertext()):  # kept by files, and by pages through the style
            text.attrib.update({_SPACE: "preserve", "style": "white-space:pre"})
    prefix = f"c{crc32(source.encode()):08x}"
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{prefix}-{element.get('id')}")
        for colour in ("fill", "stroke"):
            if element.get(colour) == "transparent":  # a colour that CSS has, and SVG 1.1 has not
                element.set(colour, "none")
    across, down = size(root)
    scale = fit(across, down, room)
    root.attrib.update(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": f"{across * scale:.0f}",
            "height": f"{down * scale:.0f}",
            "style": "max-width:100%;height:auto",  # in a notebook, whose cells are narrower than slides
            "role": "img",
            "aria-label": diagram.title or f"computation of {diagram.symbol}",
        }
    )
    written: str = ElementTree.tostring(root, encoding="unicode")
    return written + "\n"


def size(root: Element) -> tuple[float, float]:
    """Width and height of a picture in points."""
    _, _, width, height = map(float, (root.get("viewBox") or "0 0 1 1").split())
    return width, height


def fit(width: float, height: float, room: Room | None = None) -> float:
    """The scale that fills a slide; at least 1, so that text of 12 points has 12 pixels.

    >>> fit(2560, 100), fit(800, 100), fit(10, 10)
    (1.0, 1.6, 2.0)
    """
    return min(max((room or Room()).scale(width, height), 1.0), LARGEST)


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


def _title(group: Element) -> str:
    return group.findtext("title", "")


def _check(root: Element, diagram: Diagram, circuit: bool) -> dict[str, Element]:
    """The groups of the cards; a label that a renderer could not read is drawn as the node's name."""
    known = {card.id for card in diagram.cards}
    nodes = {title: group for group in groups(root, "node") if (title := _title(group)) in known or not circuit}
    if nodes.keys() != known:
        raise DrawingError(f"it drew {len(nodes)} of {len(diagram.cards)} cards")
    edges = sum("wire" not in group.get("class", "") for group in groups(root, "edge"))
    if edges != len(diagram.edges):
        raise DrawingError(f"it drew {edges} of {len(diagram.edges)} edges")
    for card in diagram.cards:
        if circuit:  # a wire has its name, and the gate its operation
            continue
        expected = card.name + (f"={card.expression}" if card.expression else "") + card.path + card.shape
        expected = (verdict(card) if card.verdict else "") + expected
        found = "".join("".join(text.itertext()) for text in nodes[card.id].iter("text"))
        if not _solid(found).startswith(_solid(expected)):
            raise DrawingError(f"it drew the card of {card.name} without its text")
    return nodes


def _straighten(nodes: Mapping[str, Element], diagram: Diagram) -> None:
    """Put the lines above a card's numbers into its middle, and a name right before its formula.

    Graphviz measures text a little narrower than viewers draw it, and fonts that lend a sign are of other heights.
    """
    for card in diagram.cards:
        group = nodes[card.id]
        texts = group.findall("text")[
            : sum(map(bool, (card.verdict, card.name, card.expression, card.path, card.shape)))
        ]
        if (middle := _middle(group)) is None:
            continue
        formula = (
            next((text for text in texts if (text.text or "").startswith("= ")), None) if card.expression else None
        )
        if formula is not None:
            name = texts.pop(texts.index(formula) - 1)
            texts.remove(formula)
            kind = float(name.get("font-size", "14"))
            wide = width(card.name, round(kind), bold=True), _GAP * kind, width(formula.text or "", round(kind))
            start = middle - sum(wide) / 2 + wide[0] + wide[1]
            formula.set("x", f"{start:.2f}")
            name.attrib.update({"text-anchor": "end", "x": f"{start - wide[1]:.2f}", "y": formula.get("y", "0")})
        for text in texts:
            text.attrib.update({"text-anchor": "middle", "x": f"{middle:.2f}"})


def _middle(group: Element) -> float | None:
    """Where the middle of a card is, from its outline, if it has one."""
    told = (shape.get("points") or shape.get("d") or "" for shape in group if shape.tag in ("polygon", "path"))
    across = [float(x) for x in re.findall(r"(-?[\d.]+),", " ".join(told))]
    return (min(across) + max(across)) / 2 if across else None


def _raise_titles(root: Element) -> None:
    """Draw the titles of frames last, on the frame's own ground, so that no edge runs through them."""
    whole = next(groups(root, "graph"), root)
    for frame in list(groups(root, "cluster")):
        outline, text = frame.find("path"), frame.find("text")
        if outline is None or text is None:  # that of the picture's own title has no outline
            continue
        kind = float(text.get("font-size", "12"))
        wide = width(text.text or "", round(kind), bold=True)
        left, base = float(text.get("x", "0")), float(text.get("y", "0"))
        left -= wide / 2 if text.get("text-anchor") == "middle" else 0.0
        place = {"x": left - 2, "y": base - 0.8 * kind, "width": wide + 4, "height": 1.05 * kind}
        frame.remove(text)
        title = SubElement(whole, "g", {"class": "title"})
        SubElement(title, "rect", {"fill": outline.get("fill", ""), **{key: f"{at:.2f}" for key, at in place.items()}})
        title.append(text)


def _solid(text: str) -> str:
    return "".join(text.split())


def _retitle(root: Element, nodes: dict[str, Element], diagram: Diagram) -> None:
    """Titles are what a pointer shows and a screen reader says: sentences, and none that says nothing."""
    names = {card.id: card.name for card in diagram.cards}
    for card in diagram.cards:
        hint = f"; {UNFOLD}" if diagram.folded and card.kind == "fold" else ""
        nodes[card.id][0].text = card.sentence + hint
    for edge in groups(root, "edge"):
        tail, _, head = _title(edge).partition("->")
        edge[0].text = f"{names.get(tail, tail)} — {names.get(head, head)}"
    for group in (*groups(root, "graph"), *groups(root, "cluster")):
        for title in group.findall("title"):
            group.remove(title)
