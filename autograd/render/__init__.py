"""Pictures of computations: `draw` makes one of a Tensor and everything behind it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import get_args

from autograd.graph import Node
from autograd.names import Scope
from autograd.render.dot import Direction
from autograd.render.model import describe
from autograd.render.picture import Picture, Style
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
    node = _node(output)
    for argument, value, choices in (("style", style, Style), ("direction", direction, Direction)):
        if value not in get_args(choices):
            known = " or ".join(map(repr, get_args(choices)))
            raise ValueError(f"{argument} is {known}, not {value!r}")
    caller = sys._getframe(1)
    diagram = describe(
        node,
        Scope(caller.f_locals, caller.f_globals),
        _overrides(names or {}),
        values=values,
        grads=grads,
        title=title or "",
    )
    return Picture(diagram, style, direction)


def _node(output: object) -> Node:
    """The node to draw, or an error that says why there is nothing."""
    if not isinstance(output, Tensor):
        what = f"{type(output).__module__}.{type(output).__qualname__}"
        raise TypeError(f"draw takes the Tensor that was computed, such as a loss, and this is a {what}")
    name, node = output.name or "this Tensor", output._node
    if node.op is None and node.requires_grad:
        why = f"{name} is no result of an operation; draw what was computed from it"
    elif node.op is None:
        why = (
            f"nothing behind {name} requires grad. Make the parameters with "
            "Tensor(..., requires_grad=True), and compute outside no_grad()"
        )
    elif node.args is None:
        why = f"that of {name} was freed by backward(retain_graph=False)"
    else:
        return node
    raise ValueError(f"there is no graph to draw: {why}")


def _overrides(names: Mapping[Tensor | str, str]) -> dict[Node | str, str]:
    for key, name in names.items():
        if not isinstance(name, str) or not isinstance(key, (str, Tensor)):
            raise TypeError(f"names maps Tensors or strings to strings, and has {key!r}: {name!r}")
        if not name.strip():
            raise ValueError(f"names: an empty name for {key!r}")
    return {key._node if isinstance(key, Tensor) else key: name for key, name in names.items()}


__all__ = ["Picture", "draw"]
