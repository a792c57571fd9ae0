"""A picture that judges: gradients derived by hand beside the true ones, the wrong ones marked."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from autograd.graph import Node, topological
from autograd.names import Scope
from autograd.op import describe as told
from autograd.render.content import Hand
from autograd.render.dot import Direction
from autograd.render.model import Collapse, describe
from autograd.render.picture import Picture
from autograd.render.request import choice, drawable, overrides, room_of
from autograd.render.trace import trace
from autograd.tensor import Tensor


def draw_comparison(
    output: Tensor,
    hand: Mapping[Tensor | str, Any],
    *,
    wrong: Collection[Tensor | str] | None = None,
    direction: Direction = "LR",
    names: Mapping[Tensor | str, str] | None = None,
    collapse: Collapse = "auto",
    size: tuple[int, int] | None = None,
    title: str | None = None,
) -> Picture:
    r"""Draw the computation behind `output` with gradients that were derived by hand beside the true ones.

    Every gradient given is marked as right or wrong; a wrong one stands beside the true one. The first wrong
    one is where the hand derivation went astray: backward from the output, all that come later use it.

    Args:
        output: a Tensor of one element with a graph.
        hand: dL/d(tensor) for Tensors of that graph, by Tensor or by `name=`; arrays of its shape.
        wrong: which of them are wrong; by default those with
            $\lVert hand - true \rVert > \sqrt{\epsilon} \, \lVert true \rVert$, as `compare_grads` has it.
        direction, names, collapse, size, title: as for `draw`. What has a mark is not folded away.

    Raises:
        TypeError: `output` is no Tensor.
        ValueError: no graph; a key of `hand` or `wrong` that is not in it; a gradient of another shape.

    >>> import autograd
    >>> x, w = autograd.Tensor([1.0, 2.0]), autograd.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> loss = ((w * x) ** 2).sum()
    >>> "✗ first wrong link" in draw_comparison(loss, {w: 2 * w.data * x.data}).source
    True
    """
    node = drawable(output, "draw_comparison")
    choice("direction", direction, Direction)
    choice("collapse", collapse, Collapse)
    if node.value.size != 1:
        raise ValueError(f"draw_comparison takes an output of one element, and {told(node)} has more")
    nodes = topological((node,))
    given = {_found(key, nodes, "hand"): value for key, value in hand.items()}
    said = None if wrong is None else {_found(key, nodes, "wrong") for key in wrong}
    caller = sys._getframe(1)
    room = room_of(size, direction)
    diagram = describe(
        node,
        Scope(caller.f_locals, caller.f_globals),
        overrides(names),
        title=title or "",
        collapse=collapse,
        room=room,
        hand=_judged(node, given, said),
    )
    return Picture(diagram, "cards", direction, room)


def _found(key: Tensor | str, nodes: list[Node], argument: str) -> Node:
    """The node of the graph that a Tensor or a name stands for."""
    if isinstance(key, Tensor):
        found = [node for node in nodes if node is key._node]
    elif isinstance(key, str):
        found = [node for node in nodes if node.note("name") == key]
    else:
        raise TypeError(f"{argument} has gradients by Tensor or by name, not by {type(key).__name__}")
    if len(found) != 1:
        what = told(key) if isinstance(key, Tensor) else repr(key)
        many = "is the name of several Tensors" if found else "is not in the graph"
        raise ValueError(f"{argument}: {what} {many}, or no gradient reaches it")
    return found[0]


def _judged(output: Node, given: Mapping[Node, Any], wrong: Collection[Node] | None) -> dict[Node, Hand]:
    """What is said of each gradient that was given."""
    truth = trace(output, lambda node, operand: False).gradients
    arrays = {node: _array(value, node) for node, value in given.items()}
    bad = set(wrong) if wrong is not None else {n for n, a in arrays.items() if not _matches(a, truth.get(n, 0.0))}
    first = max((node for node in arrays if node in bad), key=lambda node: node.order, default=None)
    found: dict[Node, Hand] = {}
    for node, array in arrays.items():
        found[node] = Hand(array, "first wrong" if node is first else "wrong" if node in bad else "right")
    return found


def _array(value: Any, node: Node) -> Any:
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    if array.shape != np.shape(node.value):
        raise ValueError(f"hand: a gradient of shape {array.shape} for {told(node)}; give one of its shape")
    return array


def _matches(hand: Any, true: Any) -> bool:
    """As `compare_grads` has it."""
    true = np.broadcast_to(np.asarray(true), hand.shape)
    kinds = [array.dtype for array in (hand, true) if array.dtype.kind == "f"]
    precision = max((np.finfo(kind).eps for kind in kinds), default=np.finfo(np.float64).eps)
    error = np.linalg.norm((hand.astype(np.float64) - true).ravel())
    return bool(error <= np.sqrt(precision) * np.linalg.norm(true.astype(np.float64).ravel()))
