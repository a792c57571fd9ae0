import numpy as np


def backprop(*, Wx, Wh, b, xs_0, h0, xs_1, xs_2):
    # forward
    Z1 = xs_0 @ Wx + h0 @ Wh + b  # (2, 5)
    h_1 = np.tanh(Z1)  # (2, 5)
    Z2 = xs_1 @ Wx + h_1 @ Wh + b  # (2, 5)
    h_2 = np.tanh(Z2)  # (2, 5)
    Z3 = xs_2 @ Wx + h_2 @ Wh + b  # (2, 5)
    h = np.tanh(Z3)  # (2, 5)
    loss = np.sum(h**2)  # scalar
    # backward
    dh = 2 * h  # (2, 5)
    dZ3 = dh * (1 - h**2)  # (2, 5)
    dh_2 = dZ3 @ Wh.T  # (2, 5)
    dZ2 = dh_2 * (1 - h_2**2)  # (2, 5)
    dh_1 = dZ2 @ Wh.T  # (2, 5)
    dZ1 = dh_1 * (1 - h_1**2)  # (2, 5)
    db = dZ3.sum(axis=0) + dZ2.sum(axis=0) + dZ1.sum(axis=0)  # (5,)
    dWh = h_2.T @ dZ3 + h_1.T @ dZ2 + h0.T @ dZ1  # (5, 5)
    dWx = xs_2.T @ dZ3 + xs_1.T @ dZ2 + xs_0.T @ dZ1  # (4, 5)
    return loss, {"Wx": dWx, "Wh": dWh, "b": db}
