"""`scipy.optimize` on Tensors: roots and minima, by the implicit function theorem.

SciPy finds the root x of F(x, θ) in plain numbers. Then two of Newton's steps, x - (dF/dx)⁻¹ F, are recorded there:
they move nothing, and have the first three derivatives of the root, as each step doubles the order that agrees
(Christianson, "Reverse accumulation and attractive fixed points", 1994). What F closes over counts as θ.

>>> import autograd
>>> float(autograd.grad(lambda a: autograd.scipy.optimize.brentq(lambda x: x**2 - a, 0.0, 5.0))(4.0))
0.25
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import REPLACED
from autograd.scipy.callbacks import Function, on_numbers, reaches, slopes, tensor_of
from autograd.scipy.definition import attributes

__getattr__ = attributes(theirs)


def _implicit(fn: Function, x: Any) -> Any:
    """The root `x` of `fn` as a function of all that `fn` depends on."""
    if not reaches(tensor_of(fn(as_tensor(x)))):
        return as_tensor(x)
    shape, root = np.shape(x), as_tensor(np.asarray(x, float))
    for _ in range(2):
        value, slope = np.ravel(tensor_of(fn(root))), slopes(fn, root)
        if np.linalg.matrix_rank(plain(slope)) < len(value):
            raise ValueError("the slope at the root is not regular, so the root is no function of what it depends on")
        root = root - np.reshape(np.linalg.solve(slope, value), shape)
    return root


def _number(value: Any) -> Any:
    return on_numbers(value) if callable(value) else plain(value)


def _finder(original: Function) -> None:
    """A function that takes `f`, numbers, and `args=`, and gives a root."""

    def find(
        f: Function, *numbers: Any, args: Any = (), fprime: Any = None, fprime2: Any = None, **options: Any
    ) -> Any:
        args = args if isinstance(args, tuple) else (args,)
        if fprime is not None:
            options["fprime"] = on_numbers(fprime)
        if fprime2 is not None:
            options["fprime2"] = on_numbers(fprime2)
        found = original(on_numbers(f), *map(_number, numbers), args=plain(args), **plain(options))
        first, *rest = found if isinstance(found, tuple) else (found,)
        target = (lambda x: f(x, *args) - x) if original is theirs.fixed_point else (lambda x: f(x, *args))
        root = _implicit(target, first)
        return (root, *rest) if isinstance(found, tuple) else root

    find.__name__, find.__doc__ = original.__name__, original.__doc__
    REPLACED[original] = REPLACED[find] = find


for _original in (
    theirs.brentq, theirs.brenth, theirs.bisect, theirs.ridder, theirs.toms748, theirs.newton, theirs.fsolve,
    theirs.fixed_point,
):  # fmt: skip
    _finder(_original)


def _solver(original: Function, field: str) -> Callable[[Function], None]:
    """A function that gives an object with the solution among its fields."""

    def record(equation: Function) -> None:
        def solve(fun: Function, *numbers: Any, args: Any = (), **options: Any) -> Any:
            args = args if isinstance(args, tuple) else (args,)
            options = {key: _number(value) for key, value in options.items()}
            found = original(on_numbers(fun), *map(_number, numbers), args=plain(args), **options)
            both = any(options.get(name) is True for name in ("jac", "fprime"))
            found[field] = _implicit(equation(fun, args, both, options), found[field])
            return found

        solve.__name__, solve.__doc__ = original.__name__, original.__doc__
        REPLACED[original] = REPLACED[solve] = solve

    return record


def _function(fun: Function, args: Any, both: bool, options: Any) -> Function:
    return lambda x: fun(x, *args)[0] if both else fun(x, *args)


def _stationary(fun: Function, args: Any, both: bool, options: Any) -> Function:
    value = _function(fun, args, both, options)

    def gradient(x: Any) -> Any:
        if any(options.get(name) for name in ("bounds", "constraints")) and reaches(value(as_tensor(plain(x)))):
            raise TypeError(
                "scipy.optimize.minimize with bounds or constraints: its minimum has no derivative here. Minimize "
                "without, over the logarithm or another transform, or pass t.data where no gradient is meant"
            )
        return slopes(value, x)[0]

    return gradient


_solver(theirs.root_scalar, "root")(_function)
_solver(theirs.root, "x")(_function)
_solver(theirs.minimize, "x")(_stationary)
