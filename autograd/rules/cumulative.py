"""Running sums and products: an element flows into every later one, so gradients run backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.op import Sample
from autograd.rules.definition import defcomposite, defop
from autograd.rules.reduce import axis_of, checked, without_nan

_running: list[Sample] = [
    lambda rng: (rng.normal(size=5),),
    lambda rng: (rng.normal(size=(3, 4)),),
    lambda rng: (rng.normal(size=(3, 4)), 0),
    lambda rng: (rng.normal(size=(2, 3, 4)), {"axis": -2}),
    lambda rng: (rng.normal(size=(3, 4)).astype(np.float32), {"axis": 1, "dtype": np.float64}),
    lambda rng: (rng.normal(),),
]


def _backwards(g: Any, axis: int) -> Any:
    """The sum of each element and all behind it."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def _cumsum(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return np.reshape(_backwards(g, 0 if axis is None else axis), np.shape(a))


defop(
    np.cumsum,
    forward=checked(np.cumsum),
    vjp=_cumsum,
    math=r"\bar a_i = \sum_{k \ge i} \bar y_k",
    samples=_running,
)


def _recurrence(g: Any, c: Any) -> Any:
    """x with x_i = g_i + c_i x_{i+1} along the last axis, in log2(n) doublings of the reach."""
    reach = 1
    while reach < g.shape[-1]:
        nothing = np.zeros_like(g[..., :reach])
        g = g + c * np.concatenate([g[..., reach:], nothing], axis=-1)
        c = c * np.concatenate([c[..., reach:], nothing], axis=-1)
        reach *= 2
    return g


def _cumprod(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    shape, axis = np.shape(a), axis_of(a, axis)
    if axis is None:
        a, axis = np.reshape(a, y.shape), 0
    if np.all(y) and np.all(np.isfinite(y)):
        return np.reshape(_backwards(g * y, axis) / a, shape)
    g, a = np.moveaxis(g, axis, -1), np.moveaxis(a, axis, -1)
    one, zero = np.ones_like(a[..., :1]), np.zeros_like(a[..., :1])
    before = np.cumprod(np.concatenate([one, a[..., :-1]], axis=-1), axis=-1)
    behind = _recurrence(g, np.concatenate([a[..., 1:], zero], axis=-1))
    return np.reshape(np.moveaxis(before * behind, -1, axis), shape)


defop(
    np.cumprod,
    forward=checked(np.cumprod),
    vjp=_cumprod,
    math=r"\bar a_i = \sum_{k \ge i} \bar y_k \prod_{j \le k,\, j \ne i} a_j",
    samples=[
        *_running,
        lambda rng: (rng.normal(size=(3, 7)) * (np.arange(7) % 3 != 1), {"axis": 1}),
        lambda rng: (rng.normal(size=(3, 2)) * (np.arange(2) != 1),),
    ],
)

# Compositions

_fn: Any
_plain: Any
_SUM, _PRODUCT = r"y_k = \sum_{i \le k} x_i", r"y_k = \prod_{i \le k} x_i"
for _fn, _plain, _neutral, _math in (
    (np.nancumsum, np.cumsum, 0, _SUM),
    (np.nancumprod, np.cumprod, 1, _PRODUCT),
):
    defcomposite(
        _fn,
        without_nan(_plain, _neutral),
        math=_math.replace("x", "a") + r", \quad a_i \ne \mathrm{NaN}",
        samples=_running,
        ties="the gradient of a NaN is 0",
    )


def _with_initial(fn: Callable[..., Any], first: float) -> Callable[..., Any]:
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


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    for _fn, _plain, _neutral, _math in (
        (np.cumulative_sum, np.cumsum, 0, _SUM),
        (np.cumulative_prod, np.cumprod, 1, _PRODUCT),
    ):
        defcomposite(
            _fn,
            _with_initial(_plain, _neutral),
            math=_math,
            samples=[
                lambda rng: (rng.normal(size=4),),
                lambda rng: (rng.normal(size=(3, 4)), {"axis": -1, "include_initial": True}),
                lambda rng: (rng.normal(), {"include_initial": True}),
            ],
        )
