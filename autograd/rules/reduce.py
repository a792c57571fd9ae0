"""Reductions: many elements become one, so its gradient is spread over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Sample, defop
from autograd.rules.guarded import quotient

_reductions: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)),),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": 0}),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": -1, "keepdims": True}),
    lambda rng: (rng.normal(size=(2, 3, 4)), {"axis": (0, 2)}),
    lambda rng: (rng.normal(size=(2, 3, 4)), {"axis": (0, 2), "keepdims": True}),
    lambda rng: (rng.normal(),),
]


def restore(g: Any, axis: Any, keepdims: bool) -> Any:
    """`g` with the reduced axes back, of length 1, so that it broadcasts against the operand."""
    return g if axis is None or keepdims else np.expand_dims(g, axis)


def spread(g: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """`g` repeated over the axes of `a` that were reduced."""
    if axis is None and isinstance(g, np.generic):  # a view, at a tenth of the cost of broadcast_to
        return np.ndarray(np.shape(a), g.dtype, g, 0, (0,) * np.ndim(a))
    return np.broadcast_to(restore(g, axis, keepdims), np.shape(a))


def count(a: Any, y: Any) -> int:
    """How many elements of `a` went into one of `y`."""
    return a.size // max(y.size, 1)  # type: ignore[no-any-return]


def _sum(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.add.reduce(a, axis=axis, keepdims=keepdims)


def _mean(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    total = np.add.reduce(a, axis=axis, keepdims=keepdims)
    return total / count(a, total)


defop(
    np.sum,
    label="Σ",
    forward=_sum,
    vjp=lambda g, y, a, axis=None, keepdims=False: spread(g, a, axis, keepdims),
    math=r"\bar a_i = \bar y",
    samples=_reductions,
)
defop(
    np.mean,
    label="mean",
    forward=lambda a, axis=None, keepdims=False: (
        _mean(a, axis, keepdims)
        if type(a) is np.ndarray and a.dtype.char in "fd"
        else np.mean(a, axis, keepdims=keepdims)
    ),
    vjp=lambda g, y, a, axis=None, keepdims=False: spread(g / max(count(a, y), 1), a, axis, keepdims),
    math=r"\bar a_i = \bar y / n",
    samples=_reductions,
)


def _extremum(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    chosen = a == restore(y, axis, keepdims)
    share = chosen / np.sum(chosen, axis=axis, keepdims=True)
    return restore(g, axis, keepdims) * share.astype(a.dtype)


for _fn, _ufunc in ((np.max, np.maximum), (np.min, np.minimum)):
    defop(
        _fn,
        label=_ufunc.__name__[:3],
        name=f"np.{_ufunc.__name__[:3]}",
        vjp=_extremum,
        math=r"\bar a_i = \bar y \, 1[a_i = y] / \#\{j : a_j = y\}",
        samples=_reductions,
        ties="the elements that tie share the gradient equally",
    )


def _deviation(a: Any, axis: Any) -> Any:
    return a - np.mean(a, axis=axis, keepdims=True)


def _var(g: Any, y: Any, a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return restore(g, axis, keepdims) * (2 / (count(a, y) - ddof)) * _deviation(a, axis)


def _std(g: Any, y: Any, a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    scaled = restore(g, axis, keepdims) * _deviation(a, axis)
    return quotient(scaled, restore(y, axis, keepdims) * (count(a, y) - ddof))


_spreads: list[Sample] = [*_reductions[:-1], lambda rng: (rng.normal(size=(3, 4)), {"axis": 1, "ddof": 1})]
defop(
    np.var,
    vjp=_var,
    math=r"\bar a_i = \frac{2}{n - \delta} \, \bar y \, (a_i - \operatorname{mean} a)",
    samples=_spreads,
)
defop(
    np.std,
    vjp=_std,
    math=r"\bar a_i = \frac{1}{n - \delta} \, \bar y \, (a_i - \operatorname{mean} a) / y",
    samples=_spreads,
    ties="0 where all elements are equal",
)
