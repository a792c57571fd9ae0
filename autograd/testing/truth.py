"""What the values of a run should be: the forward part of a recording, run once more on Tensors, and differentiated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Line, Var, needed
from autograd.program.reverse import Backprop
from autograd.testing.recording import Recording
from autograd.testing.replay import Replay

Array = np.ndarray[Any, np.dtype[Any]]
_ALIKE = {8: 1e-7, 4: 1e-3, 2: 3e-2}  # relative difference of the same numbers, by the bytes of one
_GUARD = 1e-5  # the most that is added only to keep a value from zero


class Match(NamedTuple):
    """What a hand value is: `factor` times a true one, perhaps with its axes in another order.

    Attributes:
        kind: "gradient" of the node, "value" of the forward pass, or a value on the way of a "rule".
    """

    kind: str
    node: Node | None
    factor: float


class Truth:
    """The graph of the author's loss, and what all that is computed from it should be.

    Attributes:
        loss: the loss, on Tensors.
        forward: the values of the recording that the loss was computed from.
        nodes: the node of the graph of each of them that depends on a parameter.
        replay: the reverse pass.
    """

    def __init__(
        self,
        recording: Recording,
        loss: Var,
        parameters: Mapping[Var, str],
        names: Mapping[Var, str],
        guards: bool = True,
    ) -> None:
        lines = needed(recording.lines, [loss])
        made = [loss, *(line.target for line in lines), *(var for line in lines for var in line.variables())]
        values: dict[Var, Any] = {var: var.value for var in made}
        self.forward, self._in_order = set(values), list(values)  # what is listed comes in the order of the program
        self._tensors = {
            var: Tensor(np.array(var.value), requires_grad=True, name=name) for var, name in parameters.items()
        }
        values.update(self._tensors)
        for line in lines:
            if any(isinstance(values.get(var), Tensor) for var in line.variables()):
                guarded = None if guards else guarded_by_constant(line)
                values[line.target] = line.compute(values) if guarded is None else values[guarded]
        self.loss = values[loss] if np.ndim(loss.value) == 0 else np.sum(values[loss])
        self.nodes: dict[Var, Node] = {var: value._node for var, value in values.items() if isinstance(value, Tensor)}
        for var, name in names.items():
            if var in self.nodes and isinstance(values[var], Tensor) and values[var].name is None:
                values[var].name = name
        self.replay = Replay(self.loss._node)
        self._matches: dict[int, tuple[Any, list[Match]]] = {}  # by identity of the value, which is held
        self._vars = {node: var for var, node in reversed(list(self.nodes.items()))}

    def node(self, var: Var) -> Node:
        """The node of a parameter, which is in the graph or not."""
        return self._tensors[var]._node

    def is_parameter(self, var: Var) -> bool:
        """Whether a value is a parameter."""
        return var in self._tensors

    def gradient(self, node: Node) -> Array:
        """The true gradient."""
        shape = np.shape(node.value)
        return np.broadcast_to(np.asarray(self.replay.truth.get(node, 0.0)), shape)

    @cached_property
    def gradients(self) -> list[tuple[Node, Array]]:
        """Every node's gradient, that of the loss last of all."""
        return [(node, np.asarray(g)) for node, g in self.replay.truth.items()]

    @cached_property
    def contributions(self) -> list[Array]:
        """What each use of a value contributes to its gradient, where there are several."""
        replay = self.replay
        links = [
            link for node, uses in replay.uses.items() if len(uses) > 1 for link in uses if link.node in replay.truth
        ]
        return [np.asarray(replay.contribution(link)) for link in links]

    def values_of_size(self, size: int) -> list[Array]:
        """The values of the forward pass and of the rules that have so many elements."""
        return [value for kind, _, value in self._candidates if kind != "gradient" and value.size == size > 1]

    @cached_property
    def _rules(self) -> list[Array]:
        """The values on the way of the reverse pass, and the contributions of single uses."""
        lines = Backprop(self.loss._node).trace.lines
        return [np.asarray(line.target.value) for line in lines if _is_float(line.target.value)]

    @cached_property
    def _candidates(self) -> list[tuple[str, Node | None, Array]]:
        found: list[tuple[str, Node | None, Array]] = [("gradient", node, g) for node, g in self.gradients]
        found += [
            ("value", self.nodes.get(var), np.asarray(var.value)) for var in self._in_order if _is_number(var.value)
        ]
        found += [("rule", None, value) for value in self._rules]
        return found

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Of each candidate what does not change with the order of its elements: size and moments."""
        return _signatures([value for _, _, value in self._candidates])

    def matches(self, value: Any) -> list[Match]:
        """What a hand value may be, the gradients first."""
        known = self._matches.get(id(value))
        if known is None:
            known = self._matches[id(value)] = value, self._matching(np.asarray(value))
        return known[1]

    def _matching(self, array: Array) -> list[Match]:
        if not _is_number(array) or not array.size:
            return []
        if array.size == 1:
            return self.multiples(float(array.item()))
        sizes, moments = self._table
        size, moment = _signatures([array])
        near = (sizes == size[0]) & (np.abs(moments - moment[0]).max(axis=1) < 1e-3)
        found = []
        for k in np.flatnonzero(near):
            kind, node, true = self._candidates[k]
            factor = factor_between(array, true)
            if factor is not None and (kind != "value" or abs(factor - 1) < 1e-6):
                found.append(Match(kind, node, factor))
        return found

    def multiples(self, number: float, factors: Iterable[float] = (1.0, -1.0)) -> list[Match]:
        """What a single number is, which may be one of these times the true one: of others nobody can say."""
        values, ones = self._numbers
        return [
            Match(*self._candidates[ones[k]][:2], factor)
            for factor in dict.fromkeys(factors)
            for k in np.flatnonzero(np.abs(factor * values - number) <= 1e-7 * abs(number))
        ]

    @cached_property
    def _numbers(self) -> tuple[Array, list[int]]:
        """The candidates of one element, and which they are."""
        ones = [k for k, (_, _, value) in enumerate(self._candidates) if value.size == 1]
        return np.array([float(self._candidates[k][2].item()) for k in ones]), ones


def guarded_by_constant(line: Line) -> Var | None:
    """Of `x + 1e-7`, which keeps a logarithm or a quotient finite, the `x`; None of anything else."""
    if line.fn is not np.add:
        return None
    for x, small in (line.args[:2], line.args[1::-1]):
        if type(x) is Var and isinstance(small, (float, np.floating)) and 0 < small <= _GUARD:
            return x
    return None


def factor_between(a: Array, b: Array) -> float | None:
    """The number that `b`, in whatever order and shape, was multiplied with to give `a`; None if there is none."""
    for arranged in arrangements(b, a.shape):
        x, y = a.astype(np.float64).ravel(), arranged.astype(np.float64).ravel()
        below = float(y @ y)
        if below == 0 or not np.isfinite(below):
            if below == 0 and not x.any():
                return 1.0
            continue
        factor = float(x @ y) / below
        tolerance = _ALIKE.get(min(a.dtype.itemsize, b.dtype.itemsize), 1e-7) if a.dtype.kind == "f" else 1e-7
        if factor and np.linalg.norm(x - factor * y) <= tolerance * np.linalg.norm(x):
            return factor
    return None


def arrangements(array: Array, shape: tuple[int, ...]) -> Iterable[Array]:
    """An array in a shape, as it is and transposed, where the number of elements is the same."""
    array = np.asarray(array)
    if array.size != int(np.prod(shape)):
        return
    yield array.reshape(shape)
    if array.ndim == 2 and min(array.shape) > 1:
        yield array.T.reshape(shape)
    elif array.ndim > 2:
        yield array.transpose(array.ndim - 1, *range(array.ndim - 1)).reshape(shape)
        yield array.transpose(*range(1, array.ndim), 0).reshape(shape)


def _signatures(arrays: list[Array]) -> tuple[Array, Array]:
    sizes = np.array([array.size for array in arrays])
    moments = np.zeros((len(arrays), 2))
    for k, array in enumerate(arrays):
        flat = np.abs(array.astype(np.float64).ravel())
        norm = float(np.linalg.norm(flat))
        if norm and np.isfinite(norm):
            unit = flat / norm
            moments[k] = unit.sum() / np.sqrt(flat.size), (unit**4).sum()
    return sizes, moments


def _is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating, float)) and np.asarray(value).dtype.kind == "f"


def _is_number(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic, float, int)) and np.asarray(value).dtype.kind in "fiub"
