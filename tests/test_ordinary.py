"""Numerical programs as people write them who never thought of derivatives: values, first and second order, float32."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import hvp, value_and_grad

Program = Callable[..., Any]
PROGRAMS: list[tuple[Program, tuple[Any, ...]]] = []


def program(*inputs: Any) -> Callable[[Program], Program]:
    """Register a program with its inputs: arrays, or shapes of normal ones."""

    def register(fn: Program) -> Program:
        rng = np.random.default_rng(len(PROGRAMS))
        made = tuple(rng.normal(size=i) if isinstance(i, tuple) else np.asarray(i, float) for i in inputs)
        PROGRAMS.append((fn, made))
        return fn

    return register


@program([1.0, 2.0], [0.5, 0.3, 0.2, 0.4])
def runge_kutta(y0: Any, p: Any) -> Any:
    def slope(y: Any) -> Any:
        d = np.zeros_like(y)
        d[0] = p[0] * y[0] - p[1] * y[0] * y[1]
        d[1] = -p[2] * y[1] + p[3] * y[0] * y[1]
        return d

    path, h = np.empty_like(y0, shape=(8, 2)), 0.1
    path[0] = y0
    for k in range(7):
        y = path[k]
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        path[k + 1] = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return path[-1] @ path[-2]


@program((4, 2))
def euler_with_a_list(y: Any) -> Any:
    for k in range(1, 4):
        y[k] = [y[k - 1, 0] + 0.1 * y[k - 1, 1], y[k - 1, 1] - 0.1 * np.sin(y[k - 1, 0])]
    return np.sum(y**2)


@program((5,), 0.3, 0.4)
def kalman(z: Any, q: Any, r: Any) -> Any:
    F, H = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    x, P, likelihood = np.zeros((2, 1)), np.eye(2), 0.0
    for k in range(len(z)):
        x, P = np.dot(F, x), np.linalg.multi_dot([F, P, F.T]) + q * np.identity(2)
        S = np.dot(np.dot(H, P), H.T) + r
        K, e = np.dot(P, H.T) @ np.linalg.pinv(S), z[k] - np.dot(H, x)
        x, P = x + np.dot(K, e), P - K @ S @ K.T
        likelihood -= 0.5 * (np.linalg.slogdet(2 * np.pi * S)[1] + np.squeeze(e.T @ np.linalg.solve(S, e)))
    return likelihood


@program((6, 2), (3, 2), (3,))
def mixture(x: Any, mu: Any, w: Any) -> Any:
    log_weights = w - np.logaddexp.reduce(w)
    log_p = -0.5 * ((x[:, np.newaxis] - mu) ** 2).sum(-1) + log_weights
    return np.logaddexp.reduce(log_p, axis=1).sum()


@program((5, 2), (5,), [0.1, 0.2, -1.0])
def gaussian_process(x: Any, y: Any, theta: Any) -> Any:
    length, scale, noise = np.exp(theta)
    squares = np.sum(x**2, 1).reshape(-1, 1) + np.sum(x**2, 1) - 2 * np.dot(x, x.T)
    K = scale**2 * np.exp(-0.5 / length**2 * squares)
    K[np.diag_indices_from(K)] += noise**2
    L = np.linalg.cholesky(K)
    return 0.5 * y @ np.linalg.solve(L.T, np.linalg.solve(L, y)) + np.sum(np.log(np.diagonal(L)))


@program((6, 4))
def principal_components(x: Any) -> Any:
    x = x - x.mean(axis=0)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return np.sum((x - u[:, :2] @ np.diag(s[:2]) @ vt[:2]) ** 3)


@program([0.3, 1.2, 3.7], (5,))
def spline(x: Any, y: Any) -> Any:
    n, right = len(y), np.zeros_like(y)
    A = np.zeros((n, n))
    A[0, 0] = A[-1, -1] = 1
    for i in range(1, n - 1):
        A[i, i - 1 : i + 2] = 1, 4, 1
    right[1:-1] = 6 * (y[2:] - 2 * y[1:-1] + y[:-2])
    m = np.linalg.solve(A, right)
    i = np.clip(np.searchsorted(np.arange(n), x, side="right") - 1, 0, n - 2)
    t = x - i
    s = m[i] * (1 - t) ** 3 / 6 + m[i + 1] * t**3 / 6 + (y[i] - m[i] / 6) * (1 - t) + (y[i + 1] - m[i + 1] / 6) * t
    return np.sum(s**2) + np.interp(x, np.arange(n), y).sum()


@program((5, 5), (2, 2))
def convolution_in_loops(x: Any, w: Any) -> Any:
    out = np.zeros_like(x, shape=(4, 4))
    for i in range(4):
        for j in range(4):
            out[i, j] = np.sum(x[i : i + 2, j : j + 2] * w)
    pooled = np.maximum(out, 0).reshape(2, 2, 2, 2).max(axis=3).max(axis=1)
    return np.sum(pooled**2)


@program((4, 3), (3, 3))
def attention(x: Any, w: Any) -> Any:
    s = np.einsum("td,de,se->ts", x, w, x)
    s[np.triu_indices(len(x), 1)] = -np.inf
    p = np.exp(s - s.max(axis=1)[:, None])
    p /= p.sum(axis=1)[:, None]
    return (p @ x).var()


@program((4, 2), (2, 12), (3, 12), (12,))
def lstm(x: Any, wx: Any, wh: Any, b: Any) -> Any:
    h, c, outputs = np.zeros(3), np.zeros(3), []
    for step in x:
        i, f, o, g = np.split(step @ wx + h @ wh + b, 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        outputs.append(h)
    return np.sum(np.stack(outputs) ** 2)


@program((3, 3), (3, 3), (3,))
def hidden_markov(A: Any, B: Any, start: Any) -> Any:
    A, B = (m - np.logaddexp.reduce(m, axis=1, keepdims=True) for m in (A, B))
    seen = [0, 1, 1, 0, 2]
    alpha = np.zeros_like(A, shape=(len(seen), 3))
    alpha[0] = start + B[:, seen[0]]
    for t in range(1, len(seen)):
        for j in range(3):
            alpha[t, j] = np.logaddexp.reduce(alpha[t - 1] + A[:, j]) + B[j, seen[t]]
    return np.logaddexp.reduce(alpha[-1])


@program((4, 5), 0.5)
def alignment(s: Any, gap: Any) -> Any:
    n, m = s.shape
    d = np.zeros_like(s, shape=(n + 1, m + 1))
    d[:, 0], d[0] = -gap * np.arange(n + 1), -gap * np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            d[i, j] = max(d[i - 1, j - 1] + s[i - 1, j - 1], d[i - 1, j] - gap, d[i, j - 1] - gap)
    return d[n, m] ** 2


@program((4,))
def huber(w: Any) -> Any:
    r = np.array([1.0, 2.0, -3.0, 0.2]) - w
    out, small = np.zeros_like(r), np.abs(r) <= 1
    out[small] = 0.5 * r[small] ** 2
    out[~small] = np.abs(r[~small]) - 0.5
    return out.sum()


@program((4,), (3,))
def rotation(q: Any, v: Any) -> Any:
    q = q / np.linalg.norm(q)
    t = 2 * np.cross(q[1:], v)
    return np.sum((v + q[0] * t + np.cross(q[1:], t)) ** 3)


@program(np.arange(12.0).reshape(4, 3) ** 1.1 * 0.3)
def lennard_jones(x: Any) -> Any:
    i, j = np.triu_indices(len(x), k=1)
    d = x[i] - x[j]
    squares = np.sum(d * d, axis=1)
    near = squares < 9.0
    s6 = (1 / squares[near]) ** 3
    return 4 * np.sum(s6**2 - s6)


@program((7,))
def risk(x: Any) -> Any:
    worst = np.mean(np.sort(x)[4:]) + np.partition(x, -2)[-2:].sum() + np.quantile(x, 0.37)
    return worst + x[x >= np.percentile(x, 50)].mean() * np.cumprod(1 - x / 9)[-1]


@program((6,))
def softmax_by_segments(x: Any) -> Any:
    segment = np.array([0, 0, 1, 1, 1, 2])
    e = np.exp(x - np.maximum.reduceat(x, [0, 2, 5])[segment])
    return np.sum((e / np.bincount(segment, weights=e)[segment]) ** 2)


@program((4, 2))
def messages_on_a_graph(h: Any) -> Any:
    source, target = np.array([0, 1, 1, 2, 3]), np.array([1, 0, 2, 1, 1])
    total, largest = np.zeros_like(h), np.full_like(h, -np.inf)
    np.add.at(total, target, h[source])
    np.maximum.at(largest, target, h[source])
    largest[~np.isfinite(largest)] = 0
    return np.sum(total * largest)


@program([2.0, 0.1, -1.0, 3.0])
def guarded_division(x: Any) -> Any:
    inverse = np.divide(1.0, x, out=np.zeros_like(x), where=np.abs(x) > 0.5)
    return np.sum(inverse**2) + np.log(x, out=np.zeros_like(x), where=x > 0.5).sum()


@program((4, 4), (4,))
def elimination(A: Any, b: Any) -> Any:
    A, b, n = A.copy(), copy.deepcopy(b), len(b)
    for i in range(n):
        p = i + np.argmax(np.abs(A[i:, i]))
        A[[i, p]], b[[i, p]] = A[[p, i]], b[[p, i]]
        for j in range(i + 1, n):
            f = A[j, i] / A[i, i]
            A[j, i:] -= f * A[i, i:]
            b[j] -= f * b[i]
    x = np.zeros_like(b)
    for i in reversed(range(n)):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x.sum()


@program([1.2, 1.5, 1.1, 1.9])
def finite_elements(k: Any) -> Any:
    n = len(k) + 1
    K, f = np.zeros_like(k, shape=(n, n)), np.ones(n)
    for e in range(len(k)):
        K[e : e + 2, e : e + 2] += k[e] * np.array([[1, -1], [-1, 1]])
    free, u = np.arange(1, n), np.zeros_like(k, shape=n)
    u[free] = np.linalg.solve(K[np.ix_(free, free)], f[free])
    return f @ u


@program([-1.0, -1.0, 0.0], (6,))
def volatility(p: Any, r: Any) -> Any:
    s = np.empty_like(r)
    s[0] = np.var(r)
    for t in range(1, len(r)):
        s[t] = np.exp(p[0]) + r[t - 1] ** 2 / (1 + np.exp(-p[1])) + s[t - 1] / (1 + np.exp(-p[2]))
    return np.sum(np.log(s) + r**2 / s)


@program(np.random.default_rng(0).uniform(size=(3, 3)))
def optimal_transport(cost: Any) -> Any:
    f, g = np.zeros(3), np.zeros(3)
    for _ in range(10):
        f = -0.5 * np.logaddexp.reduce((g[None, :] - cost) / 0.5, axis=1)
        g = -0.5 * np.logaddexp.reduce((f[:, None] - cost) / 0.5, axis=0)
    return np.sum(np.exp((f[:, None] + g - cost) / 0.5) * cost)


@dataclasses.dataclass
class Pendulum:
    x: Any
    v: Any


@program(0.4, 0.1)
def state_in_a_dataclass(x: Any, v: Any) -> Any:
    state = Pendulum(x, v)
    for _ in range(5):
        before = copy.deepcopy(state)
        state.v = state.v - 0.1 * np.sin(before.x)
        state = dataclasses.replace(state, x=before.x + 0.1 * state.v)
    return sum(dataclasses.asdict(state).values()) ** 2


def along(fn: Program, inputs: tuple[Any, ...], directions: list[Any], h: float) -> Any:
    return fn(*[a + h * d for a, d in zip(inputs, directions, strict=True)])


@pytest.mark.parametrize(("fn", "inputs"), PROGRAMS, ids=lambda v: getattr(v, "__name__", ""))
def test_ordinary_programs(fn: Program, inputs: tuple[Any, ...]) -> None:
    """Derivatives along a direction against central differences; nothing that was passed is changed."""
    rng, every = np.random.default_rng(0), tuple(range(len(inputs)))
    directions, h = [rng.normal(size=a.shape) for a in inputs], 1e-5
    kept = copy.deepcopy(inputs)
    value, gradients = value_and_grad(fn, every)(*inputs)
    np.testing.assert_allclose(value, fn(*copy.deepcopy(inputs)), rtol=1e-12)
    slope = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))
    rise = along(fn, inputs, directions, h) - along(fn, inputs, directions, -h)
    np.testing.assert_allclose(slope, rise / (2 * h), rtol=1e-6, atol=1e-7)

    def gradient(*args: Any) -> Any:
        return np.concatenate([np.ravel(g) for g in value_and_grad(fn, every)(*args)[1]])

    bend = np.concatenate([np.ravel(v) for v in hvp(fn, inputs, directions)])
    change = along(gradient, inputs, directions, h) - along(gradient, inputs, directions, -h)
    np.testing.assert_allclose(bend, change / (2 * h), rtol=1e-5, atol=1e-5)
    for a, before in zip(inputs, kept, strict=True):
        np.testing.assert_array_equal(a, before)

    single = value_and_grad(fn, every)(*[a.astype(np.float32) for a in inputs])[1]
    assert [g.dtype for g in single] == [np.float32] * len(inputs)
    for g, exact in zip(single, gradients, strict=True):
        np.testing.assert_allclose(g, exact, rtol=0.02, atol=0.02 * np.max(np.abs(exact)))
