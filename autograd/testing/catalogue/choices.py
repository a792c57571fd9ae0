"""Operations that choose: branches, extremes, reading by index; and kinks and ties, where any subgradient is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd.program.reverse import Array, Changes, Link
from autograd.testing.catalogue.fit import Fit
from autograd.testing.catalogue.mistake import Mistake, coefficient
from autograd.testing.replay import Replay

_KINK = "another subgradient is taken in {g} where {value} has a kink, which is as right"


def branches(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The condition of an `np.where` the other way round, or one branch taken everywhere."""
    node, args = link.node, replay.arguments(link.node)
    links = replay.links(node)
    if node.op.fn is not np.where or len(args) != 3 or link is not links[0]:
        return
    condition = np.asarray(args[0], dtype=bool)
    for text, cost, other in (
        ("the branches of {value} are swapped", 1.2, ~condition),
        ("the first branch of {value} is taken everywhere", 1.3, np.ones_like(condition)),
        ("the second branch of {value} is taken everywhere", 1.3, np.zeros_like(condition)),
    ):
        changes: Changes = {
            each: lambda g, _, each=each, args=(other, *args[1:]): replay.pull(each, g, None, args) for each in links
        }
        yield Mistake("derivative-at-output", cost, text, changes, kind=("branches", text))


def winners(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The gradient of a largest element given to all of them, shared by all, or given to the wrong one."""
    node, x = link.node, replay.value(link.source)
    if node.op.role != "extreme" or np.size(x) == node.size or link.operand != 0:
        return
    axis = _axis(link)
    along = tuple(range(np.ndim(x))) if axis is None else axis
    spread_to = np.shape(np.max(x, axis=along, keepdims=True))
    if node.size != np.prod(spread_to):
        return
    shares = replay.pull(link, np.ones_like(replay.truth[node]))
    smallest = -node.op.on_any_array(*replay.replaced(node, link.source, -x), **node.kwargs)  # for the largest
    opposite = np.reshape(smallest, spread_to) == x
    mean = np.full(np.shape(x), node.size / np.size(x))
    slips: list[tuple[str, float, str, Array]] = [
        ("missing-derivative", 1.0, "{g} goes to all elements, not only to those that {value} takes", np.ones_like(x)),
        ("scale", 1.0, "in {g}, each of several equal extremes gets the whole gradient, not its share", shares > 0),
        ("derivative-at-output", 1.1, "{g} is shared among all elements, as that of a mean", mean),
        ("derivative-at-output", 1.2, "{g} goes to the opposite extreme", opposite),
    ]
    for name, k in (("first", 0), ("last", -1)) if not isinstance(along, tuple) else ():
        at = np.zeros_like(x)
        np.moveaxis(at, along, 0)[k] = 1.0
        slips.append(("derivative-at-output", 1.2, f"{{g}} goes to the {name} element, whichever is taken", at))
    for cause, cost, text, weights in slips:
        changes: Changes = {link: lambda g, _, weights=weights: np.reshape(g, spread_to) * weights}
        yield Mistake(cause, cost, text, changes)


def _axis(link: Link) -> Any:
    """The axis of a reduction."""
    return {**dict(zip(("axis",), (link.node.args or ())[1:], strict=False)), **link.node.kwargs}.get("axis")


# Reading by index


def rows(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Rows that are read several times and written once, an index that is one off, or another index."""
    node, shape = link.node, link.source.shape
    index = _index(link) if node.op.role == "index" and link.operand == 0 else None
    if index is None:
        return
    counts = _added(shape, index, np.ones_like(replay.truth[node]))
    if counts is None:
        return
    if np.any(counts > 1):
        text = (
            "rows that are read several times get only their last contribution in {g}: "
            "`+=` at an index adds once, np.add.at each time"
        )
        yield Mistake("missing-term", 1.0, text, {link: lambda g, _: _written(shape, index, g)})
        text = "in {g}, what is read several times gets the mean of its contributions, not their sum"
        yield Mistake("wrong-axis", 1.2, text, {link: lambda g, _: replay.pull(link, g) / np.maximum(counts, 1)})
    for step in (1, -1):
        moved = _moved(index, step, shape)
        if moved is not None:
            text = f"{{g}} is written to an index that is {'one too high' if step > 0 else 'one too low'}"
            yield Mistake("wrong-operand", 1.4, text, {link: lambda g, _, moved=moved: _added(shape, moved, g)})
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and index.size:
        yield from _other_rows(replay, link, index)


def _index(link: Link) -> Any:
    """What an operation that reads by index reads, as an index of NumPy's; None for other ones."""
    node, options = link.node, link.node.kwargs
    index = (node.args or ())[1] if len(node.args or ()) > 1 else options.get("indices")
    if node.op.fn is not np.take:
        return index
    if options.get("axis") is None or options.get("mode", "raise") != "raise":
        return None
    axis = int(options["axis"]) % link.source.ndim
    return (slice(None),) * axis + (np.asarray(index),)


def _other_rows(replay: Replay, link: Link, index: Array) -> Iterator[Mistake]:
    """Rows that are read by one index and whose gradients are added at another one of the program."""
    shape = link.source.shape
    others: dict[int, Array] = {}
    for each in replay.nodes:
        for arg in (each.args or ())[1:] if each.op is not None and each.op.role == "index" else ():
            for other in arg if isinstance(arg, tuple) else (arg,):
                if isinstance(other, np.ndarray) and other.dtype.kind in "iu" and other.shape == index.shape:
                    others[id(other)] = other
    for other in others.values():
        text = "{g} is added at the rows that another index reads"
        yield Mistake("wrong-operand", 1.5, text, {link: lambda g, _, other=other: _added(shape, other, g)})
    for k, word in ((0, "first"), (-1, "last")) if index.ndim == 2 and index.shape[1] > 1 else ():
        text = f"only the {word} of the {index.shape[1]} rows that each sample reads gets its part in {{g}}"
        yield Mistake("missing-term", 1.5, text, {link: lambda g, _, k=k: _added(shape, index[:, k], g[:, k])})


def _written(shape: tuple[int, ...], index: Any, g: Array) -> Array:
    out = np.zeros(shape)
    out[index] = g
    return out


def _added(shape: tuple[int, ...], index: Any, g: Array) -> Array | None:
    out = np.zeros(shape)
    try:
        np.add.at(out, index, g)
    except (IndexError, ValueError, TypeError):
        return None
    return out


def _moved(index: Any, step: int, shape: tuple[int, ...]) -> Any:
    """An index of whole numbers on the first axis, moved by one; None where it is another one, or leaves the array."""
    if isinstance(index, (list, np.ndarray, int)) and not isinstance(index, bool):
        moved = np.asarray(index)
        if moved.dtype.kind in "iu" and moved.size:
            moved = np.where(moved < 0, moved + shape[0], moved) + step
            if moved.min() >= 0 and moved.max() < shape[0]:
                return moved
    return None


# Kinks


class _Kink(NamedTuple):
    """Where the derivative of an operation jumps, what the rule takes, and what it is on both sides."""

    jumps: Array
    here: Array
    left: Array
    right: Array

    def slope(self, share: float | Array) -> Array:
        """The subgradient that is this share of the way from the left to the right."""
        between: Array = np.where(self.jumps, self.left + share * (self.right - self.left), self.here)
        return between


def kinks(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Another subgradient where the derivative jumps: that on the left, on the right, or in the middle."""
    if link.node.op.role == "extreme":
        yield from _ties(replay, link)
    kink = _kink(replay, link)
    if kink is None:
        return
    for share, words in ((0.0, "left"), (1.0, "right"), (0.5, "middle")):
        yield _subgradient({link: kink.slope(share)}, 0.5, words)


def subgradients(fit: Fit) -> Iterator[Mistake]:
    """Any subgradient between the sides: the one that fits, at all kinks of an operation or at those of one place.

    Of a gradient that is given itself, one that fits for every element.
    """
    kinked: dict[str, dict[Link, _Kink]] = {}
    for node in fit.replay.nodes:
        links = fit.replay.links(node) if node in fit.replay.truth else []
        for link in links if len(links) == 1 else ():  # of two operands, what one gets is what the other loses
            kink = _kink(fit.replay, link)
            if kink is not None:
                kinked.setdefault(node.op.name, {})[link] = kink
    for places in kinked.values():
        alone = [{link: kink} for link, kink in places.items()]
        for chosen in [places, *(alone if len(places) > 1 else [])]:
            share = _share(fit, chosen)
            if share is not None:
                yield _subgradient({link: kink.slope(share) for link, kink in chosen.items()}, 0.6, "between")
        for link, kink in places.items():
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
    changes: Changes = {link: _times(slope) for link, slope in slopes.items()}
    return Mistake("kink", cost, _KINK, changes, ("kink", words), nearest.source, nearest.node)


def _kink(replay: Replay, link: Link) -> _Kink | None:
    """The kink of one operation, if there is a value of this graph at it: what its rule gives on both sides."""
    node, x = link.node, link.source
    if not node.op.ties or node.op.role == "extreme" or x.shape != node.shape:
        return None
    args, ones = replay.arguments(node), np.ones_like(replay.truth[node])
    at = args[link.operand]
    step = 1e-7 * (1 + np.abs(at))
    slopes = []
    for moved in (at - step, at + step):
        changed = (*args[: link.operand], moved, *args[link.operand + 1 :])
        try:
            slopes.append(replay.pull(link, ones, node.op.on_any_array(*changed, **node.kwargs), changed))
        except (ValueError, IndexError, TypeError):  # the operation is not defined there
            return None
    left, right = slopes
    here, jumps = replay.pull(link, ones), np.abs(right - left) > 1e-3
    return _Kink(jumps, here, left, right) if np.any(jumps) else None


def _ties(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The first or the last one of equal extremes takes the gradient that the rule shares among them."""
    axis = _axis(link)
    shares = replay.pull(link, np.ones_like(replay.truth[link.node]))
    if isinstance(axis, tuple) or not np.any((shares > 0) & (shares < 1)):
        return
    share = np.where(shares > 0, shares, 1.0)
    for words, step in (("first", 1), ("last", -1)):
        turned = (slice(None, None, step),) * np.ndim(shares)
        wins = (shares > 0)[turned]
        chosen = (wins & (np.cumsum(wins, axis=axis).reshape(wins.shape) == 1))[turned]

        def taken(g: Array, _: Any, chosen: Array = chosen) -> Array:
            return np.where(chosen, replay.pull(link, g) / share, 0.0)

        yield Mistake("kink", 0.5, _KINK, {link: taken}, ("kink", words, "of equals"))
