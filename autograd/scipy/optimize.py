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
from autograd.scipy.constrained import Condition, condition, listed, minimum, on_plain
from autograd.scipy.definition import attributes

__getattr__ = attributes(theirs)
_NOWHERE = (-np.inf, np.inf)


def _number(name: str, value: Any) -> Any:
    if name == "constraints":
        return [on_plain(each) for each in listed(value)]
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
        if original is theirs.newton:  # it unpacks whatever it is given
            args = tuple(args)
        args = args if isinstance(args, tuple) else (args,)
        found = original(**{name: _number(name, value) for name, value in {**given, "args": args}.items()})
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


def _solver(
    original: Function, field: str, equation: Function, bounds: Function | None = None, **of_value: Function
) -> None:
    """A function that gives an object with the solution in a field, where the `equation` of what it is given is 0.

    `bounds` reads what it takes for such. `of_value` says what other fields are, of the function's value there.
    """

    def solved(fn: Function, given: dict[str, Any], found: Any) -> Any:
        both = any(given.get(name) is True for name in ("jac", "fprime"))
        value: Function = (lambda x: fn(x)[0]) if both else fn
        limits = (bounds or _pairs)(given.get("bounds"))
        if constraints := listed(given.get("constraints") or ()):
            conditions = [*map(condition, constraints), Condition(lambda x: x, *limits)]
            found[field] = minimum(value, conditions, found[field])
        else:
            found[field] = _within(limits, equation(value), found[field])
        if of_value and reaches(there := tensor_of(value(found[field]))):
            found.update({name: of(there) for name, of in of_value.items()})
        return found

    _stands_for(original, solved)


def _within(bounds: Any, fn: Function, x: Any) -> Any:
    """The root in the elements that are at no bound; those at one follow it, whatever the function depends on."""
    low, high = (np.broadcast_to(tensor_of(end), np.shape(x)) for end in bounds)
    at_low, at_high = x - plain(low) <= 1e-6, plain(high) - x <= 1e-6
    free = np.flatnonzero(~(at_low | at_high))
    if len(free) == np.size(x):
        return implicit_root(fn, x)
    places = np.eye(np.size(x))[:, free]
    rest = np.where(at_low, low, np.where(at_high, high, 0.0))
    found = implicit_root(lambda z: np.ravel(tensor_of(fn(places @ z + rest)))[free], np.asarray(x)[free])
    return as_tensor(places) @ found + rest


def _pairs(bounds: Any) -> Any:
    """The lowest and the highest values, of a pair for each element, where None is no bound."""
    if isinstance(bounds, theirs.Bounds):
        return bounds.lb, bounds.ub
    if bounds is None or not np.ndim(plain(bounds[0])):
        return _NOWHERE if bounds is None else bounds
    return tuple(
        [side if end is None else end for end in ends]
        for ends, side in zip(zip(*bounds, strict=True), _NOWHERE, strict=True)
    )


def _two(bounds: Any) -> Any:
    """The lowest and the highest values, as two arrays or numbers."""
    return (bounds.lb, bounds.ub) if isinstance(bounds, theirs.Bounds) else bounds or _NOWHERE


def _stationary(value: Function) -> Function:
    return lambda x: slopes(value, x)[0]


def _least(residuals: Function) -> Function:
    return _stationary(lambda x: np.sum(tensor_of(residuals(x)) ** 2) / 2)


_solver(theirs.root_scalar, "root", lambda fn: fn)
_solver(theirs.root, "x", lambda fn: fn)
_solver(theirs.minimize, "x", _stationary, fun=np.squeeze)
_solver(theirs.minimize_scalar, "x", _stationary, fun=np.squeeze)
for _original in (theirs.differential_evolution, theirs.dual_annealing, theirs.shgo):
    _solver(_original, "x", _stationary, fun=np.squeeze)
_solver(theirs.least_squares, "x", _least, _two, fun=lambda rest: rest, cost=lambda rest: np.sum(rest**2) / 2)


def _leastsq(residuals: Function, given: dict[str, Any], found: Any) -> Any:
    return (implicit_root(_least(residuals), found[0]), *found[1:])


_stands_for(theirs.leastsq, _leastsq)


def _lowest(fn: Function, given: dict[str, Any], found: Any) -> Any:
    """The answer of an older function that gives a minimum, alone or first. Where it compares, no gradient would go."""
    bounds = (given["x1"], given["x2"]) if "x1" in given else _pairs(given.get("bounds"))
    x, *rest = found if isinstance(found, tuple) else (found,)
    x = _within(bounds, _stationary(lambda at: _value(fn(at))), x)
    return (x, *rest) if isinstance(found, tuple) else x


def _with_value(fn: Function, given: dict[str, Any], found: Any) -> Any:
    """The same, where the value at the minimum comes second."""
    answer = _lowest(fn, given, found)
    if not isinstance(answer, tuple) or not isinstance(answer[1], (float, np.floating)):  # the steps, of `retall`
        return answer
    x, _, *rest = answer
    return x, np.squeeze(_value(fn(x))), *rest


def _value(answer: Any) -> Any:
    """What a function gives, alone or with its slope."""
    return answer[0] if isinstance(answer, tuple) else answer


for _original in (
    theirs.fmin, theirs.fmin_powell, theirs.fmin_cg, theirs.fmin_bfgs, theirs.fmin_ncg, theirs.fmin_l_bfgs_b,
    theirs.brent, theirs.golden, theirs.fminbound,
):  # fmt: skip
    _stands_for(_original, _with_value)
_stands_for(theirs.fmin_tnc, _lowest)


@replaces(theirs.nnls)
def nnls(A: Any, b: Any, **options: Any) -> Any:
    """`scipy.optimize.nnls`: the least squares of the columns that are not at 0."""
    found = theirs.nnls(*plain((A, b)), **options)
    if not reaches(A, b):
        return found
    columns = np.flatnonzero(found[0] > 0)
    A, b = as_tensor(tensor_of(A)), as_tensor(tensor_of(b))
    used = A[:, columns]
    x = as_tensor(np.eye(len(found[0]))[:, columns]) @ np.linalg.solve(used.T @ used, used.T @ b)
    return x, np.linalg.norm(A @ x - b)


@replaces(theirs.linprog)
def linprog(
    c: Any, A_ub: Any = None, b_ub: Any = None, A_eq: Any = None, b_eq: Any = None, bounds: Any = (0, None), **how: Any
) -> Any:
    """`scipy.optimize.linprog`: the best corner has a derivative where no other is as good.

    Raises:
        ValueError: more constraints meet in the corner than it needs.
    """
    found = theirs.linprog(*plain((c, A_ub, b_ub, A_eq, b_eq, bounds)), **how)
    if not reaches(c, A_ub, b_ub, A_eq, b_eq, bounds) or not found.success:
        return found
    pairs = bounds if np.ndim(plain(bounds[0])) else [bounds]
    conditions = [Condition(lambda x: x, *_pairs(pairs))]
    if A_ub is not None:
        conditions.append(Condition(lambda x: tensor_of(A_ub) @ x, -np.inf, np.ravel(tensor_of(b_ub))))
    if A_eq is not None:
        right = np.ravel(tensor_of(b_eq))
        conditions.append(Condition(lambda x: tensor_of(A_eq) @ x, right, right))
    c = np.ravel(tensor_of(c))
    found.x = minimum(lambda x: c @ x, conditions, found.x)
    found.fun = c @ found.x
    return found


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
