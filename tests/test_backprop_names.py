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


PATIENT = 20.0  # seconds, which a busy machine does not need either


def judged(source: str, folder: Path, *args: Any, **kwargs: Any) -> Report:
    path = folder / f"code{len(list(folder.iterdir()))}.py"  # Python reads the lines of a file once
    path.write_text("import numpy as np\n" + source)
    return check_backprop(runpy.run_path(str(path))["run"], *args, budget=PATIENT, **kwargs)


def told(source: str, folder: Path, *args: Any) -> tuple[str, str, str]:
    (line,) = judged(source, folder, *args).lines
    return ("import numpy as np\n" + source).splitlines()[line.line - 1].strip(), line.cause, line.right


HEADS = """
class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        self.x = x
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
        return dx

def sigmoid_prime(z):
    return np.exp(-z) / ((1 + np.exp(-z)) ** 2)

def run(x, y, mask, W, K, V):
    relu = Relu()
    q = x @ W
    k = x @ K
    s = q @ k.transpose(0, 2, 1) / 3
    h = relu.forward(s @ V)
    p = 1 / (1 + np.exp(-h[:, :, 0].sum(axis=1)))
    rest = np.abs(h[:, :, 1])
    loss = -np.sum(y * np.log(p + 1e-9)) / len(y) + np.sum(np.where(rest < 1, rest**2 / 2, rest) * mask[:, None])
    dp = -y / p / len(y)
    dh = np.zeros_like(h)
    dh[:, :, 0] = (dp * p * (1 - p))[:, None]
    dh[:, :, 1] = np.where(rest < 1, rest, np.sign(h[:, :, 1])) * mask[:, None]
    da = relu.backward(dh)
    dV = np.sum(s.transpose(0, 2, 1) @ da, axis=0)
    ds = da @ V.T / 3
    dq = ds @ k
    dk = ds.transpose(0, 2, 1) @ q
    dW, dK = (np.sum(x.transpose(0, 2, 1) @ d, axis=0) for d in (dq, dk))
    return loss, {"W": dW, "K": dK, "V": dV}
"""

SAMPLES = """
class Unit:
    def __init__(self):
        self.weights = np.array([0.5, -0.3, 0.2])
        self.bias = 0.1

    def fit(self, X, counts, rate=0.1):
        grad_w, grad_b, total = np.zeros(3), 0.0, 0.0
        n = len(X)
        for x, count in zip(X, counts):
            eta = np.dot(x, self.weights) + self.bias
            mu = np.exp(eta)
            total += mu - count * eta
            residual = mu - count
            grad_w += residual * x
            grad_b += residual
        loss = total / n
        self.weights = self.weights - rate * grad_w / n
        self.bias = self.bias - rate * grad_b / n
        return loss

"""


PENALTY = """
def run(x, y, w, lam=0.37):
    m = len(y)
    z = x @ w
    out = np.where(z > 0, z, np.exp(z) - 1)
    error = out - y
    loss = np.sum(error**2) / (2 * m) + lam * np.sum(w[1:] ** 2)
    dz = error * np.where(z > 0, 1, out + 1)
    penalty = 2 * lam * w
    penalty[0] = 0
    dw = x.T @ dz / m + penalty
    return loss, dw
"""

NORM = """
def run(z, y, W, g, b):
    x = z @ W
    mu, var = x.mean(axis=0), x.var(axis=0)
    xhat = (x - mu) / np.sqrt(var + 1e-5)
    out = g * xhat + b
    loss = np.sum((out - y) ** 2) / 2
    N = len(z)
    dout = out - y
    centred = x - mu
    inv = 1 / np.sqrt(var + 1e-5)
    dxhat = dout * g
    dv = np.sum(dxhat * centred, axis=0) * -0.5 * inv**3
    dm = np.sum(dxhat * -inv, axis=0) + dv * np.mean(-2 * centred, axis=0)
    dx = dxhat * inv + dv * 2 * centred / N + dm / N
    return loss, {"W": z.T @ dx, "g": np.sum(dout * xhat, axis=0), "b": dout.sum(axis=0)}
"""

CHAIN = """
def run(x, label, V, c):
    totals = x @ V + c
    exp = np.exp(totals)
    total = exp.sum()
    loss = -np.log(exp[label] / total)
    gradient = -total / exp[label]
    dout = -exp[label] * exp / total**2
    dout[label] = exp[label] * (total - exp[label]) / total**2
    dt = gradient * dout
    dtV = x
    dV = dtV[None].T @ dt[None]
    return loss, {"V": dV, "c": dt}
"""

COUNTS = """
def run(beta, X, counts, alpha=0.2):
    eta = X @ beta
    mu = np.exp(eta)
    nll_loss = np.sum(mu - counts * eta) + alpha * np.sum(beta**2)
    residual = mu - counts
    gradient = X.T @ residual + 2 * alpha * beta
    return nll_loss, {"beta": gradient}
"""

ARGS: dict[str, tuple[Any, ...]] = {
    COLUMNS: (X, Y, LAYERS),
    STEPS: (rng.normal(size=(3, 2, 3)), rng.random((2, 4)), rng.normal(size=(3, 4)), rng.normal(size=(4, 4))),
    GATES: (rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), rng.normal(size=(6, 2))),
    NORM: (rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), rng.normal(size=(3, 2)), np.ones(2) * 1.3, np.zeros(2)),
    CHAIN: (rng.normal(size=4), 1, rng.normal(size=(4, 3)), rng.normal(size=3)),
    PENALTY: (rng.normal(size=(7, 3)), rng.normal(size=7), rng.normal(size=3)),
    HEADS: (
        rng.normal(size=(3, 8, 2)), np.array([1.0, 2.0, 1.5]), np.array([1.0, 0.0, 1.0]), rng.normal(size=(2, 3)),
        rng.normal(size=(2, 3)), rng.normal(size=(8, 2)),
    ),
    COUNTS: (0.3 * rng.normal(size=3), rng.normal(size=(8, 3)), np.arange(8) % 3 * 1.0),
}  # fmt: skip


@pytest.mark.parametrize(
    "source", ARGS, ids=["columns", "steps", "gates", "norm", "chain", "penalty", "heads", "counts"]
)
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
    ("a mask that says where not", HEADS, "        dout[self.mask] = 0\n", "", "dx = dout", "missing-derivative",
     "dx = dout * ~self.mask"),
    ("a transpose of the last axes", HEADS, "ds.transpose(0, 2, 1) @ q", "ds @ q", "dk = ds @ q", "transposed",
     "dk = ds.transpose(0, 2, 1) @ q"),
    ("two cases", HEADS, "(rest < 1, rest, np.sign(h[:, :, 1]))", "(rest < 1, np.sign(h[:, :, 1]), rest)",
     "dh[:, :, 1] = np.where(rest < 1, np.sign(h[:, :, 1]), rest) * mask[:, None]", "derivative-at-output",
     "dh[:, :, 1] = np.where(rest < 1, rest, np.sign(h[:, :, 1])) * mask[:, None]"),
    ("a column", HEADS, "np.sign(h[:, :, 1])) * mask[:, None]", "np.sign(h[:, :, 1]))",
     "dh[:, :, 1] = np.where(rest < 1, rest, np.sign(h[:, :, 1]))", "missing-derivative",
     "dh[:, :, 1] = np.where(rest < 1, rest, np.sign(h[:, :, 1])) * mask[:, None]"),
    ("a term of one", PENALTY, "1, out + 1", "1, out", "dz = error * np.where(z > 0, 1, out)", "derivative-at-output",
     "dz = error * np.where(z > 0, 1, 1 + out)"),
    ("parentheses", PENALTY, "x.T @ dz / m + penalty", "(x.T @ dz + penalty) / m", "dw = (x.T @ dz + penalty) / m",
     "regulariser", "dw = x.T @ dz / m + penalty"),
    ("a penalty of the intercept", PENALTY, "    penalty[0] = 0\n", "", "penalty = 2 * lam * w", "regulariser", ""),
    ("of what is computed again, nothing", NORM, "inv**3", "inv",
     "dv = np.sum(dxhat * centred, axis=0) * -0.5 * inv", "derivative-at-output",
     "dv = np.sum(dxhat * centred, axis=0) * -0.5 * inv**3"),
    ("a step that is no convention", CHAIN, "@ dt[None]", "@ dout[None]", "dV = dtV[None].T @ dout[None]",
     "wrong-operand",
     "dV = dtV[None].T @ dt[None]"),
    ("a minus that nothing takes back", COUNTS, "residual = mu - counts", "residual = counts - mu",
     "residual = counts - mu", "scale", "residual = mu - counts"),
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
    (line,) = judged(slip, tmp_path, *ARGS[COLUMNS]).lines
    assert (line.source.splitlines()[0].strip(), line.right) == ("m = A_prev.shape[0]", "m = A_prev.shape[1]")


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


def of_a_unit(source: str, folder: Path) -> list[tuple[str, str]]:
    path = folder / "code.py"
    path.write_text("import numpy as np\n" + source)
    unit = runpy.run_path(str(path))["Unit"]()
    args = np.random.default_rng(2).normal(size=(5, 3)), np.array([1.0, 0.0, 3.0, 2.0, 1.0])
    return [(line.cause, line.right) for line in check_backprop(unit.fit, *args, params=unit).lines]


@pytest.mark.parametrize(("right", "slip", "told"), [
    ("", "", []),
    ("grad_b / n", "grad_b", [("scale", "self.bias = self.bias - rate * grad_b / n")]),
    ("- rate * grad_w", "+ rate * grad_w", [("scale", "self.weights = self.weights - rate * grad_w / n")]),
    ("grad_b += residual", "grad_b += residual * mu * eta", [("derivative-at-output", "grad_b += residual")]),
    ("grad_w += residual", "grad_w += mu", [("wrong-operand", "grad_w += residual * x")]),
    ("residual = mu - count", "residual = count - mu", [("scale", "residual = mu - count")]),
], ids=["right", "a size at the end", "uphill", "two factors too many", "no error", "a sign"])  # fmt: skip
def test_sums_of_plain_numbers_over_samples(right: str, slip: str, told: list[tuple[str, str]], tmp_path: Path) -> None:
    assert of_a_unit(SAMPLES.replace(right, slip, 1) if right else SAMPLES, tmp_path) == told


def test_a_mistake_where_the_loss_is_kept_from_zero(tmp_path: Path) -> None:
    source = """
def run(x, t, W):
    e = np.exp(x @ W)
    y = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(t * np.log(y + 1e-7)) / len(t)
    dz = (y - t) / len(t)
    return loss, {"W": x.T @ dz}
"""
    args = rng.normal(size=(5, 3)), np.eye(4)[[0, 3, 1, 2, 1]], rng.normal(size=(3, 4))
    assert judged(source, tmp_path, *args)
    assert told(source.replace(") / len(t)\n    return", ")\n    return"), tmp_path, *args) == (
        "dz = (y - t)", "scale", "dz = (y - t) / len(t)",
    )  # fmt: skip


def test_a_sign_in_an_argument_and_an_index_that_stays(tmp_path: Path) -> None:
    source = """
def run(xs, ys, w):
    loss, dw = 0.0, np.zeros_like(w)
    for i in range(len(xs)):
        z = np.sum(xs[i] * w)
        loss += np.log1p(np.exp(z)) - ys[i] * z
        dz = 1 / (1 + np.exp(-z)) - ys[i]
        dw += dz * xs[i]
    return loss, {"w": dw}
"""
    args = rng.normal(size=(4, 3)), np.array([1.0, 0.0, 0.0, 1.0]), rng.normal(size=3)
    assert judged(source, tmp_path, *args)
    (line,) = judged(source.replace("dz * xs[i]", "dz * xs[0]"), tmp_path, *args).lines
    assert (line.cause, line.right) == ("wrong-operand", "dw += dz * xs[i]")
    (line,) = judged(source.replace("exp(-z)", "exp(z)"), tmp_path, *args).lines
    assert (line.cause, line.right) == ("derivative-at-output", "dz = 1 / (1 + np.exp(-z)) - ys[i]")
