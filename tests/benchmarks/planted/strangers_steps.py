"""More hand derivations in the manner of strangers: steps, losses, embeddings, attention."""

# ruff: noqa: E501  # a line and its slips stand side by side

from __future__ import annotations

from tests.benchmarks.planted.sources import Source

_TRAIN = Source(
    "a training loop with in-place updates",
    "step",
    """
import numpy as np

def setup(rng, n):
    data = {"X": rng.normal(size=(n[0], n[1])), "T": rng.random((n[0], n[3]))}
    model = {"weights": [rng.normal(size=(n[1], n[2])), rng.normal(size=(n[2], n[3]))], "bias": [rng.normal(size=n[2]), rng.normal(size=n[3])]}
    return (data, model), model

def run(data, model, epochs=1, learning_rate=0.3):
    X, T = data["X"], data["T"]
    w, b = model["weights"], model["bias"]
    for epoch in range(epochs):
        hidden = np.tanh(np.dot(X, w[0]) + b[0])
        output = 1 / (1 + np.exp(-(np.dot(hidden, w[1]) + b[1])))
        error = T - output
        loss = np.mean(np.square(error))
        d_output = error * output * (1 - output) * 2 / error.size  #! d_output = error * output * (1 - output) :: scale #! d_output = error * (1 - output) * 2 / error.size :: derivative-at-output|missing-derivative #! d_output = error * output * (1 + output) * 2 / error.size :: derivative-at-output
        d_hidden = d_output.dot(w[1].T) * (1 - hidden ** 2)  #! d_hidden = d_output.dot(w[1].T) * hidden * (1 - hidden) :: derivative-at-output #! d_hidden = error.dot(w[1].T) * (1 - hidden ** 2) :: wrong-operand|missing-derivative #! d_hidden = d_output.dot(w[1].T) * (1 - hidden) ** 2 :: derivative-at-output
        w[1] += learning_rate * hidden.T.dot(d_output)  #! w[1] -= learning_rate * hidden.T.dot(d_output) :: scale #! w[1] += learning_rate * hidden.T.dot(error) :: missing-derivative|wrong-operand
        b[1] += learning_rate * np.sum(d_output, axis=0)  #! b[1] += learning_rate * np.sum(error, axis=0) :: missing-derivative|wrong-operand
        w[0] += learning_rate * X.T.dot(d_hidden)  #! w[0] += X.T.dot(d_hidden) :: scale
        b[0] += learning_rate * np.sum(d_hidden, axis=0)  #! b[0] += learning_rate * np.mean(d_hidden, axis=0) :: wrong-axis|scale
""",
)

_STALE = Source(
    "a step that updates layer by layer",
    "step",
    """
import numpy as np

class MLP:
    def __init__(self, rng, n):
        self.W1 = rng.normal(size=(n[2], n[1]))
        self.b1 = rng.normal(size=(n[2], 1))
        self.W2 = rng.normal(size=(n[3], n[2]))
        self.b2 = rng.normal(size=(n[3], 1))

    def fit_batch(self, X, Y, alpha=0.2):
        m = X.shape[1]
        Z1 = self.W1.dot(X) + self.b1
        A1 = np.where(Z1 > 0, Z1, 0.1 * Z1)
        Z2 = self.W2.dot(A1) + self.b2
        E = np.exp(Z2 - Z2.max(axis=0))
        A2 = E / E.sum(axis=0)
        loss = -(Y * np.log(A2)).sum() / m
        dZ2 = A2 - Y
        dA1 = self.W2.T.dot(dZ2)
        dZ1 = dA1 * np.where(Z1 > 0, 1, 0.1)  #! dZ1 = dA1 * np.where(Z1 > 0, 1, 0) :: derivative-at-output|missing-derivative|wrong-operand #! dZ1 = dA1 * np.where(dA1 > 0, 1, 0.1) :: derivative-at-output #! dZ1 = dA1 * np.where(Z1 > 0, Z1, 0.1 * Z1) :: derivative-at-output
        self.W2 -= alpha * dZ2.dot(A1.T) / m  #! self.W2 -= alpha * dZ2.dot(Z1.T) / m :: wrong-operand
        self.b2 -= alpha * dZ2.sum(axis=1, keepdims=True) / m  #! self.b2 -= alpha * dZ2.sum(axis=1, keepdims=True) :: scale #! self.b2 -= alpha * dZ2.mean(axis=1, keepdims=True) / m :: wrong-axis|scale
        self.W1 -= alpha * dZ1.dot(X.T) / m  #! self.W1 -= alpha * dA1.dot(X.T) / m :: missing-derivative|wrong-operand
        self.b1 -= alpha * dZ1.sum(axis=1, keepdims=True) / m  #! self.b1 -= alpha * dZ1.sum() / m :: wrong-axis #! self.b1 += alpha * dZ1.sum(axis=1, keepdims=True) / m :: scale
        return loss

def setup(rng, n):
    net = MLP(rng, n)
    Y = np.eye(n[3])[:, rng.integers(0, n[3], size=n[0])]
    return (net, rng.normal(size=(n[1], n[0])), Y), net

def run(net, X, Y):
    return net.fit_batch(X, Y)
""",
)

_EMBEDDING = Source(
    "word vectors: a lookup, a sum, a softmax",
    "function",
    """
import numpy as np

def setup(rng, n):
    W_in, W_out = rng.normal(size=(n[0], n[2])), rng.normal(size=(n[2], n[0]))
    return (np.array([1, 3, 1, 2]), np.array([0, 2, 2, 3]), W_in, W_out), ["W_in", "W_out"]

def run(context, target, W_in, W_out):
    N = len(context)
    h = W_in[context]
    u = np.dot(h, W_out)
    u = u - u.max(axis=1, keepdims=True)
    y_hat = np.exp(u) / np.exp(u).sum(axis=1, keepdims=True)
    loss = 0
    for i in range(N):
        loss -= np.log(y_hat[i, target[i]]) / N
    e = y_hat.copy()
    e[np.arange(N), target] -= 1  #! e[np.arange(N), context] -= 1 :: target|wrong-operand #! e[:, target] -= 1 :: target|wrong-operand|wrong-axis
    e /= N  #! e /= e.shape[1] :: scale
    dW_out = np.dot(h.T, e)
    dh = np.dot(e, W_out.T)
    dW_in = np.zeros_like(W_in)
    np.add.at(dW_in, context, dh)  #! dW_in[context] += dh :: missing-term|wrong-operand #! np.add.at(dW_in, target, dh) :: wrong-operand #! dW_in[context] = dh :: missing-term|wrong-operand
    return loss, dW_in, dW_out
""",
)

_HEADS = Source(
    "causal attention with a mask, einsum",
    "apart",
    """
import numpy as np

def setup(rng, n):
    p = {name: 0.4 * rng.normal(size=(n[1], n[2])) for name in ("Wq", "Wk", "Wv")}
    p["Wo"] = 0.4 * rng.normal(size=(n[2], n[1]))
    return (rng.normal(size=(2, n[0], n[1])), rng.normal(size=(2, n[0], n[1])), p), None

def attention_forward(X, p):
    Q, K, V = X @ p["Wq"], X @ p["Wk"], X @ p["Wv"]
    dk = Q.shape[-1]
    S = np.einsum("bid,bjd->bij", Q, K) / np.sqrt(dk)
    S = np.where(np.tril(np.ones(S.shape[1:])) > 0, S, -1e9)
    S = S - S.max(axis=-1, keepdims=True)
    A = np.exp(S) / np.exp(S).sum(axis=-1, keepdims=True)
    O = np.einsum("bij,bjd->bid", A, V)
    return O @ p["Wo"] + X, (Q, K, V, A, O)

def attention_backward(X, dY, p, cache):
    Q, K, V, A, O = cache
    dk = Q.shape[-1]
    grads = {}
    grads["Wo"] = np.einsum("bid,bie->de", O, dY)  #! grads["Wo"] = np.einsum("bid,bie->de", V, dY) :: wrong-operand
    dO = dY @ p["Wo"].T
    dV = np.einsum("bij,bid->bjd", A, dO)  #! dV = np.einsum("bij,bjd->bid", A, dO) :: transposed|wrong-axis
    dA = np.einsum("bid,bjd->bij", dO, V)
    dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))  #! dS = A * (1 - A) * dA :: derivative-at-output|missing-term #! dS = A * (dA - np.sum(dA, axis=-1, keepdims=True)) :: missing-derivative|wrong-operand|derivative-at-output #! dS = dA - np.sum(dA * A, axis=-1, keepdims=True) :: missing-derivative #! dS = A * (dA - np.sum(dA * A, axis=-2, keepdims=True)) :: wrong-axis
    dS /= np.sqrt(dk)  #! dS /= dk :: scale
    dQ = np.einsum("bij,bjd->bid", dS, K)
    dK = np.einsum("bij,bid->bjd", dS, Q)  #! dK = np.einsum("bij,bjd->bid", dS, Q) :: transposed|wrong-axis
    for name, d in (("Wq", dQ), ("Wk", dK), ("Wv", dV)):
        grads[name] = np.einsum("bid,bie->de", X, d)
    return grads

def run(X, T, p):
    Y, cache = attention_forward(X, p)
    loss = np.mean((Y - T) ** 2)
    dY = 2 * (Y - T) / Y.size  #! dY = 2 * (Y - T) / len(Y) :: scale
    return loss, attention_backward(X, dY, p, cache)
""",
)

_GRU = Source(
    "a gated unit of one step, rows",
    "function",
    """
import numpy as np

def setup(rng, n):
    p = {}
    for g in "zrh":
        p["W" + g], p["U" + g] = rng.normal(size=(n[1], n[2])), rng.normal(size=(n[2], n[2]))
        p["b" + g] = rng.normal(size=n[2])
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[2])), rng.normal(size=(n[0], n[2])), p), None

def sig(v):
    return .5 * (1 + np.tanh(.5 * v))

def run(x, h, y, p):
    z = sig(x @ p["Wz"] + h @ p["Uz"] + p["bz"])
    r = sig(x @ p["Wr"] + h @ p["Ur"] + p["br"])
    rh = r * h
    g = np.tanh(x @ p["Wh"] + rh @ p["Uh"] + p["bh"])
    out = (1 - z) * h + z * g
    loss = ((out - y) ** 2).sum() / len(x)
    G = {}
    dout = 2 * (out - y) / len(x)
    dz = dout * (g - h) * z * (1 - z)  #! dz = dout * (h - g) * z * (1 - z) :: scale #! dz = dout * g * z * (1 - z) :: missing-term #! dz = dout * (g - h) * z * (1 - g) :: derivative-at-output
    dg = dout * z * (1 - g * g)  #! dg = dout * (1 - z) * (1 - g * g) :: wrong-operand #! dg = dout * z * 1 - g * g :: derivative-at-output|missing-derivative
    drh = dg @ p["Uh"].T  #! drh = dout @ p["Uh"].T :: wrong-operand|missing-derivative
    dr = drh * h * r * (1 - r)  #! dr = drh * r * (1 - r) :: missing-derivative|wrong-operand
    for k, d, v in (("z", dz, h), ("r", dr, h), ("h", dg, rh)):
        G["W" + k] = x.T @ d
        G["U" + k] = v.T @ d
        G["b" + k] = d.sum(0)
    return loss, G
""",
)

_HUBER = Source(
    "a smooth loss, in-place relu masks, a quotient",
    "function",
    """
import numpy as np

def setup(rng, n):
    W, V = rng.normal(size=(n[1], n[2])), rng.normal(size=(n[2], n[3]))
    s = 1 + rng.random(n[3])
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[3])), W, V, s), ["W", "V", "s"]

def run(x, y, W, V, s):
    pre = np.matmul(x, W)
    act = pre * (pre > 0)
    q = np.matmul(act, V)
    out = q / s
    diff = out - y
    small = np.abs(diff) < 1
    loss = np.where(small, 0.5 * diff**2, np.abs(diff) - 0.5).sum()
    dout = np.where(small, diff, np.sign(diff))  #! dout = np.where(diff < 1, diff, np.sign(diff)) :: derivative-at-output|wrong-operand|missing-derivative #! dout = np.where(small, diff, 1) :: derivative-at-output|wrong-operand|missing-derivative #! dout = diff :: missing-derivative|derivative-at-output #! dout = np.where(small, 0.5 * diff, np.sign(diff)) :: scale|derivative-at-output
    dq = dout / s  #! dq = dout * s :: derivative-at-output|wrong-operand|missing-derivative
    ds = -np.sum(dout * q / s**2, axis=0)  #! ds = np.sum(dout * q / s**2, axis=0) :: scale #! ds = -np.sum(dout * q / s, axis=0) :: derivative-at-output #! ds = -np.sum(dout / s**2, axis=0) :: missing-derivative|wrong-operand
    dV = np.matmul(act.T, dq)
    dact = np.matmul(dq, V.T)
    dact[pre <= 0] = 0  #! dact[pre >= 0] = 0 :: derivative-at-output|missing-derivative|wrong-operand #! dact[dact <= 0] = 0 :: derivative-at-output|missing-derivative|wrong-operand
    dW = np.matmul(x.T, dact)
    return loss, dW, dV, ds
""",
)

_TRIPLET = Source(
    "a triplet loss and an SVM loss on embeddings",
    "function",
    """
import numpy as np

def setup(rng, n):
    W, C = rng.normal(size=(n[1], n[2])), rng.normal(size=(n[2], n[4]))
    labels = rng.integers(0, n[4], size=n[0])
    return (rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[1])), rng.normal(size=(n[0], n[1])), labels, W, C), ["W", "C"]

def run(anchor, positive, negative, labels, W, C, margin=3.0):
    m = len(anchor)
    a, p, n = anchor @ W, positive @ W, negative @ W
    d_pos = np.sum((a - p) ** 2, axis=1)
    d_neg = np.sum((a - n) ** 2, axis=1)
    hinge = np.maximum(0, d_pos - d_neg + margin)
    scores = a @ C
    right = scores[np.arange(m), labels].reshape(-1, 1)
    margins = np.maximum(0, scores - right + 1)
    margins[np.arange(m), labels] = 0
    loss = np.mean(hinge) + np.sum(margins) / m

    active = (hinge > 0).astype(float)[:, None] / m
    da = active * 2 * (n - p)  #! da = active * 2 * (p - n) :: scale #! da = active * (n - p) :: scale
    dp = active * -2 * (a - p)  #! dp = active * 2 * (a - p) :: scale
    dn = active * 2 * (a - n)  #! dn = active * 2 * (a - p) :: wrong-operand
    mask = np.zeros(margins.shape)
    mask[margins > 0] = 1
    mask[np.arange(m), labels] = -np.sum(mask, axis=1)  #! mask[np.arange(m), labels] = -1 :: missing-derivative|target|derivative-at-output|wrong-operand #! mask[np.arange(m), labels] = np.sum(mask, axis=1) :: scale|target|derivative-at-output
    dscores = mask / m
    dC = a.T @ dscores
    da = da + dscores @ C.T  #! da = dscores @ C.T :: missing-term
    dW = anchor.T @ da + positive.T @ dp + negative.T @ dn  #! dW = anchor.T @ da + positive.T @ dp :: missing-term #! dW = anchor.T @ (da + dp + dn) :: wrong-operand #! dW = anchor.T @ da + negative.T @ dp + positive.T @ dn :: wrong-operand
    return loss, dW, dC
""",
)

_SCALARS = Source(
    "two neurons by name, plain numbers in arrays",
    "step",
    """
import numpy as np

class OurNeuralNetwork:
    def __init__(self, rng):
        self.w = rng.normal(size=6)
        self.b = rng.normal(size=3)

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def deriv_sigmoid(x):
    fx = sigmoid(x)
    return fx * (1 - fx)

def run(net, x, y_true, learn_rate=0.1):
    w, b = net.w, net.b
    sum_h1 = w[0] * x[0] + w[1] * x[1] + b[0]
    h1 = sigmoid(sum_h1)
    sum_h2 = w[2] * x[0] + w[3] * x[1] + b[1]
    h2 = sigmoid(sum_h2)
    sum_o1 = w[4] * h1 + w[5] * h2 + b[2]
    o1 = sigmoid(sum_o1)
    loss = (y_true - o1) ** 2
    d_L_d_ypred = -2 * (y_true - o1)  #! d_L_d_ypred = 2 * (y_true - o1) :: scale|target
    d_w5 = h1 * deriv_sigmoid(sum_o1)  #! d_w5 = h2 * deriv_sigmoid(sum_o1) :: wrong-operand
    d_w6 = h2 * deriv_sigmoid(sum_o1)  #! d_w6 = h2 * deriv_sigmoid(o1) :: derivative-at-output
    d_b3 = deriv_sigmoid(sum_o1)
    d_h1 = w[4] * deriv_sigmoid(sum_o1)  #! d_h1 = w[5] * deriv_sigmoid(sum_o1) :: wrong-operand
    d_h2 = w[5] * deriv_sigmoid(sum_o1)
    d_w1 = x[0] * deriv_sigmoid(sum_h1)
    d_w2 = x[1] * deriv_sigmoid(sum_h1)  #! d_w2 = x[1] * deriv_sigmoid(sum_h2) :: derivative-at-output|wrong-operand #! d_w2 = x[1] :: missing-derivative
    d_b1 = deriv_sigmoid(sum_h1)
    d_w3 = x[0] * deriv_sigmoid(sum_h2)
    d_w4 = x[1] * deriv_sigmoid(sum_h2)
    d_b2 = deriv_sigmoid(sum_h2)
    net.w = w - learn_rate * d_L_d_ypred * np.array([d_h1 * d_w1, d_h1 * d_w2, d_h2 * d_w3, d_h2 * d_w4, d_w5, d_w6])
    net.b = b - learn_rate * d_L_d_ypred * np.array([d_h1 * d_b1, d_h2 * d_b2, d_b3])

def setup(rng, n):
    return (OurNeuralNetwork(rng), rng.normal(size=2), 1.0), ["net"]
""",
)

STRANGERS_B = (_TRAIN, _STALE, _EMBEDDING, _HEADS, _GRU, _HUBER, _TRIPLET, _SCALARS)
