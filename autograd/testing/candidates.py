"""What the values of a unit may have to be: true gradients, in the order and shape of the author's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Var
from autograd.testing.known import Unit
from autograd.testing.reader import stem
from autograd.testing.recording import Recording
from autograd.testing.truth import Truth, arrangements

Array = np.ndarray[Any, np.dtype[Any]]


class Candidates:
    """The true gradients that a unit may have been meant to give.

    Args:
        recording: of the run.
        truth: of its loss.
        names: how values are called.
    """

    def __init__(self, recording: Recording, truth: Truth, names: Mapping[Var, str]) -> None:
        self._recording, self._truth, self._names = recording, truth, names

    def of(self, unit: Unit) -> Iterator[tuple[list[Node | None], list[Any]]]:
        """What the values of a unit may have to be."""
        if len(unit.values) != 1:
            yield from self._of_groups(unit)
            return
        (var,) = unit.values
        shape, size = np.shape(var.value), np.size(var.value)
        for end in [end for end in unit.reach if end.var is var][-1:]:  # it is given back as a gradient
            g = self._truth.gradient(end.node)
            yield [end.node], [g.reshape(shape) if size == end.node.value.size else g]
        for node in self._by_name(var):
            for right in self._arranged(node, var):
                yield [node], [right]
        for contribution in self._truth.contributions:
            if contribution.size == size > 1:
                for right in arrangements(contribution, shape):
                    yield [None], [right]

    def _by_name(self, var: Var) -> list[Node]:
        """The nodes, those first that are called like the value."""
        own = stem(self._names.get(var, "")).lower()
        nodes = [node for node, _ in self._truth.gradients if node is not self._truth.loss._node]

        def rank(node: Node) -> tuple[bool, bool, int]:
            name = str(node.get("name") or "")
            return not own or stem(name).lower() != own, not name, -node.order

        return sorted(nodes, key=rank)

    def _arranged(self, node: Node, var: Var) -> Iterator[Array]:
        """A true gradient in the shape of a value, and in its own where that has another number of elements."""
        true, shape = self._truth.gradient(node), np.shape(var.value)
        if true.size == np.size(var.value):
            yield from arrangements(true, shape)
        elif (
            1 < true.size < np.size(var.value)
            and np.size(var.value) % true.size == 0
            and not np.all(true == true.flat[0])
        ):
            yield true
            if true.ndim == 1 or 1 in true.shape:
                yield true.reshape(-1, 1)
                yield true.reshape(1, -1)

    def _of_groups(self, unit: Unit) -> Iterator[tuple[list[Node | None], list[Any]]]:
        """Of an expression in a loop: the gradients of what another expression in a loop gave, or rows of one."""
        count = len(unit.values)
        for group in self._node_groups:
            for start in range(len(group) - count + 1):
                for nodes in (group[start : start + count], group[start : start + count][::-1]):
                    rights = [
                        next(self._arranged(node, var), None) for node, var in zip(nodes, unit.values, strict=True)
                    ]
                    if all(right is not None for right in rights):
                        yield [*nodes], rights
        for node, true in self._truth.gradients:
            for axis in range(true.ndim):
                if true.shape[axis] == count and all(np.size(var.value) * count == true.size for var in unit.values):
                    rows = list(np.moveaxis(true, axis, 0))
                    for parts in (rows, rows[::-1]):
                        shaped = [
                            part.reshape(np.shape(var.value)) for part, var in zip(parts, unit.values, strict=True)
                        ]
                        yield [node] * count, shaped

    @cached_property
    def _node_groups(self) -> list[list[Node]]:
        """The nodes that one expression of the source made, in order."""
        groups: dict[Any, list[Node]] = {}
        for var, node in self._truth.nodes.items():
            spot = self._recording.spots.get(var)
            if spot is not None and node in self._truth.replay.truth:
                groups.setdefault(spot.expression, []).append(node)
        return [sorted(group, key=lambda node: node.order) for group in groups.values() if len(group) > 1]
