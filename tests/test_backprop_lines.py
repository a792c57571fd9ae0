"""Which line is wrong, by edits of the author's own source: in loops, lists, steps and methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.testing import Report, check_backprop

rng = np.random.default_rng(0)


def told(report: Report, function: Callable[..., Any]) -> list[tuple[str, str, str]]:
    """Of each wrong line its text, its cause and the right line."""
    source, first = inspect.getsourcelines(function)
    return [(source[line.line - first].strip(), line.cause, line.right) for line in report.lines]


def test_a_value_that_a_loop_passes_on_unchanged_is_the_wrong_line() -> None:
    def cell(xs: Any, w: Any) -> Any:
        c, cache, loss = np.zeros(3), [], 0.0
        for x in xs:
            f = 1 / (1 + np.exp(-(x * w)))
            c_prev = c
            c = f * c_prev + x * w
            loss += np.sum(c**2)
            cache.append((x, f, c_prev, c))
        dw, dc_next = np.zeros(3), np.zeros(3)
        for x, f, c_prev, c in reversed(cache):
            dc = 2 * c + dc_next
            dw += dc * x + dc * c_prev * f * (1 - f) * x
            dc_next = dc
        return loss, {"w": dw}

    report = check_backprop(cell, rng.normal(size=(3, 3)), rng.normal(size=3))
    assert told(report, cell) == [("dc_next = dc", "missing-derivative", "dc_next = dc * f")]


def test_a_list_that_starts_with_what_should_be_a_product() -> None:
    def layers(x: Any, y: Any, w: list[Any]) -> Any:
        a = [x]
        for each in w:
            a.append(np.tanh(a[-1] @ each))
        error = a[-1] - y
        loss = 0.5 * np.sum(error**2)
        deltas = [error]
        for k in range(len(w) - 1, 0, -1):
            deltas.append(deltas[-1] @ w[k].T * (1 - a[k] ** 2))
        deltas = deltas[::-1]
        dw = []
        for k in range(len(w)):
            dw.append(a[k].T @ deltas[k])  # noqa: PERF401
        return loss, dw

    weights = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))]
    report = check_backprop(layers, rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), weights, params=[weights])
    assert [line[:2] for line in told(report, layers)] == [("deltas = [error]", "missing-derivative")]


def test_a_mask_that_changes_nothing_is_the_wrong_line() -> None:
    def relu(x: Any, v: Any, w: Any) -> Any:
        h = np.maximum(0, x @ w)
        loss = np.sum(h @ v)
        dh = np.outer(np.ones(len(x)), v)
        dh[h < 0] = 0
        return loss, x.T @ dh

    report = check_backprop(relu, rng.normal(size=(6, 3)), rng.normal(size=4), rng.normal(size=(3, 4)), params=["w"])
    assert [line[::2] for line in told(report, relu)] == [("dh[h < 0] = 0", "dh[h <= 0] = 0")]


def test_the_index_of_a_label_is_that_of_another_list() -> None:
    def steps(inputs: list[int], targets: list[int], w: Any) -> Any:
        dw, loss = np.zeros_like(w), 0.0
        for t in range(len(inputs)):
            p = np.exp(w[inputs[t]]) / np.sum(np.exp(w[inputs[t]]))
            loss += -np.log(p[targets[t]])
            dy = np.copy(p)
            dy[inputs[t]] -= 1
            dw[inputs[t]] += dy
        return loss, dw

    report = check_backprop(steps, [0, 2, 1], [2, 1, 0], rng.normal(size=(3, 3)), params=["w"])
    assert [line[::2] for line in told(report, steps)] == [("dy[inputs[t]] -= 1", "dy[targets[t]] -= 1")]


def test_gradients_that_are_clipped_at_the_end_are_judged_before() -> None:
    def clipped(x: Any, w: Any) -> Any:
        loss = np.sum((x @ w) ** 2)
        dw = x.T @ (2 * (x @ w))
        for d in [dw]:
            np.clip(d, -0.1, 0.1, out=d)
        return loss, dw, x @ w

    assert check_backprop(clipped, rng.normal(size=(4, 3)), rng.normal(size=3), params=["w"])


def test_an_update_without_the_learning_rate_and_one_of_single_elements() -> None:
    def step(x: Any, y: Any, U: Any, V: Any) -> Any:
        error = x @ U + V - y
        loss = np.sum(error**2)
        dU, dV = 2 * x.T @ error, 2 * error.sum(axis=0)
        for k in range(len(V)):
            V[k] = V[k] - 0.1 * dV[k]
        U -= dU
        return loss

    U, V = rng.normal(size=(3, 2)), rng.normal(size=2)
    report = check_backprop(step, rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), U, V, params=["U", "V"])
    assert [(line[0], line[1]) for line in told(report, step)] == [("U -= dU", "scale")]


def test_a_method_in_the_place_of_its_derivative() -> None:
    class Net:
        def __init__(self) -> None:
            self.w = rng.normal(size=(3, 2))

        def sigmoid(self, z: Any) -> Any:
            return 1 / (1 + np.exp(-z))

        def slope(self, s: Any) -> Any:
            return s * (1 - s)

        def step(self, x: Any, y: Any) -> Any:
            s = self.sigmoid(np.c_[x, np.ones(len(x))] @ self.w)
            loss = 0.5 * np.sum((s - y) ** 2)
            delta = (s - y) * self.sigmoid(s)
            self.w -= 0.1 * np.c_[x, np.ones(len(x))].T @ delta
            return loss

    net = Net()
    report = check_backprop(net.step, rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), params=net)
    wrong = ("delta = (s - y) * self.sigmoid(s)", "derivative-at-output", "delta = (s - y) * self.slope(s)")
    assert told(report, Net.step) == [wrong]


def test_weights_that_were_updated_too_early() -> None:
    def early(x: Any, y: Any, A: Any, B: Any) -> Any:
        h = np.tanh(x @ A)
        error = h @ B - y
        loss = np.sum(error**2)
        B -= 0.1 * h.T @ (2 * error)
        dh = 2 * error @ B.T
        A -= 0.1 * x.T @ (dh * (1 - h**2))
        return loss

    A, B = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    report = check_backprop(early, rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), A, B, params=["A", "B"])
    assert [(line[0], line[1]) for line in told(report, early)] == [("dh = 2 * error @ B.T", "stale-parameter")]


def test_losses_that_come_back_as_a_history_are_the_loss() -> None:
    def train(x: Any, y: Any, theta: Any) -> Any:
        history = []
        J_history = history
        for _ in range(2):
            error = x @ theta - y
            J_history.append(np.mean(error**2))
            theta = theta - 0.1 * x.T @ error * 2 / len(y)
        return theta, J_history

    assert check_backprop(train, rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=3), params=["theta"])


def test_names_of_gradients_that_name_the_loss_too() -> None:
    def named(x: Any, w: Any, b: Any) -> Any:
        error = x @ w + b
        dj_db = 2 * error.sum()
        dj_dw = 2 * x.T @ error
        return np.sum(error**2), dj_db, dj_dw

    assert check_backprop(named, rng.normal(size=(5, 3)), rng.normal(size=3), np.array(0.3), params=["w", "b"])


def test_a_gradient_of_the_transposed_shape_is_wrong_also_where_its_numbers_fit() -> None:
    def row(x: Any, w: Any) -> Any:
        error = x @ w
        return np.sum(error**2), {"w": 2 * error.T @ x}

    report = check_backprop(row, rng.normal(size=(4, 2)), rng.normal(size=(2, 1)))
    assert [line[:2] for line in told(report, row)] == [
        ('return np.sum(error**2), {"w": 2 * error.T @ x}', "transposed")
    ]
