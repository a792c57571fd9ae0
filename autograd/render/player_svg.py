"""The picture of a player: an SVG whose parts say what they are, so that a page can show and hide them.

Everything is drawn once and stays where it is. Heat cells become small images, and what every text
repeats is left to the page's style, so that large graphs stay small files.
"""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from autograd.render import palette
from autograd.render.diagram import Card, Diagram

_REPEATED: Final = ("font-family", "style", "{http://www.w3.org/XML/1998/namespace}space", "text-anchor")
_STAYS: Final = ("middle", "end")  # the anchors that are not the page's default


def player_svg(svg: str, diagram: Diagram, name: str = "picture", prefix: str = "") -> str:
    """The finished SVG of a diagram for a page: cards n0, n1, ... and edges e0, e1, ..., with classes.

    Its own id is `name`, and the others begin with `prefix`; another picture than the first is hidden at first.

    Of a card, `head` is the ground that lights up, `value` and `gradient` are its numbers; of an edge,
    `return` is the gradient's way back, with its label.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if "id" in element.attrib:
            element.set("id", prefix + element.get("id", "").partition("-")[2])
    groups = {element.get("id", ""): element for element in root.iter("g")}
    for card in diagram.cards:
        _mark_card(groups[prefix + card.id], card)
    for place in range(len(diagram.edges)):
        for line in groups[f"{prefix}e{place}"].iter():
            if {line.get("stroke", "").upper(), line.get("fill", "").upper()} & {palette.BACKWARD, palette.GRADIENT}:
                line.set("class", "return")
    for text in root.iter("text"):
        for attribute in _REPEATED:
            if text.get(attribute) not in _STAYS:
                text.attrib.pop(attribute, None)
    for attribute in ("width", "height", "style", "aria-label"):
        root.attrib.pop(attribute, None)
    look = {"class": "picture", "role": "group", "xmlns": "http://www.w3.org/2000/svg"}
    root.attrib.update({"id": name, **look, **({"hidden": "hidden"} if prefix else {})})
    for element in root.iter():  # line breaks and spaces of the file
        element.tail = None if element.tag not in ("tspan",) else element.tail
        if element.tag in ("svg", "g"):
            element.text = None
    return str(ElementTree.tostring(root, encoding="unicode"))


def _mark_card(group: Element, card: Card) -> None:
    """Classes for the parts of a card: with HTML-like labels, a row's ground stands before what is on it."""
    group.attrib.update({"tabindex": "0", "role": "button"})
    header = palette.TINTS[card.kind].header.casefold()
    grounds = {palette.CANVAS.casefold(): "value", palette.GRADIENT_GROUND.casefold(): "gradient"}
    role, head = "", False
    numbers: dict[str, list[Element]] = {"value": [], "gradient": []}
    for element in list(group):
        fill, own_role = element.get("fill", "").casefold(), element.attrib.pop("class", "")
        if fill == header and not head and element.tag != "text":
            head = True
            element.set("class", "head")
        elif element.tag == "polygon" and fill in grounds and element.get("stroke") == "none":
            role = grounds[fill]
        elif element.tag == "text" and (own_role or role) in numbers:
            numbers[own_role or role].append(element)
        elif role and element.tag == "polygon" and element.get("stroke") == "none":
            numbers[role].append(element)
    if card.kind == "fold":  # its summary is no number that comes later
        numbers["value"] = []
    for name, elements in numbers.items():
        _wrap(group, elements, name)


def _wrap(group: Element, elements: Sequence[Element], role: str) -> None:
    """Put the numbers of one role into a group of their own, which says once what all have in common."""
    if not elements:
        return
    texts = [element for element in elements if element.tag == "text"]
    common: dict[str, str] = {
        attribute: text.get(attribute, "")
        for text in texts[:1]
        for attribute in ("fill", "font-size", "font-weight")
        if len({text.get(attribute) for text in texts}) == 1 and attribute in text.attrib
    }
    for text in texts:
        for attribute in common:
            del text.attrib[attribute]
    inner = Element("g", {"class": role, **common})
    group.insert(list(group).index(elements[0]), inner)
    for element in elements:
        group.remove(element)
    inner.extend([*_as_image([element for element in elements if element.tag != "text"]), *texts])


def _as_image(squares: Sequence[Element]) -> Sequence[Element]:
    """One image in place of many squares, and lines over it in place of the gaps between them."""
    corners = [_box(square) for square in squares]
    lefts, tops = (sorted({corner[axis] for corner in corners}) for axis in (0, 1))
    if not squares or len(lefts) * len(tops) != len(squares):
        return squares
    colours = {(x, y): square.get("fill", "") for square, (x, y, _, _) in zip(squares, corners, strict=True)}
    rows = [[colours[x, y] for x in lefts] for y in tops]
    gap_x = max(0.0, lefts[1] - corners[0][2]) if len(lefts) > 1 else 0.0
    gap_y = max(0.0, tops[1] - corners[0][3]) if len(tops) > 1 else 0.0
    left, top = lefts[0] - gap_x / 2, tops[0] - gap_y / 2
    width = max(corner[2] for corner in corners) + gap_x / 2 - left
    height = max(corner[3] for corner in corners) + gap_y / 2 - top
    across, down = width / len(lefts), height / len(tops)  # Graphviz's columns differ by less than a point
    data = b64encode(_png(rows)).decode()
    place = {"x": f"{left:g}", "y": f"{top:g}", "width": f"{width:g}", "height": f"{height:g}"}
    image = Element("image", {**place, "preserveAspectRatio": "none", "href": f"data:image/png;base64,{data}"})
    # A broad line in dashes is many thin ones, side by side: the gaps, those at both ends with them.
    columns = f"M{left - gap_x / 2:g},{top + height / 2:g}h{width + gap_x:g}"
    between = f"M{left + width / 2:g},{top - gap_y / 2:g}v{height + gap_y:g}"
    grid = [
        Element(
            "path",
            {"class": "grid", "d": path, "stroke-width": f"{broad:g}", "stroke-dasharray": f"{gap:g},{step - gap:g}"},
        )
        for path, broad, gap, step in ((columns, height, gap_x, across), (between, width, gap_y, down))
        if gap
    ]
    return [image, *grid]


def _box(polygon: Element) -> tuple[float, float, float, float]:
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", polygon.get("points", ""))]
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])


def _png(rows: Sequence[Sequence[str]]) -> bytes:
    """An image of these colours, a pixel each (PNG specification, third edition, 5 and 11)."""
    pixels = b"".join(b"\0" + b"".join(bytes.fromhex(colour[1:]) for colour in row) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )
