"""Activations composed of several operations, such as 1 / (1 + np.exp(-z)), and mistakes in their derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Link, value_function
from autograd.testing.catalogue.mistake import Mistake, differs, fits, near, softmax, unlike
from autograd.testing.catalogue.slopes import slopes
from autograd.testing.replay import Replay

_BRANCHES = 4  # uses of a value; what is used more often is no activation's input
_CHAIN = 12  # operations that an activation may be composed of
Formula = Callable[[Array], Array]


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


def chains(replay: Replay) -> Iterator[Chain]:
    """Composed activations: closed pieces of the graph between two values of one shape."""
    for inner in replay.nodes:
        yield from chains_from(replay, inner)


def chains_from(replay: Replay, inner: Node) -> Iterator[Chain]:
    """Those that begin with one value, and contain all its uses."""
    users = [link.node for link in replay.uses[inner]]
    for chain in _grown(replay, inner, users):
        if all(user in chain.nodes for user in users):
            yield chain


def branches_of(replay: Replay) -> Iterator[Chain]:
    """The same of values that are used beside it as well, as z is in z * sigmoid(z)."""
    for inner in replay.nodes:
        users = list(dict.fromkeys(link.node for link in replay.uses[inner]))
        for first in users if 1 < len(users) <= _BRANCHES else ():
            for chain in _grown(replay, inner, [first]):
                if len(chain.nodes) > 1 and any(user not in chain.nodes for user in users):
                    yield chain


def _grown(replay: Replay, inner: Node, frontier: list[Node]) -> Iterator[Chain]:
    """The closed pieces between a value and later ones of its shape that begin with these operations."""
    shape = np.shape(inner.value)
    within = {inner}
    members: list[Node] = []
    while shape and frontier and len(members) < _CHAIN:
        node = min(frontier, key=lambda candidate: candidate.order)
        frontier = [candidate for candidate in frontier if candidate is not node]
        if node.op.role == "product":
            return
        within.add(node)
        members.append(node)
        frontier += [link.node for link in replay.uses[node] if link.node not in within]
        closed = all(link.node in within for each in members if each is not node for link in replay.uses[each])
        if closed and np.shape(node.value) == shape and not _depends_elsewhere(members, within):
            yield Chain(inner, node, tuple(members))


def _depends_elsewhere(members: list[Node], within: set[Node]) -> bool:
    return any(
        type(arg) is Node and arg.requires_grad and arg not in within for node in members for arg in node.args or ()
    )


def branch_mistakes(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The derivative of one branch of several, left out or taken at the wrong place: an inner derivative."""
    entries = [link for link in replay.uses[chain.inner] if link.node in chain.nodes]
    g = replay.truth[chain.outer]
    here, at_output = (
        local_reverse(replay, chain, replay.value(chain.inner)),
        local_reverse(replay, chain, replay.value(chain.outer)),
    )
    told = "in what comes to {g} by way of {value}, the derivative of {value} is"
    slips: tuple[tuple[str, str, float, Formula | None], ...] = (
        ("missing-derivative", f"{told} left out", 1.35, lambda g: g),
        ("derivative-at-output", f"{told} taken at {{value}} itself", 1.5, at_output),
        *_branch_formulas(replay, chain, told),
    )
    for cause, words, cost, pull in slips:
        if here is None or pull is None or not differs(pull(g), here(g)):
            continue
        first, *others = entries
        changes: dict[Link | Node, Any] = {first: lambda _, gradients, pull=pull: pull(gradients[chain.outer])}
        for link in others:
            changes[link] = lambda g, _, link=link: np.zeros_like(replay.contribution(link))
        yield Mistake(
            cause,
            changes,
            cost + 0.02 * len(chain.nodes),
            words,
            ("branch", cause, words, chain.kind),
            chain.inner,
            chain.outer,
        )


def _branch_formulas(replay: Replay, chain: Chain, told: str) -> Iterator[tuple[str, str, float, Formula]]:
    """The derivative of a known activation by its output, as people write it wrongly, or of another value."""
    outer = replay.value(chain.outer)
    known = _slope_from_output(replay.value(chain.inner), outer)
    if known is None:
        return
    for formula, words, cause in known.slips:
        factor = formula(outer)
        yield cause, f"{told} {words.replace('{outer}', '{value}')}", 1.5, partial(np.multiply, factor)
    for node in replay.nodes:
        value = replay.value(node)
        if node is not chain.outer and np.shape(value) == np.shape(outer) and near(replay, replay.uses[node][0], node):
            cause = "derivative-at-output" if node is chain.inner else "wrong-operand"
            slope = known.slope(value)
            yield cause, f"{told} taken with another value in its place", 1.7, partial(np.multiply, slope)


def chain_mistakes(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The derivative of a composed activation, left out or taken at the wrong place."""
    truth = replay.truth[chain.inner]
    g = replay.truth[chain.outer]
    if differs(g, truth) and unlike(truth, g):
        told = "the local derivative of {value} is left out: {g} is {dvalue} unchanged"
        yield _mistake(chain, "missing-derivative", lambda g: g, 1.05, told, ("missing derivative", chain.kind))
    at_output = local_reverse(replay, chain, replay.value(chain.outer))
    if at_output is not None and differs(at_output(g), truth):
        told = "in {g}, the derivative of {value} is taken at {value} itself, not at {right}"
        sums = any(np.size(node.value) < np.size(chain.inner.value) for node in chain.nodes)  # of a normalisation
        cost = 1.1 + 0.6 * sums
        yield _mistake(chain, "derivative-at-output", at_output, cost, told, ("derivative at output", chain.kind))
    for other in _twins(replay, chain):
        pull = local_reverse(replay, chain, replay.value(other))
        if pull is not None and differs(pull(g), truth):
            told = "in {g}, the local derivative is taken at {value}, not at {right}"
            kind = ("wrong place", len(chain.nodes), other.order - chain.inner.order)
            yield _mistake(chain, "wrong-operand", pull, 1.6, told, kind, other)
    yield from _by_the_output(replay, chain)
    yield from _of_the_softmax(replay, chain)
    yield from _other_slopes(replay, chain)


def _mistake(chain: Chain, cause: str, pull: Formula, cost: float, told: str, kind: Any, value: Any = None) -> Mistake:
    """A chain whose gradient is computed by `pull` from the one that arrives; longer ones are more far-fetched."""
    return Mistake(
        cause,
        {chain.inner: lambda g, gradients: pull(gradients[chain.outer])},
        cost + 0.02 * len(chain.nodes),
        told,
        kind,
        chain.inner,
        chain.outer if value is None else value,
        details={"right": chain.inner},
    )


def _by_the_output(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The derivative as a formula of the output, such as a (1 - a): with a part missing, or another value in it."""
    outer, truth = replay.value(chain.outer), replay.truth
    known = _slope_from_output(replay.value(chain.inner), outer)
    if known is None:
        return
    line = f"{{g}} = {{douter}} * {_factor(known.right)}"
    for number, (formula, words, cause) in enumerate(known.slips):
        yield Mistake(
            cause,
            {chain.inner: lambda g, gradients, formula=formula: gradients[chain.outer] * formula(outer)},
            1.15,
            f"in {{g}}, the local derivative of {{outer}} is {words}, not {known.right}",
            ("part of a derivative", number),
            chain.inner,
            chain.outer,
            details={"outer": chain.outer},
            line=line,
        )
    yield Mistake(
        "derivative-at-output",
        {chain.inner: lambda g, gradients: gradients[chain.outer] * known.slope(gradients[chain.outer])},
        1.3,
        f"in {{g}}, the local derivative is {known.right.replace('{outer}', '{douter}')}, "
        "with {douter} in the place of {outer}",
        ("formula", "of the gradient"),
        chain.inner,
        chain.outer,
        details={"outer": chain.outer},
        line=line,
    )
    if known is _SIGMOID:
        inner = replay.value(chain.inner)
        for mixed, words in (
            (outer * (1 - inner), "{outer} * (1 - {right})"),
            (inner * (1 - outer), "{right} * (1 - {outer})"),
        ):
            yield Mistake(
                "derivative-at-output",
                {chain.inner: lambda g, gradients, mixed=mixed: gradients[chain.outer] * mixed},
                1.3,
                f"in {{g}}, the local derivative of {{outer}} is {words}, not {known.right}",
                ("mixed derivative", words),
                chain.inner,
                chain.outer,
                details={"outer": chain.outer, "right": chain.inner},
                line=line,
            )
    for node, value in replay.forward_values:
        if value is outer or not fits(value, outer) or not near(replay, replay.uses[chain.inner][0], node):
            continue
        slope = known.slope(np.broadcast_to(value, np.shape(outer)))
        if differs(truth[chain.outer] * slope, truth[chain.inner]):
            yield _formula_of(chain, node, slope, known, line)


def _other_slopes(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """The value itself, or the derivative of another activation, for the derivative of one that works by elements."""
    z, a, g, truth = (
        replay.value(chain.inner),
        replay.value(chain.outer),
        replay.truth[chain.outer],
        replay.truth[chain.inner],
    )
    pull = local_reverse(replay, chain, z)
    if pull is None:
        return
    slope = pull(np.ones_like(g))
    if np.all(slope == slope.flat[0]) or not np.allclose(pull(g), g * slope, rtol=1e-9, atol=0):
        return
    for cause, words, cost, formula in slopes(z, a, slope):
        if unlike(formula(np.ones_like(g)), slope) and differs(formula(g), truth):
            told = f"in {{g}}, the local derivative of {{value}} is {words}"
            yield _mistake(chain, cause, formula, cost, told, ("slope", words, chain.kind))


def _of_the_softmax(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    """What people have in the place of the Jacobian of a softmax: no sum, its diagonal alone, another sum."""
    inner, a = replay.value(chain.inner), replay.value(chain.outer)
    for axis in range(-1, np.ndim(a) - 1):
        if np.shape(a)[axis] < 2 or not np.allclose(a, softmax(inner, axis), rtol=1e-6):
            continue
        for cause, cost, formula, told in _softmax_slips(a, axis):
            if not differs(formula(replay.truth[chain.outer]), replay.truth[chain.inner]):
                continue
            yield Mistake(
                cause,
                {chain.inner: lambda g, gradients, formula=formula: formula(gradients[chain.outer])},
                cost,
                told,
                ("softmax", told),
                chain.inner,
                chain.outer,
                line=f"{{g}} = {{value}} * ({{dvalue}} - np.sum({{dvalue}} * {{value}}, axis={axis}, keepdims=True))",
            )


def _softmax_slips(a: Array, axis: int) -> Iterator[tuple[str, float, Formula, str]]:
    """Cause, cost, what is computed, and how it is told."""
    yield (
        "missing-term", 1.05, lambda g: g * a,
        "the sum in the Jacobian of the softmax is left out of {g}: it is {dvalue} * {value}",
    )  # fmt: skip
    yield (
        "missing-term", 1.15, lambda g: g * a * (1 - a),
        "in {g}, only the diagonal of the Jacobian of the softmax is taken, {value} * (1 - {value})",
    )  # fmt: skip
    yield (
        "missing-derivative", 1.2, lambda g: a * (g - np.sum(g, axis=axis, keepdims=True)),
        "in {g}, the sum in the Jacobian of the softmax is of {dvalue}, not of {dvalue} * {value}",
    )  # fmt: skip
    for other in range(-1, np.ndim(a) - 1):
        if other % np.ndim(a) != axis % np.ndim(a):
            told = "the sum in the Jacobian of the softmax in {g} is over axis"
            words = f"{told} {other % np.ndim(a)}, not over axis {axis % np.ndim(a)}"
            yield "wrong-axis", 1.1, _softmax_reverse(a, other), words


def _softmax_reverse(a: Array, axis: int) -> Formula:
    return lambda g: a * (g - np.sum(g * a, axis=axis, keepdims=True))


def _factor(formula: str) -> str:
    return f"({formula})" if formula.startswith("1 -") else formula


def _twins(replay: Replay, chain: Chain) -> Iterator[Node]:
    """Other values of the shape of what goes into an activation."""
    shape = np.shape(chain.inner.value)
    for node in replay.nodes:
        if node in (chain.inner, chain.outer, *chain.nodes) or np.shape(node.value) != shape:
            continue
        if near(replay, replay.uses[chain.inner][0], node):
            yield node


@dataclass(frozen=True)
class Slope:
    """The derivative of a known activation by its output, and what people write for it, with the cause that this is."""

    slope: Formula
    right: str
    slips: tuple[tuple[Formula, str, str], ...]


_SIGMOID = Slope(
    lambda a: a * (1 - a),
    "{outer} * (1 - {outer})",
    (
        (lambda a: a, "{outer}", "missing-derivative"),
        (lambda a: 1 - a, "1 - {outer}", "missing-derivative"),
        (lambda a: 1 - a * a, "1 - {outer}**2, that of tanh", "derivative-at-output"),
        (lambda a: a * (1 + a), "{outer} * (1 + {outer})", "derivative-at-output"),
    ),
)
_TANH = Slope(
    lambda a: 1 - a * a,
    "1 - {outer}**2",
    (
        (lambda a: 1 - a, "1 - {outer}", "derivative-at-output"),
        (lambda a: a * a, "{outer}**2", "derivative-at-output"),
        (lambda a: 1 + a * a, "1 + {outer}**2", "derivative-at-output"),
        (lambda a: (1 - a) ** 2, "(1 - {outer})**2", "derivative-at-output"),
        (lambda a: -a * a, "-{outer}**2", "derivative-at-output"),
        (lambda a: a * (1 - a), "{outer} * (1 - {outer}), that of the sigmoid", "derivative-at-output"),
    ),
)


def _slope_from_output(inner: Array, outer: Array) -> Slope | None:
    with np.errstate(all="ignore"):
        if np.allclose(outer, 1 / (1 + np.exp(-inner)), rtol=1e-6):
            return _SIGMOID
        return _TANH if np.allclose(outer, np.tanh(inner), rtol=1e-6) else None


def _formula_of(chain: Chain, node: Any, slope: Array, known: Slope, line: str) -> Mistake:
    own = node is chain.inner
    return Mistake(
        "derivative-at-output" if own else "wrong-operand",
        {chain.inner: lambda g, gradients: gradients[chain.outer] * slope},
        1.1 if own else 1.6,
        f"in {{g}}, the local derivative is {known.right.replace('{outer}', '{value}')}, "
        "with {value} in the place of {outer}",
        ("formula", node.order - chain.inner.order if type(node) is Node else "constant"),
        chain.inner,
        node,
        details={"outer": chain.outer},
        line=line,
    )


def local_reverse(replay: Replay, chain: Chain, at: Array) -> Callable[[Array], Array] | None:
    """The reverse pass through a chain, with other values in it."""
    values: dict[Node, Any] = {chain.inner: at}
    with np.errstate(all="ignore"):
        try:
            for node in chain.nodes:
                args = [values.get(arg, replay.value(arg)) if type(arg) is Node else arg for arg in node.args or ()]
                values[node] = value_function(node.op)(*args, **node.kwargs)
        except (TypeError, ValueError, IndexError):
            return None

    def pull(g: Array) -> Array:
        gradients = {chain.outer: g}
        for node in reversed(chain.nodes):
            args = tuple(values.get(arg, replay.value(arg)) if type(arg) is Node else arg for arg in node.args or ())
            for link in replay.links(node):
                d = replay.pull(link, gradients[node], values[node], args)
                gradients[link.source] = gradients[link.source] + d if link.source in gradients else d
        return gradients[chain.inner]

    return pull
