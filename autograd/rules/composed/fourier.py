"""`np.fft`: what each transform pads, cuts and scales, around one recorded transform."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.core.op import BODIES
from autograd.rules.composed.complex import Complex, as_complex, implements
from autograd.rules.fourier import packed_fft


def _resized(z: Any, n: int, axis: int) -> Any:
    """The first `n` elements along an axis, with zeros behind where there are fewer."""
    have = np.shape(z)[axis]
    if n > have:
        return np.pad(z, [(0, n - have if k == axis % np.ndim(z) else 0) for k in range(np.ndim(z))])
    return z if n == have else z[(slice(None),) * (axis % np.ndim(z)) + (slice(n),)]


def _scale(count: int, norm: Any, back: bool) -> float:
    if norm not in (None, "backward", "ortho", "forward"):
        raise ValueError(f"np.fft: norm={norm!r} is none of 'backward', 'ortho' and 'forward'")
    if norm == "ortho":
        return 1 / math.sqrt(count)
    return 1 / count if (norm == "forward") != back else 1.0


def _transformed(a: Any, s: Any, axes: Any, norm: Any, back: bool) -> Any:
    z: Any = as_complex(a)
    if axes is None:
        axes = range(-len(s), 0) if s is not None else range(z.ndim)
    axes = tuple([axis % z.ndim for axis in axes])
    for n, axis in zip(s or (), axes, strict=bool(s)):
        if n is not None and n != -1:
            z = _resized(z, n, axis)
    count = int(np.prod([np.shape(z)[axis] for axis in axes]))
    y = packed_fft(np.stack((z.real, z.imag)), axes, back) * _scale(count, norm, back)
    return Complex(y[0], y[1])


def _one(back: bool) -> Any:
    return lambda a, n=None, axis=-1, norm=None: _transformed(a, (n,), (axis,), norm, back)


def _two(back: bool) -> Any:
    return lambda a, s=None, axes=(-2, -1), norm=None: _transformed(a, s, axes, norm, back)


def _many(back: bool) -> Any:
    return lambda a, s=None, axes=None, norm=None: _transformed(a, s, axes, norm, back)


def _rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    z = np.moveaxis(_transformed(a, (n,), (axis,), norm, back=False), axis, -1)
    count = np.shape(z)[-1]
    half = z[..., : count // 2 + 1]
    whole: Any = Complex(half.real, half.imag * _twofold(count, half.dtype)[: count // 2 + 1] + 0.0)
    return np.moveaxis(whole, -1, axis)


def _twofold(n: int, dtype: Any) -> Any:
    """1 for each frequency that has a conjugate, 0 for those that have none: of real signals these are real."""
    twofold = np.ones(n, dtype).real
    twofold[[0, n // 2] if n % 2 == 0 else [0]] = 0.0
    return twofold


def _irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Of the half that is given, the other is the conjugate; what has no other half counts as real."""
    half: Any = as_complex(a)
    z = np.moveaxis(half, axis, -1)
    n = 2 * (np.shape(z)[-1] - 1) if n is None else n
    z = _resized(z, n // 2 + 1, -1)
    inner = z[..., 1 : (n + 1) // 2]
    whole = np.concatenate((z, np.conjugate(np.flip(inner, -1))), axis=-1)
    z = _transformed(Complex(whole.real, whole.imag * _twofold(n, whole.dtype)), (n,), (-1,), norm, back=True)
    return np.moveaxis(z.real, -1, axis)


def _rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    axes = tuple(range(-len(s), 0) if s is not None else range(np.ndim(a))) if axes is None else tuple(axes)
    s = [np.shape(a)[axis] for axis in axes] if s is None else list(s)  # as an axis may come twice
    z = _rfft(a, s[-1], axes[-1], norm)
    return _transformed(z, s[:-1], axes[:-1], norm, back=False) if axes[:-1] else z


def _irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    axes = tuple(range(-len(s), 0) if s is not None else range(np.ndim(a))) if axes is None else tuple(axes)
    s = [None] * len(axes) if s is None else list(s)
    z = _transformed(a, s[:-1], axes[:-1], norm, back=True) if axes[:-1] else a
    return _irfft(z, s[-1], axes[-1], norm)


def _swapped(norm: Any) -> Any:
    return {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)


_FUNCTIONS = {
    np.fft.fft: _one(back=False), np.fft.ifft: _one(back=True), np.fft.fft2: _two(back=False),
    np.fft.ifft2: _two(back=True), np.fft.fftn: _many(back=False), np.fft.ifftn: _many(back=True),
    np.fft.rfft: _rfft, np.fft.irfft: _irfft, np.fft.rfftn: _rfftn, np.fft.irfftn: _irfftn,
    np.fft.rfft2: lambda a, s=None, axes=(-2, -1), norm=None: _rfftn(a, s, axes, norm),
    np.fft.hfft: lambda a, n=None, axis=-1, norm=None: _irfft(np.conjugate(as_complex(a)), n, axis, _swapped(norm)),
    np.fft.ihfft: lambda a, n=None, axis=-1, norm=None: np.conjugate(_rfft(a, n, axis, _swapped(norm))),
    np.fft.irfft2: lambda a, s=None, axes=(-2, -1), norm=None: _irfftn(a, s, axes, norm),
}  # fmt: skip
for _fn, _body in _FUNCTIONS.items():
    BODIES[_fn] = implements(_fn)(_body)
BODIES[np.fft.fftshift] = lambda x, axes=None: _rolled(x, axes, 1)
BODIES[np.fft.ifftshift] = lambda x, axes=None: _rolled(x, axes, -1)


def _rolled(x: Any, axes: Any, sign: int) -> Any:
    axes = range(np.ndim(x)) if axes is None else (axes,) if isinstance(axes, int) else axes
    for axis in axes:
        n = np.shape(x)[axis]
        x = np.roll(x, n // 2 if sign > 0 else -(n // 2), axis)
    return x
