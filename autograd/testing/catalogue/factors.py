"""Wrong factors: of one gradient, of one contribution to it, or of the same product in all layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd.graph import Node
from autograd.testing.catalogue.fit import Fit, coefficient, number
from autograd.testing.catalogue.mistake import PRODUCTS, Mistake
from autograd.testing.catalogue.sizes import as_size
from autograd.testing.replay import Array, Gradients, Link, Replay

Place = Link | Node
_BEYOND = {"node": 0.0, "link": 0.1, "all": 0.3}  # how much more far-fetched than one whole gradient


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
        for link in uses:
            if len(uses) > 1:  # else it is the same as its node
                groups["link", link] = [link]
            if link.node.op.name in PRODUCTS or node.op is None:
                alike.setdefault(("all", link.node.op.name, link.operand), []).append(link)
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
            yield _mistake(fit, key, places, value)


def _mistake(fit: Fit, key: Any, places: list[Place], value: float) -> Mistake:
    reason = as_size(value, fit.sizes)
    value = reason.factor if reason else value
    cost = 3.0 if reason is None or reason.weak else 1.0 if reason.plain else 1.3
    cost = 1.6 if value == 0 else cost + _BEYOND[key[0]]
    nearest = max((place.source if isinstance(place, Link) else place for place in places), key=lambda node: node.order)
    users = [place.node if isinstance(place, Link) else place for place in places]
    penalty = all(user in fit.replay.penalties for user in users)
    told = f"{{g}} is {number(value)} times what it should be" if value else "{g} is left at zero"
    update = len(places) == 1 and nearest.op is None and -1 < value < 0 and float(f"{value:.1g}") == round(value, 9)
    if reason is not None and reason.words and value and (reason.plain or not update):
        told += f": {reason.words}"
    if update:
        told += f"; it is the update at a learning rate of {-value:g}, not the gradient"
    if key[0] == "all":
        told += ", in all layers alike"
    return Mistake(
        "regulariser" if penalty else "scale" if value else "missing-term",
        {place: times(fit.replay, place, value) for place in places},
        cost + 1e-3 * fit.replay.position(nearest) / len(fit.replay.nodes),
        f"in the penalty, {told}" if penalty else told,
        ("scale", key, round(value, 9)),
        nearest,
        nearest,
        value,
        details=reason.arrays if reason else {},
        free=int(value != 0 and not update and (reason is None or reason.weak)),
    )


def times(replay: Replay, place: Place, factor: float) -> Callable[[Array, Gradients], Array]:
    """The change that multiplies a contribution, or a whole gradient."""
    if isinstance(place, Link):
        return lambda g, _: factor * replay.pull(place, g)
    return lambda g, _: factor * g
