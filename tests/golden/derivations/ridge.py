import numpy as np


def backprop(*, strength, c1, c2, c3, A, y):
    # forward
    t1 = c2 + strength * c1  # (3, 3)
    w = np.linalg.solve(t1, c3)  # (3,)
    t2 = A @ w - y  # (6,)
    loss = np.mean(t2**2)  # scalar
    # backward
    dw = A.T @ (2 / 6 * t2)  # (3,)
    dstrength = -np.sum(np.linalg.solve(t1.T, dw[..., None]) * w[..., None, :] * c1)  # scalar
    return loss, {"strength": dstrength}
