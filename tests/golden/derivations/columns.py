import numpy as np


def backprop(*, W1, b1, W2, b2, X, Y):
    # forward
    Z1 = W1 @ X + b1  # (8, 20)
    v2 = np.exp(-Z1)  # (8, 20)
    v3 = 1 + v2  # (8, 20)
    A1 = 1 / v3  # (8, 20)
    Z2 = W2 @ A1 + b2  # (1, 20)
    e = Z2 - Y  # (1, 20)
    loss = np.sum(e**2) / 40  # scalar
    # backward
    dZ2 = 2 / 40 * e  # (1, 20)
    db2 = dZ2.sum(axis=1, keepdims=True)  # (1, 1)
    dW2 = dZ2 @ A1.T  # (1, 8)
    dA1 = W2.T @ dZ2  # (8, 20)
    dZ1 = dA1 / v3**2 * v2  # (8, 20)
    db1 = dZ1.sum(axis=1, keepdims=True)  # (8, 1)
    dW1 = dZ1 @ X.T  # (8, 3)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
