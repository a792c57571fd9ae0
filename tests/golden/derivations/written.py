import numpy as np


def backprop(*, W, x):
    # forward
    out_1 = np.zeros((4, 3))  # (4, 3)
    out_1[:, 0] = x @ W[:, 0]
    out_2 = out_1.copy()  # (4, 3)
    out_2[:, 1] = x @ W[:, 1] * 2
    out = out_2.copy()  # (4, 3)
    out[:, 2] = x @ W[:, 2] * 3
    centred = out - out.mean(axis=0)  # (4, 3)
    Z1 = np.einsum("ij,kj->ik", centred, W)  # (4, 3)
    loss = np.mean(Z1**2)  # scalar
    # backward
    dZ1 = 2 / 12 * Z1  # (4, 3)
    dcentred = np.einsum("ik,kj->ij", dZ1, W)  # (4, 3)
    dout = dcentred - dcentred.sum(axis=0) / 4  # (4, 3)
    dout_2 = dout.copy()  # (4, 3)
    dout_2[:, 2] = 0.0
    t1 = np.zeros((3, 3))  # (3, 3)
    t1[:, 2] = x.T @ (3 * dout[:, 2])
    dout_1 = dout_2.copy()  # (4, 3)
    dout_1[:, 1] = 0.0
    t2 = np.zeros((3, 3))  # (3, 3)
    t2[:, 1] = x.T @ (2 * dout_2[:, 1])
    t3 = np.zeros((3, 3))  # (3, 3)
    t3[:, 0] = x.T @ dout_1[:, 0]
    dW = np.einsum("ik,ij->kj", dZ1, centred) + t1 + t2 + t3  # (3, 3)
    return loss, {"W": dW}
