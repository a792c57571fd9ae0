"""The reverse pass of a loss in float64, with what the judge of hand derivations asks about it.

Values are those recorded, so that what a mistake would give is known to the last digits.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.backward import check_unwritten
from autograd.core.node import Node, topological
from autograd.program.reverse import (
    Array,
    Change,
    Changes,
    Gradients,
    Link,
    ReversePass,
    RuleLines,
    contribution,
)

_ROUNDED = 1e-5  # of a gradient, what rounded values leave of a contribution that is 0
_ROUNDINGS = 16  # and how many times the rounding of what cancels


class Replay(ReversePass):
    """The reverse pass, with the true gradients.

    Attributes:
        truth: the gradient of every node.
    """

    def __init__(self, loss: Node) -> None:
        super().__init__(loss)
        for node in self.nodes:
            check_unwritten(node)
        self._values: dict[Node, Array] = {}
        self._arguments: dict[Node, tuple[Any, ...]] = {}
        self._lines: dict[Link, RuleLines] = {}
        self._true: dict[Link, Array] = {}
        self._positions = {node: k for k, node in enumerate(self.nodes)}
        self.truth = self.accumulate({loss: np.ones_like(self.value(loss))}, self._remembered)
        self._shifts = {link for link in self._true if self._is_a_shift(link)}

    # The pass

    def _remembered(self, link: Link, g: Array) -> Array:
        self._true[link] = self.pull(link, g)
        return self._true[link]

    def pull(self, link: Link, g: Array, y: Any = None, args: tuple[Any, ...] | None = None) -> Array:
        """The contribution of a link, perhaps with other values in its rule."""
        node = link.node
        y = self.value(node) if y is None else y
        args = self.arguments(node) if args is None else args
        return contribution(link, g, y, args, node.kwargs, link.source.shape)

    def run(
        self,
        changes: Changes,
        given: Mapping[Node, Array] | None = None,
        only: Node | None = None,
        *,
        through_shifts: bool = False,
    ) -> Gradients:
        """The gradients with some links and nodes changed, or with some gradients taken as given.

        With `only`, no more is computed than that node's gradient asks for. A maximum that is subtracted for safety
        counts as constant, unless gradients are to go on `through_shifts`.
        """
        frozen = () if through_shifts else self._shifts
        return self.rerun(self.truth, self._true, self.pull, changes, given or {}, frozen, only)

    def contribution(self, link: Link) -> Array:
        """What a link contributes truly."""
        return self._true[link]

    def lines(self, link: Link) -> RuleLines:
        """The rule of a link as lines."""
        if link not in self._lines:
            node = link.node
            self._lines[link] = RuleLines(link, self.truth[node], self.value(node), self.arguments(node))
        return self._lines[link]

    # Values

    def value(self, arg: Any) -> Any:
        """The value of a node, or a constant, in float64."""
        if type(arg) is not Node:
            return _in_double(arg)
        if arg not in self._values:
            self._values[arg] = _in_double(arg.value)
        return self._values[arg]

    def arguments(self, node: Node) -> tuple[Any, ...]:
        """The operation's own arguments, in float64."""
        if node not in self._arguments:
            self._arguments[node] = tuple(self.value(arg) for arg in node.args or ())
        return self._arguments[node]

    def paired(self, node: Node) -> list[tuple[Any, Any]]:
        """Each argument with its value."""
        return list(zip(node.args or (), self.arguments(node), strict=True))

    def replaced(self, node: Node, old: Any, new: Any) -> tuple[Any, ...]:
        """The arguments of an operation with another value for one of them."""
        return tuple(new if arg is old else value for arg, value in self.paired(node))

    @cached_property
    def forward_values(self) -> list[tuple[Any, Array]]:
        """All nodes of the program and its constant arrays of floats, each with its value."""
        values: dict[Any, tuple[Any, Array]] = {}
        for node in self.nodes:
            for arg in (node, *(node.args or ())):
                constant = isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
                if constant or type(arg) is Node:
                    values.setdefault(id(arg) if constant else arg, (arg, self.value(arg)))
        return list(values.values())

    # Other values in all rules

    def revalued(
        self,
        compute: Callable[[Node, tuple[Any, ...]], Any],
        constant: Callable[[Any], Any],
        arriving: Callable[[Array], Array] = lambda g: g,
    ) -> Changes:
        """The changes that put other values into all rules.

        Args:
            compute: the value of a node, given the values of its arguments.
            constant: the value of an argument that is no node.
            arriving: what becomes of the gradient that arrives at a rule.
        """
        values: dict[Node, Any] = {}
        changes: dict[Any, Change] = {}

        def pulled(link: Link, y: Any, args: tuple[Any, ...], g: Array, _: Gradients) -> Array:
            return self.pull(link, arriving(g), y, args)

        for node in topological([self.loss], constants=True):
            args = tuple(values[arg] if type(arg) is Node else constant(arg) for arg in node.args or ())
            values[node] = compute(node, args)
            for link in self._links.get(node, ()):
                if link not in self._shifts:
                    changes[link] = partial(pulled, link, values[node], args)
        return changes

    def recomputed(self, leaves: Mapping[Node, Array]) -> Changes:
        """The changes that compute all values anew from other leaves."""

        def compute(node: Node, args: tuple[Any, ...]) -> Any:
            if node.op is None:
                return leaves.get(node, self.value(node))
            return node.op.on_any_array(*args, **node.kwargs)

        return self.revalued(compute, _in_double)

    def conditioning(self, step: float = 1e-7) -> dict[Node, float]:
        """How far rounding moves each gradient: the change a relative change of everything makes, over that change.

        Sums that cancel move far: at a minimum the gradient is rounding error alone. Every value and every
        gradient on the way is moved at random by `step`, equal numbers alike: a tie is no rounding error.
        """

        def moved(value: Any) -> Any:
            if isinstance(value, (np.ndarray, float, np.floating)) and np.asarray(value).dtype.kind == "f":
                return value * (1 + step * _scattered(np.asarray(value, dtype=np.float64)))
            return value

        with np.errstate(all="ignore"):
            near = self.run(
                self.revalued(lambda node, _: moved(self.value(node)), lambda arg: moved(_in_double(arg)), moved)
            )
        return {node: float(np.linalg.norm(np.nan_to_num(near[node] - g))) / step for node, g in self.truth.items()}

    def recorded_error(self) -> dict[Node, float]:
        """How far each gradient is from that of values computed in float64 from the same parameters and data.

        Of 1 - p, where p is close to 1, float32 leaves few digits, and those who write p - y never lose them. Where an
        operation chooses, it chooses as recorded: another branch is no rounding error.
        """

        def compute(node: Node, args: tuple[Any, ...]) -> Any:
            if node.op is None or (node.op.ties and node.op.fn is not np.power):
                return self.value(node)
            return node.op.on_any_array(*args, **node.kwargs)

        with np.errstate(all="ignore"):
            exact = self.run(self.revalued(compute, _in_double))
        return {node: float(np.linalg.norm(np.nan_to_num(exact[node] - g))) for node, g in self.truth.items()}

    def in_single(self) -> Gradients:
        """The gradients as arithmetic in float32 gives them, all through."""

        def compute(node: Node, args: tuple[Any, ...]) -> Any:
            return _in_single(node.value if node.op is None else node.op.on_any_array(*args, **node.kwargs))

        with np.errstate(all="ignore"):
            return self.run(self.revalued(compute, lambda arg: _in_single(_in_double(arg)), _in_single))

    # What is special

    @property
    def has_shifts(self) -> bool:
        """Whether a maximum is subtracted for safety somewhere."""
        return bool(self._shifts)

    def _is_a_shift(self, link: Link) -> bool:
        """Whether a maximum is only subtracted for safety, as before a softmax: it counts as constant."""
        if link.node.op.role != "extreme" or len(self.uses[link.source]) < 2:
            return False
        size = float(np.linalg.norm(self.truth[link.source]))
        # Beside a confident prediction, 1 - p, what rounded values leave is large: it is small beside what cancels.
        parts = [self._true[far] for use in self.uses[link.node] for far in self.uses[use.node] if far in self._true]
        eps = float(np.finfo(link.node.value.dtype).eps) if np.asarray(link.node.value).dtype.kind == "f" else 0.0
        cancelled = _ROUNDINGS * eps * float(np.sqrt(sum(np.sum(np.square(part)) for part in parts)))
        return float(np.linalg.norm(self._true[link])) <= max(_ROUNDED * size, cancelled)

    @cached_property
    def penalties(self) -> set[Node]:
        """The nodes that depend on parameters alone, and meet the data only in sums of single numbers.

        A penalty is a sum of powers or sizes: what has a product or an activation in it is another part of the loss.
        """
        data: set[Node] = set()
        other: set[Node] = set()
        for node in topological([self.loss], constants=True):
            if node.op is None:
                if not node.requires_grad and node.size > 1:
                    data.add(node)
                continue
            if node.op.role in ("product", "activation") or node.op.fn in (np.exp, np.log):
                other.add(node)
            for arg in node.args or ():
                if arg in data if type(arg) is Node else isinstance(arg, np.ndarray) and arg.size > 1:
                    data.add(node)
                if type(arg) is Node and arg in other:
                    other.add(node)
        of_the_data, penalties = data | other, set[Node]()
        for node in reversed(self.nodes) if data else ():
            users = [link.node for link in self.uses[node]]
            apart = all(user in penalties or user.size == 1 for user in users)
            if node.op is not None and node not in of_the_data and node is not self.loss and apart:
                penalties.add(node)
        return penalties

    # Where things stand: in loops, and relative to each other

    def position(self, node: Node) -> int:
        """Where a node stands in the program; 0 for what needs no gradient."""
        return self._positions.get(node, 0)

    @cached_property
    def repeated(self) -> list[list[Link]]:
        """Uses of a parameter that are alike, as those in the steps of a loop, in the order of the program."""
        repeated: list[list[Link]] = []
        for leaf in self.nodes:
            alike: dict[tuple[str, int], list[Link]] = {}
            for link in self.uses[leaf] if leaf.op is None else ():
                alike.setdefault((link.node.op.name, link.operand), []).append(link)
            repeated += [links for links in alike.values() if len(links) > 1]
        return repeated

    @cached_property
    def _shared(self) -> list[tuple[int, Any]]:
        """Where parameters that are used again and again are used: the order, and which."""
        uses = [
            (link.node.order, (link.source.order, link.operand, link.node.op.name))
            for links in self.repeated
            for link in links
        ]
        return sorted(uses)

    def step_place(self, place: Link | Node) -> Any:
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
        users: dict[int, list[tuple[Node, int]]] = {}
        for node in self.nodes:
            for operand, arg in enumerate(node.args or ()):
                if type(arg) is Node or isinstance(arg, np.ndarray):
                    users.setdefault(id(arg), []).append((node, operand))
        return users

    def relation(self, node: Node, other: Any) -> Any:
        """Where another value stands as seen from an operation: equal in each step of a loop, and in each layer."""
        uses = self._users.get(id(other), [])
        if not uses:
            return "made", getattr(other, "order", 0) - node.order
        user, operand = min(uses, key=lambda use: abs(use[0].order - node.order))
        return "used", user.order - node.order, operand


def _scattered(value: Array) -> Array:
    """A number from -1 to 1 for every number, by Fibonacci hashing of its bits (Knuth, TAOCP 3, section 6.4)."""
    bits = np.atleast_1d(value).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    scattered: Array = (bits >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1
    return scattered.reshape(np.shape(value))


def _in_single(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype == np.float64:
        return value.astype(np.float32)
    return value


def _in_double(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f" and value.dtype != np.float64:
        return value.astype(np.float64)
    return value
