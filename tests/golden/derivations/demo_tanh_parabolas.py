import numpy as np


def backprop(*, w1, b1, w2, b2, x, c1, c2):
    # forward
    Z1 = w1 @ x + b1  # (3, 32)
    A1 = np.tanh(Z1)  # (3, 32)
    Z2 = w2 @ A1 + b2  # (1, 32)
    t1 = np.exp(-Z2)  # (1, 32)
    t2 = 1 + t1  # (1, 32)
    t3 = 1 / t2  # (1, 32)
    t4 = 1 - t3  # (1, 32)
    t5 = 0.001 * (np.linalg.norm(w1, ord=1) + np.linalg.norm(w2, ord=1))  # scalar
    loss = np.mean(-(c1 * np.log(t3) + c2 * np.log(t4))) + t5  # scalar
    # backward
    dZ2 = (c2 / 32 / t4 - c1 / 32 / t3) / t2**2 * t1  # (1, 32)
    db2 = dZ2.sum(axis=1, keepdims=True)  # (1, 1)
    dA1 = w2.T @ dZ2  # (3, 32)
    dZ1 = dA1 * (1 - A1**2)  # (3, 32)
    db1 = dZ1.sum(axis=1, keepdims=True)  # (3, 1)
    t6 = np.sum(np.abs(w2), axis=0, keepdims=True)  # (1, 3)
    t7 = t6 == t6.max(axis=1, keepdims=True)  # (1, 3)
    dw2 = dZ2 @ A1.T + 0.001 * np.sign(w2) * (t7 / t7.sum(axis=1, keepdims=True))  # (1, 3)
    t8 = np.sum(np.abs(w1), axis=0, keepdims=True)  # (1, 2)
    t9 = t8 == t8.max(axis=1, keepdims=True)  # (1, 2)
    dw1 = dZ1 @ x.T + 0.001 * np.sign(w1) * (t9 / t9.sum(axis=1, keepdims=True))  # (3, 2)
    return loss, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
