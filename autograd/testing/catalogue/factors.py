"""Wrong factors: of one gradient, of one contribution to it, or of the same product in all layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Gradients, Link
from autograd.testing.catalogue.fit import Fit, coefficient, number
from autograd.testing.catalogue.mistake import Mistake
from autograd.testing.catalogue.sizes import as_size
from autograd.testing.replay import Replay

Place = Link | Node
_MANY = 400  # arrays times places; beyond that no arrays are tried as factors
_NOTHING = 1e-9  # a factor below this is what rounding leaves of zero
_USES = 4  # uses of a value, of which several may have a factor in common
_BEYOND = {"node": 0.0, "link": 0.1, "links": 0.2, "all": 0.3}  # how much more far-fetched than one whole gradient


def factors(fit: Fit, sites: set[Node]) -> Iterator[Mistake]:
    """A factor at each place from which the wrong gradient nearest the loss is reached."""
    for key, places in _places(fit, sites).items():
        yield from _factor(fit, key, places)


def _places(fit: Fit, sites: set[Node]) -> Mapping[Any, list[Place]]:
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
            if link.node.op.role == "product" or node.op is None:
                alike.setdefault(("all", link.node.op.name, link.operand), []).append(link)
    leaves = [node for node in fit.hand if node.op is None]
    if len(leaves) > 1 and not any(node.op is None for node in fit.right):
        groups["all", "parameters", 0] = list(leaves)
    return groups | {key: places for key, places in alike.items() if len(places) > 1}


def _factor(fit: Fit, key: Any, places: list[Place]) -> Iterator[Mistake]:
    doubled = fit.run({place: times(fit.replay, place, 2.0) for place in places})
    effect = {node: doubled[node] - fit.base[node] for node in fit.hand if node in doubled}
    wrong = [node for node in fit.hand if node in effect and np.any(effect[node])]
    if fit.first not in wrong:
        return
    together = 1 + coefficient([(fit.hand[node] - fit.base[node], effect[node]) for node in wrong])
    alone = 1 + coefficient([(fit.hand[fit.first] - fit.base[fit.first], effect[fit.first])])
    for value in {together, alone}:
        if np.isfinite(value) and abs(value - 1) >= 1e-9:
            yield _mistake(fit, key, places, value if abs(value) > _NOTHING else 0.0)


def _mistake(fit: Fit, key: Any, places: list[Place], value: float) -> Mistake:
    reason = as_size(value, fit.sizes)
    value = reason.factor if reason else value
    cost = 3.0 if reason is None or reason.weak else 1.0 if reason.plain else 1.3
    if value == 0:  # what cancels to rounding error is less likely another slip than what is just zero
        cost = 1.2 if key[0] == "node" and places[0] is fit.first and np.any(fit.hand[fit.first]) else 1.6
    else:
        cost += _BEYOND[key[0]]
    nearest = max((place.source if isinstance(place, Link) else place for place in places), key=lambda node: node.order)
    users = [place.node if isinstance(place, Link) else place for place in places]
    penalty = all(user in fit.replay.penalties for user in users)
    what = "the contribution to {g} by way of {user}" if key[0] == "link" else "{g}"
    if key[0] == "links":
        ways = " and ".join(f"{{user{k}}}" for k in range(len(dict.fromkeys(users))))
        told = f"what comes to {{g}} by way of {ways} is {number(value)} times what it should be"
        told = told if value else f"the contributions to {{g}} by way of {ways} are left out"
    else:
        told = f"{what} is {number(value)} times what it should be" if value else f"{what} is left at zero"
    update = len(places) == 1 and nearest.op is None and -1 < value < 0 and float(f"{value:.1g}") == round(value, 9)
    if reason is not None and reason.words and value and (reason.plain or not update):
        told += f": {reason.words}"
    if update:
        told += f"; it is the update at a learning rate of {-value:g}, not the gradient"
    if key[0] == "all":
        told += ", in all parameters alike" if key[1] == "parameters" else ", in all layers alike"
    return Mistake(
        "regulariser" if penalty else "scale" if value else "missing-term",
        {place: times(fit.replay, place, value) for place in places},
        cost + 1e-3 * fit.replay.position(nearest) / len(fit.replay.nodes),
        f"in the penalty, {told}" if penalty else told,
        ("scale", key, round(value, 9)),
        nearest,
        nearest,
        value,
        details={**(reason.arrays if reason else {}), "user": users[0], **_numbered(users)},
        free=int(value != 0 and not update and (reason is None or reason.weak)),
    )


def _numbered(users: list[Node]) -> dict[str, Node]:
    return {f"user{k}": user for k, user in enumerate(dict.fromkeys(users))}


def times(replay: Replay, place: Place, factor: float | Array) -> Callable[[Array, Gradients], Array]:
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
        direct = {place.node} if isinstance(place, Link) else {link.node for link in fit.replay.uses[place]}
        shape = np.shape(place.source.value if isinstance(place, Link) else place.value)
        # What the gradient is multiplied by on its way to here; a place is not behind its own operation.
        ways = fit.replay.behind(place.node) if isinstance(place, Link) else fit.replay.behind(place)[:-1]
        for of, value, divides, node in values:
            if len(values) * len(sites) > _MANY and node not in direct:
                continue
            factor = _spread(value, shape) if node in ways else None
            if factor is None or not np.all(factor):
                continue
            wanted = factor if divides else 1 / factor
            yield Mistake(
                "missing-derivative",
                {place: times(fit.replay, place, wanted)},
                1.6 + 0.05 * isinstance(place, Link),
                f"the {'division by' if divides else 'factor'} {{value}} is left out of {{g}}",
                ("tensor factor", key),
                place.source if isinstance(place, Link) else place,
                of,
            )


def _factors_of(replay: Replay) -> list[tuple[Any, Array, bool, Node]]:
    """What the program multiplies or divides by: the node or constant, its value, whether it divides, and where."""
    found: dict[tuple[int, bool, Node], tuple[Any, Array, bool, Node]] = {}
    for node in replay.nodes:
        if node.op is not None and node.op.name in ("np.sqrt", "np.linalg.norm"):  # their derivatives divide by them
            found[id(node), True, node] = (node, replay.value(node), True, node)
        if node.op is None or node.op.name not in ("np.multiply", "np.divide"):
            continue
        for operand, arg in enumerate(node.args or ()):
            divides = node.op.name == "np.divide" and operand == 1
            for part in _parts(arg):
                if divides or node.op.name == "np.multiply":
                    found[id(part), divides, node] = (part, replay.value(part), divides, node)
    return list(found.values())


def _parts(factor: Any) -> list[Any]:
    """A factor that is an array, and those that it is a product of, as 0.5 * z and -beta are."""
    if not (type(factor) is Node or isinstance(factor, np.ndarray)):
        return []
    args = factor.args or () if type(factor) is Node and factor.op is not None else ()
    product = type(factor) is Node and factor.op is not None and factor.op.name in ("np.multiply", "np.negative")
    inside = [part for arg in args if product for part in _parts(arg)]
    return [factor, *(part for part in inside if np.ndim(part.value if type(part) is Node else part))]


def _spread(value: Array, shape: tuple[int, ...]) -> Array | None:
    """A value of a shape, by broadcasting, or of one number for each sample."""
    if np.ndim(value) < len(shape) and np.shape(value) == shape[: np.ndim(value)] and np.ndim(value):
        value = np.reshape(value, np.shape(value) + (1,) * (len(shape) - np.ndim(value)))
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        return None
