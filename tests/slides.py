"""Graphs that lecturers and students draw: each function gives the picture and the gradients that its cards show."""

# They are written as their authors wrote them.
# ruff: noqa: N802, RUF059, F841, B007, E501

from __future__ import annotations

import numpy as np

import autograd
import nn
from autograd import Tensor, no_grad
from autograd.testing import compare_grads

F = nn.functional
PICTURES = {}


def pic(f):
    PICTURES[f.__name__] = f
    return f


def V(x, name=None):
    return Tensor(x, requires_grad=True, name=name)


def G(loss_, **tensors):
    for t in tensors.values():
        if not t.is_leaf:
            t.retain_grad()
    loss_.backward(retain_graph=True)
    return {k: np.array(t.grad) for k, t in tensors.items()}


def micro():
    a = V(-4.0)
    b = V(2.0)
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + nn.functional.relu(b + a))
    d = d + (3 * d + nn.functional.relu(b - a))
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    return a, b, c, d, e, f, g


@pic
def micrograd_cards():
    a, b, c, d, e, f, g = micro()
    return autograd.draw(g), G(g, a=a, b=b, e=e, f=f), g


@pic
def sigmoid_circuit():
    w = [2, -3, -3]
    x = [-1, -2]
    w0, w1, w2 = V(2.0), V(-3.0), V(-3.0)
    x0, x1 = V(-1.0), V(-2.0)
    f = 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))
    return autograd.draw(f, style="circuit"), G(f, w0=w0, w1=w1, w2=w2, x0=x0, x1=x1), f


@pic
def tanh():
    x1 = Tensor(2.0, requires_grad=True, name="x1")
    x2 = Tensor(0.0, requires_grad=True, name="x2")
    w1 = Tensor(-3.0, requires_grad=True, name="w1")
    w2 = Tensor(1.0, requires_grad=True, name="w2")
    b = Tensor(6.8813735870195432, requires_grad=True, name="b")
    x1w1 = x1 * w1
    x2w2 = x2 * w2
    x1w1x2w2 = x1w1 + x2w2
    n = x1w1x2w2 + b
    o = np.tanh(n)
    return autograd.draw(o), G(o, x1=x1, x2=x2, w1=w1, w2=w2, b=b, n=n, x1w1=x1w1), o


@pic
def logreg():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, 2))
    y = np.array([0.0, 1.0, 1.0, 0.0])
    w = Tensor(rng.normal(size=2), requires_grad=True)
    b = Tensor(0.0, requires_grad=True)
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return autograd.draw(loss), G(loss, w=w, b=b, z=z, p=p), loss


@pic
def mlp_softmax_ce_numpy():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3, 2))
    Y = np.eye(3)[[0, 2, 1]]
    W1 = Tensor(rng.normal(size=(2, 4)), requires_grad=True)
    b1 = Tensor(np.zeros(4), requires_grad=True)
    W2 = Tensor(rng.normal(size=(4, 3)), requires_grad=True)
    b2 = Tensor(np.zeros(3), requires_grad=True)
    z1 = X @ W1 + b1
    a1 = np.maximum(0, z1)
    z2 = a1 @ W2 + b2
    exp_scores = np.exp(z2 - np.max(z2, axis=1, keepdims=True))
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(probs)) / 3
    return autograd.draw(loss), G(loss, W1=W1, b1=b1, W2=W2, b2=b2, z1=z1, probs=probs), loss


@pic
def mlp_nn_ce_rules():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3, 2))
    y = np.array([0, 2, 1])
    model = nn.Sequential(nn.Linear(2, 4, rng=0), nn.ReLU(), nn.Linear(4, 3, rng=1))
    logits = model(X)
    loss = nn.CrossEntropyLoss()(logits, y)
    return autograd.draw(loss, rules=True, title="A two-layer classifier"), G(loss, logits=logits), loss


def P(a):
    return Tensor(a, requires_grad=True)


@pic
def batchnorm_by_hand():
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(4, 2)) * 2 + 1, requires_grad=True)
    gamma = P(np.ones(2))
    beta = P(np.zeros(2))
    eps = 1e-5
    mu = np.mean(x, axis=0)
    xmu = x - mu
    var = np.mean(xmu**2, axis=0)
    ivar = 1 / np.sqrt(var + eps)
    xhat = xmu * ivar
    out = gamma * xhat + beta
    loss = np.sum(out**3)
    return autograd.draw(loss), G(loss, x=x, gamma=gamma, beta=beta, mu=mu, xmu=xmu, var=var, xhat=xhat), loss


@pic
def residual_block():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4))
    y = rng.normal(size=(3, 4))
    W1, b1, W2, b2 = P(rng.normal(size=(4, 4))), P(np.zeros(4)), P(rng.normal(size=(4, 4))), P(np.zeros(4))
    h = np.maximum(0, x @ W1 + b1)
    f = h @ W2 + b2
    out = np.maximum(0, x + f)
    loss = np.mean((out - y) ** 2)
    return autograd.draw(loss), G(loss, W1=W1, b1=b1, W2=W2, b2=b2, h=h, out=out), loss


class ResidualBlock(nn.Module):
    def __init__(self, d, rng):
        super().__init__()
        self.fc1 = nn.Linear(d, d, rng=rng)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(d, d, rng=rng)

    def forward(self, x):
        return self.act(x + self.fc2(self.act(self.fc1(x))))


def rnn(T):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(T, 2, 3))
    y = rng.normal(size=(2, 1))
    Wxh, Whh, bh = P(rng.normal(size=(3, 4)) * 0.5), P(rng.normal(size=(4, 4)) * 0.5), P(np.zeros(4))
    Why, by = P(rng.normal(size=(4, 1))), P(np.zeros(1))
    return X, y, Wxh, Whh, bh, Why, by


@pic
def rnn_3():
    X, y, Wxh, Whh, bh, Why, by = rnn(3)
    h = np.zeros((2, 4))
    for t in range(3):
        h = np.tanh(X[t] @ Wxh + h @ Whh + bh)
    y_hat = h @ Why + by
    loss = np.mean((y_hat - y) ** 2)
    return autograd.draw(loss), G(loss, Wxh=Wxh, Whh=Whh, bh=bh, Why=Why), loss


@pic
def rnn_30():
    X, y, Wxh, Whh, bh, Why, by = rnn(30)
    h = np.zeros((2, 4))
    for t in range(30):
        h = np.tanh(X[t] @ Wxh + h @ Whh + bh)
    y_hat = h @ Why + by
    loss = np.mean((y_hat - y) ** 2)
    return autograd.draw(loss), G(loss, Wxh=Wxh, Whh=Whh, bh=bh, Why=Why), loss


class RNNCell(nn.Module):
    def __init__(self, i, h, rng):
        super().__init__()
        self.x2h = nn.Linear(i, h, rng=rng)
        self.h2h = nn.Linear(h, h, rng=rng)

    def forward(self, x, h):
        return np.tanh(self.x2h(x) + self.h2h(h))


@pic
def rnn_cell_depth0_3():
    X, y, *_ = rnn(3)
    rng = np.random.default_rng(0)
    cell, head = RNNCell(3, 4, rng), nn.Linear(4, 1, rng=rng)
    h = np.zeros((2, 4))
    for t in range(3):
        h = cell(X[t], h)
    y_hat = head(h)
    loss = nn.MSELoss()(y_hat, y)
    return autograd.draw(loss, depth=0, title="An RNN, unrolled"), {}, loss


@pic
def lstm_cell():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3))
    h = rng.normal(size=(2, 4))
    c = rng.normal(size=(2, 4))
    W = P(rng.normal(size=(7, 16)) * 0.3)
    b = P(np.zeros(16))
    sigmoid = nn.functional.sigmoid
    z = np.concatenate([x, h], axis=1) @ W + b
    i, f, o, g = z[:, :4], z[:, 4:8], z[:, 8:12], z[:, 12:]
    c_next = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h_next = sigmoid(o) * np.tanh(c_next)
    loss = np.sum(h_next**2)
    return autograd.draw(loss), G(loss, W=W, b=b, c_next=c_next, h_next=h_next), loss


@pic
def self_attention():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, 3))
    d = 2
    WQ, WK, WV = (P(rng.normal(size=(3, 2))) for _ in range(3))
    Q = X @ WQ
    K = X @ WK
    V = X @ WV
    scores = Q @ K.T / np.sqrt(d)
    A = nn.functional.softmax(scores)
    out = A @ V
    loss = np.sum(out**2)
    return autograd.draw(loss), G(loss, WQ=WQ, WK=WK, WV=WV, A=A, scores=scores), loss


class Attention(nn.Module):
    def __init__(self, d, rng):
        super().__init__()
        self.q = nn.Linear(d, d, rng=rng)
        self.k = nn.Linear(d, d, rng=rng)
        self.v = nn.Linear(d, d, rng=rng)
        self.proj = nn.Linear(d, d, rng=rng)

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        s = np.matmul(q, np.swapaxes(k, -1, -2)) / np.sqrt(q.shape[-1])
        return self.proj(nn.functional.softmax(s) @ v)


class LayerNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gamma = nn.Parameter(np.ones(d))
        self.beta = nn.Parameter(np.zeros(d))

    def forward(self, x):
        m = np.mean(x, axis=-1, keepdims=True)
        v = np.mean((x - m) ** 2, axis=-1, keepdims=True)
        return self.gamma * (x - m) / np.sqrt(v + 1e-5) + self.beta


class Block(nn.Module):
    def __init__(self, d, rng):
        super().__init__()
        self.ln1 = LayerNorm(d)
        self.attn = Attention(d, rng)
        self.ln2 = LayerNorm(d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d, rng=rng), nn.ReLU(), nn.Linear(4 * d, d, rng=rng))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


@pic
def transformer_depth1():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 8))
    y = rng.normal(size=(2, 5, 8))
    block = Block(8, rng)
    out = block(x)
    loss = nn.MSELoss()(out, y)
    return autograd.draw(loss, depth=1, title="A transformer block"), {}, loss


@pic
def cnn_loops():
    rng = np.random.default_rng(0)
    img = rng.normal(size=(5, 5))
    kernel = P(rng.normal(size=(3, 3)))
    out = Tensor(np.zeros((3, 3)))
    for i in range(3):
        for j in range(3):
            out[i, j] = np.sum(img[i : i + 3, j : j + 3] * kernel)
    loss = np.mean(np.maximum(out, 0))
    return autograd.draw(loss), G(loss, kernel=kernel), loss


@pic
def vae():
    rng = np.random.default_rng(0)
    x = rng.random(size=(4, 6))
    eps = rng.normal(size=(4, 2))
    enc = nn.Linear(6, 4, rng=rng)
    dec = nn.Linear(2, 6, rng=rng)
    stats = enc(x)
    mu, logvar = stats[:, :2], stats[:, 2:]
    z = mu + eps * np.exp(0.5 * logvar)
    logits = dec(z)
    recon = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    loss = (recon + kl) / 4
    return autograd.draw(loss), {}, loss


@pic
def pinn():
    rng = np.random.default_rng(0)
    W1, b1, W2 = P(rng.normal(size=(1, 4))), P(rng.normal(size=4)), P(rng.normal(size=(4, 1)))
    t = np.linspace(0, 1, 4).reshape(4, 1)

    def u(t):
        return np.tanh(t @ W1 + b1) @ W2

    tt = Tensor(t, requires_grad=True)
    du = autograd.grad(lambda s: np.sum(u(s)))(tt)
    residual = du + u(tt)
    loss = np.mean(residual**2)
    return autograd.draw(loss), {}, loss


@pic
def physics_unrolled():
    k = Tensor(2.0, requires_grad=True)
    x0 = Tensor(1.0, requires_grad=True)
    v0 = Tensor(0.0, requires_grad=True)
    dt, x, v = 0.1, x0, v0
    for step in range(10):
        a = -k * x
        v = v + dt * a
        x = x + dt * v
    loss = (x - 0.5) ** 2
    return autograd.draw(loss), G(loss, k=k, x0=x0, v0=v0), loss


@pic
def gmm():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 1))
    logits = P(np.zeros(2))
    mu = P(np.array([-1.0, 1.0]))
    log_sigma = P(np.zeros(2))
    log_pi = nn.functional.log_softmax(logits)
    log_prob = -0.5 * ((x - mu) / np.exp(log_sigma)) ** 2 - log_sigma - 0.5 * np.log(2 * np.pi)
    joint = log_pi + log_prob
    m = np.max(joint, axis=1, keepdims=True)
    ll = m[:, 0] + np.log(np.sum(np.exp(joint - m), axis=1))
    nll = -np.mean(ll)
    return autograd.draw(nll), G(nll, logits=logits, mu=mu, log_sigma=log_sigma), nll


@pic
def einsum():
    rng = np.random.default_rng(0)
    A = P(rng.normal(size=(2, 3)))
    B = P(rng.normal(size=(3, 4)))
    C = np.einsum("ij,jk->ik", A, B)
    loss = np.einsum("ik,ik->", C, C)
    return autograd.draw(loss, rules=True), G(loss, A=A, B=B, C=C), loss


@pic
def indexing_embedding():
    rng = np.random.default_rng(0)
    E = P(rng.normal(size=(5, 2)))
    ids = np.array([1, 3, 1])
    v = E[ids]
    s = np.sum(v, axis=0)
    loss = s[0] * s[1]
    return autograd.draw(loss, rules=True), G(loss, E=E, v=v, s=s), loss


@pic
def siamese_modules():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    net = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Tanh())
    za = net(a)
    zb = net(b)
    distance = za - zb
    loss = np.sum(distance**2)
    return autograd.draw(loss, depth=0), {}, loss


@pic
def detached_no_grad():
    rng = np.random.default_rng(0)
    s = rng.normal(size=(3, 2))
    s_next = rng.normal(size=(3, 2))
    r = np.array([1.0, 0.0, 1.0])
    w = P(rng.normal(size=2))
    q = s @ w
    with no_grad():
        target = r + 0.9 * (s_next @ w)
    td = target - q
    loss = np.mean(td**2)
    return autograd.draw(loss), G(loss, w=w, q=q), loss


@pic
def frozen():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 2)), rng.normal(size=(2, 1))
    W1 = Tensor(rng.normal(size=(2, 3)), name="W1")
    W2 = P(rng.normal(size=(3, 1)))
    h = np.tanh(x @ W1)
    y_hat = h @ W2
    loss = np.mean((y_hat - y) ** 2)
    return autograd.draw(loss), G(loss, W2=W2, y_hat=y_hat), loss


@pic
def fifty_layers_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 16))
    Ws = [P(rng.normal(size=(16, 16)) * 0.25) for _ in range(50)]
    h = x
    for W in Ws:
        h = np.tanh(h @ W)
    loss = np.mean(h**2)
    return autograd.draw(loss), {}, loss


@pic
def chain_1000():
    x = V(0.5)
    y = x
    for _ in range(1000):
        y = np.sin(y)
    return autograd.draw(y), G(y, x=x), y


@pic
def params_in_class():
    class Net:
        def __init__(self):
            rng = np.random.default_rng(0)
            self.W1 = P(rng.normal(size=(2, 3)))
            self.b1 = P(np.zeros(3))
            self.W2 = P(rng.normal(size=(3, 1)))

        def forward(self, x):
            h = np.tanh(x @ self.W1 + self.b1)
            return h @ self.W2

    net = Net()
    x = np.array([[1.0, 2.0], [0.0, -1.0]])
    y = np.array([[1.0], [0.0]])
    y_hat = net.forward(x)
    loss = np.mean((y_hat - y) ** 2)
    return autograd.draw(loss), {}, loss


@pic
def rnn_depth0_tensors():
    X, y, *_ = rnn(3)
    rng = np.random.default_rng(0)
    cell, head = RNNCell(3, 4, rng), nn.Linear(4, 1, rng=rng)
    xs = [Tensor(X[t], name=f"x{t + 1}") for t in range(3)]
    h = np.zeros((2, 4))
    for x in xs:
        h = cell(x, h)
    y_hat = head(h)
    loss = nn.MSELoss()(y_hat, y)
    return autograd.draw(loss, depth=0), {}, loss


@pic
def dropout():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3))
    y = rng.normal(size=(2, 1))
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.ReLU(), nn.Dropout(0.5, rng=0), nn.Linear(4, 1, rng=1))
    loss = nn.MSELoss()(model(x), y)
    return autograd.draw(loss), {}, loss


@pic
def diff_numpy_sigmoid_relu():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    W1, b1, W2 = P(rng.normal(size=(2, 3))), P(np.zeros(3)), P(rng.normal(size=(3, 1)))
    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    before = np.mean((h @ W2 - y) ** 2)
    h = np.maximum(0, x @ W1 + b1)
    after = np.mean((h @ W2 - y) ** 2) + 0.1 * np.sum(W2**2)
    return autograd.draw_diff(before, after)


@pic
def report_wrong_axis_big():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(20, 10)), rng.normal(size=(20, 1))
    W1, b1, W2, b2 = P(rng.normal(size=(10, 10))), P(np.zeros(10)), P(rng.normal(size=(10, 1))), P(np.zeros(1))
    z1 = X @ W1 + b1
    h = np.tanh(z1)
    y_hat = h @ W2 + b2
    loss = np.mean((y_hat - y) ** 2)
    dy = 2 * (y_hat.data - y) / 20
    dz1 = dy @ W2.data.T * (1 - h.data**2)
    r = compare_grads(loss, {"W1": dz1.T @ X, "b1": dz1.sum(axis=0), "W2": h.data.T @ dy, "b2": dy.sum(axis=0)})
    return r.draw(), {}, loss


@pic
def report_numpy_softmax_15_ops():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3, 2))
    Y = np.eye(3)[[0, 2, 1]]
    W1, b1, W2, b2 = P(rng.normal(size=(2, 4))), P(np.zeros(4)), P(rng.normal(size=(4, 3))), P(np.zeros(3))
    z1 = X @ W1 + b1
    a1 = np.maximum(0, z1)
    z2 = a1 @ W2 + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(probs)) / 3
    dz2 = (probs.data - Y) / 3
    dW2 = a1.data.T @ dz2
    db2 = dz2.sum(axis=0)
    da1 = dz2 @ W2.data.T
    dz1 = da1
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    r = compare_grads(loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "z1": dz1, "z2": dz2})
    return r.draw(), {}, loss


def mlp():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(3, 2)), rng.normal(size=(3, 1))
    W1, b1, W2, b2 = P(rng.normal(size=(2, 3))), P(np.zeros(3)), P(rng.normal(size=(3, 1))), P(np.zeros(1))
    z1 = x @ W1 + b1
    h = np.tanh(z1)
    y_hat = h @ W2 + b2
    loss = np.mean((y_hat - y) ** 2)
    return x, y, W1, b1, W2, b2, z1, h, y_hat, loss


@pic
def scalar_rnn_circuit():
    w, u, b = V(0.5), V(-1.0), V(0.1)
    h = 0.0
    for x in (1.0, 2.0, -1.0):
        h = np.tanh(w * h + u * x + b)
    return autograd.draw(h, style="circuit"), G(h, w=w, u=u, b=b), h


@pic
def relu_neuron_dead():
    x, w, b = V(2.0), V(-1.0), V(0.5)
    z = w * x + b
    a = nn.functional.relu(z)
    L = (a - 1.0) ** 2
    return autograd.draw(L, style="circuit", rules=True, title="A dead ReLU"), G(L, x=x, w=w, b=b, z=z, a=a), L


@pic
def title_long():
    x, y, W1, b1, W2, b2, z1, h, y_hat, loss = mlp()
    return (
        autograd.draw(
            loss,
            title="Backpropagation through a two-layer perceptron with tanh units, one step of gradient descent with learning rate 0.1 and no momentum, batch of three examples, MSE loss",
        ),
        {},
        loss,
    )


@pic
def rules_var_named_g():
    w = P(np.array([1.0, 2.0]))
    g = np.array([0.1, -0.2])
    lr = V(0.1)
    w_new = w - lr * g
    loss = np.sum(w_new**2)
    return autograd.draw(loss, rules=True), {}, loss


@pic
def shared_embedding_tied():
    rng = np.random.default_rng(0)
    E = P(rng.normal(size=(4, 2)))
    ids = np.array([0, 2])
    y = np.array([1, 3])
    h = E[ids]
    logits = h @ E.T
    loss = nn.functional.cross_entropy(logits, y)
    return autograd.draw(loss, rules=True), G(loss, E=E, h=h, logits=logits), loss


@pic
def gan():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(8, 2))
    real = rng.normal(size=(8, 2))
    gen = nn.MLP([2, 8, 2], rng=0)
    disc = nn.MLP([2, 8, 1], rng=1)
    fake = gen(noise)
    d_real = disc(real)
    d_fake = disc(fake)
    bce = nn.functional.binary_cross_entropy_with_logits
    loss = bce(d_real, np.ones((8, 1))) + bce(d_fake, np.zeros((8, 1)))
    return autograd.draw(loss), {}, loss


@pic
def saliency_nn():
    rng = np.random.default_rng(0)
    image = Tensor(rng.normal(size=(1, 4)), requires_grad=True, name="image")
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.ReLU(), nn.Linear(3, 2, rng=1))
    score = model(image)[0, 1]
    return autograd.draw(score, collapse="modules"), {}, score


@pic
def kalman_scalar():
    z = [1.1, 0.9, 1.4, 1.2, 1.0]
    q, r = P(0.1), P(0.5)
    x, p = 0.0, 1.0
    nll = 0.0
    for zt in z:
        p = p + q
        s = p + r
        k = p / s
        e = zt - x
        x = x + k * e
        p = (1 - k) * p
        nll = nll + 0.5 * (np.log(s) + e**2 / s)
    return autograd.draw(nll), G(nll, q=q, r=r), nll


@pic
def adam_unrolled():
    lr = P(0.1)
    w = P(np.array([1.0, -1.5]))
    b1, b2, eps = 0.9, 0.999, 1e-8
    m, v = np.zeros(2), np.zeros(2)
    for t in range(1, 4):
        g = 2 * w
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        mhat = m / (1 - b1**t)
        vhat = v / (1 - b2**t)
        w = w - lr * mhat / (np.sqrt(vhat) + eps)
    loss = np.sum(w**2)
    return autograd.draw(loss), G(loss, lr=lr), loss


@pic
def rk4_step():
    k = P(1.5)
    y = P(1.0)
    h = 0.1
    f = lambda y: -k * y + np.sin(y)
    k1 = f(y)
    k2 = f(y + h / 2 * k1)
    k3 = f(y + h / 2 * k2)
    k4 = f(y + h * k3)
    y_new = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    loss = (y_new - 0.8) ** 2
    return autograd.draw(loss), G(loss, k=k, y=y), loss


@pic
def lorenz():
    sigma, rho, beta = P(10.0), P(28.0), P(8 / 3)
    x, y, z = 1.0, 1.0, 1.0
    dt = 0.01
    for _ in range(5):
        dx = sigma * (y - x)
        dy = x * (rho - z) - y
        dz = x * y - beta * z
        x = x + dt * dx
        y = y + dt * dy
        z = z + dt * dz
    loss = (x - 1) ** 2 + (y - 2) ** 2 + (z - 1) ** 2
    return autograd.draw(loss), G(loss, rho=rho, sigma=sigma, beta=beta), loss


@pic
def lstm_unrolled():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(3, 2))
    Wf, Wi, Wo, Wc = (P(rng.normal(size=(5, 3)) * 0.4) for _ in range(4))
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    h, c = np.zeros(3), np.zeros(3)
    for x in X:
        xh = np.concatenate([x, h])
        f = sigmoid(xh @ Wf)
        i = sigmoid(xh @ Wi)
        o = sigmoid(xh @ Wo)
        c = f * c + i * np.tanh(xh @ Wc)
        h = o * np.tanh(c)
    loss = np.sum((h - 1) ** 2)
    return autograd.draw(loss), {}, loss


@pic
def sir_model():
    beta, gamma = P(0.3), P(0.1)
    S, I, Rr = 0.99, 0.01, 0.0
    data = [0.012, 0.015, 0.018]
    loss = 0.0
    for obs in data:
        new = beta * S * I
        rec = gamma * I
        S = S - new
        I = I + new - rec
        Rr = Rr + rec
        loss = loss + (I - obs) ** 2
    return autograd.draw(loss), G(loss, beta=beta, gamma=gamma), loss


@pic
def mixture_density():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4, 1)), rng.normal(size=(4, 1))
    W1, b1 = P(rng.normal(size=(1, 3))), P(np.zeros(3))
    Wp, Wm, Ws = P(rng.normal(size=(3, 2))), P(rng.normal(size=(3, 2))), P(rng.normal(size=(3, 2)))
    h = np.tanh(x @ W1 + b1)
    a = h @ Wp
    e = np.exp(a - np.max(a, axis=1, keepdims=True))
    pi = e / np.sum(e, axis=1, keepdims=True)
    mu = h @ Wm
    sigma = np.exp(h @ Ws)
    pdf = np.exp(-0.5 * ((y - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    loss = -np.mean(np.log(np.sum(pi * pdf, axis=1)))
    return autograd.draw(loss), {}, loss


@pic
def gan_losses():
    rng = np.random.default_rng(13)
    z, real = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    Wg, bg, Wd, bd = P(rng.normal(size=(2, 2))), P(np.zeros(2)), P(rng.normal(size=(2, 1))), P(np.zeros(1))
    fake = np.tanh(z @ Wg + bg)
    D_real = 1 / (1 + np.exp(-(real @ Wd + bd)))
    D_fake = 1 / (1 + np.exp(-(fake @ Wd + bd)))
    d_loss = -np.mean(np.log(D_real)) - np.mean(np.log(1 - D_fake))
    g_loss = -np.mean(np.log(D_fake))
    return autograd.draw(d_loss, g_loss), {}, d_loss
