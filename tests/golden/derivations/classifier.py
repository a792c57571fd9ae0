import numpy as np


def backprop(*, W1, b1, W2, b2, x, labels):
    # forward
    Z1 = x @ W1 + b1  # (6, 5)
    t1 = np.exp(-np.abs(Z1))  # (6, 5)
    A1 = np.where(Z1 < 0, t1, 1.0) / (1 + t1)  # (6, 5)
    Z2 = A1 @ W2 + b2  # (6, 3)
    t2 = Z2 - Z2.max(axis=-1, keepdims=True)  # (6, 3)
    t3 = np.exp(t2)  # (6, 3)
    t4 = t3.sum(axis=-1, keepdims=True)  # (6, 1)
    t5 = labels[..., None]  # (6, 1)
    loss = np.mean(0 - np.take_along_axis(t2 - np.log(t4), t5, axis=-1)[..., 0])  # scalar
    # backward
    dZ2 = (t3 / t4 - (t5 == np.arange(3))) / 6  # (6, 3)
    dW2 = A1.T @ dZ2  # (5, 3)
    db2 = dZ2.sum(axis=0)  # (3,)
    dA1 = dZ2 @ W2.T  # (6, 5)
    dZ1 = dA1 * (A1 * (1 - A1))  # (6, 5)
    dW1 = x.T @ dZ1  # (4, 5)
    db1 = dZ1.sum(axis=0)  # (5,)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
