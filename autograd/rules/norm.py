"""Norms of vectors and matrices. At 0, where a norm has a kink, its gradient is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.rules.definition import defop
from autograd.rules.reduce import restore
from autograd.rules.samples import normal


def _equal(values: Any, best: Any) -> Any:
    """Which are as large as the best, but for the rounding of sums."""
    return np.abs(values - best) <= 8 * np.finfo(values.dtype).eps * np.abs(best)


def _shares(chosen: Any, axis: Any, dtype: Any) -> Any:
    """Equal shares of 1 for the elements that are chosen."""
    return (chosen / np.sum(chosen, axis=axis, keepdims=True)).astype(dtype)


def _vector_norm(g: Any, y: Any, x: Any, ord: Any, axis: Any) -> Any:
    """`g` and `y` have the axes of `x`."""
    if ord is None or ord == 2:
        return x * (g / np.where(y == 0, 1, y))
    if ord == 0:
        return np.zeros_like(x)
    size = np.abs(x)
    if abs(ord) == math.inf:
        return g * np.sign(x) * _shares(size == y, axis, x.dtype)
    if ord == 1:
        return g * np.sign(x)
    zero = size == 0
    ratio = np.where(zero, 1, size) / np.where(y == 0, 1, y)
    return np.where(zero, 0, g * np.sign(x) * ratio ** (ord - 1))


def _matrix_norm(g: Any, x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    """By the largest or smallest sum of a column or a row; the other norms are of singular values. `g` has x's axes."""
    if ord in (1, -1, math.inf, -math.inf):
        summed, compared = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=summed, keepdims=True)
        best = np.max if ord > 0 else np.min
        chosen = _equal(sums, best(sums, axis=compared, keepdims=True))
        return g * np.sign(x) * _shares(chosen, compared, x.dtype)
    u, s, vh = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
    weights = (s > 0).astype(x.dtype)
    if ord != "nuc":
        weights = weights * _shares(_equal(s, s[..., :1] if ord == 2 else s[..., -1:]), -1, x.dtype)
    return g * np.moveaxis((u * np.expand_dims(weights, -2)) @ vh, (-2, -1), axes)


def _norm(g: Any, y: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if not x.size:
        return np.zeros_like(x)
    axes = tuple(range(np.ndim(x))) if axis is None else tuple(np.ravel(axis).tolist())
    g, y = restore(g, axis, keepdims), restore(y, axis, keepdims)
    if ord is None or ord == "fro" or ord == "f":
        return _vector_norm(g, y, x, 2, axes)
    return _vector_norm(g, y, x, ord, axes) if len(axes) == 1 else _matrix_norm(g, x, ord, axes)


_VECTOR = (None, 2, 1, 3, 0.5, -1, -2.5, math.inf, -math.inf, 0)
_MATRIX = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
defop(
    np.linalg.norm,
    label="‖x‖",
    vjp=_norm,
    math=r"\bar x = \bar y \, \operatorname{sign} x \odot (|x| / y)^{p-1}; \quad"
    r" \bar x = \bar y \, u v^\top \text{ for a norm of singular values, } x = u s v^\top",
    samples=[
        normal((2, 3, 2)),
        normal((2, 3), axis=1, keepdims=True),
        normal((2, 3), keepdims=True),
        lambda rng: (rng.normal(size=(2, 3, 4)), None, (0, 2)),
        *(lambda rng, ord=ord: (rng.normal(size=(2, 3)), ord, -1) for ord in _VECTOR),
        *(lambda rng, ord=ord: (rng.normal(size=(3, 4)), ord) for ord in _MATRIX),
        *(lambda rng, ord=ord: (rng.normal(size=(3, 2, 4)), ord, (2, 0)) for ord in _MATRIX),
        normal((3, 2, 4), ord="nuc", axis=(0, -1), keepdims=True),
        lambda rng: (rng.normal(size=3), 3),
    ],
    ties="0 at 0, and where elements, columns or singular values tie they share the gradient equally",
)
