import numpy as np


def backprop(*, W, gain, shift, x):
    # forward
    h = x @ W  # (4, 6)
    t1 = h - h.mean(axis=1, keepdims=True)  # (4, 6)
    t2 = np.sqrt(np.var(h, axis=1, keepdims=True) + 1e-05)  # (4, 1)
    normal = t1 / t2  # (4, 6)
    t3 = normal * gain + shift  # (4, 6)
    loss = np.mean(t3**2)  # scalar
    # backward
    dt3 = 2 / 24 * t3  # (4, 6)
    dshift = dt3.sum(axis=0)  # (6,)
    dgain = np.sum(dt3 * normal, axis=0)  # (6,)
    dnormal = dt3 * gain  # (4, 6)
    dt1 = dnormal / t2  # (4, 6)
    t4 = 2 / 6 * (np.sum(dnormal * t1 / t2**2, axis=1, keepdims=True) / (2 * t2))  # (4, 1)
    dh = dt1 - t4 * t1 - dt1.sum(axis=1, keepdims=True) / 6  # (4, 6)
    dW = x.T @ dh  # (6, 6)
    return loss, {"W": dW, "gain": dgain, "shift": dshift}
