"""Products of vectors and matrices."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.basis.arrays import times
from autograd.core.op import Call, Sample, stack_nested
from autograd.rules.definition import defop
from autograd.rules.reduce import inverse
from autograd.rules.samples import normal

_AGREE = "The last axis of the first and the second-to-last (or only) axis of the second must agree"
_vectors: list[Sample] = [normal((3, 4), (4, 2)), normal(4, (4, 2)), normal((3, 4), 4), normal(4, 4)]


def _matmul_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g bᵀ, by the call that is cheapest for these ranks."""
    if b.ndim == 1:
        return np.outer(g, b) if a.ndim == 2 else (g if a.ndim == 1 else np.expand_dims(g, -1)) * b
    if a.ndim == 1:
        return np.dot(b, g) if b.ndim == 2 else np.matmul(b, np.expand_dims(g, -1))[..., 0]
    return times(g, b.T if b.ndim == 2 else np.swapaxes(b, -1, -2))


def _matmul_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    """aᵀ g."""
    if a.ndim == 1:
        if b.ndim == 2:
            return np.outer(a, g)
        return g * a if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        if a.ndim == 2:
            return np.dot(a.T, g)
        return np.matmul(np.swapaxes(a, -1, -2), np.expand_dims(g, -1))[..., 0]
    return (a.T if a.ndim == 2 else np.swapaxes(a, -1, -2)) @ g


defop(
    np.matmul,
    role="product",
    cure=_AGREE,
    label="@",
    vjp=(_matmul_a, _matmul_b),
    in_chunks=times,
    broadcasts=True,  # the axes before the last two
    math=(r"\bar a = \bar y \, b^\top", r"\bar b = a^\top \, \bar y"),
    samples=[
        *_vectors,
        normal((2, 3, 4), (2, 4, 5)),
        normal((3, 4), (2, 4, 5)),
        normal((2, 1, 3, 4), (5, 4, 2)),
        normal((2, 3, 4), 4),
        normal(4, (2, 4, 3)),
    ],
)


def _dot_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g bᵀ; `np.dot` sums over the last axis of a and the last but one of b, and keeps all others."""
    rows, columns = len(np.shape(a)), len(np.shape(b))
    if rows == 0 or columns == 0:
        return g * b
    if columns == 1:
        return np.outer(g, b) if rows == 2 else np.expand_dims(g, -1) * b
    if columns == 2:
        return np.dot(g, b.T)
    free = tuple(range(rows - 1, rows + columns - 2))  # the axes of g that came from b
    return np.tensordot(g, b, (free, (*range(columns - 2), columns - 1)))


def _dot_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    rows, columns = len(np.shape(a)), len(np.shape(b))
    if rows == 0 or columns == 0:
        return g * a
    if rows == 2 and columns <= 2:
        return np.dot(a.T, g)
    if rows == 1 and columns == 2:
        return np.outer(a, g)
    free = tuple(range(rows - 1))
    gb = np.tensordot(a, g, (free, free))  # the summed axis of b comes first
    return gb if columns == 1 else np.moveaxis(gb, 0, -2)


defop(
    np.dot,
    role="product",
    cure=_AGREE,
    label="·",
    vjp=(_dot_a, _dot_b),
    broadcasts=True,  # a scalar operand
    math=(r"\bar a = \bar y \, b^\top", r"\bar b = a^\top \, \bar y"),
    samples=[*_vectors, normal((2, 3, 4), (5, 4, 2)), normal(4, (2, 4, 3)), normal((2, 3, 4), 4), normal((), (2, 3))],
)


def _contraction(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    """The summed axes of `a` and of `b`, from any form that tensordot takes."""
    rank_a, rank_b = len(np.shape(a)), len(np.shape(b))
    if np.ndim(axes) == 0:
        n = operator.index(axes)
        return list(range(rank_a - n, rank_a)), list(range(n))
    of_a, of_b = ([part] if np.ndim(part) == 0 else list(part) for part in axes)
    return [axis % rank_a for axis in of_a], [axis % rank_b for axis in of_b]


def _kept(rank: int, summed: list[int]) -> list[int]:
    return [axis for axis in range(rank) if axis not in summed]


def _tensordot_a(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    of_a, of_b = _contraction(a, b, axes)
    kept_a, kept_b = _kept(len(np.shape(a)), of_a), _kept(len(np.shape(b)), of_b)
    ga = np.tensordot(g, b, (range(len(kept_a), len(kept_a) + len(kept_b)), kept_b))
    order = kept_a + [axis for _, axis in sorted(zip(of_b, of_a, strict=True))]
    return np.transpose(ga, inverse(order))


def _tensordot_b(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    of_a, of_b = _contraction(a, b, axes)
    kept_a, kept_b = _kept(len(np.shape(a)), of_a), _kept(len(np.shape(b)), of_b)
    gb = np.tensordot(a, g, (kept_a, range(len(kept_a))))
    order = [axis for _, axis in sorted(zip(of_a, of_b, strict=True))] + kept_b
    return np.transpose(gb, inverse(order))


defop(
    np.tensordot,
    role="product",
    vjp=(_tensordot_a, _tensordot_b),
    math=(r"\bar a = \operatorname{tensordot}(\bar y, b)", r"\bar b = \operatorname{tensordot}(a, \bar y)"),
    samples=[
        normal((2, 3, 4), (3, 4, 5)),
        normal((2, 3, 4), (4, 2, 5), axes=((2, 0), (0, 1))),
        normal((2, 3), (4, 5), axes=0),
        normal((2, 3), (5, 3), axes=(-1, 1)),
    ],
)
defop(
    np.outer,
    role="product",
    label="⊗",
    vjp=(
        lambda g, y, a, b: np.reshape(np.dot(g, np.ravel(b)), np.shape(a)),
        lambda g, y, a, b: np.reshape(np.dot(np.ravel(a), g), np.shape(b)),
    ),
    math=(r"\bar a = \bar y \, b", r"\bar b = \bar y^\top a"),
    samples=[normal(3, 4), normal((2, 2), 3)],
)


def _inner_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    rank_a, rank_b = len(np.shape(a)), len(np.shape(b))
    if rank_a == 0 or rank_b == 0:
        return g * b
    return np.tensordot(g, b, (range(rank_a - 1, rank_a + rank_b - 2), range(rank_b - 1)))


def _inner_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    free = range(len(np.shape(a)) - 1)
    return g * a if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(g, a, (free, free))


defop(
    np.inner,
    role="product",
    label="·",
    vjp=(_inner_a, _inner_b),
    broadcasts=True,  # a scalar operand
    math=(r"\bar a = \bar y \, b", r"\bar b = \bar y^\top a"),
    samples=[
        normal(3, 3),
        normal((2, 3), 3),
        normal((2, 3), (4, 5, 3)),
        lambda rng: (rng.normal(size=(2, 3)), 0.5),
        normal((), 3),
    ],
)
defop(
    np.vdot,
    role="product",
    label="·",
    vjp=(
        lambda g, y, a, b: np.reshape(g * np.ravel(b), np.shape(a)),
        lambda g, y, a, b: np.reshape(g * np.ravel(a), np.shape(b)),
    ),
    math=(r"\bar a = \bar y \, b", r"\bar b = \bar y \, a"),
    samples=[normal(3, 3), normal((2, 3), (3, 2)), normal((), ())],
)


def _multi_dot_arguments(arrays: Any) -> Call:
    for array in arrays:
        if stack_nested(array).ndim not in (1, 2):
            raise TypeError("the operands are matrices, and vectors at the ends; np.dot takes others")
    return tuple(arrays), {}


def _multi_dot(position: int, g: Any, y: Any, *arrays: Any) -> Any:
    shapes = [np.shape(array) for array in arrays]
    rows = [(1, *shapes[0])[-2:], *shapes[1:-1], (*shapes[-1], 1)[:2]]  # vectors at the ends as matrices
    matrices = [np.reshape(array, shape) for array, shape in zip(arrays, rows, strict=True)]
    transposed = [np.transpose(matrix) for matrix in reversed(matrices)]
    last = len(arrays) - 1 - position
    inner = np.reshape(g, (rows[0][0], rows[-1][1]))
    return np.reshape(np.linalg.multi_dot([*transposed[last + 1 :], inner, *transposed[:last]]), shapes[position])


defop(
    np.linalg.multi_dot,
    role="product",
    label="·",
    variadic=True,
    forward=lambda *arrays: np.linalg.multi_dot(arrays),
    adapt=_multi_dot_arguments,
    vjp=_multi_dot,
    math=r"\bar a_k = (a_1 \cdots a_{k-1})^\top \, \bar y \, (a_{k+1} \cdots a_n)^\top",
    samples=[
        lambda rng: ([rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(4, 2))],),
        lambda rng: ([rng.normal(size=2), *rng.normal(size=(3, 2, 2)), rng.normal(size=2)],),
        lambda rng: ([rng.normal(size=(2, 3)), rng.normal(size=3)],),
        lambda rng: ([rng.normal(size=3), rng.normal(size=(3, 2))],),
    ],
)
