"""A picture that judges: gradients derived by hand beside the true ones, the wrong ones marked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from autograd.core.node import Node, topological
from autograd.core.op import describe as told
from autograd.core.tensor import Tensor
from autograd.notation.names import Scope, printable
from autograd.render.content import Hand
from autograd.render.dot import Direction
from autograd.render.model import Collapse, describe
from autograd.render.picture import Picture
from autograd.render.request import choice, drawable, overrides, room_of
from autograd.render.trace import trace

Said = Literal["right", "wrong", "first wrong", "follows"]


def draw_comparison(
    output: Tensor,
    hand: Mapping[Tensor | str, Any],
    *,
    verdicts: Mapping[Tensor | str, Said] | None = None,
    remarks: Mapping[Tensor | str, str] | None = None,
    direction: Direction = "LR",
    names: Mapping[Tensor | str, str] | None = None,
    collapse: Collapse = "auto",
    size: tuple[int, int] | None = None,
    title: str | None = None,
) -> Picture:
    r"""Draw the computation behind `output` with gradients that were derived by hand beside the true ones.

    Every gradient given is marked as right or wrong; a wrong one stands beside the true one. The first wrong
    one is where the hand derivation went astray: backward from the output, those that come later use it.

    Args:
        output: a Tensor of one element with a graph.
        hand: dL/d(tensor) for Tensors of that graph, by Tensor or by `name=`; arrays of its shape.
        verdicts: what is said of each, by the same keys: "right", "wrong", "first wrong", or "follows" from an
            earlier mistake. By default a gradient is wrong where
            $\lVert hand - true \rVert > \sqrt{\epsilon} \, \lVert true \rVert$.
        remarks: a word more of each, such as the cause.
        direction, names, collapse, size, title: as for `draw`. What has a mark is not folded away.

    Raises:
        TypeError: `output` is no Tensor.
        ValueError: no graph; a key that is not in it; a gradient of another shape; an unknown verdict.

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
    given = {(found := _found(key, nodes, "hand")): _array(value, found) for key, value in hand.items()}
    said = None if verdicts is None else {_found(key, nodes, "verdicts"): word for key, word in verdicts.items()}
    for word in (said or {}).values():
        choice("a verdict", word, Said)
    judged = {n: Hand(given[n], word) for n, word in (said or _judged(node, given)).items() if n in given}
    for key, remark in (remarks or {}).items():
        one = judged.get(_found(key, nodes, "remarks"))
        if one is not None:
            judged[_found(key, nodes, "remarks")] = replace(one, remark=printable(remark))
    room = room_of(size, direction)
    scope = _caller()
    diagram = describe(node, scope, overrides(names), title=title or "", collapse=collapse, room=room, hand=judged)
    return Picture(diagram, "cards", direction, room)


def _caller() -> Scope:
    """The variables of whoever called this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "autograd":
        frame = frame.f_back
    return Scope(frame.f_locals, frame.f_globals)


def _found(key: Any, nodes: list[Node], argument: str) -> Node:
    """The node of the graph that a Tensor or a name stands for."""
    if isinstance(key, str):
        found = [node for node in nodes if node.note("name") == key]
    elif isinstance(key, (Tensor, Node)):
        wanted = key._node if isinstance(key, Tensor) else key
        found = [node for node in nodes if node is wanted]
    else:
        raise TypeError(f"{argument} is by Tensor or by name, not by {type(key).__name__}")
    if len(found) != 1:
        what = repr(key) if isinstance(key, str) else told(key)
        many = "is the name of several Tensors" if found else "is not in the graph, or no gradient reaches it"
        raise ValueError(f"{argument}: {what} {many}")
    return found[0]


def _judged(output: Node, given: Mapping[Node, Any]) -> dict[Node, Said]:
    """What is said of each gradient that was given, from the numbers alone."""
    truth = trace(output, lambda node, operand: False).gradients
    wrong = {node for node, array in given.items() if not _matches(array, truth.get(node, 0.0))}
    first = max(wrong, key=lambda node: node.order, default=None)
    said: dict[Node, Said] = {}
    for node in given:
        said[node] = "first wrong" if node is first else "wrong" if node in wrong else "right"
    return said


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
