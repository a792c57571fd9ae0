import numpy as np


def backprop(*, W1, b1, W2, b2, W3, b3, X, y):
    # forward
    Z1 = X @ W1 + b1  # (100, 16)
    A1 = np.maximum(Z1, 0)  # (100, 16)
    Z2 = A1 @ W2 + b2  # (100, 8)
    A2 = np.maximum(Z2, 0)  # (100, 8)
    Z3 = A2 @ W3 + b3  # (100, 1)
    t1 = Z3 - y  # (100, 1)
    loss = np.mean(t1**2)  # scalar
    # backward
    dZ3 = 2 / 100 * t1  # (100, 1)
    dW3 = A2.T @ dZ3  # (8, 1)
    db3 = dZ3.sum(axis=0)  # (1,)
    dA2 = dZ3 @ W3.T  # (100, 8)
    dZ2 = dA2 * (Z2 > 0)  # (100, 8)
    dW2 = A1.T @ dZ2  # (16, 8)
    db2 = dZ2.sum(axis=0)  # (8,)
    dA1 = dZ2 @ W2.T  # (100, 16)
    dZ1 = dA1 * (Z1 > 0)  # (100, 16)
    dW1 = X.T @ dZ1  # (3, 16)
    db1 = dZ1.sum(axis=0)  # (16,)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}
