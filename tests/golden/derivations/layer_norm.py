import numpy as np


def backprop(*, W, gain, shift, x):
    # forward
    h = x @ W  # (4, 6)
    v2 = h - h.mean(axis=1, keepdims=True)  # (4, 6)
    v5 = np.sqrt(np.var(h, axis=1, keepdims=True) + 1e-05)  # (4, 1)
    normal = v2 / v5  # (4, 6)
    z = normal * gain + shift  # (4, 6)
    loss = np.mean(z**2)  # scalar
    # backward
    dz = 2 / 24 * z  # (4, 6)
    dshift = dz.sum(axis=0)  # (6,)
    dgain = np.sum(dz * normal, axis=0)  # (6,)
    dnormal = dz * gain  # (4, 6)
    dv2 = dnormal / v5  # (4, 6)
    t1 = 2 / 6 * (np.sum(dnormal * v2 / v5**2, axis=1, keepdims=True) / (2 * v5))  # (4, 1)
    dh = dv2 - t1 * v2 - dv2.sum(axis=1, keepdims=True) / 6  # (4, 6)
    dW = x.T @ dh  # (6, 6)
    return loss, {"W": dW, "gain": dgain, "shift": dshift}
