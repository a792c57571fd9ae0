"""The player: one page, without any other file, that steps through a computation forward and backward."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from autograd.array.tensor import Tensor
from autograd.files import replacing
from autograd.notation.names import users_scope
from autograd.render import palette
from autograd.render.build import build_scene
from autograd.render.diagram import Direction
from autograd.render.options import DIRECTIONS, Collapse, Detail, check_choice, drawable, overrides, unfolded
from autograd.render.player_data import View, is_folded, speech
from autograd.render.style import STYLES
from autograd.render.themes import THEMES, themed

MOST_OPERATIONS: Final = 1000  # more are folded
MOST_UNFOLDED: Final = 300  # operations of a picture that folded cards open
_SCRIPTS: Final = ("steps.js", "inspector.js", "view.js", "find.js", "events.js")  # one after the other
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
    notes: Mapping[int | Tensor | str, str] | None = None,
) -> Player:
    """Make a page that steps through the computation behind `output`, forward and backward.

    The page is one file, opens without a network in any current browser, and inside a notebook. Right
    and left, Page Down and Page Up (the keys of clickers) step; Home and End go to the first and last
    step; Space plays; f fills the screen; `#7` behind the page's address opens step 7. A card that is
    clicked shows its value and the gradient that has arrived so far; each backward step shows its rule.
    Plus, minus and 0, and the wheel with Ctrl, change the size; / finds a name; a pointer on a card shows what its
    value is made of and where it goes. Print gives the step that is shown, with the whole picture.

    The steps and their numbers are those of the engine's own backward pass; no `.grad` changes. A graph of
    more than 1000 operations is folded; a click on a card shows the operations that it holds, and one on the card of a
    module opens it, in a picture of up to 300 operations.

    Args:
        output: a Tensor that operations on other Tensors gave; backward steps need one element.
        path: the file to write, such as "backprop.html"; without it the page is only returned.
        direction: "LR", from left to right, or "TB", from top to bottom.
        names, collapse, depth, detail: as for `draw`.
        title: the page's title, and a line above the picture.
        notes: what the speaker is to say, which the key n shows: by the number of a step, or by a Tensor or a name,
            for each step that computes its value or its gradient.

    Raises:
        TypeError: `output` is no Tensor, or a name or a note no string.
        ValueError: `output` has no graph; unknown direction; `names` or `notes` has an unknown name or step; the file
            is no .html.
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
    scope, renamed = users_scope(), overrides(names)
    scene = build_scene(node, scope, renamed, options)
    views = [View(scene, direction)]
    if any(is_folded(scene, card) for card in scene.diagram.cards) and scene.diagram.operations <= MOST_UNFOLDED:
        whole = replace(options, collapse="none", depth=None)
        views.append(View(build_scene(node, scope, renamed, whole), direction, "u"))
    spoken = speech(notes, views)
    page = Player(_page(views, spoken), len(views[0].steps))
    if path is not None:
        page.save(path)
    return page


def _page(views: Sequence[View], spoken: Sequence[Mapping[int, str]]) -> str:
    """The page, from its parts; their hashes are the only style and script that it lets a browser run."""
    diagram = views[0].scene.diagram
    folder = files("autograd.render") / "page"
    template, style, *scripts = ((folder / name).read_text("utf-8") for name in ("page.html", "page.css", *_SCRIPTS))
    style = f"{_colours()}\n{style}"
    script = "\n".join(['"use strict";\n(() => {', *scripts, "})();"])
    told = {**views[0].data(spoken[0], *views[1:]), "noted": any(spoken)}
    if len(views) > 1:
        told["unfolded"] = views[1].data(spoken[1])
    slots = {
        "title": escape(diagram.title or f"Backpropagation of {diagram.output.name}"),
        "policy": f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "style": style,
        "picture": views[0].svg("picture"),
        "unfolded": views[1].svg("unfolded") if len(views) > 1 else "",
        "data": json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "script": script,
    }
    return _SLOT.sub(lambda slot: slots[slot[1]], template)


def _colours() -> str:
    """The colours of the page by name, and in the dark those of the picture as well."""
    own = {name.lower().replace("_", "-"): getattr(palette, name) for name in _COLOURS}
    own |= {f"{name}-highlight": colour for name, colour in palette.HIGHLIGHTS.items()}
    light = "".join(f"--{name}:{colour};" for name, colour in own.items())
    dark = "".join(f"--{name}:{themed(colour, 'dark')};" for name, colour in own.items())
    painted = [
        f':where(.picture) [{how}="{colour}" i]{{{how}:{other}}}'
        for colour, other in THEMES["dark"].items()
        for how in ("fill", "stroke")
    ]
    return (
        f":root{{{light}--fonts:{palette.FONTS}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}\n" + "\n".join(painted) + "}"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
