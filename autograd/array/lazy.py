"""Arrays that are graphs of tasks, as Dask's are: what a backward pass computes of them, and when.

The rules record tasks as they record anything. A leaf that holds a plain array, as parameters do, gets a plain
gradient: all of them and the loss are computed together, so that every chunk of the data is read once.
"""

from __future__ import annotations

from typing import Any

from autograd.basis.arrays import ARRAYS, is_lazy
from autograd.basis.loading import load
from autograd.core.errors import describe
from autograd.core.node import Node


def fetched(output: Node, gradients: dict[Node, Any]) -> dict[Node, Any]:
    """The gradients of a pass from `output`: of leaves with plain data as plain arrays, others as they came.

    Where there are such, a loss of one element is computed with them, and its node holds the number from then on.
    """
    lazy = [node for node, g in gradients.items() if type(g) not in ARRAYS and is_lazy(g)]
    leaves = [node for node in lazy if node.op is None and not is_lazy(node.held)]
    if not leaves:
        return gradients
    loss = [output.held] if is_lazy(output.held) and output.size == 1 else []
    values = _computed(output, [*(gradients[node] for node in leaves), *loss])
    if loss:
        value = values.pop()
        output.held = output.output = value if hasattr(value, "dtype") else output.dtype.type(value)
    return gradients | {node: g.astype(node.dtype, copy=False) for node, g in zip(leaves, values, strict=True)}


def _computed(output: Node, lazy: list[Any]) -> list[Any]:
    """The arrays in one call of the scheduler that is active."""
    try:
        return list(load("dask").compute(*lazy, traverse=False))
    except Exception as error:
        error.add_note(f"in the backward pass of {describe(output)}, whose data is in chunks: no gradient was changed")
        raise
