"""The loss that was meant: a target whose shape makes the loss broadcast, so that all predictions meet all targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.core.op import unbroadcast
from autograd.program.reverse import Array, Link, value_function
from autograd.testing.catalogue.mistake import Mistake, differs
from autograd.testing.replay import Replay


def broadcast_targets(replay: Replay) -> Iterator[Mistake]:
    """Gradients of the loss with a constant of as many elements in the shape of what it is compared with."""
    for node in replay.nodes:
        for operand, arg in enumerate(node.args or ()):
            others = [link for link in replay.links(node) if link.operand != operand]
            constant = arg.value if type(arg) is Node and not arg.requires_grad else arg
            if not isinstance(constant, np.ndarray) or len(others) != 1 or len(node.args or ()) != 2:
                continue
            against = others[0].source
            shape = np.shape(against.value)
            meant = constant.shape != shape and constant.size == np.size(against.value) > 1
            if not meant or np.size(node.value) != constant.size**2:
                continue
            try:
                found = _contributions(replay, node, operand, np.reshape(replay.value(constant), shape))
            except (ValueError, TypeError, IndexError):
                continue
            if not any(differs(d, replay.contribution(link)) for link, d in found.items()):
                continue
            yield Mistake(
                "target",
                {link: lambda g, _, d=d: d for link, d in found.items()},
                1.1,
                f"the loss itself broadcasts {{right}} of shape {shape} against {{value}} of shape {constant.shape} to "
                f"{np.shape(node.value)}; these are the gradients of the loss with {{value}} of shape {shape}",
                ("broadcast", node.order),
                against,
                arg,
                details={"right": against},
                line=f"{{value}} = np.reshape({{value}}, {shape}), in the loss",
            )


def _contributions(replay: Replay, changed: Node, operand: int, other: Array) -> dict[Link, Array]:
    """What the operations from `changed` on contribute to what comes before them, with another constant in it."""
    values: dict[Node, Any] = {}
    arguments: dict[Node, tuple[Any, ...]] = {}
    for node in replay.nodes:
        args = node.args or ()
        if node is not changed and not any(type(arg) is Node and arg in values for arg in args):
            continue
        own = [values[arg] if type(arg) is Node and arg in values else replay.value(arg) for arg in args]
        if node is changed:
            own[operand] = other
        arguments[node] = tuple(own)
        values[node] = value_function(node.op)(*own, **node.kwargs)
    gradients: dict[Node, Array] = {replay.loss: np.ones_like(values[replay.loss])}
    found: dict[Link, Array] = {}
    for node in reversed(list(values)):
        for link in replay.links(node) if node in gradients else ():
            d = link.rule(gradients[node], values[node], *arguments[node], **node.kwargs)
            d = unbroadcast(d, np.shape(values.get(link.source, replay.value(link.source))))
            if link.source not in values:
                found[link] = d
            else:
                gradients[link.source] = gradients[link.source] + d if link.source in gradients else d
    return found
