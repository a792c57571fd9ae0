"""Minima under constraints, by the conditions of Karush, Kuhn and Tucker.

Where the minimum lies, the gradient of what is minimized is a sum of the normals of the constraints that hold it there.
With the weights of that sum as more unknowns, the minimum is a root, which has its derivatives by `implicit_root`
(Nocedal and Wright, "Numerical optimization", chapter 12).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.optimize as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.scipy.callbacks import Function, implicit_root, on_numbers, slopes, tensor_of

_NEAR = 1e-6


class Condition(NamedTuple):
    """`low <= fn(x) <= high`, for each element."""

    fn: Function
    low: Any
    high: Any


def listed(constraints: Any) -> list[Any]:
    """Constraints as SciPy takes them: one, or several."""
    alone = isinstance(constraints, (dict, theirs.LinearConstraint, theirs.NonlinearConstraint))
    return [constraints] if alone else list(constraints)


def condition(constraint: Any) -> Condition:
    """What a constraint of SciPy's says."""
    if isinstance(constraint, theirs.LinearConstraint):
        return Condition(lambda x: constraint.A @ x, constraint.lb, constraint.ub)
    if isinstance(constraint, theirs.NonlinearConstraint):
        return Condition(constraint.fun, constraint.lb, constraint.ub)
    fn, args = constraint["fun"], constraint.get("args", ())
    return Condition(lambda x: fn(x, *args), 0.0, 0.0 if constraint["type"] == "eq" else np.inf)


def on_plain(constraint: Any) -> Any:
    """A constraint for SciPy, of plain numbers."""
    if isinstance(constraint, theirs.LinearConstraint):
        return theirs.LinearConstraint(*plain((constraint.A, constraint.lb, constraint.ub)))
    if isinstance(constraint, theirs.NonlinearConstraint):
        jacobian = on_numbers(constraint.jac) if callable(constraint.jac) else constraint.jac
        ends = plain((constraint.lb, constraint.ub))
        return theirs.NonlinearConstraint(on_numbers(constraint.fun), *ends, jac=jacobian)
    return {name: on_numbers(part) if callable(part) else plain(part) for name, part in constraint.items()}


def minimum(value: Function, conditions: list[Condition], x: Any) -> Any:
    """The minimum `x` that SciPy found, as a function of all that `value` and the conditions depend on.

    Raises:
        ValueError: it is none within a millionth; the conditions that hold it are not independent, or change.
    """

    def rows(x: Any) -> Any:
        return np.concatenate([np.ravel(tensor_of(each.fn(x))) for each in conditions])

    def ends(which: str) -> Any:
        parts = [(np.ravel(tensor_of(each.fn(as_tensor(x)))), getattr(each, which)) for each in conditions]
        return np.concatenate([np.broadcast_to(tensor_of(end), np.shape(values)) for values, end in parts])

    x = np.asarray(x, float)
    lows, highs = ends("low"), ends("high")
    at, low, high = plain(rows(as_tensor(x))), plain(lows), plain(highs)
    near = _NEAR * (1 + np.abs(at))
    side = np.where(at - low <= near, 1, 0) - np.where(high - at <= near, 1, 0)
    equal = low == high
    held = np.flatnonzero((side != 0) | equal)
    slope, normals = slopes(value, x, recorded=False)[0], slopes(rows, x, recorded=False)[held]
    scale = 1 + np.max(np.abs(slope), initial=0)
    weights = np.linalg.lstsq(normals.T, slope)[0]
    needed = equal[held] | (side[held] * weights > _NEAR * scale)  # without another one the minimum is the same
    held, normals = held[needed], normals[needed]
    weights = np.linalg.lstsq(normals.T, slope)[0]
    if np.max(np.abs(slope - weights @ normals), initial=0) > 1e-2 * scale:
        raise ValueError("what SciPy found is no minimum to six digits: pass a smaller tol, or another method")
    fixed = np.where(side > 0, lows, highs)[held]

    def equation(z: Any) -> Any:
        place, weight = z[: len(x)], z[len(x) :]
        stationary = slopes(value, place)[0] - weight @ slopes(rows, place)[held]
        return np.concatenate([stationary, rows(place)[held] - fixed])

    return implicit_root(equation, np.append(x, weights))[: len(x)]
