"""Penalties: left out, scaled, or of another norm; found as what remains of a parameter's gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Link
from autograd.testing.catalogue.fit import Fit, coefficient, short
from autograd.testing.catalogue.mistake import Mistake

OWN = "its own penalty"
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
    w = fit.replay.value(leaf)
    own = _penalty_part(fit, leaf)
    terms = _terms(w)
    if own is not None:
        terms = {OWN: own, **terms}
    residual = fit.hand[leaf] - fit.base[leaf]
    names = list(terms)
    choices = [(name,) for name in names] + list(combinations(names, 2))
    for chosen in choices:
        basis = np.stack([np.ravel(terms[name]) for name in chosen], axis=1)
        if np.linalg.matrix_rank(basis) < len(chosen) or w.size < len(chosen):
            continue
        found = np.linalg.lstsq(basis, np.ravel(residual), rcond=None)[0]
        coefficients = dict(zip(chosen, map(float, found), strict=True))
        yield _penalty(fit, leaf, coefficients, own is not None)


def _terms(w: Array) -> dict[str, Array]:
    """What a penalty may add to the gradient of a parameter, rightly or not, as it is written."""
    return {"{value}": w, "np.sign({value})": np.sign(w), "np.abs({value})": np.abs(w), "1": np.ones_like(w)}


def _penalty_part(fit: Fit, leaf: Node) -> Array | None:
    """What the loss's own penalty contributes to a parameter's gradient."""
    links = [link for link in fit.replay.uses[leaf] if link.node in fit.replay.penalties]
    if not links:
        return None
    total: Array = sum(fit.replay.contribution(link) for link in links)
    return total


def _penalty(fit: Fit, leaf: Node, coefficients: Mapping[str, float], has_own: bool) -> Mistake:
    told, cost = _told_penalty(coefficients, has_own)
    known = [] if has_own else [value for name, value in _known_coefficients(fit) if list(coefficients) == [name]]
    free = len(coefficients)
    if any(abs(coefficients[name] - value) <= 1e-4 * abs(value) for name in coefficients for value in known):
        told, cost, free = "{g} has the penalty that the loss puts on other parameters only", 0.5, 0
    elif np.size(leaf.value) <= len(coefficients):
        cost += 3.0  # as many unknowns as shorts
    leaves = [leaf]
    others = [
        node for node in fit.hand if node.op is None and node is not leaf and np.ndim(node.value) == np.ndim(leaf.value)
    ]
    if _fits(fit, others, coefficients):
        leaves += others
    changes: dict[Link | Node, Any] = {node: _added(fit, node, coefficients) for node in leaves}
    evidence = 0.0 if np.size(leaf.value) > 2 * len(coefficients) + 1 else 1.5
    if cost < 1:  # a factor that people make
        free = 0
    kind = ("regulariser", tuple(coefficients))
    return Mistake("regulariser", changes, cost + evidence, told, kind, leaf, leaf, free=free)


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


def _added(fit: Fit, leaf: Node, coefficients: Mapping[str, float]) -> Any:
    w = fit.replay.value(leaf)
    own = _penalty_part(fit, leaf)
    terms = {**_terms(w), OWN: 0.0 if own is None else own}
    extra = sum(coefficient * terms[name] for name, coefficient in coefficients.items())
    return lambda g, _: g + extra


def _told_penalty(coefficients: Mapping[str, float], has_own: bool) -> tuple[str, float]:
    """What a residual says about the penalty, and how plausible that is."""
    if list(coefficients) == [OWN]:
        factor = 1 + coefficients[OWN]
        words = ("is left out of {g}", 0.0), ("is halved in {g}", 0.5), ("is doubled in {g}", 2.0)
        for word, value in (*words, ("has the wrong sign in {g}", -1.0)):
            if abs(factor - value) < 1e-6:
                return f"the penalty {word}", 0.9
        return f"the penalty in {{g}} is {short(factor)} times what it should be", 1.6
    parts = [
        short(value) if name == "1" else f"{short(value)} * {name}"
        for name, value in coefficients.items()
        if name != OWN
    ]
    told = " + ".join(parts) + (f", {_NORMS[name]}" if len(parts) == 1 and (name := _named(coefficients)) else "")
    if abs(coefficients.get(OWN, 0.0) + 1) < 1e-6:
        return f"the penalty in {{g}} is of another norm than that of the loss: it is {told}", 1.4
    if has_own:
        return f"{{g}} has, beyond the penalty of the loss, {told}", 2.2
    return f"{{g}} has a penalty that the loss does not have: {told}", 1.7 if len(parts) == 1 else 2.4


def _named(coefficients: Mapping[str, float]) -> str:
    return next(name for name in coefficients if name != OWN)
