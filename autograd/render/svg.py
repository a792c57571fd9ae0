"""What happens to an SVG after Graphviz: it is checked, sized for a slide, and made fit for a page.

Graphviz's own titles are identifiers, and its ids repeat from picture to picture on one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from zlib import crc32

from autograd.render.backends import DrawingError
from autograd.render.diagram import Card, Diagram
from autograd.render.layout import LARGEST, Viewport
from autograd.render.metrics import text_width
from autograd.render.style import Style

UNFOLD: Final = "collapse='none' draws everything"
_VIEW_BOX: Final = re.compile('viewBox="([^"]*)"')
_BLANKS = " \N{NO-BREAK SPACE}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def finish(raw: bytes, diagram: Diagram, source: str, style: Style, viewport: Viewport | None = None) -> str:
    """The SVG as it is shown and saved.

    Args:
        raw: what Graphviz gave.
        diagram, source, style: what it should have drawn, the DOT document, and the style that wrote it.
        viewport: the pixels that it is to fit into, where its text stays readable.

    Raises:
        DrawingError: `raw` is no SVG of this diagram.
    """
    root = _parse(raw)
    _part_edges(root)
    nodes = _check(root, diagram, style)
    _join_edges(root)
    _in_order(root, nodes, diagram)
    style.finish(root, nodes, diagram)
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
    across, down = _size(root.get("viewBox"))
    scale = fit(across, down, viewport)
    root.attrib.update(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": f"{across * scale:.0f}",
            "height": f"{down * scale:.0f}",
            "role": "img",
            "aria-label": diagram.title or f"computation of {diagram.symbol}",
        }
    )
    return f"{ElementTree.tostring(root, encoding='unicode')}\n"


def groups(root: Element, kind: str) -> Iterator[Element]:
    """The groups of an SVG by Graphviz that are of a class: "node", "edge", "cluster", "graph"."""
    return (group for group in root.iter("g") if kind in group.get("class", "").split())


def size(svg: str) -> tuple[float, float]:
    """Width and height of a picture in points, from its first tag: the rest is long.

    >>> size('<svg width="8in" viewBox="0.00 0.00 576.00 324.00"><g/></svg>')
    (576.0, 324.0)
    """
    found = _VIEW_BOX.search(svg)
    return _size(found and found[1])


def _size(box: str | None) -> tuple[float, float]:
    _, _, width, height = map(float, (box or "0 0 1 1").split())
    return width, height


def fit(width: float, height: float, viewport: Viewport | None = None) -> float:
    """The scale that fills a slide; at least 1, so that text of 12 points has 12 pixels.

    >>> fit(2560, 100), fit(800, 100), fit(10, 10)
    (1.0, 1.6, 2.0)
    """
    return min(max((viewport or Viewport()).scale(width, height), 1.0), LARGEST)


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


def _check(root: Element, diagram: Diagram, style: Style) -> dict[str, Element]:
    """The groups of the cards, by id: every card is there with its text, and every edge."""
    ids = {card.id for card in diagram.cards}
    nodes = {title: group for group in groups(root, "node") if (title := group.findtext("title", "")) in ids}
    if nodes.keys() != ids:
        raise DrawingError(f"it drew {len(nodes)} of {len(diagram.cards)} cards")
    edges = sum("wire" not in group.get("class", "").split() for group in groups(root, "edge"))
    if edges != len(diagram.edges):
        raise DrawingError(f"it drew {edges} of {len(diagram.edges)} edges")
    for card in diagram.cards:
        drawn = _solid("".join("".join(text.itertext()) for text in nodes[card.id].iter("text")))
        # A label that a renderer cannot read is drawn as the node's name.
        if drawn == card.id != card.name or (style.cards and not drawn.startswith(_head(card))):
            raise DrawingError(f"it drew the card of {card.name} without its text")
    return nodes


def _head(card: Card) -> str:
    """The text that a card begins with, without spaces."""
    formula = f"={card.expression}" if card.expression else ""
    return _solid(card.badge + card.name + formula + card.path + card.shape)


def _solid(text: str) -> str:
    return "".join(text.split())


def _join_edges(root: Element) -> None:
    """An edge to another row is one group, though it was drawn in three pieces."""
    whole = next(groups(root, "graph"), root)
    edges = {edge.get("id"): edge for edge in groups(root, "edge")}
    for piece in list(groups(root, "edge")):
        of = next((word[3:] for word in piece.get("class", "").split() if word.startswith("of-")), "")
        if of in edges:
            edges[of].extend(part for part in piece if part.tag != "title")
            whole.remove(piece)


def _part_edges(root: Element) -> None:
    """Of a line for several uses, one group each."""
    whole = next(groups(root, "graph"), root)
    for edge in list(groups(root, "edge")):
        for word in edge.get("class", "").split():
            if word.startswith("with-"):
                other = deepcopy(edge)
                other.attrib.update(
                    {"id": word[5:], "class": " ".join(edge.get("class", "").partition(" with-")[0].split())}
                )
                for text in other.findall("text"):
                    other.remove(text)
                whole.append(other)


def _in_order(root: Element, nodes: Mapping[str, Element], diagram: Diagram) -> None:
    """Cards in the order of the program, for who goes through them by keys or listens to them."""
    whole = next(groups(root, "graph"), root)
    parts = list(whole)
    places = sorted(parts.index(node) for node in nodes.values())
    for place, card in zip(places, diagram.cards, strict=True):
        whole[place] = nodes[card.id]


def _raise_titles(root: Element) -> None:
    """Draw the titles of clusters last, on the cluster's own ground, so that no edge runs through them."""
    whole = next(groups(root, "graph"), root)
    for cluster in list(groups(root, "cluster")):
        outline, text = cluster.find("path"), cluster.find("text")
        if outline is None or text is None:  # that of the picture's own title has no outline
            continue
        kind = float(text.get("font-size", "12"))
        wide = text_width(text.text or "", round(kind), bold=True)
        left, base = float(text.get("x", "0")), float(text.get("y", "0"))
        left -= wide / 2 if text.get("text-anchor") == "middle" else 0.0
        place = {"x": left - 2, "y": base - 0.8 * kind, "width": wide + 4, "height": 1.05 * kind}
        cluster.remove(text)
        title = SubElement(whole, "g", {"class": "title"})
        SubElement(title, "rect", {"fill": outline.get("fill", ""), **{key: f"{at:.2f}" for key, at in place.items()}})
        title.append(text)


def _retitle(root: Element, nodes: Mapping[str, Element], diagram: Diagram) -> None:
    """Titles are what a pointer shows and a screen reader says: sentences, and none that says nothing."""
    names = {card.id: card.name for card in diagram.cards}
    uses = {f"e{place}": edge for place, edge in enumerate(diagram.edges)}
    for card in diagram.cards:
        hint = f"; {UNFOLD}" if diagram.folded and card.kind == "fold" else ""
        nodes[card.id][0].text = card.description + hint
    for edge in groups(root, "edge"):
        use = uses.get(edge.get("id", ""))
        tail, _, head = edge.findtext("title", "").partition("->") if use is None else (use.tail, "", use.head)
        edge[0].text = f"{names.get(tail, tail)} — {names.get(head, head)}"
    for group in (*groups(root, "graph"), *groups(root, "cluster")):
        for title in group.findall("title"):
            group.remove(title)
