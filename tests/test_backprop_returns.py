"""What people return, and in what they keep parameters: updated ones, plain numbers, globals of another function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd.testing import check_backprop
from tests.test_backprop import line_of, lines

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=7)


def descend(X: Any, y: Any, w: Any, b: Any, slip: bool = False) -> Any:
    costs = []
    for _ in range(2):
        error = X @ w + b - y
        costs.append(np.mean(error**2))
        db = 2 * np.mean(error)
        if slip:
            db = np.mean(error)
        w = w - 0.1 * 2 * X.T @ error / len(y)
        b = b - 0.1 * db
    return costs[0], w, b


@pytest.mark.parametrize("b", [np.array(0.5), 0.5])
def test_updated_parameters_that_come_back_imply_gradients(b: Any) -> None:
    assert check_backprop(descend, X, Y, np.ones(3), b, params=["w", "b"]).matches
    report = check_backprop(descend, X, Y, np.ones(3), b, slip=True, params=["w", "b"])
    assert lines(report) == [line_of(descend, "db = np.mean(error)")]


def test_a_loss_of_the_last_step_stands_for_that_of_the_first() -> None:
    def train(x: Any, y: Any, w: Any) -> Any:
        for _ in range(3):
            error = x @ w - y
            loss = np.mean(error**2)
            w -= 0.1 * 2 * x.T @ error / len(y)
        return loss

    assert check_backprop(train, X, Y, np.ones(3), params=["w"]).matches


V = RNG.normal(size=3)


def inner(x: Any, y: Any) -> Any:
    error = np.dot(x, V) - y
    dV = np.dot(x.T, error)
    return 0.5 * np.sum(error**2), dV, error


def outer(x: Any, y: Any) -> Any:
    loss, dV, last = inner(x, y)
    return loss, dV, last


def test_globals_of_an_inner_function_are_parameters_and_what_else_comes_back_is_none() -> None:
    assert check_backprop(outer, X, Y, params=["V"]).matches


class Neuron:
    def __init__(self) -> None:
        self.w1, self.w2, self.b = 0.5, -0.3, 0.0

    def step(self, x: Any, y: Any, slip: bool = False) -> Any:
        h = np.tanh(self.w1 * x[0] + self.w2 * x[1] + self.b)
        loss = (h - y) ** 2
        d = 2 * (h - y) * (1 - h**2)
        self.w1 -= 0.1 * d * x[0]
        self.w2 -= 0.1 * d * x[0 if slip else 1]
        self.b -= 0.1 * d
        return loss


def test_parameters_may_be_plain_numbers() -> None:
    neuron = Neuron()
    assert check_backprop(neuron.step, [0.3, 0.8], 1.0, params=neuron).matches
    report = check_backprop(neuron.step, [0.3, 0.8], 1.0, slip=True, params=neuron)
    assert lines(report) == [line_of(Neuron.step, "self.w2")]
    assert (neuron.w1, type(neuron.w1)) == (0.5, float)


def test_a_sum_over_too_much_is_a_wrong_axis() -> None:
    def backprop(x: Any, c: Any) -> Any:
        z = x + c
        return np.sum(z**3), {"c": np.sum(3 * z**2)}

    (line,) = check_backprop(backprop, X, np.ones(3)).lines
    assert line.cause == "wrong-axis"


def standardised(x: Any, slip: bool = False) -> Any:
    n = len(x)
    xmu = x - x.sum(axis=0) / n
    sq = xmu**2
    var = sq.sum(axis=0) / n
    std = np.sqrt(var + 1e-5)
    out = xmu / std
    loss = np.sum(out**3)
    dout = 3 * out**2
    dstd = -np.sum(dout * xmu, axis=0) / std**2
    dvar = 0.5 * dstd / std
    dsq = np.ones_like(x) * dvar / n
    if slip:
        dsq = np.ones_like(x) * dvar
    dxmu = dout / std + 2 * xmu * dsq
    return loss, {"x": dxmu - dxmu.sum(axis=0) / n}


def test_a_factor_that_comes_in_on_the_way_is_wrong_there() -> None:
    assert check_backprop(standardised, X, params=["x"]).matches
    assert lines(check_backprop(standardised, X, slip=True, params=["x"])) == [
        line_of(standardised, "dsq = np.ones_like(x) * dvar") + 2
    ]


def optimised(w: Any, b: Any, X: Any, Y: Any) -> Any:
    costs = []
    for _ in range(3):
        A = 1 / (1 + np.exp(-(X @ w + b)))
        cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
        w = w - 0.1 * X.T @ (A - Y) / len(Y)
        b = b - 0.1 * np.mean(A - Y)
        costs.append(cost)
    return {"w": w, "b": b}, costs


def test_the_cost_of_the_first_step_is_taken_where_updated_parameters_come_back() -> None:
    assert check_backprop(optimised, np.zeros(3), 0, X, (Y > 0) * 1.0, params=["w", "b"]).matches


def stacked(layers: Any, x: Any, y: Any) -> Any:
    values = [x]
    for layer in layers:
        values.append(np.tanh(values[-1] @ layer["W"]))
    loss = np.sum((values[-1] - y) ** 2)
    g, grads = 2 * (values[-1] - y), list[Any]()
    for layer, a, h in zip(reversed(layers), values[-2::-1], values[::-1], strict=False):
        g = g * (1 - h**2)
        grads.insert(0, {"W": a.T @ g})
        g = g @ layer["W"].T
    return loss, grads


def test_dictionaries_in_a_list_are_those_of_the_layers() -> None:
    layers = [{"W": RNG.normal(size=(3, 3))}, {"W": RNG.normal(size=(3, 2))}]
    assert check_backprop(stacked, layers, X, RNG.normal(size=(7, 2)), params=["layers"]).matches


def guarded(x: Any, t: Any, w: Any, factor: float = 1.0) -> Any:
    p = np.exp(x @ w) / np.exp(x @ w).sum(axis=1, keepdims=True)
    loss = -np.sum(t * np.log(p + 1e-7))
    dz = factor * (p - t)
    return loss, {"w": x.T @ dz, "x": (p - t) @ w.T}


def test_what_is_right_but_for_a_constant_that_guards_a_logarithm_is_right() -> None:
    x, t, w = RNG.normal(size=(7, 3)), np.eye(3)[[0, 1, 2, 0, 1, 2, 0]], RNG.normal(size=(3, 3))
    assert check_backprop(guarded, x, t, w, params=["w", "x"]).matches
    report = check_backprop(guarded, x, t, w, factor=3.0, params=["w", "x"])
    assert lines(report) == [line_of(guarded, "dz =")]


def test_lists_of_numbers_are_the_gradients_of_arrays() -> None:
    def neuron(w: Any, x: Any) -> Any:
        f = np.tanh(w[0] * x[0] + w[1] * x[1] + w[2])
        d = 1 - f**2
        return f, [x[0] * d, x[1] * d, d], [w[0] * d, w[1] * d]

    assert check_backprop(neuron, np.array([2.0, -3.0, 0.3]), np.array([-1.0, 0.2]), params=["w", "x"]).matches
