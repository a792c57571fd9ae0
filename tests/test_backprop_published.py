"""Slips in the manner in which code is published: each with its line, its cause, and the line that would be right."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd.testing import Report, check_backprop

PAIRS = """
def run(x, y, W1, W2, lr=0.01):
    h = x @ W1
    a = np.maximum(h, 0)
    p = a @ W2
    loss = np.square(p - y).sum()
    d = 2.0 * (p - y)
    da, dW2 = d @ W2.T, a.T @ d
    dh = da * (h > 0)
    dW1 = x.T @ dh
    W1, W2 = W1 - lr * dW1, W2 - lr * dW2
    return W1, W2, loss
"""
VELOCITY = """
def velocity(v, g, lr, mu=0.9):
    return mu * v - lr * g

class Net:
    def __init__(self, w):
        self.w, self.v, self.lr, self.decay = w, np.zeros_like(w), 0.05, 0.01

def run(net, x, y):
    e = x @ net.w - y
    out = e
    loss = 0.5 * np.mean(np.sum(e**2, axis=1)) + 0.5 * net.decay * np.sum(net.w**2)
    g = x.T @ e / len(x) + net.decay * net.w
    net.v = velocity(net.v, g, net.lr)
    net.w += net.v
    return loss
"""
NORM = """
def run(x, y, W, b, gamma):
    h = x @ W + b
    c = h - h.mean(axis=0)
    std = np.sqrt(np.mean(c**2, axis=0) + 1e-5)
    n = c / std
    loss = 0.5 * np.sum((gamma * n - y) ** 2) / len(x)
    m = x.shape[0]
    dout = (gamma * n - y) / m
    dgamma = np.sum(dout * n, axis=0)
    dn = dout * gamma
    dstd = -np.sum(dn * c, axis=0) / std**2
    dc = dn / std + dstd * c / (m * std)
    dh = dc - dc.mean(axis=0)
    return loss, {"W": x.T @ dh, "b": dh.sum(axis=0), "gamma": dgamma}
"""
LAYERS = """
def relu_backward(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ

def sigmoid_backward(dA, Z):
    s = 1 / (1 + np.exp(-Z))
    return dA * s * (1 - s)

def back(dZ, A_prev, W):
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    return np.dot(W.T, dZ), dW, db

def run(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    loss = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1]
    dA2 = (1 - Y) / (1 - A2) - Y / A2
    dZ2 = sigmoid_backward(dA2, W2 @ A1 + b2)
    dA1, dW2, db2 = back(dZ2, A1, W2)
    dZ1 = relu_backward(dA1, Z1)
    _, dW1, db1 = back(dZ1, X, W1)
    return loss, dW1, db1, dW2, db2
"""
PATCHES = """
def run(x, y, W, K, s=1):
    n, c, k = len(x), W.shape[1], W.shape[2]
    h = np.maximum(x * K, 0)
    cols = np.zeros((n, 3, 3, c * k * k))
    for i in range(3):
        for j in range(3):
            cols[:, i, j, :] = h[:, :, i * s:i * s + k, j * s:j * s + k].reshape(n, -1)
    out = (cols @ W.reshape(len(W), -1).T).transpose(0, 3, 1, 2)
    loss = 0.5 * np.sum((out - y) ** 2)
    d = (out - y).transpose(0, 2, 3, 1)
    dW = (d.reshape(-1, len(W)).T @ cols.reshape(-1, c * k * k)).reshape(W.shape)
    dcols = d @ W.reshape(len(W), -1)
    dh = np.zeros_like(h)
    for i in range(3):
        for j in range(3):
            dh[:, :, i * s:i * s + k, j * s:j * s + k] += dcols[:, i, j, :].reshape(n, c, k, k)
    return loss, {"W": dW, "K": np.sum(dh * (h > 0) * x, axis=0)}
"""
WORDS = """
def run(ids, labels, E, W, lam=0.1):
    T = len(ids)
    x = E[ids]
    z = np.exp(x @ W)
    p = z / z.sum(axis=1, keepdims=True)
    loss = -np.log(p[range(T), labels]).mean() + lam * np.sum(W * W)
    d = p.copy()
    d[range(T), labels] -= 1
    d /= T
    dW = x.T @ d
    dW += 2 * lam * W
    dx = d @ W.T
    dE = np.zeros_like(E)
    for t in range(T):
        dE[ids[t]] += dx[t]
    return loss, {"E": dE, "W": dW}
"""
MEANS = """
def run(ids, y, E, w):
    e = E[ids].mean(axis=1) @ w - y
    loss = 0.5 * np.sum(e**2)
    dv = np.repeat(np.outer(e, w)[:, None, :], ids.shape[1], axis=1) / ids.shape[1]
    dE = np.zeros_like(E)
    np.add.at(dE, ids, dv)
    return loss, {"E": dE, "w": E[ids].mean(axis=1).T @ e}
"""
GRAPH = """
def run(A, x, y, W, V):
    Ax = A @ x
    H = np.tanh(Ax @ W)
    AH = A @ H
    p = AH @ V
    loss = 0.5 * np.sum((p - y) ** 2) / len(x)
    G = (p - y) / len(x)
    dH = A.T @ G @ V.T
    dH = dH * (1 - H**2)
    return loss, {"W": Ax.T @ dH, "V": AH.T @ G}
"""
GATES = """
def run(x, y, W, beta=0.3):
    a = x @ W
    i, f = 1 / (1 + np.exp(-a[:, :3])), 1 / (1 + np.exp(-a[:, 3:]))
    h = i * f
    loss = 0.5 * np.sum((h - y) ** 2) + beta * np.sum(np.log(i))
    dh = h - y
    di = dh * f + beta / i
    df = dh * i
    da = np.hstack([di * i * (1 - i), df * f * (1 - f)])
    return loss, {"W": x.T @ da}
"""
RATINGS = """
def run(u, i, r, P, Q, rate=0.01):
    e = r - P[u] @ Q[i]
    loss = 0.5 * e**2
    old = P[u].copy()
    P[u] += rate * e * Q[i]
    Q[i] += rate * e * old
    return loss
"""
rng = np.random.default_rng(5)
ids = np.array([0, 3, 3, 1, 5])


def n(*shape: int) -> Any:
    return rng.normal(size=shape)


ARGS: dict[str, Any] = {
    PAIRS: (n(7, 3), n(7, 2), n(3, 5), n(5, 2)),
    VELOCITY: (n(7, 3), n(7, 4)),
    NORM: (n(7, 3), n(7, 4), n(3, 4), n(4), n(4)),
    LAYERS: (n(3, 7), (n(1, 7) > 0) * 1.0, n(4, 3), n(4, 1), n(1, 4), n(1, 1)),
    PATCHES: (n(2, 2, 4, 4), n(2, 3, 3, 3), n(3, 2, 2, 2), n(2, 4, 4)),
    WORDS: (ids, np.array([3, 0, 1, 2, 2]), n(6, 3), n(3, 4)),
    MEANS: (np.array([[0, 2], [1, 2], [3, 3]]), n(3), n(5, 4), n(4)),
    GRAPH: (np.abs(n(5, 5)), n(5, 3), n(5, 2), n(3, 4), n(4, 2)),
    GATES: (n(7, 4), n(7, 3), n(4, 6)),
    RATINGS: (1, 2, 3.0, n(4, 3), n(5, 3)),
}
NAMED = {PAIRS: ["W1", "W2"], WORDS: ["E", "W"], RATINGS: ["P", "Q"]}


PATIENT = 20.0  # seconds, which a busy machine does not need either


def judged(source: str, original: str, folder: Path) -> Report:
    path = folder / "slip.py"
    path.write_text("import numpy as np\n" + source)
    module = runpy.run_path(str(path))
    args, params = ARGS[original], NAMED.get(original)
    if original is VELOCITY:
        net = module["Net"](np.ones((3, 4)))
        args, params = (net, *args), {"w": net.w}
    return check_backprop(module["run"], *args, params=params, budget=PATIENT)


@pytest.mark.parametrize("source", ARGS)
def test_as_it_is_nothing_is_blamed(source: str, tmp_path: Path) -> None:
    report = judged(source, source, tmp_path)
    assert report.matches, report
    assert not report.lines


@pytest.mark.parametrize(
    ("source", "right", "slip", "cause", "correction"),
    [
        (PAIRS, "d @ W2.T, a.T @ d", "d @ W2.T, h.T @ d", "wrong-operand", "dW2 = a.T @ d"),
        (PAIRS, "W2 - lr * dW2", "W2 + lr * dW2", "scale", "W2 = W2 - lr * dW2"),
        (VELOCITY, "x.T @ e / len(x) +", "x.T @ e / y.size +", "scale", "g = x.T @ e / len(y) + net.decay * net.w"),
        (NORM, "/ std**2", "/ std", "derivative-at-output", None),
        (NORM, "np.sum(dout * n, axis=0)", "np.sum(dout, axis=0) * np.sum(n, axis=0)", None,
         "dgamma = np.sum(dout * n, axis=0)"),
        (LAYERS, "dZ1 = relu_backward", "dZ1 = sigmoid_backward", None, "dZ1 = relu_backward(dA1, Z1)"),
        (LAYERS, "A_prev.shape[1]", "A_prev.shape[0]", "scale", "m = A_prev.shape[1]"),
        (PATCHES, "+= dcols", "= dcols", "missing-term",
         "dh[:, :, i * s:i * s + k, j * s:j * s + k] += dcols[:, i, j, :].reshape(n, c, k, k)"),
        (PATCHES, "dcols[:, i, j, :]", "dcols[:, j, i, :]", "transposed",
         "dh[:, :, i * s:i * s + k, j * s:j * s + k] += dcols[:, i, j, :].reshape(n, c, k, k)"),
        (PATCHES, "(0, 2, 3, 1)", "(0, 3, 2, 1)", "transposed", "d = np.transpose(out - y, (0, 2, 3, 1))"),
        (WORDS, "labels] -= 1", "ids % 4] -= 1", None, None),
        (WORDS, "+= dx[t]", "+= dx[-1]", "wrong-operand", "dE[ids[t]] += dx[t]"),
        (WORDS, "+= dx[t]", "+= dx.sum(axis=0)", "wrong-axis", "dE[ids[t]] += dx[t]"),
        (WORDS, "dE[ids[t]] +=", "dE[t] +=", "wrong-operand", "dE[ids[t]] += dx[t]"),
        (WORDS, "    dW += 2 * lam * W\n", "", "regulariser", "dW = x.T @ d + 2 * lam * W"),
        (MEANS, "dE, ids, dv", "dE, ids[0], dv[0]", "missing-term", "np.add.at(dE, ids, dv)"),
        (GRAPH, "A.T @ G @ V.T", "G @ V.T", "missing-derivative", "dH = A.T @ (G @ V.T)"),
        (GATES, "dh * f + beta / i", "(dh * f + beta) / i", None, None),
        (GATES, "di * i * (1 - i), df * f * (1 - f)", "df * f * (1 - f), di * i * (1 - i)", "wrong-operand",
         "da = np.hstack([di * i * (1 - i), df * f * (1 - f)])"),
        (RATINGS, "e * old", "e * P[u]", "stale-parameter", "Q[i] += rate * e * old"),
    ],
)  # fmt: skip
def test_a_slip(source: str, right: str, slip: str, cause: str | None, correction: str | None, tmp_path: Path) -> None:
    assert source.count(right) == 1
    report = judged(source.replace(right, slip), source, tmp_path)
    (line,) = report.lines
    texts = ["", "", *source.replace(right, slip).split("\n")]
    assert slip in texts[line.line], report
    assert right in source.split("\n")[line.line - 2] or not slip.strip(), report
    assert cause in (None, line.cause), report
    assert correction in (None, line.right), report


def test_an_entry_of_the_cache_that_nothing_else_reads(tmp_path: Path) -> None:
    cached = """
def slope(z):
    return np.cos(z)

def run(x, y, W):
    cache = {"z": x @ W}
    cache["a"] = np.sin(cache["z"])
    loss = 0.5 * np.sum((cache["a"] - y) ** 2)
    d = (cache["a"] - y) * slope(cache["a"])
    return loss, x.T @ d
"""
    ARGS[cached] = n(5, 3), n(5, 2), n(3, 2)
    (line,) = judged(cached, cached, tmp_path).lines
    assert (line.line, line.right) == (10, 'd = (cache["a"] - y) * slope(cache["z"])')


def test_an_index_of_several_slices_is_read(tmp_path: Path) -> None:
    slip = PATCHES.replace("x * K", "x * K[:, :, :]").replace("* x, axis=0)", "* x[:, :, ::-1], axis=0)")
    (line,) = judged(slip, PATCHES, tmp_path).lines
    assert "x[:, :, ::-1]" in line.source


def test_a_small_step_in_single_precision_is_no_mistake() -> None:
    def step(x: Any, y: Any, w: Any) -> Any:
        e = x @ w - y
        w -= np.float32(1e-4) * (x.T @ e)
        return np.float32(0.5) * np.sum(e**2)

    x, y = (np.linspace(-1, 1, size).astype(np.float32).reshape(5, -1) for size in (15, 10))
    assert check_backprop(step, x, y, np.full((3, 2), 10, np.float32), params=["w"]).matches


def test_where_a_word_is_a_variable_too_the_sentence_stays_one(tmp_path: Path) -> None:
    report = judged(VELOCITY.replace(" + net.decay * net.w", ""), VELOCITY, tmp_path)
    assert "left out" in str(report)
