r"""Functions of `scipy.special` of complex numbers: each is two real functions of two parts.

By the Cauchy-Riemann equations: where f(x + iy) = u + iv has the derivative d, u moves by Re d dx - Im d dy, and v by
Im d dx + Re d dy.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np
import scipy.special

from autograd.core.op import Sample
from autograd.rules.composed.complex import TABLE, Complex, as_complex
from autograd.rules.definition import defop, dispatched
from autograd.scipy.definition import difference

sp = scipy.special
_SLOPE = 2 / sqrt(pi)  # of the error function at 0
_DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "wofz": lambda z: 1j * _SLOPE - 2 * z * sp.wofz(z),
    "erf": lambda z: _SLOPE * np.exp(-z * z),
    "erfc": lambda z: -_SLOPE * np.exp(-z * z),
    "loggamma": sp.psi,
    "gamma": lambda z: sp.gamma(z) * sp.psi(z),
    "psi": lambda z: sum((z + k) ** -2 for k in range(5)) + difference(sp.psi, z + 5, 0.1),  # without its poles
}


@dispatched
def real_of(x: Any, y: Any, name: str) -> Any:
    """The real part of a function of x + iy, by its name in `scipy.special`."""
    return getattr(scipy.special, name)(x + 1j * y).real


@dispatched
def imag_of(x: Any, y: Any, name: str) -> Any:
    """The imaginary part of a function of x + iy, by its name in `scipy.special`."""
    return getattr(scipy.special, name)(x + 1j * y).imag


def _sample(name: str) -> Sample:
    return lambda rng: (rng.uniform(0.3, 1.5, (2, 3)), rng.normal(size=(2, 3)), {"name": name})


_SAMPLES = [_sample(name) for name in _DERIVATIVES]
defop(
    real_of,
    name="real_of",
    vjp=(
        lambda g, u, x, y, name: g * np.real(_DERIVATIVES[name](Complex(x, y))),
        lambda g, u, x, y, name: -g * np.imag(_DERIVATIVES[name](Complex(x, y))),
    ),
    math=(
        r"\bar x = \bar u \odot \operatorname{Re} f'(x + i y)",
        r"\bar y = -\bar u \odot \operatorname{Im} f'(x + i y)",
    ),
    samples=_SAMPLES,
)
defop(
    imag_of,
    name="imag_of",
    vjp=(
        lambda g, u, x, y, name: g * np.imag(_DERIVATIVES[name](Complex(x, y))),
        lambda g, u, x, y, name: g * np.real(_DERIVATIVES[name](Complex(x, y))),
    ),
    math=(
        r"\bar x = \bar u \odot \operatorname{Im} f'(x + i y)",
        r"\bar y = \bar u \odot \operatorname{Re} f'(x + i y)",
    ),
    samples=_SAMPLES,
)


def _of_parts(name: str) -> Callable[[Any], Complex]:
    def of_parts(z: Any) -> Complex:
        z = as_complex(z)
        return Complex(real_of(z.real, z.imag, name=name), imag_of(z.real, z.imag, name=name))

    return of_parts


TABLE.update({getattr(sp, name): _of_parts(name) for name in _DERIVATIVES})
