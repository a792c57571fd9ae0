"""Running sums and products: an element flows into every later one, so gradients run backwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import holds
from autograd.rules.definition import defop
from autograd.rules.reduce import axis_of, checked
from autograd.rules.samples import RUNNING


def _backwards(g: Any, axis: int) -> Any:
    """The sum of each element and all behind it."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def _cumsum(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return np.reshape(_backwards(g, 0 if axis is None else axis), np.shape(a))


defop(np.cumsum, forward=checked(np.cumsum), vjp=_cumsum, math=r"\bar a_i = \sum_{k \ge i} \bar y_k", samples=RUNNING)


def _recurrence(g: Any, c: Any) -> Any:
    """x with x_i = g_i + c_i x_{i+1} along the last axis, without a loop over its elements.

    Put into itself, the equation says x_i by x_{i+2}, then by x_{i+4}, and so on: its form stays, its step doubles.
    """
    step = 1
    while step < g.shape[-1]:
        zeros = np.zeros_like(g[..., :step])
        g = g + c * np.concatenate([g[..., step:], zeros], axis=-1)
        c = c * np.concatenate([c[..., step:], zeros], axis=-1)
        step *= 2
    return g


def _cumprod(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The sum over k >= i of g_k y_k / a_i; where a factor is 0, the product of the others without a division."""
    shape, axis = np.shape(a), axis_of(a, axis)
    if axis is None:
        a, axis = np.reshape(a, y.shape), 0
    if holds(np.all(y)) and holds(np.all(np.isfinite(y))):
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
        *RUNNING,
        lambda rng: (rng.normal(size=(3, 7)) * (np.arange(7) % 3 != 1), {"axis": 1}),
        lambda rng: (rng.normal(size=(3, 2)) * (np.arange(2) != 1),),
    ],
)
