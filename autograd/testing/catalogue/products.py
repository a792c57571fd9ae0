"""Products, sums and shapes: factors transposed, sums over the wrong axis or left out, elements in other places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np

from autograd.program.program import Line, Var, substituted
from autograd.program.reverse import Array, Changes, Gradients, Link
from autograd.testing.catalogue.mistake import Mistake, is_product
from autograd.testing.replay import Replay

_AXES = 4  # of an array whose axes are permuted
Product = Callable[[Any, Any], Any]
LineChange = Callable[[Line, Mapping[Var, Any]], Any]


def transposes(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The contribution transposed, or a product in it computed otherwise."""
    if np.ndim(replay.contribution(link)) == 2:
        changes: Changes = {link: lambda g, _: np.transpose(replay.pull(link, g))}
        yield Mistake("transposed", 1.1, "{g} is transposed", changes, kind=("transposed", "result"))
    if not is_product(link.node):
        return
    rule = replay.lines(link)
    for position, line in enumerate(rule.lines):
        for text, cause, change in _other_products(line):
            cost = 1.0 if cause == "transposed" else 1.2
            yield Mistake(cause, cost, text, {link: rule.changed(position, change)})


_DOT: tuple[tuple[str, Product], ...] = (
    ("the first factor of {g} is transposed", lambda a, b: np.dot(a.T, b)),
    ("the second factor of {g} is transposed", lambda a, b: np.dot(a, b.T)),
    ("both factors of {g} are transposed", lambda a, b: np.dot(a.T, b.T)),
    ("the factors of {g} are in the other order", lambda a, b: np.dot(b, a)),
    ("the factors of {g} are in the other order, one of them transposed", lambda a, b: np.dot(b.T, a)),
    ("the factors of {g} are in the other order, one of them transposed", lambda a, b: np.dot(b, a.T)),
)
_ELEMENTWISE: tuple[Product, ...] = (
    lambda a, b: a * b,
    lambda a, b: np.transpose(a) * b,
    lambda a, b: a * np.transpose(b),
)


def _other_products(line: Line) -> Iterator[tuple[str, str, LineChange]]:
    """A line with a product as people get it wrong: in words, the cause, and what is computed."""
    if line.fn not in (np.dot, np.matmul, np.tensordot, np.multiply, np.outer):
        return
    for text, product in _DOT if line.fn in (np.dot, np.matmul) else ():
        yield text, "transposed", _of_factors(product)
    if line.fn is np.outer:
        yield "the factors of {g} are in the other order", "transposed", _of_factors(lambda a, b: np.outer(b, a))
        text = "in {g}, an outer product became an element-by-element one, which broadcasting hides"
        yield text, "unsummed-axis", _of_factors(lambda a, b: np.tile(a * b, (np.size(a), 1)))
        yield text, "unsummed-axis", _of_factors(lambda a, b: np.tile(a * b, (np.size(a), 1)).T)
    if line.fn is np.tensordot:
        yield "the first factor of {g} is transposed", "transposed", partial(_contracted, 0)
        yield "the second factor of {g} is transposed", "transposed", partial(_contracted, 1)
    for product in _ELEMENTWISE:
        text = "in {g}, a matrix product became an element-by-element one"
        yield text, "unsummed-axis", _of_factors(product)


def _of_factors(product: Product) -> LineChange:
    return lambda line, values: product(*substituted(line.args, values)[:2])


def _contracted(transposed: int, line: Line, values: Mapping[Var, Any]) -> Any:
    factors = list(substituted(line.args[:2], values))
    factors[transposed] = np.transpose(factors[transposed])
    return line.fn(*factors, *substituted(line.args[2:], values), **line.kwargs)


# Sums


def axes(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A sum over another axis, a mean for it, or one row."""
    rule = replay.lines(link)
    for position, line in enumerate(rule.lines):
        if line.fn not in (np.add.reduce, np.sum, np.mean):
            continue
        for text, cost, reduce in _reductions(line):

            def change(line: Line, values: Mapping[Var, Any], reduce: Any = reduce) -> Any:
                shape = np.shape(line.target.value)
                reduced = reduce(substituted(line.args[0], values))
                return np.reshape(reduced, shape) if np.ndim(reduced) else np.full(shape, reduced)

            yield Mistake("wrong-axis", cost, text, {link: rule.changed(position, change)}, ("wrong axis", text))


def _reductions(line: Line) -> Iterator[tuple[str, float, Callable[[Array], Array]]]:
    """What stands for a sum: in words, how far-fetched it is, and what is computed."""
    options = {**dict(zip(("axis",), line.args[1:], strict=False)), **line.kwargs}
    axis = options.get("axis")
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    several = axis if isinstance(axis, tuple) else ()
    first = axis if isinstance(axis, int) else (several or (0,))[0]
    own = f"axis {axis}" if isinstance(axis, int) else f"axes {axis}"
    yield "the mean is taken for the sum in {g}", 1.0, partial(np.mean, axis=axis)
    yield "one row stands for the sum in {g}", 1.4, lambda x: np.take(x, [0], axis=first)
    yield "the last row stands for the sum in {g}", 1.4, lambda x: np.take(x, [-1], axis=first)
    for along in several:
        text = f"{{g}} is summed over axis {along} only, and elsewhere the first element stands for the sum"
        yield text, 1.4, partial(_first_of_others, several, along)
    yield f"{{g}} is summed over all axes, not over {own} alone", 1.1, np.sum
    yield f"the mean over all axes stands in {{g}} for the sum over {own}", 1.3, np.mean
    for other in range(np.ndim(line.args[0].value)):
        if other != axis:
            yield f"{{g}} is summed over axis {other}, not over {own}", 1.0, partial(np.sum, axis=other)
            text = f"the mean over axis {other} stands in {{g}} for the sum over {own}"
            yield text, 1.3, partial(np.mean, axis=other)


def _first_of_others(axes: tuple[int, ...], along: int, x: Array) -> Array:
    """The sum along one axis, the first element along the others."""
    taken = tuple(slice(0, 1) if k in axes and k != along else slice(None) for k in range(x.ndim))
    return np.sum(x[taken], axis=along)


def unsummed(replay: Replay, link: Link) -> Iterator[Mistake]:
    """For one sample: a sum over a layer that is left out until it is taken for the axis of the input.

    With dL/dh_i = sum_k d_k W_ki and dL/dW1_ij = dL/dh_i s_i x_j, somebody writes d_k W_ki s_i x_k: that broadcasts
    where the layer is as long as the input.
    """
    leaf, node = link.source, link.node
    if leaf.op is not None or not is_product(node) or leaf.ndim != 2 or node.ndim != 1:
        return
    args = replay.arguments(node)
    x = next((arg for k, arg in enumerate(args) if k != link.operand and np.ndim(arg) == 1), None)
    if x is None:
        return
    rows_first = leaf.shape == (node.size, np.size(x))
    for summed in (use for each in replay.nodes if each.order > node.order for use in replay.uses[each]):
        outer = replay.truth[summed.node]
        if not is_product(summed.node) or np.shape(outer) != np.shape(x) or summed.source.ndim != 1:
            continue

        def spread(_: Array, gradients: Gradients, summed: Link = summed) -> Array:
            columns = []
            for k, unit in enumerate(np.eye(np.size(x))):
                part = replay.pull(summed, gradients[summed.node] * unit)
                columns.append(replay.run({summed.source: lambda g, _, part=part: part})[node] * x[k])
            stacked = np.stack(columns, axis=1)
            return stacked if rows_first else stacked.T

        text = "in {g}, the sum over the units of {value} is left out: broadcasting takes them for those of the input"
        yield Mistake("unsummed-axis", 1.2, text, {link: spread}, ("unsummed", "input"), leaf, summed.node)


# Shapes


def reshapes(replay: Replay, link: Link) -> Iterator[Mistake]:
    """What is reshaped back by another order of axes or elements: the shape is right, the places are not."""
    node, shape, given = link.node, link.source.shape, link.node.shape
    if node.op.role != "shape" or node.size < 4 or given == shape:
        return
    for way, back in _ways_back(given, shape):
        text = f"{{g}} is reshaped to {shape} {way}: that moves elements to other places"
        yield Mistake("transposed", 1.3, text, {link: lambda g, _, back=back: back(g)})


def _ways_back(given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[tuple[str, Callable[..., Array]]]:
    yield "in the order of columns", lambda g: np.reshape(g, wanted, order="F")
    for axes in list(permutations(range(len(wanted))))[1:] if 1 < len(wanted) <= _AXES else ():
        at = tuple(wanted[axis] for axis in axes)
        back = tuple(int(k) for k in np.argsort(axes))
        text = f"by way of {at} and a transpose by {back}"
        yield text, lambda g, at=at, back=back: np.transpose(np.reshape(g, at), back)
    for axes in list(permutations(range(len(given))))[1:] if 1 < len(given) <= _AXES else ():
        yield f"after a transpose by {axes}", lambda g, axes=axes: np.reshape(np.transpose(g, axes), wanted)
