"""Pictures of computations: `draw` makes one of a Tensor and everything behind it, `frames` many, `player` a page."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from autograd.core.tensor import Tensor
from autograd.notation.names import Scope
from autograd.render.difference import draw_diff
from autograd.render.dot import Direction
from autograd.render.frames import frames
from autograd.render.judgement import draw_comparison
from autograd.render.model import Collapse, describe
from autograd.render.picture import Picture, Style
from autograd.render.player import Player, player
from autograd.render.request import choice, drawable, overrides, room_of, whole


def draw(
    output: Tensor,
    *,
    style: Style = "cards",
    direction: Direction = "LR",
    values: bool = True,
    grads: bool = True,
    rules: bool = False,
    names: Mapping[Tensor | str, str] | None = None,
    collapse: Collapse = "auto",
    depth: int | None = None,
    size: tuple[int, int] | None = None,
    title: str | None = None,
) -> Picture:
    """Draw the computation behind `output`: every operation with its value and its gradient.

    The gradients are computed for the picture: no `backward()` is needed before, and no `.grad`
    changes. Where a value is used several times, its gradient is written as the sum; where it was
    broadcast, the picture says over what the gradient was summed back. Names are the Tensors' own, or the
    caller's variables (`z1` is drawn as z₁), or made up, as `derive` does it. Operations that a module computed
    stand in its frame.

    Args:
        output: a Tensor of any shape that operations on other Tensors gave; gradients need one element.
        style: "cards", a card an operation; "circuit", for numbers: each wire with its value above it and its
            gradient below; "overview", a card a module, with parameters and norms; "plain", cards for a
            Graphviz that has no HTML-like labels, which is what any style becomes where there is no other.
        direction: "LR", from left to right, for slides; "TB", from top to bottom, for handouts. Circuits always
            run to the right.
        values: show the numbers of each value: written out up to 4x4, as colours up to 8x8, then
            described by their mean, deviation and range.
        grads: show the gradients d(output)/d(value) in the same way.
        rules: write the local rule of each use at its edge, with g for the gradient that arrives.
        names: what to call Tensors, by the Tensor or by the name that would be drawn.
        collapse: "auto" draws as much as can be read on a slide: everything; or what repeats once, with its
            count; or each module as one card; or the first and last operations. "modules" begins with
            modules as cards. "none" draws everything, however large.
        depth: draw modules nested this deep as one card each; 0 for the outermost.
        size: width and height in pixels that the picture is to fit into with text of 12 pixels; by default
            1280 x 720, a slide; from top to bottom 900 x 2400.
        title: a line above the picture.

    Raises:
        TypeError: `output` is no Tensor, or a name no string; a size or depth that is no integer.
        ValueError: `output` has no graph; an unknown choice; `names` has an unknown name; a circuit with arrays;
            more than 2,000 operations with `collapse="none"`.

    >>> import autograd
    >>> w = autograd.Tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (w * w).sum()
    >>> picture = autograd.draw(loss, title="A sum of squares")
    >>> picture
    <Picture of loss: 2 operations>
    >>> "= w * w" in picture.source, picture.svg.startswith("<svg"), w.grad is None
    (True, True, True)
    """
    node = drawable(output, "draw")
    choice("style", style, Style)
    choice("direction", direction, Direction)
    choice("collapse", collapse, Collapse)
    room = room_of(size, direction)
    caller = sys._getframe(1)
    asked: dict[str, Any] = {
        "values": values,
        "grads": grads,
        "rules": rules,
        "title": title or "",
        "collapse": collapse,
        "depth": whole("depth", depth),
        "style": style,
        "room": room,
    }
    diagram = describe(node, Scope(caller.f_locals, caller.f_globals), overrides(names), **asked)
    return Picture(diagram, style, direction, room)


__all__ = ["Picture", "Player", "draw", "draw_comparison", "draw_diff", "frames", "player"]
