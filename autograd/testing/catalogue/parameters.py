"""Slips with parameters: a penalty left out, scaled or of another norm; weights that were updated too early."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Change, Changes, Link
from autograd.testing.catalogue.fit import Fit
from autograd.testing.catalogue.mistake import Mistake, coefficient, differs, short

_LARGE = 200  # nodes; a graph beyond that is not recomputed to look for rare mistakes
FASTEST = 10.0  # a learning rate; what fits at another one is no step
_OWN = "its own penalty"
_NORMS = {
    "{value}": "that of a sum of squares",
    "np.sign({value})": "that of a sum of absolute values",
    "np.abs({value})": "with the absolute value in the place of the sign",
    "1": "the same number for all elements",
}


def penalties(fit: Fit) -> Iterator[Mistake]:
    """What remains of a parameter's gradient as a multiple of the parameter, its sign, and its own penalty."""
    leaf = fit.first
    if leaf.op is not None:
        return
    terms = _terms(fit, leaf)
    residual = fit.hand[leaf] - fit.base[leaf]
    for chosen in [*((name,) for name in terms), *combinations(terms, 2)]:
        basis = np.stack([np.ravel(terms[name]) for name in chosen], axis=1)
        if np.linalg.matrix_rank(basis) < len(chosen) or np.size(residual) < len(chosen):
            continue
        solution = np.linalg.lstsq(basis, np.ravel(residual), rcond=None)[0]
        yield _penalty(fit, leaf, dict(zip(chosen, map(float, solution), strict=True)), _OWN in terms)


def _terms(fit: Fit, leaf: Node) -> dict[str, Array]:
    """What a penalty may add to the gradient of a parameter, rightly or not, as it is written."""
    w = fit.replay.value(leaf)
    own = [fit.replay.contribution(link) for link in fit.replay.uses[leaf] if link.node in fit.replay.penalties]
    terms = {"{value}": w, "np.sign({value})": np.sign(w), "np.abs({value})": np.abs(w), "1": np.ones_like(w)}
    return {_OWN: sum(own), **terms} if own else terms


def _penalty(fit: Fit, leaf: Node, coefficients: Mapping[str, float], has_own: bool) -> Mistake:
    text, cost = _text(coefficients, has_own)
    known = [] if has_own else [value for name, value in _known_coefficients(fit) if list(coefficients) == [name]]
    free = len(coefficients)
    if any(abs(coefficients[name] - value) <= 1e-4 * abs(value) for name in coefficients for value in known):
        text, cost, free = "{g} has the penalty that the loss puts on other parameters only", 0.5, 0
    elif leaf.size <= len(coefficients):
        cost += 3.0  # as many unknowns as numbers
    if cost < 1:  # a factor that people make
        free = 0
    evidence = 0.0 if leaf.size > 2 * len(coefficients) + 1 else 1.5
    rank = leaf.ndim
    others = [node for node in fit.hand if node.op is None and node is not leaf and node.ndim == rank]
    leaves = [leaf, *(others if _fits(fit, others, coefficients) else ())]
    changes = {node: _added(fit, node, coefficients) for node in leaves}
    return Mistake("regulariser", cost + evidence, text, changes, ("regulariser", tuple(coefficients)), free=free)


def _known_coefficients(fit: Fit) -> Iterator[tuple[str, float]]:
    """What the loss's penalties multiply other parameters, or their signs, by."""
    for node in fit.replay.nodes:
        links = [link for link in fit.replay.uses[node] if link.node in fit.replay.penalties] if node.op is None else []
        w = fit.replay.value(node)
        parts = [fit.replay.contribution(link) for link in links]
        for own in [sum(parts), *parts] if parts else []:
            for name, term in (("{value}", w), ("np.sign({value})", np.sign(w))):
                value = coefficient([(own, term)])
                if np.isfinite(value) and np.allclose(own, value * term, rtol=1e-4):
                    yield name, value


def _fits(fit: Fit, nodes: Sequence[Node], coefficients: Mapping[str, float]) -> bool:
    """Whether the same penalty explains the gradients of other parameters."""
    for node in nodes:
        left = fit.hand[node] - _added(fit, node, coefficients)(fit.base[node], {})
        if np.linalg.norm(left) > 0.05 * np.linalg.norm(fit.hand[node] - fit.base[node]):
            return False
    return bool(nodes)


def _added(fit: Fit, leaf: Node, coefficients: Mapping[str, float]) -> Change:
    terms = _terms(fit, leaf)
    extra = sum(value * terms.get(name, 0.0) for name, value in coefficients.items())
    return lambda g, _: g + extra


def _text(coefficients: Mapping[str, float], has_own: bool) -> tuple[str, float]:
    """What a residual says about the penalty, and how far-fetched that is."""
    if list(coefficients) == [_OWN]:
        factor = 1 + coefficients[_OWN]
        slips = (("is left out of {g}", 0.0), ("is halved in {g}", 0.5), ("is doubled in {g}", 2.0))
        for words, value in (*slips, ("has the wrong sign in {g}", -1.0)):
            if abs(factor - value) < 1e-6:
                return f"the penalty {words}", 0.9
        return f"the penalty in {{g}} is {short(factor)} times what it should be", 1.6
    others = {name: value for name, value in coefficients.items() if name != _OWN}
    text = " + ".join(short(value) if name == "1" else f"{short(value)} * {name}" for name, value in others.items())
    if len(others) == 1:
        text += f", {_NORMS[next(iter(others))]}"
    if abs(coefficients.get(_OWN, 0.0) + 1) < 1e-6:
        return f"the penalty in {{g}} is of another norm than that of the loss: it is {text}", 1.4
    if has_own:
        return f"{{g}} has, beyond the penalty of the loss, {text}", 2.2
    return f"{{g}} has a penalty that the loss does not have: {text}", 1.7 if len(others) == 1 else 2.4


# Updated too early


def stale(fit: Fit) -> Iterator[Mistake]:
    """One parameter, or all of them, stepped before the gradients behind it were computed, at the rate that fits."""
    links: dict[Node, list[Link]] = {}
    for node in fit.replay.nodes:
        weights = [arg for arg in node.args or () if type(arg) is Node and arg.op is None and arg.requires_grad]
        for link in fit.replay.links(node):
            for weight in weights:
                if weight is not link.source and _depends(fit, link, weight):
                    links.setdefault(weight, []).append(link)
    yield from _too_late(fit)
    alone = [[weight] for weight in links]
    for weights in [*alone, *([list(links)] if len(links) > 1 else [])]:
        rate = _rate(fit, weights, links)
        if rate is None or not rate or not -1 < rate < FASTEST:
            continue
        nearest, read = max(
            ((link.source, weight) for weight in weights for link in links[weight]), key=lambda at: at[0].order
        )
        plain = is_round(rate)
        if rate < 0 and not plain:
            continue
        step = f"updated already{', uphill' * (rate < 0)}, at a learning rate of {short(abs(rate))}"
        yield Mistake(
            "stale-parameter",
            (1.5 if plain else 2.0) + 0.1 * (len(weights) > 1) + 0.6 * (rate < 0),
            f"{{value}} had been {step}, when {{g}} was computed",
            _updated(fit, weights, links, rate),
            ("stale", len(weights)),
            nearest,
            read,
            free=int(not plain),
        )


def is_round(rate: float) -> bool:
    """Whether a learning rate is one that people choose, of one digit."""
    return abs(rate - float(f"{rate:.1g}")) < 1e-5 * abs(rate)


def _depends(fit: Fit, link: Link, weight: Node) -> bool:
    """Whether a rule reads a weight: that of a penalty on several at once reads but one of them."""
    replay, node = fit.replay, link.node
    if node not in replay.truth:
        return False
    other = replay.replaced(node, weight, 1.5 * replay.value(weight))
    return differs(replay.pull(link, replay.truth[node], None, other), replay.contribution(link))


def _updated(fit: Fit, weights: list[Node], links: Mapping[Node, list[Link]], rate: float) -> Changes:
    """The rules that use the weights, with those after the step in them."""
    changes: dict[Link | Node, Change] = {}
    for weight in weights:
        step = fit.given.get(weight, fit.replay.truth.get(weight))
        after = fit.replay.value(weight) - rate * step
        for link in links[weight]:
            args = fit.replay.replaced(link.node, weight, after)
            changes[link] = lambda g, _, link=link, args=args: fit.replay.pull(link, g, None, args)
    return changes


def _rate(fit: Fit, weights: list[Node], links: Mapping[Node, list[Link]]) -> float | None:
    """The rate of the step, by Newton's method."""
    rate, target = 0.0, fit.hand[fit.first]
    size = max(float(np.max(np.abs(fit.replay.truth[weight]), initial=0.0)) for weight in weights)
    if not size:
        return None
    h = 1e-4 / size
    for _ in range(6):
        at = fit.run(_updated(fit, weights, links, rate))[fit.first]
        slope = (fit.run(_updated(fit, weights, links, rate + h))[fit.first] - at) / h
        if not np.any(np.abs(slope) > 1e-12 * np.max(np.abs(at), initial=0.0)):
            return None
        rate += coefficient([(target - at, slope)])
        if not np.isfinite(rate):
            return None
    return rate


def _too_late(fit: Fit) -> Iterator[Mistake]:
    """All gradients taken after the step, values and all."""
    replay = fit.replay
    leaves = [node for node in fit.hand if node.op is None]
    if fit.first.op is not None or not leaves or len(replay.nodes) > _LARGE:
        return
    steps = {node: replay.truth[node] for node in replay.nodes if node.op is None and node in replay.truth}
    size = max(float(np.max(np.abs(step), initial=0.0)) for step in steps.values())
    if not size:
        return

    def changes(rate: float) -> Changes:
        return replay.recomputed({node: replay.value(node) - rate * step for node, step in steps.items()})

    rate, h = 0.0, 1e-5 / size
    for _ in range(8):
        at, near = fit.run(changes(rate)), fit.run(changes(rate + h))
        rate += coefficient([(fit.hand[node] - at[node], (near[node] - at[node]) / h) for node in leaves])
        if not np.isfinite(rate):
            return
    if rate > 0:
        text = f"all gradients were computed after a step at a learning rate of {short(rate)}"
        top = max(leaves, key=lambda node: node.order)
        yield Mistake("stale-parameter", 1.9, text, changes(rate), ("late",), top, top, free=1)
