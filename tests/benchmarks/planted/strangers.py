"""Hand derivations in the manner of strangers, with the slips that such code is published with.

As in `sources`; behind the mark of a line stand the slips of its own: `#! the wrong line :: its causes`.
"""

# ruff: noqa: E501  # a line and its slips stand side by side

from __future__ import annotations

from tests.benchmarks.planted.sources import Source

_POST = Source(
    "a post, labels to one-hot, 1/m first",
    "apart",
    """
import numpy as np

def setup(rng, n):
    x, y = rng.normal(size=(n[0], n[1])), rng.integers(0, n[3], size=n[0])
    y[:n[3]] = np.arange(n[3])
    w1, b1 = rng.normal(size=(n[1], n[2])), rng.normal(size=(1, n[2]))
    w2, b2 = rng.normal(size=(n[2], n[3])), rng.normal(size=(1, n[3]))
    return (x, y, w1, b1, w2, b2), ["w1", "b1", "w2", "b2"]

def ReLU(z):
    return np.maximum(z, 0)

def dev_ReLU(z):
    return z > 0

def Softmax(z):
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)

def one_hot(y, k):
    hot = np.zeros((y.size, k))
    hot[np.arange(y.size), y] = 1
    return hot

def f_propagation(a0, w1, b1, w2, b2):
    z1 = a0.dot(w1) + b1
    a1 = ReLU(z1)
    z2 = a1.dot(w2) + b2
    return z1, a1, z2, Softmax(z2)

def b_propagation(x, y, z1, w1, a1, z2, w2, a2):
    m = y.size
    dz2 = a2 - one_hot(y, a2.shape[1])  #! dz2 = one_hot(y, a2.shape[1]) - a2 :: scale|target #! dz2 = (a2 - one_hot(y, a2.shape[1])) * a2 * (1 - a2) :: derivative-at-output|target|wrong-operand|missing-derivative
    dw2 = 1/m * (a1.T.dot(dz2))  #! dw2 = a1.T.dot(dz2) :: scale #! dw2 = 1/m * (z1.T.dot(dz2)) :: wrong-operand
    db2 = 1/m * np.sum(dz2, axis=0)  #! db2 = 1/m * np.sum(dz2) :: wrong-axis
    dz1 = w2.dot(dz2.T).T * dev_ReLU(z1)  #! dz1 = w2.dot(dz2.T).T * ReLU(z1) :: derivative-at-output #! dz1 = w2.dot(dz2.T).T * dev_ReLU(a1 - z1) :: derivative-at-output #! dz1 = w2.dot(dz2.T).T :: missing-derivative
    dw1 = 1/m * x.T.dot(dz1)  #! dw1 = 1/x.shape[1] * x.T.dot(dz1) :: scale
    db1 = 1/m * np.sum(dz1, axis=0)  #! db1 = np.mean(dz1) :: wrong-axis
    return dw1, db1, dw2, db2

def run(x, y, w1, b1, w2, b2):
    z1, a1, z2, a2 = f_propagation(x, w1, b1, w2, b2)
    loss = -np.mean(np.log(a2[np.arange(len(y)), y]))
    return loss, *b_propagation(x, y, z1, w1, a1, z2, w2, a2)
""",
)

_LOGISTIC = Source(
    "logistic regression, columns, L2",
    "function",
    """
import numpy as np

def setup(rng, n):
    w, b = rng.normal(size=(n[1], 1)), 0.3
    return (w, np.array(b), rng.normal(size=(n[1], n[0])), (rng.random((1, n[0])) > 0.4) * 1.0), ["w", "b"]

def propagate(w, b, X, Y, lambd=0.7):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
    cost = (-1 / m) * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    cost = cost + lambd / (2 * m) * np.sum(np.square(w))
    dw = (1 / m) * np.dot(X, (A - Y).T) + (lambd / m) * w  #! dw = (1 / m) * np.dot(X, (A - Y).T) + lambd * w :: regulariser|scale #! dw = (1 / m) * np.dot(X, (Y - A).T) + (lambd / m) * w :: scale|target #! dw = (1 / m) * np.dot(X, (A - Y).T) + (lambd / m) :: regulariser #! dw = (1 / m) * np.dot(X, A.T - Y.T) - (lambd / m) * w :: regulariser
    db = (1 / m) * np.sum(A - Y)  #! db = np.sum(A - Y) :: scale #! db = (1 / m) * np.sum(A) :: target|missing-term
    return {"dw": dw, "db": db}, cost

def run(w, b, X, Y):
    grads, cost = propagate(w, b, X, Y)
    return cost, grads
""",
)

_LISTS = Source(
    "a class with lists of zs and activations",
    "classes",
    """
import numpy as np

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))

class Network(object):
    def __init__(self, sizes, rng):
        self.num_layers = len(sizes)
        self.biases = [rng.normal(size=(y, 1)) for y in sizes[1:]]
        self.weights = [rng.normal(size=(y, x)) for x, y in zip(sizes[:-1], sizes[1:])]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        loss = 0.5 * np.sum((activations[-1] - y) ** 2)
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])  #! delta = self.cost_derivative(activations[-1], y) :: missing-derivative #! delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(activations[-1]) :: derivative-at-output
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())  #! nabla_w[-1] = np.dot(delta, sigmoid_prime(zs[-2]).transpose()) :: wrong-operand|derivative-at-output
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = sigmoid_prime(z)  #! sp = sigmoid(z) :: derivative-at-output|missing-derivative #! sp = sigmoid_prime(sigmoid(z)) :: derivative-at-output
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp  #! delta = np.dot(self.weights[-l + 1].transpose(), delta) + sp :: missing-derivative|wrong-operand|derivative-at-output
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())  #! nabla_w[-l] = np.dot(delta, zs[-l - 1].transpose()) if l < self.num_layers - 1 else np.dot(delta, activations[-l - 1].transpose()) :: wrong-operand
        return loss, nabla_b, nabla_w

    def cost_derivative(self, output_activations, y):
        return output_activations - y  #! return 2 * (output_activations - y) :: scale

def setup(rng, n):
    net = Network([n[1], n[2], n[3], n[4]], rng)
    return (net, rng.normal(size=(n[1], 1)), rng.normal(size=(n[4], 1))), net

def run(net, x, y):
    loss, nabla_b, nabla_w = net.backprop(x, y)
    return loss, {"biases": nabla_b, "weights": nabla_w}
""",
)

_LSTM = Source(
    "an LSTM from scratch",
    "loops",
    """
import numpy as np

def setup(rng, n):
    D, H, O = n[1], n[4], n[3]
    p = {}
    for gate in "fico":
        p["W" + gate] = 0.5 * rng.normal(size=(H, H + D))
        p["b" + gate] = 0.5 * rng.normal(size=(H, 1))
    p["Wy"], p["by"] = rng.normal(size=(O, H)), rng.normal(size=(O, 1))
    return (rng.normal(size=(3, D)), rng.normal(size=(O, 1)), p), None

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def forward(xs, p):
    H = p["bf"].shape[0]
    h, c = np.zeros((H, 1)), np.zeros((H, 1))
    cache = []
    for x in xs:
        z = np.vstack((h, x.reshape(-1, 1)))
        f = sigmoid(p["Wf"] @ z + p["bf"])
        i = sigmoid(p["Wi"] @ z + p["bi"])
        c_hat = np.tanh(p["Wc"] @ z + p["bc"])
        c_prev = c
        c = f * c + i * c_hat
        o = sigmoid(p["Wo"] @ z + p["bo"])
        h = o * np.tanh(c)
        cache.append((z, f, i, c_hat, c, c_prev, o, h))
    return p["Wy"] @ h + p["by"], cache

def backward(xs, y_true, y_pred, cache, p):
    H = p["bf"].shape[0]
    grads = {k: np.zeros_like(v) for k, v in p.items()}
    dy = y_pred - y_true
    grads["Wy"] = dy @ cache[-1][7].T
    grads["by"] = dy
    dh_next = p["Wy"].T @ dy
    dc_next = np.zeros((H, 1))
    for t in reversed(range(len(xs))):
        z, f, i, c_hat, c, c_prev, o, h = cache[t]
        tanh_c = np.tanh(c)
        dh = dh_next
        dc = dc_next + dh * o * (1 - tanh_c**2)  #! dc = dh * o * (1 - tanh_c**2) :: missing-term #! dc = dc_next + dh * o * (1 - c**2) :: derivative-at-output #! dc = dc_next + dh * (1 - tanh_c**2) :: missing-derivative|wrong-operand #! dc = (dc_next + dh * o) * (1 - tanh_c**2) :: wrong-operand|missing-derivative|derivative-at-output
        do = dh * tanh_c  #! do = dh * c :: wrong-operand|missing-derivative
        do *= o * (1 - o)  #! do *= 1 - o :: derivative-at-output|missing-derivative
        df = dc * c_prev  #! df = dc * c :: wrong-operand
        df *= f * (1 - f)  #! df *= i * (1 - i) :: derivative-at-output|wrong-operand
        di = dc * c_hat  #! di = dc * i :: wrong-operand
        di *= i * (1 - i)
        dc_hat = dc * i  #! dc_hat = dc * o :: wrong-operand
        dc_hat *= (1 - c_hat**2)  #! dc_hat *= (1 - c_hat) :: derivative-at-output
        for gate, d in zip("ofic", (do, df, di, dc_hat)):
            grads["W" + gate] += d @ z.T
            grads["b" + gate] += d
        dz = p["Wo"].T @ do + p["Wf"].T @ df + p["Wi"].T @ di + p["Wc"].T @ dc_hat  #! dz = p["Wo"].T @ do + p["Wf"].T @ df + p["Wi"].T @ di :: missing-term #! dz = p["Wo"].T @ do + p["Wf"].T @ df + p["Wi"].T @ di + p["Wc"].T @ di :: wrong-operand
        dh_next = dz[:H]
        dc_next = dc * f  #! dc_next = dc :: missing-derivative|wrong-operand #! dc_next = dc * i :: wrong-operand
    return grads

def run(xs, y, p):
    y_pred, cache = forward(xs, p)
    loss = 0.5 * np.sum((y_pred - y) ** 2)
    return loss, backward(xs, y, y_pred, cache, p)
""",
)

_STRIDED = Source(
    "a convolution with stride, and pooling",
    "classes",
    """
import numpy as np

class Conv:
    def __init__(self, W, b, stride):
        self.W, self.b, self.stride = W, b, stride

    def forward(self, X):
        self.X = X
        N, C, H, _ = X.shape
        F, _, k, _ = self.W.shape
        s = self.stride
        out_h = (H - k) // s + 1
        out = np.zeros((N, F, out_h, out_h))
        for i in range(out_h):
            for j in range(out_h):
                patch = X[:, :, i * s:i * s + k, j * s:j * s + k]
                out[:, :, i, j] = np.einsum("nchw,fchw->nf", patch, self.W) + self.b
        return out

    def backward(self, dout):
        F, _, k, _ = self.W.shape
        s = self.stride
        self.dW = np.zeros(self.W.shape)
        dX = np.zeros(self.X.shape)
        self.db = dout.sum(axis=(0, 2, 3))  #! self.db = dout.mean(axis=(0, 2, 3)) :: wrong-axis|scale
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                patch = self.X[:, :, i * s:i * s + k, j * s:j * s + k]  #! patch = self.X[:, :, i:i + k, j:j + k] :: wrong-operand|wrong-axis
                self.dW += np.einsum("nf,nchw->fchw", dout[:, :, i, j], patch)  #! self.dW = np.einsum("nf,nchw->fchw", dout[:, :, i, j], patch) :: missing-term
                dX[:, :, i * s:i * s + k, j * s:j * s + k] += np.einsum("nf,fchw->nchw", dout[:, :, i, j], self.W)  #! dX[:, :, i:i + k, j:j + k] += np.einsum("nf,fchw->nchw", dout[:, :, i, j], self.W) :: wrong-operand|wrong-axis #! dX[:, :, i * s:i * s + k, j * s:j * s + k] = np.einsum("nf,fchw->nchw", dout[:, :, i, j], self.W) :: missing-term
        return dX

class MaxPool:
    def forward(self, X):
        self.X = X
        N, C, H, W = X.shape
        out = np.zeros((N, C, H // 2, W // 2))
        for i in range(H // 2):
            for j in range(W // 2):
                out[:, :, i, j] = np.max(X[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2], axis=(2, 3))
        return out

    def backward(self, dout):
        dX = np.zeros_like(self.X)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                patch = self.X[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2]
                mask = patch == np.max(patch, axis=(2, 3), keepdims=True)  #! mask = patch == np.max(patch) :: wrong-axis|wrong-operand
                dX[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2] = mask * dout[:, :, i, j][:, :, None, None]  #! dX[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2] = dout[:, :, i, j][:, :, None, None] :: missing-derivative #! dX[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2] = mask * dout[:, :, i, i][:, :, None, None] :: wrong-operand|wrong-axis
        return dX

class ReLU:
    def forward(self, X):
        self.mask = (X <= 0)
        out = X.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout = dout.copy()
        dout[self.mask] = 0
        return dout

class Net:
    def __init__(self, rng):
        self.layers = [Conv(rng.normal(size=(2, 1, 2, 2)), rng.normal(size=2), 1), ReLU(), MaxPool(),
                       Conv(rng.normal(size=(3, 2, 2, 2)), rng.normal(size=3), 2)]

    def loss(self, X, t):
        for layer in self.layers:
            X = layer.forward(X)
        self.out = X
        return np.sum((X - t) ** 2) / len(t)

    def gradient(self, t):
        d = 2 * (self.out - t) / len(t)
        for layer in reversed(self.layers):
            d = layer.backward(d)

def setup(rng, n):
    net = Net(rng)
    return (net, rng.normal(size=(3, 1, 9, 9)), rng.normal(size=(3, 3, 2, 2))), net

def run(net, X, t):
    loss = net.loss(X, t)
    net.gradient(t)
    return loss
""",
)

_LAYERNORM = Source(
    "layer normalisation in steps, residual",
    "function",
    """
import numpy as np

def setup(rng, n):
    p = dict(W=rng.normal(size=(n[1], n[1])), g=rng.normal(size=n[1]), b=rng.normal(size=n[1]), V=rng.normal(size=(n[1], n[3])))
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[3])), p), None

def run(x, t, p):
    D = x.shape[1]
    u = x @ p["W"]
    mu = np.mean(u, axis=1, keepdims=True)
    xc = u - mu
    var = np.mean(xc**2, axis=1, keepdims=True)
    inv = 1 / np.sqrt(var + 1e-6)
    xn = xc * inv
    v = xn * p["g"] + p["b"] + u
    o = v @ p["V"]
    L = 0.5 * np.sum((o - t) ** 2)

    do = o - t
    dV = v.T @ do
    dv = do @ p["V"].T
    dg = np.sum(dv * xn, axis=0)  #! dg = np.sum(dv * xc, axis=0) :: wrong-operand #! dg = np.sum(dv * v, axis=0) :: wrong-operand
    db = np.sum(dv, axis=0)  #! db = np.sum(dv * xn, axis=0) :: wrong-operand
    dxn = dv * p["g"]  #! dxn = dv :: missing-derivative|wrong-operand
    dinv = np.sum(dxn * xc, axis=1, keepdims=True)  #! dinv = np.sum(dxn * xn, axis=1, keepdims=True) :: wrong-operand
    dvar = -0.5 * dinv * inv**3  #! dvar = -0.5 * dinv * inv**2 :: derivative-at-output #! dvar = 0.5 * dinv * inv**3 :: scale #! dvar = dinv * inv**3 :: scale
    dxc = dxn * inv + 2 * xc * dvar / D  #! dxc = dxn * inv + 2 * xc * dvar :: scale #! dxc = dxn * inv :: missing-term #! dxc = dxn * inv + xc * dvar / D :: scale
    du = dxc - np.mean(dxc, axis=1, keepdims=True) + dv  #! du = dxc - np.mean(dxc, axis=1, keepdims=True) :: missing-term #! du = dxc + dv :: missing-term #! du = dxc - np.mean(dxc, axis=0, keepdims=True) + dv :: wrong-axis #! du = dxc - np.sum(dxc, axis=1, keepdims=True) + dv :: wrong-axis|scale #! du = dxc - np.mean(dxn, axis=1, keepdims=True) + dv :: wrong-operand|missing-derivative
    dW = x.T @ du
    return L, {"W": dW, "g": dg, "b": db, "V": dV}
""",
)

STRANGERS_A = (_POST, _LOGISTIC, _LISTS, _LSTM, _STRIDED, _LAYERNORM)
