import numpy as np


def backprop(*, W, b, X, Y):
    # forward
    Z1 = X @ W + b  # (5, 3)
    h = np.tanh(Z1)  # (5, 3)
    Z2 = h @ W + b  # (5, 3)
    A2 = np.tanh(Z2)  # (5, 3)
    out = A2 + h  # (5, 3)
    e = out - Y  # (5, 3)
    loss = np.mean(e**2)  # scalar
    # backward
    dout = 2 / 15 * e  # (5, 3)
    dZ2 = dout * (1 - A2**2)  # (5, 3)
    dh = dout + dZ2 @ W.T  # (5, 3)
    dZ1 = dh * (1 - h**2)  # (5, 3)
    db = dZ2.sum(axis=0) + dZ1.sum(axis=0)  # (3,)
    dW = h.T @ dZ2 + X.T @ dZ1  # (3, 3)
    return loss, {"W": dW, "b": db}
