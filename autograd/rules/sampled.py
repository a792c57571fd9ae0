"""Functions given by samples or coefficients: differences, integrals, interpolation, convolution, powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import of_kind
from autograd.core.op import Call, stack_nested
from autograd.rules.definition import defop
from autograd.rules.index import along, scatter
from autograd.rules.samples import normal

# Differences


def _diff_arguments(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Call:
    if n and not (prepend is append is np._NoValue):
        parts = [stack_nested(part) for part in (prepend, a, append) if part is not np._NoValue]
        edge = [1 if k == axis % np.ndim(a) else length for k, length in enumerate(np.shape(a))]
        parts = [part if np.ndim(part) else np.broadcast_to(part, edge) for part in parts]
        a = np.concatenate(parts, axis=axis)
    return (a,), {"n": n, "axis": axis}


def _diff(g: Any, y: Any, a: Any, n: int = 1, axis: int = -1) -> Any:
    if not y.size:
        return np.zeros_like(a)
    zero = np.zeros_like(g[along(axis, slice(0, 1))])
    for _ in range(n):
        g = -np.diff(np.concatenate([zero, g, zero], axis=axis), axis=axis)
    return g


defop(
    np.diff,
    label="Δ",
    vjp=_diff,
    adapt=_diff_arguments,
    math=r"\bar a_i = \bar y_{i-1} - \bar y_i",
    samples=[
        normal(5),
        normal((3, 4)),
        lambda rng: (rng.normal(size=(3, 4)), 2),
        normal((4, 3), n=3, axis=0),
        lambda rng: (rng.normal(size=(3, 4)), {"prepend": 0.5, "append": rng.normal(size=(3, 2))}),
    ],
)


# Convolution: y[k] = sum of a[i] v[k - i], and of that the part that `mode` keeps


def _checked_convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode {mode!r}; give 'full', 'same' or 'valid'")
    return np.convolve(a, v, mode)


def _convolve(g: Any, y: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """The gradient of `a`, and of `v` where they change places."""
    shorter = min(np.size(a), np.size(v))
    start = {"full": 0, "same": (shorter - 1) // 2, "valid": shorter - 1}[mode]
    whole = scatter(g, slice(start, start + y.size), (np.size(a) + np.size(v) - 1,))
    return np.reshape(np.convolve(whole, np.ravel(v)[::-1], "valid"), np.shape(a))


defop(
    np.convolve,
    label="∗",
    forward=_checked_convolve,
    vjp=(_convolve, lambda g, y, a, v, mode="full": _convolve(g, y, v, a, mode)),
    math=(r"\bar a_i = \sum_k \bar y_k v_{k-i}", r"\bar v_j = \sum_k \bar y_k a_{k-j}"),
    samples=[
        normal(5, 3),
        *(
            lambda rng, mode=mode, n=n, m=m: (rng.normal(size=n), rng.normal(size=m), {"mode": mode})
            for mode in ("full", "same", "valid")
            for n, m in ((5, 4), (3, 6), (2, 2), (6, 1))
        ),
        normal((), 3),
    ],
)

# Powers of samples, a column for each


def _vander(g: Any, y: Any, x: Any, N: Any = None, increasing: bool = False) -> Any:
    n = np.shape(y)[1]
    if n < 2:
        return np.zeros_like(x)
    g = g if increasing else g[:, ::-1]
    return np.sum(g[:, 1:] * (np.vander(x, n - 1, increasing=True) * of_kind(np.arange(1, n), x)), axis=1)


defop(
    np.vander,
    vjp=_vander,
    math=r"\bar x_i = \sum_k k \, \bar y_{ik} x_i^{k-1}",
    samples=[normal(3), lambda rng: (np.array([0.5, 0.0, -1.5]), 4, {"increasing": True}), normal(3, N=1)],
)
