r"""A picture as TikZ, for papers: the finished SVG in LaTeX's terms, its text in the document's sans serif.

Only what pictures are drawn with is understood: polygons, lines, paths, ellipses, rectangles and text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from autograd.notation.names import GREEK

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_TAKES: Final = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "C": 6}  # numbers after a command
_TOKEN: Final = re.compile(r"[MLHVQCZz]|-?\d+(?:\.\d+)?(?:e-?\d+)?")
_COLOUR: Final = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_NAMES: Final = {"black": "#000000", "white": "#FFFFFF"}
_INHERITED: Final = {
    "fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "font-style", "text-anchor",
    "visibility", "fill-opacity",
}  # fmt: skip
_SHIFT: Final = re.compile(r"translate\(([-\d.e]+)[ ,]+([-\d.e]+)\)")
_ESCAPES: Final = {
    **{sign: f"\\{sign}" for sign in "_#$%&{}"},
    "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "<": "$<$", ">": "$>$", "|": "$|$",
    " ": r"\ ", "\N{NO-BREAK SPACE}": r"\ ",
    "■": r"\rule{0.7em}{0.7em}",
    "−": r"\textendash{}",  # as wide as the minus that the picture was laid out with
}  # fmt: skip
_SIGNS: Final = {  # what fonts for LaTeX do not have, as mathematics
    "×": r"\times", "·": r"\cdot", "⊙": r"\odot", "⊘": r"\oslash", "‖": r"\|", "∂": r"\partial",
    "Σ": r"\Sigma", "Π": r"\Pi", "√": r"\surd", "∞": r"\infty", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx",
    "→": r"\rightarrow", "←": r"\leftarrow", "↳": r"\hookrightarrow", "…": r"\ldots", "⋮": r"\vdots", "∈": r"\in",
    "¬": r"\lnot", "±": r"\pm", "∇": r"\nabla", "ℓ": r"\ell", "✓": r"\surd", "✗": r"\times", "ᵀ": r"^{\top}",
    "⊤": r"\top", "⊕": r"\oplus", "⊗": r"\otimes", "′": "'", "∫": r"\int",
}  # fmt: skip
_ACCENTS: Final = {"\u0304": "=", "\u0302": "^", "\u0308": '"', "\u0301": "'", "\u0300": "`", "\u0303": "~"}
_GREEK: Final = {sign: f"\\{name}" for name, sign in GREEK.items()}
_WEIGHTS: Final = {"bold": r"\bfseries", "italic": r"\itshape"}


def tikz(svg: str) -> str:
    r"""The `tikzpicture` of a finished SVG; it needs `\usepackage{tikz}`."""
    root = ElementTree.fromstring(svg)
    lines = [
        "% Needs \\usepackage{tikz}; \\resizebox{\\textwidth}{!}{\\input{...}} makes it as wide as the text.",
        r"\begin{tikzpicture}[x=1bp, y=-1bp, line join=round, every node/.style={inner sep=0pt, outer sep=0pt}]",
        *_drawn(root, (0.0, 0.0), {}),
        r"\end{tikzpicture}",
    ]
    return "\n".join(lines) + "\n"


def _drawn(element: Element, origin: tuple[float, float], inherited: Mapping[str, str]) -> Iterator[str]:
    """The lines of an element and of all in it, in their order; shapes are drawn where `origin` is 0."""
    kind = element.tag.rpartition("}")[2]
    look = {**inherited, **{key: value for key, value in element.attrib.items() if key in _INHERITED}}
    if (shift := _SHIFT.search(element.get("transform", ""))) is not None:
        origin = origin[0] + float(shift[1]), origin[1] + float(shift[2])
    if kind == "text":
        yield from _text(element, origin, look)
        return
    if (outline := _outline(element, kind, origin)) is not None and (how := _strokes(look)):
        yield rf"\path[{', '.join(how)}] {outline};"
    for child in element:
        yield from _drawn(child, origin, look)


def _outline(element: Element, kind: str, origin: tuple[float, float]) -> str | None:
    """A shape as a path; None for what is none."""
    if kind in ("polygon", "polyline"):
        numbers = list(map(float, _NUMBER.findall(element.get("points", ""))))
        points = [_at(x, y, origin) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        return " -- ".join(points) + (" -- cycle" if kind == "polygon" else "")
    if kind == "line":
        ends = ((float(element.get(f"x{k}", "0")), float(element.get(f"y{k}", "0"))) for k in (1, 2))
        return " -- ".join(_at(x, y, origin) for x, y in ends)
    if kind == "path":
        return _path(element.get("d", ""), origin)
    place = {key: float(element.get(key, "0")) for key in ("x", "y", "width", "height", "cx", "cy", "rx", "ry", "r")}
    if kind == "rect":
        end = _at(place["x"] + place["width"], place["y"] + place["height"], origin)
        return f"{_at(place['x'], place['y'], origin)} rectangle {end}"
    if kind in ("ellipse", "circle"):
        across, down = (place["r"], place["r"]) if kind == "circle" else (place["rx"], place["ry"])
        return f"{_at(place['cx'], place['cy'], origin)} ellipse [x radius={across:g}bp, y radius={down:g}bp]"
    return None


def _path(text: str, origin: tuple[float, float]) -> str:
    """A path of lines and curves, in absolute coordinates."""
    parts: list[str] = []
    tokens = _TOKEN.findall(text)[::-1]
    command, here, start = "M", (0.0, 0.0), (0.0, 0.0)
    while tokens:
        command = tokens.pop() if tokens[-1].isalpha() else "L" if command == "M" else command
        if command in "Zz":
            parts.append("-- cycle")
            here = start
            continue
        numbers = [float(tokens.pop()) for _ in range(_TAKES[command])]
        if command == "H":
            numbers.append(here[1])
        elif command == "V":
            numbers.insert(0, here[0])
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        placed = [_at(x, y, origin) for x, y in _cubic(here, points)]
        if len(placed) == 3:
            parts.append(f".. controls {placed[0]} and {placed[1]} .. {placed[2]}")
        else:
            parts.append(placed[0] if command == "M" else f"-- {placed[0]}")
        here = points[-1]
        start = here if command == "M" else start
    return " ".join(parts)


def _cubic(here: tuple[float, float], points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The control points and the end of a quadratic curve as those of a cubic one; others as they are."""
    if len(points) != 2:
        return points
    bend, end = points
    first, second = (
        (corner[0] + 2 / 3 * (bend[0] - corner[0]), corner[1] + 2 / 3 * (bend[1] - corner[1])) for corner in (here, end)
    )
    return [first, second, end]


def _strokes(look: Mapping[str, str]) -> list[str]:
    """How a shape is filled and drawn; nothing for one that cannot be seen."""
    if look.get("visibility") == "hidden":
        return []
    fill, stroke = _colour(look.get("fill", "black"), look), _colour(look.get("stroke", "none"), look)
    how = [f"fill={fill}"] if fill else []
    if stroke:
        how += [f"draw={stroke}", f"line width={float(look.get('stroke-width', '1')):g}bp"]
        dashes = _NUMBER.findall(look.get("stroke-dasharray", ""))
        if len(dashes) > 1:
            how.append(f"dash pattern=on {dashes[0]}bp off {dashes[1]}bp")
    return how


def _colour(name: str, look: Mapping[str, str]) -> str:
    """A colour; "" for one that is not there."""
    found = _COLOUR.fullmatch(_NAMES.get(name, name))
    if found is None or look.get("fill-opacity") == "0":
        return ""
    red, green, blue = (int(part, 16) for part in found.groups())
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _text(element: Element, origin: tuple[float, float], look: Mapping[str, str]) -> Iterator[str]:
    """A line of text, from its place on its base line."""
    said = "".join(element.itertext())
    colour = _colour(look.get("fill", "black"), look)
    if not said.strip() or not colour or look.get("visibility") == "hidden":
        return
    anchor = {"start": "base west", "end": "base east"}.get(look.get("text-anchor", "start"), "base")
    size = float(look.get("font-size", "12").removesuffix("px"))
    weight = "".join(_WEIGHTS.get(look.get(key, ""), "") for key in ("font-weight", "font-style"))
    font = rf"\sffamily\fontsize{{{size:g}bp}}{{{size * 1.2:g}bp}}\selectfont{weight}"
    place = _at(float(element.get("x", "0")), float(element.get("y", "0")), origin)
    yield rf"\node[anchor={anchor}, text={colour}, font={font}] at {place} {{{_runs(element)}}};"


def _runs(element: Element) -> str:
    """The text of an element and of the runs in it, each in its own weight."""
    parts = [escaped(element.text or "")]
    for run in element:
        found = _COLOUR.fullmatch(run.get("fill", ""))
        colour = "" if found is None else rf"\color[HTML]{{{''.join(found.groups()).upper()}}}"
        parts += [f"{{{colour}{_weight(run.attrib)}{{}}{_runs(run)}}}", escaped(run.tail or "")]
    return "".join(parts)


def _weight(look: Mapping[str, str]) -> str:
    return "".join(_WEIGHTS.get(look.get(key, ""), "") for key in ("font-weight", "font-style"))


def escaped(text: str) -> str:
    r"""Text for LaTeX: signs that its fonts have not are set as mathematics.

    >>> print(escaped("z₁ = x_0 ⊙ ȳ²"))
    z$_{1}$\ =\ x\_0\ $\odot$\ \={y}$^{2}$
    """
    return "".join(map(_sign, unicodedata.normalize("NFC", text)))


def _sign(sign: str) -> str:
    if sign.isascii() or sign in _ESCAPES:
        return _ESCAPES.get(sign, sign)
    if sign in _SIGNS:
        return f"${_SIGNS[sign]}$"
    parts = unicodedata.normalize("NFD", sign)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return f"\\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    plain, kind = unicodedata.normalize("NFKD", sign), unicodedata.decomposition(sign)
    if kind.startswith(("<sub>", "<super>")):
        inner = _GREEK.get(plain, plain if plain.isascii() else "-" if plain == "−" else "")
        return f"${'_' if kind.startswith('<sub>') else '^'}{{{inner}}}$" if inner else sign
    return f"${_GREEK[sign]}$" if sign in _GREEK else sign


def _at(x: float, y: float, origin: tuple[float, float]) -> str:
    return f"({x + origin[0]:.2f},{y + origin[1]:.2f})"
