"""Slips with the target: not subtracted, off by one, or compared with the wrong prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Link
from autograd.testing.catalogue.activations import Chain, local_reverse
from autograd.testing.catalogue.mistake import Mistake, differs, multiple, softmax, tried
from autograd.testing.replay import Replay


def targets(replay: Replay, node: Node) -> Iterator[Mistake]:
    """Slips in `prediction - target`, where the gradient of `node` is a multiple of such a difference."""
    g, z = replay.truth[node], replay.value(node)
    if np.ndim(z) == 0 or np.size(z) < 2 or not np.any(g):
        return
    possible = _weights(replay, np.shape(z))
    for target, axis, constant, words in _known_targets(replay, np.shape(z)):
        for name, activation in _predictions(np.ndim(z)):
            p = activation(z)
            scale, weights = multiple(g, p - target), None
            if scale is None:
                scale, weights = _weighted(replay, g, p - target, [w for w in possible if w is not constant])
            if scale is None:
                continue
            line = f"{{g}} = {'' if weights is None else '{weights} * '}({_PREDICTED[name]} {words})" + _times(scale)
            slips = [("target", *slip) for slip in _slips(name, activation, z, target, axis)]
            if name == "softmax" and np.ndim(z) == 2:
                told = "the softmax in {g} is over the wrong axis"
                slips += [("wrong-axis", told, 1.0, softmax(z, other) - target) for other in (0, 1)]
                told = "in {g}, the exponentials are divided by the sum of all, not of their own sample"
                slips.append(("wrong-axis", told, 1.0, softmax(z, None) - target))
            for cause, words, cost, difference in slips:
                value = scale * difference * (1.0 if weights is None else replay.value(weights))
                if differs(value, g):
                    details = {"target": constant, "weights": weights}
                    yield Mistake(
                        cause, {node: lambda g, _, value=value: value}, cost, words, (cause, words), node, node,
                        details=details, line=line,
                    )  # fmt: skip
            return


def _weights(replay: Replay, shape: tuple[int, ...]) -> list[Any]:
    """Constants that may weigh samples or actions."""
    found = [value for value in _constants(replay) if value.dtype.kind == "f" and value.shape == shape]
    return [value for value in found if not np.all(value == value.flat[0])]


def _weighted(replay: Replay, g: Array, difference: Array, weights: list[Any]) -> tuple[float | None, Any]:
    """The number, and the constant weights of samples or rewards, that make the gradient of a difference."""
    for weight in weights:
        if (scale := multiple(g, replay.value(weight) * difference)) is not None:
            return scale, weight
    return None, None


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
    yield "the target is added in {g}, not subtracted", 1.2, p + target
    yield from _other_targets(p, target)
    if np.all((target == 0) | (target == 1)):
        yield "the answers 0 and 1 are swapped in {g}", 1.0, p - (1 - target)
        yield "the answers are -1 and 1 in {g}, not 0 and 1", 1.2, p - (2 * target - 1)
        yield "1 is subtracted everywhere in {g}, not only at the label", 1.0, p - 1
    for shift in (1, -1) if axis is not None else ():
        yield "the labels in {g} are off by one", 1.0, p - np.roll(target, shift, axis)
    if axis is not None and target.ndim == 2:
        yield "the labels in {g} are those of the next samples", 1.2, p - np.roll(target, -1, 1 - axis)
        yield "the labels in {g} are those of the samples before", 1.2, p - np.roll(target, 1, 1 - axis)
        yield "the labels in {g} are in the opposite order", 1.2, p - np.flip(target, 1 - axis)
    if name != "linear":
        yield "in {g}, {value} stands in the place of the probabilities", 1.0, z - target
        yield "in {g}, the logarithms of the probabilities stand in their place", 1.2, np.log(p) - target
        hard = p > 0.5 if name == "sigmoid" else p == np.max(p, axis=-1 if axis is None else axis, keepdims=True)
        yield "in {g}, the predicted class stands in the place of its probability", 1.2, hard - target
        if name == "softmax":
            if axis is not None and target.ndim == 2:
                told = "in {g}, 1 is subtracted in whole columns, in all samples, not at each sample's own label"
                yield told, 1.1, p - np.max(target, axis=1 - axis, keepdims=True)
            yield "in {g}, the sigmoid stands in the place of the softmax", 1.2, 1 / (1 + np.exp(-z)) - target
            yield "in {g}, the exponentials are not divided by their sum", 1.2, np.exp(z) - target
        told = (
            "{g} is prediction minus target already, and the derivative p (1 - p) of the activation is in it once more"
        )
        yield told, 1.2, (p - target) * p * (1 - p)
        yield "the probabilities go through the activation twice in {g}", 1.0, activation(p) - target


def _other_targets(p: Array, target: Array) -> Iterator[tuple[str, float, Array]]:
    """Targets of other samples, and the means that are left where all predictions meet all targets."""
    for along in range(target.ndim):
        if target.shape[along] < 2:
            continue
        words = f"along axis {along}" if target.ndim > 1 else "by one"
        for step in (1, -1):
            yield f"the targets in {{g}} are shifted {words}", 1.3, p - np.roll(target, step, along)
        yield "the targets in {g} are in the opposite order", 1.3, p - np.flip(target, along)
        told = f"the mean over axis {along}, as broadcasting (n, 1) against (n,) leaves it, stands in {{g}} for"
        yield f"{told} each target", 1.3, p - np.mean(target, axis=along, keepdims=True)
        yield f"{told} each prediction", 1.3, np.mean(p, axis=along, keepdims=True) - target


def derived_again(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """Prediction minus target, which is the gradient before an activation, taken for that after it."""
    g, after = replay.truth[chain.inner], replay.truth.get(chain.outer)
    if after is None or np.shape(g) != np.shape(after) or not differs(g, after) or np.ndim(g) == 0:
        return
    p, z = replay.value(chain.outer), replay.value(chain.inner)
    known = [activation(z) for name, activation in _predictions(np.ndim(z)) if name != "linear"]
    if not any(np.allclose(p, q, rtol=1e-6) for q in known):
        return
    if all(multiple(g, p - target) is None for target, *_ in _known_targets(replay, np.shape(z))):
        return
    told = (
        "{dvalue} is taken to be prediction minus target, but that is {dinner} already: "
        "the derivative of {value} is in it twice"
    )
    pull = local_reverse(replay, chain, z)
    choices: list[tuple[Node, Array]] = [(chain.outer, g)]
    if pull is not None:
        choices.append((chain.inner, pull(g)))
    for where, value in choices:
        yield Mistake(
            "target",
            {where: lambda g, _, value=value: value},
            1.1,
            told,
            ("derived again", where is chain.outer, len(chain.nodes)),
            where,
            chain.outer,
            details={"inner": chain.inner},
        )


def labels(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A constant with the labels in a rule, as it is with other ones: off by one, of other samples, not smoothed."""
    node, g = link.node, replay.truth[link.node]
    args = replay.arguments(node)
    for j, arg in enumerate(node.args or ()):
        constant = np.asarray(arg.value) if type(arg) is Node and not arg.requires_grad else arg
        if _masks(replay, node, constant):
            yield from _turned_mask(replay, link, j, constant)
            continue
        for words, cost, other in _other_labels(constant, np.shape(link.source.value), node.op.name):
            changed = (*args[:j], other, *args[j + 1 :])
            if differs(tried(replay, link, g, None, changed), replay.contribution(link)):
                yield Mistake(
                    "target",
                    {link: lambda g, _, changed=changed: replay.pull(link, g, None, changed)},
                    cost,
                    words,
                    ("labels", words),
                    link.source,
                    constant if isinstance(constant, np.ndarray) else node,
                )


def _masks(replay: Replay, node: Node, constant: Any) -> bool:
    """Whether zeros and ones are a mask, as of dropout: layers follow, where after labels nothing but the loss does."""
    if (
        not isinstance(constant, np.ndarray)
        or constant.dtype.kind != "f"
        or not np.all((constant == 0) | (constant == 1))
    ):
        return False
    return any(after.op is not None and after.op.role == "product" for after in replay.behind(node)[:-1])


def _turned_mask(replay: Replay, link: Link, j: int, mask: Array) -> Iterator[Mistake]:
    args = replay.arguments(link.node)
    changed = (*args[:j], 1.0 - mask, *args[j + 1 :])
    if differs(tried(replay, link, replay.truth[link.node], None, changed), replay.contribution(link)):
        yield Mistake(
            "wrong-operand",
            {link: lambda g, _: replay.pull(link, g, None, changed)},
            1.2,
            "the mask {value} is the other way round in {g}",
            ("labels", "mask"),
            link.source,
            mask,
        )


def _other_labels(value: Any, shape: tuple[int, ...], name: str) -> Iterator[tuple[str, float, Any]]:
    """Other labels for an array of them, or for an index: in words, how far-fetched they are, and themselves."""
    if name == "operator.getitem" and isinstance(value, tuple) and len(value) == 2 == len(shape):
        rows, chosen = value
        hot = np.asarray(chosen)
        if hot.dtype.kind not in "iu" or hot.ndim != 1 or not hot.size or isinstance(rows, slice):
            return
        for words, cost, other in (
            ("the labels in {g} are off by one", 1.0, (hot + 1) % shape[1]),
            ("the labels in {g} are off by one", 1.0, (hot - 1) % shape[1]),
            ("the labels in {g} are those of the next samples", 1.2, np.roll(hot, -1)),
            ("the labels in {g} are those of the samples before", 1.2, np.roll(hot, 1)),
            ("the labels in {g} are in the opposite order", 1.2, hot[::-1]),
        ):
            yield words, cost, (rows, other)
        return
    if name == "operator.getitem" or not isinstance(value, np.ndarray) or value.ndim == 0 or value.dtype.kind != "f":
        return
    sign = -1.0 if np.all(value <= 0) else 1.0
    q = sign * value
    of_classes = q.ndim == 2 and q.shape[1] > 1 and bool(np.all(q >= 0) and np.allclose(q.sum(axis=1), 1))
    if not of_classes and not (np.all((q == 0) | (q == 1)) and np.any(q == 0) and np.any(q == 1)):
        return
    if of_classes:
        yield "the labels in {g} are off by one", 1.0, sign * np.roll(q, 1, axis=1)
        yield "the labels in {g} are off by one", 1.0, sign * np.roll(q, -1, axis=1)
        if not np.all((q == 0) | (q == 1)):
            hard = (q == q.max(axis=1, keepdims=True)) / 1.0
            yield "{value} is without its smoothing in {g}", 1.0, sign * hard
    else:
        yield "the answers 0 and 1 are swapped in {g}", 1.0, sign * (1 - q)
    if len(q) > 1:
        yield "the labels in {g} are those of the next samples", 1.2, sign * np.roll(q, -1, axis=0)
        yield "the labels in {g} are those of the samples before", 1.2, sign * np.roll(q, 1, axis=0)
        yield "the labels in {g} are in the opposite order", 1.2, sign * q[::-1]


def _predictions(rank: int) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    yield "linear", lambda z: z
    yield "sigmoid", lambda z: 1 / (1 + np.exp(-z))
    for axis in (-1, 0) if rank > 1 else (-1,):
        yield "softmax", partial(softmax, axis=axis)


def _known_targets(replay: Replay, shape: tuple[int, ...]) -> Iterator[tuple[Array, int | None, Any, str]]:
    """What may be subtracted from a prediction: the array, the axis of its classes, what it was made of, and words."""
    yield from _chosen(replay, shape)
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


def _chosen(replay: Replay, shape: tuple[int, ...]) -> Iterator[tuple[Array, int | None, Any, str]]:
    """The one-hot of a single number that is read by its index, as the probability of one label is."""
    for node in replay.nodes:
        args = node.args or ()
        if node.op is None or node.op.name != "operator.getitem" or np.ndim(node.value) or not shape:
            continue
        if np.shape(replay.value(args[0])) == shape:
            hot = np.zeros(shape)
            hot[args[1]] = 1.0
            axis = int(np.argmax(shape)) if max(shape) == np.size(hot) else None
            yield hot, axis, hot, f"- one_hot({args[1]})"


def _constants(replay: Replay) -> Iterator[Array]:
    seen: set[int] = set()
    for node in replay.nodes:
        args = node.args or ()
        if node.op is not None and node.op.name == "np.where":  # its condition holds no labels
            args = args[1:]
        pending = [*args, *node.kwargs.values()]
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
