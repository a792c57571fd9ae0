import numpy as np


def backprop(*, W, x):
    # forward
    v3 = np.zeros((4, 3))  # (4, 3)
    v3[:, 0] = x @ W[:, 0]
    v6 = v3.copy()  # (4, 3)
    v6[:, 1] = x @ W[:, 1] * 2
    out = v6.copy()  # (4, 3)
    out[:, 2] = x @ W[:, 2] * 3
    centred = out - out.mean(axis=0)  # (4, 3)
    Z1 = np.einsum("ij,kj->ik", centred, W)  # (4, 3)
    loss = np.mean(Z1**2)  # scalar
    # backward
    dZ1 = 2 / 12 * Z1  # (4, 3)
    dcentred = np.einsum("ik,kj->ij", dZ1, W)  # (4, 3)
    dout = dcentred - dcentred.sum(axis=0) / 4  # (4, 3)
    dv6 = dout.copy()  # (4, 3)
    dv6[:, 2] = 0.0
    t1 = np.zeros((3, 3))  # (3, 3)
    t1[:, 2] = x.T @ (3 * dout[:, 2])
    dv3 = dv6.copy()  # (4, 3)
    dv3[:, 1] = 0.0
    t2 = np.zeros((3, 3))  # (3, 3)
    t2[:, 1] = x.T @ (2 * dv6[:, 1])
    t3 = np.zeros((3, 3))  # (3, 3)
    t3[:, 0] = x.T @ dv3[:, 0]
    dW = np.einsum("ik,ij->kj", dZ1, centred) + t1 + t2 + t3  # (3, 3)
    return loss, {"W": dW}
