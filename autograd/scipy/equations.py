"""Ordinary differential equations: the steps of an explicit Runge-Kutta method, as long as SciPy chose them, recorded.

The derivative is exactly that of what was computed (the adjoint of the discrete solution: Hairer, Nørsett and Wanner,
"Solving ordinary differential equations I", II.6), in the start, in the times, in `args` and in what the function
closes over.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import scipy.integrate as theirs

from autograd.core.op import plain, stack_nested
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import replaces
from autograd.scipy.callbacks import Function, on_numbers, reaches, tensor_of

_METHODS: dict[str, Any] = {"RK23": theirs.RK23, "RK45": theirs.RK45, "DOP853": theirs.DOP853}
_MANY = 20_000  # steps


class _Solution:
    """The steps from the start on, and the solution at any time."""

    def __init__(self, method: Any, fn: Function, times: list[Any], start: Any) -> None:
        self._method, self._fn, self._times = method, fn, times
        self._starts, self._slopes = [start], [tensor_of(fn(times[0], start))]
        self._stages: list[Any] = []
        for t, after in pairwise(times):
            y, stages = self._step(t, after - t, self._starts[-1], self._slopes[-1])
            self._starts.append(y)
            self._slopes.append(tensor_of(fn(after, y)))
            self._stages.append([*stages, self._slopes[-1]])

    def _step(self, t: Any, h: Any, y: Any, slope: Any) -> tuple[Any, list[Any]]:
        stages, method = [slope], self._method
        for row, place in zip(method.A[1:], method.C[1:], strict=False):
            moved = y + h * _sum(row, stages)
            stages.append(tensor_of(self._fn(t + place * h, moved)))
        return y + h * _sum(method.B, stages), stages

    def at(self, t: Any) -> Any:
        """The solution in the step that holds `t`: by the method's interpolant, or by one more step up to there."""
        ends = np.array([float(plain(end)) for end in self._times])
        sign = 1 if ends[-1] >= ends[0] else -1
        k = int(np.clip(np.searchsorted(sign * ends, sign * float(plain(t))) - 1, 0, len(ends) - 2))
        start, y = self._times[k], self._starts[k]
        if not hasattr(self._method, "P") or self._method is theirs.DOP853:
            return self._step(start, t - start, y, self._slopes[k])[0]
        h = self._times[k + 1] - start
        share = (t - start) / h
        powers = [share ** (j + 1) for j in range(self._method.P.shape[1])]
        return y + h * _sum([_sum(row, powers) for row in self._method.P], self._stages[k])


def _sum(weights: Any, values: Any) -> Any:
    total: Any = 0.0
    for weight, value in zip(weights, values, strict=False):
        if not isinstance(weight, float) or weight:
            total = total + weight * value
    return total


def _solved(method: str, fn: Function, found: Any, t_span: Any, y0: Any) -> _Solution:
    steps = [float(t) for t in found.sol.ts]
    if len(steps) > _MANY:
        raise ValueError(f"{len(steps)} steps: the equation is stiff; a derivative is known for explicit methods only")
    return _Solution(_METHODS[method], fn, [t_span[0], *steps[1:-1], t_span[1]], y0)


@replaces(theirs.solve_ivp)
def solve_ivp(
    fun: Function, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None, args: Any = None, **options: Any
) -> Any:
    """`scipy.integrate.solve_ivp` by an explicit method.

    Raises:
        TypeError: an implicit method, or events, where a gradient is asked for.
    """
    args = () if args is None else args
    y0 = tensor_of(y0)
    fn: Function = lambda t, y: fun(t, y, *args)
    named = getattr(method, "__name__", method)
    dense = {**options, "dense_output": True}
    start = y0 if reaches(y0) else as_tensor(np.asarray(plain(y0), float))
    wanted = reaches(start, *t_span, t_eval, tensor_of(fn(t_span[0], start)))
    span = tuple(map(float, plain(tuple(t_span))))
    if wanted and (named not in _METHODS or options.get("events") is not None or options.get("dense_output")):
        raise TypeError(
            f"scipy.integrate.solve_ivp: no derivative with method={named!r}, events or dense_output; without these "
            f"and with method={', '.join(map(repr, _METHODS))} there is one"
        )
    times = plain(stack_nested(t_eval)) if t_eval is not None else None
    found = theirs.solve_ivp(on_numbers(fn), span, plain(y0), method, times, **(dense if wanted else plain(options)))
    if wanted and found.status == 0:
        solution = _solved(named, fn, found, t_span, start)
        points = solution._starts if t_eval is None else [solution.at(t) for t in t_eval]
        found.y, found.sol = np.stack(points, axis=-1), None
    else:
        found.y = as_tensor(found.y)
    return found


@replaces(theirs.odeint)
def odeint(
    func: Function, y0: Any, t: Any, args: Any = (), *, tfirst: bool = False, rtol: Any = None, atol: Any = None,
    full_output: Any = 0, **options: Any,
) -> Any:  # fmt: skip
    """`scipy.integrate.odeint`: where a gradient is asked for, by the explicit method DOP853, at least as exactly.

    Raises:
        TypeError: `full_output` or a Jacobian where a gradient is asked for.
        ValueError: so many steps that the equation is stiff.
    """
    args = args if isinstance(args, tuple) else (args,)
    fn: Function = (lambda t, y: func(t, y, *args)) if tfirst else (lambda t, y: func(y, t, *args))
    y0 = tensor_of(y0)
    start = y0 if reaches(y0) else as_tensor(np.atleast_1d(np.asarray(plain(y0), float)))
    start = np.atleast_1d(start)
    times = plain(stack_nested(t))
    if not reaches(start, t, tensor_of(fn(times[0], start))):
        given = {"tfirst": True, "rtol": rtol, "atol": atol, "full_output": full_output}
        return as_tensor(theirs.odeint(on_numbers(fn), plain(y0), times, **given, **plain(options)))
    if full_output or options.keys() - {"mxstep", "h0", "hmax", "hmin", "printmessg"}:
        raise TypeError("scipy.integrate.odeint: no derivative with full_output, Dfun or col_deriv; leave them out")
    span = float(times[0]), float(times[-1])
    tolerance = {"rtol": min(rtol or 1e-9, 1e-9), "atol": 1e-10 if atol is None else atol}
    found = theirs.solve_ivp(on_numbers(fn), span, plain(start), "DOP853", dense_output=True, **tolerance)
    if found.status != 0:
        raise ValueError(f"scipy.integrate.odeint: {found.message}")
    solution = _solved("DOP853", fn, found, (t[0], t[-1]), start)
    return np.stack([start, *[solution.at(time) for time in t[1:]]])
