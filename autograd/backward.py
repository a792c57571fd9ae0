"""Reverse accumulation over the node protocol: one pass from an output to everything behind it."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from autograd.graph import Node, topological
from autograd.op import unbroadcast

_FREED = (
    "this graph was freed by an earlier backward(retain_graph=False); "
    "leave retain_graph at True, or compute the output again"
)


def backpropagate(
    output: Node,
    gradient: Any,
    *,
    lift: Callable[[Node], Any] | None = None,
    keep: bool = False,
    free: bool = False,
    wanted: Container[Node] = (),
) -> dict[Node, Any]:
    r"""The gradients of the leaves behind `output`, or of every node with `keep`.

    For each operation, last first, the chain rule sends the complete gradient of its output
    to its operands: $\bar x_i \mathrel{+}= \bar y \, \partial y / \partial x_i$. No `.grad` is touched.

    Args:
        gradient: dL/d(output), of the output's shape and dtype.
        lift: makes a Tensor of a node, so that the rules record what they compute.
        keep: hold the gradients of interior nodes too.
        wanted: nodes to stop at, as if they were leaves.
        free: let go of each node's arguments once it is done; another pass is an error then.

    Raises:
        RuntimeError: the graph was freed by an earlier pass.
    """
    gradients = {output: gradient}
    take = gradients.get if keep else gradients.pop
    nodes = topological((output,), until=wanted)
    if any(node.args is None for node in nodes) if free else False:
        raise RuntimeError(_FREED)
    nodes.reverse()
    for node in nodes:
        if node.hooks and node in gradients:
            for hook in tuple(node.hooks):
                replaced = hook(gradients[node])
                if replaced is not None:
                    gradients[node] = replaced
        op = node.op
        if op is None or (wanted and node in wanted):
            continue
        g = take(node, None)
        if g is None:  # every use of this value has a zero derivative
            continue
        y, args, kwargs, broadcasts = node.value, node.args, node.kwargs, op.broadcasts
        if args is None:
            raise RuntimeError(_FREED)
        if lift is not None:
            y = lift(node)
            args = tuple([a if n is None else lift(n) for a, n in zip(args, node.inputs, strict=True)])
        for operand, rule in zip(node.inputs, op.vjp):  # noqa: B905  (options follow the operands)
            if operand is None or not operand.requires_grad:
                continue
            d = rule(g, y, *args, **kwargs) if kwargs else rule(g, y, *args)
            value = operand.value
            if broadcasts and d.shape != value.shape:
                d = unbroadcast(d, value.shape)
            if d.dtype is not value.dtype:
                d = d.astype(value.dtype)
            if operand in gradients:
                d = gradients[operand] + d
            gradients[operand] = d
        if free:
            node.args, node.inputs = None, ()
    return gradients
