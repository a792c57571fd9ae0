"""Reductions and running sums that are made of others: means with weights, and the same without NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.rules.definition import defcomposite
from autograd.rules.reduce import counting
from autograd.rules.samples import MASKED, REDUCTIONS, RUNNING, normal


def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        return (y, np.full(np.shape(y), a.size / max(y.size, 1), y.dtype)[()]) if returned else y
    shape = np.shape(a)
    if np.shape(weights) != shape:
        if axis is None:
            raise TypeError(f"np.average: weights of shape {np.shape(weights)} for shape {shape} need an axis")
        axes = normalize_axis_tuple(axis, len(shape))
        if np.shape(weights) != tuple(shape[k] for k in axes):
            raise ValueError(f"np.average: weights of shape {np.shape(weights)} along axis {axis} of {shape}")
        weights = np.reshape(
            np.transpose(weights, np.argsort(axes)), [n if k in axes else 1 for k, n in enumerate(shape)]
        )
    weighted = np.multiply(a, weights)
    total = np.sum(weights, axis=axis, dtype=weighted.dtype, keepdims=keepdims)
    if not np.all(total):
        raise ZeroDivisionError("np.average: the weights sum to zero")
    y = np.sum(weighted, axis=axis, keepdims=keepdims) / total
    return (y, np.copy(np.broadcast_to(total, np.shape(y)))) if returned else y


defcomposite(
    np.average,
    _average,
    math=r"y = \sum_i w_i a_i / \sum_i w_i",
    samples=[
        *REDUCTIONS[:-1],
        lambda rng: (rng.normal(size=(3, 4)), {"weights": rng.uniform(1, 2, size=(3, 4))}),
        lambda rng: (rng.normal(size=(3, 4)), {"axis": -1, "weights": rng.uniform(1, 2, size=4)}),
        lambda rng: (rng.normal(size=(2, 3, 4)), (2, 0), rng.uniform(1, 2, size=(4, 2)), {"keepdims": True}),
        lambda rng: (rng.normal(size=(3, 4)), 1, rng.uniform(1, 2, size=4), True),
        normal((3, 4), axis=0, returned=True),
    ],
)
defcomposite(
    np.ptp,
    lambda a, axis=None, keepdims=False: (
        np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)
    ),
    math=r"y = \max_i a_i - \min_i a_i",
    samples=REDUCTIONS[:-1],
    ties="the elements that tie share the gradient equally",
)


# Without NaN


def _without_nan(fn: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    """`fn` of its first argument with `neutral` in place of each NaN."""
    return lambda a, *args, **options: fn(np.where(np.isnan(a), neutral, a), *args, **options)


_fn: Any
_plain: Any
_KEPT = r"\{a_i : a_i \ne \mathrm{NaN}\}"
for _fn, _plain, _neutral, _math, _samples in (
    (np.nansum, np.sum, 0, rf"y = \operatorname{{sum}} {_KEPT}", [*REDUCTIONS[:-1], *MASKED]),
    (np.nanprod, np.prod, 1, rf"y = \operatorname{{prod}} {_KEPT}", [*REDUCTIONS[:-1], *MASKED]),
    (np.nancumsum, np.cumsum, 0, r"y_k = \sum_{i \le k} a_i, \quad a_i \ne \mathrm{NaN}", RUNNING),
    (np.nancumprod, np.cumprod, 1, r"y_k = \prod_{i \le k} a_i, \quad a_i \ne \mathrm{NaN}", RUNNING),
):
    defcomposite(_fn, _without_nan(_plain, _neutral), math=_math, samples=_samples, ties="the gradient of a NaN is 0")


def _nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, where: Any = True) -> Any:
    missing = np.isnan(a)
    total = np.sum(np.where(missing, 0, a), axis=axis, dtype=dtype, keepdims=keepdims, where=where)
    n = np.sum(~missing & where, axis=axis, keepdims=keepdims)
    return (total / np.where(n == 0, np.nan, n).astype(counting(total.dtype))).astype(total.dtype)


defcomposite(
    np.nanmean,
    _nanmean,
    math=rf"y = \operatorname{{mean}} {_KEPT}",
    samples=[*REDUCTIONS[:-1], *MASKED],
    ties="the gradient of a NaN is 0",
)

# Running sums and products, of the names that the array API gives them


def _with_initial(fn: Callable[..., Any], first: float) -> Callable[..., Any]:
    """`fn`, a running sum or product, which may begin with the neutral element `first`."""

    def body(x: Any, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
        if axis is None:
            if np.ndim(x) > 1:
                raise ValueError("a cumulative operation on more than one axis needs `axis`")
            x, axis = np.reshape(x, (-1,)), 0
        y = fn(x, axis=axis, dtype=dtype)
        if not include_initial:
            return y
        shape = [1 if k == axis % y.ndim else n for k, n in enumerate(y.shape)]
        return np.concatenate([np.full(shape, first, y.dtype), y], axis=axis)

    return body


for _fn, _plain, _neutral, _math in (
    (np.cumulative_sum, np.cumsum, 0, r"y_k = \sum_{i \le k} x_i"),
    (np.cumulative_prod, np.cumprod, 1, r"y_k = \prod_{i \le k} x_i"),
):
    defcomposite(
        _fn,
        _with_initial(_plain, _neutral),
        math=_math,
        samples=[normal(4), normal((3, 4), axis=-1, include_initial=True), normal((), include_initial=True)],
    )
