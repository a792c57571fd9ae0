"""Functions of SciPy's that call back: it is given plain numbers, and what it finds is a function of Tensors again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.core.op import plain, stack_nested
from autograd.core.tensor import TensorBase, wrap
from autograd.grad_mode import no_grad
from autograd.numpy.arrays import has_gradient

Function = Callable[..., Any]


def tensor_of(value: Any) -> Any:
    """What a callback returned: a number, a list or an array, with a Tensor inside or without."""
    return stack_nested(list(value) if isinstance(value, tuple) else value)


def on_numbers(fn: Function) -> Function:
    """`fn` for SciPy: of plain numbers, without a graph, and giving plain numbers."""

    def call(*args: Any) -> Any:
        with no_grad():
            value = plain(tensor_of(fn(*plain(args))))
        return value.item() if np.size(value) == 1 and not np.ndim(value) else value

    return call


def reaches(*values: Any) -> bool:
    """Whether a gradient can reach one of these, or a part of it."""
    return any(map(has_gradient, values))


def slopes(fn: Function, x: Any) -> Any:
    """The Jacobian of a function of a vector at `x`, recorded, so that it has derivatives itself."""
    x = x if isinstance(x, TensorBase) and x._node.requires_grad else wrap(Node(plain(x), True))
    y: Any = np.ravel(tensor_of(fn(x)))
    rows = []
    for k in range(len(y)):
        seed = wrap(Node(np.eye(len(y))[k]))
        found = y._backpropagate(y._node, seed, wrap=wrap, wanted={x._node}) if reaches(y) else {}
        rows.append(np.ravel(found.get(x._node, np.zeros(np.shape(x)))))
    return np.stack(rows)
