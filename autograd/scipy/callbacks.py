"""Functions of SciPy's that call back: it is given plain numbers, and what it finds is a function of Tensors again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.core.op import plain, stack_nested
from autograd.core.tensor import TensorBase, wrap
from autograd.grad_mode import no_grad
from autograd.numpy.arrays import as_tensor, has_gradient

Function = Callable[..., Any]


def tensor_of(value: Any) -> Any:
    """What a callback returned: a number, a list or an array, with a Tensor inside or without."""
    return stack_nested(list(value) if isinstance(value, tuple) else value)


def on_numbers(fn: Function) -> Function:
    """`fn` for SciPy, which may count its arguments: of plain numbers, without a graph, and giving plain numbers."""

    @wraps(fn)
    def call(*args: Any) -> Any:
        with no_grad():
            value = fn(*plain(args))
            if isinstance(value, tuple) and len(set(map(np.ndim, plain(value)))) > 1:  # a value and its slope
                return tuple([plain(tensor_of(part)) for part in value])
            value = plain(tensor_of(value))
        return value.item() if np.size(value) == 1 and not np.ndim(value) else value

    return call


def reaches(*values: Any) -> bool:
    """Whether a gradient can reach one of these, or a part of it."""
    return any(map(has_gradient, values))


class _NotAfter:
    """The nodes that cannot depend on one, since they are not younger: a pass to it need not go through them."""

    def __init__(self, node: Node) -> None:
        self._order = node.order

    def __contains__(self, node: Node) -> bool:
        return node.order <= self._order


def slopes(fn: Function, x: Any, recorded: bool = True) -> Any:
    """The Jacobian of a function of a vector at `x`; recorded, it has derivatives itself."""
    x = x if recorded and isinstance(x, TensorBase) and x._node.requires_grad else wrap(Node.leaf(plain(x), True))
    y: Any = np.ravel(tensor_of(fn(x)))
    rows = []
    for k in range(len(y)):
        seed = np.eye(len(y))[k]
        seed, record = (wrap(Node.leaf(seed)), wrap) if recorded else (seed, None)
        found = y._backpropagate(y._node, seed, wrap=record, wanted=_NotAfter(x._node)) if reaches(y) else {}
        rows.append(np.ravel(found.get(x._node, np.zeros(np.shape(x)))))
    return np.stack(rows)


def implicit_root(fn: Function, x: Any) -> Any:
    """The root `x` of `fn` as a function of all that `fn` depends on, by the implicit function theorem.

    Three steps x - (dF/dx)^-1 F, with the slope at the root throughout, are recorded: they move nothing, and have the
    first three derivatives of the root, as each step makes one more agree (Christianson, "Reverse accumulation and
    attractive fixed points", 1994).

    Raises:
        ValueError: the root is not isolated.
    """
    if not reaches(tensor_of(fn(as_tensor(x)))):
        return as_tensor(x)
    shape, root = np.shape(x), as_tensor(np.asarray(x, float))
    slope = np.reshape(slopes(fn, root, recorded=False), (root.size, root.size))
    if np.linalg.matrix_rank(slope) < len(slope):
        raise ValueError("the Jacobian at the root is singular, so the root has no derivative")
    inverse = np.linalg.inv(slope)
    for _ in range(3):
        root = root - np.reshape(inverse @ np.ravel(tensor_of(fn(root))), shape)
    return root
