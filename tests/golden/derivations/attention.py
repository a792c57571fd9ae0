import numpy as np


def backprop(*, Wq, Wk, Wv, x):
    # forward
    q = x @ Wq  # (5, 4)
    k = x @ Wk  # (5, 4)
    v = x @ Wv  # (5, 4)
    t1 = q @ k.T  # (5, 5)
    t2 = t1 / 2  # (5, 5)
    t3 = np.exp(t2 - t2.max(axis=-1, keepdims=True))  # (5, 5)
    a = t3 / t3.sum(axis=-1, keepdims=True)  # (5, 5)
    t4 = a @ v  # (5, 4)
    loss = np.mean(t4**2)  # scalar
    # backward
    dt4 = 2 / 20 * t4  # (5, 4)
    da = dt4 @ v.T  # (5, 5)
    dv = a.T @ dt4  # (5, 4)
    dWv = x.T @ dv  # (4, 4)
    dt1 = a * (da - np.sum(da * a, axis=-1, keepdims=True)) / 2  # (5, 5)
    dq = dt1 @ k  # (5, 4)
    dWq = x.T @ dq  # (4, 4)
    dk = dt1.T @ q  # (5, 4)
    dWk = x.T @ dk  # (4, 4)
    return loss, {"Wq": dWq, "Wk": dWk, "Wv": dWv}
