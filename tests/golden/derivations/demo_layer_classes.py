import numpy as np


def backprop(*, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5, x, y):
    # forward
    Z1 = x @ W1 + b1  # (2, 16)
    A1 = np.maximum(0, Z1)  # (2, 16)
    Z2 = A1 @ W2 + b2  # (2, 16)
    A2 = np.maximum(0, Z2)  # (2, 16)
    Z3 = A2 @ W3 + b3  # (2, 16)
    A3 = np.maximum(0, Z3)  # (2, 16)
    Z4 = A3 @ W4 + b4  # (2, 16)
    A4 = np.maximum(0, Z4)  # (2, 16)
    Z5 = A4 @ W5 + b5  # (2, 3)
    e = Z5 - y  # (2, 3)
    loss = np.mean(e**2)  # scalar
    # backward
    dZ5 = 2 / 6 * e  # (2, 3)
    db5 = dZ5.sum(axis=0)  # (3,)
    dW5 = A4.T @ dZ5  # (16, 3)
    dA4 = dZ5 @ W5.T  # (2, 16)
    dZ4 = dA4 * (Z4 > 0)  # (2, 16)
    db4 = dZ4.sum(axis=0)  # (16,)
    dW4 = A3.T @ dZ4  # (16, 16)
    dA3 = dZ4 @ W4.T  # (2, 16)
    dZ3 = dA3 * (Z3 > 0)  # (2, 16)
    db3 = dZ3.sum(axis=0)  # (16,)
    dW3 = A2.T @ dZ3  # (16, 16)
    dA2 = dZ3 @ W3.T  # (2, 16)
    dZ2 = dA2 * (Z2 > 0)  # (2, 16)
    db2 = dZ2.sum(axis=0)  # (16,)
    dW2 = A1.T @ dZ2  # (16, 16)
    dA1 = dZ2 @ W2.T  # (2, 16)
    dZ1 = dA1 * (Z1 > 0)  # (2, 16)
    db1 = dZ1.sum(axis=0)  # (16,)
    dW1 = x.T @ dZ1  # (8, 16)
    return loss, {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
        "W4": dW4,
        "b4": db4,
        "W5": dW5,
        "b5": db5,
    }
