import numpy as np


def backprop(*, strength, c1, c2, c3, A, y):
    # forward
    v2 = c2 + strength * c1  # (3, 3)
    w = np.linalg.solve(v2, c3)  # (3,)
    e = A @ w - y  # (6,)
    loss = np.mean(e**2)  # scalar
    # backward
    dw = A.T @ (2 / 6 * e)  # (3,)
    dstrength = -np.sum(np.linalg.solve(v2.T, dw[..., None]) * w[..., None, :] * c1)  # scalar
    return loss, {"strength": dstrength}
