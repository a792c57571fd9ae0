"""The Fourier transform, as a linear function of real and imaginary parts: its rule is the transform back."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.rules.definition import defop, dispatched


@dispatched
def packed_fft(a: Any, axes: Any, back: bool = False) -> Any:
    """The Fourier transform over `axes`, of real parts on top of imaginary ones, and so given; `back` is its adjoint.

    >>> packed_fft(np.array([[1.0, 1.0], [0.0, 0.0]]), (0,)).tolist()
    [[2.0, 0.0], [0.0, 0.0]]
    """
    z = a[0] + 1j * a[1]
    z = np.fft.ifftn(z, axes=axes, norm="forward") if back else np.fft.fftn(z, axes=axes)
    return np.stack((z.real, z.imag)).astype(a.dtype)


defop(
    packed_fft,
    name="packed_fft",
    label="fft",
    vjp=(lambda g, y, a, axes, back=False: packed_fft(g, axes, not back), None),
    math=r"\bar a_j = \sum_k e^{2 \pi i j k / n} \, \bar y_k, \quad y_k = \sum_j e^{-2 \pi i j k / n} \, a_j",
    samples=[
        lambda rng: (rng.normal(size=(2, 5)), (0,)),
        lambda rng: (rng.normal(size=(2, 3, 4)), (0, 1), {"back": True}),
    ],
)
