"""Slips in code that keeps its values in objects of objects and in lists that comprehensions make."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from autograd.testing import Report, check_backprop

NODES = """import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def slope(values):
    return values * (1 - values)

class Weights:
    def __init__(self, rng, n):
        self.wf, self.wg = rng.normal(size=(n[2], n[1] + n[2])), rng.normal(size=(n[2], n[1] + n[2]))
        self.wf_diff, self.wg_diff = np.zeros_like(self.wf), np.zeros_like(self.wg)

class State:
    pass

class Node:
    def __init__(self, weights):
        self.state, self.weights = State(), weights

    def forward(self, x, s_prev):
        self.s_prev = s_prev
        self.xs = np.hstack((x, s_prev))
        self.state.f = sigmoid(self.weights.wf @ self.xs)
        self.state.g = np.tanh(self.weights.wg @ self.xs)
        self.state.s = self.state.f * s_prev + self.state.g

    def backward(self, ds):
        df = self.s_prev * ds
        df_input = slope(self.state.f) * df
        dg_input = (1 - self.state.g**2) * ds
        self.weights.wf_diff += np.outer(df_input, self.xs)
        self.weights.wg_diff += np.outer(dg_input, self.xs)
        d_prev = self.state.f * ds
        d_prev = d_prev + (self.weights.wf.T @ df_input + self.weights.wg.T @ dg_input)[-len(ds):]
        return d_prev

def setup(rng, n):
    weights = Weights(rng, n)
    return (weights, rng.normal(size=(3, n[1])), rng.normal(size=(3, n[2]))), weights

def run(weights, xs, ys):
    nodes, s, loss = [], np.zeros(len(weights.wf)), 0.0
    for x, y in zip(xs, ys):
        nodes.append(Node(weights))
        nodes[-1].forward(x, s)
        s = nodes[-1].state.s
        loss = loss + np.sum((s - y) ** 2)
    ds = np.zeros_like(s)
    for node, y in zip(nodes[::-1], ys[::-1]):
        total = node.state.s - y
        total = 2 * total
        total += ds
        ds = node.backward(total)
    return loss
"""

LISTS = """import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))

class Net:
    def __init__(self, sizes, rng):
        self.weights = [rng.normal(size=(y, x)) for x, y in zip(sizes[:-1], sizes[1:])]

    def update(self, batch, eta, strength, n):
        nabla = [np.zeros(w.shape) for w in self.weights]
        cost = 0.0
        for x, y in batch:
            c, delta_nabla = self.backprop(x, y)
            cost += c / len(batch)
            nabla = [nb + dnb for nb, dnb in zip(nabla, delta_nabla)]
        cost += 0.5 * strength / n * sum(np.sum(w**2) for w in self.weights)
        self.weights = [(1 - eta * strength / n) * w - eta / len(batch) * nw for w, nw in zip(self.weights, nabla)]
        return cost

    def backprop(self, x, y):
        nabla, activations, zs = [None] * len(self.weights), [x], []
        for w in self.weights:
            zs.append(w @ activations[-1])
            activations.append(sigmoid(zs[-1]))
        delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
        nabla[-1] = np.outer(delta, activations[-2])
        for l in range(2, len(self.weights) + 1):
            z = zs[-l]
            sp = sigmoid_prime(z)
            delta = self.weights[-l + 1].T @ delta * sp
            nabla[-l] = np.outer(delta, activations[-l - 1])
        return 0.5 * np.sum((activations[-1] - y) ** 2), nabla

def setup(rng, n):
    net = Net([n[1], n[2], n[3], n[4]], rng)
    return (net, [(rng.normal(size=n[1]), rng.random(n[4])) for _ in range(3)]), net

def run(net, batch):
    return net.update(batch, 0.5, 0.1, 30)
"""

GATED = """import numpy as np

def setup(rng, n):
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[2])), rng.normal(size=(n[1], n[2])),
            rng.normal(size=(n[1], n[2])), rng.normal(size=(n[2], n[2]))), ["W", "U", "V"]

def cell(x, h, d, W, U, V):
    r, z = np.tanh(x @ W), np.tanh(x @ U)
    out = z * h + (r * h) @ V
    if d is None:
        return out
    dh = d * z
    dz = d * h
    dV = (r * h).T @ d
    dr = d @ V.T
    dh = dh + dr * r
    return dh, x.T @ (dr * h * (1 - r**2)), x.T @ (dz * (1 - z**2)), dV

def run(x, y, W, U, V):
    h0 = np.ones_like(y)
    h1 = cell(x, h0, None, W, U, V)
    h2 = cell(x, h1, None, W, U, V)
    loss = 0.5 * np.sum((h2 - y) ** 2)
    d, dW, dU, dV = cell(x, h1, h2 - y, W, U, V)
    _, dW1, dU1, dV1 = cell(x, h0, d, W, U, V)
    return loss, dW + dW1, dU + dU1, dV + dV1
"""


STACKED = """
def run(layers, x, y):
    pred = x
    for layer in layers:
        pred = layer.forward(pred)
    loss = np.mean(0.5 * (y - pred) ** 2)
    grad = (pred - y) / y.size
    for layer in reversed(layers):
        grad = layer.backward(grad)
    return loss
"""

LAYERS = (
    """import numpy as np

class TanH:
    def __call__(self, x):
        return 2 / (1 + np.exp(-2 * x)) - 1

    def gradient(self, x):
        return 1 - np.power(self.__call__(x), 2)

class Activation:
    def __init__(self):
        self.func = TanH()

    def forward(self, X):
        self.layer_input = X
        return self.func(X)

    def backward(self, accum_grad):
        return accum_grad * self.func.gradient(self.layer_input)

class Dense:
    def __init__(self, m, n, rng):
        self.W, self.b = rng.normal(size=(m, n)), np.zeros((1, n))

    def forward(self, X):
        self.layer_input = X
        return X.dot(self.W) + self.b

    def backward(self, accum_grad):
        W = self.W.copy()
        grad_W = self.layer_input.T.dot(accum_grad)
        grad_b = np.sum(accum_grad, axis=0, keepdims=True)
        self.W -= 0.1 * grad_W
        self.b -= 0.1 * grad_b
        return accum_grad.dot(W.T)

def setup(rng, n):
    layers = [Dense(n[1], n[2], rng), Activation(), Dense(n[2], n[4], rng)]
    return (layers, rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[4]))), layers
"""
    + STACKED
)

OPTIMISED = (
    """import numpy as np

class SGD:
    def update(self, w, grad):
        return w - 0.1 * grad

class Dense:
    def __init__(self, m, n, rng):
        self.W, self.optimizer = rng.normal(size=(m, n)), SGD()

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, grad):
        grad_W = self.x.T @ grad
        grad = grad @ self.W.T
        self.W = self.optimizer.update(self.W, grad_W)
        return grad

def setup(rng, n):
    layers = [Dense(n[1], n[2], rng), Dense(n[2], n[4], rng)]
    return (layers, rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[4]))), layers
"""
    + STACKED
)


def judged(source: str, folder: Path) -> Report:
    path = folder / "slip.py"
    path.write_text(source)
    module = runpy.run_path(str(path))
    args, params = module["setup"](np.random.default_rng(3), (7, 3, 5, 4, 2))
    return check_backprop(module["run"], *args, params=params, budget=20.0)  # seconds, for a busy machine


@pytest.mark.parametrize("source", [NODES, LISTS, GATED, OPTIMISED, LAYERS])
def test_as_it_is_nothing_is_blamed(source: str, tmp_path: Path) -> None:
    report = judged(source, tmp_path)
    assert report.matches, report
    assert not report.lines


@pytest.mark.parametrize(
    ("source", "right", "slip", "cause", "correction"),
    [
        (NODES, "df = self.s_prev * ds", "df = self.state.s * ds", "wrong-operand", "df = self.s_prev * ds"),
        (NODES, "return values * (1 - values)", "return sigmoid(values) * (1 - sigmoid(values))",
         "derivative-at-output", "return values * (1 - values)"),
        (NODES, "total = 2 * total", "total = total.copy()", "scale", None),
        (LISTS, "eta / len(batch) * nw", "eta * nw", "scale", None),
        (LISTS, "(1 - eta * strength / n)", "(1 - eta * strength)", "regulariser", None),
        (LISTS, "(1 - eta * strength / n) * w", "w", "regulariser", None),
        (LISTS, "sp = sigmoid_prime(z)", "sp = sigmoid(z)", "derivative-at-output", "sp = sigmoid_prime(z)"),
        (GATED, "dh = dh + dr * r", "dh = dr * r", "missing-term", "dh += dr * r"),
        (LAYERS, "return accum_grad * self.func.gradient(self.layer_input)", "return accum_grad", "missing-derivative",
         "return accum_grad * self.func.gradient(self.layer_input)"),
        (LAYERS, "grad_W = self.layer_input.T.dot(accum_grad)", "grad_W = self.layer_input.T.dot(accum_grad) / 7",
         "scale", "grad_W = self.layer_input.T.dot(accum_grad)"),
        (OPTIMISED, "grad = (pred - y) / y.size", "grad = (y - pred) / y.size", "scale", "grad = (pred - y) / y.size"),
        (OPTIMISED, "return w - 0.1 * grad", "return w + 0.1 * grad", "scale", "return w - 0.1 * grad"),
        (GATED, "(r * h).T @ d", "h.T @ d", "missing-derivative", "dV = (h * r).T @ d"),
    ],
)  # fmt: skip
def test_a_slip(source: str, right: str, slip: str, cause: str, correction: str | None, tmp_path: Path) -> None:
    assert source.count(right) == 1
    report = judged(source.replace(right, slip), tmp_path)
    (line,) = report.lines
    assert slip in source.replace(right, slip).split("\n")[line.line - 1], report
    assert line.cause == cause, report
    assert correction in (None, line.right), report


NAMED = """import numpy as np

class Tanh:
    def __call__(self, x):
        return np.tanh(x)

    def gradient(self, x):
        return 1 - self(x) ** 2

class Net:
    def __init__(self):
        self.act = Tanh()

    def run(self, x, y, W1, W2):
        return step(self, x, y, W1, W2)

def step(self, x, y, W1, W2):
    z = x @ W1
    h = self.act(z)
    p = h @ W2
    dp = p - y
    dW2 = z.T @ dp
    dz = dp @ W2.T * self.act.gradient(z)
    return 0.5 * np.sum((p - y) ** 2), {"W1": x.T @ dz, "W2": dW2}

run = Net().run

def setup(rng, n):
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[4])), rng.normal(size=(n[1], n[2])),
            rng.normal(size=(n[2], n[4]))), ["W1", "W2"]
"""


def test_what_a_function_is_given_is_no_name_of_its_result(tmp_path: Path) -> None:
    (line,) = judged(NAMED, tmp_path).lines
    assert "z stands in the place of h" in line.explanation
