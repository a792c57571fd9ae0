"""`scipy.signal` on Tensors: convolutions of any number of axes, and recursive filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

from autograd.rules.definition import defop, dispatched
from autograd.rules.samples import normal
from autograd.scipy.definition import attributes, composed

__getattr__ = attributes(scipy.signal)

# Convolution: the record is of the full one, of which the others are the middle


@dispatched
def full_convolution(a: Any, b: Any) -> Any:
    """The convolution of two arrays with as many axes.

    >>> full_convolution(np.ones(2), np.array([1.0, 2.0])).tolist()
    [1.0, 3.0, 2.0]
    """
    return scipy.signal.convolve(a, b)


def _correlated(g: Any, a: Any, b: Any) -> Any:
    """The gradient of `a` in its convolution with `b`."""
    kept = tuple([slice(m - 1, m - 1 + n) for n, m in zip(np.shape(a), np.shape(b), strict=True)])
    return full_convolution(g, np.flip(b))[kept]


defop(
    full_convolution,
    name="full_convolution",
    label="∗",
    role="product",
    vjp=(lambda g, y, a, b: _correlated(g, a, b), lambda g, y, a, b: _correlated(g, b, a)),
    math=(r"\bar a_i = \sum_j \bar y_{i + j} \, b_j", r"\bar b_j = \sum_i \bar y_{i + j} \, a_i"),
    samples=[normal(4, 3), normal((3, 4), (2, 2))],
)


def _convolved(name: str, a: Any, b: Any, mode: str, later: int = 0) -> Any:
    """`later` is 1 where mode="same" means the second of the two middles that an even size of `b` leaves."""
    if np.ndim(a) != np.ndim(b):
        raise ValueError(f"{name}: of arrays with as many axes, not {np.ndim(a)} and {np.ndim(b)}")
    if mode == "valid" and not all(n >= m for n, m in zip(np.shape(a), np.shape(b), strict=True)):
        a, b = b, a
        if not all(n >= m for n, m in zip(np.shape(a), np.shape(b), strict=True)):
            raise ValueError(f"{name}: {np.shape(b)} and {np.shape(a)} do not fit into each other, for mode='valid'")
    full = full_convolution(a, b)
    if mode == "full":
        return full
    if mode not in ("same", "valid"):
        raise ValueError(f"{name}: mode={mode!r} is none of 'full', 'same' and 'valid'")
    pairs = [(n, m, (m - 1 + later) // 2) for n, m in zip(np.shape(a), np.shape(b), strict=True)]
    return full[tuple([slice(k, k + n) if mode == "same" else slice(m - 1, n) for n, m, k in pairs])]


_MATH = r"\bar a_i = \sum_j \bar y_{i + j} \, b_j, \quad \bar b_j = \sum_i \bar y_{i + j} \, a_i"
_PLANES = [normal((4, 5), (2, 3)), normal((4, 5), (3, 2), mode="same"), normal((4, 5), (2, 3), mode="valid")]
_FRAMED = [normal((4, 5), (2, 3), boundary="symm"), normal((4, 5), (3, 2), mode="same", boundary="wrap"),
           normal((4, 5), (2, 3), mode="same", fillvalue=2.0)]  # fmt: skip
_AROUND = {"fill": "constant", "symm": "symmetric", "wrap": "wrap"}  # in words of np.pad


@composed(
    scipy.signal.convolve, math=_MATH, samples=[normal(5, 3), normal(5, 2, mode="same"), normal(3, 5, mode="valid")]
)
def _convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    return _convolved("scipy.signal.convolve", in1, in2, mode)


@composed(scipy.signal.fftconvolve, math=_MATH, samples=_PLANES)
def _fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    if axes is not None:
        raise TypeError("scipy.signal.fftconvolve: over all axes only; leave axes= out")
    return _convolved("scipy.signal.fftconvolve", in1, in2, mode)


@composed(scipy.signal.convolve2d, math=_MATH, samples=[*_PLANES, *_FRAMED])
def _convolve2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0) -> Any:
    return _planes("scipy.signal.convolve2d", in1, in2, mode, boundary, fillvalue)


def _planes(name: str, a: Any, b: Any, mode: str, boundary: str, fillvalue: Any, later: int = 0) -> Any:
    """A convolution of `a` with something around it, which `mode="valid"` does not meet."""
    if mode == "valid" or (boundary == "fill" and type(fillvalue) is int and not fillvalue):
        return _convolved(name, a, b, mode, later)
    if boundary not in _AROUND:
        raise ValueError(f"{name}: boundary={boundary!r} is none of {', '.join(map(repr, _AROUND))}")
    around = [(m - 1, m - 1) for m in np.shape(b)]
    options = {"constant_values": fillvalue} if boundary == "fill" else {}
    full = _convolved(name, np.pad(a, around, mode=_AROUND[boundary], **options), b, "valid")  # type: ignore[call-overload]
    first = [(m - 1 + later) // 2 for m in np.shape(b)]
    return full if mode == "full" else full[tuple([slice(k, k + n) for k, n in zip(first, np.shape(a), strict=True)])]


@composed(scipy.signal.correlate, math=_MATH, samples=[normal(5, 3), normal((4, 5), (2, 3), mode="valid")])
def _correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    return _convolved("scipy.signal.correlate", in1, np.flip(in2), mode)


@composed(scipy.signal.correlate2d, math=_MATH, samples=[*_PLANES, *_FRAMED])
def _correlate2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0) -> Any:
    return _planes("scipy.signal.correlate2d", in1, np.flip(in2), mode, boundary, fillvalue, later=1)


# Filters: a_0 y_n = u_n - a_1 y_{n - 1} - a_2 y_{n - 2} - ..., along the last axis


@dispatched
def recursive_filter(a: Any, u: Any) -> Any:
    """The filter whose poles are the roots of `a`.

    >>> recursive_filter(np.array([1.0, -0.5]), np.array([1.0, 0.0, 0.0])).tolist()
    [1.0, 0.5, 0.25]
    """
    return scipy.signal.lfilter([1.0], a, u).astype(u.dtype)


def _backwards(g: Any, a: Any) -> Any:
    return np.flip(recursive_filter(a, np.flip(g, -1)), -1)


def _poles(g: Any, y: Any, a: Any, u: Any) -> Any:
    v, n = _backwards(g, a), np.shape(u)[-1]
    slopes = [-np.sum(v[..., k:] * y[..., : n - k]) if k < n else 0 * np.sum(v) for k in range(np.shape(a)[0])]
    return np.stack(slopes)


defop(
    recursive_filter,
    name="recursive_filter",
    label="1 / a",
    vjp=(_poles, lambda g, y, a, u: _backwards(g, a)),
    math=(r"\bar a_k = -\sum_n \bar u_n \, y_{n - k}", r"\sum_k a_k \, \bar u_{n + k} = \bar y_n"),
    samples=[lambda rng: (np.array([1.0, -0.4, 0.2]), rng.normal(size=(2, 6)))],
)


@composed(
    scipy.signal.lfilter,
    math=r"a_0 y_n = \sum_k b_k x_{n - k} - \sum_{k > 0} a_k y_{n - k}",
    samples=[
        lambda rng: (rng.normal(size=3), np.array([1.5, -0.4, 0.2]), rng.normal(size=6)),
        lambda rng: (rng.normal(size=2), np.array([2.0, 0.3]), rng.normal(size=(5, 2)), {"axis": 0}),
    ],
)
def _lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    b, a, x = np.atleast_1d(b), np.atleast_1d(a), np.moveaxis(x, axis, -1)
    rows, n = np.reshape(x, (-1, np.shape(x)[-1])), np.shape(x)[-1]
    weighted = np.reshape(full_convolution(rows, np.reshape(b, (1, -1)))[:, :n], np.shape(x))
    if zi is None:
        return np.moveaxis(recursive_filter(a, weighted), -1, axis)
    zi = np.moveaxis(zi, axis, -1)  # what is still to come of the past: added to what is filtered
    missing = [(0, 0)] * (np.ndim(zi) - 1)
    y = recursive_filter(a, weighted + a[0] * np.pad(zi, [*missing, (0, max(n - np.shape(zi)[-1], 0))])[..., :n])
    return np.moveaxis(y, -1, axis), np.moveaxis(_to_come(b, a, x, y, zi), -1, axis)


def _to_come(b: Any, a: Any, x: Any, y: Any, zi: Any) -> Any:
    """What a filter holds at the end, and adds to its next outputs (direct form II, transposed)."""
    n, states = np.shape(x)[-1], []
    for i in range(np.shape(zi)[-1]):
        state: Any = zi[..., i + n] if i + n < np.shape(zi)[-1] else 0.0
        for weights, values, sign in ((b, x, 1), (a, y, -1)):
            for j in range(i + 1, min(len(weights), n + i + 1)):
                state = state + sign * weights[j] / a[0] * values[..., n - j + i]
        states.append(state)
    return np.stack(states, axis=-1)


@composed(
    scipy.signal.sosfilt,
    math=r"\text{one filter of second order after the other}",
    samples=[
        lambda rng: (np.array([[0.2, 0.3, 0.1, 1.0, -0.4, 0.1], [1.0, 0.5, 0.0, 1.0, 0.2, 0.3]]), rng.normal(size=6))
    ],
)
def _sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    if zi is None:
        for section in sos:
            x = _lfilter(section[:3], section[3:], x, axis)
        return x
    still_to_come = []
    for section, before in zip(sos, zi, strict=True):
        x, after = _lfilter(section[:3], section[3:], x, axis, before)
        still_to_come.append(after)
    return x, np.stack(still_to_come)
