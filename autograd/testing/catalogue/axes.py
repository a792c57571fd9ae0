"""Sums over the wrong axis, means for them, and sums that are left out where broadcasting hides it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.program.program import Line, substituted
from autograd.program.reverse import Array, Gradients, Link
from autograd.testing.catalogue.mistake import Mistake, differs
from autograd.testing.replay import Replay


def unsummed(replay: Replay, link: Link) -> Iterator[Mistake]:
    """For one sample: a sum over a layer that is left out until it is taken for the axis of the input.

    With dL/dh_i = sum_k d_k W_ki and dL/dW1_ij = dL/dh_i s_i x_j, somebody writes d_k W_ki s_i x_k: that broadcasts
    where the layer is as long as the input.
    """
    leaf, node = link.source, link.node
    if leaf.op is not None or node.op.role != "product" or np.ndim(leaf.value) != 2 or np.ndim(node.value) != 1:
        return
    args = replay.arguments(node)
    x = next((arg for k, arg in enumerate(args) if k != link.operand and np.ndim(arg) == 1), None)
    if x is None:
        return
    rows_first = np.shape(leaf.value) == (np.size(node.value), np.size(x))
    for summed in (use for each in replay.nodes if each.order > node.order for use in replay.uses[each]):
        outer = replay.truth[summed.node]
        if summed.node.op.role != "product" or np.shape(outer) != np.shape(x) or np.ndim(summed.source.value) != 1:
            continue

        def spread(gradients: Gradients, summed: Link = summed) -> Array:
            columns = []
            for k, unit in enumerate(np.eye(np.size(x))):
                part = replay.pull(summed, gradients[summed.node] * unit)
                columns.append(replay.run({summed.source: lambda g, _, part=part: part})[node] * x[k])
            stacked = np.stack(columns, axis=1)
            return stacked if rows_first else stacked.T

        if differs(spread(replay.truth), replay.contribution(link)):
            yield Mistake(
                "unsummed-axis",
                {link: lambda g, gradients, spread=spread: spread(gradients)},
                1.2,
                "in {g}, the sum over the units of {value} is left out: broadcasting takes them for those of the input",
                ("unsummed", "input"),
                leaf,
                summed.node,
            )


def axes(replay: Replay, link: Link) -> Iterator[Mistake]:
    written = replay.lines(link)
    g, truth = replay.truth[link.node], replay.contribution(link)
    for position, line in enumerate(written.lines):
        if line.fn not in (np.add.reduce, np.sum, np.mean):
            continue
        for words, cost, change in _reductions(line):
            result = written.run(g, position, change)
            if result is not None and differs(result, truth):
                yield Mistake(
                    "wrong-axis",
                    {link: lambda g, _, position=position, change=change: written.run(g, position, change)},
                    cost,
                    words,
                    ("wrong axis", words),
                    link.source,
                    link.node,
                )


def _reductions(line: Line) -> Iterator[tuple[str, float, Any]]:
    x = line.args[0].value
    options = {**dict(zip(("axis",), line.args[1:], strict=False)), **line.kwargs}
    axis = options.get("axis")
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    keepdims = bool(options.get("keepdims", False))

    def reduced(fn: Any, along: Any) -> Any:
        return lambda line, values: fn(substituted(line.args[0], values), axis=along, keepdims=keepdims)

    yield "the mean is taken for the sum in {g}", 1.0, reduced(np.mean, axis)
    yield (
        "one row stands for the sum in {g}",
        1.4,
        lambda line, values: np.take(
            values[line.args[0]], [0] if keepdims else 0, axis=axis if isinstance(axis, int) else (axis or (0,))[0]
        ),
    )
    yield (
        "the last row stands for the sum in {g}",
        1.4,
        lambda line, values: np.take(
            values[line.args[0]], [-1] if keepdims else -1, axis=axis if isinstance(axis, int) else (axis or (0,))[0]
        ),
    )
    for along in axis if isinstance(axis, tuple) else ():
        yield (
            f"{{g}} is summed over axis {along} only, and elsewhere the first element stands for the sum",
            1.4,
            lambda line, values, axes=axis, along=along: _first_of_others(values[line.args[0]], axes, along, line),
        )
    own = f"axis {axis}" if isinstance(axis, int) else f"axes {axis}"
    yield (
        f"{{g}} is summed over all axes, not over {own} alone",
        1.1,
        lambda line, values: np.full_like(line.target.value, np.sum(values[line.args[0]])),
    )
    yield (
        f"the mean over all axes stands in {{g}} for the sum over {own}",
        1.3,
        lambda line, values: np.full_like(line.target.value, np.mean(values[line.args[0]])),
    )
    for other in range(x.ndim):
        if other != axis:
            yield f"{{g}} is summed over axis {other}, not over {own}", 1.0, _along(np.sum, other)
            yield f"the mean over axis {other} stands in {{g}} for the sum over {own}", 1.3, _along(np.mean, other)


def _along(reduce: Any, axis: int) -> Any:
    return lambda line, values: np.reshape(reduce(values[line.args[0]], axis=axis), np.shape(line.target.value))


def _first_of_others(x: Array, axes: tuple[int, ...], along: int, line: Line) -> Array:
    """The sum along one axis, the first element along the others."""
    taken = tuple(slice(0, 1) if k in axes and k != along else slice(None) for k in range(x.ndim))
    return np.reshape(np.sum(x[taken], axis=along), np.shape(line.target.value))
