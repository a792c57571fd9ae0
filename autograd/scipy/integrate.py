"""`scipy.integrate` on Tensors: samples, integrals of functions, and differential equations.

An integral is a Gauss rule on the intervals that SciPy has found, recorded: its derivative is the same rule of the
integrand's derivative (Leibniz), also in what the function closes over and in the limits. Where an end is singular, it
is the trapezoidal rule after a substitution that sends the ends to infinity (Takahasi and Mori, "Double exponential
formulas for numerical integration", 1974).

>>> import autograd
>>> float(autograd.grad(lambda b: autograd.scipy.integrate.quad(lambda x: x**2, 0.0, b)[0])(2.0).round(9))
4.0
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import replaces
from autograd.rules.samples import normal
from autograd.scipy import equations  # noqa: F401  (differential ones)
from autograd.scipy.callbacks import Function, on_numbers, reaches, tensor_of
from autograd.scipy.definition import attributes, composed

__getattr__ = attributes(theirs)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(21)

# Integrals of functions


@replaces(theirs.quad)
def quad(func: Function, a: Any, b: Any, args: Any = (), full_output: int = 0, **options: Any) -> Any:
    """`scipy.integrate.quad`, with a derivative in the limits, in `args` and in what `func` closes over.

    Raises:
        ValueError: an integrand that is singular inside of the limits.
    """
    args = args if isinstance(args, tuple) else (args,)
    low, high = float(plain(a)), float(plain(b))
    found = theirs.quad(on_numbers(func), low, high, plain(args), full_output=1, **plain(options))
    result = found if full_output else found[:2]
    at = (low + high) / 2 if np.isfinite(low + high) else low + 1.0 if np.isfinite(low) else min(high - 1.0, 0.0)
    if not reaches(a, b) and not reaches(tensor_of(func(at, *args))):
        return result
    if options.keys() & {"weight", "wvar", "points"} or "alist" not in found[2]:
        raise TypeError("scipy.integrate.quad: no derivative with weight= or points=; integrate piece by piece")
    last = found[2]["last"]
    value = _gauss(func, a, b, args, zip(found[2]["alist"][:last], found[2]["blist"][:last], strict=True))
    close = 1e-7 * max(abs(found[0]), 1e-3) + 10 * found[1]
    if not abs(plain(value) - found[0]) <= close:
        value = _double_exponential(func, a, b, args)
    if not abs(plain(value) - found[0]) <= close:
        raise ValueError(
            f"scipy.integrate.quad: the integrand is singular inside, and fixed rules give {plain(value):.8g}, not "
            f"{found[0]:.8g}; split the integral there, or substitute the singularity away"
        )
    return value, *result[1:]


def _gauss(func: Function, a: Any, b: Any, args: Any, intervals: Any) -> Any:
    """The Gauss rule on QUADPACK's intervals: of x, or of t in (0, 1] where x = (1 - t) / t goes to infinity."""
    low, high = float(plain(a)), float(plain(b))
    sign, flipped = (1, False) if low <= high else (-1, True)
    a, b, low, high = (b, a, high, low) if flipped else (a, b, low, high)
    total: Any = 0.0
    for left, right in sorted(intervals):
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            place, width = (left + right) / 2 + (right - left) / 2 * node, weight * (right - left) / 2
            if np.isfinite(low) and np.isfinite(high):
                share = (place - min(low, high)) / (high - low)
                total = total + width / (high - low) * (b - a) * func(a + (b - a) * share, *args)
                continue
            far, width = (1 - place) / place, width / place**2
            if np.isfinite(low):
                total = total + width * func(a + far, *args)
            elif np.isfinite(high):
                total = total + width * func(b - far, *args)
            else:
                total = total + width * (func(far, *args) + func(-far, *args))
    return sign * np.reshape(tensor_of(total), ())


def _double_exponential(func: Function, a: Any, b: Any, args: Any) -> Any:
    """The trapezoidal rule in t, where x is a function of t that comes to its ends as exp(-exp(|t|)) does."""
    low, high, on_plain = float(plain(a)), float(plain(b)), on_numbers(func)
    sign = 1 if low <= high else -1
    a, b, low, high = (a, b, low, high) if sign > 0 else (b, a, high, low)
    with np.errstate(all="ignore"):
        places = [_place(t, low, high) for t in np.arange(-6, 6, _STEP)]
        values = [weight * on_plain(x, *plain(args)) if low < x < high else 0.0 for x, weight, _ in places]
    largest = np.sum(np.abs([value for value in values if np.isfinite(value)]))
    total: Any = 0.0
    for (_, weight, of_ends), value in zip(places, values, strict=True):
        if np.isfinite(value) and abs(value) > 1e-18 * largest:  # others add nothing
            x, slope = of_ends(a, b)
            total = total + slope * weight * func(x, *args)
    return sign * np.reshape(tensor_of(total), ())


_STEP = 1 / 16


def _place(t: float, low: float, high: float) -> tuple[float, float, Function]:
    """At t: x, how much the integrand weighs there, and of the ends, x and what they add to that."""
    power, pace = np.pi / 2 * np.sinh(t), np.pi / 2 * np.cosh(t) * _STEP
    if np.isfinite(low) and np.isfinite(high):
        left, right = 1 / (1 + np.exp(-2 * power)), 1 / (1 + np.exp(2 * power))  # distances from the ends
        of_ends: Function = lambda a, b: (a + (b - a) * left if t < 0 else b - (b - a) * right, b - a)
        weight = 2 * pace * left * right
        return of_ends(low, high)[0], weight * (high - low), lambda a, b: (of_ends(a, b)[0], (b - a) / (high - low))
    if np.isfinite(low):
        return low + np.exp(power), pace * np.exp(power), lambda a, b: (a + np.exp(power), 1.0)
    if np.isfinite(high):
        return high - np.exp(power), pace * np.exp(power), lambda a, b: (b - np.exp(power), 1.0)
    return np.sinh(power), pace * np.cosh(power), lambda a, b: (np.sinh(power), 1.0)


@replaces(theirs.fixed_quad)
def fixed_quad(func: Function, a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """`scipy.integrate.fixed_quad`: a Gauss rule of a function of many numbers at once."""
    nodes, weights = map(as_tensor, np.polynomial.legendre.leggauss(n))
    return (b - a) / 2.0 * np.sum(weights * func((b - a) * (nodes + 1) / 2.0 + a, *args), axis=-1), None


# Samples


@composed(theirs.trapezoid, math=r"\bar y_i = \bar z \, (x_{i + 1} - x_{i - 1}) / 2", samples=[normal(5), normal(5, 5)])
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    return np.trapezoid(y, x, dx, axis)


@composed(
    theirs.cumulative_trapezoid,
    math=r"y_k = \sum_{i \le k} (a_i + a_{i - 1}) (x_i - x_{i - 1}) / 2",
    samples=[normal(5), normal((3, 4), axis=0, initial=0)],
)
def _cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    y = np.moveaxis(y, axis, -1)
    steps = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1))
    sums = np.cumsum(steps * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)
    if initial is not None:
        sums = np.concatenate((np.full((*np.shape(sums)[:-1], 1), float(initial)), sums), axis=-1)
    return np.moveaxis(sums, -1, axis)


@composed(
    theirs.simpson,
    math=r"z = \sum_k \int \text{ of the parabola through } y_{2k}, y_{2k + 1}, y_{2k + 2}",
    samples=[normal(5), normal(6), normal(2), lambda rng: (rng.normal(size=(2, 6)), np.cumsum(rng.uniform(1, 2, 6)))],
)
def _simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(y, axis, -1)
    count = np.shape(y)[-1]
    x = dx * np.arange(count) if x is None else x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1)
    h = np.diff(x)
    if count == 2:
        return h[..., 0] * (y[..., 0] + y[..., 1]) / 2
    end = count - 2 + count % 2  # of the parabolas; for an even count the last stretch is left
    a, b = h[..., : end - 1 : 2], h[..., 1:end:2]
    low, middle, high = y[..., : end - 1 : 2], y[..., 1:end:2], y[..., 2 : end + 1 : 2]
    total = np.sum((a + b) / 6 * (low * (2 - b / a) + middle * (a + b) ** 2 / (a * b) + high * (2 - a / b)), axis=-1)
    if count % 2:
        return total
    a, b = h[..., -2], h[..., -1]  # by the parabola through the last three points
    last = (2 * b**2 + 3 * a * b) / (6 * (a + b)) * y[..., -1] + (b**2 + 3 * a * b) / (6 * a) * y[..., -2]
    return total + last - b**3 / (6 * a * (a + b)) * y[..., -3]
