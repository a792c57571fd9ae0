import numpy as np


def backprop(*, W1, b1, W2, b2, X, Y):
    # forward
    Z1 = X @ W1 + b1  # (20, 8)
    H = np.tanh(Z1)  # (20, 8)
    logits = H @ W2 + b2  # (20, 3)
    t1 = logits.max(axis=1, keepdims=True)  # (20, 1)
    t2 = logits - t1  # (20, 3)
    E = np.exp(t2)  # (20, 3)
    t3 = E.sum(axis=1, keepdims=True)  # (20, 1)
    P = E / t3  # (20, 3)
    loss = -np.sum(Y * np.log(P)) / 20  # scalar
    # backward
    dP = -Y / 20 / P  # (20, 3)
    dE = dP / t3 - np.sum(dP * E / t3**2, axis=1, keepdims=True)  # (20, 3)
    dt2 = dE * E  # (20, 3)
    t4 = logits == t1  # (20, 3)
    t5 = np.maximum(np.count_nonzero(t4, axis=1, keepdims=True), 1).astype(np.float64)  # (20, 1)
    dlogits = dt2 - dt2.sum(axis=1, keepdims=True) / t5 * t4  # (20, 3)
    db2 = dlogits.sum(axis=0)  # (3,)
    dW2 = H.T @ dlogits  # (8, 3)
    dH = dlogits @ W2.T  # (20, 8)
    dZ1 = dH * (1 - H**2)  # (20, 8)
    db1 = dZ1.sum(axis=0)  # (8,)
    dW1 = X.T @ dZ1  # (4, 8)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
