import numpy as np


def backprop(*, W1, b1, W2, b2, X, Y):
    # forward
    Z1 = X @ W1 + b1  # (20, 8)
    H = np.tanh(Z1)  # (20, 8)
    logits = H @ W2 + b2  # (20, 3)
    v1 = logits.max(axis=1, keepdims=True)  # (20, 1)
    v2 = logits - v1  # (20, 3)
    E = np.exp(v2)  # (20, 3)
    v3 = E.sum(axis=1, keepdims=True)  # (20, 1)
    P = E / v3  # (20, 3)
    loss = -np.sum(Y * np.log(P)) / 20  # scalar
    # backward
    dP = -Y / 20 / P  # (20, 3)
    dE = dP / v3 - np.sum(dP * E / v3**2, axis=1, keepdims=True)  # (20, 3)
    dv2 = dE * E  # (20, 3)
    t1 = logits == v1  # (20, 3)
    t2 = np.maximum(np.count_nonzero(t1, axis=1, keepdims=True), 1).astype(np.float64)  # (20, 1)
    dlogits = dv2 - dv2.sum(axis=1, keepdims=True) / t2 * t1  # (20, 3)
    db2 = dlogits.sum(axis=0)  # (3,)
    dW2 = H.T @ dlogits  # (8, 3)
    dH = dlogits @ W2.T  # (20, 8)
    dZ1 = dH * (1 - H**2)  # (20, 8)
    db1 = dZ1.sum(axis=0)  # (8,)
    dW1 = X.T @ dZ1  # (4, 8)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
