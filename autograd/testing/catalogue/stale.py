"""Parameters that were updated before the gradients were computed with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Gradients, Link
from autograd.testing.catalogue.fit import Fit, coefficient, short
from autograd.testing.catalogue.mistake import Mistake, differs, tried

_LARGE = 200  # nodes; a graph beyond that is not recomputed to look for rare mistakes


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
        if rate is None or not rate:
            continue
        uphill = "" if rate > 0 else ", uphill"
        round_rate = abs(rate - float(f"{rate:.1g}")) < 1e-5 * abs(rate)
        nearest = max((link.source for weight in weights for link in links[weight]), key=lambda node: node.order)
        told = f"{{value}} had been updated already{uphill}, at a learning rate of {short(abs(rate))}"
        yield Mistake(
            "stale-parameter",
            _updated(fit, weights, links, rate),
            (1.5 if round_rate else 2.0) + 0.1 * (len(weights) > 1) + 0.6 * (rate < 0),
            f"{told}, when {{g}} was computed",
            ("stale", len(weights)),
            nearest,
            weights[0],
            details={"rate": rate},
            free=int(not round_rate),
        )


def _depends(fit: Fit, link: Link, weight: Node) -> bool:
    """Whether a rule reads a weight: that of a penalty on several at once reads but one of them."""
    replay, node = fit.replay, link.node
    if node not in replay.truth:
        return False
    other = tuple(1.5 * value if arg is weight else value for arg, value in _paired(fit, node))
    return differs(tried(replay, link, replay.truth[node], None, other), replay.contribution(link))


def _paired(fit: Fit, node: Node) -> Iterator[tuple[Any, Any]]:
    return zip(node.args or (), fit.replay.arguments(node), strict=True)


def _too_late(fit: Fit) -> Iterator[Mistake]:
    """All gradients taken after the step, values and all."""
    leaves = [node for node in fit.hand if node.op is None]
    if fit.first.op is not None or not leaves or len(fit.replay.nodes) > _LARGE:
        return
    truth = fit.replay.truth
    steps = {node: truth[node] for node in fit.replay.nodes if node.op is None}
    rate = 0.0
    size = max(float(np.max(np.abs(step), initial=0.0)) for step in steps.values())
    h = 1e-5 / size if size else 0.0
    for _ in range(8 if size else 0):
        at, near = (_after(fit, steps, r) for r in (rate, rate + h))
        rate += coefficient([(fit.hand[node] - at[node], (near[node] - at[node]) / h) for node in leaves])
        if not np.isfinite(rate):
            return
    if rate > 0:
        changes = _recomputed(fit, steps, rate)
        told = f"all gradients were computed after a step at a learning rate of {short(rate)}"
        top = max(leaves, key=lambda node: node.order)
        yield Mistake("stale-parameter", changes, 1.9, told, ("late",), top, top, details={"rate": rate}, free=1)


def _recomputed(fit: Fit, steps: Mapping[Node, Array], rate: float) -> Mapping[Any, Any]:
    return fit.replay.recomputed({node: fit.replay.value(node) - rate * step for node, step in steps.items()})


def _after(fit: Fit, steps: Mapping[Node, Array], rate: float) -> Gradients:
    return fit.run(_recomputed(fit, steps, rate))


def _updated(fit: Fit, weights: list[Node], links: Mapping[Node, list[Link]], rate: float) -> dict[Link | Node, Any]:
    """The rules that use the weights, with those after the step in them."""
    changes: dict[Link | Node, Any] = {}
    for weight in weights:
        step = fit.given.get(weight, fit.replay.truth.get(weight))
        for link in links[weight]:
            changes[link] = lambda g, _, link=link, weight=weight, step=step: fit.replay.pull(
                link,
                g,
                None,
                tuple(value - rate * step if arg is weight else value for arg, value in _paired(fit, link.node)),
            )
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
