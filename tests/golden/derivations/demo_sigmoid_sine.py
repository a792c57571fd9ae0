import numpy as np


def backprop(*, w1, b1, w2, b2, x, y):
    # forward
    Z1 = w1 @ x + b1  # (25, 100)
    v2 = np.exp(-Z1)  # (25, 100)
    v3 = 1 + v2  # (25, 100)
    A1 = 1 / v3  # (25, 100)
    Z2 = w2 @ A1 + b2  # (1, 100)
    e = Z2 - y  # (1, 100)
    loss = np.mean(e**2)  # scalar
    # backward
    dZ2 = 2 / 100 * e  # (1, 100)
    db2 = dZ2.sum(axis=1, keepdims=True)  # (1, 1)
    dw2 = dZ2 @ A1.T  # (1, 25)
    dA1 = w2.T @ dZ2  # (25, 100)
    dZ1 = dA1 / v3**2 * v2  # (25, 100)
    db1 = dZ1.sum(axis=1, keepdims=True)  # (25, 1)
    dw1 = dZ1 @ x.T  # (25, 1)
    return loss, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
