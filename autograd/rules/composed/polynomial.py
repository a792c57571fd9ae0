"""Polynomials by their coefficients, the highest power first."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.exceptions import RankWarning

from autograd.core.op import Sample, plain, stack_nested
from autograd.rules.definition import defcomposite
from autograd.rules.linalg import transposed
from autograd.rules.samples import normal


def _polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: bool | str = False
) -> Any:
    """Least squares over the powers of `x`; their columns are scaled to length 1 first, as NumPy does it."""
    x, y = np.multiply(x, 1.0), np.multiply(y, 1.0)
    if np.ndim(x) != 1 or np.ndim(y) not in (1, 2) or len(x) != len(y) or not len(x):
        raise TypeError(f"np.polyfit of points of shapes {np.shape(x)} and {np.shape(y)}")
    powers, values = np.vander(x, int(plain(deg)) + 1), y
    if w is not None:
        powers, values = powers * np.expand_dims(w, -1), np.transpose(np.transpose(y) * w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    coefficients, residuals, rank, s = np.linalg.lstsq(powers / scale, values, rcond)
    if rank <= deg and not full:
        warnings.warn("np.polyfit: the points do not determine all coefficients", RankWarning, stacklevel=2)
    p = np.transpose(np.transpose(coefficients) / scale)
    if full:
        return p, residuals, rank, s, rcond
    if not cov:
        return p
    covariance = _polyfit_covariance(powers, residuals, cov)
    return p, covariance if np.ndim(y) > 1 else covariance[..., 0]


def _polyfit_covariance(powers: Any, residuals: Any, cov: bool | str) -> Any:
    """The covariance matrix of the coefficients, or what the variance of the values is to be multiplied by."""
    base, freedom = np.linalg.inv(transposed(powers) @ powers), powers.shape[0] - powers.shape[1]
    if cov == "unscaled":
        return np.expand_dims(base, -1)
    if freedom <= 0:
        raise ValueError("np.polyfit: cov= needs more points than coefficients")
    return np.expand_dims(base, -1) * (residuals / freedom)


defcomposite(
    np.polyfit,
    _polyfit,
    math=r"p = a^+ b, \quad a_{ik} = w_i \, x_i^{n-k}, \quad b_i = w_i \, y_i",
    samples=[
        lambda rng: (rng.normal(size=6), rng.normal(size=6), 2),
        lambda rng: (rng.normal(size=6), rng.normal(size=(6, 2)), 1, {"w": rng.uniform(1, 2, size=6)}),
        lambda rng: (rng.normal(size=6), rng.normal(size=6), 2, {"cov": True}),
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
        normal(4, (2, 3)),
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


_two: list[Sample] = [normal(3, 3), normal(2, 4), normal(3, ())]
defcomposite(
    np.polyder, _polyder, math=r"y_k = (n - k) \, p_k", samples=[normal(4), lambda rng: (rng.normal(size=5), 3)]
)
defcomposite(
    np.polyint,
    _polyint,
    math=r"y_k = p_k / (n + 1 - k)",
    samples=[
        normal(4),
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
    """The product of all x - zero, one factor at a time."""
    if np.ndim(seq_of_zeros) > 1:
        return _characteristic(seq_of_zeros)
    roots = np.ravel(seq_of_zeros)
    p = np.ones(1, roots.dtype)
    for k in range(roots.size):
        zero = np.zeros(1, roots.dtype)
        p = np.concatenate([p, zero]) - roots[k] * np.concatenate([zero, p])
    return p if roots.size else 1.0


def _characteristic(a: Any) -> Any:
    """det(x I - a), without its zeros: these may be equal or complex (Faddeev and LeVerrier)."""
    one = np.eye(np.shape(a)[0], dtype=a.dtype)
    p, matrix = [np.ones((), a.dtype)], one
    for k in range(1, len(one) + 1):
        matrix = a @ matrix
        p.append(-np.trace(matrix) / k)
        matrix = matrix + p[-1] * one
    return np.stack(p)


def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Quotient and remainder by long division, u = q v + r; coefficients of the highest power come first.

    In each step the highest power of what is left goes: it is divided by that of v, and so many times v subtracted.
    """
    if np.ndim(u) > 1 or np.ndim(v) > 1:
        raise TypeError(f"np.polydiv of shapes {np.shape(u)} and {np.shape(v)}: the coefficients stand in one row")
    u, v = np.multiply(np.ravel(u), 1.0), np.multiply(np.ravel(v), 1.0)
    steps = max(u.size - v.size + 1, 0)
    rest = u + np.zeros_like(v[:1])  # in the dtype of both
    quotient, scale = [np.zeros(1, rest.dtype)][steps:], 1.0 / v[0]  # 0 where u is shorter than v
    for k in range(steps):
        quotient.append(scale * rest[k : k + 1])
        rest = rest - quotient[-1] * np.pad(v, (k, steps - 1 - k))
    while rest.size > 1 and np.allclose(rest[0], 0, rtol=1e-14):  # as NumPy cuts off leading zeros
        rest = rest[1:]
    return np.concatenate(quotient), rest


_TRIANGULAR = np.array([[2.0, 1.0, 0.5], [0.0, -1.0, 1.0], [0.0, 0.0, 3.0]])  # whose eigenvalues NumPy finds exactly
defcomposite(
    np.poly,
    _poly,
    math=r"p(x) = \prod_i (x - z_i)",
    samples=[normal(4), normal(1), lambda rng: (_TRIANGULAR.copy(),)],
)
defcomposite(
    np.polydiv,
    _polydiv,
    math=r"u = q \, v + r",
    samples=[normal(5, 3), normal(2, 2), normal(2, 3)],
    ties="leading zeros of the remainder are left out, so no gradient reaches them",
)
