import numpy as np


def backprop(*, W, M, D, x, eps):
    # forward
    mu = x @ M  # (5, 2)
    logvar = x @ W  # (5, 2)
    v2 = np.exp(0.5 * logvar)  # (5, 2)
    z = mu + v2 * eps  # (5, 2)
    Z1 = z @ D  # (5, 6)
    v4 = Z1 - x  # (5, 6)
    reconstruction = np.mean(np.sum(v4**2, axis=1))  # scalar
    Z2 = 1 + logvar  # (5, 2)
    v9 = np.exp(logvar)  # (5, 2)
    divergence = -0.5 * np.mean(np.sum(Z2 - mu**2 - v9, axis=1))  # scalar
    loss = reconstruction + divergence  # scalar
    # backward
    dZ1 = 2 / 5 * v4  # (5, 6)
    dD = z.T @ dZ1  # (2, 6)
    dz = dZ1 @ D.T  # (5, 2)
    dmu = mu / 5 + dz  # (5, 2)
    dM = x.T @ dmu  # (6, 2)
    dlogvar = 0.1 * v9 - 0.1 + 0.5 * (dz * eps * v2)  # (5, 2)
    dW = x.T @ dlogvar  # (6, 2)
    return loss, {"W": dW, "M": dM, "D": dD}
