"""A picture that judges: gradients derived by hand beside the true ones, the wrong ones marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.errors import describe
from autograd.core.node import Node, topological
from autograd.notation.names import users_scope
from autograd.render.build import build_scene
from autograd.render.diagram import Direction
from autograd.render.gradients import Hand, gradients_of
from autograd.render.options import (
    COLLAPSES,
    DIRECTIONS,
    Collapse,
    Options,
    check_choice,
    drawable,
    mapping_of,
    overrides,
    title_of,
    viewport_of,
)
from autograd.render.picture import Picture
from autograd.text import printable

HandVerdict = Literal["right", "wrong", "first wrong", "follows"]


def draw_comparison(
    output: Tensor,
    hand: Mapping[Tensor | str, Any],
    *,
    verdicts: Mapping[Tensor | str, HandVerdict] | None = None,
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
        verdicts: the verdict on each, by the same keys: "right", "wrong", "first wrong", or "follows" from an
            earlier mistake. By default a gradient is wrong where
            $\lVert hand - true \rVert > \sqrt{\epsilon} \, \lVert true \rVert$.
        remarks: a remark on each, such as the cause.
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
    check_choice("direction", direction, DIRECTIONS)
    check_choice("collapse", collapse, COLLAPSES)
    if node.size != 1:
        raise ValueError(f"draw_comparison takes an output of one element, and {describe(node)} has more")
    nodes = topological((node,))
    given = {
        (key_node := _node_of(key, nodes, "hand")): _array(value, key_node)
        for key, value in mapping_of("hand", hand).items()
    }
    if verdicts is None:
        words = _verdicts(node, given)
    else:
        words = {_node_of(key, nodes, "verdicts"): word for key, word in mapping_of("verdicts", verdicts).items()}
    for word in words.values():
        check_choice("a verdict", word, get_args(HandVerdict))
    notes = {_node_of(key, nodes, "remarks"): _text(key, r) for key, r in mapping_of("remarks", remarks).items()}
    compared = {n: Hand(given[n], word, notes.get(n, "")) for n, word in words.items() if n in given}
    viewport = viewport_of(size, direction)
    options = Options(title=title_of(title), collapse=collapse, viewport=viewport, hand=compared)
    return build_scene(node, users_scope(), overrides(names), options).picture


def _node_of(key: Any, nodes: list[Node], argument: str) -> Node:
    """The node of the graph that a Tensor or a name stands for."""
    if isinstance(key, str):
        matching = [node for node in nodes if node.get("name") == key]
    elif isinstance(key, (Tensor, Node)):
        wanted = key._node if isinstance(key, Tensor) else key
        matching = [node for node in nodes if node is wanted]
    else:
        raise TypeError(f"{argument} is by Tensor or by name, not by {type(key).__name__}")
    if len(matching) != 1:
        what = repr(key) if isinstance(key, str) else describe(key)
        problem = "is the name of several Tensors" if matching else "is not in the graph, or no gradient reaches it"
        raise ValueError(f"{argument}: {what} {problem}")
    return matching[0]


def _verdicts(output: Node, given: Mapping[Node, Any]) -> dict[Node, HandVerdict]:
    """The verdict on each gradient that was given, from the numbers alone."""
    true = gradients_of(output).of
    wrong = {node for node, array in given.items() if not _matches(array, true.get(node, 0.0))}
    first = max(wrong, key=lambda node: node.order, default=None)
    return {node: "first wrong" if node is first else "wrong" if node in wrong else "right" for node in given}


def _array(value: Any, node: Node) -> Any:
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    if array.shape != node.shape:
        raise ValueError(f"hand: a gradient of shape {array.shape} for {describe(node)}; give one of its shape")
    return array


def _matches(hand: Any, true: Any) -> bool:
    """As `compare_grads` has it."""
    true = np.broadcast_to(np.asarray(true), hand.shape)
    kinds = [array.dtype for array in (hand, true) if array.dtype.kind == "f"]
    precision = max((np.finfo(kind).eps for kind in kinds), default=np.finfo(np.float64).eps)
    error = np.linalg.norm((hand.astype(np.float64) - true).ravel())
    return bool(error <= np.sqrt(precision) * np.linalg.norm(true.astype(np.float64).ravel()))


def _text(key: Any, remark: Any) -> str:
    if not isinstance(remark, str):
        raise TypeError(f"remarks maps Tensors or names to text, and has {key!r}: {remark!r}")
    return printable(remark)
