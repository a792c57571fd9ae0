"""Mistakes with a free number in them: a factor, a rate, the coefficient of a penalty, found by least squares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from autograd.graph import Node
from autograd.testing.mistakes import PRODUCTS, Mistake
from autograd.testing.replay import Array, Gradients, Link, Replay

_LARGE = 200  # nodes; a graph beyond that is not recomputed to look for rare mistakes
Run = Callable[[Mapping[Any, Any]], Gradients]


class Fit:
    """What is to be explained: hand gradients that differ from the predicted ones.

    Args:
        replay: the reverse pass.
        run: the gradients with given changes, and those of mistakes found before.
        hand: the hand gradients that are not yet explained, the one nearest the loss first.
    """

    def __init__(self, replay: Replay, run: Run, hand: Mapping[Node, Array]) -> None:
        self.replay, self.run, self.hand = replay, run, hand
        self.base = run({})
        self.first = next(iter(hand))

    def found(self, sites: set[Node]) -> Iterator[Mistake]:
        """Mistakes with a number that fits the gradient nearest the loss, for the sites that reach it."""
        yield from self._factors(sites)
        yield from self._stale()
        yield from self._penalties()

    def nice(self, factor: float) -> tuple[float, str] | None:
        """A factor in terms of the graph's sizes."""
        return as_size(factor, sizes(self.replay)) if abs(factor - 1) > 1e-9 else None

    # Factors

    def _factors(self, sites: set[Node]) -> Iterator[Mistake]:
        sized = sizes(self.replay)
        groups: dict[Any, list[Link | Node]] = {}
        for node in self.replay.nodes:
            if node in sites and node in self.base:
                groups["node", node] = [node]
                for link in self.replay.uses[node]:
                    groups["link", link] = [link]
                    if link.node.op.name in PRODUCTS or node.op is None:
                        groups.setdefault(("all", link.node.op.name, link.operand), []).append(link)
        for key, places in groups.items():
            if key[0] == "link" and len(self.replay.uses[places[0].source]) == 1:  # type: ignore[union-attr]
                continue  # the same as its node
            if key[0] == "all" and len(places) < 2:
                continue
            yield from self._factor(key, places, sized)

    def _factor(self, key: Any, places: list[Link | Node], sized: Mapping[float, str]) -> Iterator[Mistake]:
        doubled = self.run({place: self._times(place, 2.0) for place in places})
        effect = {node: doubled[node] - self.base[node] for node in self.hand if node in doubled}
        wrong = [node for node in self.hand if node in effect and np.any(effect[node])]
        if self.first not in wrong:
            return
        factor = 1 + _coefficient([(self.hand[n] - self.base[n], effect[n]) for n in wrong])
        alone = 1 + _coefficient([(self.hand[self.first] - self.base[self.first], effect[self.first])])
        nearest = max((p.source if isinstance(p, Link) else p for p in places), key=lambda node: node.order)
        for value in {factor, alone}:
            if not np.isfinite(value) or abs(value - 1) < 1e-9:
                continue
            exact = as_size(value, sized)
            value = exact[0] if exact else value
            cost = (1.0 if exact and "factor" not in exact[1] else 1.3 if exact else 3.0) + (
                0.3 if key[0] == "all" else 0.1 if key[0] == "link" else 0.0
            )
            if value == 0:
                cost = 1.6
            penalty = all((p.node if isinstance(p, Link) else p) in self.replay.penalties for p in places)
            told = f"{{g}} is {_number(value)} times what it should be" + (f": {exact[1]}" if exact else "")
            if key[0] == "all":
                told += ", in all layers alike"
            yield Mistake(
                "regulariser" if penalty else "missing-term" if value == 0 else "scale",
                {place: self._times(place, value) for place in places},
                cost + 1e-6 * nearest.order,
                f"in the penalty, {told}" if penalty else told if value else "{g} is left at zero",
                ("scale", key, round(value, 9)),
                nearest,
                nearest,
                value,
            )

    def _times(self, place: Link | Node, factor: float) -> Any:
        if isinstance(place, Link):
            return lambda g, _: factor * self.replay.pull(place, g)
        return lambda g, _: factor * g

    # Weights that were updated too early

    def _stale(self) -> Iterator[Mistake]:
        links: dict[Node, list[Link]] = {}
        for node in self.replay.nodes:
            weights = [arg for arg in node.args or () if type(arg) is Node and arg.op is None and arg.requires_grad]
            for link in (link for each in self.replay.nodes for link in self.replay.uses[each] if link.node is node):
                for weight in weights:
                    if weight is not link.source:
                        links.setdefault(weight, []).append(link)
        yield from self._too_late()
        alone = [[weight] for weight in links]
        for weights in [*alone, *([list(links)] if len(links) > 1 else [])]:
            rate = self._rate(weights, links)
            if rate is None or rate <= 0:
                continue
            round_rate = abs(rate - float(f"{rate:.1g}")) < 1e-5 * rate
            nearest = max((link.source for weight in weights for link in links[weight]), key=lambda node: node.order)
            yield Mistake(
                "stale-parameter",
                self._updated(weights, links, rate),
                (1.5 if round_rate else 2.0) + 0.1 * (len(weights) > 1),
                f"{{value}} had been updated already, at a rate of {_number(rate)}, when {{g}} was computed",
                ("stale", len(weights)),
                nearest,
                weights[0],
                details={"rate": rate},
            )

    def _too_late(self) -> Iterator[Mistake]:
        """All gradients taken after the step, values and all."""
        leaves = [node for node in self.hand if node.op is None]
        if self.first.op is not None or not leaves or len(self.replay.nodes) > _LARGE:
            return
        truth = self.replay.truth
        steps = {node: truth[node] for node in self.replay.nodes if node.op is None}
        rate = 0.0
        size = max(float(np.max(np.abs(step), initial=0.0)) for step in steps.values())
        h = 1e-5 / size if size else 0.0
        for _ in range(8 if size else 0):
            at, near = (self._after(steps, r) for r in (rate, rate + h))
            rate += _coefficient([(self.hand[node] - at[node], (near[node] - at[node]) / h) for node in leaves])
            if not np.isfinite(rate):
                return
        if rate > 0:
            changes = self._recomputed(steps, rate)
            told = f"all gradients were computed after a step at a rate of {_number(rate)}"
            top = max(leaves, key=lambda node: node.order)
            yield Mistake("stale-parameter", changes, 1.9, told, ("late",), top, top, details={"rate": rate})

    def _recomputed(self, steps: Mapping[Node, Array], rate: float) -> Mapping[Any, Any]:
        return self.replay.recomputed({node: self.replay.value(node) - rate * step for node, step in steps.items()})

    def _after(self, steps: Mapping[Node, Array], rate: float) -> Gradients:
        return self.run(self._recomputed(steps, rate))

    def _updated(self, weights: list[Node], links: Mapping[Node, list[Link]], rate: float) -> dict[Link, Any]:
        changes: dict[Link, Any] = {}
        for weight in weights:
            step = self.hand.get(weight, self.replay.truth.get(weight))
            for link in links[weight]:
                changes[link] = lambda g, _, link=link, weight=weight, step=step: self.replay.pull(
                    link,
                    g,
                    None,
                    tuple(
                        self.replay.value(arg) - rate * step if arg is weight else self.replay.value(arg)
                        for arg in link.node.args or ()
                    ),
                )
        return changes

    def _rate(self, weights: list[Node], links: Mapping[Node, list[Link]]) -> float | None:
        rate, target = 0.0, self.hand[self.first]
        size = max(float(np.max(np.abs(self.replay.truth[weight]), initial=0.0)) for weight in weights)
        if not size:
            return None
        h = 1e-4 / size
        for _ in range(6):
            at = self.run(self._updated(weights, links, rate))[self.first]
            slope = (self.run(self._updated(weights, links, rate + h))[self.first] - at) / h
            if not np.any(np.abs(slope) > 1e-12 * np.max(np.abs(at), initial=0.0)):
                return None
            rate += _coefficient([(target - at, slope)])
            if not np.isfinite(rate):
                return None
        return rate

    # Penalties

    def _penalties(self) -> Iterator[Mistake]:
        leaf = self.first
        if leaf.op is not None:
            return
        w = self.replay.value(leaf)
        own = self._penalty_part(leaf)
        terms = {"the parameter": w, "the parameter's sign": np.sign(w)}
        if own is not None:
            terms = {"its own penalty": own, **terms}
        residual = self.hand[leaf] - self.base[leaf]
        names = list(terms)
        choices = [(name,) for name in names] + list(combinations(names, 2))
        for chosen in choices:
            basis = np.stack([np.ravel(terms[name]) for name in chosen], axis=1)
            if np.linalg.matrix_rank(basis) < len(chosen) or w.size < len(chosen):
                continue
            found = np.linalg.lstsq(basis, np.ravel(residual), rcond=None)[0]
            coefficients = dict(zip(chosen, map(float, found), strict=True))
            yield self._penalty(leaf, coefficients, own is not None)

    def _penalty_part(self, leaf: Node) -> Array | None:
        """What the loss's own penalty contributes to a parameter's gradient."""
        links = [link for link in self.replay.uses[leaf] if link.node in self.replay.penalties]
        if not links:
            return None
        total: Array = sum(self.replay.contribution(link) for link in links)
        return total

    def _penalty(self, leaf: Node, coefficients: Mapping[str, float], has_own: bool) -> Mistake:
        told, cost = _told_penalty(coefficients, has_own)
        known = [value for name, value in self._known_coefficients() if list(coefficients) == [name]]
        if any(abs(coefficients[name] - value) <= 1e-4 * abs(value) for name in coefficients for value in known):
            told, cost = "{g} has the penalty that the loss puts on other parameters only", 0.5
        elif np.size(leaf.value) <= len(coefficients):
            cost += 3.0  # as many unknowns as numbers
        leaves = [leaf]
        others = [
            node
            for node in self.hand
            if node.op is None and node is not leaf and np.ndim(node.value) == np.ndim(leaf.value)
        ]
        if self._fits(others, coefficients):
            leaves += others
        changes = {node: self._added(node, coefficients) for node in leaves}
        evidence = 0.0 if np.size(leaf.value) > 2 * len(coefficients) + 1 else 1.5
        return Mistake("regulariser", changes, cost + evidence, told, ("regulariser", tuple(coefficients)), leaf, leaf)

    def _known_coefficients(self) -> Iterator[tuple[str, float]]:
        """What the loss's penalties multiply other parameters, or their signs, by."""
        for node in self.replay.nodes:
            own = self._penalty_part(node) if node.op is None else None
            if own is None:
                continue
            w = self.replay.value(node)
            for name, term in (("the parameter", w), ("the parameter's sign", np.sign(w))):
                value = _coefficient([(own, term)])
                if np.isfinite(value) and np.allclose(own, value * term, rtol=1e-4):
                    yield name, value

    def _fits(self, nodes: Sequence[Node], coefficients: Mapping[str, float]) -> bool:
        for node in nodes:
            left = self.hand[node] - self._added(node, coefficients)(self.base[node], {})
            if np.linalg.norm(left) > 0.05 * np.linalg.norm(self.hand[node] - self.base[node]):
                return False
        return bool(nodes)

    def _added(self, leaf: Node, coefficients: Mapping[str, float]) -> Any:
        w = self.replay.value(leaf)
        own = self._penalty_part(leaf)
        terms = {"the parameter": w, "the parameter's sign": np.sign(w), "its own penalty": 0.0 if own is None else own}
        extra = sum(coefficient * terms[name] for name, coefficient in coefficients.items())
        return lambda g, _: g + extra


def _told_penalty(coefficients: Mapping[str, float], has_own: bool) -> tuple[str, float]:
    """What a residual says about the penalty, and how plausible that is."""
    if list(coefficients) == ["its own penalty"]:
        factor = 1 + coefficients["its own penalty"]
        words = {
            0.0: "is left out of {g}",
            0.5: "is halved in {g}",
            2.0: "is doubled in {g}",
            -1.0: "has the wrong sign in {g}",
        }
        for value, word in words.items():
            if abs(factor - value) < 1e-6:
                return f"the penalty {word}", 0.9
        return f"the penalty in {{g}} is {_number(factor)} times what it should be", 1.6
    parts = [f"{_number(value)} times {name}" for name, value in coefficients.items() if name != "its own penalty"]
    if "its own penalty" in coefficients and abs(coefficients["its own penalty"] + 1) < 1e-6:
        return f"{{g}} has a penalty of another norm: {parts[0]} in its place", 1.4
    if has_own:
        return f"{{g}} has {' and '.join(parts)} beyond the penalty", 2.2
    return f"{{g}} has a penalty that the loss does not have: {' and '.join(parts)}", 1.7 if len(parts) == 1 else 2.4


def _coefficient(pairs: Sequence[tuple[Array, Array]]) -> float:
    """The number that makes the second of each pair most like the first."""
    above = sum(float(np.sum(a * b)) for a, b in pairs)
    below = sum(float(np.sum(b * b)) for _, b in pairs)
    return above / below if below else float("nan")


def sizes(replay: Replay) -> dict[float, str]:
    """The numbers that a factor may come from, with words for them."""
    found: dict[float, str] = {}
    rows = [np.shape(node.value) for node in replay.nodes if np.ndim(node.value)]
    for node in replay.nodes:
        for arg in node.args or ():
            value = arg.value if type(arg) is Node else arg
            if isinstance(value, np.ndarray):
                rows.append(value.shape)
    for shape in rows:
        for n in shape:
            if n > 1:
                found.setdefault(float(n), f"{n} is the length of an axis")
    for node in replay.nodes:
        if np.size(node.value) > 1 and node.op is not None:
            size = float(np.size(node.value))
            found.setdefault(size, f"{int(size)} is the number of elements of an array of shape {np.shape(node.value)}")
    return found


def as_size(factor: float, sized: Mapping[float, str]) -> tuple[float, str] | None:
    """A factor as a product of a sign, 2 or 1/2, and a size of the graph or its inverse; None where it is none."""
    sign, size = (-1.0 if factor < 0 else 1.0), abs(factor)
    told: list[str] = []
    exact = None
    simple = {
        1.0: "",
        2.0: "the 2 of a square, or a sum counted twice",
        0.5: "the 2 of a square is missing, or halved away",
    }
    for value, words in simple.items():
        if abs(size - value) < 1e-6 * value:
            exact = value
            told.append(words)
    for value, words in sized.items():
        for extra, more in ((1.0, ""), (2.0, ", and a factor of 2"), (0.5, ", and a factor of 1/2")):
            for candidate, verb in (
                (value * extra, "not divided by it"),
                (extra / value, "divided by it once too often"),
            ):
                if abs(size - candidate) < 1e-6 * candidate and (extra == 1.0 or not told):
                    exact = candidate if exact is None else exact
                    told.append(f"{words}, and it is {verb}{more}")
    if exact is None:
        return None
    words = "; or ".join(dict.fromkeys(part for part in told if part))
    if sign < 0:
        words = "the sign is wrong" + (f", and {words}" if words else "")
    return sign * exact, words


def _number(value: float) -> str:
    for n in range(2, 10_000):
        if abs(value * n - 1) < 1e-6:
            return f"1/{n}"
    return f"{value:.6g}"
