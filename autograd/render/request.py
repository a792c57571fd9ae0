"""What a call asks for, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from autograd.core.node import Node
from autograd.core.tensor import Tensor
from autograd.render.extent import Room


def choice(argument: str, value: object, choices: Any) -> None:
    """Refuse a value that is not one of a Literal's."""
    if value not in get_args(choices):
        known = " or ".join(map(repr, get_args(choices)))
        raise ValueError(f"{argument} is {known}, not {value!r}")


def drawable(output: object, asked: str) -> Node:
    """The node to draw, or an error that says why there is nothing; `asked` is the function that was called."""
    if not isinstance(output, Tensor):
        what = f"{type(output).__module__}.{type(output).__qualname__}"
        raise TypeError(f"{asked} takes the Tensor that was computed, such as a loss, and this is a {what}")
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


def overrides(names: Mapping[Tensor | str, str] | None) -> dict[Node | str, str]:
    """What to call what, by node or by the name that would be drawn."""
    names = names or {}
    for key, name in names.items():
        if not isinstance(name, str) or not isinstance(key, (str, Tensor)):
            raise TypeError(f"names maps Tensors or strings to strings, and has {key!r}: {name!r}")
        if not name.strip():
            raise ValueError(f"names: an empty name for {key!r}")
    return {key._node if isinstance(key, Tensor) else key: name for key, name in names.items()}


def whole(argument: str, value: int | None) -> int | None:
    """A count that is at least 0, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{argument} is a whole number, not {value!r}")
    if value < 0:
        raise ValueError(f"{argument} is at least 0, not {value}")
    return int(value)


def room_of(size: tuple[int, int] | None, direction: str) -> Room:
    """The pixels that a picture is to fit into."""
    down = direction == "TB"
    if size is None:
        return Room(900, 2400, down) if down else Room()
    sides = size if isinstance(size, (tuple, list)) and len(size) == 2 else ()
    if not sides or any(isinstance(side, bool) or not isinstance(side, (int, np.integer)) for side in sides):
        raise TypeError(f"size is a pair of pixels, such as (1280, 720), not {size!r}")
    width, height = map(int, sides)
    if min(width, height) < 100:
        raise ValueError(f"size is a pair of at least 100 pixels each, such as (1280, 720), not {size!r}")
    return Room(width, height, down)
