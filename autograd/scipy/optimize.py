"""`scipy.optimize` on Tensors: roots and minima, by the implicit function theorem.

SciPy finds the root x of F(x, θ) in plain numbers; `implicit_root` gives it its derivatives. What F closes over counts
as θ. Of a minimum, F is the gradient, in the elements that are at no bound.

>>> import autograd
>>> float(autograd.grad(lambda a: autograd.scipy.optimize.brentq(lambda x: x**2 - a, 0.0, 5.0))(4.0))
0.25
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
import scipy.optimize as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import REPLACED, replaces
from autograd.scipy.callbacks import Function, implicit_root, on_numbers, reaches, slopes, tensor_of
from autograd.scipy.definition import attributes

__getattr__ = attributes(theirs)
_NOWHERE = (-np.inf, np.inf)


def _number(value: Any) -> Any:
    return on_numbers(value) if callable(value) else plain(value)


def _stands_for(original: Function, answer: Callable[[Function, dict[str, Any], Any], Any]) -> None:
    """Record what stands for a function that SciPy gives a function, and `args` for that.

    Args:
        original: SciPy's; it is called with plain numbers.
        answer: gets the function of its first argument alone, all arguments by name, and what SciPy has found.
    """
    called = signature(original)
    takes_function = next(iter(called.parameters))

    def call(*numbers: Any, **options: Any) -> Any:
        given = called.bind(*numbers, **options).arguments
        fn, args = given[takes_function], given.get("args", ())
        args = args if isinstance(args, tuple) else (args,)
        found = original(**{name: _number(value) for name, value in {**given, "args": args}.items()})
        return answer(lambda x: fn(x, *args), given, found)

    call.__name__, call.__doc__ = original.__name__, original.__doc__
    REPLACED[original] = REPLACED[call] = call


def _root(fn: Function, given: dict[str, Any], found: Any) -> Any:
    """The answer of a function that gives a root, alone or with more about it."""
    first, *rest = found if isinstance(found, tuple) else (found,)
    root = implicit_root(fn, first)
    return (root, *rest) if isinstance(found, tuple) else root


for _original in (
    theirs.brentq, theirs.brenth, theirs.bisect, theirs.ridder, theirs.toms748, theirs.newton, theirs.fsolve,
):  # fmt: skip
    _stands_for(_original, _root)
_stands_for(theirs.fixed_point, lambda fn, given, found: _root(lambda x: fn(x) - x, given, found))


def _solver(original: Function, field: str, equation: Function, bounds: Function | None = None) -> None:
    """A function that gives an object with the solution in a field, where the `equation` of what it is given is 0.

    `bounds` reads what it takes for such.
    """

    def solved(fn: Function, given: dict[str, Any], found: Any) -> Any:
        both = any(given.get(name) is True for name in ("jac", "fprime"))
        zero = equation((lambda x: fn(x)[0]) if both else fn)
        if given.get("constraints") and reaches(tensor_of(zero(as_tensor(found[field])))):
            raise TypeError(
                f"scipy.optimize.{original.__name__} with constraints: its minimum has no derivative here. "
                "Minimize without, over the logarithm or another transform, or pass t.data."
            )
        found[field] = _within((bounds or _pairs)(given.get("bounds")), zero, found[field])
        return found

    _stands_for(original, solved)


def _within(bounds: Any, fn: Function, x: Any) -> Any:
    """The root in the elements that are at no bound; those at one stay there, whatever the function depends on."""
    low, high = (np.broadcast_to(np.asarray(end, float), np.shape(x)) for end in bounds)
    free = np.flatnonzero((x - low > 1e-6) & (high - x > 1e-6))
    if len(free) == np.size(x):
        return implicit_root(fn, x)
    places = np.eye(np.size(x))[:, free]
    rest = np.where(np.isin(np.arange(np.size(x)), free), 0.0, x)
    found = implicit_root(lambda z: np.ravel(tensor_of(fn(places @ z + rest)))[free], np.asarray(x)[free])
    return as_tensor(places) @ found + rest


def _pairs(bounds: Any) -> Any:
    """The lowest and the highest values, of a pair for each element, where None is no bound."""
    if isinstance(bounds, theirs.Bounds):
        return bounds.lb, bounds.ub
    if bounds is None or not np.ndim(bounds[0]):
        return _NOWHERE if bounds is None else bounds
    return tuple(
        [side if end is None else end for end in ends]
        for ends, side in zip(zip(*plain(bounds), strict=True), _NOWHERE, strict=True)
    )


def _two(bounds: Any) -> Any:
    """The lowest and the highest values, as two arrays or numbers."""
    return (bounds.lb, bounds.ub) if isinstance(bounds, theirs.Bounds) else plain(bounds or _NOWHERE)


def _stationary(value: Function) -> Function:
    return lambda x: slopes(value, x)[0]


def _least(residuals: Function) -> Function:
    return _stationary(lambda x: np.sum(tensor_of(residuals(x)) ** 2) / 2)


_solver(theirs.root_scalar, "root", lambda fn: fn)
_solver(theirs.root, "x", lambda fn: fn)
_solver(theirs.minimize, "x", _stationary)
_solver(theirs.minimize_scalar, "x", _stationary)
_solver(theirs.least_squares, "x", _least, _two)


@replaces(theirs.curve_fit)
def curve_fit(f: Function, xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None, **options: Any) -> Any:
    """`scipy.optimize.curve_fit`: the parameters and their covariance have a derivative in the data.

    Raises:
        TypeError: a matrix for `sigma`, or `full_output`.
    """
    if np.ndim(plain(sigma)) > 1 or options.get("full_output"):
        raise TypeError("scipy.optimize.curve_fit: sigma= of one number a sample, without full_output, is covered")
    fitted, spread = theirs.curve_fit(on_numbers(f), *plain((xdata, ydata, p0, sigma)), **plain(options))
    weights = 1.0 if sigma is None else 1 / sigma
    residuals: Function = lambda p: (tensor_of(f(xdata, *p)) - ydata) * weights
    fitted = _within(_two(options.get("bounds")), _least(residuals), fitted)
    if not reaches(fitted):
        return fitted, as_tensor(spread)
    slope, rest = slopes(residuals, fitted), residuals(fitted)
    variance = 1.0 if options.get("absolute_sigma") else np.sum(rest**2) / (len(rest) - len(fitted))
    return fitted, np.linalg.inv(slope.T @ slope) * variance
