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
