"""Wrong factors: of one gradient, of one contribution to it, or of the same product in all layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Change, Link
from autograd.testing.catalogue.fit import Fit, Reason, as_size
from autograd.testing.catalogue.mistake import Mistake, coefficient, is_product, number
from autograd.testing.replay import Replay

Place = Link | Node
_MANY = 400  # arrays times places; beyond that no arrays are tried as factors
_NOTHING = 1e-9  # a factor below this is what rounding leaves of zero
_USES = 4  # uses of a value, of which several may have a factor in common
_BEYOND = {"node": 0.0, "link": 0.1, "links": 0.2, "all": 0.3}  # how much more far-fetched than one whole gradient


def factors(fit: Fit, sites: set[Node]) -> Iterator[Mistake]:
    """A factor at each place from which the wrong gradient nearest the loss is reached."""
    for key, places in _places(fit, sites).items():
        doubled = fit.run({place: times(fit.replay, place, 2.0) for place in places})
        effect = {node: doubled[node] - fit.base[node] for node in fit.hand if node in doubled}
        wrong = [node for node in fit.hand if node in effect and np.any(effect[node])]
        if fit.first not in wrong:
            continue
        off = {node: (fit.hand[node] - fit.base[node], effect[node]) for node in wrong}
        for value in dict.fromkeys(1 + coefficient(pairs) for pairs in (list(off.values()), [off[fit.first]])):
            if np.isfinite(value) and abs(value - 1) >= 1e-9:
                yield _mistake(fit, key, places, value if abs(value) > _NOTHING else 0.0)


def _places(fit: Fit, sites: set[Node]) -> Mapping[Any, list[Place]]:
    """Where one factor may be wrong, by what that is."""
    groups: dict[Any, list[Place]] = {}
    alike: dict[Any, list[Place]] = {}
    for node in fit.replay.nodes:
        if node not in sites or node not in fit.base:
            continue
        groups["node", node] = [node]
        uses = fit.replay.uses[node]
        ways = [tuple(link for link in uses if link.node is user) for user in dict.fromkeys(use.node for use in uses)]
        for count in range(2, len(ways)) if len(ways) <= _USES else ():
            for several in combinations(ways, count):  # one term of a loss may use a value more than once
                groups["links", several] = [link for way in several for link in way]
        for way in ways if len(ways) > 1 else ():  # else it is the same as its node; h * h is one way
            groups["link", way] = list(way)
        for link in uses:
            if is_product(link.node) or node.op is None:
                alike.setdefault(("all", link.node.op.name, link.operand), []).append(link)
    leaves = [node for node in fit.hand if node.op is None]
    if len(leaves) > 1 and not any(node.op is None for node in fit.right):
        groups["all", "parameters", 0] = list(leaves)
    return groups | {key: places for key, places in alike.items() if len(places) > 1}


def _mistake(fit: Fit, key: Any, places: list[Place], value: float) -> Mistake:
    reason = as_size(value, fit.sizes)
    value = reason.factor if reason else value
    cost = 3.0 if reason is None or reason.weak else 1.0 if reason.plain else 1.3
    if value == 0:  # what cancels to rounding error is less likely another slip than what is just zero
        cost = 1.2 if key[0] == "node" and places[0] is fit.first and np.any(fit.hand[fit.first]) else 1.6
    else:
        cost += _BEYOND[key[0]]
    nearest = max((place.source if isinstance(place, Link) else place for place in places), key=lambda node: node.order)
    users = list(dict.fromkeys(place.node if isinstance(place, Link) else place for place in places))
    penalty = all(user in fit.replay.penalties for user in users)
    update = len(places) == 1 and nearest.op is None and -1 < value < 0 and float(f"{value:.1g}") == round(value, 9)
    text = _text(key, value, len(users), reason if reason is not None and (reason.plain or not update) else None)
    if update:
        text += f"; it is the update at a learning rate of {-value:g}, not the gradient"
    if key[0] == "all":
        text += ", in all parameters alike" if key[1] == "parameters" else ", in all layers alike"
    return Mistake(
        "regulariser" if penalty else "scale" if value else "missing-term",
        cost + 1e-3 * fit.replay.position(nearest) / len(fit.replay.nodes),
        f"in the penalty, {text}" if penalty else text,
        {place: times(fit.replay, place, value) for place in places},
        ("scale", key, round(value, 9)),
        nearest,
        nearest,
        factor=value,
        details={**(reason.arrays if reason else {}), **{f"user{k}": user for k, user in enumerate(users)}},
        free=int(value != 0 and not update and (reason is None or reason.weak)),
    )


def _text(key: Any, value: float, users: int, reason: Reason | None) -> str:
    what = "the contribution to {g} by way of {user0}" if key[0] == "link" else "{g}"
    if key[0] == "links":
        ways = " and ".join(f"{{user{k}}}" for k in range(users))
        text = f"what comes to {{g}} by way of {ways} is {number(value)} times what it should be"
        text = text if value else f"the contributions to {{g}} by way of {ways} are left out"
    else:
        text = f"{what} is {number(value)} times what it should be" if value else f"{what} is left at zero"
    return f"{text}: {reason.words}" if reason is not None and reason.words and value else text


def times(replay: Replay, place: Place, factor: float | Array) -> Change:
    """The change that multiplies a contribution, or a whole gradient."""
    if isinstance(place, Link):
        return lambda g, _: factor * replay.pull(place, g)
    return lambda g, _: factor * g


def tensor_factors(fit: Fit, sites: set[Node]) -> Iterator[Mistake]:
    """An array that the gradient should be multiplied or divided by, as by a standard deviation, and is not."""
    values = _factors_of(fit.replay)
    for key, places in _places(fit, sites).items():
        if len(places) > 1:
            continue
        place = places[0]
        source = place.source if isinstance(place, Link) else place
        direct = {place.node} if isinstance(place, Link) else {link.node for link in fit.replay.uses[place]}
        # What the gradient is multiplied by on its way to here; a place is not behind its own operation.
        ways = fit.replay.behind(place.node if isinstance(place, Link) else place)
        for of, value, divides, node in values:
            if node is place or node not in ways or (len(values) * len(sites) > _MANY and node not in direct):
                continue
            factor = _spread(value, source.shape)
            if factor is None or not np.all(factor):
                continue
            yield Mistake(
                "missing-derivative",
                1.6 + 0.05 * isinstance(place, Link),
                f"the {'division by' if divides else 'factor'} {{value}} is left out of {{g}}",
                {place: times(fit.replay, place, factor if divides else 1 / factor)},
                ("tensor factor", key),
                source,
                of,
            )


def _factors_of(replay: Replay) -> list[tuple[Any, Array, bool, Node]]:
    """What the program multiplies or divides by: the node or constant, its value, whether it divides, and where."""
    known: dict[tuple[int, bool, Node], tuple[Any, Array, bool, Node]] = {}
    for node in replay.nodes:
        fn = node.op.fn if node.op is not None else None
        if fn is np.sqrt or fn is np.linalg.norm:  # their derivatives divide by them
            known[id(node), True, node] = (node, replay.value(node), True, node)
        for operand, arg in enumerate(node.args or ()) if fn in (np.multiply, np.divide) else ():
            divides = fn is np.divide
            for part in _parts(arg) if operand == 1 or not divides else ():
                known[id(part), divides, node] = (part, replay.value(part), divides, node)
    return list(known.values())


def _parts(factor: Any) -> list[Any]:
    """A factor that is an array, and those that it is a product of, as 0.5 * z and -beta are."""
    if isinstance(factor, np.ndarray):
        return [factor]
    if type(factor) is not Node:
        return []
    product = factor.op is not None and factor.op.fn in (np.multiply, np.negative)
    inside = [part for arg in (factor.args or () if product else ()) for part in _parts(arg)]
    return [factor, *(part for part in inside if np.ndim(part.value if type(part) is Node else part))]


def _spread(value: Array, shape: tuple[int, ...]) -> Array | None:
    """A value of a shape, by broadcasting, or of one number for each sample."""
    if np.ndim(value) < len(shape) and np.shape(value) == shape[: np.ndim(value)] and np.ndim(value):
        value = np.reshape(value, np.shape(value) + (1,) * (len(shape) - np.ndim(value)))
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        return None
