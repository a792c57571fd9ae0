"""Piecewise polynomials in functions that have rules: values, points and places may all be Tensors."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from autograd.core.op import plain
from autograd.core.tensor import TensorBase
from autograd.numpy.arrays import as_tensor
from autograd.scipy.callbacks import tensor_of


class Piecewise:
    """Polynomials between breaks: at `t` behind break k, the sum of c[j][k] t^(degree - j).

    Args:
        breaks: in rising order.
        coefficients: of the highest power first, each with a row for every piece.
        outside: "extrapolate", or what the values below and above are, as a pair.
    """

    def __init__(self, breaks: Any, coefficients: Any, outside: Any = "extrapolate", axis: int = 0) -> None:
        self.x, self.c, self._outside, self._axis = breaks, list(coefficients), outside, axis

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None, der: int | None = None, ext: int = 0) -> Any:
        nu, x = nu if der is None else der, tensor_of(x)
        if nu:
            return self.derivative(nu)(x, extrapolate=extrapolate, ext=ext)
        outside = (np.nan, np.nan) if extrapolate is False else ((0.0, 0.0) if ext == 1 else self._outside)
        flat, breaks = np.ravel(x), np.asarray(plain(self.x))
        piece = np.clip(np.searchsorted(breaks, plain(flat), "right") - 1, 0, len(breaks) - 2)
        step = np.reshape(flat - self.x[piece], (-1, *[1] * (np.ndim(self.c[0]) - 1)))
        value = self.c[0][piece]
        for c in self.c[1:]:
            value = value * step + c[piece]
        if not isinstance(outside, str):
            places = np.reshape(np.asarray(plain(flat)), np.shape(step))
            value = np.where(places < breaks[0], outside[0], np.where(places > breaks[-1], outside[1], value))
        value = np.reshape(value, np.shape(x) + np.shape(value)[1:])
        if self._axis and np.ndim(x) == 1:
            value = np.moveaxis(value, 0, self._axis)
        return as_tensor(value) if isinstance(value, (TensorBase, np.ndarray)) else value

    def derivative(self, nu: int = 1) -> Piecewise:
        """The derivative, which is piecewise too."""
        coefficients = self.c
        for _ in range(nu):
            powers = range(len(coefficients) - 1, 0, -1)
            coefficients = [c * power for c, power in zip(coefficients, powers, strict=False)] or [0 * self.c[0]]
        return Piecewise(self.x, coefficients, self._outside, self._axis)

    def antiderivative(self) -> Piecewise:
        """The integral from the first break on."""
        powers = range(len(self.c), 0, -1)
        integrated = [c / power for c, power in zip(self.c, powers, strict=True)]
        step = np.reshape(np.diff(self.x), (-1, *[1] * (np.ndim(self.c[0]) - 1)))
        whole: Any = 0.0
        for c in integrated:
            whole = (whole + c) * step
        before = np.concatenate((0 * whole[:1], np.cumsum(whole, axis=0)[:-1]))
        return Piecewise(self.x, [*integrated, before], self._outside, self._axis)

    def integrate(self, a: Any, b: Any) -> Any:
        """The integral from `a` to `b`."""
        whole = self.antiderivative()
        return whole(b) - whole(a)

    integral = integrate


def hermite(x: Any, y: Any, slopes: Any, **how: Any) -> Piecewise:
    """Cubics by the values and the slopes at their ends."""
    h = _beside(np.diff(x), y)
    rise = np.diff(y, axis=0) / h
    left, right = slopes[:-1], slopes[1:]
    return Piecewise(x, [(left + right - 2 * rise) / h**2, (3 * rise - 2 * left - right) / h, left, y[:-1]], **how)


def linear(x: Any, y: Any, **how: Any) -> Piecewise:
    """Straight lines between points."""
    return Piecewise(x, [np.diff(y, axis=0) / _beside(np.diff(x), y), y[:-1]], **how)


def _beside(x: Any, y: Any) -> Any:
    return np.reshape(x, (-1, *[1] * (np.ndim(y) - 1)))


def spline(x: Any, y: Any, k: int, **how: Any) -> Piecewise:
    """The spline of degree `k` through points, with all knots at these or between."""
    if k == 1:
        return linear(x, y, **how)
    if k == 3:
        return hermite(x, y, cubic_slopes(x, y, ("not-a-knot", "not-a-knot")), **how)
    knots = knots_between(x, k)
    weights = np.linalg.solve(basis(knots, k, x), np.reshape(y, (len(x), -1)))
    return by_basis(knots, np.reshape(weights, np.shape(y)), k, **how)


def knots_between(x: Any, k: int) -> Any:
    """The knots of the spline of degree `k` through points at `x`, which has no further conditions at its ends."""
    inner = x if k % 2 else (x[1:] + x[:-1]) / 2
    cut = (k + 1) // 2
    return np.concatenate([*[x[:1]] * (k + 1), inner[cut : len(inner) - cut], *[x[-1:]] * (k + 1)])


def basis(knots: Any, k: int, x: Any) -> Any:
    """The B-splines of degree `k` at `x`, a column for each: de Boor, "A practical guide to splines", chapter IX."""
    ends, places = np.asarray(plain(knots)), np.asarray(plain(x))
    last = np.flatnonzero(np.diff(ends) > 0)[-1]
    piece = np.clip(np.searchsorted(ends, places, "right") - 1, 0, last)
    value: Any = 1.0 * (piece[:, None] == np.arange(len(ends) - 1))
    for degree in range(1, k + 1):
        width = knots[degree:] - knots[:-degree]
        share = (x[:, None] - knots[:-degree]) / np.where(plain(width) > 0, width, 1.0)
        value = share[:, :-1] * value[:, :-1] + (1 - share[:, 1:]) * value[:, 1:]
    return value


def by_basis(knots: Any, c: Any, k: int, **how: Any) -> Piecewise:
    """A sum of B-splines of degree `k`, with the weights `c`: its Taylor series at every break."""
    there = k + np.flatnonzero(np.diff(np.asarray(plain(knots))[k : len(knots) - k]) > 0)
    breaks = knots[np.append(there, there[-1] + 1)]
    series = []
    for degree in range(k, -1, -1):
        series.append(np.tensordot(basis(knots, degree, breaks[:-1]), c, axes=1))
        if degree:  # the derivative is a sum of B-splines of one degree less
            knots = knots[1:-1]
            width = knots[degree:] - knots[:-degree]
            rise = degree / (k + 1 - degree) / np.where(plain(width) > 0, width, 1.0)
            c = np.diff(c, axis=0) * _beside(rise, c)
    return Piecewise(breaks, series[::-1], **how)


# Slopes


def cubic_slopes(x: Any, y: Any, ends: Any) -> Any:
    """Those that leave the second derivative without jumps, with a condition at each end."""
    n, h = len(x), np.diff(x)
    rise = np.diff(y, axis=0) / _beside(h, y)
    if n == 2 and ends == ("not-a-knot", "not-a-knot"):
        return np.concatenate((rise, rise))
    if n == 3 and ends == ("not-a-knot", "not-a-knot"):  # one parabola
        inner = _beside(h[::-1], y) * rise
        middle = np.sum(inner, axis=0, keepdims=True) / np.sum(h)
        return np.concatenate((2 * rise[:1] - middle, middle, 2 * rise[1:] - middle))
    before, after = h[1:], h[:-1]
    rows = (
        before[:, None] * np.eye(n - 2, n)
        + 2 * (before + after)[:, None] * np.eye(n - 2, n, 1)
        + after[:, None] * np.eye(n - 2, n, 2)
    )
    right = 3 * (_beside(before, y) * rise[:-1] + _beside(after, y) * rise[1:])
    first = _end(ends[0], h[:2], rise[:2], -0.5)
    last = _end(ends[1], h[-2:][::-1], rise[-2:][::-1], 0.5)
    unit = np.eye(n)
    low, high = first[0] * unit[0] + first[1] * unit[1], last[0] * unit[-1] + last[1] * unit[-2]
    matrix = np.concatenate((low[None], rows, high[None]))
    sides = np.concatenate((np.expand_dims(first[2], 0), right, np.expand_dims(last[2], 0)))
    return np.linalg.solve(matrix, sides) if np.ndim(y) > 1 else np.linalg.solve(matrix, sides[:, None])[:, 0]


def _end(end: Any, h: Any, rise: Any, bend: float) -> tuple[Any, Any, Any]:
    """What the slope at an end, and the one beside it, are multiplied by, and what that gives."""
    if isinstance(end, str) and end not in ("not-a-knot", "natural", "clamped"):
        raise TypeError(f"scipy.interpolate.CubicSpline: bc_type={end!r} is not covered; 'natural' and 'clamped' are")
    if end == "not-a-knot":
        d = h[0] + h[1]
        return h[1], d, ((h[0] + 2 * d) * h[1] * rise[0] + h[0] ** 2 * rise[1]) / d
    order, value = {"natural": (2, 0.0), "clamped": (1, 0.0)}[end] if isinstance(end, str) else end
    if order == 1:
        return 1.0, 0.0, value + 0 * rise[0]
    return 2.0, 1.0, 3 * rise[0] + bend * value * h[0]


def pchip_slopes(x: Any, y: Any) -> Any:
    """Weighted harmonic means of the rises, and 0 where they change their sign: Fritsch and Butland, 1984."""
    h = _beside(np.diff(x), y)
    rise = np.diff(y, axis=0) / h
    if len(x) == 2:
        return np.concatenate((rise, rise))
    turns = rise[:-1] * rise[1:] <= 0
    a, b = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    before, after = np.where(turns, 1.0, rise[:-1]), np.where(turns, 1.0, rise[1:])
    inner = np.where(turns, 0.0, (a + b) / (a / before + b / after))

    def end(h: Any, rise: Any) -> Any:
        slope = ((2 * h[0] + h[1]) * rise[0] - h[0] * rise[1]) / (h[0] + h[1])
        steep = (np.sign(rise[0]) != np.sign(rise[1])) & (np.abs(slope) > 3 * np.abs(rise[0]))
        return np.where(np.sign(slope) != np.sign(rise[0]), 0.0, np.where(steep, 3 * rise[0], slope))[None]

    return np.concatenate((end(h[:2], rise[:2]), inner, end(h[-2:][::-1], rise[-2:][::-1])))


def akima_slopes(x: Any, y: Any) -> Any:
    """Means of the rises, each weighted by how much those on the other side bend: Akima, 1970."""
    m = np.diff(y, axis=0) / _beside(np.diff(x), y)
    low, high = 2 * m[:1] - m[1:2], 2 * m[-1:] - m[-2:-1]
    m = np.concatenate((2 * low - m[:1], low, m, high, 2 * high - m[-1:]))
    bends = np.abs(np.diff(m, axis=0))
    after, before = bends[2:], bends[:-2]
    flat = after + before <= 1e-9 * np.max(after + before)
    weighted = (after * m[1:-2] + before * m[2:-1]) / np.where(flat, 1.0, after + before)
    return np.where(flat, 0.5 * (m[3:] + m[:-3]), weighted)


def multilinear(values: Any, below: Any, shares: Any) -> Any:
    """The mean of the corners of a cell of a grid, linear along every axis.

    Args:
        values: at the knots of the grid.
        below: along every axis, the knot below the place.
        shares: along every axis, how far the place is from this knot to the next, from 0 to 1.
    """
    total: Any = 0.0
    for corner in product((0, 1), repeat=len(below)):
        weight: Any = 1.0
        for up, share in zip(corner, shares, strict=True):
            weight = weight * (share if up else 1 - share)
        total = total + weight * values[tuple([k + up for k, up in zip(below, corner, strict=True)])]
    return total
