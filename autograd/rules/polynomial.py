"""Polynomials by their coefficients, the highest power first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.op import Sample, stack_nested
from autograd.rules.definition import defcomposite, defop


def _vander(g: Any, y: Any, x: Any, N: Any = None, increasing: bool = False) -> Any:
    n = np.shape(y)[1]
    if n < 2:
        return np.zeros_like(x)
    g = g if increasing else g[:, ::-1]
    return np.sum(g[:, 1:] * (np.vander(x, n - 1, increasing=True) * np.arange(1, n)), axis=1)


defop(
    np.vander,
    vjp=_vander,
    math=r"\bar x_i = \sum_k k \, \bar y_{ik} x_i^{k-1}",
    samples=[
        lambda rng: (rng.normal(size=3),),
        lambda rng: (np.array([0.5, 0.0, -1.5]), 4, {"increasing": True}),
        lambda rng: (rng.normal(size=3), {"N": 1}),
    ],
)


def _polyval(p: Any, x: Any) -> Any:
    y = np.zeros_like(x)
    for coefficient in stack_nested(p):
        y = y * x + coefficient
    return y


defcomposite(
    np.polyval,
    _polyval,
    math=r"y = (\dots (p_0 x + p_1) x + \dots) x + p_n",
    samples=[
        lambda rng: (rng.normal(size=4), rng.normal(size=(2, 3))),
        lambda rng: (rng.normal(size=3), np.array([0.0, 1.0])),
        lambda rng: ([2, 0, 1], rng.normal(size=3)),
        lambda rng: (rng.normal(size=3), 1.5),
    ],
)


def _polyder(p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    constants = np.zeros(m) if k is None else np.ravel(k)
    if len(constants) == 1:
        constants = np.broadcast_to(constants, m)
    if len(constants) < m:
        raise ValueError(f"np.polyint: {len(constants)} constants of integration for {m} integrals")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


def _padded(fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`fn` of two polynomials, the shorter one filled up with zeros."""

    def body(a1: Any, a2: Any) -> Any:
        a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
        missing = len(a2) - len(a1)
        if missing > 0:
            a1 = np.concatenate([np.zeros(missing, a1.dtype), a1])
        elif missing < 0:
            a2 = np.concatenate([np.zeros(-missing, a2.dtype), a2])
        return fn(a1, a2)

    return body


def _polymul(a1: Any, a2: Any) -> Any:
    """Without the leading zeros, as NumPy does it."""

    def trimmed(p: Any) -> Any:
        p = np.ravel(p)
        nonzero = np.flatnonzero(p)
        return p[nonzero[0] :] if nonzero.size else np.resize(p[-1:], 1)

    return np.convolve(trimmed(a1), trimmed(a2))


_two: list[Sample] = [
    lambda rng: (rng.normal(size=3), rng.normal(size=3)),
    lambda rng: (rng.normal(size=2), rng.normal(size=4)),
    lambda rng: (rng.normal(size=3), rng.normal()),
]
defcomposite(
    np.polyder,
    _polyder,
    math=r"y_k = (n - k) \, p_k",
    samples=[lambda rng: (rng.normal(size=4),), lambda rng: (rng.normal(size=5), 3)],
)
defcomposite(
    np.polyint,
    _polyint,
    math=r"y_k = p_k / (n + 1 - k)",
    samples=[
        lambda rng: (rng.normal(size=4),),
        lambda rng: (rng.normal(size=4), 2, 0.5),
        lambda rng: (rng.normal(size=3), {"m": 2, "k": [0.5, -0.2]}),
    ],
)
defcomposite(np.polyadd, _padded(np.add), math=r"y = a_1 + a_2", samples=_two)
defcomposite(np.polysub, _padded(np.subtract), math=r"y = a_1 - a_2", samples=_two)
defcomposite(
    np.polymul,
    _polymul,
    math=r"y_k = \sum_i a_{1,i} \, a_{2,k-i}",
    samples=_two,
    ties="leading zeros are left out, so no gradient reaches them",
)


def _poly(seq_of_zeros: Any) -> Any:
    if np.ndim(seq_of_zeros) > 1:
        raise TypeError("np.poly of a matrix: its zeros are eigenvalues, which may be complex; give the zeros")
    roots = np.ravel(seq_of_zeros)
    p = np.ones(1, roots.dtype)
    for k in range(roots.size):
        zero = np.zeros(1, roots.dtype)
        p = np.concatenate([p, zero]) - roots[k] * np.concatenate([zero, p])
    return p if roots.size else 1.0


def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    if np.ndim(u) > 1 or np.ndim(v) > 1:
        raise TypeError(f"np.polydiv of shapes {np.shape(u)} and {np.shape(v)}: the coefficients stand in one row")
    u, v = np.multiply(np.ravel(u), 1.0), np.multiply(np.ravel(v), 1.0)
    steps = max(u.size - v.size + 1, 0)
    rest = u + np.zeros_like(v[:1])
    digits, scale = [np.zeros(1, rest.dtype)][steps:], 1.0 / v[0]
    for k in range(steps):
        digits.append(scale * rest[k : k + 1])
        rest = rest - digits[-1] * np.pad(v, (k, steps - 1 - k))
    while rest.size > 1 and np.allclose(rest[0], 0, rtol=1e-14):
        rest = rest[1:]
    return np.concatenate(digits), rest


defcomposite(
    np.poly,
    _poly,
    math=r"p(x) = \prod_i (x - z_i)",
    samples=[lambda rng: (rng.normal(size=4),), lambda rng: (rng.normal(size=1),)],
)
defcomposite(
    np.polydiv,
    _polydiv,
    math=r"u = q \, v + r",
    samples=[
        lambda rng: (rng.normal(size=5), rng.normal(size=3)),
        lambda rng: (rng.normal(size=2), rng.normal(size=2)),
        lambda rng: (rng.normal(size=2), rng.normal(size=3)),
    ],
    ties="leading zeros of the remainder are left out, so no gradient reaches them",
)
