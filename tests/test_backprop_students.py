"""Slips in code as students write it: numbers that are no arrays, statements that are missing, lists of states."""

# ruff: noqa: E501  # what is judged stands as its author wrote it

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd.testing import check_backprop

HUBER = """import numpy as np

def setup(rng, n):
    return (list(rng.normal(size=9)), list(rng.normal(size=9) * 2), 0.7, -0.3, 1.0), ["w", "b"]

def run(xs, ys, w, b, delta):
    dw, db, loss = 0.0, 0.0, 0.0
    for x, y in zip(xs, ys):
        r = w * x + b - y
        if abs(r) <= delta:
            loss += 0.5 * r * r
            dw += r * x
            db += r
        else:
            loss += delta * (abs(r) - 0.5 * delta)
            dw += delta * np.sign(r) * x
            db += delta * np.sign(r)
    return loss / len(xs), dw / len(xs), db / len(xs)
"""

HINGE = """import numpy as np

def setup(rng, n):
    X = rng.normal(size=(n[0], n[1])); y = rng.integers(0, n[2], n[0])
    W = rng.normal(size=(n[1], n[2]))
    return (W, X, y, 0.1), ["W"]

def svm_loss_naive(W, X, y, reg):
    dW = np.zeros(W.shape)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    loss = 0.0
    for i in range(num_train):
        scores = X[i].dot(W)
        correct_class_score = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct_class_score + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= num_train
    dW /= num_train
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW

def run(W, X, y, reg):
    return svm_loss_naive(W, X, y, reg)
"""

DROPOUT = """import numpy as np
from collections import namedtuple

Cache = namedtuple("Cache", "x z h mask hd")

def setup(rng, n):
    W = [rng.normal(size=(n[1], n[2])), rng.normal(size=(n[2], n[3]))]
    b = [rng.normal(size=n[2]), rng.normal(size=n[3])]
    return (W, b, rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[3]))), [W, b]

def forward(W, b, x, keep):
    z = x @ W[0] + b[0]
    h = np.where(z > 0, z, 0.01 * z)
    mask = np.random.RandomState(1).rand(*h.shape) < keep
    hd = h * mask / keep
    return hd @ W[1] + b[1], Cache(x, z, h, mask, hd)

def backward(W, c, dout, keep):
    dW1 = c.hd.T @ dout
    db1 = dout.sum(axis=0)
    dhd = dout @ W[1].T
    dh = dhd * c.mask / keep
    dz = dh * np.where(c.z > 0, 1, 0.01)
    dW0 = c.x.T @ dz
    db0 = dz.sum(axis=0)
    return [dW0, dW1], [db0, db1]

def run(W, b, x, y):
    out, cache = forward(W, b, x, 0.7)
    loss = np.mean((out - y) ** 2)
    dout = 2 * (out - y) / out.size
    dW, db = backward(W, cache, dout, 0.7)
    return loss, dW, db
"""

STAGES = """import numpy as np

def setup(rng, n):
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[1], n[2])), rng.normal(size=n[2]), rng.normal(size=n[2]), rng.normal(size=(n[0], n[2]))), ["W", "gamma", "beta"]

def bn_forward(x, gamma, beta, eps=1e-5):
    N, D = x.shape
    mu = 1. / N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu ** 2
    var = 1. / N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1. / sqrtvar
    xhat = xmu * ivar
    out = gamma * xhat + beta
    return out, (xhat, gamma, xmu, ivar, sqrtvar, var, eps)

def bn_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1. / (sqrtvar ** 2) * divar
    dvar = 0.5 * 1. / np.sqrt(var + eps) * dsqrtvar
    dsq = 1. / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1. / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta

def run(x, W, gamma, beta, t):
    out, cache = bn_forward(x @ W, gamma, beta)
    loss = np.sum((out - t) ** 2) / 2
    da, dgamma, dbeta = bn_backward(out - t, cache)
    return loss, {"W": x.T @ da, "gamma": dgamma, "beta": dbeta}
"""

DOCUMENTS = """import numpy as np

def setup(rng, n):
    docs = [[1, 4, 4], [0, 2], [3, 5, 1, 6], [2, 2, 2]]
    return (rng.normal(size=(7, n[1])), rng.normal(size=n[1]), docs, np.array([1.0, 0.0, 1.0, 0.0])), ["emb", "w"]

def run(emb, w, docs, labels):
    total = 0.0
    demb = np.zeros_like(emb)
    dw = np.zeros_like(w)
    for doc, t in zip(docs, labels):
        avg = emb[doc].mean(axis=0)
        p = 1.0 / (1.0 + np.exp(-avg @ w))
        total -= t * np.log(p) + (1 - t) * np.log(1 - p)
        d = p - t
        dw += d * avg
        for word in doc:
            demb[word] += d * w / len(doc)
    return total, demb, dw
"""

FACTORS = """import numpy as np

def setup(rng, n):
    return (rng.normal(size=(n[0], n[2])), rng.normal(size=n[0]), 0.3, rng.normal(size=n[2]), rng.normal(size=(n[2], n[1]))), ["w0", "w", "V"]

def run(X, y, w0, w, V):
    XV = X @ V
    pair = 0.5 * (XV ** 2 - (X ** 2) @ (V ** 2)).sum(axis=1)
    pred = w0 + X @ w + pair
    err = pred - y
    loss = 0.5 * np.mean(err ** 2)
    n = len(y)
    dw0 = err.sum() / n
    dw = X.T @ err / n
    dV = (X.T @ (err[:, None] * XV) - (X ** 2).T @ err[:, None] * V) / n
    return loss, dw0, dw, dV
"""

STATES = """import numpy as np

class RNN:
    def __init__(self, i, h, o, rng):
        self.Wx = rng.normal(size=(i, h)) * 0.5
        self.Wh = rng.normal(size=(h, h)) * 0.5
        self.bh = np.zeros((1, h))
        self.Wy = rng.normal(size=(h, o))
        self.by = np.zeros((1, o))

    def forward(self, xs):
        self.xs = xs
        self.hs = [np.zeros((xs[0].shape[0], self.Wh.shape[0]))]
        self.ys = []
        for x in xs:
            self.hs.append(np.tanh(x @ self.Wx + self.hs[-1] @ self.Wh + self.bh))
            self.ys.append(self.hs[-1] @ self.Wy + self.by)
        return self.ys

    def backward(self, dys):
        self.dWx, self.dWh, self.dbh = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh)
        self.dWy, self.dby = np.zeros_like(self.Wy), np.zeros_like(self.by)
        dnext = np.zeros_like(self.hs[0])
        for t in range(len(self.xs) - 1, -1, -1):
            self.dWy += self.hs[t + 1].T @ dys[t]
            self.dby += dys[t].sum(axis=0, keepdims=True)
            dh = dys[t] @ self.Wy.T + dnext
            da = dh * (1 - self.hs[t + 1] ** 2)
            self.dbh += da.sum(axis=0, keepdims=True)
            self.dWx += self.xs[t].T @ da
            self.dWh += self.hs[t].T @ da
            dnext = da @ self.Wh.T

def setup(rng, n):
    net = RNN(n[1], n[2], n[4], rng)
    return (net, [rng.normal(size=(4, n[1])) for _ in range(3)], [rng.normal(size=(4, n[4])) for _ in range(3)]), net

def run(net, xs, ts):
    ys = net.forward(xs)
    loss = 0
    dys = []
    for y, t in zip(ys, ts):
        loss += np.sum((y - t) ** 2) / len(y)
        dys.append(2 * (y - t) / len(y))
    net.backward(dys)
    return loss
"""

STUDENT = """import numpy as np

def setup(rng, n):
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=n[0]), rng.normal(size=n[1]), 0.4, 3.0), ["w", "log_s"]

def run(X, y, w, log_s, nu):
    s = np.exp(log_s)
    r = (y - X @ w) / s
    nll = np.sum((nu + 1) / 2 * np.log(1 + r ** 2 / nu)) + len(y) * log_s
    dr = (nu + 1) * r / (nu + r ** 2)
    dw = -X.T @ dr / s
    dlog_s = len(y) - np.sum(dr * r)
    return nll, dw, dlog_s
"""

TASKS = """import numpy as np

def setup(rng, n):
    p = [rng.normal(size=(n[1], n[2])), rng.normal(size=n[2]), rng.normal(size=(n[2], 1)), rng.normal(size=(n[2], n[3]))]
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], 1)), rng.integers(0, n[3], n[0]), p), p

def run(x, y_reg, y_cls, p):
    W, b, Wr, Wc = p
    n = x.shape[0]
    h = np.maximum(x @ W + b, 0)
    pred = h @ Wr
    logits = h @ Wc
    logits = logits - logits.max(axis=1, keepdims=True)
    prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    l1 = ((pred - y_reg) ** 2).mean()
    l2 = -np.log(prob[np.arange(n), y_cls]).mean()
    loss = l1 + 0.5 * l2
    dpred = 2 * (pred - y_reg) / n
    dlog = prob.copy()
    dlog[np.arange(n), y_cls] -= 1
    dlog *= 0.5 / n
    dWr = h.T @ dpred
    dWc = h.T @ dlog
    dh = dpred @ Wr.T + dlog @ Wc.T
    dh[h == 0] = 0
    dW = x.T @ dh
    db = dh.sum(0)
    return loss, [dW, db, dWr, dWc]
"""

CONTEXT = """import numpy as np

def setup(rng, n):
    V, d = 8, 3
    return (rng.normal(size=(V, d)), rng.normal(size=(2, d, d)), rng.normal(size=V), [(1, 4, 2), (3, 1, 0), (4, 4, 7)]), ["R", "C", "bias"]

def run(R, C, bias, data):
    dR, dC, dbias = np.zeros_like(R), np.zeros_like(C), np.zeros_like(bias)
    nll = 0.0
    for w1, w2, target in data:
        r = C[0] @ R[w1] + C[1] @ R[w2]
        s = R @ r + bias
        e = np.exp(s - s.max())
        p = e / e.sum()
        nll -= np.log(p[target])
        ds = p.copy()
        ds[target] -= 1
        dbias += ds
        dr = R.T @ ds
        dR += np.outer(ds, r)
        dC[0] += np.outer(dr, R[w1])
        dC[1] += np.outer(dr, R[w2])
        dR[w1] += C[0].T @ dr
        dR[w2] += C[1].T @ dr
    return nll, {"R": dR, "C": dC, "bias": dbias}
"""

MACHINE = """
import numpy as np

def setup(rng, n):
    y = rng.normal(size=n[0])
    return (rng.normal(size=(n[0], 3)), y, rng.normal(size=3), 0.2, 0.7), ["w", "b"]

def run(X, y, w, b, C):
    dw, db, loss = w.copy(), 0.0, 0.5 * w @ w
    for i in range(len(y)):
        if y[i] * (X[i] @ w + b) < 1:
            loss += C * (1 - y[i] * (X[i] @ w + b))
            dw += -C * y[i] * X[i]
            db += -C * y[i]
    return loss, dw, db
"""

FILTER = """
import numpy as np

def setup(rng, n):
    return (rng.normal(size=(6, 6)), rng.normal(size=(3, 3)), rng.normal(size=(4, 4))), ["k"]

def conv(x, k):
    y = np.empty((x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = (x[i:i + k.shape[0], j:j + k.shape[1]] * k).sum()
    return y

def run(x, k, t):
    y = np.tanh(conv(x, k))
    loss = np.sum((y - t) ** 2) / 2
    dy = y - t
    dc = dy * (1 - y ** 2)
    dk = conv(x, dc)
    return loss, {"k": dk}
"""

# What should stand there, the slip, where it is seen, its cause, and the right line.
SLIPS = [
    ("numbers of lists", HUBER, "dw += r * x", "dw += r", "dw += r", "missing-derivative",
     "dw += r * x"),
    ("a sign of numbers", HUBER, "delta * np.sign(r) * x", "np.sign(r) * 2 * x", "dw += np.sign(r) * 2 * x", "scale",
     "dw += np.sign(r) * x"),
    ("one of several that are given back", HUBER, "db / len(xs)", "db",
     "return loss / len(xs), dw / len(xs), db", "scale", "return (loss / len(xs), dw / len(xs), db / len(xs))"),
    ("a number that is given", MACHINE, "-C * y[i]\n    return", "-C\n    return", "db += -C", "missing-derivative",
     "db += -C * y[i]"),
    ("a write that is missing", HINGE, "                dW[:, y[i]] -= X[i]\n", "", "dW[:, j] += X[i]", "missing-term",
     "dW[:, j] += X[i]; dW[:, y[i]] -= X[i]"),
    ("a division that is missing", HINGE, "    dW /= num_train\n", "", "dW += 2 * reg * W", "scale",
     "dW = dW / num_train + 2 * reg * W"),
    ("the slope of a leaky relu", DROPOUT, "np.where(c.z > 0, 1, 0.01)", "(c.z > 0)", "dz = dh * (c.z > 0)",
     "derivative-at-output", "dz = dh * np.where(c.z > 0, 1, 0.01)"),
    ("a mask of another function", DROPOUT, "dhd * c.mask / keep", "dhd / keep", "dh = dhd / keep",
     "missing-derivative", "dh = dhd / 0.7 * mask"),
    ("a multiple of what it is called", STAGES, "dsqrtvar = -1.", "dsqrtvar = 1.",
     "dsqrtvar = 1. / (sqrtvar ** 2) * divar", "scale", "dsqrtvar = -1 / sqrtvar**2 * divar"),
    ("the length of each list", DOCUMENTS, " * w / len(doc)", " * w", "demb[word] += d * w", "scale",
     "demb[word] += d * w / len(doc)"),
    ("data without a name", FACTORS, " - (X ** 2).T @ err[:, None] * V) / n", ") / n",
     "dV = (X.T @ (err[:, None] * XV)) / n", "missing-term",
     "dV = (X**2).T @ -np.broadcast_to((0.5 * (err / 7))[:, None], (7, 3)) * (2 * V)"
     " + X.T @ ((0.5 * (err / 7))[:, None] * (2 * XV))"),
    ("the state of another step", STATES, "self.dWh += self.hs[t].T", "self.dWh += self.hs[t + 1].T",
     "self.dWh += self.hs[t + 1].T @ da", "wrong-operand", "self.dWh += self.hs[t].T @ da"),
    ("the state of this step", STATES, "self.dWy += self.hs[t + 1].T", "self.dWy += self.hs[t].T",
     "self.dWy += self.hs[t].T @ dys[t]", "wrong-operand", "self.dWy += self.hs[t + 1].T @ dys[t]"),
    ("a number that was asked for", STUDENT, "len(y) - np.sum(dr * r)", "len(y) + np.sum(dr * r)",
     "dlog_s = len(y) + np.sum(dr * r)", "scale", "dlog_s = len(y) - np.sum(dr * r)"),
    ("weights of a list", TASKS, "dpred @ Wr.T + ", "", "dh = dlog @ Wc.T", "missing-term",
     "dh = dlog @ Wc.T + dpred @ Wr.T"),
    ("a mask of what arrives", TASKS, "dh[h == 0]", "dh[dh < 0]", "dh[dh < 0] = 0", "derivative-at-output",
     "dh[h <= 0] = 0"),
    ("a part that is another array's name", CONTEXT, "dbias += ds", "dbias = ds", "dbias = ds", "missing-term",
     "dbias += ds"),
    ("what is computed for nothing", FILTER, "conv(x, dc)", "conv(x, dy)", "dk = conv(x, dy)", "wrong-operand",
     "dk = conv(x, dc)"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "right", "slip", "line", "cause", "correction"), [s[1:] for s in SLIPS],
                         ids=[s[0] for s in SLIPS])  # fmt: skip
def test_a_slip(source: str, right: str, slip: str, line: str, cause: str, correction: str, tmp_path: Path) -> None:
    assert source.count(right) == 1
    found = judged(source.replace(right, slip), tmp_path)
    text = (tmp_path / "student.py").read_text().splitlines()
    assert [(text[one.line - 1].strip(), one.cause, one.right) for one in found.lines] == [(line, cause, correction)]


@pytest.mark.parametrize("source", list(dict.fromkeys(slip[1] for slip in SLIPS)))
def test_what_is_right_is_not_blamed(source: str, tmp_path: Path) -> None:
    assert judged(source, tmp_path).matches


PATIENT = 20.0  # seconds, which a busy machine does not need either


def judged(source: str, folder: Path) -> Any:
    """The report on a module."""
    (folder / "student.py").write_text(source)
    scope = runpy.run_path(str(folder / "student.py"))
    args, params = scope["setup"](np.random.default_rng(3), (7, 3, 5, 4, 2))
    return check_backprop(scope["run"], *args, params=params, budget=PATIENT)


def test_a_parameter_that_is_called_by_is_no_word(tmp_path: Path) -> None:
    slip = STATES.replace(
        "self.dby += dys[t].sum(axis=0, keepdims=True)", "self.dby = dys[t].sum(axis=0, keepdims=True)"
    )
    (line,) = judged(slip, tmp_path).lines
    assert "by way of" in line.explanation
    assert "self.by way" not in line.explanation
