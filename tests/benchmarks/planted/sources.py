"""Hand derivations as people write them, as source text: functions, functions apart, classes, steps, loops.

Each has `setup(rng, n)`, which gives the arguments of `run` and what holds the parameters, and a function `run`. Lines
in which a slip may be made end with a mark. The sizes are all different, or with "square" all the same.
"""

from __future__ import annotations

from typing import NamedTuple

MARK = "  #!"


class Source(NamedTuple):
    """A derivation.

    Attributes:
        name, shape: of the network, and of the five shapes.
        text: the module.
    """

    name: str
    shape: str
    text: str


_MLP = """
import numpy as np

def setup(rng, n):
    x, y = rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[3]))
    W1, b1 = rng.normal(size=(n[1], n[2])), rng.normal(size=n[2])
    W2, b2 = rng.normal(size=(n[2], n[3])), rng.normal(size=n[3])
    return (x, y, W1, b1, W2, b2), None
"""

_ROWS = Source(
    "rows, tanh, squares",
    "function",
    _MLP
    + """
def run(x, y, W1, b1, W2, b2):
    z1 = x @ W1 + b1
    h = np.tanh(z1)
    out = h @ W2 + b2
    loss = np.mean((out - y) ** 2)
    dout = 2 * (out - y) / y.size  #!
    dW2 = h.T @ dout  #!
    db2 = dout.sum(axis=0)  #!
    dh = dout @ W2.T  #!
    dz1 = dh * (1 - h**2)  #!
    dW1 = x.T @ dz1  #!
    db1 = dz1.sum(axis=0)  #!
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
""",
)

_ORDER = Source(
    "rows, relu, cross-entropy, in order",
    "function",
    """
import numpy as np

def setup(rng, n):
    x, y = rng.normal(size=(n[0], n[1])), np.eye(n[4])[rng.integers(0, n[4], size=n[0])]
    p = [rng.normal(size=(n[1], n[2])), rng.normal(size=n[2]), rng.normal(size=(n[2], n[3])), rng.normal(size=n[3]),
         rng.normal(size=(n[3], n[4])), rng.normal(size=n[4])]
    return (x, y, p), None

def run(x, y, p):
    W1, b1, W2, b2, W3, b3 = p
    m = x.shape[0]
    z1 = x @ W1 + b1
    a1 = np.maximum(0, z1)
    z2 = np.dot(a1, W2) + b2
    a2 = np.maximum(z2, 0)
    z3 = np.dot(a2, W3) + b3
    e = np.exp(z3 - np.max(z3, axis=1, keepdims=True))
    p3 = e / np.sum(e, axis=1, keepdims=True)
    cost = -np.sum(y * np.log(p3)) / m
    dz3 = (p3 - y) / m  #!
    dW3 = np.dot(a2.T, dz3)  #!
    db3 = np.sum(dz3, axis=0)  #!
    da2 = np.dot(dz3, W3.T)  #!
    dz2 = da2 * (z2 > 0)  #!
    dW2 = np.dot(a1.T, dz2)  #!
    db2 = np.sum(dz2, axis=0)  #!
    da1 = np.dot(dz2, W2.T)  #!
    dz1 = np.where(z1 > 0, da1, 0)  #!
    dW1 = np.dot(x.T, dz1)  #!
    db1 = np.sum(dz1, axis=0)  #!
    return cost, dW1, db1, dW2, db2, dW3, db3
""",
)

_COURSE = Source(
    "columns, cache, one sample's dZ",
    "apart",
    """
import numpy as np

def setup(rng, n):
    X, Y = rng.normal(size=(n[1], n[0])), (rng.random((n[3], n[0])) > 0.5).astype(float)
    parameters = {"W1": rng.normal(size=(n[2], n[1])), "b1": rng.normal(size=(n[2], 1)),
                  "W2": rng.normal(size=(n[3], n[2])), "b2": rng.normal(size=(n[3], 1))}
    return (X, Y, parameters), None

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def forward_propagation(X, parameters):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    return -np.sum(logprobs) / m

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W1 = parameters["W1"]
    W2 = parameters["W2"]
    A1 = cache["A1"]
    A2 = cache["A2"]
    dZ2 = A2 - Y  #!
    dW2 = np.dot(dZ2, A1.T) / m  #!
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m  #!
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))  #!
    dW1 = np.dot(dZ1, X.T) / m  #!
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m  #!
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}

def run(X, Y, parameters):
    A2, cache = forward_propagation(X, parameters)
    cost = compute_cost(A2, Y)
    grads = backward_propagation(parameters, cache, X, Y)
    return cost, grads
""",
)

_LAYERS = Source(
    "layers by number, sigmoid, squares",
    "apart",
    """
import numpy as np

def setup(rng, n):
    p = {}
    for i in range(1, 4):
        p["W" + str(i)] = rng.normal(size=(n[i], n[i + 1]))
        p["b" + str(i)] = rng.normal(size=(1, n[i + 1]))
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[4])), p), None

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))  #!

def forward(x, p):
    cache = {"A0": x}
    L = len(p) // 2
    for i in range(1, L + 1):
        Z = cache["A" + str(i - 1)] @ p["W" + str(i)] + p["b" + str(i)]
        cache["Z" + str(i)] = Z
        cache["A" + str(i)] = sigmoid(Z) if i < L else Z
    return cache["A" + str(L)], cache

def mse(y, out):
    return np.mean((y - out) ** 2)

def mse_derivative(y, out):
    return 2 * (out - y) / y.size  #!

def backward(y, p, cache):
    grads = {}
    L = len(p) // 2
    dA = mse_derivative(y, cache["A" + str(L)])
    for i in reversed(range(1, L + 1)):
        dZ = dA
        if i < L:
            dZ = dA * sigmoid_prime(cache["Z" + str(i)])  #!
        grads["dW" + str(i)] = cache["A" + str(i - 1)].T @ dZ  #!
        grads["db" + str(i)] = np.sum(dZ, axis=0, keepdims=True)  #!
        dA = dZ @ p["W" + str(i)].T  #!
    return grads

def run(x, y, p):
    out, cache = forward(x, p)
    return mse(y, out), backward(y, p, cache)
""",
)

_ARGUMENTS = Source(
    "plain arguments, one sample",
    "apart",
    """
import numpy as np

def setup(rng, n):
    x, t = rng.normal(size=n[1]), rng.normal(size=n[3])
    W1, b1 = rng.normal(size=(n[2], n[1])), rng.normal(size=n[2])
    W2, b2 = rng.normal(size=(n[3], n[2])), rng.normal(size=n[3])
    return (x, t, W1, b1, W2, b2), ["W1", "b1", "W2", "b2"]

def forward(x, W1, b1, W2, b2):
    z1 = W1 @ x + b1
    h1 = np.tanh(z1)
    z2 = W2 @ h1 + b2
    return z1, h1, z2

def backward(x, t, W2, z1, h1, z2):
    diff = z2 - t  #!
    b2_grad = diff  #!
    W2_grad = np.outer(diff, h1)  #!
    delta1 = (W2.T @ diff) * (1 - np.tanh(z1) ** 2)  #!
    b1_grad = delta1
    W1_grad = np.outer(delta1, x)  #!
    return W1_grad, b1_grad, W2_grad, b2_grad

def run(x, t, W1, b1, W2, b2):
    z1, h1, z2 = forward(x, W1, b1, W2, b2)
    loss = 0.5 * np.sum((z2 - t) ** 2)
    return loss, *backward(x, t, W2, z1, h1, z2)
""",
)

_CLASSES = Source(
    "layer classes that keep gradients",
    "classes",
    """
import numpy as np

class Linear:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout  #!
        self.db = dout.sum(axis=0)  #!
        return dout @ self.W.T  #!

class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dout):
        return dout * self.y * (1 - self.y)  #!

class MSE:
    def forward(self, p, y):
        self.p, self.y = p, y
        return np.mean((p - y) ** 2)

    def backward(self):
        return 2 * (self.p - self.y) / self.y.size  #!

class Net:
    def __init__(self, layers):
        self.layers, self.loss = layers, MSE()

    def forward(self, x, y):
        for layer in self.layers:
            x = layer.forward(x)
        return self.loss.forward(x, y)

    def backward(self):
        grad = self.loss.backward()
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

def setup(rng, n):
    layers = [Linear(rng.normal(size=(n[1], n[2])), rng.normal(size=n[2])), Sigmoid(),
              Linear(rng.normal(size=(n[2], n[3])), rng.normal(size=n[3])), Sigmoid(),
              Linear(rng.normal(size=(n[3], n[4])), rng.normal(size=n[4]))]
    net = Net(layers)
    return (net, rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[4]))), net

def run(net, x, y):
    loss = net.forward(x, y)
    net.backward()
    return loss
""",
)

_UPDATING = Source(
    "layer classes that update themselves",
    "classes",
    """
import numpy as np

class Relu:
    def forward(self, x):
        self.x = x
        return np.maximum(0, x)

    def backward(self, grad_output, lr):
        return grad_output * (self.x > 0)  #!

class Linear:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, x):
        self.x = x
        return np.dot(x, self.w) + self.b

    def backward(self, grad_output, lr):
        grad_input = np.dot(grad_output, self.w.T)  #!
        w_grad = np.dot(self.x.T, grad_output)  #!
        b_grad = np.sum(grad_output, axis=0)  #!
        self.w -= lr * w_grad  #!
        self.b -= lr * b_grad  #!
        return grad_input

def setup(rng, n):
    net = [Linear(rng.normal(size=(n[1], n[2])), rng.normal(size=n[2])), Relu(),
           Linear(rng.normal(size=(n[2], n[3])), rng.normal(size=n[3])), Relu(),
           Linear(rng.normal(size=(n[3], n[4])), rng.normal(size=n[4]))]
    return (net, rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[4]))), net

def run(net, x, y):
    out = x
    for layer in net:
        out = layer.forward(out)
    loss = ((out - y) ** 2).mean()
    grad = 2 * (out - y) / out.size  #!
    for layer in net[::-1]:
        grad = layer.backward(grad, lr=0.1)
    print(f"loss {loss}")
""",
)

_STEP = Source(
    "a step with a penalty",
    "step",
    """
import numpy as np

def setup(rng, n):
    global W1, b1, W2, b2
    W1, b1 = rng.normal(size=(n[1], n[2])), rng.normal(size=n[2])
    W2, b2 = rng.normal(size=(n[2], n[3])), rng.normal(size=n[3])
    x, y = rng.normal(size=(n[0], n[1])), (rng.random((n[0], n[3])) > 0.5).astype(float)
    return (x, y), ["W1", "b1", "W2", "b2"]

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def run(x, y, lr=0.05, reg=0.01):
    global W1, b1, W2, b2
    m = len(x)
    h = np.tanh(x @ W1 + b1)
    p = sigmoid(h @ W2 + b2)
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / m + 0.5 * reg * (np.sum(W1**2) + np.sum(W2**2))
    delta2 = (p - y) / m  #!
    delta1 = delta2 @ W2.T * (1 - h**2)  #!
    dW2 = h.T @ delta2 + reg * W2  #!
    dW1 = x.T @ delta1 + reg * W1  #!
    W2 -= lr * dW2  #!
    b2 -= lr * delta2.sum(axis=0)  #!
    W1 -= lr * dW1  #!
    b1 -= lr * delta1.sum(axis=0)  #!
""",
)

_ASCENT = Source(
    "eleven lines, the negative gradient added",
    "step",
    """
import numpy as np

def setup(rng, n):
    X, y = rng.normal(size=(n[0], n[1])), rng.random((n[0], n[3]))
    net = {"syn0": rng.normal(size=(n[1], n[2])), "syn1": rng.normal(size=(n[2], n[3]))}
    return (X, y, net), net

def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)  #!
    return 1 / (1 + np.exp(-x))

def run(X, y, net):
    l0 = X
    l1 = nonlin(l0 @ net["syn0"])
    l2 = nonlin(l1 @ net["syn1"])
    loss = 0.5 * np.sum((y - l2) ** 2)
    l2_error = y - l2  #!
    l2_delta = l2_error * nonlin(l2, deriv=True)  #!
    l1_error = l2_delta.dot(net["syn1"].T)  #!
    l1_delta = l1_error * nonlin(l1, deriv=True)  #!
    net["syn1"] += l1.T.dot(l2_delta)  #!
    net["syn0"] += l0.T.dot(l1_delta)  #!
""",
)

_SAMPLES = Source(
    "a loop over samples",
    "loops",
    """
import numpy as np

def setup(rng, n):
    W1, b1 = rng.normal(size=(n[2], n[1])), rng.normal(size=n[2])
    W2, b2 = rng.normal(size=(n[3], n[2])), rng.normal(size=n[3])
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[3])), W1, b1, W2, b2), None

def run(X, Y, W1, b1, W2, b2):
    dW1, db1 = np.zeros(W1.shape), np.zeros(b1.shape)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    loss = 0
    for x, y in zip(X, Y):
        h = np.tanh(W1 @ x + b1)
        o = W2 @ h + b2
        loss += 0.5 * np.sum((o - y) ** 2) / len(X)
        do = (o - y) / len(X)  #!
        dW2 += np.outer(do, h)  #!
        db2 += do  #!
        dz = (W2.T @ do) * (1 - h * h)  #!
        dW1 += np.outer(dz, x)  #!
        db1 += dz  #!
    return loss, [dW1, db1, dW2, db2]
""",
)

_RNN = Source(
    "a recurrent network",
    "loops",
    """
import numpy as np

def setup(rng, n):
    p = {"Wx": rng.normal(size=(n[2], n[1])), "Wh": 0.5 * rng.normal(size=(n[2], n[2])),
         "bh": rng.normal(size=(n[2], 1)), "Wy": rng.normal(size=(n[3], n[2])), "by": rng.normal(size=(n[3], 1))}
    return (rng.normal(size=(4, n[1], 1)), rng.normal(size=(4, n[3], 1)), p), None

def run(xs, ys, p):
    hs, outs, loss = {-1: np.zeros((p["Wh"].shape[0], 1))}, {}, 0.0
    for t in range(len(xs)):
        hs[t] = np.tanh(p["Wx"] @ xs[t] + p["Wh"] @ hs[t - 1] + p["bh"])
        outs[t] = p["Wy"] @ hs[t] + p["by"]
        loss += 0.5 * np.sum((outs[t] - ys[t]) ** 2)
    grads = {"d" + k: np.zeros_like(v) for k, v in p.items()}
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dy = outs[t] - ys[t]  #!
        grads["dWy"] += dy @ hs[t].T  #!
        grads["dby"] += dy  #!
        dh = p["Wy"].T @ dy + dh_next  #!
        draw = (1 - hs[t] ** 2) * dh  #!
        grads["dbh"] += draw  #!
        grads["dWx"] += draw @ xs[t].T  #!
        grads["dWh"] += draw @ hs[t - 1].T  #!
        dh_next = p["Wh"].T @ draw  #!
    return loss, grads
""",
)

_NORM = Source(
    "batch normalisation",
    "apart",
    """
import numpy as np

def setup(rng, n):
    p = {"W": rng.normal(size=(n[1], n[2])), "gamma": rng.normal(size=n[2]), "beta": rng.normal(size=n[2]),
         "V": rng.normal(size=(n[2], n[3]))}
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[3])), p), None

def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    std = np.sqrt(var + eps)
    xhat = (x - mu) / std
    return gamma * xhat + beta, (xhat, gamma, std)

def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)  #!
    dgamma = np.sum(dout * xhat, axis=0)  #!
    dxhat = dout * gamma  #!
    dx = (N * dxhat - dxhat.sum(axis=0) - xhat * np.sum(dxhat * xhat, axis=0)) / (N * std)  #!
    return dx, dgamma, dbeta

def run(x, y, p):
    u = x @ p["W"]
    v, cache = batchnorm_forward(u, p["gamma"], p["beta"])
    a = np.maximum(0, v)
    out = a @ p["V"]
    loss = np.sum((out - y) ** 2)
    grads = {}
    dout = 2 * (out - y)  #!
    grads["V"] = a.T @ dout  #!
    da = dout @ p["V"].T  #!
    dv = da * (v > 0)  #!
    du, grads["gamma"], grads["beta"] = batchnorm_backward(dv, cache)
    grads["W"] = x.T @ du  #!
    return loss, grads
""",
)

_CONVOLUTION = Source(
    "a convolution in loops",
    "loops",
    """
import numpy as np

def setup(rng, n):
    w, b, V = rng.normal(size=(2, 2, 3)), rng.normal(size=2), rng.normal(size=(2 * 3, n[3]))
    return (rng.normal(size=(3, 2, 5)), rng.normal(size=(3, n[3])), w, b, V), None

def run(x, y, w, b, V):
    N, C, T = x.shape
    F, _, K = w.shape
    out = np.zeros((N, F, T - K + 1))
    for n in range(N):
        for t in range(T - K + 1):
            for f in range(F):
                out[n, f, t] = np.sum(x[n, :, t:t + K] * w[f]) + b[f]
    a = np.maximum(out, 0)
    flat = a.reshape(N, -1)
    p = flat @ V
    loss = 0.5 * np.mean((p - y) ** 2)
    dp = (p - y) / y.size  #!
    dV = flat.T @ dp  #!
    da = (dp @ V.T).reshape(a.shape)  #!
    dout = da * (out > 0)  #!
    dw, db = np.zeros_like(w), np.zeros_like(b)
    for n in range(N):
        for t in range(T - K + 1):
            for f in range(F):
                dw[f] += x[n, :, t:t + K] * dout[n, f, t]  #!
                db[f] += dout[n, f, t]  #!
    return loss, {"w": dw, "b": db, "V": dV}
""",
)

_ATTENTION = Source(
    "attention",
    "function",
    """
import numpy as np

def setup(rng, n):
    p = {k: 0.5 * rng.normal(size=(n[1], n[2])) for k in ("Wq", "Wk", "Wv")}
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[2])), p), None

def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def run(x, y, p):
    q, k, v = x @ p["Wq"], x @ p["Wk"], x @ p["Wv"]
    d = np.sqrt(q.shape[1])
    s = q @ k.T / d
    a = softmax(s)
    o = a @ v
    loss = np.sum((o - y) ** 2) / 2
    do = o - y  #!
    dv = a.T @ do  #!
    da = do @ v.T  #!
    ds = a * (da - np.sum(da * a, axis=1, keepdims=True))  #!
    dq = ds @ k / d  #!
    dk = ds.T @ q / d  #!
    return loss, {"dWq": x.T @ dq, "dWk": x.T @ dk, "dWv": x.T @ dv}
""",
)

_DROPOUT = Source(
    "dropout, momentum",
    "step",
    """
import numpy as np

class Model:
    def __init__(self, rng, n):
        self.W1, self.W2 = rng.normal(size=(n[1], n[2])), rng.normal(size=(n[2], n[3]))
        self.v1, self.v2 = np.zeros_like(self.W1), np.zeros_like(self.W2)

    def train(self, x, y, lr=0.1, keep=0.7):
        h = np.maximum(0, x @ self.W1)
        mask = (np.random.rand(*h.shape) < keep) / keep
        h = h * mask
        out = h @ self.W2
        loss = np.mean(np.sum((out - y) ** 2, axis=1))
        dout = 2 * (out - y) / len(x)  #!
        g2 = h.T @ dout  #!
        dh = dout @ self.W2.T * mask  #!
        dh[h <= 0] = 0
        g1 = x.T @ dh  #!
        self.v2 = 0.9 * self.v2 - lr * g2  #!
        self.v1 = 0.9 * self.v1 - lr * g1  #!
        self.W2 += self.v2
        self.W1 += self.v1

def setup(rng, n):
    model = Model(rng, n)
    return (model, rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[3]))), {"model": model}

def run(model, x, y):
    model.train(x, y)
""",
)

SOURCES = (
    _ROWS, _ORDER, _COURSE, _LAYERS, _ARGUMENTS, _CLASSES, _UPDATING, _STEP, _ASCENT, _SAMPLES, _RNN, _NORM,
    _CONVOLUTION, _ATTENTION, _DROPOUT,
)  # fmt: skip
