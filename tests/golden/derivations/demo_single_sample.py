import numpy as np


def backprop(*, W1, B1, W2, B2, W3, B3, X, TARGET):
    # forward
    Z1 = W1 @ X + B1  # (4,)
    H1 = np.maximum(0, Z1)  # (4,)
    Z2 = W2 @ H1 + B2  # (3,)
    H2 = np.maximum(0, Z2)  # (3,)
    prediction = W3 @ H2 + B3  # (1,)
    e = TARGET - prediction  # (1,)
    loss = np.sum(e**2 / 2)  # scalar
    # backward
    dprediction = -e  # (1,)
    dW3 = np.outer(dprediction, H2)  # (1, 3)
    dH2 = W3.T @ dprediction  # (3,)
    dZ2 = dH2 * (Z2 > 0)  # (3,)
    dW2 = np.outer(dZ2, H1)  # (3, 4)
    dH1 = W2.T @ dZ2  # (4,)
    dZ1 = dH1 * (Z1 > 0)  # (4,)
    dW1 = np.outer(dZ1, X)  # (4, 3)
    return loss, {"W1": dW1, "B1": dZ1, "W2": dW2, "B2": dZ2, "W3": dW3, "B3": dprediction}
