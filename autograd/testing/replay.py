"""The reverse pass once more, link by link, with mistakes put into it.

A link is one rule applied: the gradient of an operation's output becomes a contribution to the gradient of one operand.
Values are those recorded, in float64, so that what a mistake would give is known to the last digits.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from autograd.core.backward import check_unwritten
from autograd.core.node import Node, topological
from autograd.core.op import unbroadcast
from autograd.program.backprop import value_function
from autograd.program.program import Line, Var
from autograd.program.trace import Trace

EXTREMES = ("np.max", "np.min", "np.amax", "np.amin")
_ROUNDED = 1e-5  # of a gradient, what rounded values leave of a contribution that is 0
_ROUNDINGS = 16  # and how many times the rounding of what cancels
Array = Any
Gradients = dict[Node, Array]


class Link(NamedTuple):
    """The rule of one operand of one operation."""

    node: Node
    operand: int

    @property
    def source(self) -> Node:
        """The operand's node, which gets the contribution."""
        found: Node = (self.node.args or ())[self.operand]
        return found


# What mistakes do, by where: to the contribution of a link, or to the whole gradient of a node.
Changes = Mapping[Link | Node, Any]


class Replay:
    """The links behind a loss, with the true gradients.

    Attributes:
        nodes: what requires grad, in the order of the program.
        uses: for each node the links that contribute to its gradient.
        truth: the gradient of every node.
        through_shifts: whether a wrong gradient goes on through a maximum that is subtracted for safety.
    """

    def __init__(self, loss: Node) -> None:
        self.loss = loss
        self.nodes = topological([loss])
        for node in self.nodes:
            check_unwritten(node)
        self._values: dict[Node, Array] = {}
        self.uses: dict[Node, list[Link]] = {node: [] for node in self.nodes}
        self._out: dict[Node, list[Link]] = {}
        self._rule: dict[Link, Any] = {}
        self._arguments: dict[Node, tuple[Any, ...]] = {}
        self._behind: dict[Node, set[Node]] = {}
        for node in self.nodes:
            self._out[node] = []
            for operand, (arg, rule) in enumerate(zip(node.args or (), node.op.vjp if node.op else (), strict=False)):
                if type(arg) is Node and arg.requires_grad and rule is not None:
                    link = Link(node, operand)
                    self._rule[link] = rule
                    self._out[node].append(link)
                    self.uses[arg].append(link)
        self._sources = {node: [(link, link.source) for link in links] for node, links in self._out.items()}
        self._positions = {node: k for k, node in enumerate(self.nodes)}
        self.truth, self._true = self._reversed()
        self.through_shifts = False
        self._shifts = {link for links in self.uses.values() for link in links if self._is_a_shift(link)}

    def value(self, arg: Any) -> Any:
        """The value of a node, or a constant, in float64."""
        if type(arg) is not Node:
            return _precise(arg)
        if arg not in self._values:
            self._values[arg] = _precise(arg.value)
        return self._values[arg]

    def _reversed(self) -> tuple[Gradients, dict[Link, Array]]:
        """The reverse pass as it is: all gradients, and what each link contributes."""
        gradients: Gradients = {self.loss: np.ones_like(self.value(self.loss))}
        contributions: dict[Link, Array] = {}
        for node in reversed(self.nodes):
            if node is not self.loss:
                parts = [contributions[link] for link in self.uses[node] if link in contributions]
                if not parts:
                    continue
                gradients[node] = _sum(parts)
            for link in self._out[node]:
                contributions[link] = self.pull(link, gradients[node])
        return gradients, contributions

    @property
    def has_shifts(self) -> bool:
        """Whether a maximum is subtracted for safety somewhere."""
        return bool(self._shifts)

    def _is_a_shift(self, link: Link) -> bool:
        """Whether a maximum is only subtracted for safety, as before a softmax: it counts as constant."""
        if link.node.op.name not in EXTREMES or link not in self._true or len(self.uses[link.source]) < 2:
            return False
        size = float(np.linalg.norm(self.truth[link.source]))
        # Beside a confident prediction, 1 - p, what rounded values leave is large: it is small beside what cancels.
        parts = [self._true[far] for use in self.uses[link.node] for far in self.uses[use.node] if far in self._true]
        eps = float(np.finfo(link.node.value.dtype).eps) if np.asarray(link.node.value).dtype.kind == "f" else 0.0
        cancelled = _ROUNDINGS * eps * float(np.sqrt(sum(np.sum(np.square(part)) for part in parts)))
        return float(np.linalg.norm(self._true[link])) <= max(_ROUNDED * size, cancelled)

    def run(self, changes: Changes, given: Mapping[Node, Array] | None = None, only: Node | None = None) -> Gradients:
        """The gradients with some links and nodes changed, or with some gradients taken as given.

        Only what a change reaches is computed again; with `only`, no more than that node's gradient asks for.
        """
        given = given or {}
        gradients, contributions = dict(self.truth), dict[Link, Array]()
        stop = -1 if only is None else min((self._positions[link.node] for link in self.uses[only]), default=-1)
        wanted = None if only is None else self.behind(only)
        touched = {place.node if isinstance(place, Link) else place for place in (*changes, *given)}
        pending = [-self._positions[node] for node in touched]
        heapify(pending)
        moved: set[Node] = set()
        while pending and -pending[0] >= stop:
            node = self.nodes[-heappop(pending)]
            if node not in self.truth:
                continue
            g = self._gradient(node, changes, given, gradients, contributions, moved)
            for link, source in self._sources[node]:
                if wanted is not None and source not in wanted:
                    continue
                if link in changes:
                    contributions[link] = changes[link](g, gradients)
                elif g is self.truth[node] or (link in self._shifts and not self.through_shifts):
                    continue
                else:
                    contributions[link] = self.pull(link, g)
                if source not in moved:
                    moved.add(source)
                    if source not in touched:
                        heappush(pending, -self._positions[source])
        if only is not None and self._positions[only] < stop and only in self.truth:
            self._gradient(only, changes, given, gradients, contributions, moved)
        return gradients

    def _gradient(
        self,
        node: Node,
        changes: Changes,
        given: Mapping[Node, Array],
        gradients: Gradients,
        contributions: Mapping[Link, Array],
        moved: set[Node],
    ) -> Array:
        """Put the gradient of a node among the others, now that all contributions to it are there."""
        g = self.truth[node]
        if node in moved:
            uses = [link for link in self.uses[node] if link in self._true]
            g = _sum([contributions[link] if link in contributions else self._true[link] for link in uses])
        if node in changes:
            g = changes[node](g, gradients)
        if node in given:
            g = given[node]
        gradients[node] = g
        return g

    def behind(self, node: Node) -> set[Node]:
        """A node and all that its gradient is computed from."""
        found = self._behind.get(node)
        if found is None:
            found = self._behind[node] = {node}
            pending = [node]
            while pending:
                for link in self.uses.get(pending.pop(), ()):
                    if link.node not in found:
                        found.add(link.node)
                        pending.append(link.node)
        return found

    def links(self, node: Node) -> list[Link]:
        """The links from an operation to its operands."""
        return self._out[node]

    def contribution(self, link: Link) -> Array:
        """What a link contributes truly."""
        return self._true[link]

    def pull(self, link: Link, g: Array, y: Any = None, args: tuple[Any, ...] | None = None) -> Array:
        """The contribution of a link, perhaps with other values in its rule."""
        node = link.node
        y = self.value(node) if y is None else y
        args = self.arguments(node) if args is None else args
        d = self._rule[link](g, y, *args, **node.kwargs)
        shape = np.shape(link.source.value)
        return d if np.shape(d) == shape else unbroadcast(d, shape)

    @cached_property
    def forward_values(self) -> list[tuple[Any, Array]]:
        """All nodes of the program and its constant arrays of floats, each with its value."""
        found: dict[Any, tuple[Any, Array]] = {}
        for node in self.nodes:
            for arg in (node, *(node.args or ())):
                constant = isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
                if constant or type(arg) is Node:
                    found.setdefault(id(arg) if constant else arg, (arg, self.value(arg)))
        return list(found.values())

    def position(self, node: Node) -> int:
        """Where a node stands in the program; 0 for what needs no gradient."""
        return self._positions.get(node, 0)

    @cached_property
    def repeated(self) -> list[list[Link]]:
        """Uses of a parameter that are alike, as those in the steps of a loop, in the order of the program."""
        found: list[list[Link]] = []
        for leaf in self.nodes:
            alike: dict[tuple[str, int], list[Link]] = {}
            for link in self.uses[leaf] if leaf.op is None else ():
                alike.setdefault((link.node.op.name, link.operand), []).append(link)
            found += [sorted(links, key=lambda link: link.node.order) for links in alike.values() if len(links) > 1]
        return found

    @cached_property
    def _shared(self) -> list[tuple[int, Any]]:
        """Where parameters that are used again and again are used: the order, and which."""
        uses = [
            (link.node.order, (link.source.order, link.operand, link.node.op.name))
            for links in self.repeated
            for link in links
        ]
        return sorted(uses)

    def role(self, place: Link | Node) -> Any:
        """What a place is within a step of a loop: how far it is after the last use of a shared parameter."""
        node, operand = (place.node, place.operand) if isinstance(place, Link) else (place, -1)
        before = bisect(self._shared, node.order, key=lambda use: use[0])
        if not before:
            return None
        order, use = self._shared[before - 1]
        return use, node.order - order, operand

    @cached_property
    def _users(self) -> dict[int, list[tuple[Node, int]]]:
        """For each value, by identity, the operations that use it, and as which operand."""
        found: dict[int, list[tuple[Node, int]]] = {}
        for node in self.nodes:
            for operand, arg in enumerate(node.args or ()):
                if type(arg) is Node or isinstance(arg, np.ndarray):
                    found.setdefault(id(arg), []).append((node, operand))
        return found

    def relation(self, node: Node, other: Any) -> Any:
        """Where another value stands as seen from an operation: equal in each step of a loop, and in each layer."""
        uses = self._users.get(id(other), [])
        if not uses:
            return "made", getattr(other, "order", 0) - node.order
        user, operand = min(uses, key=lambda use: abs(use[0].order - node.order))
        return "used", user.order - node.order, operand

    def rule(self, link: Link) -> Any:
        """The function that makes the contribution."""
        return self._rule[link]

    def arguments(self, node: Node) -> tuple[Any, ...]:
        """The operation's own arguments, in float64."""
        found = self._arguments.get(node)
        if found is None:
            found = self._arguments[node] = tuple(self.value(arg) for arg in node.args or ())
        return found

    def written(self, link: Link) -> Written:
        """The rule of a link as lines."""
        return Written(self, link)

    def conditioning(self, step: float = 1e-7) -> dict[Node, float]:
        """How far rounding moves each gradient: the change a relative change of everything makes, over that change.

        Sums that cancel move far: at a minimum the gradient is rounding error alone. Every value and every
        gradient on the way is moved at random by `step`, equal numbers alike: a tie is no rounding error.
        """

        def moved(value: Any) -> Any:
            if isinstance(value, (np.ndarray, float, np.floating)) and np.asarray(value).dtype.kind == "f":
                return value * (1 + step * _scattered(np.asarray(value, dtype=np.float64)))
            return value

        values = {node: moved(self.value(node)) for node in topological([self.loss], constants=True)}
        changes: dict[Link | Node, Any] = {}
        for links in self.uses.values():
            for link in links:
                if link in self._shifts:
                    continue
                args = tuple(values[arg] if type(arg) is Node else moved(_precise(arg)) for arg in link.node.args or ())
                changes[link] = lambda g, _, link=link, args=args: self.pull(link, moved(g), values[link.node], args)
        with np.errstate(all="ignore"):
            found = self.run(changes)
        return {node: float(np.linalg.norm(np.nan_to_num(found[node] - g))) / step for node, g in self.truth.items()}

    def recorded_error(self) -> dict[Node, float]:
        """How far each gradient is from that of values computed in float64 from the same parameters and data.

        Of 1 - p, where p is close to 1, float32 leaves few digits, and those who write p - y never lose them. Where an
        operation chooses, it chooses as recorded: another branch is no rounding error.
        """
        values: dict[Node, Any] = {}
        changes: dict[Link | Node, Any] = {}
        with np.errstate(all="ignore"):
            for node in topological([self.loss], constants=True):
                args = self.arguments(node)
                if node.op is None or (node.op.ties and node.op.name != "np.power"):
                    values[node] = self.value(node)
                else:
                    args = tuple(values[arg] if type(arg) is Node else _precise(arg) for arg in node.args or ())
                    values[node] = value_function(node.op)(*args, **node.kwargs)
                for link in self._out.get(node, ()):
                    if link not in self._shifts:
                        y = values[node]
                        changes[link] = lambda g, _, link=link, y=y, args=args: self.pull(link, g, y, args)
            found = self.run(changes)
        return {node: float(np.linalg.norm(np.nan_to_num(found[node] - g))) for node, g in self.truth.items()}

    def in_single(self) -> Gradients:
        """The gradients as arithmetic in float32 gives them, all through."""
        values: dict[Node, Any] = {}
        changes: dict[Link | Node, Any] = {}
        for node in topological([self.loss], constants=True):
            args = tuple(values[arg] if type(arg) is Node else _single(_precise(arg)) for arg in node.args or ())
            y = node.value if node.op is None else value_function(node.op)(*args, **node.kwargs)
            values[node] = _single(y)
            for link in self._out.get(node, ()):
                if link not in self._shifts:
                    y = values[node]
                    changes[link] = lambda g, _, link=link, y=y, args=args: self.pull(link, _single(g), y, args)
        return self.run(changes)

    @cached_property
    def penalties(self) -> set[Node]:
        """The nodes that depend on parameters alone, and meet the data only in sums of single numbers."""
        data: set[Node] = set()
        for node in topological([self.loss], constants=True):
            if node.op is None:
                if not node.requires_grad and np.size(node.value) > 1:
                    data.add(node)
                continue
            for arg in node.args or ():
                if arg in data if type(arg) is Node else isinstance(arg, np.ndarray) and arg.size > 1:
                    data.add(node)
        found: set[Node] = set()
        for node in reversed(self.nodes) if data else ():
            users = [link.node for link in self.uses[node]]
            apart = all(user in found or np.size(user.value) == 1 for user in users)
            if node.op is not None and node not in data and node is not self.loss and apart:
                found.add(node)
        return found

    def recomputed(self, leaves: Mapping[Node, Array]) -> Changes:
        """The links with all values computed anew from other leaves."""
        values: dict[Node, Any] = dict(leaves)
        changes: dict[Link | Node, Any] = {}
        for node in self.nodes:
            if node.op is None:
                continue
            args = tuple(
                values.get(arg, self.value(arg)) if type(arg) is Node else _precise(arg) for arg in node.args or ()
            )
            values[node] = value_function(node.op)(*args, **node.kwargs)
            for link in self._out[node]:
                changes[link] = lambda g, _, link=link, y=values[node], args=args: self.pull(link, g, y, args)
        return changes


class Written:
    """A rule written out: the lines that NumPy was asked for, from the gradient to the contribution."""

    def __init__(self, replay: Replay, link: Link) -> None:
        trace = Trace()
        node = link.node
        g = trace.input(replay.truth[node], "g")
        inputs = {}
        args = []
        for arg in node.args or ():
            value = replay.value(arg)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                made = trace.input(value)
                inputs[made.var] = value
                args.append(made)
            else:
                args.append(value)
        y = trace.input(replay.value(node), "y")
        inputs[y.var] = y.value
        d = replay.rule(link)(g, y, *args, **node.kwargs)
        shape = np.shape(link.source.value)
        if d.shape != shape:
            d = unbroadcast(d, shape)
        self._inputs, self._g, self._d = inputs, g.var, getattr(d, "var", None)
        self.lines: list[Line] = trace.lines if self._d is not None else []
        self.shape = shape

    def run(self, g: Array, position: int, change: Callable[[Line, Mapping[Var, Any]], Any]) -> Array | None:
        """The contribution with the line at `position` computed by `change`; None where shapes do not fit."""
        values: dict[Var, Any] = {**self._inputs, self._g: g}
        try:
            for k, line in enumerate(self.lines):
                values[line.target] = change(line, values) if k == position else line.compute(values)
        except (ValueError, IndexError, TypeError):
            return None
        d = values[self._d]  # type: ignore[index]
        return d if np.shape(d) == self.shape else None


def _sum(parts: list[Array]) -> Array:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _scattered(value: Array) -> Array:
    """A number from -1 to 1 for every number, by Fibonacci hashing of its bits (Knuth, TAOCP 3, section 6.4)."""
    bits = np.atleast_1d(value).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    found: Array = (bits >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1
    return found.reshape(np.shape(value))


def _single(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype == np.float64:
        return value.astype(np.float32)
    return value


def _precise(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f" and value.dtype != np.float64:
        return value.astype(np.float64)
    return value
