"""SciPy's functions that call back: integrals, equations, roots and minima, as people write them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="install SciPy: this is about its functions")

import scipy.integrate
import scipy.optimize

from autograd import Tensor, differentiable, grad
from autograd.scipy import integrate, optimize
from autograd.testing import gradcheck


def integral(x: Any) -> Any:
    value, _ = scipy.integrate.quad(lambda s: math.exp(-x[0] * s) * s, 0.1, x[1])
    return value + scipy.integrate.quad(lambda s, k: np.exp(-k * s * s), -np.inf, np.inf, args=(x[0],))[0]


def tail(x: Any) -> Any:
    return scipy.integrate.quad(lambda s: np.exp(-x[0] * s), x[1], np.inf)[0]


def decay(x: Any) -> Any:
    path = scipy.integrate.odeint(lambda y, t, k: [y[1], -k * y[0]], [x[1], 0.0], np.linspace(0, 1, 4), args=(x[0],))
    return path[1:, 0]


def pendulum(x: Any) -> Any:
    def slope(t: Any, y: Any) -> Any:
        return np.array([y[1], -x[0] * np.sin(y[0])])

    found = scipy.integrate.solve_ivp(slope, (0.0, 1.0), [x[1], 0.0], t_eval=np.linspace(0.2, 1.0, 3))
    return found.y[0] + scipy.integrate.solve_ivp(slope, (0.0, 1.0), [x[1], 0.0], method="DOP853").y[0, -1]


def stiff(x: Any) -> Any:
    slope = lambda t, y: np.array([-50 * x[0] * (y[0] - np.cos(t)), y[0] - y[1]])
    options: Any = {"method": "BDF", "rtol": 1e-4, "atol": 1e-6}
    return scipy.integrate.solve_ivp(slope, (0.0, 0.2), [x[1], 0.0], t_eval=[0.1, 0.2], **options).y[1]


def until_it_lands(x: Any) -> Any:
    def height(t: Any, y: Any) -> Any:
        return y[0]

    height.terminal, height.direction = True, -1  # type: ignore[attr-defined]
    fall = lambda t, y: [y[1], -9.8 - x[0] * y[1]]
    found = scipy.integrate.solve_ivp(fall, (0, 9), [1.0, x[1]], events=height, dense_output=True, rtol=1e-8)
    return found.t[-1] * found.y[1, -1] + found.t_events[0][0] + found.sol(0.3)[0] + found.sol([0.1, 0.2])[1, 1]


def roots(x: Any) -> Any:
    inner = scipy.optimize.brentq(lambda s, c: s**3 - c, 0.0, 3.0, (x[0],))
    outer = scipy.optimize.root_scalar(lambda s, c: math.exp(s) - c, args=(x[1],), bracket=(-3.0, 3.0)).root
    return inner + outer * scipy.optimize.newton(func=lambda s, c: s**2 - c, x0=1.0, args=[x[0]])


def systems(x: Any) -> Any:
    def fn(s: Any) -> Any:
        return [s[0] ** 2 + s[1] - x[0] - 1.0, s[0] - s[1] * x[1]]

    return scipy.optimize.fsolve(fn, [1.0, 1.0]) + scipy.optimize.root(fn, [1.0, 1.0]).x


def lowest(x: Any) -> Any:
    return scipy.optimize.minimize(lambda s: np.sum((s - x) ** 2) + np.sum(s**4), np.zeros(2)).x


def without_negative_ones(x: Any) -> Any:
    A = np.array([[1.0, x[0], 2.0], [x[1], 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, x[0]]])
    best, rest = scipy.optimize.nnls(A, np.array([1.0, -x[1], 2.0, x[0]]))
    return best[1:] * rest


def singular_at_an_end(x: Any) -> Any:
    gamma = scipy.integrate.quad(lambda t: t ** (x[0] - 1) * math.exp(-t), 0, np.inf)[0]
    beta = scipy.integrate.quad(lambda t: t ** (x[0] - 1) * (1 - t) ** (x[1] - 1.7), 0, 1)[0]
    left = scipy.integrate.quad(lambda t: math.exp(t) * (-t) ** (x[0] - 1), -np.inf, 0.0)[0]
    return gamma + beta * left + scipy.integrate.quad(lambda t: 1 / math.sqrt(x[0] - t), x[0], -x[1])[0]


@pytest.mark.parametrize(
    "fn",
    [integral, tail, singular_at_an_end, without_negative_ones, decay, pendulum, stiff, until_it_lands, roots, systems],
)
def test_as_people_write_it(fn: Any) -> None:
    x = np.array([0.7, 1.3])
    np.testing.assert_allclose(differentiable(fn)(x), fn(x), rtol=1e-3 if fn is stiff else 1e-6)
    order, rtol = 2 if fn in (integral, singular_at_an_end, roots, systems) else 1, 1e-2 if fn is stiff else 1e-5
    gradcheck(differentiable(fn), [x], order=order, rtol=rtol, complex_step=False)


def within_bounds(x: Any) -> Any:
    loss = lambda s: (s[0] - x[0]) ** 2 + (s[1] - x[1]) ** 2 + 0.1 * s[0] * s[1] + (s[2] - 1) ** 2 * x[0]
    found = scipy.optimize.minimize(loss, np.zeros(3), bounds=[(None, 5), (0, x[1] - 0.3), (0, 2)], tol=1e-12).x
    one = scipy.optimize.minimize_scalar(lambda s: (s - x[0]) ** 4 + (s - x[1]) ** 2, bounds=(0, 3), method="bounded").x
    return np.array([found[0], found[1] + found[2], one])


def fitted(x: Any) -> Any:
    times = np.linspace(0, 1, 6)
    measured = np.exp(-x[0] * times) + 0.1 * x[1] * times**2
    tight: Any = {"ftol": 1e-14, "xtol": 1e-14, "gtol": 1e-14}
    best, spread = scipy.optimize.curve_fit(lambda t, a, b: a * np.exp(-b * t), times, measured, [1.0, 1.0], **tight)
    residuals = lambda p: np.array([p[0] - x[0], p[1] - x[1] * p[0], p[0] * p[1] - 1.0])
    least = scipy.optimize.least_squares(
        residuals, [0.5, 0.5], bounds=([0.0, 0.0], [0.5 + 0.1 * x[0], np.inf]), **tight
    ).x
    line, _ = scipy.optimize.curve_fit(lambda t, a, b: a * t + b, times, measured)  # as many as it has arguments
    return best + least + line + np.sqrt(np.diag(spread))


def values_at_minima(x: Any) -> Any:
    lowest = scipy.optimize.minimize(lambda s: np.sum((s - x) ** 2) + np.sum(s**4), np.zeros(2)).fun
    between = scipy.optimize.minimize_scalar(lambda s: (s - x[0]) ** 2 + s * x[1], bounds=(0, 3), method="bounded").fun
    least = scipy.optimize.least_squares(lambda p: np.array([p[0] - x[0], p[0] - x[1], x[0]]), [0.5])
    return lowest + between + least.cost + least.fun.sum()


def under_constraints(x: Any) -> Any:
    """Of equations and inequalities of each kind, some of which hold the minimum, and others do not."""
    risk = np.diag([1.0, 2.0, 3.0]) + 0.3
    portfolio = scipy.optimize.minimize(
        lambda w: w @ risk @ w - x[0] * w[2], np.ones(3) / 3, method="SLSQP", bounds=np.array([[0.2 * x[1], 1.0]] * 3),
        constraints={"type": "eq", "fun": lambda w: np.sum(w) - 1}, options={"ftol": 1e-14},
    ).x  # fmt: skip
    inside = {"type": "ineq", "fun": lambda s, r: r - s[0] ** 2 - s[1] ** 2, "args": (x[0],)}
    away = {"type": "ineq", "fun": lambda s: s[0] + 10}
    disc = scipy.optimize.minimize(
        lambda s: (s[0] - 2) ** 2 + x[1] * (s[1] - 1) ** 2, [0.1, 0.1], constraints=[inside, away],
        options={"ftol": 1e-14},
    )  # fmt: skip
    both = [
        scipy.optimize.LinearConstraint(np.array([[1.0, 1.0]]), -np.inf, np.array([1.5])),
        scipy.optimize.NonlinearConstraint(lambda s: s[0] * s[1] * x[0], 0.3, np.inf),
    ]
    kinds = scipy.optimize.minimize(
        lambda s: (s[0] - 2 * x[1]) ** 2 + (s[1] - 1) ** 2, [0.7, 0.7], constraints=both, options={"ftol": 1e-14}
    ).x
    return np.concatenate([portfolio, disc.x, [disc.fun], kinds])


def older_minima(x: Any) -> Any:
    def loss(s: Any, a: Any) -> Any:
        return np.sum((s - a) ** 2) + np.sum(s**4)

    def with_slope(s: Any, a: Any) -> Any:
        return x[0] * loss(s, a), x[0] * (2 * (s - a) + 4 * s**3)

    start, old = np.zeros(2), scipy.optimize
    fine: Any = {"disp": False, "xtol": 1e-9, "ftol": 1e-12}
    found = [
        old.fmin(loss, start, args=(x,), **fine),
        old.fmin_bfgs(loss, start, args=(x,), disp=False),
        old.fmin_cg(loss, start, args=(x,), disp=False),
        old.fmin_tnc(with_slope, start, args=(x,), disp=0)[0],
        old.differential_evolution(loss, [(0.3, 2.0)] * 2, args=(x,), rng=1).x,
        old.minimize(with_slope, start, args=(x,), jac=True).x,
    ]
    lowest = old.fmin_l_bfgs_b(with_slope, start, args=(x,), bounds=[(None, None), (0.0, 0.1)])
    one = old.fminbound(lambda s: loss(s, x[0]), 0.0, 2.0), old.golden(loss, args=(x[1],), brack=(0.0, 1.0))
    steps = old.fmin(loss, start, args=(x,), retall=True, **fine)[0]
    return sum(found) * lowest[0] + lowest[1] + one[0] * one[1] + steps


def of_linear_programs(x: Any) -> Any:
    found = scipy.optimize.linprog(
        [-1.0, -2.0 * x[0], 0.5], A_ub=[[1.0, x[1], 0.0], [3.0, 1.0, 1.0]], b_ub=[2.0 * x[0], 4.0],
        A_eq=[[1.0, 0.0, 1.0]], b_eq=[0.9], bounds=[(0, None), (None, 5), (0.1 * x[1], 2)],
    )  # fmt: skip
    return np.append(found.x, found.fun)


@pytest.mark.parametrize(
    "fn", [lowest, within_bounds, fitted, values_at_minima, under_constraints, of_linear_programs, older_minima]
)
def test_a_minimum(fn: Any) -> None:
    gradcheck(differentiable(fn), [np.array([0.7, 1.3])], rtol=2e-3, atol=2e-4, complex_step=False)


def test_solve_ivp_is_scipys_to_the_last_digits() -> None:
    fn = lambda t, y: -0.5 * y + np.sin(t)
    for options in ({}, {"t_eval": np.linspace(0, 2, 5)}, {"method": "RK23"}):
        theirs = scipy.integrate.solve_ivp(fn, (0.0, 2.0), [1.0], **options)
        ours = integrate.solve_ivp(fn, (0.0, 2.0), Tensor([1.0], requires_grad=True), **options)
        np.testing.assert_allclose(ours.y.data, theirs.y, rtol=1e-13)


def test_times_have_gradients() -> None:
    at = lambda end: integrate.solve_ivp(lambda t, y: -2.0 * y, (0.0, end), [1.0], rtol=1e-9, atol=1e-9).y[0, -1]
    np.testing.assert_allclose(grad(at)(1.0), -2 * np.exp(-2), rtol=1e-6)


class _Own(scipy.integrate.RK45):
    """A method of somebody's own."""


_SUM = {"type": "eq", "fun": lambda x: x[0] - 1.0}
_LOW = {"type": "ineq", "fun": lambda x: 9.0 - x[0]}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: integrate.solve_ivp(lambda s, y: -t * y, (0, 1), [1.0], method=_Own), "method='_Own'.*SciPy's"),
        (lambda t: integrate.quad(lambda x: t * x, 0, 1, weight="cos", wvar=2), "weight= or points="),
        (lambda t: integrate.quad(lambda x: t / abs(x - 0.3) ** 0.5, 0, 1), "is singular inside.*split the integral"),
        (
            lambda t: optimize.minimize(lambda x: t * x[0] ** 2, [0.0], constraints=[_SUM, _SUM], method="COBYLA"),
            "Jacobian at the root is singular",
        ),
        (
            lambda t: optimize.minimize(lambda x: t * x**4 + x, [5.0], constraints=[_LOW], options={"maxiter": 2}),
            "no minimum to six digits",
        ),
        (lambda t: optimize.bisect(lambda x: t * x**3, -1.0, 1.0), "Jacobian at the root is singular"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        call(Tensor(1.5, requires_grad=True))
