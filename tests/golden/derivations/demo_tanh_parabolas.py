import numpy as np


def backprop(*, w1, b1, w2, b2, x, y, c):
    # forward
    norms = np.linalg.norm(w1, ord=1) + np.linalg.norm(w2, ord=1)  # scalar
    Z1 = w1 @ x + b1  # (3, 32)
    a1 = np.tanh(Z1)  # (3, 32)
    Z2 = w2 @ a1 + b2  # (1, 32)
    v6 = np.exp(-Z2)  # (1, 32)
    v7 = 1 + v6  # (1, 32)
    a2 = 1 / v7  # (1, 32)
    v10 = 1 - a2  # (1, 32)
    loss = np.mean(-(y * np.log(a2) + c * np.log(v10))) + 0.001 * norms  # scalar
    # backward
    da2 = c / 32 / v10 - y / 32 / a2  # (1, 32)
    dZ2 = da2 / v7**2 * v6  # (1, 32)
    db2 = dZ2.sum(axis=1, keepdims=True)  # (1, 1)
    da1 = w2.T @ dZ2  # (3, 32)
    dZ1 = da1 * (1 - a1**2)  # (3, 32)
    db1 = dZ1.sum(axis=1, keepdims=True)  # (3, 1)
    t1 = np.sum(np.abs(w2), axis=0, keepdims=True)  # (1, 3)
    t2 = t1.max(axis=1, keepdims=True)  # (1, 1)
    t3 = np.abs(t1 - t2) <= 1.7763568394002505e-15 * np.abs(t2)  # (1, 3)
    dw2 = dZ2 @ a1.T + 0.001 * np.sign(w2) * (t3 / t3.sum(axis=1, keepdims=True))  # (1, 3)
    t4 = np.sum(np.abs(w1), axis=0, keepdims=True)  # (1, 2)
    t5 = t4.max(axis=1, keepdims=True)  # (1, 1)
    t6 = np.abs(t4 - t5) <= 1.7763568394002505e-15 * np.abs(t5)  # (1, 2)
    dw1 = dZ1 @ x.T + 0.001 * np.sign(w1) * (t6 / t6.sum(axis=1, keepdims=True))  # (3, 2)
    return loss, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
