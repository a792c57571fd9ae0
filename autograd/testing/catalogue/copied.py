"""Lines copied from their neighbours: the gradient of a sibling, a value for a gradient, another shape of the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from autograd.program.reverse import Array, Link
from autograd.testing.catalogue.mistake import Mistake, differs, elementwise, multiple, near
from autograd.testing.replay import Replay

_AXES = 4  # of an array whose axes are permuted


def siblings(replay: Replay, link: Link) -> Iterator[Mistake]:
    """For a parameter, the gradient of a value on another branch, as lines that were copied have; a skip likewise."""
    node, g = link.node, replay.truth[link.node]
    skip = node.op.name == "np.add" and link.source.op is not None
    if not skip and (link.source.op is not None or node.op.role != "product"):
        return
    for other in replay.nodes:
        if other not in replay.truth or other.order >= node.order or not near(replay, link, other):
            continue
        beside = node not in replay.behind(other)
        if skip and (beside or other is link.source or link.source not in _operands(other)):
            continue
        d = replay.truth[other]
        if not (skip or beside) or np.shape(d) != np.shape(g) or not differs(d, g) or multiple(g, d) is not None:
            continue
        yield Mistake(
            "wrong-operand",
            {link: lambda _, gradients, other=other: replay.pull(link, gradients[other])},
            1.6,
            "{g} is computed from {dvalue}, not from {dright}",
            ("sibling", node.op.name, link.operand, replay.relation(node, other)),
            link.source,
            other,
            details={"right": node},
        )


def _operands(node: Any) -> set[Any]:
    """What goes into an operation, and into those operations."""
    direct = [arg for arg in node.args or () if hasattr(arg, "order")]
    return {*direct, *(arg for each in direct for arg in each.args or () if hasattr(arg, "order"))}


def values_for_gradients(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A value of what follows, such as the probabilities, where its gradient belongs in a product."""
    node, g = link.node, replay.truth[link.node]
    if node.op.role != "product" or np.ndim(g) == 0:
        return
    for other in replay.nodes:
        value = replay.value(other)
        if other.order < node.order or np.shape(value) != np.shape(g) or not near(replay, link, other):
            continue
        if multiple(g, value) is None:
            yield Mistake(
                "wrong-operand",
                {link: lambda g, _, value=value: replay.pull(link, value)},
                1.8,
                "{g} is computed from {value} itself, not from the gradient {dright}",
                ("value for gradient", node.op.name, link.operand, replay.relation(node, other)),
                link.source,
                other,
                details={"right": node},
            )


def reshapes(replay: Replay, link: Link) -> Iterator[Mistake]:
    """What is reshaped back by another order of axes or elements: the shape is right, the places are not."""
    node, shape = link.node, np.shape(link.source.value)
    g, truth = replay.truth[node], replay.contribution(link)
    if node.op.role != "shape" or np.size(g) < 4 or np.shape(g) == shape:
        return
    for told, back in _ways_back(np.shape(g), shape):
        if differs(back(g), truth):
            change: dict[Any, Any] = {link: lambda g, _, back=back: back(g)}
            words = f"{{g}} is reshaped to {shape} {told}: that moves elements to other places"
            yield Mistake("transposed", change, 1.3, words, ("reshaped", told), link.source, node)


def _ways_back(given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    yield "in the order of columns", lambda g: np.reshape(g, wanted, order="F")
    for shape, first in ((wanted, False), (given, True)):
        for axes in permutations(range(len(shape))) if 1 < len(shape) <= _AXES else ():
            if list(axes) == sorted(axes):
                continue
            if first:
                yield f"after a transpose by {axes}", lambda g, axes=axes: np.reshape(np.transpose(g, axes), wanted)
            else:
                at = tuple(wanted[axis] for axis in axes)
                back = tuple(int(k) for k in np.argsort(axes))
                told = f"by way of {at} and a transpose by {back}"
                yield told, lambda g, at=at, back=back: np.transpose(np.reshape(g, at), back)


def values_for_slopes(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A straight piece, `z` or `0.01 * z`, that stands where its derivative belongs: 1, or 0.01."""
    node = link.node
    args = replay.arguments(node)
    if node.op.name == "np.where" and link.operand in (1, 2):
        value = args[link.operand]
        product: Any = lambda g: replay.pull(link, g) * value
    elif node.op.name == "np.multiply" and any(np.ndim(arg) == 0 for arg in args) and elementwise(link):
        value = replay.value(node)
        product = lambda g: g * value
    else:
        return
    shape = np.shape(link.source.value)
    g = replay.truth[node]
    if np.shape(value) == shape == np.shape(g) and shape and differs(product(g), replay.contribution(link)):
        yield Mistake(
            "derivative-at-output",
            {link: lambda g, _: product(g)},
            1.5,
            "in {g}, {piece} itself stands in the place of its derivative",
            ("value for slope", node.op.name, link.operand),
            link.source,
            node,
            details={"piece": link.source if node.op.name == "np.where" else node},
        )


def powers(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The power rule with its exponent left as it is, or lowered twice, or with the size of the base alone."""
    node = link.node
    name, x, truth = node.op.name, replay.value(link.source), replay.contribution(link)
    divides = name == "np.divide" and link.operand == 1
    if not (divides or (name in ("np.power", "np.square", "np.sqrt", "np.reciprocal") and link.operand == 0)):
        return
    if np.size(x) < 2 or np.all(x == np.ravel(x)[0]):
        return
    with np.errstate(all="ignore"):
        one_over = 1 / x
    slips: tuple[tuple[str, str, float, Array], ...] = (
        ("derivative-at-output", "the exponent in the derivative of {value} is not lowered by 1 in {g}", 1.3, x),
        ("derivative-at-output", "in {g}, {right} has lost its sign in the derivative of {value}", 1.5, np.sign(x)),
        ("missing-derivative", "{right} is left out of the derivative of {value} in {g}", 1.5, one_over),
    )
    for cause, told, cost, factor in slips[: 2 if divides or name in ("np.sqrt", "np.reciprocal") else 3]:
        if differs(truth * factor, truth):
            change: dict[Any, Any] = {link: lambda g, _, factor=factor: replay.pull(link, g) * factor}
            kind = ("power", name, told)
            details = {"right": link.source}
            yield Mistake(cause, change, cost, told, kind, link.source, node, details=details)


def other_rows(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Rows that are read by one index and whose gradients are added at another one of the program."""
    node, shape = link.node, np.shape(link.source.value)
    if node.op.name != "operator.getitem" or link.operand != 0 or len(node.args or ()) < 2:
        return
    index: Any = (node.args or ())[1]
    if not isinstance(index, np.ndarray) or index.dtype.kind not in "iu" or not index.size:
        return
    others = {
        id(other): other
        for each in replay.nodes
        if each.op is not None and each.op.name == "operator.getitem"
        for arg in (each.args or ())[1:]
        for other in (arg if isinstance(arg, tuple) else (arg,))
        if isinstance(other, np.ndarray) and other is not index and other.shape == index.shape
    }
    for other in others.values():
        if other.dtype.kind not in "iu" or other.max() >= shape[0] or np.array_equal(other, index):
            continue
        yield Mistake(
            "wrong-operand",
            {link: lambda g, _, other=other: _added_at(shape, other, g)},
            1.5,
            "{g} is added at the rows that another index reads",
            ("other rows", "index"),
            link.source,
            node,
        )
    for k, word in ((0, "first"), (-1, "last")) if index.ndim == 2 and index.shape[1] > 1 else ():
        yield Mistake(
            "missing-term",
            {link: lambda g, _, k=k: _added_at(shape, index[:, k], g[:, k])},
            1.5,
            f"only the {word} of the {index.shape[1]} rows that each sample reads gets its part in {{g}}",
            ("other rows", word),
            link.source,
            node,
        )


def _added_at(shape: tuple[int, ...], index: Array, g: Array) -> Array:
    out = np.zeros(shape)
    np.add.at(out, index, g)
    return out
