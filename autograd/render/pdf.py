"""Documents of one page each, bound into one PDF. Graphviz writes single pages only.

Only what binding needs is understood of ISO 32000-1, 7.3 and 7.5: objects are found by their marks, packed
ones are unpacked, and what a page needs is copied under new numbers. What is the same on several
pages, such as the fonts, is copied once.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

_START: Final = re.compile(rb"(\d+)\s+\d+\s+obj\b")
_END: Final = re.compile(rb"\bendobj\b|\bstream\r?\n")
_STREAM_END: Final = re.compile(rb"\r?\nendstream\s+endobj\b")
_REFERENCE: Final = re.compile(rb"\b(\d+)\s+\d+\s+R\b")
_PAGE: Final = re.compile(rb"/Type\s*/Page\b")
_PACKED: Final = re.compile(rb"/Type\s*/ObjStm\b")
_PARENT: Final = re.compile(rb"/Parent\s+\d+\s+\d+\s+R\b")
_FIRST: Final = re.compile(rb"/First\s+(\d+)")
_CATALOGUE: Final = b"<< /Type /Catalog /Pages 2 0 R >>"


class BindingError(ValueError):
    """A document is not of the kind that can be bound."""


def bind(documents: Sequence[bytes]) -> bytes:
    """One document with the page of each, in this order.

    Raises:
        BindingError: one of them has not exactly one page, or cannot be read.
    """
    copies: dict[bytes, int] = {}  # of what the pages need, and their numbers
    pages = []
    for document in documents:
        objects = _objects(document)
        found = [number for number, body in objects.items() if _PAGE.search(body.partition(b"stream")[0])]
        if len(found) != 1 or b"/MediaBox" not in objects[found[0]]:
            raise BindingError(f"a document has {len(found)} pages of known size, not 1")
        pages.append(_copy(found[0], objects, {}, copies))
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    tree = b"<< /Type /Pages /Count %d /Kids [ %s ] >>" % (len(pages), kids)
    return _file([_CATALOGUE, tree, *copies])


def _objects(document: bytes) -> dict[int, bytes]:
    """The objects of a document by number: what stands between their marks, streams with them."""
    found: dict[int, bytes] = {}
    place = 0
    while start := _START.search(document, place):
        end = _END.search(document, start.end())
        if end is not None and end[0] != b"endobj":
            end = _STREAM_END.search(document, end.end())
        if end is None:
            raise BindingError("an object has no end")
        found[int(start[1])] = document[start.end() : end.end()].removesuffix(b"endobj").strip()
        place = end.end()
    for body in [body for body in found.values() if _PACKED.search(body.partition(b"stream")[0])]:
        found.update(_unpacked(body))
    return found


def _unpacked(body: bytes) -> dict[int, bytes]:
    """The objects in an object stream: pairs of number and place, then the objects."""
    head, first = body.partition(b"stream")[0], _FIRST.search(body)
    if first is None or b"/FlateDecode" not in head or b"/DecodeParms" in head:
        raise BindingError("objects are packed in another way than Graphviz's writers do")
    content = zlib.decompressobj().decompress(body[body.index(b"stream") :].partition(b"\n")[2])
    numbers = list(map(int, content[: int(first[1])].split()))
    places = [int(first[1]) + place for place in numbers[1::2]]
    ends = [*places[1:], len(content)]
    return {number: content[a:b].strip() for number, a, b in zip(numbers[::2], places, ends, strict=True)}


def _copy(number: int, objects: dict[int, bytes], done: dict[int, int], copies: dict[bytes, int]) -> int:
    """The new number of an object, after those that it needs."""
    if number not in done:
        if number not in objects:
            raise BindingError(f"object {number} is missing")
        done[number] = 0
        head, mark, stream = objects[number].partition(b"stream")
        head = _PARENT.sub(b"/Parent @", head)
        head = _REFERENCE.sub(lambda found: b"%d 0 R" % _copy(int(found[1]), objects, done, copies), head)
        body = head.replace(b"/Parent @", b"/Parent 2 0 R") + mark + stream
        done[number] = copies.setdefault(body, len(copies) + 3)
    if not done[number]:
        raise BindingError("objects refer to each other in a circle")
    return done[number]


def _file(bodies: Sequence[bytes]) -> bytes:
    """A document of these objects, numbered from 1; the first is its catalogue."""
    written, places = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, len(written))
    return written + head + table + trailer
