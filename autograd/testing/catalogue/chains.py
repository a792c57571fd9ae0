"""Closed pieces of the graph: activations composed of several operations, and what is divided by its own sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Changes, Link
from autograd.testing.catalogue.mistake import Mistake, is_product
from autograd.testing.replay import Replay

_BRANCHES = 4  # uses of a value; what is used more often is no activation's input
_CHAIN = 12  # operations that an activation may be composed of
Formula = Callable[..., Array]  # of a gradient


@dataclass(frozen=True)
class Chain:
    """Operations that lead from one value to another of its shape, and to nothing else: a composed activation."""

    inner: Node
    outer: Node
    nodes: tuple[Node, ...]

    @property
    def kind(self) -> tuple[str, ...]:
        """Equal for the same composition elsewhere."""
        return tuple(node.op.name for node in self.nodes)

    @property
    def length(self) -> float:
        """What its length adds to the cost of a mistake."""
        return 0.02 * len(self.nodes)


def chains(replay: Replay) -> Iterator[Chain]:
    """Composed activations: closed pieces of the graph between two values of one shape."""
    for inner in replay.nodes:
        yield from chains_from(replay, inner)


def chains_from(replay: Replay, inner: Node) -> Iterator[Chain]:
    """Those that begin with one value, and contain all its uses."""
    users = [link.node for link in replay.uses[inner]]
    for chain in grown(replay, inner, users):
        if all(user in chain.nodes for user in users):
            yield chain


def branches_of(replay: Replay) -> Iterator[Chain]:
    """The same of values that are used beside it as well, as z is in z * sigmoid(z)."""
    for inner in replay.nodes:
        users = list(dict.fromkeys(link.node for link in replay.uses[inner]))
        for first in users if 1 < len(users) <= _BRANCHES else ():
            for chain in grown(replay, inner, [first]):
                if len(chain.nodes) > 1 and any(user not in chain.nodes for user in users):
                    yield chain


def grown(replay: Replay, inner: Node, frontier: list[Node]) -> Iterator[Chain]:
    """The closed pieces between a value and later ones of its shape that begin with these operations."""
    shape = inner.shape
    within = {inner}
    members: list[Node] = []
    while shape and frontier and len(members) < _CHAIN:
        node = min(frontier, key=lambda candidate: candidate.order)
        frontier = [candidate for candidate in frontier if candidate is not node]
        if is_product(node):
            return
        within.add(node)
        members.append(node)
        frontier += [link.node for link in replay.uses[node] if link.node not in within]
        closed = all(link.node in within for each in members if each is not node for link in replay.uses[each])
        if closed and node.shape == shape and not _depends_elsewhere(members, within):
            yield Chain(inner, node, tuple(members))


def _depends_elsewhere(members: list[Node], within: set[Node]) -> bool:
    return any(
        type(arg) is Node and arg.requires_grad and arg not in within for node in members for arg in node.args or ()
    )


def reverse_at(replay: Replay, chain: Chain, at: Array) -> Formula:
    """The reverse pass through a chain, with another value going in."""

    @cache
    def forward() -> tuple[dict[Node, Any], dict[Node, tuple[Any, ...]]]:
        values, arguments = {chain.inner: at}, {}
        for node in chain.nodes:
            pairs = replay.paired(node)
            arguments[node] = tuple(values.get(arg, value) if type(arg) is Node else value for arg, value in pairs)
            values[node] = node.op.on_any_array(*arguments[node], **node.kwargs)
        return values, arguments

    def pull(g: Array) -> Array:
        values, arguments = forward()
        through = lambda link, d: replay.pull(link, d, values[link.node], arguments[link.node])
        return replay.accumulate({chain.outer: g}, through, chain.nodes)[chain.inner]

    return pull


def at_chain(chain: Chain, pull: Formula) -> Changes:
    """The change that computes the gradient of what goes into a chain from that of what comes out."""
    return {chain.inner: lambda _, gradients: pull(gradients[chain.outer])}


# Normalisations: what is divided by its norm, or by its mean and deviation

Sum = Callable[[Array, tuple[int, ...]], Array]


def statistics(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """Slips with the sums that a closed piece of the graph has inside, as a normalisation has."""
    shape = chain.inner.shape
    if len(shape) < 2 or all(node.size >= chain.inner.size for node in chain.nodes):
        return
    for cause, cost, text, summed in _sums(len(shape)):
        changes = at_chain(chain, _with_sums(replay, chain, summed))
        yield Mistake(
            cause, cost + chain.length / 2, text, changes, ("statistics", text, chain.kind), value=chain.outer
        )


def _sums(rank: int) -> Iterator[tuple[str, float, str, Sum]]:
    """Cause, cost, words, and what becomes of a contribution on its way to a value of fewer elements."""
    text = "in {g}, what {value} is normalised by counts as constant: its sums are left out"
    yield "missing-term", 1.2, text, lambda d, shape: np.zeros(shape)
    text = "in {g}, the sum in the derivative of {value} is left out: broadcasting hides it"
    yield "unsummed-axis", 1.3, text, lambda d, shape: d
    text = "in {g}, a mean is taken for the sum in the derivative of {value}"
    yield "wrong-axis", 1.3, text, lambda d, shape: _summed(d, shape) * (math.prod(shape) / np.size(d))
    for axis in range(rank):
        for name, mean in (("sums", False), ("means", True)):
            text = f"in {{g}}, the {name} in the derivative of {{value}} are over axis {axis}"
            yield "wrong-axis", 1.35, text, partial(_along, axis, mean)


def _along(axis: int, mean: bool, d: Array, shape: tuple[int, ...]) -> Array:
    """The sum over an axis, or as many times the mean as the right sum has terms."""
    if mean:
        return np.mean(d, axis=axis, keepdims=True) * (np.size(d) / max(math.prod(shape), 1))
    return np.sum(d, axis=axis, keepdims=True)


def _summed(d: Array, shape: tuple[int, ...]) -> Array:
    """The sum over the axes that a value of this shape does not have."""
    d = np.sum(d, axis=tuple(range(np.ndim(d) - len(shape))))
    return np.sum(d, axis=tuple(k for k, n in enumerate(shape) if n == 1 != np.shape(d)[k]), keepdims=True)


def _with_sums(replay: Replay, chain: Chain, summed: Sum) -> Formula:
    """The reverse pass through a chain, with its sums made otherwise."""

    def through(link: Link, g: Array) -> Array:
        node, shape = link.node, link.source.shape
        d = link.rule(g, replay.value(node), *replay.arguments(node), **node.kwargs)
        if np.shape(d) != shape and np.size(d) > np.prod(shape):
            d = summed(d, shape) if link.source in chain.nodes else _summed(d, shape)
        return d

    return lambda g: replay.accumulate({chain.outer: g}, through, chain.nodes)[chain.inner]


def other_statistics(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The closed form of a normalisation's derivative, with its means over another axis."""
    z, y, g = replay.value(chain.inner), replay.value(chain.outer), replay.truth[chain.outer]
    truth = replay.truth[chain.inner]
    for axis in range(np.ndim(z)) if np.ndim(z) > 1 else ():
        for centred in (True, False):
            inv = norm_along(z, y, axis, centred)
            near = 1e-3 * _top(truth)
            if inv is None or not np.allclose(_closed(y, inv, axis, centred, g), truth, rtol=1e-3, atol=near):
                continue
            for other in range(np.ndim(z)):
                text = f"in {{g}}, the means in the derivative of {{value}} are over axis {other}, not over axis {axis}"
                changes = at_chain(chain, partial(_closed, y, inv, other, centred))
                if other != axis:
                    kind = ("statistics", text, chain.kind)
                    yield Mistake("wrong-axis", 1.3, text, changes, kind, value=chain.outer)


def norm_along(z: Array, y: Array, axis: int, centred: bool) -> Array | None:
    """What a normalisation multiplies by, if it is one along this axis."""
    c = z - np.mean(z, axis=axis, keepdims=True) if centred else z
    with np.errstate(all="ignore"):
        inv = np.sum(y * c, axis=axis, keepdims=True) / np.sum(c * c, axis=axis, keepdims=True)
        if not np.allclose(y, c * inv, rtol=1e-5, atol=1e-6 * _top(y)):
            return None
        added = inv**-2 - np.mean(c * c, axis=axis, keepdims=True)  # to the variance: the same everywhere, if it is one
        return inv if np.ptp(added) <= 1e-4 * _top(inv**-2) else None


def _top(value: Array) -> float:
    return float(np.max(np.abs(value), initial=0.0))


def _closed(y: Array, inv: Array, axis: int, centred: bool, g: Array) -> Array:
    mean = np.mean(g, axis=axis, keepdims=True) if centred else 0.0
    gradient: Array = inv * (g - mean - y * np.mean(g * y, axis=axis, keepdims=True))
    return gradient
