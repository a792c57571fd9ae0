"""Operators between numbers go a short way: what is recorded is what the usual way records."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor, no_grad
from autograd.array import numbers
from autograd.core.node import Node, observers, topological
from autograd.core.op import Op

TWO: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    np.add, np.maximum, np.minimum, np.hypot, np.arctan2, np.logaddexp, np.fmax, np.copysign,
]  # fmt: skip
ONE: list[Callable[[Any], Any]] = [
    operator.neg, operator.pos, abs, np.sin, np.exp, np.sqrt, np.tanh, np.square, np.floor, np.sign, np.positive,
]  # fmt: skip


def recorded(output: Any, leaves: list[Tensor]) -> list[Any]:
    """All that a program left in its graph, with positions in the place of nodes."""
    if not isinstance(output, Tensor):
        return [output]
    nodes = topological((output._node,), constants=True)
    found: list[Any] = []
    for node in nodes:
        args = [nodes.index(arg) if isinstance(arg, Node) else arg for arg in node.args or ()]
        saved = [repr(value) for value in getattr(node, "saved", ())]
        found.append((node.op, args, saved, repr(node.value), node.requires_grad, dict(node.kwargs)))
    if output.requires_grad:
        output.backward()
    return [*found, [repr(leaf.grad) for leaf in leaves], type(output._value), repr(output._view)]


def program(seed: int) -> list[Any]:
    """A random program of numbers: leaves, constants of Python and NumPy, what was computed before."""
    rng = np.random.default_rng(seed)
    leaves = [Tensor(rng.uniform(0.5, 1.5), requires_grad=True) for _ in range(2)]
    known: list[Any] = [*leaves, Tensor(0.7), 2, 0.3, np.float64(1.2), leaves[0] * 1.5]
    for _ in range(8):
        a, b = (known[k] for k in rng.integers(len(known), size=2))
        two = rng.random() < 0.7
        value = TWO[rng.integers(len(TWO))](a, b) if two else ONE[rng.integers(len(ONE))](a)
        if np.isfinite(getattr(value, "data", value)):
            known.append(value)
    return recorded(known[-1], leaves)


@pytest.mark.parametrize("seed", range(60))
def test_a_program_of_numbers_records_what_the_usual_way_records(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with np.errstate(all="ignore"):
        short = program(seed)
        monkeypatch.setattr(numbers, "_NUMBERS", set())
        assert short == program(seed)


def test_numbers_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Tensor(2.0, requires_grad=True) * 1.0
    monkeypatch.setattr(numbers, "apply", None)
    assert float(((x + 1) * 3 - x / 2.0 + 1.0 / x**2).data) == 8.25


def test_what_is_no_number_goes_the_usual_way() -> None:
    x = Tensor(2.0, requires_grad=True) * 1.0
    assert (x * np.arange(3.0)).shape == (3,)
    assert (x * np.float32(2)).dtype == np.float64
    with no_grad():
        assert (x * 2)._node.op is None
    assert not (Tensor(2.0) * 1.0 * 3.0).requires_grad
    with pytest.raises(TypeError):
        x * "2"
    with pytest.raises(ValueError, match=r"np\.matmul of np\.multiply of shape \(\)"):
        x @ 2.0


class Observer:
    def __init__(self) -> None:
        self.names: list[str] = []

    def recorded(self, op: Op, inputs: Any, node: Node, value: Any) -> None:
        self.names.append(op.name)


def test_observers_see_operations_of_numbers() -> None:
    x, observer = Tensor(2.0, requires_grad=True) * 1.0, Observer()
    observers.append(observer)
    try:
        x * 3.0 - x
    finally:
        observers.remove(observer)
    assert observer.names == ["np.multiply", "np.subtract"]


def test_an_error_names_the_operation_of_numbers() -> None:
    x = Tensor(0.0, requires_grad=True) * 1.0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match=r"np\.divide of float .*and np\.multiply"):
        1.0 / x
