"""HIPS autograd's inner parts, as far as programs reach for them: a root of one's own, and a pass back to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.node import Node, topological
from autograd.core.tensor import wrap


class VJPNode:
    """What HIPS autograd calls a node: its root is a leaf here."""

    @staticmethod
    def new_root() -> Node:
        """A leaf, whose value `new_box` says."""
        return Node.leaf(np.zeros(()), requires_grad=True)


def new_box(value: Any, trace: int, node: Node) -> Any:
    """A Tensor of `value` that stands for a root; `trace` is not needed, as all Tensors are of one kind.

    Raises:
        TypeError: no real numbers.
    """
    data = Tensor(value).data
    node.held = data.astype(np.result_type(data, np.float32))
    return wrap(node)


def backward_pass(g: Any, end: Node) -> Any:
    """The gradient of the root behind `end`, from that of `end`: a Tensor, which has derivatives, where `g` is one.

    >>> root = VJPNode.new_root()
    >>> x = new_box([1.0, 2.0], 0, root)
    >>> backward_pass(np.ones(2), (x**2)._node)
    array([2., 4.])

    Raises:
        ValueError: there is more than one root.
    """
    roots = [node for node in topological((end,)) if node.op is None]
    if len(roots) != 1:
        raise ValueError(f"backward_pass: {len(roots)} roots behind the output, where one is meant")
    recorded = isinstance(g, Tensor)
    found = Tensor._backpropagate(end, g, wrap=wrap if recorded else None).get(roots[0])
    return np.zeros_like(wrap(roots[0]) if recorded else roots[0].held) if found is None else found
