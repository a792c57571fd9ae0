"""Ordinary differential equations: the steps of a Runge-Kutta method, as long as SciPy chose them, recorded.

Explicit methods are their own; for the implicit ones, whose equations are stiff, the steps are those of Radau IIA. The
derivative is exactly that of what was computed (the adjoint of the discrete solution: Hairer, Nørsett and Wanner,
"Solving ordinary differential equations I", II.6), in the start, in the times, in `args` and in what the function
closes over.
"""

from __future__ import annotations

from functools import partial
from itertools import count, pairwise
from typing import Any

import numpy as np
import scipy.integrate as theirs
from scipy.optimize import fsolve

from autograd.core.op import plain, stack_nested
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import replaces
from autograd.scipy.callbacks import Function, implicit_root, on_numbers, reaches, tensor_of

_METHODS: dict[str, Any] = {"RK23": theirs.RK23, "RK45": theirs.RK45, "DOP853": theirs.DOP853}
_IMPLICIT = ("Radau", "BDF", "LSODA")
_MANY = 20_000  # steps
_NODES = np.array([(4 - 6**0.5) / 10, (4 + 6**0.5) / 10, 1.0])  # of Radau IIA, and its weights by collocation
_WEIGHTS = _NODES[:, None] ** [1, 2, 3] / [1, 2, 3] @ np.linalg.inv(_NODES[:, None] ** [0, 1, 2])


class _Solution:
    """The steps from the start on, and the solution at any time: `method` is None for an implicit one."""

    def __init__(self, method: Any, fn: Function, times: list[Any], start: Any) -> None:
        self._method, self._fn, self.times = method, fn, times
        self.starts, self._slopes = [start], [tensor_of(fn(times[0], start))]
        self._stages: list[Any] = []
        for t, after in pairwise(times):
            y, stages = self._step(t, after - t, self.starts[-1], self._slopes[-1])
            self.starts.append(y)
            self._slopes.append(tensor_of(fn(after, y)) if method else None)
            self._stages.append([*stages, self._slopes[-1]])

    def _step(self, t: Any, h: Any, y: Any, slope: Any) -> tuple[Any, list[Any]]:
        stages, method = [slope], self._method
        if method is None:
            return self._implicit_step(t, h, y), []
        for row, place in zip(method.A[1:], method.C[1:], strict=False):
            moved = y + h * _sum(row, stages)
            stages.append(tensor_of(self._fn(t + place * h, moved)))
        return y + h * _sum(method.B, stages), stages

    def _implicit_step(self, t: Any, h: Any, y: Any) -> Any:
        """Radau IIA of three stages: Hairer and Wanner, "Solving ordinary differential equations II", IV.8."""
        shape = (len(_NODES), *np.shape(y))

        def equation(moves: Any) -> Any:
            moves = np.reshape(moves, shape)
            slopes = [tensor_of(self._fn(t + c * h, y + moves[k])) for k, c in enumerate(_NODES)]
            return np.ravel(moves - h * (_WEIGHTS @ np.reshape(np.stack(slopes), (3, -1))).reshape(shape))

        found = fsolve(on_numbers(equation), np.zeros(int(np.prod(shape))))
        return y + np.reshape(implicit_root(equation, found), shape)[-1]

    def at(self, t: Any) -> Any:
        """The solution in the step that holds `t`: by the method's interpolant, or by one more step up to there."""
        if np.ndim(t):
            return np.stack([self.at(time) for time in t], axis=-1)
        ends = np.array([float(plain(end)) for end in self.times])
        sign = 1 if ends[-1] >= ends[0] else -1
        k = int(np.clip(np.searchsorted(sign * ends, sign * float(plain(t))) - 1, 0, len(ends) - 2))
        start, y = self.times[k], self.starts[k]
        if not hasattr(self._method, "P") or self._method is theirs.DOP853:
            return self._step(start, t - start, y, self._slopes[k])[0]
        h = self.times[k + 1] - start
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
        raise ValueError(f"{len(steps)} steps: the equation is stiff; method='Radau' needs few")
    end = steps[-1] if found.status else t_span[1]  # an event's time follows from the steps
    return _Solution(_METHODS.get(method), fn, [t_span[0], *steps[1:-1], end], y0)


@replaces(theirs.solve_ivp)
def solve_ivp(
    fun: Function, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None, dense_output: bool = False,
    events: Any = None, vectorized: bool = False, args: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """`scipy.integrate.solve_ivp`: an explicit method takes its own steps, an implicit one those of Radau IIA.

    Raises:
        TypeError: a method of one's own, where a gradient is asked for.
    """
    args = () if args is None else args
    y0 = tensor_of(y0)
    fn: Function = lambda t, y: fun(t, y, *args)
    named = getattr(method, "__name__", method)
    start = y0 if reaches(y0) else as_tensor(np.asarray(plain(y0), float))
    wanted = reaches(start, *t_span, t_eval, tensor_of(fn(t_span[0], start)))
    if wanted and named not in (*_METHODS, *_IMPLICIT):
        raise TypeError(f"scipy.integrate.solve_ivp: no derivative with method={named!r}; use one of SciPy's names")
    if callable(options.get("jac")):
        jacobian = options["jac"]
        options["jac"] = on_numbers(lambda t, y: jacobian(t, y, *args))
    span = tuple(map(float, plain(tuple(t_span))))
    if wanted and named in _IMPLICIT:
        method = "Radau"
    times = plain(stack_nested(t_eval)) if t_eval is not None else None
    happenings = [events] if callable(events) else list(events or ())
    options = {**plain(options), "events": [_on_numbers(event, args) for event in happenings] or None}
    found = theirs.solve_ivp(
        on_numbers(fn), span, plain(y0), method, times, dense_output=wanted or dense_output, **options
    )
    if not wanted or found.status < 0:
        found.y, found.y_events = as_tensor(found.y), as_tensor(found.y_events)
        found.t, found.t_events = as_tensor(found.t), as_tensor(found.t_events)
        return found
    solution = _solved(named, fn, found, t_span, start)
    points = solution.starts if t_eval is None else [solution.at(t) for t in t_eval[: len(found.t)]]
    found.t = solution.times if t_eval is None else t_eval[: len(found.t)]
    if happenings:
        found.t_events, found.y_events = _happened(solution, found.t_events, happenings, args)
        if found.status and t_eval is None:
            last = max(range(len(happenings)), key=lambda k: max(map(float, plain(found.t_events[k])), default=-np.inf))
            found.t, points = [*found.t[:-1], found.t_events[last][-1]], [*points[:-1], found.y_events[last][-1]]
    found.t, found.y, found.sol = stack_nested(list(found.t)), np.stack(points, axis=-1), solution.at
    return found


def _on_numbers(event: Any, args: Any) -> Any:
    """An event as SciPy calls it, with what it says of itself."""
    call = on_numbers(lambda t, y: event(t, y, *args))
    vars(call).update({name: getattr(event, name) for name in ("terminal", "direction") if hasattr(event, name)})
    return call


def _happened(solution: _Solution, found: Any, events: Any, args: Any) -> tuple[list[Any], list[Any]]:
    """When each event happened, as a function of what it depends on, and where the solution was."""
    times, places = [], []
    for event, moments in zip(events, found, strict=True):
        roots = [implicit_root(lambda t, event=event: event(t, solution.at(t), *args), t) for t in moments]
        times.append(stack_nested(roots) if roots else as_tensor(np.zeros(0)))
        places.append(np.stack([solution.at(t) for t in roots]) if roots else as_tensor(np.zeros(0)))
    return times, places


@replaces(theirs.odeint)
def odeint(
    func: Function, y0: Any, t: Any, args: Any = (), *, tfirst: bool = False, rtol: Any = None, atol: Any = None,
    full_output: Any = 0, **options: Any,
) -> Any:  # fmt: skip
    """`scipy.integrate.odeint`: where a gradient is asked for, by DOP853, or, of a stiff equation, by Radau IIA.

    It is then at least as exact, and `full_output` holds no more than a message.

    Raises:
        ValueError: SciPy does not find a solution.
    """
    args = args if isinstance(args, tuple) else (args,)
    fn: Function = (lambda t, y: func(t, y, *args)) if tfirst else (lambda t, y: func(y, t, *args))
    y0 = tensor_of(y0)
    start = y0 if reaches(y0) else as_tensor(np.atleast_1d(np.asarray(plain(y0), float)))
    start = np.atleast_1d(start)
    times = plain(stack_nested(t))
    if not reaches(start, t, tensor_of(fn(times[0], start))):
        given = {"tfirst": True, "rtol": rtol, "atol": atol, "full_output": full_output}
        options = {name: on_numbers(value) if callable(value) else plain(value) for name, value in options.items()}
        return as_tensor(theirs.odeint(on_numbers(fn), plain(y0), times, **given, **options))
    tolerance = {"rtol": min(rtol or 1e-9, 1e-9), "atol": 1e-10 if atol is None else atol}
    solve = partial(theirs.solve_ivp, t_span=(times[0], times[-1]), y0=plain(start), dense_output=True, **tolerance)
    method = "DOP853"
    try:
        found = solve(on_numbers(_few_times(fn)), method=method)
    except _StiffError:
        method = "Radau"
        found = solve(on_numbers(fn), method=method)
    if found.status != 0:
        raise ValueError(f"scipy.integrate.odeint: {found.message}")
    solution = _solved(method, fn, found, (t[0], t[-1]), start)
    result = np.stack([start, *[solution.at(time) for time in t[1:]]])
    return (result, {"message": found.message}) if full_output else result


class _StiffError(Exception):
    """An explicit method takes too many steps."""


def _few_times(fn: Function) -> Function:
    calls = count()

    def call(t: Any, y: Any) -> Any:
        if next(calls) > _MANY:
            raise _StiffError
        return fn(t, y)

    return call
