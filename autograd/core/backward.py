"""Reverse accumulation: one pass from an output to everything behind it."""

from __future__ import annotations

from collections.abc import Callable, Container
from heapq import heappop, heappush
from typing import Any, Final

from autograd.basis.arrays import ARRAYS, NUMBER
from autograd.basis.broadcasting import unbroadcast
from autograd.basis.marks import altered, stale
from autograd.basis.reads import NotKeptError, StandIn, keep_all
from autograd.basis.sums import added, added_into, is_own
from autograd.core.errors import describe, failed
from autograd.core.node import SHORT, Node, last_written, next_order, observers, overwritten, short

RETAIN_GRAD: Final = object()  # among the hooks of a node: its gradient is kept in `.grad`


def backpropagate(
    output: Node,
    gradient: Any,
    *,
    wrap: Callable[[Node, Any], Any] | None = None,
    keep: bool = False,
    free: bool = False,
    wanted: Container[Node] = (),
    hooks: bool = True,
    met: Callable[[Node], bool] | None = None,
) -> dict[Node, Any]:
    r"""The gradients of the leaves behind `output`, or of every node with `keep`.

    For each operation, last first, the chain rule sends the complete gradient of its output
    to its operands: $\bar x_i \mathrel{+}= \bar y \, \partial y / \partial x_i$. No `.grad` of a leaf is touched.

    Args:
        gradient: dL/d(output), of the output's shape and dtype.
        wrap: makes a Tensor of a node and its value, so that the rules record what they compute.
        keep: hold the gradients of interior nodes too.
        wanted: nodes to stop at, as if they were leaves.
        hooks: call what was registered at the nodes, and keep the gradients that `retain_grad` asks for.
        met: called with each operation that may throw something away or have an infinite slope, until it says True.
        free: let go of each node's arguments once it is done; another pass is an error then.

    Raises:
        RuntimeError: the graph was freed by an earlier pass, or an operand changed in place since it was used.
    """
    gradients = {output: gradient}
    take = gradients.get if keep else gradients.pop
    pending, latest = [(-output.order, output)], last_written[0]
    while pending:
        # The youngest node that a gradient has reached: all that use it are younger, and done.
        node = heappop(pending)[1]
        if node.hooks and hooks:
            call_hooks(node, gradients)
        op = node.op
        if op is None or (wanted and node in wanted):
            continue
        g = take(node)
        inputs, kwargs = node.args, node.kwargs
        if met is not None and (op.wary or kwargs) and met(node):
            met = None
        if inputs is None:
            raise RuntimeError(
                "this graph was freed by an earlier backward(retain_graph=False); "
                "leave retain_graph at True, or compute the output again"
            )
        if node.order < latest or (node.marks and stale(node.marks)):
            check_unwritten(node)
        args = (g, node.output, *node.saved) if wrap is None else _wrapped(g, node, wrap)
        parts = None
        if op.parts is not None and type(g) in ARRAYS and wrap is None and not observers:
            parts = iter(op.parts(is_own(g, others=1), *args, **kwargs))
        for operand, rule in zip(inputs, op.vjp):  # noqa: B905  (options follow the operands)
            d: Any = parts and next(parts)
            if type(operand) is not Node or rule is None or not operand.requires_grad:
                continue
            if parts is None:
                try:
                    d = rule(*args, **kwargs) if kwargs else rule(*args)
                except NotKeptError:
                    keep_all(node)
                    args = (g, node.output, *node.saved) if wrap is None else _wrapped(g, node, wrap)
                    d = rule(*args, **kwargs)
                except (TypeError, FutureWarning) as error:  # of another library
                    raise (error if type(g) in ARRAYS else failed(op, inputs, error)) from error
            held, first = operand.held, operand not in gradients
            if parts is not None and callable(d):
                gradients[operand] = added_into(gradients.get(operand), held, d)
            else:
                if type(d) is not NUMBER or type(held) is not NUMBER:  # numbers fit each other
                    if (shape := getattr(d, "shape", None)) != held.shape:
                        fits = op.broadcasts and shape
                        d = unbroadcast(d, held.shape) if fits else in_shape(d, held.shape, node, operand)
                    if d.dtype is not held.dtype:
                        d = d.astype(held.dtype)
                if observers:
                    for observer in tuple(observers):  # other threads may come and go
                        observer.pulled(node, operand, g, d)
                gradients[operand] = d if first else added(gradients[operand], d)
            if first and (operand.op is not None or operand.hooks):
                heappush(pending, (-operand.order, operand))
        if free:
            node.args, node.output, node.saved = None, None, []
    short[0] = next_order() + SHORT
    return gradients


def _wrapped(g: Any, node: Node, wrap: Callable[[Node, Any], Any]) -> tuple[Any, ...]:
    """What the rules of a node take, with Tensors in the place of values."""
    pairs = zip((node, *(node.args or ())), (node.output, *node.saved), strict=True)
    return (g, *(wrap(n, v) if type(n) is Node and type(v) is not StandIn else v for n, v in pairs))


def in_shape(d: Any, shape: tuple[int, ...], node: Node, operand: Node) -> Any:
    """What a rule returned, in the shape of its operand; ValueError where it does not fit."""
    if node.op.broadcasts and hasattr(d, "shape"):
        return unbroadcast(d, shape)
    raise ValueError(
        f"the rule of {node.op.name} for {describe(operand)} returned {describe(d)}: return the operand's shape, or "
        "say broadcasts=True in its record where operands are broadcast"
    )


def check_unwritten(node: Node) -> None:
    """Refuse derivatives at other values than those that an operation was computed from."""
    if (operand := overwritten(node) or altered(node)) is not None:
        raise RuntimeError(
            f"{node.op.name} used {describe(operand)}, which was changed in place afterwards, by an optimiser's step, "
            "`.data -= ...` or filling it anew; make every backward pass before that, or use a copy of it"
        )


def call_hooks(node: Node, gradients: dict[Node, Any]) -> None:
    """Give each hook a gradient of its own, and take what it returns in its place."""
    for hook in tuple(node.hooks or ()):
        g = gradients[node].copy()
        if hook is RETAIN_GRAD:
            node.grad = g
        elif (replaced := hook(g)) is not None:
            if getattr(replaced, "shape", None) != node.shape:
                raise ValueError(
                    f"a hook on {describe(node)} returned {describe(replaced)}; "
                    "return a gradient of the same shape, or None to leave it"
                )
            gradients[node] = replaced.astype(node.dtype)
