"""Kinks and ties, where any subgradient is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd.program.reverse import Array, Link, value_function
from autograd.testing.catalogue.fit import Fit, coefficient
from autograd.testing.catalogue.mistake import Mistake, differs, tried
from autograd.testing.replay import Replay

_TOLD = "another subgradient is taken in {g} where {value} has a kink, which is as right"


def kinks(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Another subgradient where the derivative jumps: what the rule gives a little to the left or right."""
    if link.node.op.role == "extreme":
        yield from _ties(replay, link)
    kink = _kink(replay, link)
    if kink is None:
        return
    middle = (kink.left + kink.right) / 2
    both = kink.left + kink.right
    for words, slope in (("left", kink.left), ("right", kink.right), ("middle", middle), ("sum", both)):
        other = np.where(kink.jumps, slope, kink.here)
        if words != "sum" and differs(other, kink.here):
            yield _subgradient({link: other}, 0.5, words)


class _Kink(NamedTuple):
    """Where the derivative of an operation jumps, what the rule takes, and what it is on both sides."""

    jumps: Array
    here: Array
    left: Array
    right: Array

    def slope(self, share: float | Array) -> Array:
        """The subgradient that is this share of the way from the left to the right."""
        found: Array = np.where(self.jumps, self.left + share * (self.right - self.left), self.here)
        return found


def subgradients(fit: Fit) -> Iterator[Mistake]:
    """Any subgradient between the sides: the one that fits, at all kinks of an operation or at those of one place.

    Of a gradient that is given itself, one that fits for every element.
    """
    found: dict[str, dict[Link, _Kink]] = {}
    for node in fit.replay.nodes:
        links = fit.replay.links(node) if node in fit.replay.truth else []
        for link in links if len(links) == 1 else ():  # of two operands, what one gets is what the other loses
            kink = _kink(fit.replay, link)
            if kink is not None:
                found.setdefault(node.op.name, {})[link] = kink
    for kinked in found.values():
        alone = [{link: kink} for link, kink in kinked.items()]
        for places in [kinked, *(alone if len(kinked) > 1 else [])]:
            share = _share(fit, places)
            if share is not None:
                yield _subgradient({link: kink.slope(share) for link, kink in places.items()}, 0.6, "between")
        for link, kink in kinked.items():
            g = fit.base.get(link.node)
            if link.source is fit.first and g is not None:
                wanted = (fit.hand[fit.first] - fit.base[fit.first]) / np.where(g == 0, 1.0, g) + kink.here
                shares = np.clip((wanted - kink.left) / np.where(kink.jumps, kink.right - kink.left, 1.0), 0.0, 1.0)
                yield _subgradient({link: kink.slope(shares)}, 0.7, "of every element")


def _share(fit: Fit, places: dict[Link, _Kink]) -> float | None:
    """How far from left to right the hand's subgradient is, by Newton's method: one layer takes one step."""
    share, step = 0.0, 1e-4
    for _ in range(4):
        at, near = (
            fit.run({link: _times(kink.slope(share + h)) for link, kink in places.items()})[fit.first]
            for h in (0.0, step)
        )
        share += coefficient([(fit.hand[fit.first] - at, (near - at) / step)])
        if not -1 < share < 2:  # nor where it is no number
            return None
    return min(max(share, 0.0), 1.0)


def _times(slope: Array) -> Any:
    return lambda g, _: g * slope


def _subgradient(slopes: dict[Link, Array], cost: float, words: str) -> Mistake:
    nearest = max(slopes, key=lambda link: link.node.order)
    changes: dict[Any, Any] = {link: _times(slope) for link, slope in slopes.items()}
    return Mistake("kink", changes, cost, _TOLD, ("kink", words), nearest.source, nearest.node)


def _kink(replay: Replay, link: Link) -> _Kink | None:
    """The kink of one operation, if there is a value of this graph at it."""
    node, x = link.node, link.source
    if not node.op.ties or node.op.role == "extreme" or np.shape(x.value) != np.shape(node.value):
        return None
    args = replay.arguments(node)
    at = args[link.operand]
    step = 1e-7 * (1 + np.abs(at))
    g = replay.truth[node]
    with np.errstate(all="ignore"):
        sides = []
        for moved in (at - step, at + step):
            changed = (*args[: link.operand], moved, *args[link.operand + 1 :])
            sides.append((value_function(node.op)(*changed, **node.kwargs), changed))
        ones = np.ones_like(g)
        slopes = [tried(replay, link, ones, y, changed) for y, changed in sides]
        here = tried(replay, link, ones, None, args)
    if any(slope is None for slope in (*slopes, here)):
        return None
    jumps = np.abs(slopes[1] - slopes[0]) > 1e-3
    return _Kink(jumps, here, *slopes) if np.any(jumps) else None


def _ties(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The first or the last one of equal extremes takes the gradient that the rule shares among them."""
    options = {**dict(zip(("axis",), link.node.args[1:] if link.node.args else (), strict=False)), **link.node.kwargs}
    axis = options.get("axis")
    shares = replay.pull(link, np.ones_like(replay.truth[link.node]))
    if isinstance(axis, tuple) or not np.any((shares > 0) & (shares < 1)):
        return
    share = np.where(shares > 0, shares, 1.0)
    for words, step in (("first", 1), ("last", -1)):
        turned = (slice(None, None, step),) * np.ndim(shares)
        wins = (shares > 0)[turned]
        chosen = (wins & (np.cumsum(wins, axis=axis).reshape(wins.shape) == 1))[turned]
        yield Mistake(
            "kink",
            {link: lambda g, _, chosen=chosen, share=share: np.where(chosen, replay.pull(link, g) / share, 0.0)},
            0.5,
            _TOLD,
            ("kink", words, "of equals"),
            link.source,
            link.node,
        )
