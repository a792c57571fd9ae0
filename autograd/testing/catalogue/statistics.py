"""What is divided by its norm, or by its mean and deviation: the sums in the derivative, left out or elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array
from autograd.testing.catalogue.activations import Chain
from autograd.testing.catalogue.mistake import Mistake, differs
from autograd.testing.replay import Replay

Sum = Callable[[Array, tuple[int, ...]], Array]


def statistics(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """Slips with the sums that a closed piece of the graph has inside, as a normalisation has."""
    shape = np.shape(chain.inner.value)
    inside = [node for node in chain.nodes if np.size(node.value) < np.size(chain.inner.value)]
    if not inside or len(shape) < 2:
        return
    truth, g = replay.truth[chain.inner], replay.truth[chain.outer]
    for cause, cost, told, summed in _slips(len(shape)):
        reverse = _reversed(replay, chain, summed)
        found = _tried(reverse, g)
        if found is None or np.shape(found) != shape or not differs(found, truth):
            continue
        yield Mistake(
            cause,
            {chain.inner: lambda g, gradients, reverse=reverse: reverse(gradients[chain.outer])},
            cost + 0.01 * len(chain.nodes),
            told,
            ("statistics", told, chain.kind),
            chain.inner,
            chain.outer,
        )


def other_statistics(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The closed form of a normalisation's derivative, with its means over another axis."""
    z, y, g = replay.value(chain.inner), replay.value(chain.outer), replay.truth[chain.outer]
    truth = replay.truth[chain.inner]
    for axis in range(np.ndim(z)) if np.ndim(z) > 1 else ():
        for centred in (True, False):
            inv = _norm(z, y, axis, centred)
            near = 1e-3 * _top(truth)
            if inv is None or not np.allclose(_closed(g, y, inv, axis, centred), truth, rtol=1e-3, atol=near):
                continue
            for other in range(np.ndim(z)):
                if other == axis:
                    continue
                told = f"in {{g}}, the means in the derivative of {{value}} are over axis {other}, not over axis {axis}"
                yield Mistake(
                    "wrong-axis",
                    {
                        chain.inner: lambda _, gradients, inv=inv, other=other, centred=centred: _closed(
                            gradients[chain.outer], y, inv, other, centred
                        )
                    },
                    1.3,
                    told,
                    ("statistics", told, chain.kind),
                    chain.inner,
                    chain.outer,
                )


def _norm(z: Array, y: Array, axis: int, centred: bool) -> Array | None:
    """What a normalisation multiplies by, if it is one along this axis."""
    c = z - np.mean(z, axis=axis, keepdims=True) if centred else z
    with np.errstate(all="ignore"):
        inv = np.sum(y * c, axis=axis, keepdims=True) / np.sum(c * c, axis=axis, keepdims=True)
        return inv if np.allclose(y, c * inv, rtol=1e-5, atol=1e-6 * _top(y)) else None


def _top(value: Array) -> float:
    return float(np.max(np.abs(value), initial=0.0))


def _closed(g: Array, y: Array, inv: Array, axis: int, centred: bool) -> Array:
    mean = np.mean(g, axis=axis, keepdims=True) if centred else 0.0
    found: Array = inv * (g - mean - y * np.mean(g * y, axis=axis, keepdims=True))
    return found


def _slips(rank: int) -> Iterator[tuple[str, float, str, Sum]]:
    """Cause, cost, words, and what becomes of a contribution on its way to a value of fewer elements."""
    yield (
        "missing-term", 1.2, "in {g}, what {value} is normalised by counts as constant: its sums are left out",
        lambda d, shape: np.zeros(shape),
    )  # fmt: skip
    told = "in {g}, the sum in the derivative of {value} is left out: broadcasting hides it"
    yield "unsummed-axis", 1.3, told, lambda d, shape: d
    told = "in {g}, a mean is taken for the sum in the derivative of {value}"
    yield "wrong-axis", 1.3, told, lambda d, shape: _sum(d, shape) * (math.prod(shape) / np.size(d))
    for axis in range(rank):
        told = f"in {{g}}, the sums in the derivative of {{value}} are over axis {axis}"
        yield "wrong-axis", 1.35, told, partial(_along, axis, False)
        told = f"in {{g}}, the means in the derivative of {{value}} are over axis {axis}"
        yield "wrong-axis", 1.35, told, partial(_along, axis, True)


def _along(axis: int, mean: bool, d: Array, shape: tuple[int, ...]) -> Array:
    """The sum over an axis, or as many times the mean as the right sum has terms."""
    if mean:
        return np.mean(d, axis=axis, keepdims=True) * (np.size(d) / max(math.prod(shape), 1))
    return np.sum(d, axis=axis, keepdims=True)


def _sum(d: Array, shape: tuple[int, ...]) -> Array:
    """The sum over the axes that a value of this shape does not have."""
    d = np.sum(d, axis=tuple(range(np.ndim(d) - len(shape))))
    return np.sum(d, axis=tuple(k for k, n in enumerate(shape) if n == 1 != np.shape(d)[k]), keepdims=True)


def _reversed(replay: Replay, chain: Chain, summed: Sum) -> Callable[[Array], Array]:
    """The reverse pass through a chain, with its sums made otherwise."""

    def pull(g: Array) -> Array:
        gradients: dict[Node, Any] = {chain.outer: g}
        for node in reversed(chain.nodes):
            for link in replay.links(node) if node in gradients else ():
                args = replay.arguments(node)
                d = link.rule(gradients[node], replay.value(node), *args, **node.kwargs)
                shape = np.shape(link.source.value)
                if np.shape(d) != shape and np.size(d) > np.prod(shape):
                    d = summed(d, shape) if link.source in chain.nodes else _sum(d, shape)
                gradients[link.source] = gradients[link.source] + d if link.source in gradients else d
        return gradients[chain.inner]

    return pull


def _tried(reverse: Callable[[Array], Array], g: Array) -> Array | None:
    with np.errstate(all="ignore"):
        try:
            return reverse(g)
        except (ValueError, IndexError, TypeError, KeyError):
            return None
