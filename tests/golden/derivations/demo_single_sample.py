import numpy as np


def backprop(*, W1, B1, W2, B2, W3, B3, x, y):
    # forward
    Z1 = W1 @ x + B1  # (4,)
    A1 = np.maximum(0, Z1)  # (4,)
    Z2 = W2 @ A1 + B2  # (3,)
    A2 = np.maximum(0, Z2)  # (3,)
    Z3 = W3 @ A2 + B3  # (1,)
    e = y - Z3  # (1,)
    loss = np.sum(e**2 / 2)  # scalar
    # backward
    dZ3 = -e  # (1,)
    dW3 = np.outer(dZ3, A2)  # (1, 3)
    dA2 = W3.T @ dZ3  # (3,)
    dZ2 = dA2 * (Z2 > 0)  # (3,)
    dW2 = np.outer(dZ2, A1)  # (3, 4)
    dA1 = W2.T @ dZ2  # (4,)
    dZ1 = dA1 * (Z1 > 0)  # (4,)
    dW1 = np.outer(dZ1, x)  # (4, 3)
    return loss, {"W1": dW1, "B1": dZ1, "W2": dW2, "B2": dZ2, "W3": dW3, "B3": dZ3}
