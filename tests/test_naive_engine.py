"""The engine against a naive one on random graphs: no sharing, no shortcuts, no rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from reference import Array, directions, reproducibly, weighted

from autograd import Tensor


class Expression:
    """A value and how it was computed: an analytic NumPy function of other expressions."""

    def __init__(self, value: Any, fn: Callable[..., Any] | None = None, operands: Sequence[Expression] = ()) -> None:
        self.value = np.asarray(value, np.float64)
        self.fn, self.operands = fn, operands

    @classmethod
    def of(cls, fn: Callable[..., Any], *operands: Expression) -> Expression:
        """`fn` of expressions."""
        return cls(fn(*(operand.value for operand in operands)), fn, operands)


def naive_gradients(output: Expression, gradient: Array, leaves: Sequence[Expression]) -> list[Array]:
    """The gradient of each leaf: the sum over all paths from the output to it, each walked to its end."""
    sums = [np.zeros_like(leaf.value) for leaf in leaves]

    def walk(expression: Expression, g: Array) -> None:
        for k, leaf in enumerate(leaves):
            if expression is leaf:
                sums[k] = sums[k] + g
        for position, operand in enumerate(expression.operands):
            walk(operand, np.tensordot(g, _jacobian(expression, position), g.ndim))

    walk(output, gradient)
    return sums


def _jacobian(expression: Expression, position: int) -> Array:
    """Of the output with respect to one operand, element by element: Im f(x + ih) / h, exact to the last digits."""
    assert expression.fn is not None
    values = [operand.value for operand in expression.operands]
    x, h = values[position], 1e-30
    columns = []
    for at in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[at] += 1j * h
        columns.append(np.imag(expression.fn(*values[:position], moved, *values[position + 1 :])) / h)
    return np.stack(columns, -1).reshape(expression.value.shape + x.shape)


GRAPH: list[tuple[Callable[..., Any], int]] = [
    (np.add, 2), (np.subtract, 2), (np.multiply, 2), (np.matmul, 2),
    (lambda a, b: a / (b * b + 2.0), 2),
    (lambda a, b: np.concatenate([np.ravel(a), np.ravel(b)]), 2),
    (np.sin, 1), (np.tanh, 1), (np.cumsum, 1), (np.transpose, 1), (np.mean, 1),
    (lambda a: np.exp(-a * a), 1),
    (lambda a: np.sum(a, axis=-1, keepdims=True), 1),
    (lambda a: a[..., ::-2], 1),
    (lambda a: np.reshape(a, (-1, 1)), 1),
]  # fmt: skip
SHAPES = [(2, 3), (3,), (2, 1), ()]
GRAPHS = st.lists(st.tuples(st.integers(0, len(GRAPH) - 1), *[st.integers(0, 9)] * 2), min_size=1, max_size=8)


def grown(leaves: list[Any], graph: Any, apply: Callable[..., Any]) -> Any:
    """The last value of a graph; a step that does not fit is left out."""
    values = list(leaves)
    for which, *chosen in graph:
        fn, arity = GRAPH[which]
        operands = [values[k % len(values)] for k in (len(values) - 1 - chosen[0] % 2, chosen[1])[:arity]]
        try:
            value = apply(fn, *operands)
        except (ValueError, IndexError, TypeError):
            continue
        if np.size(_array(value)) <= 9 and np.max(np.abs(_array(value)), initial=0) < 10:
            values.append(value)
    return values[-1]


def _array(value: Any) -> Any:
    return value.value if isinstance(value, Expression) else value.data


def by_naive_engine(x: list[Any], graph: Any, rng: Any) -> list[Any]:
    leaves = [Expression(array) for array in x]
    output = grown(leaves, graph, Expression.of)
    return naive_gradients(output, rng().normal(size=output.value.shape), leaves)


def by_backward(x: list[Any], graph: Any, rng: Any, create_graph: bool = False) -> tuple[list[Tensor], list[Any]]:
    leaves = [Tensor(array, requires_grad=True) for array in x]
    output = grown(leaves, graph, lambda fn, *operands: fn(*operands))
    output.backward(rng().normal(size=output.shape), create_graph=create_graph)
    return leaves, [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves]


def test_the_naive_engine_knows_a_derivative_by_heart() -> None:
    x = Expression(np.array([0.3, -0.7]))
    y = Expression.of(np.multiply, x, Expression.of(np.sin, x))
    expected = np.sin(x.value) + x.value * np.cos(x.value)
    np.testing.assert_allclose(naive_gradients(y, np.ones(2), [x])[0], expected, rtol=1e-15)


@reproducibly(300)
@given(GRAPHS, st.integers(0, 999))
def test_random_graphs_have_the_gradients_of_a_naive_engine(graph: Any, seed: int) -> None:
    x = [np.random.default_rng(seed).uniform(-1, 1, size=shape) for shape in SHAPES]
    rng = lambda: np.random.default_rng(seed)
    for ours, theirs in zip(by_backward(x, graph, rng)[1], by_naive_engine(x, graph, rng), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@reproducibly(150)
@given(GRAPHS, st.integers(0, 999))
def test_random_graphs_have_the_second_derivatives_of_a_naive_engine(graph: Any, seed: int) -> None:
    x = [np.random.default_rng(seed).uniform(-1, 1, size=shape) for shape in SHAPES]
    rng = lambda: np.random.default_rng(seed)
    v = directions(x, np.random.default_rng(seed + 1))
    leaves, gradients = by_backward(x, graph, rng, create_graph=True)
    along = weighted(gradients, v)
    for leaf in leaves:
        leaf.zero_grad()
    if isinstance(along, Tensor) and along.requires_grad:
        along.backward()

    def naive(t: float) -> list[Any]:
        return by_naive_engine([a + t * d for a, d in zip(x, v, strict=True)], graph, rng)

    h = 2e-3
    near, wide = zip(naive(h), naive(-h), strict=True), zip(naive(2 * h), naive(-2 * h), strict=True)
    for leaf, (a, b), (c, d) in zip(leaves, near, wide, strict=True):
        ours = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        np.testing.assert_allclose(ours, (8 * (a - b) - (c - d)) / (12 * h), rtol=1e-7, atol=1e-7)
