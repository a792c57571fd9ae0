"""The player: one page, without any other file, that steps through a computation forward and backward."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np

from autograd.array.tensor import Tensor
from autograd.files import replacing
from autograd.notation.mathml import mathml
from autograd.notation.names import users_scope
from autograd.notation.numbers import GRID, numbers, show
from autograd.render import palette
from autograd.render.build import Scene, build_scene
from autograd.render.diagram import Direction
from autograd.render.options import DIRECTIONS, Collapse, Detail, check_choice, drawable, overrides, unfolded
from autograd.render.picture import Picture
from autograd.render.player_svg import player_svg
from autograd.render.steps import Step, steps
from autograd.render.style import STYLES

MOST_OPERATIONS: Final = 1000  # more are folded
LARGEST: Final = 8  # rows and columns that the inspector writes out
_ENDS: Final = (4, 3)  # of a longer axis, what is written from its beginning and its end
_SLOT: Final = re.compile(r"\{\{(\w+)\}\}")
_COLOURS: Final = [
    "INK",
    "MUTED",
    "VALUE",
    "GRADIENT",
    "GRADIENT_GROUND",
    "ALARM",
    "ALARM_GROUND",
    "BACKWARD",
    "CANVAS",
]


class Player:
    """The page that `autograd.player` returns; shows itself in notebooks.

    Attributes:
        html: the whole page.
        steps: how many moments it has.
        path: the file that it was written to, or None.
    """

    def __init__(self, html: str, steps: int, path: Path | None = None) -> None:
        self.html = html
        self.steps = steps
        self.path = path

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        self.path = Path(path)
        with replacing(self.path) as file:
            file.write(self.html.encode())
        return self.path

    def _repr_html_(self) -> str:
        page = escape(self.html, quote=True)
        return (
            f'<iframe srcdoc="{page}" width="100%" height="680" style="border:1px solid #cbd2d9;border-radius:6px" '
            'sandbox="allow-scripts" allow="fullscreen" title="Backpropagation, step by step"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Player of {self.steps} steps{f': {self.path}' if self.path else ''}>"


def player(
    output: Tensor,
    path: str | os.PathLike[str] | None = None,
    *,
    direction: Direction = "LR",
    names: Mapping[Tensor | str, str] | None = None,
    collapse: Collapse = "auto",
    depth: int | None = None,
    detail: Detail | None = None,
    title: str | None = None,
) -> Player:
    """Make a page that steps through the computation behind `output`, forward and backward.

    The page is one file, opens without a network in any current browser, and inside a notebook. Right
    and left, Page Down and Page Up (the keys of clickers) step; Home and End go to the first and last
    step; Space plays; f fills the screen; `#7` behind the page's address opens step 7. A card that is
    clicked shows its value and the gradient that has arrived so far; each backward step shows its rule.

    The steps and their numbers are those of the engine's own backward pass; no `.grad` changes. A graph of
    more than 1000 operations is folded.

    Args:
        output: a Tensor that operations on other Tensors gave; backward steps need one element.
        path: the file to write, such as "backprop.html"; without it the page is only returned.
        direction: "LR", from left to right, or "TB", from top to bottom.
        names, collapse, depth, detail: as for `draw`.
        title: the page's title, and a line above the picture.

    Raises:
        TypeError: `output` is no Tensor, or a name no string.
        ValueError: `output` has no graph; unknown direction; `names` has an unknown name; the file is no .html.
        RuntimeError: no installed renderer gave the picture.
        OSError: the file cannot be written.

    >>> import autograd, tempfile
    >>> w = autograd.Tensor(3.0, requires_grad=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = player(w * w, f"{folder}/backprop.html")
    >>> page.steps, w.grad is None
    (6, True)
    """
    node = drawable(output, "player")
    check_choice("direction", direction, DIRECTIONS)
    if path is not None and Path(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"player writes a page, so its file ends in .html, not as {os.fspath(path)!r}")
    options = unfolded(title, STYLES["cards"], collapse, depth, detail, MOST_OPERATIONS)
    scene = build_scene(node, users_scope(), overrides(names), options)
    all_steps = steps(scene)
    picture = Picture(scene.diagram, options.style, direction)
    page = Player(_page(scene, all_steps, picture.svg), len(all_steps))
    if path is not None:
        page.save(path)
    return page


def _page(scene: Scene, all_steps: Sequence[Step], svg: str) -> str:
    """The page, from its parts; their hashes are the only style and script that it lets a browser run."""
    diagram = scene.diagram
    folder = files("autograd.render") / "page"
    template, style, script = ((folder / name).read_text("utf-8") for name in ("page.html", "page.css", "page.js"))
    colours = "".join(f"--{name.lower().replace('_', '-')}:{getattr(palette, name)};" for name in _COLOURS)
    colours += "".join(f"--{name}-highlight:{colour};" for name, colour in palette.HIGHLIGHTS.items())
    style = f":root{{{colours}--fonts:{palette.FONTS}}}\n{style}"
    slots = {
        "title": escape(diagram.title or f"Backpropagation of {diagram.output.name}"),
        "policy": f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "style": style,
        "picture": player_svg(svg, diagram),
        "data": json.dumps(_data(scene, all_steps), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "script": script,
    }
    return _SLOT.sub(lambda slot: slots[slot[1]], template)


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _data(scene: Scene, all_steps: Sequence[Step]) -> dict[str, Any]:
    """What the page knows: cards, edges and steps, with every number as text."""
    diagram = scene.diagram
    valued = {step.card: place for place, step in enumerate(all_steps) if step.phase == "forward"}
    complete = {step.card: place for place, step in enumerate(all_steps) if step.phase == "backward" and step.complete}
    back = {step.edge: place for place, step in enumerate(all_steps) if step.edge is not None}
    last = len(all_steps) - 1
    cards = [
        {
            "id": card.id,
            "name": card.name,
            "expression": card.expression,
            "about": ", ".join(filter(None, (card.kind, card.shape, card.path))),
            "value": _table(scene.values.get(card.id)),
            "at": valued.get(card.id, 0),
            "done": complete.get(card.id, last) if card.gradient is not None else None,
        }
        for card in diagram.cards
    ]
    edges = [
        [edge.tail, edge.head, back.get(place, last) if edge.differentiable and diagram.gradients else None]
        for place, edge in enumerate(diagram.edges)
    ]
    return {"cards": cards, "edges": edges, "steps": [_step(step) for step in all_steps]}


def _table(array: Any) -> dict[str, Any] | None:
    """An array for the inspector: its numbers, of a large one those at the corners and a description."""
    if array is None:
        return None
    array = np.asarray(array)
    lines = list(show(array).lines)
    if array.size == 0:
        return {"rows": [], "lines": lines}
    grid = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    kept = [_kept(length) for length in grid.shape]
    cells, factor = numbers(grid[np.ix_(*kept)], apart=max(grid.shape) <= GRID)
    rows = [list(row) for row in cells]
    if len(kept[1]) < grid.shape[1]:
        rows = [[*row[: _ENDS[0]], "…", *row[_ENDS[0] :]] for row in rows]
    if len(kept[0]) < grid.shape[0]:
        rows.insert(_ENDS[0], ["⋮"] * len(rows[0]))
    if factor and max(grid.shape) > GRID:
        lines.insert(0, factor)
    return {"rows": [" ".join(row) for row in rows], "lines": lines}


def _kept(length: int) -> list[int]:
    """The places of an axis that are written out."""
    if length <= LARGEST:
        return list(range(length))
    return [*range(_ENDS[0]), *range(length - _ENDS[1], length)]


def _step(step: Step) -> dict[str, Any]:
    parts: dict[str, Any] = {"phase": step.phase, "sentence": step.sentence}
    if step.card:
        parts["card"] = step.card
    if step.edge is not None:
        parts["edge"] = step.edge
    if step.rule is not None:
        parts["rule"] = mathml(step.rule)
    if step.worked is not None:
        parts["rule"] += mathml(step.worked)
    if step.note:
        parts["note"] = step.note
    if step.gradient is not None:
        parts["gradient"] = _table(step.gradient)
        if step.share:
            parts |= {"share": step.share, "contribution": _table(step.contribution)}
    return parts
