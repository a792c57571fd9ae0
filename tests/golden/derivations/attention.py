import numpy as np


def backprop(*, Wq, Wk, Wv, x):
    # forward
    q = x @ Wq  # (5, 4)
    k = x @ Wk  # (5, 4)
    v = x @ Wv  # (5, 4)
    v2 = q @ k.T  # (5, 5)
    v3 = v2 / 2  # (5, 5)
    t1 = np.exp(v3 - v3.max(axis=-1, keepdims=True))  # (5, 5)
    a = t1 / t1.sum(axis=-1, keepdims=True)  # (5, 5)
    v4 = a @ v  # (5, 4)
    loss = np.mean(v4**2)  # scalar
    # backward
    dv4 = 2 / 20 * v4  # (5, 4)
    da = dv4 @ v.T  # (5, 5)
    dv = a.T @ dv4  # (5, 4)
    dWv = x.T @ dv  # (4, 4)
    dv2 = a * (da - np.sum(da * a, axis=-1, keepdims=True)) / 2  # (5, 5)
    dq = dv2 @ k  # (5, 4)
    dWq = x.T @ dq  # (4, 4)
    dk = dv2.T @ q  # (5, 4)
    dWk = x.T @ dk  # (4, 4)
    return loss, {"Wq": dWq, "Wk": dWk, "Wv": dWv}
