import numpy as np


def backprop(*, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5, a_0, target):
    # forward
    Z1 = a_0 @ W1 + b1  # (2, 16)
    a_1 = np.maximum(0, Z1)  # (2, 16)
    Z2 = a_1 @ W2 + b2  # (2, 16)
    a_2 = np.maximum(0, Z2)  # (2, 16)
    Z3 = a_2 @ W3 + b3  # (2, 16)
    a_3 = np.maximum(0, Z3)  # (2, 16)
    Z4 = a_3 @ W4 + b4  # (2, 16)
    a = np.maximum(0, Z4)  # (2, 16)
    Z5 = a @ W5 + b5  # (2, 3)
    e = Z5 - target  # (2, 3)
    loss = np.mean(e**2)  # scalar
    # backward
    dZ5 = 2 / 6 * e  # (2, 3)
    db5 = dZ5.sum(axis=0)  # (3,)
    dW5 = a.T @ dZ5  # (16, 3)
    da = dZ5 @ W5.T  # (2, 16)
    dZ4 = da * (Z4 > 0)  # (2, 16)
    db4 = dZ4.sum(axis=0)  # (16,)
    dW4 = a_3.T @ dZ4  # (16, 16)
    da_3 = dZ4 @ W4.T  # (2, 16)
    dZ3 = da_3 * (Z3 > 0)  # (2, 16)
    db3 = dZ3.sum(axis=0)  # (16,)
    dW3 = a_2.T @ dZ3  # (16, 16)
    da_2 = dZ3 @ W3.T  # (2, 16)
    dZ2 = da_2 * (Z2 > 0)  # (2, 16)
    db2 = dZ2.sum(axis=0)  # (16,)
    dW2 = a_1.T @ dZ2  # (16, 16)
    da_1 = dZ2 @ W2.T  # (2, 16)
    dZ1 = da_1 * (Z1 > 0)  # (2, 16)
    db1 = dZ1.sum(axis=0)  # (16,)
    dW1 = a_0.T @ dZ1  # (8, 16)
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
