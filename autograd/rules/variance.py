"""Variances, deviations, covariances and correlations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.op import Rule, Sample, plain, stack_nested
from autograd.rules.definition import defcomposite, defop
from autograd.rules.guarded import quotient
from autograd.rules.reduce import axis_of, checked, count, float_dtype, restore
from autograd.rules.samples import MASKED, REDUCTIONS, SINGLE

# Variances and deviations, and the same without NaN


def _deviation(a: Any, axis: Any, n: Any, where: Any, mean: Any) -> Any:
    if mean is not None:
        return a - mean
    if where is True:
        return a - np.mean(a, axis=axis, keepdims=True)
    kept = np.where(where, a, 0)
    return kept - np.sum(kept, axis=axis, keepdims=True) / np.maximum(n, 1)


def _spread_rule(root: bool, skip_nan: bool) -> Rule:
    def rule(
        g: Any,
        y: Any,
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        where: Any = True,
        mean: Any = None,
        correction: float | None = None,
    ) -> Any:
        axis = axis_of(a, axis)
        if skip_nan:
            where = where & ~np.isnan(a)
        n = count(a, y, axis, where)
        freedom = n - (ddof if correction is None else correction)
        g, deviation = restore(g, axis, keepdims), _deviation(a, axis, n, where, mean)
        if root:
            y = restore(y, axis, keepdims)
            gradient = quotient(g, np.where(y == 0, 1, y) * freedom) * deviation
        else:
            gradient = quotient(2 * g, freedom) * deviation
        return gradient if where is True else np.where(where, gradient, 0)

    return rule


def _about_mean(root: bool, skip_nan: bool) -> dict[str, Callable[..., Any]]:
    """What `composed` of a variance is: the mean square about a `mean` that is a Tensor."""

    def body(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        where: Any = True,
        *,
        mean: Any,
        correction: float | None = None,
    ) -> Any:
        if skip_nan:
            where = where & ~np.isnan(plain(a))
        deviation = np.where(where, a, mean) - mean
        total = np.sum(np.square(deviation), axis=axis, dtype=dtype, keepdims=keepdims, where=where)
        n = np.sum(np.broadcast_to(where, np.shape(a)), axis=axis, keepdims=keepdims)
        freedom = np.maximum(n - (ddof if correction is None else correction), 0)
        y = total / freedom.astype(total.dtype)
        return np.sqrt(y) if root else y

    return {"mean": body}


_spreads: list[Sample] = [
    *REDUCTIONS[:-1],
    *MASKED,
    *SINGLE,
    lambda rng: (rng.normal(size=(3, 4)), 1, {"ddof": 1}),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": 1, "correction": 1}),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": 1, "mean": rng.normal(size=(3, 1))}),
]
_fn: Any
for _fn, _skip in ((np.var, False), (np.nanvar, True)):
    defop(
        _fn,
        forward=checked(_fn),
        vjp=_spread_rule(False, _skip),
        composed=_about_mean(False, _skip),
        math=r"\bar a_i = \frac{2}{n - \delta} \, \bar y \, (a_i - \operatorname{mean} a)",
        samples=_spreads,
        ties="a `mean=` that is given does not depend on a",
    )
for _fn, _skip in ((np.std, False), (np.nanstd, True)):
    defop(
        _fn,
        forward=checked(_fn),
        vjp=_spread_rule(True, _skip),
        composed=_about_mean(True, _skip),
        math=r"\bar a_i = \frac{1}{n - \delta} \, \bar y \, (a_i - \operatorname{mean} a) / y",
        samples=_spreads,
        ties="0 where all elements are equal; a `mean=` that is given does not depend on a",
    )

# Covariances


def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    def rows(table: Any) -> Any:
        table = stack_nested(table)
        table = table.astype(np.result_type(table, np.float64) if dtype is None else float_dtype(dtype))
        return table if table.ndim > 1 else np.reshape(table, (1, -1))

    x = rows(m) if rowvar or np.ndim(m) < 2 else rows(m).T
    if not len(x):  # NumPy does not look at y then
        return np.dot(x, x.T)
    if y is not None:
        y = rows(y)
        x = np.concatenate([x, y if rowvar or len(y) == 1 else y.T])
    ddof = ddof if ddof is not None else 0 if bias else 1
    if fweights is None and aweights is None:
        x = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(np.dot(x, x.T) * np.divide(1, max(x.shape[1] - ddof, 0)).astype(x.dtype))
    weights = _cov_weights(fweights, aweights, x.shape[1])
    total = np.sum(weights)
    x = x - np.reshape(np.dot(x, weights) / total, (-1, 1))
    counted = 1 if aweights is None else np.sum(weights * aweights) / total  # NumPy's manual has the formula
    return np.squeeze(np.dot(x, (x * weights).T) / (total - ddof * counted))


def _cov_weights(fweights: Any, aweights: Any, count: int) -> Any:
    """How often an observation counts: repetitions, which are integers, times importance."""
    weights: Any = 1.0
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        given = stack_nested(given)
        if np.shape(given) != (count,):
            raise ValueError(f"np.cov: {name} of shape {np.shape(given)} for {count} observations")
        if np.any(given < 0):
            raise ValueError(f"np.cov: {name} that are negative")
        weights = weights * given
    if fweights is not None and np.any(np.not_equal(fweights, np.round(fweights))):
        raise TypeError("np.cov: fweights are numbers of repetitions, and these are no integers")
    return weights


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    scale = np.sqrt(np.diagonal(c))
    return np.clip(c / scale[:, None] / scale[None, :], -1, 1)


_tables: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 5)),),
    lambda rng: (rng.normal(size=5), rng.normal(size=5)),
    lambda rng: (rng.normal(size=(5, 2)), rng.normal(size=(5, 1)), {"rowvar": False}),
]
defcomposite(
    np.cov,
    _cov,
    math=r"y = \tfrac{1}{n - \delta} \, d \, d^\top, \quad d_{ik} = m_{ik} - \operatorname{mean} m_i",
    samples=[
        *_tables,
        lambda rng: (rng.normal(size=5), {"bias": True}),
        lambda rng: (rng.normal(size=(2, 5)), {"ddof": 2}),
        lambda rng: (rng.normal(size=(2, 5)), {"fweights": np.array([1, 2, 1, 3, 1])}),
        lambda rng: (rng.normal(size=(2, 3)), {"fweights": [1, 2, 1], "aweights": rng.uniform(1, 2, size=3)}),
    ],
)
defcomposite(
    np.corrcoef,
    _corrcoef,
    math=r"y_{ij} = c_{ij} / \sqrt{c_{ii} c_{jj}}, \quad c = \operatorname{cov} x",
    samples=_tables,
)
