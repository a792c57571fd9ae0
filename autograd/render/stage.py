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
from autograd.render.model import Card, Diagram

_REPEATED: Final = ("font-family", "style", "{http://www.w3.org/XML/1998/namespace}space", "text-anchor")
_STAYS: Final = "middle"  # the anchor that is not the page's default


def stage(svg: str, diagram: Diagram) -> str:
    """The finished SVG of a diagram for a page: cards n0, n1, ... and edges e0, e1, ..., with classes.

    Of a card, `head` is the ground that lights up, `value` and `gradient` are its numbers; of an edge,
    `return` is the gradient's way back.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if "id" in element.attrib:
            element.set("id", element.get("id", "").partition("-")[2])
    groups = {element.get("id", ""): element for element in root.iter("g")}
    for card in diagram.cards:
        _mark_card(groups[card.id], card)
    for place in range(len(diagram.edges)):
        for line in groups[f"e{place}"].iter():
            if palette.BACKWARD.casefold() in (line.get("stroke", "").casefold(), line.get("fill", "").casefold()):
                line.set("class", "return")
    for text in root.iter("text"):
        for attribute in _REPEATED:
            if text.get(attribute) != _STAYS:
                text.attrib.pop(attribute, None)
    for attribute in ("width", "height", "aria-label"):
        root.attrib.pop(attribute, None)
    root.attrib.update({"id": "picture", "role": "group", "xmlns": "http://www.w3.org/2000/svg"})
    for element in root.iter():  # line breaks and spaces of the file
        element.tail = None if element.tag not in ("tspan",) else element.tail
        if element.tag in ("svg", "g"):
            element.text = None
    written: str = ElementTree.tostring(root, encoding="unicode")
    return written


def _mark_card(group: Element, card: Card) -> None:
    """Classes for the parts of a card: with HTML-like labels, a row's ground stands before what is on it."""
    group.attrib.update({"tabindex": "0", "role": "button"})
    header = palette.TINTS[card.kind].header.casefold()
    grounds = {palette.CANVAS.casefold(): "value", palette.GRADIENT_GROUND.casefold(): "gradient"}
    role, squares = "", list[Element]()
    for element in list(group):
        fill = element.get("fill", "").casefold()
        if element.tag == "text":
            role = role if "class" not in element.attrib else ""
            if role and card.kind != "fold":
                element.set("class", role)
            elif card.kind == "fold" or element.get("class") in ("name", "shape"):
                element.attrib.pop("class", None)
        elif fill == header and not group.findall("*[@class='head']"):
            element.set("class", "head")
        elif element.tag == "polygon" and fill in grounds and element.get("stroke") == "none":
            role = grounds[fill]
        elif role and element.tag == "polygon" and element.get("stroke") == "none":
            squares.append(element)
            element.set("class", role)
    for name in ("value", "gradient"):
        _shrink(group, [square for square in squares if square.get("class") == name], name)


def _shrink(group: Element, squares: Sequence[Element], role: str) -> None:
    """One image in place of many squares, and a grid over it in place of the gaps between them."""
    if not squares:
        return
    corners = [_box(square) for square in squares]
    lefts, tops = (sorted({corner[axis] for corner in corners}) for axis in (0, 1))
    if len(lefts) * len(tops) != len(squares):
        return
    colours = {(x, y): square.get("fill", "") for square, (x, y, _, _) in zip(squares, corners, strict=True)}
    rows = [[colours[x, y] for x in lefts] for y in tops]
    _, _, right, bottom = corners[0]
    wide, high = right - corners[0][0], bottom - corners[0][1]
    step_x = lefts[1] - lefts[0] if len(lefts) > 1 else wide
    step_y = tops[1] - tops[0] if len(tops) > 1 else high
    left, top, width, height = lefts[0], tops[0], step_x * len(lefts), step_y * len(tops)
    image = Element(
        "image",
        {"class": role, "x": f"{left:g}", "y": f"{top:g}", "width": f"{width:g}", "height": f"{height:g}"}
        | {"preserveAspectRatio": "none", "href": f"data:image/png;base64,{b64encode(_png(rows)).decode()}"},
    )
    lines = [f"M{x + wide + (step_x - wide) / 2:g},{top:g}v{height:g}" for x in lefts]
    lines += [f"M{left:g},{y + high + (step_y - high) / 2:g}h{width:g}" for y in tops]
    grid = Element("path", {"class": f"{role} grid", "d": "".join(lines), "stroke-width": f"{step_x - wide:g}"})
    place = list(group).index(squares[0])
    for square in squares:
        group.remove(square)
    group[place:place] = [image, grid]


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
