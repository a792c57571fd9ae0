"""Kinks and ties, where any subgradient is right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograd.derivation.backprop import value_function
from autograd.testing.catalogue.mistake import Mistake, differs, tried
from autograd.testing.replay import EXTREMES, Link, Replay

_TOLD = "another subgradient is taken in {g} where {value} has a kink, which is as right"


def kinks(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Another subgradient where the derivative jumps: what the rule gives a little to the left or right."""
    node, x = link.node, link.source
    if node.op.name in EXTREMES:
        yield from _ties(replay, link)
    if not node.op.ties or np.shape(x.value) != np.shape(node.value):
        return
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
        return
    jumps = np.abs(slopes[1] - slopes[0]) > 1e-3
    if not np.any(jumps):
        return
    middle = (slopes[0] + slopes[1]) / 2
    for words, slope in (("left", slopes[0]), ("right", slopes[1]), ("middle", middle), ("sum", slopes[0] + slopes[1])):
        other = np.where(jumps, slope, here)
        if words != "sum" and differs(other, here):
            yield Mistake(
                "kink",
                {link: lambda g, _, other=other: g * other},
                0.5,
                _TOLD,
                ("kink", words),
                x,
                node,
            )


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
