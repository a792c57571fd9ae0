"""Pictures of computations: `draw` makes one of a Tensor and everything behind it, `frames` many, `player` a page."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from autograd.render.dot import Direction
from autograd.render.frames import frames
from autograd.render.model import describe
from autograd.render.names import Scope
from autograd.render.picture import Picture, Style
from autograd.render.player import Player, player
from autograd.render.request import choice, drawable, overrides
from autograd.tensor import Tensor


def draw(
    output: Tensor,
    *,
    style: Style = "cards",
    direction: Direction = "LR",
    values: bool = True,
    grads: bool = True,
    names: Mapping[Tensor | str, str] | None = None,
    title: str | None = None,
) -> Picture:
    """Draw the computation behind `output`: every operation with its value and its gradient.

    The gradients are computed for the picture: no `backward()` is needed before, and no `.grad`
    changes. Names are the Tensors' own, or the caller's variables (`z1` is drawn as z₁), or made
    up. A graph of more than 30 operations is folded: its first and last ones are drawn.

    Args:
        output: a Tensor of any shape that operations on other Tensors gave; gradients need one element.
        style: "cards", or "plain" for a Graphviz that has no HTML-like labels.
        direction: "LR", from left to right, for slides; "TB", from top to bottom, for handouts.
        values: show the numbers of each value: written out up to 4x4, as colours up to 8x8, then
            described by their mean, deviation and range.
        grads: show the gradients d(output)/d(value) in the same way.
        names: what to call Tensors, by the Tensor or by the name that would be drawn.
        title: a line above the picture.

    Raises:
        TypeError: `output` is no Tensor, or a name no string.
        ValueError: `output` has no graph; unknown style or direction; `names` has an unknown name.

    >>> import autograd
    >>> w = autograd.Tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (w * w).sum()
    >>> picture = autograd.draw(loss, title="A sum of squares")
    >>> picture
    <Picture of loss: 2 operations>
    >>> "w * w" in picture.source, picture.svg.startswith("<svg"), w.grad is None
    (True, True, True)
    """
    node = drawable(output, "draw")
    choice("style", style, Style)
    choice("direction", direction, Direction)
    caller = sys._getframe(1)
    diagram = describe(
        node,
        Scope(caller.f_locals, caller.f_globals),
        overrides(names),
        values=values,
        grads=grads,
        title=title or "",
    )
    return Picture(diagram, style, direction)


__all__ = ["Picture", "Player", "draw", "frames", "player"]
