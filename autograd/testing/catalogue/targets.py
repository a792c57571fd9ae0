"""Slips with the target: not subtracted, off by one, compared with the wrong prediction, or of another shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Changes, Link, contribution
from autograd.testing.catalogue.chains import Chain, reverse_at
from autograd.testing.catalogue.mistake import Mistake, differs, is_product, multiple, softmax
from autograd.testing.replay import Replay

_PREDICTED = {"linear": "{value}", "sigmoid": "sigmoid({value})", "softmax": "softmax({value})"}


class Prediction(NamedTuple):
    """A gradient that is a multiple of prediction minus target.

    Attributes:
        name: of the activation that gives the prediction.
        activation: itself.
        target: what is subtracted.
        axis: of the classes, where there are any.
        factor: what multiplies the difference.
        line: the line that computes it, with gaps for the names in `details`.
    """

    name: str
    activation: Callable[[Array], Array]
    target: Array
    axis: int | None
    factor: Any
    line: str
    details: dict[str, Any]


def prediction(replay: Replay, node: Node) -> Prediction | None:
    """What the gradient of a node is, where it is a multiple of prediction minus target."""
    g, z = replay.truth[node], replay.value(node)
    if np.ndim(z) == 0 or np.size(z) < 2 or not np.any(g):
        return None
    possible = _weights(replay, np.shape(z))
    for target, axis, constant, words in _known_targets(replay, np.shape(z)):
        for name, activation in _predictions(np.ndim(z)):
            p = activation(z)
            scale, weights = multiple(g, p - target), None
            if scale is None:
                scale, weights = _weighted(replay, g, p - target, [w for w in possible if w is not constant])
            if scale is None:
                continue
            weighed = "" if weights is None else "{weights} * "
            details = {"target": constant, "weights": weights, "times": scale, "value": node}
            details["predicted"] = p, _PREDICTED[name]
            factor = scale * (1.0 if weights is None else replay.value(weights))
            line = f"{{g}} = {weighed}({{predicted}} {words}){{times}}"
            return Prediction(name, activation, target, axis, factor, line, details)
    return None


def targets(replay: Replay, node: Node) -> Iterator[Mistake]:
    """Slips in `prediction - target`, where the gradient of `node` is a multiple of such a difference."""
    known = prediction(replay, node)
    if known is not None:
        z = replay.value(node)
        for cause, text, cost, wrong in _slips(known.name, known.activation, z, known.target, known.axis):
            changes: Changes = {node: lambda g, _, value=known.factor * wrong: value}
            yield Mistake(cause, cost, text, changes, details=known.details, line=known.line)


def _weights(replay: Replay, shape: tuple[int, ...]) -> list[Any]:
    """Constants that may weigh samples or actions."""
    floats = [value for value in _constants(replay) if value.dtype.kind == "f" and value.shape == shape]
    return [value for value in floats if not np.all(value == value.flat[0])]


def _weighted(replay: Replay, g: Array, difference: Array, weights: list[Any]) -> tuple[float | None, Any]:
    """The number, and the constant weights of samples or rewards, that make the gradient of a difference."""
    for weight in weights:
        if (scale := multiple(g, replay.value(weight) * difference)) is not None:
            return scale, weight
    return None, None


def _slips(
    name: str, activation: Callable[[Array], Array], z: Array, target: Array, axis: int | None
) -> Iterator[tuple[str, str, float, Array]]:
    """What people have in the place of prediction minus target: the cause, words, how far-fetched it is, its value."""
    p = activation(z)
    slips = [
        ("the target is not subtracted in {g}", 0.9, p),
        ("only the target stands in {g}, without the prediction", 1.2, -target),
        ("the target is added in {g}, not subtracted", 1.2, p + target),
        *_of_other_samples(p, target),
    ]
    if np.all((target == 0) | (target == 1)):
        slips += [
            ("the answers 0 and 1 are swapped in {g}", 1.0, p - (1 - target)),
            ("the answers are -1 and 1 in {g}, not 0 and 1", 1.2, p - (2 * target - 1)),
            ("1 is subtracted everywhere in {g}, not only at the label", 1.0, p - 1),
        ]
    if axis is not None:
        slips += [("the labels in {g} are off by one", 1.0, p - np.roll(target, shift, axis)) for shift in (1, -1)]
        others = _reordered(target, 1 - axis) if target.ndim == 2 else ()
        slips += [(text, cost, p - other) for text, cost, other in others]
    if name != "linear":
        slips += _of_probabilities(name, activation, z, target, axis)
    for text, cost, wrong in slips:
        yield "target", text, cost, wrong
    if name == "softmax" and np.ndim(z) == 2:
        for other in (0, 1):
            yield "wrong-axis", "the softmax in {g} is over the wrong axis", 1.0, softmax(z, other) - target
        text = "in {g}, the exponentials are divided by the sum of all, not of their own sample"
        yield "wrong-axis", text, 1.0, softmax(z, None) - target


def _of_other_samples(p: Array, target: Array) -> Iterator[tuple[str, float, Array]]:
    """Targets of other samples, and the means that are left where all predictions meet all targets."""
    for along in range(target.ndim):
        if target.shape[along] < 2:
            continue
        words = f"along axis {along}" if target.ndim > 1 else "by one"
        for step in (1, -1):
            yield f"the targets in {{g}} are shifted {words}", 1.3, p - np.roll(target, step, along)
        yield "the targets in {g} are in the opposite order", 1.3, p - np.flip(target, along)
        text = f"the mean over axis {along}, as broadcasting (n, 1) against (n,) leaves it, stands in {{g}} for"
        yield f"{text} each target", 1.3, p - np.mean(target, axis=along, keepdims=True)
        yield f"{text} each prediction", 1.3, np.mean(p, axis=along, keepdims=True) - target


def _of_probabilities(
    name: str, activation: Callable[[Array], Array], z: Array, target: Array, axis: int | None
) -> Iterator[tuple[str, float, Array]]:
    """What stands in the place of the probabilities, or is done to them once more."""
    p = activation(z)
    yield "in {g}, {value} stands in the place of the probabilities", 1.0, z - target
    yield "in {g}, the logarithms of the probabilities stand in their place", 1.2, np.log(p) - target
    hard = p > 0.5 if name == "sigmoid" else p == np.max(p, axis=-1 if axis is None else axis, keepdims=True)
    yield "in {g}, the predicted class stands in the place of its probability", 1.2, hard - target
    if name == "softmax":
        if axis is not None and target.ndim == 2:
            text = "in {g}, 1 is subtracted in whole columns, in all samples, not at each sample's own label"
            yield text, 1.1, p - np.max(target, axis=1 - axis, keepdims=True)
        yield "in {g}, the sigmoid stands in the place of the softmax", 1.2, 1 / (1 + np.exp(-z)) - target
        yield "in {g}, the exponentials are not divided by their sum", 1.2, np.exp(z) - target
    text = "{g} is prediction minus target already, and the derivative p (1 - p) of the activation is in it once more"
    yield text, 1.2, (p - target) * p * (1 - p)
    yield "the probabilities go through the activation twice in {g}", 1.0, activation(p) - target


def _reordered(labels: Array, axis: int) -> Iterator[tuple[str, float, Array]]:
    """Labels of other samples."""
    yield "the labels in {g} are those of the next samples", 1.2, np.roll(labels, -1, axis)
    yield "the labels in {g} are those of the samples before", 1.2, np.roll(labels, 1, axis)
    yield "the labels in {g} are in the opposite order", 1.2, np.flip(labels, axis)


def derived_again(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """Prediction minus target, which is the gradient before an activation, taken for that after it."""
    g, after = replay.truth[chain.inner], replay.truth.get(chain.outer)
    if after is None or not differs(g, after) or np.ndim(g) == 0:
        return
    p, z = replay.value(chain.outer), replay.value(chain.inner)
    known = [activation(z) for name, activation in _predictions(np.ndim(z)) if name != "linear"]
    if not any(np.allclose(p, q, rtol=1e-6) for q in known):
        return
    if all(multiple(g, p - target) is None for target, *_ in _known_targets(replay, np.shape(z))):
        return
    text = (
        "{dvalue} is taken to be prediction minus target, but that is {dinner} already: "
        "the derivative of {value} is in it twice"
    )
    for where, value in ((chain.outer, g), (chain.inner, reverse_at(replay, chain, z)(g))):
        kind = ("derived again", where is chain.outer, len(chain.nodes))
        changes: Changes = {where: lambda g, _, value=value: value}
        yield Mistake("target", 1.1, text, changes, kind, where, chain.outer, {"inner": chain.inner})


# Labels in a rule


def labels(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A constant with the labels in a rule, as it is with other ones: off by one, of other samples, not smoothed."""
    node, args = link.node, replay.arguments(link.node)
    for j, arg in enumerate(node.args or ()):
        constant = np.asarray(arg.value) if type(arg) is Node and not arg.requires_grad else arg
        if _masks(replay, node, constant):
            others = [("wrong-operand", "the mask {value} is the other way round in {g}", 1.2, 1.0 - constant)]
        elif node.op.role == "index":
            others = [("target", *other) for other in _other_indices(constant, link.source.shape)]
        else:
            others = [("target", *other) for other in _other_labels(constant)]
        for cause, text, cost, other in others:
            changed = (*args[:j], other, *args[j + 1 :])
            changes: Changes = {link: lambda g, _, changed=changed: replay.pull(link, g, None, changed)}
            value = constant if isinstance(constant, np.ndarray) else node
            yield Mistake(cause, cost, text, changes, kind=("labels", text), value=value)


def _masks(replay: Replay, node: Node, constant: Any) -> bool:
    """Whether zeros and ones are a mask, as of dropout: layers follow, where after labels nothing but the loss does."""
    floats = isinstance(constant, np.ndarray) and constant.dtype.kind == "f"
    if not floats or not np.all((constant == 0) | (constant == 1)):
        return False
    return any(is_product(after) for after in replay.behind(node) if after is not node)


def _other_indices(index: Any, shape: tuple[int, ...]) -> Iterator[tuple[str, float, Any]]:
    """Other labels for an index of the probability of each sample's label."""
    if not isinstance(index, tuple) or len(index) != 2 or len(shape) != 2:
        return
    rows, chosen = index[0], np.asarray(index[1])
    if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or not chosen.size or isinstance(rows, slice):
        return
    for shift in (1, -1):
        yield "the labels in {g} are off by one", 1.0, (rows, (chosen + shift) % shape[1])
    for text, cost, other in _reordered(chosen, 0):
        yield text, cost, (rows, other)


def _other_labels(value: Any) -> Iterator[tuple[str, float, Any]]:
    """Other labels for an array of them: in words, how far-fetched they are, and themselves."""
    if not isinstance(value, np.ndarray) or value.ndim == 0 or value.dtype.kind != "f":
        return
    sign = -1.0 if np.all(value <= 0) else 1.0
    q = sign * value
    hard = bool(np.all((q == 0) | (q == 1)))
    of_classes = q.ndim == 2 and q.shape[1] > 1 and bool(np.all(q >= 0) and np.allclose(q.sum(axis=1), 1))
    if not of_classes and not (hard and np.any(q == 0) and np.any(q == 1)):
        return
    if of_classes:
        for shift in (1, -1):
            yield "the labels in {g} are off by one", 1.0, sign * np.roll(q, shift, axis=1)
        if not hard:
            yield "{value} is without its smoothing in {g}", 1.0, sign * (q == q.max(axis=1, keepdims=True))
    else:
        yield "the answers 0 and 1 are swapped in {g}", 1.0, sign * (1 - q)
    for text, cost, other in _reordered(q, 0) if len(q) > 1 else ():
        yield text, cost, sign * other


# What is known of predictions and targets


def _predictions(rank: int) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    yield "linear", lambda z: z
    yield "sigmoid", lambda z: 1 / (1 + np.exp(-z))
    for axis in (-1, 0) if rank > 1 else (-1,):
        yield "softmax", partial(softmax, axis=axis)


def _known_targets(replay: Replay, shape: tuple[int, ...]) -> Iterator[tuple[Array, int | None, Any, str]]:
    """What may be subtracted from a prediction: the array, the axis of its classes, what it was made of, and words."""
    yield from _read_by_index(replay, shape)
    for value in _constants(replay):
        if value.shape == shape and value.dtype.kind in "fiub":
            target = value.astype(np.float64)
            negative = bool(np.all(target <= 0) and np.any(target))  # of -y * np.log(p)
            target = -target if negative else target
            classes = None
            for axis in range(len(shape)):
                if shape[axis] > 1 and np.all(target.sum(axis=axis) == 1) and np.all((target == 0) | (target == 1)):
                    classes = axis
            yield target, classes, value, "+ {target}" if negative else "- {target}"
        elif value.dtype.kind in "iu" and value.ndim == 1 and len(shape) == 2:
            for axis in (1, 0):
                count = shape[axis]
                if value.size == shape[1 - axis] and value.size and value.min() >= 0 and value.max() < count:
                    hot = np.eye(count)[value]
                    yield (hot if axis == 1 else hot.T), axis, value, "- one_hot({target})"


def _read_by_index(replay: Replay, shape: tuple[int, ...]) -> Iterator[tuple[Array, int | None, Any, str]]:
    """The one-hot of a single number that is read by its index, as the probability of one label is."""
    for node in replay.nodes:
        args = node.args or ()
        if node.op is None or node.op.role != "index" or len(args) < 2 or node.ndim or not shape:
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
        if node.op is not None and node.op.role == "choice":  # its condition holds no labels
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


# The loss that was meant


def broadcast_targets(replay: Replay) -> Iterator[Mistake]:
    """Gradients of the loss with a constant of as many elements in the shape of what it is compared with."""
    for node in replay.nodes:
        for operand, arg in enumerate(node.args or ()):
            others = [link for link in replay.links(node) if link.operand != operand]
            constant = arg.value if type(arg) is Node and not arg.requires_grad else arg
            if not isinstance(constant, np.ndarray) or len(others) != 1 or len(node.args or ()) != 2:
                continue
            against = others[0].source
            shape = against.shape
            meant = constant.shape != shape and constant.size == against.size > 1
            if not meant or node.size != constant.size**2:
                continue
            try:
                changed = _contributions(replay, node, operand, np.reshape(replay.value(constant), shape))
            except (ValueError, TypeError, IndexError):
                continue
            yield Mistake(
                "target",
                1.1,
                f"the loss itself broadcasts {{right}} of shape {shape} against {{value}} of shape {constant.shape} to "
                f"{node.shape}; these are the gradients of the loss with {{value}} of shape {shape}",
                {link: lambda g, _, d=d: d for link, d in changed.items()},
                ("broadcast", node.order),
                against,
                arg,
                {"right": against},
                f"{{value}} = np.reshape({{value}}, {shape}), in the loss",
            )


def _contributions(replay: Replay, changed: Node, operand: int, other: Array) -> dict[Link, Array]:
    """What the operations from `changed` on contribute to what comes before them, with another constant in it."""
    values: dict[Node, Any] = {}
    arguments: dict[Node, list[Any]] = {}
    for node in replay.nodes:
        if node is not changed and not any(type(arg) is Node and arg in values for arg in node.args or ()):
            continue
        pairs = replay.paired(node)
        own = arguments[node] = [values.get(arg, value) if type(arg) is Node else value for arg, value in pairs]
        if node is changed:
            own[operand] = other
        values[node] = node.op.on_any_array(*own, **node.kwargs)
    before: dict[Link, Array] = {}

    def pull(link: Link, g: Array) -> Array:
        node, source = link.node, link.source
        shape = np.shape(values.get(source, replay.value(source)))
        d = contribution(link, g, values[node], arguments[node], node.kwargs, shape)
        if source not in values:
            before[link] = d
        return d

    replay.accumulate({replay.loss: np.ones_like(values[replay.loss])}, pull, list(values))
    return before
