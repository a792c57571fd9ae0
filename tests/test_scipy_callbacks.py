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


def roots(x: Any) -> Any:
    inner = scipy.optimize.brentq(lambda s: s**3 - x[0], 0.0, 3.0)
    outer = scipy.optimize.root_scalar(lambda s, c: math.exp(s) - c, args=(x[1],), bracket=(-3.0, 3.0)).root
    return inner + outer * scipy.optimize.newton(lambda s: s**2 - x[0], 1.0)


def systems(x: Any) -> Any:
    def fn(s: Any) -> Any:
        return [s[0] ** 2 + s[1] - x[0] - 1.0, s[0] - s[1] * x[1]]

    return scipy.optimize.fsolve(fn, [1.0, 1.0]) + scipy.optimize.root(fn, [1.0, 1.0]).x


def lowest(x: Any) -> Any:
    return scipy.optimize.minimize(lambda s: np.sum((s - x) ** 2) + np.sum(s**4), np.zeros(2)).x


@pytest.mark.parametrize("fn", [integral, tail, decay, pendulum, roots, systems])
def test_as_people_write_it(fn: Any) -> None:
    x = np.array([0.7, 1.3])
    np.testing.assert_allclose(differentiable(fn)(x), fn(x), rtol=1e-6)
    gradcheck(
        differentiable(fn), [x], order=2 if fn in (integral, roots, systems) else 1, rtol=1e-5, complex_step=False
    )


def test_a_minimum() -> None:
    gradcheck(differentiable(lowest), [np.array([0.7, 1.3])], rtol=1e-4, atol=1e-4, complex_step=False)


def test_solve_ivp_is_scipys_to_the_last_digits() -> None:
    fn = lambda t, y: -0.5 * y + np.sin(t)
    for options in ({}, {"t_eval": np.linspace(0, 2, 5)}, {"method": "RK23"}):
        theirs = scipy.integrate.solve_ivp(fn, (0.0, 2.0), [1.0], **options)
        ours = integrate.solve_ivp(fn, (0.0, 2.0), Tensor([1.0], requires_grad=True), **options)
        np.testing.assert_allclose(ours.y.data, theirs.y, rtol=1e-13)


def test_times_have_gradients() -> None:
    at = lambda end: integrate.solve_ivp(lambda t, y: -2.0 * y, (0.0, end), [1.0], rtol=1e-9, atol=1e-9).y[0, -1]
    np.testing.assert_allclose(grad(at)(1.0), -2 * np.exp(-2), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: integrate.solve_ivp(lambda s, y: -t * y, (0, 1), [1.0], method="BDF"), "method='BDF'.*'RK45'"),
        (lambda t: integrate.quad(lambda x: t * x, 0, 1, weight="cos", wvar=2), "weight= or points="),
        (lambda t: integrate.quad(lambda x: t / np.sqrt(x), 0, 1), "the integrand is singular"),
        (lambda t: integrate.simpson(np.ones(3), x=t * np.arange(3)), "simpson: no derivative with respect to x"),
        (lambda t: optimize.minimize(lambda x: np.sum((x - t) ** 2), [0.0], bounds=[(0, 1)]), "bounds or constraints"),
        (lambda t: optimize.bisect(lambda x: t * x**3, -1.0, 1.0), "slope at the root is not regular"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        call(Tensor(1.5, requires_grad=True))
