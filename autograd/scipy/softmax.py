"""Functions of `scipy.special` over axes, and those that count: softmax, combinations, the multivariate gamma."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
import scipy.special as sp

from autograd.rules.reduce import restore
from autograd.rules.samples import normal
from autograd.scipy.definition import composed, recorded


def _logsumexp(g: Any, y: Any, a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    shares = restore(g, axis, keepdims) * np.exp(a - restore(y, axis, keepdims))
    return shares if b is None else b * shares


def _weighted(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    top = restore(logsumexp(a, axis=axis, keepdims=keepdims), axis, keepdims)
    return np.log(np.sum(b * np.exp(a - top), axis=axis, keepdims=keepdims)) + (
        top if keepdims else np.squeeze(top, axis) if axis is not None else top
    )


logsumexp = recorded(
    sp.logsumexp,
    vjp=_logsumexp,
    broadcasts=True,  # `a` against `b`
    composed={"b": _weighted},
    math=r"\bar a = \bar y \odot b \odot e^{a - y}",
    samples=[
        normal((3, 4)),
        normal((3, 4), axis=-1, keepdims=True),
        lambda rng: (rng.normal(size=(3, 4)), {"axis": 0, "b": rng.uniform(0.5, 2.0, size=4)}),
    ],
)
recorded(
    sp.softmax,
    vjp=lambda g, y, x, axis=None: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
    role="activation",
    math=r"\bar x_i = y_i \, (\bar y_i - \sum_j \bar y_j \, y_j)",
    samples=[normal((3, 4)), normal((3, 4), axis=-1)],
)
recorded(
    sp.log_softmax,
    vjp=lambda g, y, x, axis=None: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
    role="activation",
    math=r"\bar x_i = \bar y_i - e^{y_i} \sum_j \bar y_j",
    samples=[normal((3, 4)), normal((3, 4), axis=-1)],
)
if hasattr(sp, "softplus"):  # SciPy 1.16

    @composed(sp.softplus, math=r"\bar x = \bar y \odot (1 - e^{-y})", samples=[normal((3, 4))])
    def _softplus(x: Any) -> Any:
        return np.logaddexp(x, 0)


@composed(
    sp.comb,
    math=r"\bar n = \bar y \odot y \odot (\psi(n + 1) - \psi(n - k + 1))",
    samples=[lambda rng: (rng.uniform(3.2, 4.8, size=(2, 3)), 2.5)],
)
def _comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    if exact:
        raise TypeError("scipy.special.comb: exact=True counts with integers, which have no derivative; leave it out")
    if repetition:
        return sp.binom(N + k - 1, k)
    return np.where((k <= N) & (N >= 0) & (k >= 0), sp.binom(N, k), 0.0)


@composed(
    sp.factorial,
    math=r"\bar n = \bar y \odot y \odot \psi(n + 1)",
    samples=[lambda rng: (rng.uniform(0.5, 3.0, size=(2, 3)),)],
)
def _factorial(n: Any, exact: bool = False) -> Any:
    if exact:
        raise TypeError("scipy.special.factorial: exact=True counts with integers, which have no derivative")
    return np.where(n < 0, 0.0, sp.gamma(n + 1))


@composed(
    sp.multigammaln,
    math=r"\bar a = \bar y \odot \sum_{j=1}^d \psi(a + \tfrac{1 - j}{2})",
    samples=[lambda rng: (rng.uniform(2.5, 4.0, size=3), 3)],
)
def _multigammaln(a: Any, d: int) -> Any:
    if np.any(a <= 0.5 * (d - 1)):
        raise ValueError(f"a is above {0.5 * (d - 1)}, where the function is defined")
    halves = np.expand_dims(a, -1) - 0.5 * np.arange(d)
    return d * (d - 1) * (log(pi) / 4) + np.sum(sp.gammaln(halves), axis=-1)
