"""Operations that choose, and their gradients: `np.where`, extremes, and reading by index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Link
from autograd.testing.catalogue.mistake import Mistake, differs, tried
from autograd.testing.replay import Replay


def branches(replay: Replay, node: Node) -> Iterator[Mistake]:
    """The condition of an `np.where` the other way round, or one branch taken everywhere."""
    args = replay.arguments(node)
    if node.op.name != "np.where" or len(args) != 3:
        return
    condition = np.asarray(args[0], dtype=bool)
    slips = (
        ("the branches of {value} are swapped", 1.2, ~condition),
        ("the first branch of {value} is taken everywhere", 1.3, np.ones_like(condition)),
        ("the second branch of {value} is taken everywhere", 1.3, np.zeros_like(condition)),
    )
    for told, cost, other in slips:
        links = replay.links(node)
        changed = (other, *args[1:])
        found = {link: tried(replay, link, replay.truth[node], None, changed) for link in links}
        if not any(differs(value, replay.contribution(link)) for link, value in found.items()):
            continue
        yield Mistake(
            "derivative-at-output",
            {link: lambda g, _, link=link, changed=changed: replay.pull(link, g, None, changed) for link in links},
            cost,
            told,
            ("branches", told),
            links[0].source,
            node,
        )


def winners(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The gradient of a largest element given to all of them, shared by all, or given to the wrong one."""
    node, x = link.node, replay.value(link.source)
    if node.op.role != "extreme" or np.size(x) == np.size(node.value) or (link.operand != 0):
        return
    options = {**dict(zip(("axis",), (node.args or ())[1:], strict=False)), **node.kwargs}
    axis = options.get("axis")
    along = tuple(range(np.ndim(x))) if axis is None else axis
    spread_to = np.shape(np.max(x, axis=along, keepdims=True))
    shares = replay.pull(link, np.ones_like(replay.truth[node]))
    chosen = (shares > 0) * 1.0
    other: Any = np.min if "max" in node.op.name else np.max
    opposite = other(x, axis=along, keepdims=True) == x
    count = np.size(x) // max(np.size(node.value), 1)
    slips: list[tuple[str, str, float, Array]] = [
        ("missing-derivative", "{g} goes to all elements, not only to those that {value} takes", 1.0, np.ones_like(x)),
        ("scale", "in {g}, each of several equal extremes gets the whole gradient, not its share", 1.0, chosen),
        ("derivative-at-output", "{g} is shared among all elements, as that of a mean", 1.1, np.ones_like(x) / count),
        ("derivative-at-output", "{g} goes to the opposite extreme", 1.2, opposite / 1.0),
    ]
    if not isinstance(along, tuple):
        for place, k in (("first", 0), ("last", -1)):
            at = np.zeros_like(x)
            np.moveaxis(at, along, 0)[k] = 1.0
            slips.append(("derivative-at-output", f"{{g}} goes to the {place} element, whichever is taken", 1.2, at))
    for cause, told, cost, weights in slips:
        if not differs(weights, shares):
            continue
        yield Mistake(
            cause,
            {link: lambda g, _, weights=weights: np.reshape(g, spread_to) * weights},
            cost,
            told,
            ("winners", told),
            link.source,
            node,
        )


def gathers(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Rows that are read several times and written once, and an index that is one off."""
    node = link.node
    if node.op.name not in ("operator.getitem", "np.take") or link.operand != 0:
        return
    shape, options = np.shape(link.source.value), node.kwargs
    index = (node.args or (None, None))[1] if len(node.args or ()) > 1 else options.get("indices")
    where: Any = index
    if node.op.name == "np.take":
        if options.get("axis") is None or options.get("mode", "raise") != "raise":
            return
        where = (slice(None),) * (int(options["axis"]) % len(shape)) + (np.asarray(index),)
    g = replay.truth[node]

    def last(g: Array, _: Any = None) -> Array:
        out = np.zeros(shape)
        out[where] = g
        return out

    counts = np.zeros(shape)
    try:
        np.add.at(counts, where, 1.0)
    except (IndexError, ValueError, TypeError):
        return
    if np.any(counts > 1):
        told = (
            "rows that are read several times get only their last contribution in {g}: "
            "`+=` at an index adds once, np.add.at each time"
        )
        yield Mistake("missing-term", {link: last}, 1.0, told, ("gather", "last"), link.source, node)
        shared = np.maximum(counts, 1)
        told = "in {g}, what is read several times gets the mean of its contributions, not their sum"
        mean: dict[Link | Node, Any] = {link: lambda g, _: replay.pull(link, g) / shared}
        yield Mistake("wrong-axis", mean, 1.2, told, ("gather", "mean"), link.source, node)
    for step in (1, -1):
        moved = _moved(where, step, shape)
        if moved is not None:
            told = f"{{g}} is written to an index that is {'one too high' if step > 0 else 'one too low'}"

            def off(g: Array, _: Any = None, moved: Any = moved) -> Array:
                out = np.zeros(shape)
                np.add.at(out, moved, g)
                return out

            if differs(off(g), replay.contribution(link)):
                yield Mistake("wrong-operand", {link: off}, 1.4, told, ("gather", step), link.source, node)


def _moved(where: Any, step: int, shape: tuple[int, ...]) -> Any:
    """An index of whole numbers on the first axis, moved by one; None where it is another one, or leaves the array."""
    if isinstance(where, (list, np.ndarray, int)) and not isinstance(where, bool):
        found = np.asarray(where)
        if found.dtype.kind in "iu" and found.size:
            found = np.where(found < 0, found + shape[0], found) + step
            if found.min() >= 0 and found.max() < shape[0]:
                return found
    return None
