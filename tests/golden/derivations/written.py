import numpy as np


def backprop(*, W, x):
    # forward
    t1 = np.zeros((4, 3))  # (4, 3)
    t1[:, 0] = x @ W[:, 0]
    t2 = t1.copy()  # (4, 3)
    t2[:, 1] = x @ W[:, 1] * 2
    out = t2.copy()  # (4, 3)
    out[:, 2] = x @ W[:, 2] * 3
    centred = out - out.mean(axis=0)  # (4, 3)
    Z1 = np.einsum("ij,kj->ik", centred, W)  # (4, 3)
    loss = np.mean(Z1**2)  # scalar
    # backward
    dZ1 = 2 / 12 * Z1  # (4, 3)
    dcentred = np.einsum("ik,kj->ij", dZ1, W)  # (4, 3)
    dout = dcentred - dcentred.sum(axis=0) / 4  # (4, 3)
    dt2 = dout.copy()  # (4, 3)
    dt2[:, 2] = 0.0
    t3 = np.zeros((3, 3))  # (3, 3)
    t3[:, 2] = x.T @ (3 * dout[:, 2])
    dt1 = dt2.copy()  # (4, 3)
    dt1[:, 1] = 0.0
    t4 = np.zeros((3, 3))  # (3, 3)
    t4[:, 1] = x.T @ (2 * dt2[:, 1])
    t5 = np.zeros((3, 3))  # (3, 3)
    t5[:, 0] = x.T @ dt1[:, 0]
    dW = np.einsum("ik,ij->kj", dZ1, centred) + t3 + t4 + t5  # (3, 3)
    return loss, {"W": dW}
