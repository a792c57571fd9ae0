"""Slips with the target: not subtracted, off by one, or compared with the wrong prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autograd.graph import Node
from autograd.testing.catalogue.mistake import Mistake, differs, multiple, softmax
from autograd.testing.replay import Array, Replay


def targets(replay: Replay, node: Node) -> Iterator[Mistake]:
    """Slips in `prediction - target`, where the gradient of `node` is a multiple of such a difference."""
    g, z = replay.truth[node], replay.value(node)
    if np.ndim(z) == 0 or np.size(z) < 2 or not np.any(g):
        return
    for target, axis, constant, words in _known_targets(replay, np.shape(z)):
        for name, activation in _predictions(np.ndim(z)):
            p = activation(z)
            scale = multiple(g, p - target)
            if scale is None:
                continue
            line = f"{{g}} = ({_PREDICTED[name]} {words})" + _times(scale)
            slips = [("target", *slip) for slip in _slips(name, activation, z, target, axis)]
            if name == "softmax" and np.ndim(z) == 2:
                told = "the softmax in {g} is over the wrong axis"
                slips += [("wrong-axis", told, 1.0, softmax(z, other) - target) for other in (0, 1)]
            for cause, words, cost, difference in slips:
                value = scale * difference
                if differs(value, g):
                    details = {"target": constant}
                    yield Mistake(
                        cause, {node: lambda g, _, value=value: value}, cost, words, (cause, words), node, node,
                        details=details, line=line,
                    )  # fmt: skip
            return


_PREDICTED = {"linear": "{value}", "sigmoid": "sigmoid({value})", "softmax": "softmax({value})"}


def _times(scale: float) -> str:
    inverse = 1 / scale
    if abs(scale - 1) < 1e-6:
        return ""
    whole = abs(inverse - round(inverse)) < 1e-6 * abs(inverse)
    return f" / {round(inverse)}" if whole and inverse > 0 else f" * {scale:.6g}"


def _slips(
    name: str, activation: Callable[[Array], Array], z: Array, target: Array, axis: int | None
) -> Iterator[tuple[str, float, Array]]:
    """What people have in the place of prediction minus target: in words, how far-fetched it is, its value."""
    p = activation(z)
    yield "the target is not subtracted in {g}", 0.9, p
    yield "only the target stands in {g}, without the prediction", 1.2, -target
    if np.all((target == 0) | (target == 1)):
        yield "the answers 0 and 1 are swapped in {g}", 1.0, p - (1 - target)
        yield "1 is subtracted everywhere in {g}, not only at the label", 1.0, p - 1
    for shift in (1, -1) if axis is not None else ():
        yield "the labels in {g} are off by one", 1.0, p - np.roll(target, shift, axis)
    if name != "linear":
        yield "in {g}, {value} stands in the place of the probabilities", 1.0, z - target
        yield "the probabilities go through the activation twice in {g}", 1.0, activation(p) - target


def _predictions(rank: int) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    yield "linear", lambda z: z
    yield "sigmoid", lambda z: 1 / (1 + np.exp(-z))
    for axis in (-1, 0) if rank > 1 else (-1,):
        yield "softmax", partial(softmax, axis=axis)


def _known_targets(replay: Replay, shape: tuple[int, ...]) -> Iterator[tuple[Array, int | None, Any, str]]:
    """What may be subtracted from a prediction: the array, the axis of its classes, what it was made of, and words."""
    for value in _constants(replay):
        if value.shape == shape and value.dtype.kind in "fiub":
            kind = value.astype(np.float64)
            negative = bool(np.all(kind <= 0) and np.any(kind))  # of -y * np.log(p)
            kind = -kind if negative else kind
            classes = None
            for axis in range(len(shape)):
                if shape[axis] > 1 and np.all(kind.sum(axis=axis) == 1) and np.all((kind == 0) | (kind == 1)):
                    classes = axis
            yield kind, classes, value, "+ {target}" if negative else "- {target}"
        elif value.dtype.kind in "iu" and value.ndim == 1 and len(shape) == 2:
            for axis in (1, 0):
                count = shape[axis]
                if value.size == shape[1 - axis] and value.size and value.min() >= 0 and value.max() < count:
                    hot = np.eye(count)[value]
                    yield (hot if axis == 1 else hot.T), axis, value, "- one_hot({target})"


def _constants(replay: Replay) -> Iterator[Array]:
    seen: set[int] = set()
    for node in replay.nodes:
        pending = [*(node.args or ()), *node.kwargs.values()]
        while pending:
            value = pending.pop()
            if isinstance(value, tuple):
                pending += value
            elif isinstance(value, list) and value and all(isinstance(part, int) for part in value):
                yield np.array(value)
            elif type(value) is Node and not value.requires_grad:
                pending.append(np.asarray(value.value))
            elif isinstance(value, np.ndarray) and id(value) not in seen and value.ndim:
                seen.add(id(value))
                yield value
