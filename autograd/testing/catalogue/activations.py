"""Derivatives of activations: left out, taken at the wrong place, or those of another function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Changes
from autograd.testing.catalogue.chains import Chain, Formula, at_chain, reverse_at
from autograd.testing.catalogue.mistake import Mistake, differs, fits, left_out, near, softmax, unlike
from autograd.testing.replay import Replay

_STEADY = 1e-6  # of the largest slope: with smaller ones, dividing by them would have been noticed


def chain_mistakes(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The derivative of an activation, left out or taken at the wrong place."""
    truth, g = replay.truth[chain.inner], replay.truth[chain.outer]
    if unlike(truth, g):
        text = "the local derivative of {value} is left out: {g} is {dvalue} unchanged"
        yield _mistake(chain, "missing-derivative", 1.05, text, lambda g: g, ("missing derivative", chain.kind))
    sums = any(node.size < chain.inner.size for node in chain.nodes)  # of a normalisation
    text = "in {g}, the derivative of {value} is taken at {value} itself, not at {operand}"
    pull, kind = reverse_at(replay, chain, replay.value(chain.outer)), ("derivative at output", chain.kind)
    yield _mistake(chain, "derivative-at-output", 1.1 + 0.6 * sums, text, pull, kind)
    for other in replay.nodes:
        if other in (chain.inner, chain.outer, *chain.nodes) or other.shape != chain.inner.shape:
            continue
        if near(replay, replay.uses[chain.inner][0], other):
            text = "in {g}, the local derivative is taken at {value}, not at {operand}"
            pull, place = reverse_at(replay, chain, replay.value(other)), other.order - chain.inner.order
            yield _mistake(chain, "wrong-operand", 1.6, text, pull, ("wrong place", len(chain.nodes), place), other)
    yield from _by_the_output(replay, chain)
    yield from _of_the_softmax(replay, chain)
    yield from _other_slopes(replay, chain)


def _mistake(chain: Chain, cause: str, cost: float, text: str, pull: Formula, kind: Any, value: Any = None) -> Mistake:
    """A chain whose gradient is computed by `pull` from the one that arrives; longer ones are more far-fetched."""
    changes = at_chain(chain, pull)
    return Mistake(cause, cost + chain.length, text, changes, kind, value=chain.outer if value is None else value)


def branch_mistakes(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The derivative of one branch of several, left out or taken at the wrong place: an inner derivative."""
    first, *others = [link for link in replay.uses[chain.inner] if link.node in chain.nodes]
    inner, outer, arrives = replay.value(chain.inner), replay.value(chain.outer), replay.truth[chain.outer]
    right = reverse_at(replay, chain, inner)(arrives)
    slips: list[tuple[str, float, str, Formula]] = [
        ("missing-derivative", 1.35, "left out", lambda g: g),
        ("derivative-at-output", 1.5, "taken at {value} itself", reverse_at(replay, chain, outer)),
    ]
    known = _known(inner, outer)
    if known is not None:
        for cause, words, formula in known.slips:
            slips.append((cause, 1.5, words.replace("{outer}", "{value}"), partial(np.multiply, formula(outer))))
        for node in replay.nodes:
            if node is not chain.outer and node.shape == np.shape(outer) and near(replay, first, node):
                cause = "derivative-at-output" if node is chain.inner else "wrong-operand"
                slope = partial(np.multiply, known.slope(replay.value(node)))
                slips.append((cause, 1.7, "taken with another value in its place", slope))
    for cause, cost, words, pull in slips:
        if not differs(pull(arrives), right):
            continue
        text = f"in what comes to {{g}} by way of {{value}}, the derivative of {{value}} is {words}"
        change: Changes = {first: lambda _, gradients, pull=pull: pull(gradients[chain.outer])}
        kind = ("branch", cause, text, chain.kind)
        yield Mistake(cause, cost + chain.length, text, {**change, **left_out(replay, others)}, kind, value=chain.outer)


# Known by the output, as a * (1 - a)


@dataclass(frozen=True)
class _Slope:
    """The derivative of an activation by its output, as it is right, and as people write it, with the cause."""

    slope: Formula
    right: str
    slips: tuple[tuple[str, str, Formula], ...]


_SIGMOID = _Slope(
    lambda a: a * (1 - a),
    "{outer} * (1 - {outer})",
    (
        ("missing-derivative", "{outer}", lambda a: a),
        ("missing-derivative", "1 - {outer}", lambda a: 1 - a),
        ("derivative-at-output", "1 - {outer}**2, that of tanh", lambda a: 1 - a * a),
        ("derivative-at-output", "{outer} * (1 + {outer})", lambda a: a * (1 + a)),
    ),
)
_TANH = _Slope(
    lambda a: 1 - a * a,
    "1 - {outer}**2",
    (
        ("derivative-at-output", "1 - {outer}", lambda a: 1 - a),
        ("derivative-at-output", "{outer}**2", lambda a: a * a),
        ("derivative-at-output", "1 + {outer}**2", lambda a: 1 + a * a),
        ("derivative-at-output", "1 - 2 * {outer}", lambda a: 1 - 2 * a),
        ("derivative-at-output", "1 - abs({outer})", lambda a: 1 - np.abs(a)),
        ("derivative-at-output", "(1 - {outer})**2", lambda a: (1 - a) ** 2),
        ("derivative-at-output", "-{outer}**2", lambda a: -a * a),
        ("derivative-at-output", "{outer} * (1 - {outer}), that of the sigmoid", lambda a: a * (1 - a)),
    ),
)


def _known(inner: Array, outer: Array) -> _Slope | None:
    """The derivative of a sigmoid or a tanh, whatever it is composed of."""
    with np.errstate(all="ignore"):
        if np.allclose(outer, 1 / (1 + np.exp(-inner)), rtol=1e-6):
            return _SIGMOID
        return _TANH if np.allclose(outer, np.tanh(inner), rtol=1e-6) else None


def _by_the_output(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The derivative as a formula of the output, such as a (1 - a): with a part missing, or another value in it."""
    inner, outer = replay.value(chain.inner), replay.value(chain.outer)
    known = _known(inner, outer)
    if known is None:
        return
    right = f"({known.right})" if known.right.startswith("1 -") else known.right

    def mistake(cause: str, cost: float, text: str, slope: Any, kind: Any, value: Any = chain.outer) -> Mistake:
        """One with a slope that is an array, or a function of the gradient that arrives."""
        pull = lambda g: g * (slope(g) if callable(slope) else slope)
        line, changes = f"{{g}} = {{douter}} * {right}", at_chain(chain, pull)
        return Mistake(cause, cost, text, changes, kind, value=value, details={"outer": chain.outer}, line=line)

    for k, (cause, words, formula) in enumerate(known.slips):
        text = f"in {{g}}, the local derivative of {{outer}} is {words}, not {known.right}"
        yield mistake(cause, 1.15, text, formula(outer), ("part of a derivative", k))
    text = f"in {{g}}, the local derivative is {known.right.replace('{outer}', '{douter}')}, "
    text += "with {douter} in the place of {outer}"
    yield mistake("derivative-at-output", 1.3, text, known.slope, ("formula", "of the gradient"))
    for words, mixed in (
        ("{outer} * (1 - {operand})", outer * (1 - inner)),
        ("{operand} * (1 - {outer})", inner * (1 - outer)),
    ):
        text = f"in {{g}}, the local derivative of {{outer}} is {words}, not {known.right}"
        if known is _SIGMOID:
            yield mistake("derivative-at-output", 1.3, text, mixed, ("mixed derivative", words))
    for node, value in replay.forward_values:
        if value is outer or not fits(value, outer) or not near(replay, replay.uses[chain.inner][0], node):
            continue
        own = node is chain.inner
        cause, cost = ("derivative-at-output", 1.1) if own else ("wrong-operand", 1.6)
        text = f"in {{g}}, the local derivative is {known.right.replace('{outer}', '{value}')}, "
        text += "with {value} in the place of {outer}"
        kind = ("formula", node.order - chain.inner.order if type(node) is Node else "constant")
        yield mistake(cause, cost, text, known.slope(np.broadcast_to(value, np.shape(outer))), kind, node)


# Another function's


def _other_slopes(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The value itself, or the derivative of another activation, for the derivative of one that works by elements."""
    z, a, g = replay.value(chain.inner), replay.value(chain.outer), replay.truth[chain.outer]
    pull = reverse_at(replay, chain, z)
    slope = pull(np.ones_like(g))
    if np.all(slope == slope.flat[0]) or not np.allclose(pull(g), g * slope, rtol=1e-9, atol=0):
        return
    for cause, words, cost, formula in _slopes(z, a, slope):
        if unlike(formula(np.ones_like(g)), slope):
            text = f"in {{g}}, the local derivative of {{value}} is {words}"
            yield _mistake(chain, cause, cost, text, formula, ("slope", words, chain.kind))


def _slopes(z: Array, a: Array, slope: Array) -> Iterator[tuple[str, str, float, Formula]]:
    """Cause, words, cost, and what becomes of the gradient that arrives, for a = f(z) with f'(z) = slope."""
    cause = "derivative-at-output"
    with np.errstate(all="ignore"):
        sigmoid, tanh = 1 / (1 + np.exp(-z)), np.tanh(z)
        factors = [
            ("{value} itself", 1.7, a),
            ("{operand} itself", 1.8, z),
            ("{operand} > 0, that of a ReLU", 1.7, (z > 0) * 1.0),
            ("that of the sigmoid at {operand}", 1.7, sigmoid * (1 - sigmoid)),
            ("the sigmoid of {operand}, which is that of softplus", 1.8, sigmoid),
            ("that of tanh at {operand}", 1.7, 1 - tanh * tanh),
            ("{value} * (1 - {value}), that of the sigmoid", 1.7, a * (1 - a)),
            ("1 - {value}**2, that of tanh", 1.7, 1 - a * a),
        ]
        if np.all(np.abs(slope) > _STEADY * np.max(np.abs(slope))):
            factors.append(("one over what it should be", 1.9, 1 / slope))
    for words, cost, factor in factors:
        yield cause, words, cost, partial(np.multiply, factor)
    low, high = np.min(slope), np.max(slope)
    if not np.all((slope == low) | (slope == high)):  # else 0.01 is rather the slope of another leaky ReLU than 0.1**2
        yield cause, "there twice", 1.8, lambda g: g * slope * slope
    else:
        yield cause, "the other way round", 1.7, lambda g: g * (low + high - slope)
        words = "chosen by the sign of {dvalue}, not of {operand}"
        yield cause, words, 1.7, lambda g: g * np.where(g > 0, high, low)


def _of_the_softmax(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """What people have in the place of the Jacobian of a softmax: no sum, its diagonal alone, another sum."""
    inner, a = replay.value(chain.inner), replay.value(chain.outer)
    for axis in range(-1, np.ndim(a) - 1):
        if np.shape(a)[axis] < 2 or not np.allclose(a, softmax(inner, axis), rtol=1e-6):
            continue
        line = f"{{g}} = {{value}} * ({{dvalue}} - np.sum({{dvalue}} * {{value}}, axis={axis}, keepdims=True))"
        for cause, cost, text, pull in _softmax_slips(a, axis):
            changes = at_chain(chain, pull)
            yield Mistake(cause, cost, text, changes, ("softmax", text), value=chain.outer, line=line)


def _softmax_slips(a: Array, axis: int) -> Iterator[tuple[str, float, str, Formula]]:
    """Cause, cost, words, and what is computed."""
    text = "the sum in the Jacobian of the softmax is left out of {g}: it is {dvalue} * {value}"
    yield "missing-term", 1.05, text, lambda g: g * a
    text = "in {g}, only the diagonal of the Jacobian of the softmax is taken, {value} * (1 - {value})"
    yield "missing-term", 1.15, text, lambda g: g * a * (1 - a)
    text = "in {g}, the sum in the Jacobian of the softmax is of {dvalue}, not of {dvalue} * {value}"
    yield "missing-derivative", 1.2, text, lambda g: a * (g - np.sum(g, axis=axis, keepdims=True))
    for other in range(np.ndim(a)):
        own = axis % np.ndim(a)
        if other != own and np.shape(a)[other] > 1:
            text = f"the sum in the Jacobian of the softmax in {{g}} is over axis {other}, not over axis {own}"
            yield "wrong-axis", 1.1, text, lambda g, other=other: a * (g - np.sum(g * a, axis=other, keepdims=True))
