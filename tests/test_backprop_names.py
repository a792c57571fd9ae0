"""What the names in a derivation tell, and what its author could have written with them: slips in code as it is."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd.testing import Report, check_backprop

rng = np.random.default_rng(11)
X, Y = rng.normal(size=(4, 7)), (rng.random((1, 7)) > 0.5) * 1.0
LAYERS = {
    f"{k}{n}": rng.normal(size=s)
    for n, a, b in ((1, 5, 4), (2, 3, 5), (3, 1, 3))
    for k, s in (("W", (a, b)), ("b", (a, 1)))
}

COLUMNS = """
def linear_backward(dZ, cache):
    A_prev, W = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db

def relu_backward(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ

def run(X, Y, p):
    A, caches = X, []
    for l in (1, 2):
        Z = p["W" + str(l)].dot(A) + p["b" + str(l)]
        caches.append(((A, p["W" + str(l)]), Z))
        A = np.maximum(0, Z)
    AL = 1 / (1 + np.exp(-(p["W3"].dot(A) + p["b3"])))
    data_loss = -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]
    grads = {}
    dA, grads["dW3"], grads["db3"] = linear_backward(AL - Y, (A, p["W3"]))
    for l in (2, 1):
        linear, Z = caches[l - 1]
        dZ = relu_backward(dA, Z)
        dA, grads["dW" + str(l)], grads["db" + str(l)] = linear_backward(dZ, linear)
    return data_loss, grads
"""

STEPS = """
def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))

def cell(x, h, Wx, Wh):
    return np.tanh(x @ Wx + h @ Wh)

def cell_backward(dh, x, h_prev, h, Wx, Wh):
    da = dh * (1 - h**2)
    dprev1 = da @ Wh.T
    dprev = dprev1
    return dprev, x.T @ da, h_prev.T @ da

def run(xs, target, Wx, Wh):
    h, hs, outs, loss = np.zeros((2, 4)), [], [], 0.0
    for x in xs:
        hs.append(h)
        h = cell(x, h, Wx, Wh)
        outs.append(h)
        loss = loss + np.sum((nonlin(h) - target) ** 2) / np.sqrt(len(xs))
    dh, dWx, dWh = np.zeros((2, 4)), np.zeros_like(Wx), np.zeros_like(Wh)
    for t in reversed(range(len(xs))):
        p = nonlin(outs[t])
        dout = 2 * (p - target) * nonlin(p, deriv=True)
        dh_t = dout / np.sqrt(len(xs)) + dh
        dh, dwx, dwh = cell_backward(dh_t, xs[t], hs[t], outs[t], Wx, Wh)
        dWx += dwx
        dWh += dwh
    return loss, {"Wx": dWx, "Wh": dWh}
"""

GATES = """
class Leaky:
    def __init__(self):
        self.alpha = 0.1

    def backward(self, x, dout):
        return dout * np.where(x > 0, 1, self.alpha)

def run(x, theta, y):
    h = x @ theta
    out = np.where(h > 0, h, 0.1 * h)
    a, b = np.tanh(out[:, :2]), np.tanh(out[:, 2:])
    loss = np.sum((a - y) ** 2) + np.sum((b + y) ** 2) + 0.3 * np.sum(theta[1:] ** 2)
    da, db = 2 * (a - y) * (1 - a**2), 2 * (b + y) * (1 - b**2)
    dout = np.hstack((da, db))
    dh = Leaky().backward(h, dout)
    grad = x.T @ dh
    grad[1:] = grad[1:] + 0.6 * theta[1:]
    return loss, grad
"""


def judged(source: str, folder: Path, *args: Any, **kwargs: Any) -> Report:
    path = folder / "code.py"
    path.write_text("import numpy as np\n" + source)
    return check_backprop(runpy.run_path(str(path))["run"], *args, **kwargs)


def told(source: str, folder: Path, *args: Any) -> tuple[str, str, str]:
    (line,) = judged(source, folder, *args).lines
    return ("import numpy as np\n" + source).splitlines()[line.line - 1].strip(), line.cause, line.right


ARGS: dict[str, tuple[Any, ...]] = {
    COLUMNS: (X, Y, LAYERS),
    STEPS: (rng.normal(size=(3, 2, 3)), rng.random((2, 4)), rng.normal(size=(3, 4)), rng.normal(size=(4, 4))),
    GATES: (rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), rng.normal(size=(6, 2))),
}


@pytest.mark.parametrize("source", ARGS, ids=["columns", "steps", "gates"])
def test_they_are_right(source: str, tmp_path: Path) -> None:
    assert judged(source, tmp_path, *ARGS[source])


SLIPS = [
    ("what dZ is beside Z", COLUMNS, "    dZ[Z <= 0] = 0\n", "", "dZ = np.array(dA, copy=True)", "missing-derivative",
     "dZ = np.array(dA, copy=True) * (Z > 0)"),
    ("of what is right, the last", STEPS, "dprev1 = da @ Wh.T", "dprev1 = da @ Wh", "dprev1 = da @ Wh", "transposed",
     "dprev1 = da @ Wh.T"),
    ("given back by another name", STEPS, "dprev = dprev1", "dprev = dh", "dprev = dh", "wrong-operand",
     "dprev = dprev1"),
    ("carried on in a loop", STEPS, " + dh\n", "\n", "dh_t = dout / np.sqrt(len(xs))", "missing-term",
     "dh_t = dout / np.sqrt(len(xs)) + dh"),
    ("a total that is overwritten", STEPS, "dWh += dwh", "dWh = dwh", "dWh = dwh", "missing-term", "dWh += dwh"),
    ("a flag", STEPS, "nonlin(p, deriv=True)", "nonlin(p)", "dout = 2 * (p - target) * nonlin(p)",
     "derivative-at-output", "dout = 2 * (p - target) * nonlin(p, deriv=True)"),
    ("an attribute", GATES, "1, self.alpha", "1, 0", "return dout * np.where(x > 0, 1, 0)", "derivative-at-output",
     "return dout * np.where(x > 0, 1, self.alpha)"),
    ("two names", GATES, "((da, db))", "((db, da))", "dout = np.hstack((db, da))", "wrong-operand",
     "dout = np.hstack((da, db))"),
    ("a part", GATES, "0.6 * theta[1:]", "0.6 * theta[:-1]", "grad[1:] = grad[1:] + 0.6 * theta[:-1]", "wrong-operand",
     "grad[1:] = grad[1:] + 0.6 * theta[1:]"),
    ("what was there", GATES, "= grad[1:] + 0.6", "= 0.6", "grad[1:] = 0.6 * theta[1:]", "missing-term",
     "grad[1:] += 0.6 * theta[1:]"),
    ("a factor that is there", GATES, "+ 0.6", "+ 2 * 0.6", "grad[1:] = grad[1:] + 2 * 0.6 * theta[1:]", "regulariser",
     "grad[1:] = grad[1:] + 0.6 * theta[1:]"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "right", "slip", "line", "cause", "correction"), [s[1:] for s in SLIPS],
                         ids=[s[0] for s in SLIPS])  # fmt: skip
def test_a_slip(source: str, right: str, slip: str, line: str, cause: str, correction: str, tmp_path: Path) -> None:
    assert source.count(right) == 1
    assert told(source.replace(right, slip), tmp_path, *ARGS[source]) == (line, cause, correction)


def test_layers_of_other_sizes_that_pass_their_gradients_on(tmp_path: Path) -> None:
    slip = COLUMNS.replace("m = A_prev.shape[1]", "m = A_prev.shape[0]")
    lines = judged(slip, tmp_path, *ARGS[COLUMNS]).lines
    assert [line.right for line in lines] == [
        "dW = np.dot(dZ, A_prev.T) / A_prev.shape[1]",
        "db = np.sum(dZ, axis=1, keepdims=True) / A_prev.shape[1]",
    ]


STEP = """
def run(params, x, y, lr=0.1):
    W, V = params
    h = np.tanh(x @ W)
    error = y - h @ V
    loss = np.sum(error**2) / 2
    delta = error @ V.T * (1 - h**2)
    W = W + lr * x.T @ delta
    V = V + lr * h.T @ error
    return [W, V], loss
"""
STEP_ARGS = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))], rng.normal(size=(6, 3)), rng.normal(size=(6, 2))


def test_updated_parameters_in_a_list_before_the_loss(tmp_path: Path) -> None:
    assert judged(STEP, tmp_path, *STEP_ARGS)


def test_a_step_uphill_where_the_other_one_goes_down_by_the_negative_gradient(tmp_path: Path) -> None:
    slip = STEP.replace("W = W + lr", "W = W - lr")
    assert told(slip, tmp_path, *STEP_ARGS) == ("W = W - lr * x.T @ delta", "scale", "W = W + lr * x.T @ delta")
