import numpy as np


def backprop(*, Wq, Wk, Wv, x):
    # forward
    q = x @ Wq  # (5, 4)
    k = x @ Wk  # (5, 4)
    v = x @ Wv  # (5, 4)
    a1 = q @ k.T  # (5, 5)
    v2 = a1 / 2  # (5, 5)
    t1 = np.exp(v2 - v2.max(axis=-1, keepdims=True))  # (5, 5)
    a = t1 / t1.sum(axis=-1, keepdims=True)  # (5, 5)
    a2 = a @ v  # (5, 4)
    loss = np.mean(a2**2)  # scalar
    # backward
    da2 = 2 / 20 * a2  # (5, 4)
    da = da2 @ v.T  # (5, 5)
    dv = a.T @ da2  # (5, 4)
    dWv = x.T @ dv  # (4, 4)
    da1 = a * (da - np.sum(da * a, axis=-1, keepdims=True)) / 2  # (5, 5)
    dq = da1 @ k  # (5, 4)
    dWq = x.T @ dq  # (4, 4)
    dk = da1.T @ q  # (5, 4)
    dWk = x.T @ dk  # (4, 4)
    return loss, {"Wq": dWq, "Wk": dWk, "Wv": dWv}
