"""Variances and standard deviations, and the same without NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.op import Rule, Sample, plain
from autograd.rules.definition import defop
from autograd.rules.reduce import axis_of, checked, count, restore
from autograd.rules.samples import MASKED, REDUCTIONS, SINGLE, normal


def _deviation(a: Any, axis: Any, n: Any, where: Any, mean: Any) -> Any:
    if mean is not None:
        return a - mean
    if where is True:
        return a - np.mean(a, axis=axis, keepdims=True)
    kept = np.where(where, a, 0)
    return kept - np.sum(kept, axis=axis, keepdims=True) / np.maximum(n, 1)


def _spread_rule(root: bool, skip_nan: bool) -> Rule:
    """The rule of a variance, and with `root` of a standard deviation."""

    def rule(
        g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False,
        where: Any = True, mean: Any = None, correction: float | None = None,
    ) -> Any:  # fmt: skip
        axis = axis_of(a, axis)
        if skip_nan:
            where = where & ~np.isnan(a)
        n = count(a, y, axis, where)
        freedom = n - (ddof if correction is None else correction)
        g, deviation = restore(g, axis, keepdims), _deviation(a, axis, n, where, mean)
        if root:
            bound = 4 * np.finfo(a.dtype).eps * np.abs(a)  # equal but for the rounding of their mean
            equal = np.all((np.abs(deviation) <= bound) | np.logical_not(where), axis=axis, keepdims=True)
            y, deviation = np.where(equal, 1, restore(y, axis, keepdims)), np.where(equal, 0, deviation)
            gradient = g / (y * freedom) * deviation
        else:
            gradient = 2 * g / freedom * deviation
        return gradient if where is True else np.where(where, gradient, 0)

    return rule


def _about_mean(root: bool, skip_nan: bool) -> dict[str, Callable[..., Any]]:
    """What `composed` of a variance is: the mean square about a `mean` that is a Tensor."""

    def body(
        a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, where: Any = True,
        *, mean: Any, correction: float | None = None,
    ) -> Any:  # fmt: skip
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
    normal((3, 4), axis=1, correction=1),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": 1, "mean": rng.normal(size=(3, 1))}),
]
_VARIANCE = r"\bar a_i = \frac{2}{n - \delta} \, \bar y \, (a_i - \operatorname{mean} a)"
_DEVIATION = r"\bar a_i = \frac{1}{n - \delta} \, \bar y \, (a_i - \operatorname{mean} a) / y"
_fn: Any
for _fn, _root, _skip_nan in (
    (np.var, False, False), (np.nanvar, False, True), (np.std, True, False), (np.nanstd, True, True),
):  # fmt: skip
    defop(
        _fn,
        forward=checked(_fn),
        vjp=_spread_rule(_root, _skip_nan),
        zeros="nan" if _skip_nan else "",
        composed=_about_mean(_root, _skip_nan),
        math=_DEVIATION if _root else _VARIANCE,
        samples=_spreads,
        ties=("0 where all elements are equal; " if _root else "") + "the argument `mean=` does not depend on a",
    )
